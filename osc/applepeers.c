/*
 * applepeers.c - who has been invited in, who has proven to be there, and who is sent away.
 *
 *      IN, IN, CK0     >   invited      answers only; pushed out by newer ones, over after INVITED_S
 *      CK2 with the time that CK1 told      >   proven: a player
 *      BY, 60 s without clock packets, another invitation of the same peer      >   gone
 *
 * A peer is its address and its SSRC. Two invitations of one address with different SSRCs live side by side until one is proven;
 * that one has the address, and the older is over (a program that crashed and is back).
 *
 * The time told is ours and a number only this server can know (SipHash of addresses, SSRC, token and a count, 31 bits), and a
 * few wrong guesses end a session.
 */
#include <errno.h>
#include <string.h>

#include "applepeers.h"
#include "bytes.h"
#include "siphash.h"

enum {
	SECOND_US    = 1000 * 1000,
	INVITED_S    = 15,           /* as long as invitations are repeated, and some clock packets */
	UNIT_US      = 100,
	WRONG_MAX    = 8,
	ANSWER_RATE  = 100,          /* a second, to those who are not proven */
	RTP_LEN      = 12,
};

struct applepeers {
	struct applepeers_conf conf;
	struct applepeer peer[APPLEPEERS_SLOTS];
	struct applepeers_stats stats;
	uint64_t invitations;
	uint64_t answers_us;         /* ANSWER_RATE a second: a bucket, as the time it is empty from */
};

/* ---- the number only we know ---- */

static uint64_t make_ahead_us(struct applepeers *t, const struct sa *from, const struct applemidi *pkt)
{
	const uint64_t word[] = {t->invitations++, (uint64_t)sa_hash(from, SA_ALL), (uint64_t)pkt->ssrc << 32 | pkt->token};

	return (siphash(t->conf.secret, word, sizeof(word) / sizeof(word[0])) >> 33) * UNIT_US;
}

uint32_t applepeer_time(const struct applepeer *p, uint64_t now_us)
{
	return (uint32_t)((now_us + p->ahead_us) / UNIT_US);
}

/* ---- out ---- */

static void out_clear(struct applepeers_out *out)
{
	out->n = 0;
	out->closed = out->proven = out->reported = out->rtp = out->heard = -1;
	out->seq = 0;
}

static void put_packet(struct applepeers_out *out, const struct sa *to, enum applesession_port port,
	const struct applemidi *pkt)
{
	const unsigned n = out->n;

	out->send[n].to = *to;
	out->send[n].port = port;
	out->send[n].len = sizeof(out->send[n].buf);
	if (applemidi_write(out->send[n].buf, &out->send[n].len, pkt) == 0)
		out->n++;
}

static void put_session(struct applepeers_out *out, const struct applepeer *p, const struct applesession_out *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		const bool data = s->send[i].port == APPLEMIDI_DATA;

		if (!data || sa_isset(&p->data, SA_ALL))
			put_packet(out, data ? &p->data : &p->control, s->send[i].port, &s->send[i].pkt);
	}
}

/* Is there an answer left for those who may have written another's address? */
static bool may_answer(struct applepeers *t, uint64_t now_us)
{
	const uint64_t each_us = SECOND_US / ANSWER_RATE;

	if (t->answers_us + SECOND_US < now_us)
		t->answers_us = now_us - SECOND_US;
	if (t->answers_us + each_us > now_us) {
		t->stats.ignored++;
		return false;
	}
	t->answers_us += each_us;
	return true;
}

static void refuse(struct applepeers *t, struct applepeers_out *out, const struct sa *from, enum applesession_port port,
	const struct applemidi *in)
{
	const struct applemidi no = {.kind = APPLEMIDI_NO, .ssrc = t->conf.ssrc, .token = in->token};

	t->stats.refused++;
	put_packet(out, from, port, &no);
}

/* ---- slots ---- */

static unsigned slot_of(const struct applepeers *t, const struct applepeer *p)
{
	return (unsigned)(p - t->peer);
}

