/*
 * house_rt.c - what the forward thread itself makes of messages to the house: the clock is answered at once, a player's MIDI clock
 * is measured where it comes in. All else goes up to the control thread (desk.c).
 */
#include <string.h>
#include "ensemble.h"
#include "house_rt.h"

static void answer_rt(struct line_rt *l, const uint8_t *osc, size_t len, uint64_t now_us)
{
	/* By the way it came, as it is that way's time that is asked for. */
	if (l->desc.dir & LEG_DIR_SEND && l->opened && l->ops->tell_rt)
		l->ops->tell_rt(l, osc, len, now_us);
	else
		player_tell_rt(l->player, osc, len, now_us);
}

/* The clock is read anew: now_us is when this round began, and what came since must not seem to have come before it was sent. */
static void clock_rt(struct line_rt *l, int64_t t0, uint64_t now_us)
{
	const uint64_t t = forward_clock_us(l->forward);
	const struct osc_arg args[] = {{.tag = 'h', .v.h = t0}, {.tag = 'h', .v.h = (int64_t)t}, {.tag = 'h', .v.h = (int64_t)t},
				       {.tag = 'h', .v.h = (int64_t)mixer_us_smp(t)}};
	uint8_t buf[96];
	struct osc_writer w;
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/tutti/clock/reply", args, 4);
	if (!osc_w_end(&w, &len))
		answer_rt(l, buf, len, now_us);
}

bool house_rt(struct line_rt *l, const struct osc_msg *msg, uint64_t now_us)
{
	struct osc_args it;
	struct osc_arg arg;

	l->player->listens = true;
	if (strcmp(msg->addr, "/tutti/clock") != 0)
		return false;
	osc_args_init(&it, msg);
	if (msg->n_tags != 1 || !osc_arg_next(&it, &arg) || arg.tag != 'h')
		return false;             /* and it is told that it is wrong */
	clock_rt(l, arg.v.h, now_us);
	return true;
}

void house_midi_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	struct player_rt *p = l->player;
	uint8_t bytes[3] = {MIDI_CLOCK};
	uint32_t mbpm, hundredths;

	if (g->midi->status != MIDI_CLOCK || g->repaired)
		return;
	beatout_master_rt(p->ensemble, now_us);
	if (!beatclock_tick_rt(&p->beatclock, g->at_us, &mbpm))
		return;
	hundredths = (mbpm + 5) / 10;
	bytes[1] = hundredths & 0xff;
	bytes[2] = (uint8_t)(hundredths >> 8);
	forward_say_rt(p->forward, p->id, bytes, sizeof(bytes), true, NULL);
}
