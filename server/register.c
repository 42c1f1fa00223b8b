/*
 * register.c - a trunk: we are its client.
 *
 *     REGISTER >        < 401        REGISTER with credentials >        < 200, expires
 *     ... at 80 to 90 % of that time again; OPTIONS in between, so that a dead trunk is known before somebody dials
 *
 * A failure is tried again after a time that doubles, drawn at random from its upper half (RFC 5626 4.5), so that a
 * thousand clients of a provider that comes back do not come back in one second. 503 with Retry-After is obeyed.
 *
 * Credentials go out only for the realm in the settings and only towards where the trunk's URI leads: a challenge
 * with another realm is a failure, a redirect is not followed.
 */
#include <string.h>
#include "auth.h"
#include "control/log.h"
#include "control/wheel.h"
#include "register.h"

enum {
	BACKOFF_BASE_S = 30, BACKOFF_MAX_S = 1800,        /* RFC 5626 4.5: base-time (if all failed), max-time */
	RETRY_AFTER_MAX_S = 3600,
	EXPIRES_MIN_S = 10, EXPIRES_MAX_S = 86400,
	PEERS_MAX = 8,
	TRIES_MAX = 3,                                    /* requests in one attempt: plain, with credentials, stale or 423 */
};

struct trunk {
	struct sips *sips;
	char *name, *uri, *user, *password, *realm, *host, *aor;
	enum sip_transp tp;
	uint32_t expires_s, ask_s, keepalive_s;
	struct sip_request *reg, *opt;
	char callid[40], opt_callid[40];
	uint64_t tag;
	uint32_t cseq, opt_cseq;
	unsigned tries, fails;
	bool registered, alive, was_up, stopping;
	char contact[256];                                /* as sent last */
	struct sa peers[PEERS_MAX];
	unsigned n_peers, next_peer;
	struct wheel_tmr reg_tmr, opt_tmr;
};

static void send_register(struct trunk *t, const char *auth);
static void attempt(void *arg);
static void keep_alive(void *arg);

static void trunk_destructor(void *data)
{
	struct trunk *t = data;

	wheel_cancel(&t->reg_tmr);
	wheel_cancel(&t->opt_tmr);
	mem_deref(t->reg);
	mem_deref(t->opt);
	mem_deref(t->name);
	mem_deref(t->uri);
	mem_deref(t->user);
	mem_deref(t->password);
	mem_deref(t->realm);
	mem_deref(t->host);
	mem_deref(t->aor);
}

/* --- up and down --- */

bool trunk_up(const struct trunk *t)
{
	return t && !t->stopping && (t->registered || !t->expires_s) && t->alive;
}

static void tell(struct trunk *t, const char *why)
{
	bool up = trunk_up(t);
	char quoted[160];

	if (up == t->was_up)
		return;
	t->was_up = up;
	if (up)
		log_info("trunk.up", "trunk=%s", t->name);
	else
		log_warning("trunk.down", "trunk=%s reason=%s", t->name,
			    log_quote(quoted, sizeof(quoted), why, strlen(why)));
}

static const char *reason(char *buf, size_t size, int err, const struct sip_msg *msg)
{
	if (msg)
		(void)re_snprintf(buf, size, "%u %r", msg->scode, &msg->reason);
	else
		(void)re_snprintf(buf, size, "%s", strerror(err));
	return buf;
}

/* --- who the trunk is --- */

bool trunk_is_peer(const struct trunk *t, const struct sa *src)
{
	for (unsigned i = 0; t && i < t->n_peers; i++)
		if (sa_cmp(&t->peers[i], src, SA_ADDR))
			return true;
	return false;
}

static void learn_peer(struct trunk *t, const struct sa *addr)
{
	if (trunk_is_peer(t, addr))
		return;
	sa_cpy(&t->peers[t->next_peer], addr);
	t->next_peer = (t->next_peer + 1) % PEERS_MAX;
	if (t->n_peers < PEERS_MAX)
		t->n_peers++;
}

/* --- requests --- */

