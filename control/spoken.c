/*
 * spoken.c - what happens in a room, told to phones.
 *
 *     event > which word, to whom?      member-changed "muted"        that member alone
 *                                       member-joined, member-left    a tone for all that are in
 *                                       room-changed "recording-..."  all that are in
 *                                       member-waiting                the one that waits; then music, until it is let in
 *
 * Who comes in is told what it must know (it is recorded, it is muted, nobody else is there) 0.7 seconds after its call
 * was answered: the first words of whoever speaks at once are cut off by networks and hands. Until then nothing else is
 * said to it, as that moment tells the state it finds.
 *
 * In a music room nothing is said or sounded by itself, but that it is recorded: a take would be spoiled. Keys are
 * answered there too.
 *
 * What one member is told costs an encode of its own while it lasts. So words are counted in a bucket, and a room in
 * which all are muted at once is told once, and not each of its thousand members.
 */
#include <errno.h>
#include <string.h>
#include "log.h"
#include "sound.h"
#include "spoken.h"
#include "state.h"
#include "tone.h"

enum { BUCKETS = 1024, FIRST_MS = 700, SOON_MS = 100, RATE_PER_S = 50, BURST = 100, TONE_PAUSE_MS = 300 };

struct voice {                            /* one member, as long as it is a member */
	struct le he;
	struct spoken *s;
	uint32_t id;
	struct wheel_tmr tmr;             /* running: nothing has been said to it yet */
	struct sound *music;              /* what it hears while it waits; NULL: it is in */
};

struct spoken {
	struct control *c;
	struct prompts *prompts;
	bool words, tones;
	struct event_lsnr *lsnr;
	struct hash *voices;
	struct sound *tone[2], *music;    /* came, left; for who waits when the rooms have none */
	uint32_t by_key;                  /* the member whose key is at work; 0: none */
	const struct room *muting;        /* being told as a whole, and not one by one: until the loop's next turn */
	struct tmr tmr_muting;
	uint64_t toned_ms, tokens_ms;
	uint32_t tokens;                  /* words that may be said, in thousandths */
};

/* --- what a room wants --- */

static const char *language(const struct room *r)
{
	return r->conf.language;
}

static bool by_itself(const struct room *r)
{
	return !r->conf.music;
}

bool spoken_recording(const struct room *r)
{
	return r->recording != NULL;
}

static uint32_t n_in(const struct room *r)
{
	return r->n_members - r->n_waiting;
}

/* --- saying --- */

/* One more to one alone: are there too many of them just now? */
static bool may_say(struct spoken *s)
{
	uint64_t now = tmr_jiffies(), more = (now - s->tokens_ms) * RATE_PER_S;

	s->tokens_ms = now;
	s->tokens = more + s->tokens > BURST * 1000 ? BURST * 1000 : (uint32_t)(s->tokens + more);
	if (s->tokens < 1000)
		return false;
	s->tokens -= 1000;
	return true;
}

static bool is_voice(struct le *le, void *arg)
{
	const struct voice *v = le->data;

	return v->id == *(uint32_t *)arg;
}

static struct voice *voice_of(const struct spoken *s, uint32_t id)
{
	struct le *le = s ? hash_lookup(s->voices, id, is_voice, &id) : NULL;

	return le ? le->data : NULL;
}

static void say(struct spoken *s, const struct member *m, const char *const *word, unsigned n, enum leg_say_how how)
{
	const struct voice *v = voice_of(s, m->id);
	struct prompt_say what = { .language = language(m->room), .word = word, .n = n, .how = how, .then = v ? v->music : NULL };

	if (!s->words || !m->face.leg || !n || !may_say(s))
		return;
	(void)prompt_to_leg(s->prompts, m->face.leg, &what);      /* ENOSPC: it has been told too much already */
}

void spoken_words(struct member *m, const char *const *words, unsigned n)
{
	struct spoken *s = m->c->spoken;
	struct voice *v = voice_of(s, m->id);

	if (!v)
		return;
	wheel_cancel(&v->tmr);              /* who presses keys listens */
	say(s, m, words, n, LEG_SAY_NOW);
}

void spoken_member(struct member *m, const char *word)
{
	spoken_words(m, &word, 1);
}

