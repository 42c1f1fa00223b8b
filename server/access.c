/*
 * access.c - who may come in, who may be dialled, and what a number means.
 *
 * The order of the questions (access_check): is there an account's proof in the request? does the sender claim to be an
 * account (From) and has to prove it? must everybody prove it (auth.required)? is it a trunk of ours? is it from a network
 * that rooms.open-to lets in? A name in From that belongs to an account is never taken on trust: else a caller from the
 * local network would be host by writing a name.
 */
#include <ctype.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include "access.h"
#include "auth.h"
#include "sip.h"
#include "control/log.h"

enum open_to { OPEN_NONE, OPEN_LOCAL, OPEN_ANY };

struct access {
	const struct config *cfg;
	struct auth *auth;
	enum open_to open_to;
	bool auth_required;
	char name[64];                    /* of the account looked up last */
};

static void destructor(void *arg)
{
	struct access *a = arg;

	mem_deref(a->auth);
}

static bool account_lookup(struct auth_account *acc, const struct pl *user, void *arg)
{
	struct access *a = arg;

	if (pl_strcpy(user, a->name, sizeof(a->name)))
		return false;

	acc->user     = a->name;
	acc->password = config_sub(a->cfg, "account", a->name, "password");
	acc->role     = config_sub(a->cfg, "account", a->name, "role");

	return acc->password && acc->password[0];
}

static void settings_read(struct access *a)
{
	const char *open_to = config_str(a->cfg, "rooms.open-to");

	a->open_to = !strcmp(open_to, "any") ? OPEN_ANY : !strcmp(open_to, "none") ? OPEN_NONE : OPEN_LOCAL;
	a->auth_required = config_bool(a->cfg, "auth.required");
}

int access_alloc(struct access **ap, const struct config *cfg)
{
	struct access *a = mem_zalloc(sizeof(*a), destructor);
	int err;

	if (!a)
		return ENOMEM;

	a->cfg = cfg;
	settings_read(a);

	err = auth_alloc(&a->auth, config_str(cfg, "auth.realm"), config_uint(cfg, "auth.nonce-life"), account_lookup, a);
	if (err)
		mem_deref(a);
	else
		*ap = a;

	return err;
}

void access_reload(struct access *a, const struct config *cfg)
{
	a->cfg = cfg;
	settings_read(a);
}

static bool mask_match(const uint8_t *a, const uint8_t *b, const uint8_t *mask, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((a[i] ^ b[i]) & mask[i])
			return false;

	return true;
}

static bool on_link(const struct sa *src, const struct ifaddrs *ifa)
{
	if (!ifa->ifa_addr || !ifa->ifa_netmask || !(ifa->ifa_flags & IFF_UP) || ifa->ifa_addr->sa_family != sa_af(src))
		return false;

	if (sa_af(src) == AF_INET)
		return mask_match((const uint8_t *)&src->u.in.sin_addr,
				  (const uint8_t *)&((struct sockaddr_in *)ifa->ifa_addr)->sin_addr,
				  (const uint8_t *)&((struct sockaddr_in *)ifa->ifa_netmask)->sin_addr, 4);

	return mask_match((const uint8_t *)&src->u.in6.sin6_addr,
			  (const uint8_t *)&((struct sockaddr_in6 *)ifa->ifa_addr)->sin6_addr,
			  (const uint8_t *)&((struct sockaddr_in6 *)ifa->ifa_netmask)->sin6_addr, 16);
}

static bool access_is_local(const struct sa *src)
{
	struct ifaddrs *list = NULL;
	bool found = false;

	if (sa_is_loopback(src))
		return true;

	if (getifaddrs(&list))
		return false;

	for (const struct ifaddrs *i = list; i && !found; i = i->ifa_next)
		found = on_link(src, i);

	freeifaddrs(list);

	return found;
}

static bool claims_account(struct access *a, const struct sip_msg *msg)
{
	struct auth_account acc;

	return pl_isset(&msg->from.uri.user) && account_lookup(&acc, &msg->from.uri.user, a);
}

/* The user name in the credentials is the account that counts; a From that names somebody else is refused, or a listener
 * with a valid password of its own could speak under the host's name. */
static bool from_is(const struct sip_msg *msg, const char *user)
{
	return !pl_strcasecmp(&msg->from.uri.user, user);
}

static void accept_account(struct access_result *res, const struct auth_account *acc, const struct sip_msg *msg)
{
	str_ncpy(res->who.account, acc->user, sizeof(res->who.account));

	if (role_parse(&res->who.role, acc->role))
		res->who.role = ROLE_SPEAKER;

	res->verdict = from_is(msg, res->who.account) ? ACCESS_OK : ACCESS_FORBIDDEN;
}

