/*
 * band_hear.c - messages to a picture of the room.
 *
 * The server tells what changes as all values of that member, and after /tutti/ask everything anew; so nothing here is
 * a difference, and a message that was lost is made good by the next. Who is not known to be there is not made to be
 * there by a level or a delay that comes late: only /tutti/joined does that. Texts of others are cleaned here, once;
 * all else are numbers.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "band_priv.h"
#include "glyph.h"

enum { FAR_MAX_US = 2000000 };    /* no end has a card that is slower */

struct said { struct osc_arg arg[6]; unsigned n; };

typedef bool (room_h)(struct band *b, const struct said *s);
typedef bool (member_h)(struct band_member *m, const struct said *s);

/* --- values --- */

static float number(const struct osc_arg *a)
{
	switch (a->tag) {
	case 'i':
		return (float)a->v.i;
	case 'f':
		return isfinite(a->v.f) ? a->v.f : 0;
	case 'h':
		return (float)a->v.h;
	case 'd':
		return isfinite(a->v.d) ? (float)a->v.d : 0;
	case 'T':
		return 1;
	default:
		return 0;
	}
}

static float number_at(const struct said *s, unsigned i)
{
	return i < s->n ? number(&s->arg[i]) : 0;
}

static const char *text_at(const struct said *s, unsigned i)
{
	return i < s->n && (s->arg[i].tag == 's' || s->arg[i].tag == 'S') ? s->arg[i].v.s : "";
}

static uint32_t ms_to_us(float ms)
{
	return (uint32_t)(band_limit(ms, 0, 100000) * 1000);
}

static uint32_t said_us(const struct said *s, unsigned i)
{
	return (uint32_t)band_limit(number_at(s, i), 0, FAR_MAX_US);
}

static bool set_flag(bool *v, const struct said *s)
{
	bool was = *v;

	*v = number_at(s, 0) != 0;
	return *v != was;
}

static bool set_text(char *v, size_t size, const char *text)
{
	char was[BAND_TEXT + 1];

	memcpy(was, v, size);
	(void)glyph_clean(v, size, text);
	return strcmp(v, was) != 0;
}

/* --- words --- */

/* The last line of each is told again to who comes, and after a loss. */
static bool heard_before(const struct band *b, const char *from, const struct said *s)
{
	int32_t nr = s->n > 1 && s->arg[1].tag == 'i' ? s->arg[1].v.i : 0;

	for (unsigned i = 0; nr && i < b->n_text; i++)
		if (band_text(b, i)->nr == nr && !strcmp(band_text(b, i)->from, from))
			return true;
	return false;
}

static bool hear_words(struct band *b, const char *from, const struct said *s, uint64_t unix_ms)
{
	char name[BAND_NAME + 1];

	(void)glyph_clean(name, sizeof(name), from);
	if (!*text_at(s, 0) || heard_before(b, name, s))
		return false;
	band_add_text(b, unix_ms, name, text_at(s, 0), s->n > 1 && s->arg[1].tag == 'i' ? s->arg[1].v.i : 0);
	return true;
}

/* --- messages of a member: /tutti/member/NAME/... --- */

static bool member_mute(struct band_member *m, const struct said *s) { return set_flag(&m->muted, s); }
static bool member_hand(struct band_member *m, const struct said *s) { return set_flag(&m->hand, s); }

static bool member_level(struct band_member *m, const struct said *s)
{
	m->level_db = band_limit(number_at(s, 0), -127, 0);
	return true;
}

static bool member_delay(struct band_member *m, const struct said *s)
{
	uint32_t was = m->to_me.total;

	m->to_me.total = ms_to_us(number_at(s, 0));
	return m->to_me.total != was;
}

static bool member_parts(struct band_member *m, const struct said *s)
{
	struct band_path *p = &m->to_me, was = *p;
	uint32_t *part[6] = {&p->capture, &p->net_up, &p->buffer, &p->mix, &p->net_down, &p->playback};

	for (unsigned i = 0; i < 6; i++)
		*part[i] = ms_to_us(number_at(s, i));
	return memcmp(&was, p, sizeof(was)) != 0;
}

static bool member_section(struct band_member *m, const struct said *s)
{
	return set_text(m->section, sizeof(m->section), text_at(s, 0));
}

