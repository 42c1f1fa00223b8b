/*
 * house.c - the addresses under /tutti/ as one table, and a message to what it asks for.
 *
 * Buttons of touch surfaces send 1 when they are pressed and 0 when they are let go: what has no state (start, stop) happens
 * at the 1, and the 0 is nothing.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "house.h"

enum { FADER_UNITY_PERCENT = 75, DELAY_MAX_US = 2000000 };

enum takes {
	TAKES_FLAG,               /* T, F or a number: cmd.on */
	TAKES_DB,                 /* cmd.value */
	TAKES_FADER,              /* 0..1: cmd.value */
	TAKES_PAN,                /* cmd.pan */
	TAKES_BPM,                /* cmd.value */
	TAKES_BEATS,              /* cmd.beats */
	TAKES_NAME,               /* a player's, or "": name, on */
	TAKES_WORD,               /* word */
	TAKES_NUMBER,             /* cmd.value */
	TAKES_LATENCY,            /* three or four numbers: cmd.capture_us and so on */
	TAKES_NOTHING,            /* or a button */
	TAKES_CLOCK,
};

struct row {
	struct house_addr pub;
	enum takes takes;
	enum house_what what;
	enum house_whom whom;
	enum verb verb;
	const char *on, *off;     /* verbs whose argument is a word: that for on, and for off */
};

#define R HOUSE_READ
#define W HOUSE_WRITE
#define RW HOUSE_BOTH
#define DB -60, 20
#define FLAG 0, 1
#define CMD HOUSE_COMMAND