static struct applepeer *find(struct applepeers *t, enum applesession_port port, const struct sa *from, uint32_t ssrc)
{
	for (unsigned i = 0; i < APPLEPEERS_SLOTS; i++) {
		struct applepeer *p = &t->peer[i];

		if (p->used && p->session.peer_ssrc == ssrc && sa_cmp(port == APPLEMIDI_DATA ? &p->data : &p->control, from, SA_ALL))
			return p;
	}
	return NULL;
}

static unsigned count(const struct applepeers *t, bool proven)
{
	unsigned n = 0;

	for (unsigned i = 0; i < APPLEPEERS_SLOTS; i++)
		n += t->peer[i].used && t->peer[i].proven == proven;
	return n;
}

static unsigned count_address(const struct applepeers *t, const struct sa *from)
{
	unsigned n = 0;

	for (unsigned i = 0; i < APPLEPEERS_SLOTS; i++)
		n += t->peer[i].used && sa_cmp(&t->peer[i].control, from, SA_ADDR);
	return n;
}

/* The one that has waited longest, of all or of an address. NULL: none is waiting. */
static struct applepeer *oldest_invited(struct applepeers *t, const struct sa *from)
{
	struct applepeer *oldest = NULL;

	for (unsigned i = 0; i < APPLEPEERS_SLOTS; i++) {
		struct applepeer *p = &t->peer[i];

		if (p->used && !p->proven && (!from || sa_cmp(&p->control, from, SA_ADDR)) &&
			(!oldest || p->since_us < oldest->since_us))
			oldest = p;
	}
	return oldest;
}

static struct applepeer *empty_slot(struct applepeers *t)
{
	for (unsigned i = 0; i < APPLEPEERS_SLOTS; i++) {
		if (!t->peer[i].used)
			return &t->peer[i];
	}
	return NULL;
}

/* A slot for a new invitation, which may push out an older one. NULL: refused. */
static struct applepeer *make_room(struct applepeers *t, const struct sa *from)
{
	struct applepeer *p = NULL;

	if (count(t, true) >= t->conf.max)
		return NULL;
	if (t->conf.max_per_address && count_address(t, from) >= t->conf.max_per_address) {
		p = oldest_invited(t, from);
		if (!p)
			return NULL;
	}
	else if (count(t, false) >= APPLEPEERS_INVITED) {
		p = oldest_invited(t, NULL);
	}
	if (!p)
		return empty_slot(t);
	t->stats.pushed_out++;
	return p;
}

static void begin(struct applepeers *t, struct applepeer *p, const struct sa *from, const struct applemidi *pkt, uint64_t now_us)
{
	struct applesession_conf conf = {.ssrc = t->conf.ssrc};

	memcpy(conf.name, t->conf.name, sizeof(conf.name));
	*p = (struct applepeer){.used = true, .control = *from, .since_us = now_us, .ahead_us = make_ahead_us(t, from, pkt)};
	sa_init(&p->data, AF_UNSPEC);
	applesession_open(&p->session, &conf, now_us + p->ahead_us);
}

/* ---- invitations ---- */

static void to_session(struct applepeers_out *out, struct applepeer *p, enum applesession_port port, const struct applemidi *pkt,
	uint64_t now_us)
{
	struct applesession_out s;

	(void)applesession_recv(&p->session, &s, port, pkt, now_us + p->ahead_us);
	put_session(out, p, &s);
}

static void invited_control(struct applepeers *t, struct applepeers_out *out, const struct sa *from, const struct applemidi *pkt,
	uint64_t now_us)
{
	struct applepeer *p = find(t, APPLEMIDI_CONTROL, from, pkt->ssrc);

	if (p && p->session.token == pkt->token) {
		to_session(out, p, APPLEMIDI_CONTROL, pkt, now_us);
		return;
	}
	/* Its SSRC again with another token: the peer has begun anew. */
	if (p && p->proven)
		out->closed = (int)slot_of(t, p);
	if (!p)
		p = make_room(t, from);
	if (!p) {
		refuse(t, out, from, APPLEMIDI_CONTROL, pkt);
		return;
	}
	begin(t, p, from, pkt, now_us);
	to_session(out, p, APPLEMIDI_CONTROL, pkt, now_us);
}

