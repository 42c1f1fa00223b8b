/*
 * offer_group.c - a=group lines of a description, as places of lines.
 */
#include <string.h>
#include "mixer/mixer.h"
#include "offer_group.h"
#include "offer_net.h"

bool offer_groups_has(const struct offer_group *g, size_t line)
{
	for (unsigned i = 0; i < g->n; i++)
		if (g->line[i] == line)
			return true;
	return false;
}

bool offer_groups_fid(const struct offer_groups *groups, size_t a, size_t b)
{
	for (unsigned i = 0; i < groups->n; i++)
		if (groups->group[i].fid && offer_groups_has(&groups->group[i], a) && offer_groups_has(&groups->group[i], b))
			return true;
	return false;
}

/* The mid of each line that a group may have; empty: of no such line. Once, for there may be many words and many attributes. */
static void read_mids(struct pl mid[SDESC_MEDIA_MAX], const struct sdesc *d, offer_group_h *gestures)
{
	for (size_t i = 0; i < d->n_media; i++) {
		const struct sdesc_attr *a = sdesc_media_attr(&d->media[i], "mid", NULL);

		mid[i] = a && a->value.p && d->media[i].port && gestures(&d->media[i]) ? a->value : pl_null;
	}
}

/* "GALT with an unknown or rejected mid: that mid is ignored" */
static void add_mid(struct offer_group *g, const struct pl mid[], size_t n, const struct pl *word)
{
	for (size_t i = 0; i < n && g->n < OFFER_GROUP_LINES; i++) {
		if (!mid[i].l || pl_cmp(&mid[i], word))
			continue;
		if (!offer_groups_has(g, i))
			g->line[g->n++] = (uint8_t)i;
		return;
	}
}

/* "GALT with lines of disjoint direction (sendonly + recvonly): group ignored": they are no alternatives. */
static bool is_disjoint(const struct offer_group *g, const struct sdesc *d)
{
	bool seen[LEG_DIR_BOTH + 1] = {false};

	for (unsigned i = 0; i < g->n; i++)
		seen[offer_dir_theirs(d, &d->media[g->line[i]]) & LEG_DIR_BOTH] = true;
	return seen[LEG_DIR_SEND] && seen[LEG_DIR_RECV];
}

/* "GALT osc midi". False: it is none that means anything here. */
static bool read_group(struct offer_group *g, struct pl rest, const struct sdesc *d, const struct pl mid[])
{
	struct pl word;

	memset(g, 0, sizeof(*g));
	if (!sdesc_word(&word, &rest))
		return false;
	g->fid = !pl_strcmp(&word, "FID");
	if (!g->fid && pl_strcmp(&word, "GALT"))
		return false;
	for (unsigned n = 0; n < OFFER_GROUP_MIDS && sdesc_word(&word, &rest); n++)
		add_mid(g, mid, d->n_media, &word);
	return g->n && (g->fid || !is_disjoint(g, d));
}

void offer_groups_read(struct offer_groups *groups, const struct sdesc *d, offer_group_h *gestures)
{
	struct pl mid[SDESC_MEDIA_MAX];
	unsigned seen = 0;

	memset(groups, 0, sizeof(*groups));
	if (!sdesc_attr(d, "group"))
		return;
	read_mids(mid, d, gestures);
	for (size_t i = 0; i < d->n_attr && seen < OFFER_GROUPS; i++) {
		if (pl_strcmp(&d->attr[i].name, "group") || !d->attr[i].value.p)
			continue;
		seen++;
		groups->n += read_group(&groups->group[groups->n], d->attr[i].value, d, mid);
	}
}