static const struct row rows[] = {
	{{"/tutti/me/mute", "i", RW, "the others do not hear me", FLAG}, TAKES_FLAG, CMD, HOUSE_ME, VERB_MUTE, NULL, NULL},
	{{"/tutti/me/deaf", "i", RW, "I hear nothing of the others", FLAG}, TAKES_FLAG, CMD, HOUSE_ME, VERB_DEAF, NULL, NULL},
	{{"/tutti/me/hand", "i", RW, "my hand is raised", FLAG}, TAKES_FLAG, CMD, HOUSE_ME, VERB_HAND, NULL, NULL},
	{{"/tutti/me/floor", "i", W, "I ask for the floor, or give it back", FLAG}, TAKES_FLAG, CMD, HOUSE_ME, VERB_FLOOR, NULL, NULL},
	{{"/tutti/me/gain", "f", RW, "my loudness for all, in dB", DB}, TAKES_DB, CMD, HOUSE_ME, VERB_GAIN, NULL, NULL},
	{{"/tutti/me/pan", "f", RW, "my place for all, -1 left to 1 right", -1, 1}, TAKES_PAN, CMD, HOUSE_ME, VERB_PAN, NULL, NULL},
	{{"/tutti/me/click", "i", RW, "I hear the room's beat", FLAG}, TAKES_FLAG, CMD, HOUSE_ME, VERB_CLICK, NULL, NULL},
	{{"/tutti/me/click/gain", "f", RW, "... so loud, in dB; turns it on", DB}, TAKES_DB, CMD, HOUSE_ME, VERB_CLICK, NULL, NULL},
	{{"/tutti/me/click/sync", "s", RW, "when I hear it: room (with the mix), ear (on the beat), mix (so that I play into the mix on the beat)", 0, 0},
	 TAKES_WORD, CMD, HOUSE_ME, VERB_CLICK_SYNC, NULL, NULL},
	{{"/tutti/me/buffer", "i", RW, "frames that my jitter buffer at the server holds; -1: by itself", -1, 3}, TAKES_NUMBER, CMD, HOUSE_ME, VERB_BUFFER, NULL, NULL},
	{{"/tutti/me/buffer/odds", "ffff", R, "frames of mine that would be concealed a minute with 0, 1, 2, 3 held: once a second to who asked for levels", 0, 0},
	 TAKES_NOTHING, CMD, HOUSE_ME, VERB_N, NULL, NULL},
	{{"/tutti/me/red", "i", RW, "I am sent each frame twice", FLAG}, TAKES_FLAG, CMD, HOUSE_ME, VERB_RED, NULL, NULL},
	{{"/tutti/me/mix-section/NAME/gain", "f", W, "how loud I hear all of section NAME, also who joins it later", DB},
	 TAKES_DB, CMD, HOUSE_ME, VERB_SECTION_VIEW, NULL, NULL},
	{{"/tutti/member/NAME/role", "s", R, "what NAME may do: host, speaker or listener", 0, 0}, TAKES_NOTHING, CMD, HOUSE_OTHER, VERB_N, NULL, NULL},
	{{"/tutti/member/NAME/section", "s", RW, "the section NAME plays in; empty: none", 0, 0}, TAKES_WORD, CMD, HOUSE_OTHER, VERB_SECTION, NULL, NULL},
	{{"/tutti/section/NAME/gain", "f", RW, "a host: loudness of all in section NAME, on top of their own", DB}, TAKES_DB, CMD, HOUSE_ROOM, VERB_SECTION_GAIN, NULL, NULL},
	{{"/tutti/transport/countin", "i", RW, "bars before bar 0 at each start of the beat", 0, 8}, TAKES_NUMBER, CMD, HOUSE_ROOM, VERB_TRANSPORT, "count-in", NULL},
	{{"/tutti/me/mix/NAME/gain", "f", W, "how loud I hear NAME, in dB on top of what all hear; -60 is silence", DB},
	 TAKES_DB, CMD, HOUSE_ME, VERB_VIEW, NULL, NULL},
	{{"/tutti/me/mix/NAME/fader", "f", W, "the same as a fader: 0 silence, 0.75 as all hear it, 1 10 dB more", 0, 1},
	 TAKES_FADER, CMD, HOUSE_ME, VERB_VIEW, NULL, NULL},
	{{"/tutti/me/mix/NAME/pan", "f", W, "where I hear NAME, -1 left to 1 right; 2 is where all hear it", -1, 2},
	 TAKES_PAN, CMD, HOUSE_ME, VERB_VIEW, NULL, NULL},
	{{"/tutti/me/name", "s", R, "I am called NAME here", 0, 0}, TAKES_NOTHING, CMD, HOUSE_ME, VERB_N, NULL, NULL},
	{{"/tutti/me/latency", "iii", W, "microseconds that my end needs for capture, playback and its buffer; a fourth: my round trip to the server", 0, DELAY_MAX_US},
	 TAKES_LATENCY, CMD, HOUSE_ME, VERB_LATENCY, NULL, NULL},
	{{"/tutti/room/record", "i", RW, "the room is recorded", FLAG}, TAKES_FLAG, CMD, HOUSE_ROOM, VERB_RECORD, "start", "stop"},
	{{"/tutti/room/record/pause", "i", W, "what is said now is left out", FLAG}, TAKES_FLAG, CMD, HOUSE_ROOM, VERB_RECORD, "pause", "resume"},
	{{"/tutti/room/lock", "i", RW, "nobody new comes in but hosts", FLAG}, TAKES_FLAG, CMD, HOUSE_ROOM, VERB_LOCK, NULL, NULL},
	{{"/tutti/room/mute-all", "i", RW, "all but hosts are muted, and who comes later", FLAG}, TAKES_FLAG, CMD, HOUSE_ROOM, VERB_MUTE_ALL, NULL, NULL},
	{{"/tutti/member/NAME/mute", "i", RW, "a host mutes NAME", FLAG}, TAKES_FLAG, CMD, HOUSE_OTHER, VERB_MUTE, NULL, NULL},
	{{"/tutti/member/NAME/deaf", "i", W, "NAME hears nothing", FLAG}, TAKES_FLAG, CMD, HOUSE_OTHER, VERB_DEAF, NULL, NULL},
	{{"/tutti/member/NAME/hand", "i", RW, "NAME's hand is raised", FLAG}, TAKES_FLAG, CMD, HOUSE_OTHER, VERB_HAND, NULL, NULL},
	{{"/tutti/member/NAME/floor", "i", W, "a host gives NAME the floor, or takes it", FLAG}, TAKES_FLAG, CMD, HOUSE_OTHER, VERB_FLOOR, NULL, NULL},
	{{"/tutti/member/NAME/gain", "f", W, "NAME's loudness for all, in dB", DB}, TAKES_DB, CMD, HOUSE_OTHER, VERB_GAIN, NULL, NULL},
	{{"/tutti/member/NAME/pan", "f", W, "NAME's place for all", -1, 1}, TAKES_PAN, CMD, HOUSE_OTHER, VERB_PAN, NULL, NULL},
	{{"/tutti/member/NAME/click", "i", W, "NAME hears the room's beat", FLAG}, TAKES_FLAG, CMD, HOUSE_OTHER, VERB_CLICK, NULL, NULL},
	{{"/tutti/member/NAME/level", "f", R, "how loud NAME is, in dB under full scale: to who asked for levels", -127, 0}, TAKES_NOTHING, CMD, HOUSE_OTHER, VERB_N, NULL, NULL},
	{{"/tutti/member/NAME/delay", "f", R, "milliseconds from NAME's mouth to my ear, as far as they are known", 0, 0}, TAKES_NOTHING, CMD, HOUSE_OTHER, VERB_N, NULL, NULL},
	{{"/tutti/member/NAME/delay/parts", "ffffff", R, "... of which capture, way up, buffer, mix, way down, playback; 0: not known", 0, 0},
	 TAKES_NOTHING, CMD, HOUSE_OTHER, VERB_N, NULL, NULL},
	{{"/tutti/warn/delay", "sf", R, "between NAME and me it is so many milliseconds, over the bound of the room; 0: not any more", 0, 0},
	 TAKES_NOTHING, CMD, HOUSE_ME, VERB_N, NULL, NULL},
	{{"/tutti/joined", "s", R, "NAME has come", 0, 0}, TAKES_NOTHING, CMD, HOUSE_ROOM, VERB_N, NULL, NULL},
	{{"/tutti/left", "s", R, "NAME has gone", 0, 0}, TAKES_NOTHING, CMD, HOUSE_ROOM, VERB_N, NULL, NULL},
	{{"/tutti/room/speaker", "s", R, "NAME speaks; empty: nobody", 0, 0}, TAKES_NOTHING, CMD, HOUSE_ROOM, VERB_N, NULL, NULL},
	{{"/tutti/room/floor", "s", R, "NAME was given the floor; empty: nobody", 0, 0}, TAKES_NOTHING, CMD, HOUSE_ROOM, VERB_N, NULL, NULL},
	{{"/tutti/tempo", "f", RW, "beats a minute", 20, 400}, TAKES_BPM, CMD, HOUSE_ROOM, VERB_TEMPO, NULL, NULL},
	{{"/tutti/tempo/bar", "i", RW, "beats in a bar", 1, 32}, TAKES_BEATS, CMD, HOUSE_ROOM, VERB_TEMPO, NULL, NULL},
	{{"/tutti/tempo/follow", "s", W, "the tempo is that of NAME's MIDI clock; empty: nobody's", 0, 0}, TAKES_NAME, CMD, HOUSE_OTHER, VERB_FOLLOW, NULL, NULL},
	{{"/tutti/transport", "i", R, "the beat runs", FLAG}, TAKES_NOTHING, CMD, HOUSE_ROOM, VERB_N, NULL, NULL},
	{{"/tutti/transport/start", "", W, "the beat begins, with a bar", 0, 0}, TAKES_NOTHING, CMD, HOUSE_ROOM, VERB_TRANSPORT, "start", NULL},
	{{"/tutti/transport/stop", "", W, "the beat stops", 0, 0}, TAKES_NOTHING, CMD, HOUSE_ROOM, VERB_TRANSPORT, "stop", NULL},
	{{"/tutti/transport/continue", "", W, "the beat goes on where it stopped", 0, 0}, TAKES_NOTHING, CMD, HOUSE_ROOM, VERB_TRANSPORT, "continue", NULL},
	{{"/tutti/beat", "iii", R, "a beat is now: bar, beat in it, thousandths of a beat a minute", 0, 0}, TAKES_NOTHING, CMD, HOUSE_ROOM, VERB_N, NULL, NULL},
	{{"/tutti/clock", "h", W, "my time in microseconds: answered at once", 0, 0}, TAKES_CLOCK, HOUSE_NOTHING, HOUSE_ME, VERB_N, NULL, NULL},
	{{"/tutti/clock/reply", "hhhh", R, "that time; when it came and when this left by the server's microseconds; the room's sample then", 0, 0},
	 TAKES_NOTHING, CMD, HOUSE_ME, VERB_N, NULL, NULL},
	{{"/tutti/levels", "i", W, "20 times a second how loud everybody is, to me", FLAG}, TAKES_FLAG, HOUSE_LEVELS, HOUSE_ME, VERB_N, NULL, NULL},
	{{"/tutti/ask", "", W, "all that can be read is told anew, to me", 0, 0}, TAKES_NOTHING, HOUSE_ASK, HOUSE_ME, VERB_N, NULL, NULL},
	{{"/tutti/error", "ss", R, "what I asked for was refused: its address, and why", 0, 0}, TAKES_NOTHING, CMD, HOUSE_ME, VERB_N, NULL, NULL},
};

