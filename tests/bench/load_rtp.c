/*
 * load_rtp.c - sound out and in. Each call has a socket of its own, as phones have.
 *
 * Out: a wheel of slots of 250 us. A call is in one slot at a time, that of its next frame: nominal time (its own phase,
 * its own drifting clock) plus a throw of its own dice for jitter. Order is kept, as on most paths; loss is a frame that
 * is counted but not sent. The same seed gives the same losses and the same jitter for the same call.
 *
 * In: counted; of calls that are listened to, kept whole with the kernel's time of arrival.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "load.h"

int rtp_open(struct load *l, struct call *c, uint32_t index)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (uint64_t)index + 2};
	int on = 1;

	if (getsockname(l->sip, (struct sockaddr *)&a, &len))
		return errno;
	((struct sockaddr_in *)&a)->sin_port = 0;         /* the same place in sockaddr_in6 */
	c->fd = socket(l->af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return errno;
	if (bind(c->fd, (struct sockaddr *)&a, len) || getsockname(c->fd, (struct sockaddr *)&a, &len) ||
	    epoll_ctl(l->ep, EPOLL_CTL_ADD, c->fd, &ev))
		return errno;
	if (c->in)
		setsockopt(c->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	c->rport = ntohs(((struct sockaddr_in *)&a)->sin_port);
	return 0;
}

/* ---- out ---- */

static void wheel_add(struct load *l, struct call *c)
{
	uint32_t index = (uint32_t)(c - l->calls);
	uint64_t slot = c->due_us / SLOT_US;

	if (slot < l->slot)
		slot = l->slot;
	if (slot >= l->slot + SLOTS)
		slot = l->slot + SLOTS - 1;
	c->in_wheel = true;
	c->next = l->wheel[slot % SLOTS];
	l->wheel[slot % SLOTS] = index + 1;
}

static void due_set(struct load *l, struct call *c)
{
	uint64_t due = (uint64_t)(c->nominal_us + (l->o.jitter_ms > 0 ? dice_throw(&c->dice) * l->o.jitter_ms * 1000 : 0));

	c->due_us = due > c->due_us ? due : c->due_us;
}

/* Even phases, whatever the number of calls: the golden section never bunches. */
void rtp_start(struct load *l, struct call *c)
{
	uint32_t index = (uint32_t)(c - l->calls);
	double frame_us = l->o.ptime_ms * 1000, phase = fmod(index * 0.6180339887, 1.0) * frame_us;
	double now = (double)now_us() - (double)l->began_us;

	c->dice = (uint64_t)l->o.seed << 32 | (index + 1);
	c->step_us = frame_us * (1 + (2 * dice_throw(&c->dice) - 1) * l->o.drift_ppm / 1e6);
	c->loop = sound_of(l, index, c->talker);
	c->frame = index * 7;
	c->nominal_us = (double)l->began_us + ceil(now / frame_us) * frame_us + phase;
	c->due_us = 0;
	due_set(l, c);
	if (!c->in_wheel)         /* of the round before; it is looked at when its slot comes */
		wheel_add(l, c);
}

/* Chirps that begin in this frame: when did it leave, and how far inside do they begin? What an encoder is given comes out
 * of the decoder `lookahead` later: it is in a later frame than it was said in. */
static void chirp_note(struct load *l, struct call *c, uint32_t f)
{
	for (uint32_t k = 0; k < CHIRPS_A_SECOND; k++) {
		size_t at = sound_chirp_at(l, k) + l->lookahead;

		if (at / l->n_smp == f)
			tape_add(c->out, wall_ns(), (uint32_t)(at % l->n_smp), 0, NULL, 0);
	}
}

static void frame_send(struct load *l, struct call *c)
{
	uint8_t pkt[RTP_HDR + FRAME_MAX];
	uint32_t f = c->frame++ % c->loop->n;
	size_t len = c->loop->len[f];
	uint16_t seq = htons(c->seq++);
	uint32_t ts = htonl(c->ts), ssrc = htonl(c->ssrc);

	c->ts += l->n_smp;
	if (l->o.loss_pct > 0 && dice_throw(&c->dice) * 100 < l->o.loss_pct) {
		l->st.dropped++;
		return;
	}
	pkt[0] = 0x80;
	pkt[1] = codec_pt(l->o.codec);
	memcpy(pkt + 2, &seq, 2);
	memcpy(pkt + 4, &ts, 4);
	memcpy(pkt + 8, &ssrc, 4);
	memcpy(pkt + RTP_HDR, c->loop->data + (size_t)f * FRAME_MAX, len);
	if (c->out && l->phase == PHASE_HOLD)
		chirp_note(l, c, f);
	if (send(c->fd, pkt, RTP_HDR + len, MSG_DONTWAIT) < 0)
		return;
	l->st.tx++;
	l->st.hold_tx += l->phase == PHASE_HOLD;
}

static void slot_run(struct load *l, uint64_t now)
{
	uint32_t *head = &l->wheel[l->slot % SLOTS], i = *head;

	*head = 0;
	l->slot++;
	while (i) {
		struct call *c = &l->calls[i - 1];

		i = c->next;
		c->in_wheel = false;
		if (c->state != CALL_UP)
			continue;
		if (c->due_us / SLOT_US >= l->slot) {
			wheel_add(l, c);
			continue;
		}
		if (now > c->due_us + 5000 + SLOT_US)
			l->st.late_ticks++;
		frame_send(l, c);
		c->nominal_us += c->step_us;
		due_set(l, c);
		wheel_add(l, c);
	}
}

void rtp_slots(struct load *l, uint64_t now)
{
	while (l->slot < now / SLOT_US)
		slot_run(l, now);
}

/* ---- in ---- */

void tape_add(struct tape *t, uint64_t at_ns, uint32_t ts, uint16_t seq, const uint8_t *payload, size_t len)
{
	if (t->n == t->size) {
		size_t size = t->size ? 2 * t->size : 256;
		struct rec *rec = realloc(t->rec, size * sizeof(*rec));

		if (!rec)
			return;
		t->rec = rec;
		t->size = size;
	}
	if (t->n_data + len > t->data_size) {
		size_t size = 2 * t->data_size + 65536;
		uint8_t *data = realloc(t->data, size);

		if (!data)
			return;
		t->data = data;
		t->data_size = size;
	}
	if (len)
		memcpy(t->data + t->n_data, payload, len);
	t->rec[t->n++] = (struct rec){.at_ns = at_ns, .ts = ts, .seq = seq, .len = (uint16_t)len, .off = t->n_data};
	t->n_data += len;
}

void tape_free(struct tape *t)
{
	if (!t)
		return;
	free(t->rec);
	free(t->data);
	free(t);
}

static void count(struct load *l, struct call *c, const uint8_t *pkt, uint64_t now)
{
	uint16_t seq = (uint16_t)(pkt[2] << 8 | pkt[3]);
	int16_t step = (int16_t)(seq - c->rx_seq);

	l->st.rx++;
	if (l->phase == PHASE_HOLD) {
		c->hold_rx++;
		l->st.hold_rx++;
		if (c->heard && c->rx_at >= l->phase_at && now - c->rx_at > GAP_MS)
			l->st.gaps++;
	}
	c->rx_at = now;
	if (c->heard && step <= 0) {
		l->st.reordered++;
		return;
	}
	if (c->heard && step > 1)
		l->st.lost += (uint64_t)step - 1;
	c->heard = true;
	c->rx_seq = seq;
}

static uint64_t arrival_ns(struct msghdr *msg)
{
	for (struct cmsghdr *m = CMSG_FIRSTHDR(msg); m; m = CMSG_NXTHDR(msg, m)) {
		struct timespec t;

		if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&t, CMSG_DATA(m), sizeof(t));
		return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	}
	return wall_ns();
}

