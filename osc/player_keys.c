/*
 * player_keys.c - lines whose keys come by DTLS.
 *
 *     player_set_line > player_keys: without keys the port hears DTLS and there is no line
 *                            \
 *                             dtlspath > keys > player_line, and keysh
 *                              ^     |
 *     line_dtls_take ----------+     +---> line_dtls_send
 *
 * Who answers the handshake has keys before who began it: a moment, or the time until they are said again where its last
 * words are lost. It hears at once and speaks after GRACE_MS, or what it says first would be said to nobody; what is asked
 * of a room but once, above all.
 *
 * A line has an association of its own beside that of the sound: there is no BUNDLE. What goes wrong with it is the
 * line's alone: the call goes on without gestures.
 */
#include <errno.h>
#include "mixer/dtlspath.h"
#include "line_dtls.h"
#include "relay_priv.h"

enum { GRACE_MS = 400, AGAIN_MS = 100 }; /* flights are said again after 300 ms */

struct linekeys {
	struct player *player;            /* whose it is */
	struct gestline desc;             /* as it was agreed on, without keys */
	struct dtlspath *path;
	bool hushed;                      /* it hears, and does not speak yet */
	struct tmr tmr;                   /* now it does */
};

static struct line_port *port_of(const struct linekeys *k)
{
	return k->player->port[k->desc.kind];
}

static void destructor(void *arg)
{
	struct linekeys *k = arg;

	tmr_cancel(&k->tmr);
	mem_deref(k->path);
	if (port_of(k))
		line_dtls_close(port_of(k));
	gestline_reset(&k->desc);
}

static int put(const struct linekeys *k)
{
	struct gestline with;
	int err;

	gestline_copy(&with, &k->desc);
	(void)dtlspath_keys(k->path, &with.srtp_tx, &with.srtp_rx);
	if (k->hushed)
		with.dir &= LEG_DIR_RECV;
	err = player_line(k->player, &with);
	gestline_reset(&with);
	return err;
}

/* ---- what an association says ---- */

static void send_handler(const uint8_t *buf, size_t len, const struct sa *to, void *arg)
{
	const struct linekeys *k = arg;

	(void)line_dtls_send(port_of(k), buf, len, to);   /* what is lost comes once more */
}

static void failed_handler(const char *why, void *arg)
{
	const struct linekeys *k = arg;
	struct player *p = k->player;

	p->relay->keyless++;
	if (p->conf.keysh)
		p->conf.keysh(k->desc.kind, why, p->conf.keys_arg);
}

static void speak_handler(void *arg)
{
	struct linekeys *k = arg;

	k->hushed = false;
	if (!put(k))
		return;
	k->hushed = true;
	tmr_start(&k->tmr, AGAIN_MS, speak_handler, k);
}

static void ready_handler(void *arg)
{
	struct linekeys *k = arg;
	struct player *p = k->player;

	k->hushed = !k->desc.dtls.active;
	if (k->hushed)
		tmr_start(&k->tmr, GRACE_MS, speak_handler, k);
	if (put(k)) {
		failed_handler("no memory", arg);
		return;
	}
	p->relay->keyed++;
	if (p->conf.keysh)
		p->conf.keysh(k->desc.kind, NULL, p->conf.keys_arg);
}

/* What it says may make the owner end the line, or the player. */
static void take_handler(void *arg)
{
	struct linekeys *k = arg;
	const enum gestline_kind kind = k->desc.kind;
	struct player *p = mem_ref(k->player);
	uint8_t buf[LEG_DTLS_MAX];
	size_t len = sizeof(buf);
	struct sa from;

	for (; p->keys[kind] == k && line_dtls_take(p->port[kind], buf, &len, &from); len = sizeof(buf))
		dtlspath_take(k->path, buf, len, &from);
	mem_deref(p);
}

void player_forget_keysh(struct player *p)
{
	if (p)
		p->conf.keysh = NULL;
}

/* ---- what is agreed on ---- */

static int keys_alloc(struct linekeys **kp, struct player *p, enum gestline_kind kind)
{
	struct linekeys *k = mem_zalloc(sizeof(*k), destructor);
	const struct dtlspath_conf conf = {
		.cert = p->conf.cert, .sendh = send_handler, .readyh = ready_handler, .failedh = failed_handler,
		.arg = k,
	};
	int err;

	if (!k)
		return ENOMEM;
	k->player = p;
	k->desc.kind = kind;
	err = dtlspath_alloc(&k->path, &conf);
	if (err)
		mem_deref(k);
	else
		*kp = k;
	return err;
}

int player_keys(struct player *p, const struct gestline *l)
{
	struct linekeys **kp = &p->keys[l->kind], *k;
	struct line_dtls_conf conf = {.peer = l->peer, .source = l->source, .h = take_handler};
	int err = *kp ? 0 : !p->conf.cert ? ENOTSUP : keys_alloc(kp, p, l->kind);

	if (err)
		return err;
	k = conf.arg = *kp;
	gestline_reset(&k->desc);
	gestline_copy(&k->desc, l);
	err = line_dtls_open(p->port[l->kind], &conf);
	if (err)
		return err;
	dtlspath_follow(k->path, &l->dtls, &l->peer);
	if (dtlspath_done(k->path))
		return put(k);
	tmr_cancel(&k->tmr);
	player_mute_line(p, l->kind);
	return 0;
}