#undef R
#undef W
#undef RW
#undef DB
#undef FLAG
#undef CMD

const struct house_addr *house_addr_at(size_t i)
{
	return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i].pub : NULL;
}

float house_fader_db(float v)
{
	const float unity = FADER_UNITY_PERCENT / 100.0f;

	if (!(v > 0))
		return -60;
	if (v >= unity)
		return v >= 1 ? 10 : (v - unity) * 40;
	if (v > unity - 0.005f)           /* the nearest of 127 steps */
		return 0;
	/* Evenly down to -40 dB at a tenth of the way, then faster to silence. */
	return v >= 0.1f ? (v - unity) * (40 / (unity - 0.1f)) : -40 - (0.1f - v) * 200;
}

/* --- the address --- */

static size_t part(const char *s) { return strcspn(s, "/"); }

/* Part by part; what stands where the table has NAME goes to `name`. */
static bool address_is(char name[VIEW_NAME_MAX + 1], const char *row, const char *addr)
{
	name[0] = '\0';
	for (;;) {
		size_t n = part(row), m = part(addr);

		if (n == 4 && !memcmp(row, "NAME", 4)) {
			if (!m || m > VIEW_NAME_MAX)
				return false;
			memcpy(name, addr, m);
			name[m] = '\0';
		} else if (n != m || memcmp(row, addr, n) != 0) {
			return false;
		}
		row += n;
		addr += m;
		if (*row != *addr)
			return false;
		if (!*row)
			return true;
		row++;
		addr++;
	}
}