static ssize_t receive(struct call *c, uint8_t *buf, size_t size, uint64_t *at_ns)
{
	char control[128];
	struct iovec iov = {buf, size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t n;

	if (!c->in)
		return recv(c->fd, buf, size, MSG_DONTWAIT);
	n = recvmsg(c->fd, &msg, MSG_DONTWAIT);
	if (n >= 0)
		*at_ns = arrival_ns(&msg);
	return n;
}

void rtp_read(struct load *l, struct call *c)
{
	uint8_t pkt[2048];
	uint64_t now = now_ms(), at_ns = 0;
	ssize_t n;

	while (c->fd >= 0 && (n = receive(c, pkt, sizeof(pkt), &at_ns)) >= 0) {
		/* RFC 5761 4: types 64 to 95 are RTCP on the same port. */
		if (n < RTP_HDR || pkt[0] >> 6 != 2 || ((pkt[1] & 0x7f) >= 64 && (pkt[1] & 0x7f) <= 95))
			continue;
		count(l, c, pkt, now);
		/* Our server sends no CSRC list and no extension to who asked for none: behind 12 bytes is the sound. */
		if (c->in && pkt[0] == 0x80 && (pkt[1] & 0x7f) == codec_pt(l->o.codec) && l->phase == PHASE_HOLD)
			tape_add(c->in, at_ns, (uint32_t)pkt[4] << 24 | (uint32_t)pkt[5] << 16 | (uint32_t)pkt[6] << 8 | pkt[7],
				 (uint16_t)(pkt[2] << 8 | pkt[3]), pkt + RTP_HDR, (size_t)n - RTP_HDR);
	}
}
