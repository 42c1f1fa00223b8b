/*
 * joincall.c - our seat in a room: one call after the other, until it is told to hang up or there is no use.
 *
 *     start > look up the name > our address towards it > a stack on that address > joinend > up
 *       ^                                                                              |
 *       +--- waiting: 0, 1, 2, 4 .. 15 s <--- lost: silence, 481, BYE of a server that stops, another address of ours
 *                                             final: BYE, 403, 404, 486 ...: over
 *
 * There is a stack for the one address from which the kernel would send to the peer, so what stands in Contact and SDP
 * is where we are. A laptop that goes from cable to WLAN has another one: then all is made anew. From, with its part
 * that is drawn once for each program, stays: by it the server knows who comes back to its seat.
 */
#include <string.h>
#include "joinend.h"
#include "joinstack.h"
#include "reach.h"
#include "mixer/dtlskey.h"

enum { WATCH_MS = 1000, GOODBYE_MS = 300, STEADY_MS = 5000, WORDS = 128 };

struct joincall {
	struct joincall_conf conf;
	char *strings[10];                /* conf's own */
	size_t n_strings;
	struct reach reach;
	char identity[REACH_MAX];         /* From; "": not known yet */
	uint32_t drawn;
	struct sips *sips;
	struct sessions *sessions;
	struct joinend *end;
	struct dtlscert *cert;            /* for keys by DTLS */
	struct reach_lookup *lookup;
	struct sa src;                    /* our address */
	struct tmr tmr_again, tmr_watch, tmr_over, tmr_steady;
	enum joincall_state state;
	char why[WORDS], peer[256];
	unsigned tries;                   /* since it was last up */
	unsigned calls;                   /* in all: which transport's turn it is */
	uint64_t again_at_ms;
	uint16_t scode;                   /* of the last end */
	joincall_h *h;
	void *arg;
};

static void dial(struct joincall *c);

static void tell(struct joincall *c, enum joincall_state st, const char *why)
{
	c->state = st;
	str_ncpy(c->why, why ? why : "", sizeof(c->why));
	if (c->h)
		c->h(st, c->why, c->arg);
}

/* --- the stack --- */

static void stack_close(struct joincall *c)
{
	c->end = mem_deref(c->end);
	joinstack_close(&c->sips, &c->sessions);
}

static void invite_handler(const struct sip_msg *msg, void *arg);

static int stack_open(struct joincall *c, const char *listen)
{
	const struct joinstack_conf conf = {
		.listen = listen,
		.tls_peer = c->conf.tls_verify && c->reach.host[0] ? c->reach.host : NULL,
		.tls_ca = c->conf.tls_ca,
		.inviteh = invite_handler,
		.arg = c,
	};

	return joinstack_open(&c->sips, &c->sessions, &conf);
}

/* Who calls listens where it calls from. */
static int source_open(struct joincall *c, enum sip_transp tp)
{
	char words[JOINSTACK_LISTEN];
	struct sa src;
	int err = reach_source(&src, &c->reach.addr);

	if (err)
		return err;
	if (c->sips && sa_cmp(&src, &c->src, SA_ADDR))
		return 0;
	stack_close(c);
	c->src = src;
	if (c->conf.listen && c->conf.listen[0])
		return stack_open(c, c->conf.listen);
	err = joinstack_at(words, &src, tp);
	return err ? err : stack_open(c, words);
}

/* Who is called listens everywhere. */
static int listen_open(struct joincall *c)
{
	return stack_open(c, c->conf.listen && c->conf.listen[0] ? c->conf.listen : joinstack_anywhere());
}

/* --- lost and found --- */

static void again_handler(void *arg)
{
	struct joincall *c = arg;

	c->again_at_ms = 0;
	dial(c);
}

static void wait_again(struct joincall *c, uint32_t least_ms, const char *why)
{
	uint32_t ms = MAX(reach_wait_ms(c->tries), least_ms);

	c->tries++;
	c->again_at_ms = tmr_jiffies() + ms;
	tmr_start(&c->tmr_again, ms, again_handler, c);
	tell(c, JOINCALL_WAITING, why);
}

static void steady_handler(void *arg)
{
	((struct joincall *)arg)->tries = 0;
}

/* To another room of that server: at once. */
static void moved(struct joincall *c, const char *uri)
{
	struct reach r;

	if (reach_read(&r, uri))
		return;
	r.addr   = c->reach.addr;
	c->reach = r;
	c->tries = 0;
}

