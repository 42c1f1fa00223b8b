/*
 * band.c - the picture of the room: who is there, how we hear whom, what was said. What changes it is heard in
 * band_hear.c.
 */
#include <stdio.h>
#include <string.h>
#include "band_priv.h"
#include "glyph.h"

float band_limit(float v, float min, float max)
{
	return v < min ? min : v > max ? max : v;
}

/* --- who is there --- */

void band_init(struct band *b)
{
	memset(b, 0, sizeof(*b));
	b->own.buffer_quanta = -1;
	b->own.in_db = b->own.out_db = -127;
	for (unsigned i = 0; i < 4; i++)
		b->own.buffer_odds[i] = -1;
}

struct band_member *band_find(struct band *b, const char *name)
{
	for (unsigned i = 0; i < b->n; i++)
		if (!strcmp(b->member[i].name, name))
			return &b->member[i];
	return NULL;
}

static struct band_mix *find_mix(struct band *b, const char *name)
{
	for (unsigned i = 0; i < b->n_mix; i++)
		if (!strcmp(b->mix[i].name, name))
			return &b->mix[i];
	return NULL;
}

/* Names are parts of addresses: what is none is not let in, rather than made into another's. */
struct band_member *band_come(struct band *b, const char *name)
{
	struct band_member *m = band_find(b, name);
	const struct band_mix *mix;
	char clean[BAND_NAME + 1];

	(void)glyph_clean(clean, sizeof(clean), name);
	if (m || !*name || strcmp(clean, name) != 0 || b->n == BAND_MAX)
		return m;
	m = &b->member[b->n++];
	memset(m, 0, sizeof(*m));
	strcpy(m->name, clean);
	mix = find_mix(b, m->name);
	m->me = *b->me && !strcmp(m->name, b->me);
	m->level_db = -127;
	m->mix_db = mix ? mix->db : 0;
	m->mix_pan = mix ? mix->pan : BAND_PAN_SAME;
	return m;
}

bool band_go(struct band *b, const char *name)
{
	struct band_member *m = band_find(b, name);

	if (!m)
		return false;
	b->n--;
	memmove(m, m + 1, (size_t)(&b->member[b->n] - m) * sizeof(*m));
	return true;
}

void band_empty(struct band *b)
{
	b->n = 0;
	b->me[0] = '\0';
	b->beat = (struct band_beat){0};
	b->far = (struct band_far){0};
	b->recording = b->locked = false;
}

/* The oldest wish makes room where there are too many. */
void band_set_mix(struct band *b, const char *name, float db, float pan)
{
	struct band_mix *x = find_mix(b, name);
	struct band_member *m = band_find(b, name);

	if (!x && b->n_mix == BAND_MAX)
		memmove(&b->mix[0], &b->mix[1], sizeof(b->mix[0]) * --b->n_mix);
	if (!x) {
		x = &b->mix[b->n_mix++];
		(void)glyph_clean(x->name, sizeof(x->name), name);
	}
	x->db = band_limit(db, -60, 20);
	x->pan = pan > 1 ? BAND_PAN_SAME : band_limit(pan, -1, 1);
	if (m) {
		m->mix_db = x->db;
		m->mix_pan = x->pan;
	}
}

/* --- words --- */

void band_add_text(struct band *b, uint64_t unix_ms, const char *from, const char *text, int32_t nr)
{
	struct band_text *t = &b->text[b->next_text];

	b->next_text = (b->next_text + 1) % BAND_TEXTS;
	b->n_text += b->n_text < BAND_TEXTS;
	b->texts++;
	t->at_ms = unix_ms;
	t->nr = nr;
	(void)glyph_clean(t->from, sizeof(t->from), from);
	(void)glyph_clean(t->text, sizeof(t->text), text);
}

void band_say(struct band *b, uint64_t unix_ms, const char *from, const char *text)
{
	band_add_text(b, unix_ms, from, text, 0);
}

const struct band_text *band_text(const struct band *b, unsigned i)
{
	return i < b->n_text ? &b->text[(b->next_text + BAND_TEXTS - b->n_text + i) % BAND_TEXTS] : NULL;
}