/* Called when libre knows where the request goes: the Contact must be reachable from there. */
static int send_handler(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct trunk *t = arg;
	int err;

	learn_peer(t, dst);
	err = sips_contact(t->sips, t->contact, sizeof(t->contact), t->user, false, tp, src, dst);
	return err ? err : mbuf_printf(mb, "Contact: %s\r\n", t->contact);
}

static int find_stack(const struct trunk *t, struct sip **sip)
{
	struct sa dst;

	return sips_towards(t->sips, sip, t->tp, sa_set_str(&dst, t->host, 0) ? NULL : &dst);
}

static uint32_t jitter(uint32_t ms, uint32_t from_percent, uint32_t to_percent)
{
	return (uint32_t)((uint64_t)ms * (from_percent + rand_u32() % (to_percent - from_percent + 1)) / 100);
}

/* --- REGISTER --- */

static void failed(struct trunk *t, uint32_t at_least_s, const char *why)
{
	uint32_t wait_s = t->fails < 6 ? BACKOFF_BASE_S << t->fails : BACKOFF_MAX_S, ms = jitter(wait_s * 1000, 50, 100);
	char quoted[160];

	if (t->fails++ == 0 && !t->was_up)                /* once; and tell() says it when it was up */
		log_warning("trunk.failed", "trunk=%s reason=%s", t->name,
			    log_quote(quoted, sizeof(quoted), why, strlen(why)));
	t->registered = false;
	tell(t, why);
	if (ms < at_least_s * 1000)
		ms = at_least_s * 1000;
	wheel_start(&t->reg_tmr, ms, attempt, t);
}

static bool is_my_contact(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	const struct trunk *t = arg;
	struct sip_addr mine, theirs;
	struct pl pl;

	pl_set_str(&pl, t->contact);
	return !sip_addr_decode(&mine, &pl) && !sip_addr_decode(&theirs, &hdr->val) &&
	       !pl_cmp(&mine.uri.user, &theirs.uri.user) && !pl_casecmp(&mine.uri.host, &theirs.uri.host) &&
	       mine.uri.port == theirs.uri.port;
}

/* RFC 3261 10.2.4: the expires parameter of our Contact, else the Expires header, else what we asked for. */
static uint32_t granted(struct trunk *t, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, is_my_contact, t);
	struct sip_addr addr;
	struct pl val;

	if (hdr && !sip_addr_decode(&addr, &hdr->val) && !msg_param_decode(&addr.params, "expires", &val))
		return pl_u32(&val);
	return pl_isset(&msg->expires) ? pl_u32(&msg->expires) : t->ask_s;
}

static void accepted(struct trunk *t, const struct sip_msg *msg)
{
	uint32_t s = granted(t, msg);

	s = s < EXPIRES_MIN_S ? EXPIRES_MIN_S : s > EXPIRES_MAX_S ? EXPIRES_MAX_S : s;
	t->registered = true;
	t->fails = 0;
	if (!t->keepalive_s)
		t->alive = true;
	else if (!wheel_running(&t->opt_tmr) && !t->opt)
		keep_alive(t);
	tell(t, "");
	wheel_start(&t->reg_tmr, jitter(s * 1000, 80, 90), attempt, t);
}

/* RFC 3261 10.2.8: 423 "MUST" carry the least interval the registrar takes; we come back with it at once. */
static bool too_brief(struct trunk *t, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_MIN_EXPIRES);
	uint32_t min = hdr ? pl_u32(&hdr->val) : 0;

	if (min <= t->ask_s || min > EXPIRES_MAX_S)
		return false;
	t->ask_s = min;
	return true;
}

static bool challenged(struct trunk *t, const struct sip_msg *msg)
{
	const struct auth_cred cred = { .realm = t->realm, .user = t->user, .password = t->password };
	char line[2048];
	uint32_t nc = 0;
	int err = auth_answer(line, sizeof(line), msg, "REGISTER", t->uri, &cred, &nc);

	if (err)
		return false;
	send_register(t, line);
	return true;
}

