/*
 * jsonout.c - the room as it is now against the room as it was told.
 *
 * Messages are not turned into events one by one: a script then would have to be as quick as the fastest player, and what a message
 * changes and what the server tells twice would look the same. What is looked at 20 times a second is bounded by itself.
 */
#include <errno.h>
#include <math.h>
#include <re.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "jsonout.h"

enum { DELAY_MS = 1000, DELAY_LEAST_US = 500 };

struct told_delay { char name[BAND_NAME + 1]; uint64_t at_ms; uint32_t total; bool at_least; };

struct jsonout {
	struct band was;
	struct told_delay delay[BAND_MAX];
	bool first;
	jsonout_h *h;
	void *arg;
	char buf[JSONOUT_LINE];
	size_t n;
};

int jsonout_alloc(struct jsonout **jp, jsonout_h *h, void *arg)
{
	struct jsonout *j = mem_zalloc(sizeof(*j), NULL);

	if (!j)
		return ENOMEM;
	band_init(&j->was);
	j->first = true;
	j->h = h;
	j->arg = arg;
	*jp = j;
	return 0;
}

/* --- pen; two octets are kept for the end --- */

static void __attribute__((format(printf, 2, 3))) put(struct jsonout *j, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(j->buf + j->n, sizeof(j->buf) - 2 - j->n, fmt, ap);
	va_end(ap);
	if (n > 0 && j->n + (size_t)n < sizeof(j->buf) - 2)
		j->n += (size_t)n;
	else
		j->buf[j->n] = '\0';              /* all of it or nothing */
}

static void put_text(struct jsonout *j, const char *key, const char *text)
{
	char out[6 * BAND_TEXT + 256];
	size_t n = 0;

	for (; *text && n + 7 < sizeof(out); text++) {
		if (*text == '"' || *text == '\\')
			out[n++] = '\\';
		if ((unsigned char)*text < 0x20)
			n += (size_t)snprintf(out + n, 7, "\\u%04x", (unsigned char)*text);
		else
			out[n++] = *text;
	}
	out[n] = '\0';
	put(j, ",\"%s\":\"%s\"", key, out);
}

static void put_flag(struct jsonout *j, const char *key, bool on)
{
	put(j, ",\"%s\":%s", key, on ? "true" : "false");
}

static void put_ms(struct jsonout *j, const char *key, uint32_t us)
{
	put(j, ",\"%s\":%.3f", key, us / 1000.0);
}

static void begin(struct jsonout *j, const char *event, uint64_t unix_ms)
{
	j->n = 0;
	put(j, "{\"event\":\"%s\",\"at\":%.3f", event, unix_ms / 1000.0);
}

static void end(struct jsonout *j)
{
	j->buf[j->n++] = '}';
	j->buf[j->n++] = '\n';
	j->h(j->buf, j->n, j->arg);
}

/* --- what has changed --- */

static void tell_state(struct jsonout *j, const struct band_own *o, uint64_t unix_ms)
{
	const struct band_own *was = &j->was.own;

	if (!strcmp(o->state, was->state) && !strcmp(o->why, was->why) && !strcmp(o->codec, was->codec) && o->srtp == was->srtp &&
	    !strcmp(o->keys, was->keys) && o->gestures == was->gestures)
		return;
	begin(j, "state", unix_ms);
	put_text(j, "state", o->state);
	put_text(j, "why", o->why);
	if (!strcmp(o->state, "up")) {
		put_text(j, "peer", o->peer);
		put_text(j, "codec", o->codec);
		put_ms(j, "ptime_ms", o->ptime_us);
		put_flag(j, "srtp", o->srtp);
		put_text(j, "keys", o->keys);
		put_flag(j, "gestures", o->gestures);
	}
	if (o->again_s)
		put(j, ",\"again_s\":%u", o->again_s);
	end(j);
}

static bool same_odds(const struct band_own *a, const struct band_own *b)
{
	for (unsigned i = 0; i < 4; i++)
		if (a->buffer_odds[i] != b->buffer_odds[i])
			return false;
	return true;
}