static const struct row *row_find(char name[VIEW_NAME_MAX + 1], const char *addr)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (address_is(name, rows[i].pub.address, addr))
			return &rows[i];
	return NULL;
}

/* --- the argument --- */

static bool number(double *v, const struct osc_arg *a)
{
	switch (a->tag) {

	case 'i': *v = a->v.i; break;
	case 'f': *v = (double)a->v.f; break;
	case 'h': *v = (double)a->v.h; break;
	case 'd': *v = a->v.d; break;
	case 'T': *v = 1; break;
	case 'F': *v = 0; break;
	default:  return false;
	}
	return isfinite(*v);
}

static int take_number(struct house_order *o, const struct row *r, double v)
{
	if (v < (double)r->pub.min || v > (double)r->pub.max)
		return EINVAL;
	switch (r->takes) {

	case TAKES_PAN:
		if (v > 1 && v < (double)COMMAND_PAN_SAME)
			return EINVAL;
		o->cmd.pan = (float)v;
		o->mix_pan = true;
		break;
	case TAKES_FADER: o->cmd.value = house_fader_db((float)v); break;
	case TAKES_BEATS: o->cmd.beats = (uint32_t)v; break;
	default:          o->cmd.value = (float)v; break;
	}
	/* Whoever says how loud wants to hear it. */
	o->cmd.on = r->verb == VERB_CLICK;
	return 0;
}

static void take_flag(struct house_order *o, const struct row *r, bool on)
{
	o->on = o->cmd.on = on;
	o->word_on = r->on;
	o->word_off = r->off;
	o->cmd.text = on ? r->on : r->off;
}

void house_set_flag(struct house_order *o, bool on)
{
	o->on = o->cmd.on = on;
	o->cmd.text = on ? o->word_on : o->word_off;
}

/* A button that is let go. */
static void take_press(struct house_order *o, const struct row *r, bool pressed)
{
	if (!pressed)
		o->what = HOUSE_NOTHING;
	o->cmd.text = r->on;
}

static int take_word(struct house_order *o, const struct osc_arg *a)
{
	if ((a->tag != 's' && a->tag != 'S') || strlen(a->v.s) > VIEW_NAME_MAX)
		return EINVAL;
	strcpy(o->word, a->v.s);
	o->worded = true;
	return 0;
}

static int take_name(struct house_order *o, const struct osc_arg *a)
{
	if (a->tag != 's' && a->tag != 'S')
		return EINVAL;
	if (strlen(a->v.s) > VIEW_NAME_MAX)
		return EINVAL;
	strcpy(o->name, a->v.s);
	o->cmd.on = o->on = o->name[0] != '\0';
	if (!o->on)
		o->whom = HOUSE_ROOM;
	return 0;
}

static int take_latency(struct house_order *o, const struct row *r, const struct osc_msg *msg)
{
	uint32_t us[4] = {0};
	struct osc_args it;
	struct osc_arg a;
	unsigned n = 0;
	double v;

	osc_args_init(&it, msg);
	for (; osc_arg_next(&it, &a); n++) {
		if (n >= ARRAY_SIZE(us) || !number(&v, &a) || v < (double)r->pub.min || v > (double)r->pub.max)
			return EINVAL;
		us[n] = (uint32_t)v;
	}
	o->cmd.capture_us = us[0];
	o->cmd.playback_us = us[1];
	o->cmd.buffer_us = us[2];
	o->cmd.rtt_us = us[3];
	return n < 3 ? EINVAL : 0;
}

