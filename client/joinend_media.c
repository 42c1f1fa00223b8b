/*
 * joinend_media.c - what is agreed on in a call: its sound on a leg, its gestures on a player.
 */
#include <string.h>
#include "joinend_priv.h"
#include "control/log.h"

enum {
	PTIME_NEAR_US = 1333,
	PTIME_FAR_US = 2500,
	SILENCE_MS = 5000,
	JITTER_MAX_MS = 200,
	GEST_MTU = 1200,
	GEST_RATE = 5000
};

/* --- sound --- */

static void leg_handler(const struct leg_event *ev, void *arg)
{
	struct joinend *e = arg;

	if (ev->type == LEG_EVENT_DTLS)
		callkeys_take(e->srtp);
	else if (ev->type == LEG_EVENT_RTP_TIMEOUT && e->up && !offer_peer_holds(e->offer))
		joinend_lost(e, callkeys_waiting(e->srtp) ? "no keys come from the other side" : "nothing is heard of the other side");
}

static void keys_ready(void *arg)
{
	joinend_tell_up(arg);
}

static void keys_failed(const char *why, void *arg)
{
	struct joinend *e = arg;
	char text[sizeof(e->why)];

	(void)re_snprintf(text, sizeof(text), "no keys by DTLS: %s", why);
	joinend_lost(e, text);
}

static int srtp_make(struct joinend *e)
{
	const struct callkeys_conf conf = {
		.leg = e->leg, .cert = e->conf.cert, .readyh = keys_ready, .failedh = keys_failed, .arg = e,
	};

	return callkeys_alloc(&e->srtp, &conf);
}

static int leg_make(struct joinend *e)
{
	const struct joincall_conf *call = e->conf.call;
	struct leg_conf conf = {
		.local = e->local,
		.jitter_max_ms = JITTER_MAX_MS,
		.jitter_music_ms = call->jitter_ms,
		.jitter_music_fit = true,
		.ungated = true,
		.rtp_timeout_ms = call->silence_ms ? call->silence_ms : SILENCE_MS,
		.eventh = leg_handler,
		.arg = e,
	};
	int err;

	(void)re_snprintf(conf.cname, sizeof(conf.cname), "%016llx@tutti", rand_u64());
	err = leg_alloc(&e->leg, call->mixer, &conf);
	return err ? err : leg_set_bus(e->leg, call->bus);
}

/* --- gestures --- */

/* A name as names of players may be; of what nothing is left it is `or`. */
static void name_clean(char name[VIEW_NAME_MAX + 1], const char *text, const char *or)
{
	size_t n = 0;

	for (; *text && n < VIEW_NAME_MAX; text++) {
		bool ok = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			  (*text >= '0' && *text <= '9') || (n && strchr("-_.", *text));

		if (ok)
			name[n++] = *text;
		else if (n && name[n - 1] != '-')
			name[n++] = '-';
	}
	while (n && name[n - 1] == '-')
		n--;
	name[n] = '\0';
	if (!n)
		str_ncpy(name, or, VIEW_NAME_MAX + 1);
}

/* Without keys there are no gestures, and the sound goes on; what is agreed on next begins anew. */
static void gest_keys(enum gestline_kind kind, const char *failed, void *arg)
{
	struct joinend *e = arg;

	(void)kind;
	if (failed) {
		log_warning("join.gestures", "peer=%s why=\"no keys by DTLS: %s\"", e->uri, failed);
		memset(e->mark, 0, sizeof(e->mark));
	}
	if (e->told_up && !e->over)
		joinend_tell(e, JOINEND_CHANGED);
}

static int player_make(struct joinend *e, const char *wish)
{
	const struct joincall_conf *call = e->conf.call;
	struct player_conf conf = {
		.househ = call->gesth, .arg = call->gest_arg, .cert = e->conf.cert, .keysh = gest_keys, .keys_arg = e,
	};

	if (wish[0])
		str_ncpy(conf.wish, wish, sizeof(conf.wish));
	else
		name_clean(conf.wish, e->peer, "room");
	str_ncpy(conf.identity, e->uri, sizeof(conf.identity));
	(void)re_snprintf(conf.cname, sizeof(conf.cname), "%016llx@tutti", rand_u64());
	return player_alloc(&e->player, call->relay, call->ensemble, &conf);
}

static int open_line(struct sa *local, char name[VIEW_NAME_MAX + 1], enum gestline_kind kind, const char *wish,
		     void *arg)
{
	struct joinend *e = arg;
	int err = e->player ? 0 : player_make(e, wish);

	if (!err)
		err = player_port(e->player, kind, &e->local, local);
	if (err)
		return err;
	/* In our description: what we would like to be called, or, to who called us, what it is called here. */
	if (e->called)
		str_ncpy(name, player_name(e->player), VIEW_NAME_MAX + 1);
	else
		name_clean(name, e->conf.call->name ? e->conf.call->name : "", "musician");
	return 0;
}