void spoken_by_key(struct control *c, uint32_t member)
{
	if (c->spoken)
		c->spoken->by_key = member;
}

/* Of an event that concerns m: at once when its own key did it, else when it has heard what it is being told. */
static void tell(struct spoken *s, const struct member *m, const char *word)
{
	struct voice *v = voice_of(s, m->id);

	if (!v || (wheel_running(&v->tmr) && s->by_key != m->id))
		return;
	wheel_cancel(&v->tmr);
	say(s, m, &word, 1, s->by_key == m->id ? LEG_SAY_NOW : LEG_SAY_AFTER);
}

static void tell_room(struct spoken *s, struct room *r, const char *word)
{
	struct prompt_say what = { .language = language(r), .word = &word, .n = 1, .how = LEG_SAY_AFTER };

	if (s->tones)
		(void)prompt_to_bus(s->prompts, r->bus, &what);
}

static void tone(struct spoken *s, struct room *r, bool came)
{
	struct sound *t = s->tone[!came];
	struct leg_say piece = { .smp = sound_smp(t), .n = sound_len(t), .owner = t, .gain = 1, .under = 1 };
	uint64_t now = tmr_jiffies();

	/* A room that fills rings once in a while, and not for each of a hundred. */
	if (!s->tones || !r->conf.tones || !by_itself(r) || !n_in(r) || now < s->toned_ms + TONE_PAUSE_MS)
		return;
	s->toned_ms = now;
	(void)bus_say(r->bus, &piece, 1, LEG_SAY_AFTER);
}

/* The name as it was said, and what its owner does. false: it said none, or the room wants none; then the tone tells it. */
static bool announce(struct spoken *s, struct room *r, struct sound *name, const char *does)
{
	struct leg_say piece[2] = { { .gain = 1, .under = 1, .owner = name } };
	struct sound *words = NULL;
	unsigned n = 1;
	int err;

	if (!s->tones || !name || !r->conf.announce_names || !by_itself(r) || !n_in(r))
		return false;
	piece[0].smp = sound_smp(name);
	piece[0].n = sound_len(name);
	if (!prompt_sound(&words, s->prompts, language(r), does))
		piece[n++] = (struct leg_say){ .gain = 1, .under = 1, .owner = words, .smp = sound_smp(words), .n = sound_len(words) };
	err = bus_say(r->bus, piece, n, LEG_SAY_AFTER);
	mem_deref(words);
	return !err;                      /* ENOSPC: half a crowd is being announced already */
}

int spoken_leg(struct control *c, struct leg *l, const char *room, const struct prompt_say *what)
{
	struct prompt_say mine = *what;
	struct room *r = room ? room_find(c, room) : NULL;

	if (!c->spoken || !c->spoken->words)
		return ENOTSUP;
	if (r)
		mine.language = language(r);
	return prompt_to_leg(c->spoken->prompts, l, &mine);
}

int spoken_play(struct room *r, const char *name, bool loop)
{
	struct spoken *s = r->c->spoken;
	struct leg_say piece = { .gain = 1, .under = 1, .loop = loop };
	struct sound *sound = NULL;
	int err = s ? prompt_sound(&sound, s->prompts, language(r), name) : ENOTSUP;

	if (err)
		return err;
	piece.smp = sound_smp(sound);
	piece.n = sound_len(sound);
	piece.owner = sound;
	err = bus_say(r->bus, &piece, 1, loop ? LEG_SAY_NOW : LEG_SAY_AFTER);
	mem_deref(sound);
	return err;
}

int spoken_stop(struct room *r)
{
	return bus_say(r->bus, NULL, 0, LEG_SAY_NOW);
}

int spoken_count(struct room *r, struct member *m)
{
	char number[PROMPT_NUMBER_WORDS][8];
	const char *words[PROMPT_NUMBER_WORDS + 2] = { "only-person" };
	struct prompt_say what = { .language = language(r), .word = words, .n = 1, .how = LEG_SAY_AFTER };
	struct spoken *s = r->c->spoken;

	if (!s)
		return ENOTSUP;
	if (n_in(r) != 1) {
		unsigned n = prompt_number(number, n_in(r));

		words[0] = "count-before";
		for (unsigned i = 0; i < n; i++)
			words[1 + i] = number[i];
		words[1 + n] = "count-after";
		what.n = n + 2;
	}
	if (!m)
		return prompt_to_bus(s->prompts, r->bus, &what);
	spoken_words(m, words, what.n);
	return 0;
}