static void ended(struct joincall *c, const struct joinend_news *n)
{
	const uint32_t wait_ms = n->wait_ms;
	const bool final = n->final, deaf = n->deaf;
	char why[WORDS];

	str_ncpy(why, n->why, sizeof(why));
	c->scode = n->scode;
	if (n->moved)
		moved(c, n->moved);
	tmr_cancel(&c->tmr_steady);
	c->end = mem_deref(c->end);               /* n is part of it */
	/* libre sends an INVITE for 32 s, and a server that comes up meanwhile would see two of us. */
	if (deaf && !c->conf.answer)
		stack_close(c);
	if (c->conf.answer)
		tell(c, JOINCALL_IDLE, why);
	else if (final)
		tell(c, JOINCALL_OVER, why);
	else
		wait_again(c, wait_ms, why);
}

static void end_handler(const struct joinend_news *n, void *arg)
{
	struct joincall *c = arg;

	switch (n->what) {

	case JOINEND_RINGING:
		tell(c, JOINCALL_RINGING, "");
		return;

	case JOINEND_UP:
		/* A server that takes calls and loses them at once is not called without a pause. */
		tmr_start(&c->tmr_steady, STEADY_MS, steady_handler, c);
		tell(c, JOINCALL_UP, "");
		return;

	case JOINEND_CHANGED:
		tell(c, c->state, "");
		return;

	case JOINEND_OVER:
		ended(c, n);
		return;
	}
}

/* The kernel would now send from elsewhere: what the server sends to the old address comes no more. */
static void watch_handler(void *arg)
{
	struct joincall *c = arg;
	struct sa src;

	tmr_start(&c->tmr_watch, WATCH_MS, watch_handler, c);
	if (!c->end || c->conf.answer || (c->conf.listen && c->conf.listen[0]) || reach_source(&src, &c->reach.addr))
		return;
	if (!sa_cmp(&src, &c->src, SA_ADDR))
		joinend_lost(c->end, "the network has changed");
}

/* --- calling --- */

/* Drawn once: by it we are known again. */
static void identity_make(struct joincall *c)
{
	if (!c->identity[0])
		reach_identity(c->identity, c->conf.user, c->conf.name, c->drawn, c->reach.host);
}

static int end_call(struct joincall *c, enum sip_transp tp)
{
	const struct joinend_conf conf = {
		.call = &c->conf,
		.sips = c->sips,
		.sessions = c->sessions,
		.local = c->src,
		.cert = c->cert,
		.near = reach_near(&c->reach),
		.user = "tutti-join",
		.peer = c->reach.user,
		.h = end_handler,
		.arg = c,
	};
	char uri[REACH_MAX + 16], route[REACH_MAX] = "";
	struct session_out out = {.uri = uri, .from_uri = c->identity, .from_name = c->conf.name, .route = route};
	int err = reach_uri(uri, sizeof(uri), &c->reach, tp);

	if (!err)
		err = reach_route(route, sizeof(route), &c->reach, tp);
	if (c->conf.proxy && c->conf.proxy[0])
		out.route = c->conf.proxy;
	else if (!route[0])
		out.route = NULL;
	return err ? err : joinend_call(&c->end, &conf, &out);
}

static const char *error_words(int err)
{
	return err == ENETUNREACH || err == EHOSTUNREACH ? "no network" : strerror(err);
}

static void call_now(struct joincall *c)
{
	enum sip_transp tp = reach_transp(&c->reach, c->calls++);
	int err = source_open(c, tp);

	identity_make(c);
	if (!err)
		err = end_call(c, tp);
	if (err)
		wait_again(c, 1000, error_words(err));
}

static void found(int err, const struct sa *addr, void *arg)
{
	struct joincall *c = arg;

	c->lookup = mem_deref(c->lookup);
	/* What name servers say of services (SRV) is libre's to ask; here it is only which way is ours. */
	if (!err)
		c->reach.addr = *addr;
	call_now(c);
}

static void dial(struct joincall *c)
{
	struct sa sa;
	bool number = !sa_set_str(&sa, c->reach.host, 0) || !str_casecmp(c->reach.host, "localhost");

	c->end = mem_deref(c->end);
	tell(c, JOINCALL_CALLING, "");
	if (number || reach_lookup(&c->lookup, c->reach.host, found, c))
		call_now(c);
}

/* --- being called --- */

