/*
 * houseout_play.c - what players hear of what musicians choose: buffers and what each of them would cost, redundancy, when the beat
 * is heard, sections.
 */
#include "desk_priv.h"
#include "housepen.h"

void houseout_odds(struct housepen *pen, struct player *to, const struct snapshot_member *m)
{
	struct osc_arg args[LEG_BUFFER_MAX + 1];

	if (m->leg.odds[0] < 0)
		return;                   /* of a room of voices, or not known yet */
	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		args[i] = (struct osc_arg){.tag = 'f', .v.f = m->leg.odds[i]};
	housepen_put(pen, to, "/tutti/me/buffer/odds", args, ARRAY_SIZE(args));
}

void houseout_choices(struct housepen *pen, struct player *to, const struct snapshot_member *m)
{
	housepen_i(pen, to, "/tutti/me/buffer", m->buffer);
	housepen_i(pen, to, "/tutti/me/red", m->red);
	housepen_s(pen, to, "/tutti/me/click/sync", click_sync_name(m->click_sync));
	houseout_odds(pen, to, m);
}

/* Those that had a gain and have none are told as well, as long as somebody plays in them. */
void houseout_sections(struct housepen *pen, struct player *to, const struct snapshot *s)
{
	char addr[HOUSEPEN_ADDR];

	for (size_t i = 0; i < s->n_members; i++) {
		bool said = !s->member[i].section[0];

		for (size_t k = 0; k < s->n_sections && !said; k++)
			said = !strcmp(s->section[k].name, s->member[i].section);
		for (size_t k = 0; k < i && !said; k++)
			said = !strcmp(s->member[k].section, s->member[i].section);
		if (said)
			continue;
		(void)re_snprintf(addr, sizeof(addr), "/tutti/section/%s/gain", s->member[i].section);
		housepen_f(pen, to, addr, 0);
	}
	for (size_t i = 0; i < s->n_sections; i++) {
		(void)re_snprintf(addr, sizeof(addr), "/tutti/section/%s/gain", s->section[i].name);
		housepen_f(pen, to, addr, s->section[i].gain_db);
	}
}