void spoken_orphan(struct spoken *s)
{
	if (!s)
		return;
	hash_flush(s->voices);
	s->c->spoken = NULL;
	s->c = NULL;
}

/* --- a member's first words --- */

static void voice_destructor(void *data)
{
	struct voice *v = data;

	wheel_cancel(&v->tmr);
	hash_unlink(&v->he);
	mem_deref(v->music);
}

static struct voice *voice_make(struct spoken *s, uint32_t id)
{
	struct voice *v = voice_of(s, id);

	if (v)
		return v;
	v = mem_zalloc(sizeof(*v), voice_destructor);
	if (!v)
		return NULL;
	v->s = s;
	v->id = id;
	hash_append(s->voices, id, &v->he, v);
	return v;
}

static const char *waits_for(const struct member *m)
{
	switch (m->waiting) {

	case WAITING_HOST:  return "waiting-host";
	case WAITING_ADMIT: return "waiting-admit";
	case WAITING_START: return "waiting-start";
	case WAITING_NO:
	case WAITING_N:     break;
	}
	return NULL;
}

/* Who is in hears how things stand. */
static unsigned greeting(const char *words[3], const struct member *m)
{
	const struct room *r = m->room;
	unsigned n = 0;

	if (spoken_recording(r))
		words[n++] = "recorded";
	if (!by_itself(r))
		return n;
	if (m->host_muted || m->self_muted)
		words[n++] = "muted";
	if (n_in(r) == 1)
		words[n++] = "only-person";
	return n;
}

static void greet(void *arg)
{
	struct voice *v = arg;
	const struct member *m = member_by_id(v->s->c, v->id);
	const char *words[3];

	if (!m || !m->room)
		return;
	words[0] = waits_for(m);
	say(v->s, m, words, words[0] ? 1 : greeting(words, m), LEG_SAY_AFTER);
}

/* What it hears while it waits: as who is alone. */
static struct sound *waiting_music(struct spoken *s)
{
	if (s->c->alone)
		return s->c->alone;
	if (!s->music && sound_tune(&s->music))
		return NULL;
	return s->music;
}

static void waits(struct spoken *s, const struct member *m)
{
	struct voice *v = voice_make(s, m->id);
	const char *word = waits_for(m);

	if (!v)
		return;
	if (!v->music) {
		v->music = mem_ref(waiting_music(s));
		wheel_start(&v->tmr, m->face.answered ? SOON_MS : FIRST_MS, greet, v);
	} else if (word && !wheel_running(&v->tmr)) {             /* for something else now */
		say(s, m, &word, 1, LEG_SAY_NOW);
	}
}

static void came_in(struct spoken *s, struct member *m)
{
	struct voice *v = voice_make(s, m->id);
	const char *words[4] = { "joining" };
	bool waited = v && v->music;

	if (!announce(s, m->room, m->face.said_name, "name-joined"))
		tone(s, m->room, true);
	if (!v)
		return;
	v->music = mem_deref(v->music);
	if (!waited) {
		wheel_start(&v->tmr, m->face.answered ? SOON_MS : FIRST_MS, greet, v);
		return;
	}
	wheel_cancel(&v->tmr);
	if (m->face.leg)
		(void)leg_say(m->face.leg, NULL, 0, LEG_SAY_NOW);         /* the music, also where no words are said */
	say(s, m, words, 1 + greeting(words + 1, m), LEG_SAY_AFTER);
}

static void went(struct spoken *s, struct room *r, const struct member *m)
{
	struct voice *v = voice_of(s, m->id);

	if (v && !v->music && !announce(s, r, m->face.said_name, "name-left"))
		tone(s, r, false);
	mem_deref(v);
}

/* --- events --- */