static void tell_me(struct jsonout *j, const struct band *b, uint64_t unix_ms)
{
	const struct band_own *o = &b->own, *was = &j->was.own;

	if (!j->first && band_muted(b) == band_muted(&j->was) && band_deaf(b) == band_deaf(&j->was) && o->hand == was->hand && o->click == was->click && o->red == was->red &&
	    o->buffer_quanta == was->buffer_quanta && !strcmp(b->me, j->was.me) && same_odds(o, was))
		return;
	begin(j, "me", unix_ms);
	put_text(j, "name", b->me);
	put_flag(j, "muted", band_muted(b));
	put_flag(j, "deaf", band_deaf(b));
	put_flag(j, "hand", o->hand);
	put_flag(j, "click", o->click);
	put_flag(j, "red", o->red);
	put(j, ",\"buffer\":%d", o->buffer_quanta);
	if (o->buffer_odds[0] >= 0)
		put(j, ",\"odds\":[%.2f,%.2f,%.2f,%.2f]", (double)o->buffer_odds[0], (double)o->buffer_odds[1], (double)o->buffer_odds[2],
		    (double)o->buffer_odds[3]);
	end(j);
}

static void tell_room(struct jsonout *j, const struct band *b, uint64_t unix_ms)
{
	const struct band *was = &j->was;

	if (!b->beat.known || (b->locked == was->locked && b->recording == was->recording && b->beat.known == was->beat.known &&
	    b->beat.mbpm == was->beat.mbpm && b->beat.per_bar == was->beat.per_bar && b->beat.running == was->beat.running))
		return;
	begin(j, "room", unix_ms);
	put_flag(j, "locked", b->locked);
	put_flag(j, "recording", b->recording);
	put(j, ",\"tempo\":%.3f,\"per_bar\":%u", b->beat.mbpm / 1000.0, b->beat.per_bar);
	put_flag(j, "running", b->beat.running);
	end(j);
}

static void tell_beat(struct jsonout *j, const struct band_beat *t, uint64_t unix_ms)
{
	if (!t->at_us || t->at_us == j->was.beat.at_us)
		return;
	begin(j, "beat", unix_ms);
	put(j, ",\"bar\":%lld,\"beat\":%u,\"tempo\":%.3f", (long long)t->bar, t->in_bar, t->mbpm / 1000.0);
	end(j);
}

static void tell_name(struct jsonout *j, const char *event, const struct band_member *m, uint64_t unix_ms)
{
	begin(j, event, unix_ms);
	put_text(j, "name", m->name);
	if (*event == 'j')
		put_flag(j, "me", m->me);
	end(j);
}

static void tell_member(struct jsonout *j, const struct band_member *m, uint64_t unix_ms)
{
	begin(j, "member", unix_ms);
	put_text(j, "name", m->name);
	put_flag(j, "muted", m->muted);
	put_flag(j, "hand", m->hand);
	put_text(j, "section", m->section);
	if (m->role[0])
		put_text(j, "role", m->role);
	put(j, ",\"mix_db\":%.2f,\"mix_pan\":%.2f", (double)m->mix_db, (double)m->mix_pan);
	end(j);
}

/* Its place by name, or that of somebody who has gone. */
static struct told_delay *told_of(struct jsonout *j, const struct band *b, const char *name)
{
	struct told_delay *free_one = NULL;

	for (unsigned i = 0; i < BAND_MAX; i++) {
		struct told_delay *d = &j->delay[i];

		if (!strcmp(d->name, name))
			return d;
		if (!free_one && (!d->name[0] || !band_find((struct band *)(uintptr_t)b, d->name)))
			free_one = d;
	}
	if (free_one) {
		memset(free_one, 0, sizeof(*free_one));
		strcpy(free_one->name, name);     /* both are a name's length */
	}
	return free_one;
}

static void tell_delay(struct jsonout *j, const struct band *b, const struct band_member *m, uint64_t unix_ms)
{
	const struct band_path *w = &m->to_me;
	struct told_delay *d = w->total ? told_of(j, b, m->name) : NULL;

	if (!d || (d->at_ms && unix_ms < d->at_ms + DELAY_MS))
		return;
	if (labs((long)w->total - (long)d->total) < DELAY_LEAST_US && m->at_least == d->at_least)
		return;
	d->at_ms = unix_ms;
	d->total = w->total;
	d->at_least = m->at_least;
	begin(j, "delay", unix_ms);
	put_text(j, "name", m->name);
	put_ms(j, "ms", w->total);
	if (m->at_least)
		put_flag(j, "at_least", true);
	put(j, ",\"parts\":{\"capture\":%.3f,\"net_up\":%.3f,\"buffer\":%.3f,\"mix\":%.3f,\"net_down\":%.3f,\"playback\":%.3f}", w->capture / 1000.0,
	    w->net_up / 1000.0, w->buffer / 1000.0, w->mix / 1000.0, w->net_down / 1000.0, w->playback / 1000.0);
	end(j);
}

static bool is_otherwise(const struct band_member *m, const struct band_member *was)
{
	return m->muted != was->muted || m->hand != was->hand || m->mix_db != was->mix_db ||
	       m->mix_pan != was->mix_pan || strcmp(m->section, was->section) || strcmp(m->role, was->role);
}