static int set_line(struct joinend *e, const struct gestline *l)
{
	struct gestline with;
	int err;

	gestline_copy(&with, l);
	if (e->session && sa_isset(session_peer(e->session), SA_ADDR))
		with.source = *session_peer(e->session);
	err = player_set_line(e->player, &with);
	gestline_reset(&with);
	return err;
}

static void follow_line(struct joinend *e)
{
	uint8_t mark[OFFER_MARK];
	const struct gestline *l = e->player ? offer_gestline(e->offer, GESTLINE_OSC, mark) : NULL;

	if (!l) {
		if (e->line_set)
			player_drop_line(e->player, GESTLINE_OSC);
		e->line_set = false;
		return;
	}
	if (e->line_set && !memcmp(e->mark, mark, sizeof(mark)))
		return;
	if (set_line(e, l))
		return;
	e->line_set = true;
	memcpy(e->mark, mark, sizeof(mark));
}

/* --- offer and answer --- */

static const char *codecs(const struct joinend *e)
{
	const struct joincall_conf *call = e->conf.call;

	if (call->codecs && call->codecs[0])
		return call->codecs;
	if (call->channels == 1)
		return e->conf.near ? "L16/48000 L24/48000 opus" : "opus L16/48000";
	return e->conf.near ? "L16/48000/2 L24/48000/2 opus L16/48000" : "opus L16/48000/2 L16/48000";
}

static int offer_engine(struct joinend *e)
{
	const struct joincall_conf *call = e->conf.call;
	struct offer_conf conf = {
		.media = *leg_local(e->leg),
		.codecs = codecs(e),
		.music = true,
		.answer_stereo = call->channels != 1,
		.srtp = (enum offer_srtp)call->srtp,
		.srtp_offered = true,
		.keying = (enum offer_keying)call->srtp_keys,
		.dtls_fingerprint = e->conf.cert ? dtlscert_fingerprint(e->conf.cert) : NULL,
		.source = e->conf.source,
		.levels = true,
		.red = call->red,
		.session_name = "tutti-join",
		.ptime_us = call->ptime_us ? call->ptime_us
			    : e->conf.near ? PTIME_NEAR_US
					   : PTIME_FAR_US,
	};

	if (call->gestures && call->relay && call->ensemble)
		conf.gest = (struct offer_gest_conf){
			.takes = 1u << GESTLINE_OSC,
			.offers = 1u << GESTLINE_OSC,
			.mtu = GEST_MTU,
			.stream_max = OSC_MAX_DGRAM,
			.rate = GEST_RATE,
			.open = open_line,
			.arg = e,
		};
	return offer_alloc(&e->offer, &conf);
}

int joinend_offered(struct mbuf **answer, const char **why, const void *body, size_t len, void *arg)
{
	return offer_answer(((struct joinend *)arg)->offer, answer, why, body, len);
}

int joinend_offer(struct mbuf **mb, void *arg)
{
	return offer_make(((struct joinend *)arg)->offer, mb);
}

int joinend_answered(const char **why, const void *body, size_t len, void *arg)
{
	return offer_accept(((struct joinend *)arg)->offer, why, body, len);
}

void joinend_rollback(void *arg)
{
	offer_rollback(((struct joinend *)arg)->offer);
}

static void again_handler(void *arg)
{
	struct joinend *e = arg;

	if (!e->over && session_established(e->session))
		(void)session_modify(e->session);
}

void joinend_commit(void *arg)
{
	struct joinend *e = arg;
	struct leg_desc desc;

	if (e->over)
		return;
	offer_commit(e->offer);
	if (offer_leg(e->offer, false, &desc))
		leg_desc_clear(&desc);
	if (e->session && sa_isset(session_peer(e->session), SA_ADDR))
		desc.source = *session_peer(e->session);
	if (callkeys_follow(e->srtp, e->offer, &desc))
		joinend_lost(e, "the sound that was agreed on cannot be played");
	follow_line(e);
	if (offer_wants_again(e->offer))
		tmr_start(&e->tmr_again, 0, again_handler, e);
	if (e->told_up)
		joinend_tell(e, JOINEND_CHANGED);
}

int joinend_media_open(struct joinend *e)
{
	int err = leg_make(e);

	if (!err)
		err = srtp_make(e);
	return err ? err : offer_engine(e);
}

void joinend_media_close(struct joinend *e)
{
	tmr_cancel(&e->tmr_again);
	e->srtp   = mem_deref(e->srtp);
	e->leg    = mem_deref(e->leg);
	player_forget_keysh(e->player);           /* it may go on for others */
	e->player = mem_deref(e->player);
	e->offer  = mem_deref(e->offer);
}