/* The same SSRC and token on the other port, from the same host. */
static struct applepeer *find_half(struct applepeers *t, const struct sa *from, const struct applemidi *pkt)
{
	for (unsigned i = 0; i < APPLEPEERS_SLOTS; i++) {
		struct applepeer *p = &t->peer[i];

		if (p->used && p->session.peer_ssrc == pkt->ssrc && p->session.token == pkt->token &&
			sa_cmp(&p->control, from, SA_ADDR) &&
			(p->session.state == APPLE_HALF || sa_cmp(&p->data, from, SA_ALL)))
			return p;
	}
	return NULL;
}

static void invited_data(struct applepeers *t, struct applepeers_out *out, const struct sa *from, const struct applemidi *pkt,
	uint64_t now_us)
{
	struct applepeer *p = find_half(t, from, pkt);

	if (!p) {
		refuse(t, out, from, APPLEMIDI_DATA, pkt);
		return;
	}
	p->data = *from;
	to_session(out, p, APPLEMIDI_DATA, pkt, now_us);
}

static void invited(struct applepeers *t, struct applepeers_out *out, enum applesession_port port, const struct sa *from,
	const struct applemidi *pkt, uint64_t now_us)
{
	if (!may_answer(t, now_us))
		return;
	/* Our own SSRC: a loop, or one who would be heard as us. */
	if ((t->conf.allow && !t->conf.allow(from, t->conf.arg)) || pkt->ssrc == t->conf.ssrc)
		refuse(t, out, from, port, pkt);
	else if (port == APPLEMIDI_CONTROL)
		invited_control(t, out, from, pkt, now_us);
	else
		invited_data(t, out, from, pkt, now_us);
}

/* ---- those that are in ---- */

/* It is where it says it is: who had that address before has gone. */
static void prove(struct applepeers *t, struct applepeers_out *out, struct applepeer *p)
{
	p->proven = true;
	t->stats.proven++;
	out->proven = (int)slot_of(t, p);
	for (unsigned i = 0; i < APPLEPEERS_SLOTS; i++) {
		struct applepeer *old = &t->peer[i];

		if (old == p || !old->used || !sa_cmp(&old->control, &p->control, SA_ALL))
			continue;
		if (old->proven)
			out->closed = (int)i;
		old->used = false;
	}
}

static void leave(struct applepeers *t, struct applepeers_out *out, struct applepeer *p)
{
	if (p->proven)
		out->closed = (int)slot_of(t, p);
	p->used = false;
}

static void known(struct applepeers *t, struct applepeers_out *out, enum applesession_port port, struct applepeer *p,
	const struct applemidi *pkt, uint64_t now_us)
{
	struct applesession_out s;
	int err;

	if (!p->proven && !may_answer(t, now_us))
		return;
	err = applesession_recv(&p->session, &s, port, pkt, now_us + p->ahead_us);
	put_session(out, p, &s);
	if (err) {
		t->stats.stranger++;
		p->wrong += pkt->kind == APPLEMIDI_CK;
	}
	if (s.closed || (p->wrong >= WRONG_MAX && !p->proven)) {
		leave(t, out, p);
		return;
	}
	if (!p->proven && p->session.has_offset) {
		if (count(t, true) < t->conf.max) {
			prove(t, out, p);
			return;
		}
		applesession_close(&p->session, &s);
		put_session(out, p, &s);
		leave(t, out, p);
		return;
	}
	if (!err && p->proven)
		out->heard = (int)slot_of(t, p);
	if (s.has_seq && p->proven) {
		out->reported = (int)slot_of(t, p);
		out->seq = s.seq;
	}
}

static void recv_rtp(struct applepeers *t, struct applepeers_out *out, enum applesession_port port, const struct sa *from,
	const uint8_t *buf, size_t len)
{
	struct applepeer *p;

	if (port != APPLEMIDI_DATA || len < RTP_LEN) {
		t->stats.malformed++;
		return;
	}
	p = find(t, APPLEMIDI_DATA, from, get_be32(buf + 8));
	if (!p || !p->proven)
		t->stats.stranger++;
	else
		out->rtp = (int)slot_of(t, p);
}

