/*
 * seat_act.c - acts carried out: what is ours at once, the rest as messages to the house.
 *
 * Mute is ours first: whatever the network does, nobody hears us from the next period on; and the room is told, for the
 * others to see.
 */
#include <errno.h>
#include <string.h>
#include "seat_priv.h"

static bool turned(enum act_how how, bool was)
{
	return how == ACT_TOGGLE ? !was : how == ACT_ON;
}

static float limited(float v, float min, float max)
{
	return v < min ? min : v > max ? max : v;
}

static int say_i(struct seat *s, const char *addr, int v)
{
	return s->gestend ? gestend_sayf(s->gestend, addr, "i", v) : ENOTCONN;
}

static int say(struct seat *s, const char *addr)
{
	return s->gestend ? gestend_sayf(s->gestend, addr, "") : ENOTCONN;
}

static int act_mute(struct seat *s, const struct act *a)
{
	bool on = turned(a->how, band_muted(&s->band));

	s->band.own.muted_here = on;
	seat_sound_gains(s);
	(void)say_i(s, "/tutti/me/mute", on);
	return 0;
}

static int act_deaf(struct seat *s, const struct act *a)
{
	bool on = turned(a->how, band_deaf(&s->band));

	s->band.own.deaf_here = on;
	seat_sound_gains(s);
	if (!on && s->band.own.deaf)
		(void)say_i(s, "/tutti/me/deaf", 0);
	return 0;
}

static int act_level(struct seat *s, const struct act *a)
{
	struct band_own *o = &s->band.own;
	float *db = a->kind == ACT_VOLUME ? &o->volume_db : a->kind == ACT_GAIN ? &o->gain_db : &o->self_db;

	*db = limited(a->relative ? *db + a->value : a->value, -60, 20);
	seat_sound_gains(s);
	return 0;
}

static int act_mix(struct seat *s, const struct act *a)
{
	struct band_member *m = band_find(&s->band, a->name);
	float db, pan;

	if (!m || m->me)
		return ENOENT;
	if (!s->greeted || s->direct)
		return ENOTCONN;
	db = m->mix_db;
	pan = m->mix_pan;
	if (a->kind == ACT_MIX)
		db = limited(a->relative ? db + a->value : a->value, -60, 20);
	else if (a->relative)
		pan = limited((pan > 1 ? 0 : pan) + a->value, -1, 1);
	else
		pan = a->value > 1 ? BAND_PAN_SAME : a->value;
	band_set_mix(&s->band, m->name, db, pan);
	return seat_gest_mix(s, m, true);
}

static int act_beat(struct seat *s, const struct act *a)
{
	if (!strcmp(a->word, "continue"))
		return say(s, "/tutti/transport/continue");
	if (!strcmp(a->word, "stop") || (!a->word[0] && s->band.beat.running))
		return say(s, "/tutti/transport/stop");
	return say(s, "/tutti/transport/start");
}

static int act_say(struct seat *s, const struct act *a)
{
	int err = s->gestend ? gestend_sayf(s->gestend, "/text", "si", a->text, ++s->text_nr) : ENOTCONN;

	if (!err)
		band_say(&s->band, seat_unix_ms(), "", a->text);
	return err;
}

static int act_text(struct seat *s, const char *addr, const char *text)
{
	return s->gestend ? gestend_sayf(s->gestend, addr, "s", text) : ENOTCONN;
}

static int act_click(struct seat *s, const struct act *a)
{
	s->wants_click = turned(a->how, s->band.own.click);
	return say_i(s, "/tutti/me/click", s->wants_click);
}

static int act_red(struct seat *s, const struct act *a)
{
	s->wants_red = turned(a->how, s->band.own.red);
	seat_line_choices(s);
	return say_i(s, "/tutti/me/red", s->wants_red);
}

static int act_buffer(struct seat *s, const struct act *a)
{
	s->wants_buffer = (int)a->value;
	seat_line_choices(s);
	return say_i(s, "/tutti/me/buffer", s->wants_buffer);
}

static int run(struct seat *s, const struct act *a)
{
	switch (a->kind) {
	case ACT_MUTE:
		return act_mute(s, a);
	case ACT_DEAF:
		return act_deaf(s, a);
	case ACT_HAND:
		return say_i(s, "/tutti/me/hand", turned(a->how, s->band.own.hand));
	case ACT_CLICK:
		return act_click(s, a);
	case ACT_RECORD:
		return say_i(s, "/tutti/room/record", turned(a->how, s->band.recording));
	case ACT_RED:
		return act_red(s, a);
	case ACT_BEAT:
		return act_beat(s, a);
	case ACT_SYNC:
		return act_text(s, "/tutti/me/click/sync", a->word);
	case ACT_VOLUME:
	case ACT_GAIN:
	case ACT_SELF:
		return act_level(s, a);
	case ACT_MIX:
	case ACT_PAN:
		return act_mix(s, a);
	case ACT_TEMPO:
		return s->gestend ? gestend_sayf(s->gestend, "/tutti/tempo", "f", (double)a->value) : ENOTCONN;
	case ACT_COUNTIN:
		return say_i(s, "/tutti/transport/countin", (int)a->value);
	case ACT_BUFFER:
		return act_buffer(s, a);
	case ACT_SECTION:
		return seat_section_set(s, a->word);
	case ACT_SAY:
		return act_say(s, a);
	case ACT_LEAVE:
		seat_leave(s);
		return 0;
	default:
		return EINVAL;
	}
}

int seat_act(const struct act *a, void *arg)
{
	struct seat *s = arg;
	int err = run(s, a);

	seat_tell(s);
	return err;
}
