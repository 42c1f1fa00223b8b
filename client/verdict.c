/*
 * verdict.c - figures judged, and told.
 */
#include <string.h>
#include "verdict.h"

enum { LOOSE_US = 40000, TALK_US = 150000, SLACK_US = 500 };
#define HOLES_MIN 20.0            /* made-up frames a minute that are too many to choose a frame length by */
#define HOLES_PCT 1.0
#define HEARD_PART 0.8

/* --- judging --- */

static bool usable(const struct verdict_trial *t)
{
	return t->done && t->chirps && t->heard >= HEARD_PART * t->chirps;
}

/* Clean ones before holes; then the shortest way. Half a millisecond is no reason for Opus where plain samples arrive,
 * nor for more packets. */
static bool better(const struct verdict_trial *a, const struct verdict_trial *b)
{
	const bool clean_a = a->concealed_min <= HOLES_MIN, clean_b = b->concealed_min <= HOLES_MIN;

	if (clean_a != clean_b)
		return clean_a;
	return a->sound_us + SLACK_US < b->sound_us;
}

static int best_of(const struct verdict_trial *t, unsigned n)
{
	int best = -1;

	for (unsigned i = 0; i < n; i++)
		if (usable(&t[i]) && (best < 0 || better(&t[i], &t[best])))
			best = (int)i;
	return best;
}

/* The network is the same for all of them: what one has not learned another has. */
static uint32_t rtt_of(const struct verdict_trial *t, unsigned n, int best)
{
	uint32_t rtt = t[best].rtt_us;

	for (unsigned i = 0; i < n && !rtt; i++)
		rtt = t[i].done ? t[i].rtt_us : 0;
	return rtt;
}

static void grade(struct verdict *v, uint32_t rtt_us)
{
	/* What stays when the other is at the server's door: all but the way down, which is half of the network's. */
	const uint32_t mine_us = v->total_us > rtt_us / 2 ? v->total_us - rtt_us / 2 : 0;

	if (mine_us < VERDICT_BOUND_US) {
		v->grade    = VERDICT_PLAY;
		v->reach_us = VERDICT_BOUND_US - mine_us;
		v->reach_km = v->reach_us * VERDICT_KM_PER_MS / 1000;
	} else if (mine_us < LOOSE_US) {
		v->grade = VERDICT_LOOSE;
	} else {
		v->grade = v->total_us < TALK_US ? VERDICT_TALK : VERDICT_BAD;
	}
}

static void say(struct verdict *v)
{
	int n = 0;

	switch (v->grade) {

	case VERDICT_NONE:
		n = snprintf(v->words, sizeof(v->words), "nothing came back: no verdict");
		break;

	case VERDICT_PLAY:
		n = snprintf(v->words, sizeof(v->words),
			     "you can play in time with players up to %u ms from the server (about %u km of line)",
			     v->reach_us / 1000, v->reach_km);
		break;

	case VERDICT_LOOSE:
		n = snprintf(v->words, sizeof(v->words),
			     "too late to play in time: slow pieces may work, fast ones will drag");
		break;

	case VERDICT_TALK:
		n = snprintf(v->words, sizeof(v->words), "OK for talking only: the sound is too late to play together");
		break;

	case VERDICT_BAD:
		n = snprintf(v->words, sizeof(v->words), "the sound is so late that even talking is hard");
		break;
	}
	if (v->holes && v->grade != VERDICT_NONE)
		n += snprintf(v->words + n, sizeof(v->words) - (size_t)n,
			      "; the line loses sound: use a cable, and redundancy");
	if (v->shaky && v->grade != VERDICT_NONE)
		(void)snprintf(v->words + n, sizeof(v->words) - (size_t)n,
			       "; packets come unevenly: no WLAN, and nothing else on that line");
}

void verdict_judge(struct verdict *v, const struct verdict_trial *t, unsigned n, uint32_t card_us)
{
	memset(v, 0, sizeof(*v));
	v->best = best_of(t, n);
	if (v->best >= 0) {
		const struct verdict_trial *b = &t[v->best];
		const uint32_t rtt = rtt_of(t, n, v->best);

		v->total_us = b->sound_us + card_us;
		v->holes = b->loss_pct > HOLES_PCT || b->peer_loss_pct > HOLES_PCT || b->concealed_min > HOLES_MIN;
		v->shaky = b->jitter_us > 3000;
		v->buffer_frames = b->frame_us ? (b->buffer_us + b->frame_us / 2) / b->frame_us : 0;
		grade(v, rtt);
	}
	say(v);
}