static int take(struct house_order *o, const struct row *r, const struct osc_msg *msg)
{
	struct osc_arg a, more;
	struct osc_args it;
	double v = 1;
	bool any;

	if (r->takes == TAKES_LATENCY)
		return take_latency(o, r, msg);
	osc_args_init(&it, msg);
	any = osc_arg_next(&it, &a);
	if (any && osc_arg_next(&it, &more))
		return EINVAL;
	if (any && r->takes == TAKES_NAME)
		return take_name(o, &a);
	if (r->takes == TAKES_WORD)
		return any ? take_word(o, &a) : EINVAL;
	if (any && !number(&v, &a))
		return EINVAL;
	if (r->takes == TAKES_NOTHING)
		take_press(o, r, v != 0);
	else if (!any)
		return EINVAL;
	else if (r->takes == TAKES_CLOCK)
		return a.tag == 'h' ? 0 : EINVAL;
	else if (r->takes == TAKES_FLAG)
		take_flag(o, r, v != 0);
	else
		return take_number(o, r, v);
	return 0;
}

static int begin(const struct row **rp, struct house_order *o, const char *addr)
{
	const struct row *r;

	memset(o, 0, sizeof(*o));
	r = *rp = row_find(o->name, addr);
	if (!r)
		return ENOENT;
	if (!(r->pub.access & HOUSE_WRITE))
		return EACCES;
	o->what = r->what;
	o->whom = r->whom;
	o->cmd.verb = r->verb;
	o->cmd.pan = COMMAND_PAN_SAME;
	o->mix = r->verb == VERB_VIEW;
	o->section = r->verb == VERB_SECTION_GAIN || r->verb == VERB_SECTION_VIEW;
	if (o->section)
		memcpy(o->word, o->name, sizeof(o->word));
	if (o->section)
		o->name[0] = '\0';        /* it is nobody's */
	o->cmd.text = r->on;
	return 0;
}

int house_read(struct house_order *o, const struct osc_msg *msg)
{
	const struct row *r;
	int err = begin(&r, o, msg->addr);

	return err ? err : take(o, r, msg);
}

/* --- faders and keys --- */

static bool movable(const struct row *r, bool key)
{
	switch (r->takes) {

	case TAKES_FLAG:
	case TAKES_NOTHING: return true;
	case TAKES_DB:
	case TAKES_FADER:
	case TAKES_PAN:
	case TAKES_BPM:
	case TAKES_BEATS:   return !key;
	case TAKES_NAME:
	case TAKES_WORD:
	case TAKES_NUMBER:
	case TAKES_LATENCY:
	case TAKES_CLOCK:   break;
	}
	return false;
}

bool house_movable(const char *addr, bool key)
{
	struct house_order o;
	const struct row *r;

	return !begin(&r, &o, addr) && movable(r, key);
}

/* Halfway is the middle, also where there are 127 steps and no half. */
static double place(double v) { return fabs(v - 0.5) < 0.005 ? 0 : v * 2 - 1; }

static int move_to(struct house_order *o, const struct row *r, double v)
{
	switch (r->takes) {

	case TAKES_PAN:   return take_number(o, r, place(v));
	case TAKES_DB:
		o->cmd.value = house_fader_db((float)v);
		o->cmd.on = r->verb == VERB_CLICK;
		return 0;
	case TAKES_BPM:   return take_number(o, r, 40 + round(v * 127));
	case TAKES_BEATS: return take_number(o, r, 1 + round(v * 15));
	default:          return take_number(o, r, v);
	}
}

int house_move(struct house_order *o, const char *addr, const struct house_move *m)
{
	const struct row *r;
	int err = begin(&r, o, addr);

	if (err)
		return err;
	if (!movable(r, m->key))
		return EINVAL;
	if (!strcmp(o->name, "N"))
		o->nth = m->nth;
	if (r->takes == TAKES_NOTHING) {
		take_press(o, r, m->key ? m->down : m->v >= 0.5);
	} else if (r->takes != TAKES_FLAG) {
		return move_to(o, r, m->v);
	} else {
		take_flag(o, r, m->v >= 0.5);
		o->toggle = m->key;
		if (m->key && !m->down)
			o->what = HOUSE_NOTHING;
	}
	return 0;
}