static uint32_t retry_after(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = msg ? sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER) : NULL;
	uint32_t s = hdr ? pl_u32(&hdr->val) : 0;

	return s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : s;
}

/* Does the attempt go on with another request? A second 401 is only for a nonce that grew old (stale=true). */
static bool goes_on(struct trunk *t, const struct sip_msg *msg)
{
	if (t->tries >= TRIES_MAX)
		return false;
	if (msg->scode == 401 || msg->scode == 407)
		return challenged(t, msg);
	if (msg->scode == 423 && !t->stopping && too_brief(t, msg)) {
		send_register(t, NULL);
		return true;
	}
	return false;
}

static void register_response(int err, const struct sip_msg *msg, void *arg)
{
	struct trunk *t = arg;
	char why[128];

	if (err == ECONNABORTED && !t->stopping)
		return;                                   /* the stack is being closed */
	if (!err && !msg)
		err = ETIMEDOUT;
	if (!err && (msg->scode < 200 || goes_on(t, msg)))
		return;
	if (t->stopping)
		mem_deref(t);                             /* the reference trunk_stop took */
	else if (!err && msg->scode < 300)
		accepted(t, msg);
	else
		failed(t, retry_after(msg), reason(why, sizeof(why), err, msg));
}

static void send_register(struct trunk *t, const char *auth)
{
	struct sip *sip;
	int err = find_stack(t, &sip);

	t->tries++;
	if (!err)
		err = sip_requestf(&t->reg, sip, true, "REGISTER", t->uri, NULL, NULL, send_handler, register_response, t,
				   "Max-Forwards: 70\r\n"
				   "To: <%s>\r\n"
				   "From: <%s>;tag=%016llx\r\n"
				   "Call-ID: %s\r\n"
				   "CSeq: %u REGISTER\r\n"
				   "Expires: %u\r\n"
				   "%s"
				   "User-Agent: %s\r\n"
				   "Content-Length: 0\r\n\r\n",
				   t->aor, t->aor, t->tag, t->callid, ++t->cseq, t->stopping ? 0 : t->ask_s, auth ? auth : "",
				   sips_software(t->sips));
	if (!err)
		return;
	if (t->stopping)
		mem_deref(t);
	else
		failed(t, 0, strerror(err));
}

static void attempt(void *arg)
{
	struct trunk *t = arg;

	t->tries = 0;
	t->reg = mem_deref(t->reg);
	send_register(t, NULL);
}

/* --- OPTIONS --- */

/* Any answer shows that somebody is there, but those that say nobody is behind it. */
static bool is_life(int err, const struct sip_msg *msg)
{
	return !err && msg && msg->scode != 408 && msg->scode != 503;
}

static void options_response(int err, const struct sip_msg *msg, void *arg)
{
	struct trunk *t = arg;
	char why[128];

	if (err == ECONNABORTED || (msg && msg->scode < 200))
		return;
	t->alive = is_life(err, msg);
	tell(t, reason(why, sizeof(why), err, msg));
	wheel_start(&t->opt_tmr, jitter(t->keepalive_s * 1000, 90, 110), keep_alive, t);
}

static void keep_alive(void *arg)
{
	struct trunk *t = arg;
	struct sip *sip;
	int err = find_stack(t, &sip);

	if (!err)
		err = sip_requestf(&t->opt, sip, true, "OPTIONS", t->uri, NULL, NULL, send_handler, options_response, t,
				   "Max-Forwards: 70\r\n"
				   "To: <%s>\r\n"
				   "From: <%s>;tag=%016llx\r\n"
				   "Call-ID: %s\r\n"
				   "CSeq: %u OPTIONS\r\n"
				   "Accept: application/sdp\r\n"
				   "User-Agent: %s\r\n"
				   "Content-Length: 0\r\n\r\n",
				   t->uri, t->aor, t->tag, t->opt_callid, ++t->opt_cseq, sips_software(t->sips));
	if (err) {
		t->alive = false;
		tell(t, strerror(err));
		wheel_start(&t->opt_tmr, jitter(t->keepalive_s * 1000, 90, 110), keep_alive, t);
	}
}