void applepeers_recv(struct applepeers *t, struct applepeers_out *out, enum applesession_port port, const struct sa *from,
	const uint8_t *buf, size_t len, uint64_t now_us)
{
	struct applemidi pkt;
	struct applepeer *p;

	out_clear(out);
	if (!applemidi_is(buf, len)) {
		recv_rtp(t, out, port, from, buf, len);
		return;
	}
	if (applemidi_read(&pkt, buf, len)) {
		t->stats.malformed++;
		return;
	}
	if (pkt.kind == APPLEMIDI_IN) {
		invited(t, out, port, from, &pkt, now_us);
		return;
	}
	p = find(t, port, from, pkt.ssrc);
	if (p)
		known(t, out, port, p, &pkt, now_us);
	else
		t->stats.stranger++;
}

/* ---- time ---- */

static uint64_t peer_due_us(const struct applepeer *p)
{
	const uint64_t session_us = p->session.due_us == UINT64_MAX ? UINT64_MAX : p->session.due_us - p->ahead_us;
	const uint64_t proof_us = p->proven ? UINT64_MAX : p->since_us + (uint64_t)INVITED_S * SECOND_US;

	return session_us < proof_us ? session_us : proof_us;
}

uint64_t applepeers_due_us(const struct applepeers *t)
{
	uint64_t due_us = UINT64_MAX;

	for (unsigned i = 0; i < APPLEPEERS_SLOTS; i++) {
		const struct applepeer *p = &t->peer[i];

		if (p->used && peer_due_us(p) < due_us)
			due_us = peer_due_us(p);
	}
	return due_us;
}

static void tick(struct applepeers *t, struct applepeers_out *out, struct applepeer *p, uint64_t now_us)
{
	struct applesession_out s;

	if (!p->proven && now_us >= p->since_us + (uint64_t)INVITED_S * SECOND_US)
		applesession_close(&p->session, &s);
	else
		applesession_tick(&p->session, &s, now_us + p->ahead_us);
	put_session(out, p, &s);
	if (s.closed)
		leave(t, out, p);
}

bool applepeers_tick(struct applepeers *t, struct applepeers_out *out, uint64_t now_us)
{
	out_clear(out);
	for (unsigned i = 0; i < APPLEPEERS_SLOTS; i++) {
		if (t->peer[i].used && now_us >= peer_due_us(&t->peer[i])) {
			tick(t, out, &t->peer[i], now_us);
			return true;
		}
	}
	return false;
}

/* ---- the rest ---- */

void applepeers_close(struct applepeers *t, struct applepeers_out *out, unsigned slot)
{
	struct applepeer *p = &t->peer[slot];
	struct applesession_out s;

	out_clear(out);
	if (slot >= APPLEPEERS_SLOTS || !p->used)
		return;
	applesession_close(&p->session, &s);
	put_session(out, p, &s);
	leave(t, out, p);
}

void applepeers_feedback(const struct applepeers *t, struct applepeers_out *out, unsigned slot, uint16_t seq)
{
	const struct applepeer *p = applepeers_get(t, slot);
	struct applemidi pkt;

	out_clear(out);
	if (!p || !p->proven)
		return;
	pkt = applesession_feedback(&p->session, seq);
	put_packet(out, &p->control, APPLEMIDI_CONTROL, &pkt);
}

const struct applepeer *applepeers_get(const struct applepeers *t, unsigned slot)
{
	return slot < APPLEPEERS_SLOTS && t->peer[slot].used ? &t->peer[slot] : NULL;
}

const struct applepeers_stats *applepeers_stats(const struct applepeers *t)
{
	return &t->stats;
}

int applepeers_alloc(struct applepeers **tp, const struct applepeers_conf *conf)
{
	struct applepeers *t;

	if (!tp || !conf->max || conf->max > APPLEPEERS_MAX)
		return EINVAL;
	t = mem_zalloc(sizeof(*t), NULL);
	if (!t)
		return ENOMEM;
	t->conf = *conf;
	*tp = t;
	return 0;
}