static bool member_role(struct band_member *m, const struct said *s)
{
	return set_text(m->role, sizeof(m->role), text_at(s, 0));
}

static const struct { const char *what; member_h *h; } of_member[] = {
	{"mute", member_mute}, {"hand", member_hand}, {"level", member_level}, {"delay", member_delay},
	{"delay/parts", member_parts}, {"section", member_section}, {"role", member_role},
};

static bool hear_member(struct band *b, const char *path, const struct said *s)
{
	size_t len = strcspn(path, "/");
	char name[BAND_NAME + 1];
	struct band_member *m;

	if (len > BAND_NAME || !path[len])
		return false;
	memcpy(name, path, len);
	name[len] = '\0';
	m = band_find(b, name);
	for (size_t i = 0; m && i < sizeof(of_member) / sizeof(of_member[0]); i++)
		if (!strcmp(path + len + 1, of_member[i].what))
			return of_member[i].h(m, s);
	return false;
}

/* --- messages of the room and of ourselves --- */

static bool me_mute(struct band *b, const struct said *s) { return set_flag(&b->own.muted, s); }
static bool me_deaf(struct band *b, const struct said *s) { return set_flag(&b->own.deaf, s); }
static bool me_hand(struct band *b, const struct said *s) { return set_flag(&b->own.hand, s); }
static bool me_click(struct band *b, const struct said *s) { return set_flag(&b->own.click, s); }
static bool me_red(struct band *b, const struct said *s) { return set_flag(&b->own.red, s); }
static bool room_lock(struct band *b, const struct said *s) { return set_flag(&b->locked, s); }
static bool room_record(struct band *b, const struct said *s) { return set_flag(&b->recording, s); }
static bool left(struct band *b, const struct said *s) { return band_go(b, text_at(s, 0)); }

static bool me_name(struct band *b, const struct said *s)
{
	bool changed = set_text(b->me, sizeof(b->me), text_at(s, 0));

	for (unsigned i = 0; i < b->n; i++)
		b->member[i].me = !strcmp(b->member[i].name, b->me);
	return changed;
}

static bool me_buffer(struct band *b, const struct said *s)
{
	int was = b->own.buffer_quanta;

	b->own.buffer_quanta = (int)band_limit(number_at(s, 0), -1, 3);
	return b->own.buffer_quanta != was;
}

static bool me_odds(struct band *b, const struct said *s)
{
	for (unsigned i = 0; i < 4; i++)
		b->own.buffer_odds[i] = i < s->n ? band_limit(number_at(s, i), -1, 1000000) : -1;
	return true;
}

static bool joined(struct band *b, const struct said *s)
{
	unsigned was = b->n;

	(void)band_come(b, text_at(s, 0));
	return b->n != was;
}

static bool speaker(struct band *b, const struct said *s)
{
	const struct band_member *m = band_find(b, text_at(s, 0));
	bool changed = false;

	for (unsigned i = 0; i < b->n; i++) {
		changed = changed || b->member[i].speaking != (m == &b->member[i]);
		b->member[i].speaking = m == &b->member[i];
	}
	return changed;
}

static bool tempo(struct band *b, const struct said *s)
{
	uint32_t was = b->beat.mbpm;

	b->beat.mbpm = (uint32_t)(band_limit(number_at(s, 0), 0, 1000) * 1000 + 0.5f);
	b->beat.known = true;
	return b->beat.mbpm != was;
}

static bool tempo_bar(struct band *b, const struct said *s)
{
	unsigned was = b->beat.per_bar;

	b->beat.per_bar = (unsigned)band_limit(number_at(s, 0), 1, 32);
	return b->beat.per_bar != was;
}

static bool transport(struct band *b, const struct said *s)
{
	b->beat.known = true;
	return set_flag(&b->beat.running, s);
}

static const struct { const char *addr; room_h *h; } of_room[] = {
	{"me/name", me_name}, {"me/mute", me_mute}, {"me/deaf", me_deaf}, {"me/hand", me_hand}, {"me/click", me_click},
	{"me/red", me_red}, {"me/buffer", me_buffer}, {"me/buffer/odds", me_odds},
	{"room/lock", room_lock}, {"room/record", room_record}, {"room/speaker", speaker},
	{"joined", joined}, {"left", left}, {"tempo", tempo}, {"tempo/bar", tempo_bar}, {"transport", transport},
};

