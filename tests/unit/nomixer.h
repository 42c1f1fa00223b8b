/*
 * nomixer.h - a stand-in for the mixer that remembers what it was told, for tests of the conference: whether a muted leg
 * is silent is the mixer's own test, that it IS muted is theirs. Include it once.
 */
#ifndef TESTS_NOMIXER_H
#define TESTS_NOMIXER_H

#include <glib.h>
#include <string.h>
#include "mixer/mixer.h"
#include "mixer/tap.h"

struct mixer { uint32_t n_buses; int fail_set_bus; uint64_t smp; };
struct bus { struct mixer *m; struct bus_conf conf; int n_legs; struct beat beat; };
struct leg { struct leg_stats *stats; uint32_t rx_ago_ms; struct bus *bus; bool mute, deaf; float gain, pan, click; struct leg_view view;
	     int buffer; enum leg_red_choice red; uint32_t click_ahead; };

static struct mixer the_mixer;

static void bus_destructor(void *data)
{
	struct bus *b = data;

	g_assert_cmpint(b->n_legs, ==, 0);
	b->m->n_buses--;
}

int bus_alloc(struct bus **bp, struct mixer *m, const struct bus_conf *conf)
{
	struct bus *b = mem_zalloc(sizeof(*b), bus_destructor);

	b->m = m;
	b->conf = *conf;
	m->n_buses++;
	*bp = b;
	return 0;
}

int leg_set_bus(struct leg *l, struct bus *b)
{
	if (b && the_mixer.fail_set_bus)
		return the_mixer.fail_set_bus;
	if (l->bus)
		l->bus->n_legs--;
	l->bus = b;
	if (b)
		b->n_legs++;
	return 0;
}

/* Whoever wants to know what is said. */
static void (*nomixer_said)(const struct leg *l, const struct bus *b, const struct leg_say *list, size_t n, enum leg_say_how how);

int leg_say(struct leg *l, const struct leg_say *list, size_t n, enum leg_say_how how)
{
	if (nomixer_said)
		nomixer_said(l, NULL, list, n, how);
	return 0;
}

int bus_say(struct bus *b, const struct leg_say *list, size_t n, enum leg_say_how how)
{
	if (nomixer_said)
		nomixer_said(NULL, b, list, n, how);
	return 0;
}

void leg_set_mute(struct leg *l, bool on) { l->mute = on; }
void leg_set_deaf(struct leg *l, bool on) { l->deaf = on; }
void leg_set_gain(struct leg *l, float gain) { l->gain = gain; }

void leg_set_click(struct leg *l, float gain) { l->click = gain; }
void leg_set_click_ahead(struct leg *l, uint32_t n_smp) { l->click_ahead = n_smp; }
void leg_set_red(struct leg *l, enum leg_red_choice choice) { l->red = choice; }

int leg_set_buffer(struct leg *l, int frames)
{
	l->buffer = frames;
	return 0;
}

uint64_t mixer_smp(const struct mixer *m) { return m->smp; }

int bus_set_beat(struct bus *b, const struct beat *beat)
{
	b->beat = *beat;
	return 0;
}

int leg_set_pan(struct leg *l, float pan)
{
	l->pan = pan;
	return 0;
}

/* One cell a row is enough here. */
int leg_set_view(struct leg *l, struct leg *other, float gain, float pan)
{
	l->view = (struct leg_view){other, gain, pan};
	return gain > 9 ? ENOSPC : 0;
}

void leg_view(const struct leg *l, const struct leg *other, float *gain, float *pan)
{
	bool is = l->view.other == other;

	*gain = is ? l->view.gain : 1;
	*pan = is ? l->view.pan : LEG_PAN_SAME;
}

void mixer_stats(const struct mixer *m, struct mixer_stats *st)
{
	memset(st, 0, sizeof(*st));
	st->views = m ? 1 : 0;
}

uint8_t leg_level(const struct leg *l)
{
	return l ? 20 : 127;
}

void leg_stats(const struct leg *l, struct leg_stats *s)
{
	memset(s, 0, sizeof(*s));
	if (l->stats)
		*s = *l->stats;
	s->rx_packets = 7;
	s->rx_ago_ms = l->rx_ago_ms;
}

/* Nothing is recorded here. */
uint64_t leg_id(const struct leg *l) { return l != NULL; }
int tap_alloc(struct tap **tp, size_t size, bool stems) { return ENOMEM; }
int bus_set_tap(struct bus *b, struct tap *t) { return ENODEV; }
bool tap_read(struct tap *t, struct tap_block *b) { return false; }
bool tap_closed(const struct tap *t) { return true; }

#endif
