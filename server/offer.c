/*
 * offer.c - SDP offer and answer over immutable states.
 *
 *     agreed ----- offer_answer / offer_make ----> pending ---- offer_accept ----> pending
 *        ^                                            |                               |
 *        |<------------- offer_commit ----------------+-------------------------------+
 *        |               offer_rollback: pending is dropped, agreed was never touched
 *
 * A state is the list of m-lines, each with what its kind made of it, and the body we sent for it. RFC 3264 8: lines are
 * never removed or reordered; one that is off keeps its place with port 0. What can stand in a line is a table of kinds;
 * a line nobody takes is off. The version in o= goes up only when the body differs from what was sent before, so an
 * offer that repeats the agreed one gets the same bytes back.
 *
 *     offer_state   states and lines, and how they are written
 *     offer_in      their offer, our answer
 *     offer_out     our offer, their answer
 */
#include <string.h>
#include "offer_audio.h"
#include "offer_gest.h"
#include "offer_state.h"

/* --- making and ending --- */

static void destructor(void *arg)
{
	struct offer *o = arg;

	mem_deref(o->agreed);
	mem_deref(o->pending);
	mem_deref(o->last);
	mem_deref(o->codecs);
	mem_deref(o->session_name);
}

int offer_alloc(struct offer **op, const struct offer_conf *conf)
{
	struct offer *o;
	int err;

	if (!op || !conf || !conf->codecs || !conf->ptime_us || !sa_isset(&conf->media, SA_ALL))
		return EINVAL;
	o = mem_zalloc(sizeof(*o), destructor);
	if (!o)
		return ENOMEM;
	o->conf = *conf;
	err = str_dup(&o->codecs, conf->codecs);
	if (!err && conf->session_name)
		err = str_dup(&o->session_name, conf->session_name);
	if (!err)
		err = format_prefs_read(&o->prefs, o->codecs);
	o->prefs.red = conf->red;
	o->conf.codecs = o->codecs;
	o->conf.session_name = o->session_name;
	/* RFC 8866 5.2 wants it unique; 62 bits, because some read it as a signed number. */
	o->sess_id = rand_u64() >> 2;
	if (err)
		mem_deref(o);
	else
		*op = o;
	return err;
}
/* --- in force --- */

/* The line of that kind that speaks for all of it. */
static const void *gest_part(const struct offer_state *st, const struct offer_kind *kind)
{
	const void *found = NULL;

	for (size_t i = 0; st && i < st->n_line; i++) {
		const void *part = st->line[i].kind == kind ? st->line[i].part : NULL;

		if (part && (!found || gest_is_pair(part)))
			found = part;
	}
	return found;
}

/* Claims were decided when their description was read; now the ones that hold are those of the agreed state. */
static void claims_follow(struct offer *o)
{
	const struct offer_gest_conf *conf = &o->conf.gest;
	struct gestspace *s = NULL;

	for (unsigned i = 0; i < GESTLINE_KINDS && conf->claims && !s; i++) {
		const void *part = gest_part(o->agreed, gest_kind((enum gestline_kind)i));

		if (part && gest_line(part)->view == VIEW_FLAT && gest_line(part)->space && gest_line(part)->space->n_claim)
			s = gest_line(part)->space;
	}
	if (conf->claims && (s || o->claimed))
		(void)conf->claims(s, conf->arg);
	o->claimed = s != NULL;
}

void offer_commit(struct offer *o)
{
	if (!o || !o->pending || o->pending->offered)
		return;
	mem_deref(o->agreed);
	o->agreed = o->pending;
	o->pending = NULL;
	claims_follow(o);
}

void offer_rollback(struct offer *o)
{
	if (!o || !o->pending)
		return;
	o->pending = mem_deref(o->pending);
	/* What it asked for may have been granted. */
	o->claimed |= o->conf.gest.claims != NULL;
	claims_follow(o);
}

bool offer_pending(const struct offer *o)
{
	return o && o->pending;
}

bool offer_agreed(const struct offer *o)
{
	return o && o->agreed;
}

void offer_set_music(struct offer *o, bool music)
{
	if (!o)
		return;
	o->conf.music = music;
	o->conf.answer_stereo |= music;
}

void offer_set_hold(struct offer *o, bool hold)
{
	if (o)
		o->hold = hold;
}

static const void *audio_part(const struct offer_state *st)
{
	for (size_t i = 0; st && i < st->n_line; i++)
		if (st->line[i].kind == &audio_kind && st->line[i].part)
			return st->line[i].part;
	return NULL;
}

int offer_leg(const struct offer *o, bool pending, struct leg_desc *desc)
{
	const void *part = o ? audio_part(pending ? o->pending : o->agreed) : NULL;

	if (!part || !desc)
		return ENOENT;
	*desc = *audio_desc(part);
	return 0;
}

int offer_dtls(const struct offer *o, bool pending, struct dtlskey_peer *peer)
{
	const void *part = o ? audio_part(pending ? o->pending : o->agreed) : NULL;

	if (!part || !peer)
		return ENOENT;
	*peer = *audio_dtls(part);
	return 0;
}

bool offer_peer_holds(const struct offer *o)
{
	const void *part = o ? audio_part(o->agreed) : NULL;

	return part && audio_peer_holds(part);
}

const struct gestline *offer_gestline(const struct offer *o, enum gestline_kind kind, uint8_t mark[OFFER_MARK])
{
	const void *part = o && kind < GESTLINE_KINDS ? gest_part(o->agreed, gest_kind(kind)) : NULL;

	if (!part)
		return NULL;
	memcpy(mark, gest_mark(part), OFFER_MARK);
	return gest_line(part);
}

bool offer_wants_again(const struct offer *o)
{
	return o && o->agreed && o->agreed->again;
}
