/*
 * room.c - a toy owner of sessions.
 */
#include <stdio.h>
#include <string.h>
#include <glib.h>
#include "room.h"

static void note(struct room *r, const char *word)
{
	size_t n = strlen(r->diary);

	(void)snprintf(r->diary + n, sizeof(r->diary) - n, "%s%s", n ? " " : "", word);
}

static struct mbuf *text(const char *s)
{
	struct mbuf *mb = mbuf_alloc(64);

	(void)mbuf_write_str(mb, s);
	mb->pos = 0;
	return mb;
}

static int offered(struct mbuf **answer, const char **why, const void *body, size_t len, void *arg)
{
	struct toy *t = arg;
	int err = t->room->offered_err;

	(void)body;
	g_assert_cmpuint(len, >, 0);
	note(t->room, err ? "offered!" : "offered");
	t->room->offered_err = 0;
	if (err) {
		*why = "toy fault";
		return err;
	}
	*answer = text("v=0 answer of the room\r\n");
	return 0;
}

static int offer(struct mbuf **mb, void *arg)
{
	struct toy *t = arg;
	char line[64];

	if (t->room->offer_err)
		return t->room->offer_err;
	note(t->room, "offer");
	(void)snprintf(line, sizeof(line), "v=0 offer %u of the room\r\n", ++t->room->n_offers);
	*mb = text(line);
	while ((*mb)->end < t->room->offer_size)
		(void)mbuf_write_u8(*mb, 'x');
	return 0;
}

static int answered(const char **why, const void *body, size_t len, void *arg)
{
	struct toy *t = arg;

	(void)body;
	(void)len;
	note(t->room, t->room->answered_err ? "answered!" : "answered");
	*why = "toy fault";
	return t->room->answered_err;
}

static void commit(void *arg)
{
	note(((struct toy *)arg)->room, "commit");
}

static void rollback(void *arg)
{
	note(((struct toy *)arg)->room, "rollback");
}

static void progress(const struct sip_msg *msg, void *arg)
{
	char word[16];

	(void)snprintf(word, sizeof(word), "%u", msg->scode);
	note(((struct toy *)arg)->room, word);
}

static void established(const struct sip_msg *msg, void *arg)
{
	struct toy *t = arg;

	(void)msg;
	t->is_up = true;
	note(t->room, "established");
}

static bool request(struct session *s, const struct sip_msg *msg, void *arg)
{
	struct toy *t = arg;

	if (pl_strcmp(&msg->met, "INFO"))
		return false;
	note(t->room, "info");
	(void)sip_treply(NULL, session_sip(s), msg, 200, "OK");
	return true;
}

static void closed(int err, uint16_t scode, const char *reason, const struct sip_msg *msg, void *arg)
{
	struct toy *t = arg;
	char word[32];

	(void)reason;
	(void)msg;
	t->closed_err = err;
	t->closed_scode = scode;
	t->is_closed = true;
	(void)snprintf(word, sizeof(word), "closed:%u", scode);
	note(t->room, word);
	t->s = mem_deref(t->s);
}

static const struct session_ops ops = {
	.offered = offered, .offer = offer, .answered = answered, .commit = commit, .rollback = rollback,
	.progress = progress, .established = established, .request = request, .closed = closed,
};

static struct toy *new_toy(struct room *r)
{
	struct toy *t = &r->toys[r->n++ % ROOM_SESSIONS_MAX];

	t->s = mem_deref(t->s);
	memset(t, 0, sizeof(*t));
	t->room = r;
	return t;
}

static void invite_handler(const struct sip_msg *msg, void *arg)
{
	static const struct session_in in = { .contact_user = "room", .isfocus = true };
	struct room *r = arg;
	struct toy *t;

	if (r->refuse) {
		(void)sips_replyf(r->sips, msg, (uint16_t)r->refuse, "Refused", NULL);
		return;
	}
	t = new_toy(r);
	if (session_accept_invite(&t->s, r->ss, msg, &in, &ops, t))
		return;
	if (r->ring)
		g_assert_cmpint(session_ring(t->s, (uint16_t)r->ring, "Ringing", r->ring_sdp), ==, 0);
	if (!r->hold_answer && t->s)
		g_assert_cmpint(session_answer(t->s), ==, 0);
}

struct toy *room_call(struct room *r, const char *uri, const char *route)
{
	struct toy *t = new_toy(r);
	struct session_out out = { .uri = uri, .from_uri = "sip:room@127.0.0.1", .from_name = "Room", .contact_user = "room",
		.isfocus = true, .route = route, .authh = r->authh };

	g_assert_cmpint(session_invite(&t->s, r->ss, &out, &ops, t), ==, 0);
	return t;
}

bool room_said(struct room *r, const char *diary)
{
	bool same = !strcmp(r->diary, diary);

	if (!same)
		fprintf(stderr, "# diary: \"%s\", expected \"%s\"\n", r->diary, diary);
	r->diary[0] = '\0';
	return same;
}

static int open_with(struct room *r, const struct sips_conf *sc, uint32_t expires_s, uint32_t max_sessions)
{
	const struct session_conf conf = { .expires_s = expires_s, .min_se_s = 90, .max_sessions = max_sessions };
	enum sip_transp tp;
	struct sa sa;
	int err;

	memset(r, 0, sizeof(*r));
	err = sips_alloc(&r->sips, sc);
	if (!err)
		err = sessions_alloc(&r->ss, r->sips, &conf, invite_handler, r);
	for (size_t n = 0; !err && !sips_listener(r->sips, n, &tp, &sa); n++)
		sa_cpy(tp == SIP_TRANSP_UDP ? &r->udp : &r->tcp, &sa);
	return err;
}

int room_open(struct room *r, const char *listen, uint32_t expires_s, uint32_t max_sessions)
{
	const struct sips_conf sc = { .listen = listen, .software = "toy" };

	return open_with(r, &sc, expires_s, max_sessions);
}

int room_open_tls(struct room *r, const char *listen, const char *cert)
{
	const struct sips_conf sc = { .listen = listen, .tls_cert = cert, .software = "toy" };

	return open_with(r, &sc, 1800, 0);
}

void room_close(struct room *r)
{
	for (size_t i = 0; i < ROOM_SESSIONS_MAX; i++)
		r->toys[i].s = mem_deref(r->toys[i].s);
	sips_close(r->sips);
	r->ss = mem_deref(r->ss);
	r->sips = mem_deref(r->sips);
}