static const struct { const char *detail, *word; } of_member[] = {
	{ "muted", "muted" }, { "unmuted", "unmuted" }, { "muted-by-host", "muted-by-host" },
	{ "unmuted-by-host", "unmuted-by-host" }, { "asked-unmute", "asked-unmute" }, { "deaf", "deaf" }, { "undeaf", "undeaf" },
	{ "hand-up", "hand-up" }, { "hand-down", "hand-down" }, { "host", "role-host" }, { "speaker", "role-speaker" },
	{ "listener", "role-listener" }, { "floor-given", "floor-given" }, { "floor-taken", "floor-taken" },
}, of_room[] = {
	{ "recording-started", "recording-started" }, { "recording-paused", "recording-paused" },
	{ "recording-resumed", "recording-resumed" }, { "recording-stopped", "recording-stopped" },
	{ "recording-failed", "recording-failed" }, { "muted-all", "all-muted" }, { "unmuted-all", "all-unmuted" },
	{ "ending", "ends-soon" },
};

static void all_muted(void *arg)
{
	struct spoken *s = arg;

	s->muting = NULL;
}

static bool goes_with_room(const struct spoken *s, const struct member *m, const char *word)
{
	return s->muting == m->room && strstr(word, "muted-by-host");
}

static void member_event(struct spoken *s, const struct member *m, const char *detail)
{
	for (size_t i = 0; i < ARRAY_SIZE(of_member); i++)
		if (strcmp(of_member[i].detail, detail) == 0 && !goes_with_room(s, m, of_member[i].word))
			tell(s, m, of_member[i].word);
}

static void room_event(struct spoken *s, struct room *r, const char *detail)
{
	for (size_t i = 0; i < ARRAY_SIZE(of_room); i++) {
		if (strcmp(of_room[i].detail, detail) != 0)
			continue;
		if (by_itself(r))
			tell_room(s, r, of_room[i].word);
		if (strstr(detail, "muted-all")) {
			s->muting = r;
			tmr_start(&s->tmr_muting, 0, all_muted, s);
		}
	}
}

static void handler(const struct event *ev, void *arg)
{
	struct spoken *s = arg;
	struct member *m = ev->member ? member_by_id(s->c, ev->member) : NULL;
	struct room *r = room_find(s->c, ev->room);

	switch (ev->type) {

	case EVENT_MEMBER_WAITING:
		if (m)
			waits(s, m);
		break;
	case EVENT_MEMBER_JOINED:
		if (m && m->room)
			came_in(s, m);
		break;
	case EVENT_MEMBER_CHANGED:
		if (m && m->room)
			member_event(s, m, ev->detail);
		break;
	case EVENT_MEMBER_LEFT:
		if (r && ev->who)
			went(s, r, ev->who);
		break;
	case EVENT_ROOM_CHANGED:
		if (r)
			room_event(s, r, ev->detail);
		break;
	default:
		break;
	}
}

/* --- life --- */

static void spoken_destructor(void *data)
{
	struct spoken *s = data;

	if (s->c && s->c->spoken == s)
		s->c->spoken = NULL;
	mem_deref(s->lsnr);
	tmr_cancel(&s->tmr_muting);
	hash_flush(s->voices);
	mem_deref(s->voices);
	mem_deref(s->tone[0]);
	mem_deref(s->tone[1]);
	mem_deref(s->music);
	mem_deref(s->prompts);
}

void spoken_reconf(struct spoken *s, const struct spoken_conf *conf)
{
	s->words = conf->words;
	s->tones = conf->tones;
}

int spoken_alloc(struct spoken **sp, struct control *c, const struct spoken_conf *conf)
{
	struct spoken *s = mem_zalloc(sizeof(*s), spoken_destructor);
	int err;

	if (!s)
		return ENOMEM;
	s->prompts = mem_ref(conf->prompts);
	tmr_init(&s->tmr_muting);
	spoken_reconf(s, conf);
	err = hash_alloc(&s->voices, BUCKETS);
	if (!err)
		err = tone_make(&s->tone[0], TONE_JOIN);
	if (!err)
		err = tone_make(&s->tone[1], TONE_LEAVE);
	if (!err)
		err = event_listen(&s->lsnr, c, NULL, handler, s);
	if (err) {
		mem_deref(s);
		return err;
	}
	s->c = c;
	c->spoken = s;
	*sp = s;
	return 0;
}
