/*
 * osctarget.c - what a gesture can be about in MIDI, and how numbers go from one scale to the other.
 */
#include <errno.h>
#include <math.h>

#include "oscmap.h"

static const struct {
	const char *word;
	bool     channel, number, value;
	uint16_t least, most, range;      /* of the number; of the value */
} targets[TARGETS] = {
	[TARGET_NOTE]     = {"note",     true,  true,  true,  0,   127,   127},
	[TARGET_POLY]     = {"poly",     true,  true,  true,  0,   127,   127},
	[TARGET_CC]       = {"cc",       true,  true,  true,  0,   119,   127},
	[TARGET_MODE]     = {"mode",     true,  true,  true,  120, 127,   127},
	[TARGET_RPN]      = {"rpn",      true,  true,  true,  0,   16383, 16383},
	[TARGET_NRPN]     = {"nrpn",     true,  true,  true,  0,   16383, 16383},
	[TARGET_PROGRAM]  = {"program",  true,  false, true,  0,   0,     127},
	[TARGET_PRESSURE] = {"pressure", true,  false, true,  0,   0,     127},
	[TARGET_BEND]     = {"bend",     true,  false, true,  0,   0,     16383},
	[TARGET_START]    = {"start",    false, false, false, 0,   0,     0},
	[TARGET_CONTINUE] = {"continue", false, false, false, 0,   0,     0},
	[TARGET_STOP]     = {"stop",     false, false, false, 0,   0,     0},
	[TARGET_CLOCK]    = {"clock",    false, false, false, 0,   0,     0},
	[TARGET_TUNE]     = {"tune",     false, false, false, 0,   0,     0},
	[TARGET_OFF]      = {"off",      true,  true,  true,  0,   127,   127},
	[TARGET_SONG]     = {"song",     false, false, true,  0,   0,     127},
	[TARGET_POSITION] = {"position", false, false, true,  0,   0,     16383},
	[TARGET_MTC]      = {"mtc",      false, false, true,  0,   0,     127},
	[TARGET_SYSEX]    = {"sysex",    false, false, true,  0,   0,     0},
};

bool osctarget_has_channel(enum osctarget_kind kind) { return targets[kind].channel; }

bool osctarget_has_number(enum osctarget_kind kind)  { return targets[kind].number; }

bool osctarget_has_value(enum osctarget_kind kind)   { return targets[kind].value; }

const char *osctarget_word(enum osctarget_kind kind) { return targets[kind].word; }

unsigned osctarget_range(enum osctarget_kind kind)   { return targets[kind].range; }

bool osctarget_number_ok(enum osctarget_kind kind, unsigned num)
{
	return num >= targets[kind].least && num <= targets[kind].most;
}

/* ---- numbers ---- */

static int number_of(double *x, const struct oscmap_arg *scale, const struct osc_arg *arg)
{
	switch (arg->tag) {
	case 'i': *x = arg->v.i; return 0;
	case 'h': *x = (double)arg->v.h; return 0;
	case 'f': *x = arg->v.f; return 0;
	case 'd': *x = arg->v.d; return 0;
	/* "T is max, F is min" */
	case 'T': *x = scale->max; return 0;
	case 'F': *x = scale->min; return 0;
	default:  return EINVAL;
	}
}

int oscmap_value(unsigned *value, const struct oscmap_arg *scale, const struct osc_arg *arg, unsigned range)
{
	double x, v;

	if (number_of(&x, scale, arg))
		return EINVAL;
	/* "NaN and infinities: the message is not bridged." */
	if (!isfinite(x))
		return EDOM;
	v = floor((x - scale->min) / (scale->max - scale->min) * range + 0.5);
	*value = v >= range ? range : v > 0 ? (unsigned)v : 0;
	return 0;
}

static double within(double x, double least, double most)
{
	return x < least ? least : x > most ? most : x;
}

struct osc_arg oscmap_back(const struct oscmap_arg *scale, unsigned value, unsigned range)
{
	const double x = scale->min + (double)value / range * (scale->max - scale->min);
	struct osc_arg arg = {.tag = scale->tag};

	switch (scale->tag) {
	case 'i': arg.v.i = (int32_t)within(floor(x + 0.5), INT32_MIN, INT32_MAX); break;
	case 'h': arg.v.h = (int64_t)floor(x + 0.5); break;      /* ten digits at most: far within */
	case 'f': arg.v.f = (float)x; break;
	default:  arg.v.d = x;
	}
	return arg;
}