static void invite_handler(const struct sip_msg *msg, void *arg)
{
	struct joincall *c = arg;
	struct joinend_conf conf = {
		.call = &c->conf,
		.sips = c->sips,
		.sessions = c->sessions,
		.local = msg->dst,
		.source = msg->src,
		.cert = c->cert,
		.near = sip_sa_private(&msg->src),
		.user = "tutti-join",
		.h = end_handler,
		.arg = c,
	};
	char peer[128] = "";

	if (!c->conf.answer || c->end || c->state == JOINCALL_OVER) {
		(void)sips_replyf(c->sips, msg, 486, "Busy Here", NULL);
		return;
	}
	(void)pl_strcpy(pl_isset(&msg->from.dname) ? &msg->from.dname : &msg->from.uri.user, peer, sizeof(peer));
	conf.peer = peer;
	(void)joinend_answer(&c->end, &conf, msg);
	if (c->end)
		tell(c, JOINCALL_RINGING, "");
}

/* --- life --- */

static void destructor(void *arg)
{
	struct joincall *c = arg;

	tmr_cancel(&c->tmr_again);
	tmr_cancel(&c->tmr_watch);
	tmr_cancel(&c->tmr_over);
	tmr_cancel(&c->tmr_steady);
	mem_deref(c->lookup);
	stack_close(c);
	mem_deref(c->cert);
	for (size_t i = 0; i < c->n_strings; i++)
		mem_deref(c->strings[i]);
}

static int keep(struct joincall *c, const char **s)
{
	int err;

	if (!*s)
		return 0;
	err = str_dup(&c->strings[c->n_strings], *s);
	if (!err)
		*s = c->strings[c->n_strings++];
	return err;
}

static int strings_keep(struct joincall *c)
{
	struct joincall_conf *conf = &c->conf;
	const char **const all[] = {&conf->uri,      &conf->listen, &conf->name,   &conf->user,
				    &conf->password, &conf->proxy,  &conf->codecs, &conf->tls_ca};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all) && !err; i++)
		err = keep(c, all[i]);
	if (!err && conf->user && !conf->user[0])
		conf->user = NULL;
	return err;
}

int joincall_alloc(struct joincall **cp, const struct joincall_conf *conf, joincall_h *h, void *arg)
{
	struct joincall *c;
	int err;

	if (!conf->mixer || (!conf->uri && !conf->answer))
		return EINVAL;
	c = mem_zalloc(sizeof(*c), destructor);
	if (!c)
		return ENOMEM;
	c->conf  = *conf;
	c->h     = h;
	c->arg   = arg;
	c->drawn = conf->number ? conf->number : rand_u32();
	err = strings_keep(c);
	if (!err)
		err = dtlscert_alloc(&c->cert);
	if (!err && !conf->answer)
		err = reach_read(&c->reach, conf->uri);
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}

int joincall_start(struct joincall *c)
{
	int err = 0;

	if (c->state != JOINCALL_IDLE || c->sips)
		return EALREADY;
	tmr_start(&c->tmr_watch, WATCH_MS, watch_handler, c);
	if (!c->conf.answer) {
		dial(c);
		return 0;
	}
	err = listen_open(c);
	if (!err)
		tell(c, JOINCALL_IDLE, "");
	return err;
}

static void over_handler(void *arg)
{
	tell(arg, JOINCALL_OVER, "");
}

void joincall_hangup(struct joincall *c)
{
	bool said = c->end != NULL;

	if (c->state == JOINCALL_OVER || tmr_isrunning(&c->tmr_over))
		return;
	tmr_cancel(&c->tmr_again);
	tmr_cancel(&c->tmr_watch);
	tmr_cancel(&c->tmr_steady);
	c->lookup = mem_deref(c->lookup);
	c->end    = mem_deref(c->end);
	/* A moment for the BYE to arrive, and to go once more where it is lost. */
	tmr_start(&c->tmr_over, said ? GOODBYE_MS : 0, over_handler, c);
}

/* --- asked --- */

enum joincall_state joincall_state(const struct joincall *c)      { return c->state; }
struct leg *joincall_leg(const struct joincall *c)                { return joinend_leg(c->end); }
struct player *joincall_player(const struct joincall *c)          { return joinend_player(c->end); }

void joincall_info(const struct joincall *c, struct joincall_info *i)
{
	memset(i, 0, sizeof(*i));
	str_ncpy(i->peer, c->reach.uri, sizeof(i->peer));
	i->tries = c->tries;
	i->scode = c->scode;
	if (c->state == JOINCALL_WAITING && c->again_at_ms > tmr_jiffies())
		i->again_s = (uint32_t)((c->again_at_ms - tmr_jiffies() + 999) / 1000);
	if (c->end)
		joinend_info(c->end, i);
}

int joincall_listener(const struct joincall *c, size_t n, enum sip_transp *tp, struct sa *addr)
{
	return c->sips ? sips_listener(c->sips, n, tp, addr) : ENOENT;
}
