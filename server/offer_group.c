/*
 * offer_group.c - a=group lines of a description, as places of lines.
 */
#include <string.h>
#include "mixer/mixer.h"
#include "offer_group.h"
#include "offer_net.h"

static bool is_mid(const struct sdesc_media *m, const struct pl *mid)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, "mid", NULL);

	return a && a->value.p && !pl_cmp(&a->value, mid);
}

bool offer_groups_has(const struct offer_group *g, size_t line)
{
	for (unsigned i = 0; i < g->n; i++)
		if (g->line[i] == line)
			return true;
	return false;
}

/* "GALT with an unknown or rejected mid: that mid is ignored" */
static void add_mid(struct offer_group *g, const struct sdesc *d, const struct pl *mid, offer_group_h *gestures)
{
	for (size_t i = 0; i < d->n_media && g->n < OFFER_GROUP_LINES; i++) {
		if (!is_mid(&d->media[i], mid))
			continue;
		if (d->media[i].port && gestures(&d->media[i]) && !offer_groups_has(g, i))
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

void offer_groups_read(struct offer_groups *groups, const struct sdesc *d, offer_group_h *gestures)
{
	memset(groups, 0, sizeof(*groups));
	for (size_t i = 0; i < d->n_attr && groups->n < OFFER_GROUPS; i++) {
		struct offer_group *g = &groups->group[groups->n];
		struct pl rest = d->attr[i].value, word;

		if (pl_strcmp(&d->attr[i].name, "group") || !rest.p || !sdesc_word(&word, &rest))
			continue;
		memset(g, 0, sizeof(*g));
		g->fid = !pl_strcmp(&word, "FID");
		if (!g->fid && pl_strcmp(&word, "GALT"))
			continue;
		while (sdesc_word(&word, &rest))
			add_mid(g, d, &word, gestures);
		if (g->n && (g->fid || !is_disjoint(g, d)))
			groups->n++;
	}
}

bool offer_group_fid(const struct sdesc *d, const struct sdesc_media *a, const struct sdesc_media *b)
{
	for (size_t i = 0; i < d->n_attr; i++) {
		struct pl rest = d->attr[i].value, word;
		bool has_a = false, has_b = false;

		if (pl_strcmp(&d->attr[i].name, "group") || !rest.p || !sdesc_word(&word, &rest) || pl_strcmp(&word, "FID"))
			continue;
		while (sdesc_word(&word, &rest)) {
			has_a |= is_mid(a, &word);
			has_b |= is_mid(b, &word);
		}
		if (has_a && has_b)
			return true;
	}
	return false;
}