/* --- telling --- */

static double ms(uint32_t us) { return us / 1000.0; }

static void print_trial(FILE *f, const struct verdict_trial *t, bool best)
{
	if (!t->done) {
		fprintf(f, "  %-5s %5.2f ms  %.50s\n", t->codec, ms(t->frame_us), t->why);
		return;
	}
	fprintf(f, "%c %-5s %5.2f ms  %6.1f ms  %6.1f ms  %5.2f ms  %5.1f ms  %4.1f %%  %4.1f %%  %6.1f\n",
		best ? '*' : ' ', t->codec, ms(t->frame_us), ms(t->sound_us), ms(t->rtt_us), ms(t->jitter_us),
		ms(t->buffer_us), t->loss_pct, t->peer_loss_pct, t->concealed_min);
}

/* One part of the words on each line. */
static void print_words(FILE *f, const char *words)
{
	const char *semi;

	fprintf(f, "Verdict: ");
	while ((semi = strstr(words, "; "))) {
		fprintf(f, "%.*s,\n         ", (int)(semi - words), words);
		words = semi + 2;
	}
	fprintf(f, "%s.\n", words);
}

void verdict_print(FILE *f, const struct verdict *v, const struct verdict_trial *t, unsigned n, uint32_t card_us)
{
	fprintf(f, "  codec    frame  there and    network    jitter    buffer    lost    lost    made up\n"
		"                 back again  and back                       down      up   a minute\n");
	for (unsigned i = 0; i < n; i++)
		print_trial(f, &t[i], v->best == (int)i);
	fprintf(f, "\n");
	if (v->best >= 0) {
		const struct verdict_trial *b = &t[v->best];

		fprintf(f, "Best: %s in frames of %.2f ms, buffer %u frame%s.\n", b->codec, ms(b->frame_us),
			v->buffer_frames, v->buffer_frames == 1 ? "" : "s");
		fprintf(f,
			"To the ear of a player who is as far from the server as you: %.1f ms,\n%.1f of them in sound "
			"cards.\n",
			ms(v->total_us), ms(card_us));
	}
	print_words(f, v->words);
}

static void json_text(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			fprintf(f, "\\u%04x", (unsigned char)*s);
		else
			fputc(*s, f);
	}
	fputc('"', f);
}

static void json_trial(FILE *f, const struct verdict_trial *t)
{
	fprintf(f, "{\"codec\":\"%s\",\"frame_ms\":%.3f,\"done\":%s", t->codec, ms(t->frame_us),
		t->done ? "true" : "false");
	if (t->done)
		fprintf(f,
			",\"sound_ms\":%.3f,\"sound_min_ms\":%.3f,\"sound_max_ms\":%.3f,\"rtt_ms\":%.3f,\"jitter_ms\":%"
			".3f,\"buffer_ms\":%.3f,"
			"\"loss_pct\":%.3f,\"late_pct\":%.3f,\"peer_loss_pct\":%.3f,\"concealed_min\":%.1f,\"chirps\":%"
			"u,\"heard\":%u,\"srtp\":%s",
			ms(t->sound_us), ms(t->sound_min_us), ms(t->sound_max_us), ms(t->rtt_us), ms(t->jitter_us),
			ms(t->buffer_us), t->loss_pct, t->late_pct, t->peer_loss_pct, t->concealed_min, t->chirps,
			t->heard, t->srtp == 'y' ? "true" : "false");
	fprintf(f, ",\"why\":");
	json_text(f, t->why);
	fputc('}', f);
}

void verdict_json(FILE *f, const struct verdict *v, const struct verdict_trial *t, unsigned n, uint32_t card_us)
{
	static const char *const grades[] = {"none", "play", "loose", "talk", "bad"};

	fprintf(f,
		"{\"event\":\"check\",\"grade\":\"%s\",\"best\":%d,\"total_ms\":%.3f,\"card_ms\":%.3f,\"reach_ms\":%."
		"3f,\"reach_km\":%u,"
		"\"buffer_frames\":%u,\"holes\":%s,\"shaky\":%s,\"words\":",
		grades[v->grade], v->best, ms(v->total_us), ms(card_us), ms(v->reach_us), v->reach_km, v->buffer_frames,
		v->holes ? "true" : "false", v->shaky ? "true" : "false");
	json_text(f, v->words);
	fprintf(f, ",\"trials\":[");
	for (unsigned i = 0; i < n; i++) {
		if (i)
			fputc(',', f);
		json_trial(f, &t[i]);
	}
	fprintf(f, "]}\n");
}
