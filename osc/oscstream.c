/*
 * oscstream.c - a connection that carries OSC packets.
 *
 *      conn > octets > slip > packet > whoever listens, who may say "not now": then what was read is put aside and the
 *                                      connection held, so that the peer waits and not our memory
 */
#include <errno.h>
#include <string.h>
#include <re.h>

#include "oscstream.h"

struct oscstream {
	struct oscstream_conf conf;
	struct conn *conn;
	struct slip *slip;
	bool ended;
	const uint8_t *pkt;               /* one that was not taken, in slip's buffer */
	size_t pkt_len;
	uint8_t *rest;                    /* what was read behind it */
	size_t rest_len;
};

static uint64_t n_bad;                    /* of the one control thread */

static void oscstream_destroy(void *arg)
{
	struct oscstream *s = arg;

	mem_deref(s->conn);
	mem_deref(s->slip);
	mem_deref(s->rest);
}

/* What the first octet of a stream says of its framing: a size is under 2^24, so it begins with 0; all else is SLIP. */
static enum slip_kind oscstream_guess(uint8_t first)
{
	return first ? SLIP_END : SLIP_SIZE;
}

static void end(struct oscstream *s, int err)
{
	if (s->ended)
		return;

	s->ended = true;
	s->conn  = mem_deref(s->conn);
	s->conf.down(err, s->conf.arg);
}

/* Who speaks SLIP of RFC 1055 as it was written sends no END before its first packet. */
static int begin(struct oscstream *s, uint8_t first)
{
	static const uint8_t before = 0xc0;
	const uint8_t *p = &before, *pkt;
	size_t n = 1, len;
	int err;

	if (s->conf.detect)
		s->conf.framing = oscstream_guess(first);
	err = slip_alloc(&s->slip, s->conf.framing, s->conf.max);
	if (!err && s->conf.detect && s->conf.framing == SLIP_END)
		(void)slip_read(s->slip, &pkt, &len, &p, &n);
	return err;
}

/* false: nothing more can be taken now, or ever. A packet that one listener left to the next is offered again at once. */
static bool deliver(struct oscstream *s)
{
	const void *arg;
	bool taken;

	if (!s->pkt)
		return true;

	do {
		arg   = s->conf.arg;
		taken = s->conf.packet(s->pkt, s->pkt_len, s->conf.arg);
	} while (!taken && arg != s->conf.arg);
	if (!taken)
		return false;

	s->pkt = NULL;
	return !s->ended;
}

static void put_aside(struct oscstream *s, const uint8_t *buf, size_t len)
{
	uint8_t *rest = len ? mem_alloc(len, NULL) : NULL;

	if (len && !rest) {
		end(s, ENOMEM);
		return;
	}
	if (len)
		memcpy(rest, buf, len);
	mem_deref(s->rest);
	s->rest     = rest;
	s->rest_len = len;
	conn_hold(s->conn, true);
}

static int read_packet(struct oscstream *s, const uint8_t **buf, size_t *len)
{
	const uint64_t before = s->slip->n_bad;
	const int err = slip_read(s->slip, &s->pkt, &s->pkt_len, buf, len);

	n_bad += s->slip->n_bad - before + (err == EPROTO);
	return err;
}

static void take(struct oscstream *s, const uint8_t *buf, size_t len)
{
	while (!s->ended) {
		int err;

		if (!deliver(s))
			break;
		err = read_packet(s, &buf, &len);
		if (err)
			s->pkt = NULL;
		if (err == EAGAIN)
			return;
		if (err) {
			end(s, err);
			return;
		}
	}
	if (!s->ended)
		put_aside(s, buf, len);
}

static void recv_handler(const uint8_t *buf, size_t len, void *arg)
{
	struct oscstream *s = mem_ref(arg);
	int err = s->slip ? 0 : begin(s, buf[0]);

	if (err)
		end(s, err);
	else
		take(s, buf, len);
	mem_deref(s);
}

void oscstream_resume(struct oscstream *s)
{
	uint8_t *rest = s->rest;
	const size_t len = s->rest_len;

	if (s->ended || (!s->pkt && !rest))
		return;

	mem_ref(s);
	s->rest     = NULL;
	s->rest_len = 0;
	take(s, rest, len);
	if (!s->ended && !s->pkt)
		conn_hold(s->conn, false);
	mem_deref(rest);
	mem_deref(s);
}

static void up_handler(void *arg)
{
	struct oscstream *s = arg;

	if (s->conf.up)
		s->conf.up(s->conf.arg);
}

static void drained_handler(void *arg)
{
	struct oscstream *s = arg;

	if (s->conf.drained)
		s->conf.drained(s->conf.arg);
}

static void down_handler(int err, void *arg)
{
	struct oscstream *s = mem_ref(arg);

	end(s, err);
	mem_deref(s);
}

int oscstream_alloc(struct oscstream **sp, int fd, const struct oscstream_conf *conf)
{
	struct oscstream *s = mem_zalloc(sizeof(*s), oscstream_destroy);
	const struct conn_conf cc = {conf->tls, conf->fingerprint, up_handler, recv_handler, drained_handler, down_handler, s};
	int err;

	if (!s)
		return ENOMEM;

	s->conf = *conf;
	s->conf.tls = NULL;
	s->conf.fingerprint = NULL;
	err = conn_alloc(&s->conn, fd, &cc);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

void oscstream_handlers(struct oscstream *s, const struct oscstream_conf *conf)
{
	s->conf.up      = conf->up;
	s->conf.packet  = conf->packet;
	s->conf.drained = conf->drained;
	s->conf.down    = conf->down;
	s->conf.arg     = conf->arg;
}

int oscstream_send(struct oscstream *s, const uint8_t *pkt, size_t len)
{
	static uint8_t buf[2 * STREAM_MAX + 4];           /* slip_room; of the one control thread */
	size_t n = sizeof(buf);
	int err;

	if (s->ended)
		return ENOTCONN;
	if (len > STREAM_MAX)
		return EMSGSIZE;

	err = slip_write(buf, &n, s->conf.framing, pkt, len);
	return err ? err : conn_send(s->conn, buf, n);
}

size_t oscstream_waiting(const struct oscstream *s)
{
	return s->conn ? conn_waiting(s->conn) : 0;
}

uint64_t oscstream_bad(void)
{
	return n_bad;
}