static bool admitted_unknown(const struct access *a, const struct access_who *who)
{
	if (who->trunk)
		return true;

	return a->open_to == OPEN_ANY || (a->open_to == OPEN_LOCAL && who->local);
}

void access_check(struct access *a, struct access_result *res, const struct sip_msg *msg, bool from_trunk)
{
	struct auth_account acc = {0};

	memset(res, 0, sizeof(*res));
	res->who.role  = ROLE_SPEAKER;
	res->who.local = access_is_local(&msg->src);
	res->who.trunk = from_trunk;

	switch (auth_check(a->auth, &acc, msg, false, tmr_jiffies())) {

	case AUTH_OK:
		accept_account(res, &acc, msg);
		return;

	case AUTH_STALE:
		res->verdict = ACCESS_CHALLENGE;
		res->stale   = true;
		return;

	case AUTH_WRONG:
		res->verdict = ACCESS_CHALLENGE;
		res->wrong   = true;
		return;

	case AUTH_BAD:
		res->verdict = ACCESS_BAD;
		return;

	case AUTH_NONE:
		break;
	}

	if (!from_trunk && (a->auth_required || claims_account(a, msg)))
		res->verdict = ACCESS_CHALLENGE;
	else
		res->verdict = admitted_unknown(a, &res->who) ? ACCESS_OK : ACCESS_FORBIDDEN;
	res->outside = res->verdict == ACCESS_FORBIDDEN && a->open_to == OPEN_LOCAL;
}

int access_challenge(struct access *a, char *buf, size_t size, const struct sip_msg *msg, bool stale)
{
	return auth_challenge(a->auth, buf, size, msg, false, stale, tmr_jiffies());
}

bool access_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *mark = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			mark = text;
		}
		else if (tolower((unsigned char)*pattern) == tolower((unsigned char)*text)) {
			++pattern;
			++text;
		}
		else if (star) {
			pattern = star + 1;
			text = ++mark;
		}
		else {
			return false;
		}
	}

	while (*pattern == '*')
		++pattern;

	return !*pattern;
}

struct dial_query { const char *uri; bool allowed; };

static void dial_pattern(const char *pattern, void *arg)
{
	struct dial_query *q = arg;

	q->allowed = q->allowed || access_glob(pattern, q->uri);
}

/* What a pattern is held against: scheme, user, host and port as they will be used. Not the text as it came, in which
 * "sip:x@evil.example;a=@pbx.example" ends like an allowed one. maddr would lead the request elsewhere, and headers are
 * for no call of ours. */
static int dial_text(char *buf, size_t size, const char *text)
{
	struct uri uri;
	struct pl pl;
	int n;

	pl_set_str(&pl, text);
	if (uri_decode(&uri, &pl) || pl_isset(&uri.headers) || sip_param(&uri.params, "maddr", NULL))
		return EINVAL;

	n = re_snprintf(buf, size, pl_strchr(&uri.host, ':') ? "%r:%r%s[%r]" : "%r:%r%s%r", &uri.scheme, &uri.user,
			pl_isset(&uri.user) ? "@" : "", &uri.host);
	if (n > 0 && uri.port)
		n = re_snprintf(buf + n, size - (size_t)n, ":%u", uri.port);

	return n < 0 ? EOVERFLOW : 0;
}

bool access_may_dial(const struct access *a, const char *uri)
{
	char text[320];
	struct dial_query q = { .uri = text };

	if (dial_text(text, sizeof(text), uri))
		return false;

	config_list(a->cfg, "dial.allow", dial_pattern, &q);

	return q.allowed;
}

const char *access_did(const struct access *a, const char *number)
{
	const char *room = config_sub(a->cfg, "did", number, "room");

	return room && room[0] ? room : NULL;
}

struct domain_query { const struct pl *host; bool any, found; };

static void domain_word(const char *word, void *arg)
{
	struct domain_query *q = arg;

	q->any = true;
	q->found = q->found || !pl_strcasecmp(q->host, word);
}

static struct domain_query domain_ask(const struct access *a, const struct pl *host)
{
	struct domain_query q = { .host = host };

	config_list(a->cfg, "sip.domain", domain_word, &q);

	return q;
}

bool access_domain_ours(const struct access *a, const struct pl *host)
{
	const struct domain_query q = domain_ask(a, host);
	struct sa addr;

	return !q.any || q.found || !sa_set(&addr, host, 0);      /* an address is how the request found us */
}

bool access_domain_named(const struct access *a, const struct pl *host)
{
	return domain_ask(a, host).found;
}