static void tell_members(struct jsonout *j, struct band *b, uint64_t unix_ms)
{
	for (unsigned i = 0; i < j->was.n; i++)
		if (!band_find(b, j->was.member[i].name))
			tell_name(j, "left", &j->was.member[i], unix_ms);
	for (unsigned i = 0; i < b->n; i++) {
		const struct band_member *m = &b->member[i], *was = band_find(&j->was, m->name);

		if (!was || (m->me && !was->me))
			tell_name(j, "joined", m, unix_ms);
		if (!was || is_otherwise(m, was))
			tell_member(j, m, unix_ms);
		tell_delay(j, b, m, unix_ms);
	}
}

static void tell_texts(struct jsonout *j, const struct band *b, uint64_t unix_ms)
{
	uint64_t fresh = b->texts - j->was.texts;

	for (unsigned i = fresh < b->n_text ? b->n_text - (unsigned)fresh : 0; i < b->n_text; i++) {
		begin(j, "text", unix_ms);
		put_text(j, "from", band_text(b, i)->from);
		put_text(j, "text", band_text(b, i)->text);
		end(j);
	}
}

void jsonout_look(struct jsonout *j, const struct band *b, uint64_t unix_ms)
{
	tell_state(j, &b->own, unix_ms);
	tell_me(j, b, unix_ms);
	tell_members(j, (struct band *)(uintptr_t)b, unix_ms);
	tell_room(j, b, unix_ms);
	tell_beat(j, &b->beat, unix_ms);
	tell_texts(j, b, unix_ms);
	j->was = *b;
	j->first = false;
}

/* --- once a second, and when asked --- */

static void put_levels(struct jsonout *j, const struct band *b)
{
	put(j, ",\"levels\":{");
	for (unsigned i = 0, n = 0; i < b->n && j->n + BAND_NAME + 24 < sizeof(j->buf); i++) {
		const struct band_member *m = &b->member[i];

		if (strpbrk(m->name, "\"\\"))
			continue;                         /* no name the server gives */
		put(j, "%s\"%s\":%.1f", n++ ? "," : "", m->name, (double)m->level_db);
	}
	put(j, "}");
}

static void put_gestures(struct jsonout *j, const struct band_gest *g)
{
	const struct { const char *key; uint64_t n; } row[] = {
		{"osc_in", g->osc_in}, {"osc_out", g->osc_out}, {"osc_bad", g->osc_bad}, {"midi_in", g->midi_in}, {"midi_out", g->midi_out},
		{"midi_lost", g->midi_lost}, {"held", g->held}, {"dropped", g->dropped}, {"late", g->late},
	};

	put(j, ",\"gestures\":{");
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		put(j, "%s\"%s\":%llu", i ? "," : "", row[i].key, (unsigned long long)row[i].n);
	put_ms(j, "late_ms", g->late_us);
	put(j, "}");
}

void jsonout_stats(struct jsonout *j, const struct band *b, uint64_t unix_ms)
{
	const struct band_own *o = &b->own;

	begin(j, "stats", unix_ms);
	put(j, ",\"in_db\":%.1f,\"out_db\":%.1f,\"loss_pct\":%.2f,\"peer_loss_pct\":%.2f", (double)o->in_db, (double)o->out_db, (double)o->loss_pct,
	    (double)o->peer_loss_pct);
	put_ms(j, "jitter_ms", o->jitter_us);
	put_ms(j, "rtt_ms", o->rtt_us);
	put_ms(j, "buffer_ms", o->buffer_us);
	put_ms(j, "capture_ms", o->capture_us);
	put_ms(j, "playback_ms", o->playback_us);
	put(j, ",\"xruns\":%llu,\"concealed\":%llu,\"packets_in\":%llu,\"packets_out\":%llu", (unsigned long long)o->xruns,
	    (unsigned long long)o->concealed, (unsigned long long)o->rx_packets, (unsigned long long)o->tx_packets);
	put_text(j, "driver", o->driver);
	put(j, ",\"period\":%u,\"osc_port\":%u", o->period, o->osc_port);
	put_gestures(j, &o->gest);
	put_levels(j, b);
	end(j);
}

void jsonout_error(struct jsonout *j, uint64_t unix_ms, const char *why)
{
	begin(j, "error", unix_ms);
	put_text(j, "why", why);
	end(j);
}

void jsonout_lost(struct jsonout *j, uint64_t unix_ms, uint64_t lines)
{
	begin(j, "lost", unix_ms);
	put(j, ",\"lines\":%llu", (unsigned long long)lines);
	end(j);
}