/* --- begin and end --- */

/* The address of record: no port, no parameters (RFC 3261 10.2: To of a REGISTER). */
static int make_aor(struct trunk *t, const struct uri *uri)
{
	bool ip6 = strchr(t->host, ':') != NULL;
	struct pl user;

	pl_set_str(&user, t->user);
	return re_sdprintf(&t->aor, "%r:%H%s%s%s%s", &uri->scheme, uri_user_escape, &user, user.l ? "@" : "", ip6 ? "[" : "",
			   t->host, ip6 ? "]" : "");
}

static int read_uri(struct trunk *t)
{
	struct pl pl, val;
	struct uri uri;
	bool secure;
	int err;

	pl_set_str(&pl, t->uri);
	err = uri_decode(&uri, &pl);
	if (err || !uri.host.l || strpbrk(t->uri, " \t\r\n\"<>"))
		return EINVAL;                            /* it goes into header lines as it is */
	secure = !pl_strcasecmp(&uri.scheme, "sips");
	if (!secure && pl_strcasecmp(&uri.scheme, "sip"))
		return EINVAL;
	t->tp = secure ? SIP_TRANSP_TLS : SIP_TRANSP_NONE;
	if (!secure && !msg_param_decode(&uri.params, "transport", &val))
		t->tp = !pl_strcasecmp(&val, "tcp") ? SIP_TRANSP_TCP :
			!pl_strcasecmp(&val, "tls") ? SIP_TRANSP_TLS : SIP_TRANSP_UDP;
	err = pl_strdup(&t->host, &uri.host);
	return err ? err : make_aor(t, &uri);
}

static int copy(char **dst, const char *src)
{
	return str_dup(dst, src ? src : "");
}

static int copy_conf(struct trunk *t, const struct trunk_conf *conf)
{
	int err = copy(&t->name, conf->name);

	err = err ? err : copy(&t->uri, conf->uri);
	err = err ? err : copy(&t->user, conf->user);
	err = err ? err : copy(&t->password, conf->password);
	err = err ? err : copy(&t->realm, conf->realm);
	t->expires_s = t->ask_s = conf->expires_s > EXPIRES_MAX_S ? EXPIRES_MAX_S : conf->expires_s;
	t->keepalive_s = conf->keepalive_s;
	return err ? err : read_uri(t);
}

int trunk_alloc(struct trunk **tp, struct sips *sips, const struct trunk_conf *conf)
{
	struct trunk *t;
	struct sa sa;
	int err;

	if (!tp || !sips || !conf || !conf->uri || (conf->expires_s && !str_isset(conf->user)))
		return EINVAL;
	t = mem_zalloc(sizeof(*t), trunk_destructor);
	if (!t)
		return ENOMEM;
	t->sips = sips;
	t->tag = rand_u64();
	(void)re_snprintf(t->callid, sizeof(t->callid), "%016llx%016llx", rand_u64(), rand_u64());
	(void)re_snprintf(t->opt_callid, sizeof(t->opt_callid), "%016llx%016llx", rand_u64(), rand_u64());
	err = copy_conf(t, conf);
	if (err) {
		mem_deref(t);
		return err;
	}
	if (!sa_set_str(&sa, t->host, 0))
		learn_peer(t, &sa);
	t->alive = !t->keepalive_s;
	if (t->expires_s)
		attempt(t);
	else if (t->keepalive_s)
		keep_alive(t);
	else
		tell(t, "");
	*tp = t;
	return 0;
}

/* The last REGISTER lives on without its owner: it may have to be sent again with credentials. */
void trunk_stop(struct trunk *t)
{
	bool may_be_bound;

	if (!t || t->stopping)
		return;
	may_be_bound = t->registered || t->reg;
	wheel_cancel(&t->reg_tmr);
	wheel_cancel(&t->opt_tmr);
	t->reg = mem_deref(t->reg);
	t->opt = mem_deref(t->opt);
	t->stopping = true;
	if (!may_be_bound)
		return;
	t->tries = 0;
	mem_ref(t);
	send_register(t, NULL);
}