static bool hear_beat(struct band *b, const struct said *s, uint64_t now_us)
{
	if (s->n < 3 || s->arg[0].tag != 'i')
		return false;
	b->beat.known = b->beat.running = true;
	b->beat.bar = s->arg[0].v.i;
	b->beat.in_bar = (unsigned)band_limit(number_at(s, 1), 0, 31);
	b->beat.mbpm = (uint32_t)band_limit(number_at(s, 2), 0, 1000000);
	b->beat.at_us = now_us;
	return true;
}

static bool hear_note(struct band *b, const struct said *s, uint64_t unix_ms, bool delay)
{
	char line[BAND_TEXT + 1], name[BAND_NAME + 1];

	if (!delay && !strncmp(text_at(s, 0), "/tutti/me/latency", 17))
		return false;                     /* an older server, which does not ask for it */
	(void)glyph_clean(name, sizeof(name), text_at(s, 0));
	if (delay)
		(void)snprintf(line, sizeof(line), "%s is %.0f ms away: too far to play in time", name,
			       (double)number_at(s, 1));
	else
		(void)snprintf(line, sizeof(line), "%s: %.60s", name, text_at(s, 1));
	band_add_text(b, unix_ms, "*", line, 0);
	return true;
}

static bool hear_house(struct band *b, const char *addr, const struct said *s, uint64_t now_us, uint64_t unix_ms)
{
	if (!strncmp(addr, "member/", 7))
		return hear_member(b, addr + 7, s);
	if (!strcmp(addr, "beat"))
		return hear_beat(b, s, now_us);
	if (!strcmp(addr, "error") || !strcmp(addr, "warn/delay"))
		return hear_note(b, s, unix_ms, *addr == 'w');
	for (size_t i = 0; i < sizeof(of_room) / sizeof(of_room[0]); i++)
		if (!strcmp(addr, of_room[i].addr))
			return of_room[i].h(b, s);
	return false;
}

static void read_said(struct said *s, const struct osc_msg *msg)
{
	struct osc_args it;

	osc_args_init(&it, msg);
	while (s->n < 6 && osc_arg_next(&it, &s->arg[s->n]))
		s->n++;
}

/* As a server takes it (docs/gestures-control.md): microseconds. */
static bool far_latency(struct band_far *far, const struct said *s)
{
	if (s->n < 3)
		return false;
	*far = (struct band_far){
		.told = true,
		.capture = said_us(s, 0), .playback = said_us(s, 1), .buffer = said_us(s, 2), .rtt = said_us(s, 3),
	};
	return true;
}

bool band_hear_peer(struct band *b, const struct osc_msg *msg, uint64_t unix_ms)
{
	struct said s = {.n = 0};

	if (!b->n)
		return false;
	read_said(&s, msg);
	if (!strcmp(msg->addr, "/text"))
		return hear_words(b, b->member[0].name, &s, unix_ms);
	if (!strcmp(msg->addr, "/tutti/me/latency"))
		return far_latency(&b->far, &s);
	if (!strcmp(msg->addr, "/tutti/me/mute"))
		return member_mute(&b->member[0], &s);
	return !strcmp(msg->addr, "/tutti/me/hand") && member_hand(&b->member[0], &s);
}

bool band_hear(struct band *b, const struct osc_msg *msg, uint64_t now_us, uint64_t unix_ms)
{
	struct said s = {.n = 0};
	char name[BAND_NAME + 1];
	size_t len;

	read_said(&s, msg);
	if (!strncmp(msg->addr, "/tutti/", 7))
		return hear_house(b, msg->addr + 7, &s, now_us, unix_ms);
	if (strncmp(msg->addr, "/p/", 3) != 0)
		return false;
	len = strcspn(msg->addr + 3, "/");
	if (len > BAND_NAME || strcmp(msg->addr + 3 + len, "/text") != 0)
		return false;
	memcpy(name, msg->addr + 3, len);
	name[len] = '\0';
	return hear_words(b, name, &s, unix_ms);
}
