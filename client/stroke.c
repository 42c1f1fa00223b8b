/*
 * stroke.c - keys: while a line is typed they are its text, after q they are an answer, else each has its act.
 */
#include <string.h>
#include "glyph.h"
#include "stroke.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct { uint32_t key; struct act act; } simple[] = {
	{'m', {.kind = ACT_MUTE, .how = ACT_TOGGLE}},
	{'M', {.kind = ACT_DEAF, .how = ACT_TOGGLE}},
	{'h', {.kind = ACT_HAND, .how = ACT_TOGGLE}},
	{'c', {.kind = ACT_CLICK, .how = ACT_TOGGLE}},
	{'r', {.kind = ACT_RECORD, .how = ACT_TOGGLE}},
	{'b', {.kind = ACT_BEAT}},
	{'+', {.kind = ACT_VOLUME, .relative = true, .value = 1}},
	{'=', {.kind = ACT_VOLUME, .relative = true, .value = 1}},
	{'-', {.kind = ACT_VOLUME, .relative = true, .value = -1}},
};

static const struct { uint32_t key; struct act act; } of_chosen[] = {
	{STROKE_LEFT, {.kind = ACT_MIX, .relative = true, .value = -1}},
	{STROKE_RIGHT, {.kind = ACT_MIX, .relative = true, .value = 1}},
	{'0', {.kind = ACT_MIX}},
	{',', {.kind = ACT_PAN, .relative = true, .value = -0.1f}},
	{'.', {.kind = ACT_PAN, .relative = true, .value = 0.1f}},
	{'p', {.kind = ACT_PAN, .value = BAND_PAN_SAME}},
};

/* --- a line --- */

static size_t encode(char out[5], uint32_t cp)
{
	size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3f));
	out[0] = (char)(lead[n] | cp);
	out[n] = '\0';
	return n;
}

static void type_char(struct screen_view *v, uint32_t cp)
{
	size_t len = strlen(v->typed);
	char ch[5];
	size_t n = encode(ch, cp);

	if (cp < 0x20 || cp == 0x7f || len + n >= sizeof(v->typed) || (glyph_next(ch).text[0] == '?' && cp != '?'))
		return;
	memcpy(v->typed + len, ch, n + 1);
}

static void type_back(struct screen_view *v)
{
	size_t n = strlen(v->typed);

	while (n && ((unsigned char)v->typed[--n] & 0xc0) == 0x80)
		;
	v->typed[n] = '\0';
}

static bool type(struct screen_view *v, uint32_t key, struct act *a)
{
	bool send = key == STROKE_ENTER && v->typed[0];

	if (send) {
		*a = (struct act){.kind = ACT_SAY};
		memcpy(a->text, v->typed, sizeof(a->text));
	}
	if (key == STROKE_ENTER || key == STROKE_ESCAPE) {
		v->typing = false;
		v->typed[0] = '\0';
	}
	else if (key == STROKE_BACK)
		type_back(v);
	else if (key < STROKE_UP)
		type_char(v, key);
	return send;
}

/* --- the rest --- */

static bool answer(struct screen_view *v, uint32_t key, struct act *a)
{
	v->leaving = false;
	*a = (struct act){.kind = ACT_LEAVE};
	return key == 'y' || key == 'q' || key == 'Y';
}

static bool act_of(const struct screen_view *v, const struct band *b, uint32_t key, struct act *a)
{
	for (size_t i = 0; i < N(simple); i++)
		if (simple[i].key == key) {
			*a = simple[i].act;
			return true;
		}
	for (size_t i = 0; v->chosen[0] && i < N(of_chosen); i++)
		if (of_chosen[i].key == key) {
			*a = of_chosen[i].act;
			memcpy(a->name, v->chosen, sizeof(a->name));
			return true;
		}
	if (key != 'B')
		return false;
	*a = (struct act){.kind = ACT_BUFFER,
			  .value = (float)(b->own.buffer_quanta >= 3 ? -1 : b->own.buffer_quanta + 1)};
	return true;
}

bool stroke_take(struct screen_view *v, const struct band *b, uint32_t key, struct act *a)
{
	if (v->typing)
		return type(v, key, a);
	if (v->leaving)
		return answer(v, key, a);
	if (v->help && (key == STROKE_ESCAPE || key == 'q')) {
		v->help = false;
		return false;
	}
	switch (key) {
	case 'q':
	case 'Q':
		v->leaving = true;
		return false;
	case '?':
		v->help = !v->help;
		return false;
	case 't':
		v->typing = true;
		return false;
	case 'k':
	case STROKE_UP:
	case 'j':
	case STROKE_DOWN:
		screen_choose(b, v, key == 'k' || key == STROKE_UP ? -1 : 1);
		return false;
	default:
		return act_of(v, b, key, a);
	}
}
