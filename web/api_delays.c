/*
 * api_delays.c - the delays of a room to JSON: each member's two halves with their parts, and the sums of all pairs.
 */
#include <json-glib/json-glib.h>
#include "api.h"

static void put_ms(JsonBuilder *b, const char *name, uint32_t us)
{
	json_builder_set_member_name(b, name);
	json_builder_add_double_value(b, us / 1000.0);
}

/* null: not known. */
static void put_part(JsonBuilder *b, const struct delay *d, enum delay_part part)
{
	char name[32];

	g_snprintf(name, sizeof(name), "%s_ms", delay_part_name(part));
	if (d->known & 1 << part) {
		put_ms(b, name, d->us[part]);
		return;
	}
	json_builder_set_member_name(b, name);
	json_builder_add_null_value(b);
}

static void put_half(JsonBuilder *b, const char *name, const struct delay *d, bool to_mix)
{
	unsigned part = to_mix ? 0 : DELAY_HEARD, end = to_mix ? DELAY_HEARD : DELAY_PARTS;

	json_builder_set_member_name(b, name);
	json_builder_begin_object(b);
	put_ms(b, "ms", to_mix ? delay_to_mix(d) : delay_from_mix(d));
	json_builder_set_member_name(b, "whole");
	json_builder_add_boolean_value(b, to_mix ? delay_to_mix_whole(d) : delay_from_mix_whole(d));
	for (; part < end; part++)
		put_part(b, d, (enum delay_part)part);
	json_builder_end_object(b);
}

static void put_member(JsonBuilder *b, const struct snapshot_delay *m)
{
	char *name = g_utf8_make_valid(m->name, -1), *uri = g_utf8_make_valid(m->uri, -1);

	json_builder_begin_object(b);
	json_builder_set_member_name(b, "id");
	json_builder_add_int_value(b, m->id);
	json_builder_set_member_name(b, "name");
	json_builder_add_string_value(b, name);
	json_builder_set_member_name(b, "uri");
	json_builder_add_string_value(b, uri);
	put_half(b, "to_mix", &m->d, true);
	put_half(b, "from_mix", &m->d, false);
	json_builder_end_object(b);
	g_free(name);
	g_free(uri);
}

/* [from, to, ms, whole, warned] */
static void put_pair(JsonBuilder *b, const struct snapshot_delays *s, size_t i, size_t k)
{
	const struct snapshot_delay *from = &s->member[i], *to = &s->member[k];
	bool whole;
	uint32_t us = delay_between(&from->d, &to->d, &whole);

	json_builder_begin_array(b);
	json_builder_add_int_value(b, from->id);
	json_builder_add_int_value(b, to->id);
	json_builder_add_double_value(b, us / 1000.0);
	json_builder_add_boolean_value(b, whole);
	json_builder_add_boolean_value(b, from->warned >> k & 1);
	json_builder_end_array(b);
}

/* Of many members only the halves: whoever wants a pair adds two numbers. */
static void put_pairs(JsonBuilder *b, const struct snapshot_delays *s)
{
	size_t n = s->n <= DELAY_WATCHED ? s->n : 0;

	json_builder_set_member_name(b, "delays");
	json_builder_begin_array(b);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++)
			if (k != i)
				put_pair(b, s, i, k);
	}
	json_builder_end_array(b);
}

char *api_delays(const struct snapshot_delays *s)
{
	JsonBuilder *b = json_builder_new();

	json_builder_begin_object(b);
	json_builder_set_member_name(b, "room");
	json_builder_add_string_value(b, s->room);
	json_builder_set_member_name(b, "at_ms");
	json_builder_add_int_value(b, (gint64)s->at_ms);
	json_builder_set_member_name(b, "bound_ms");
	json_builder_add_int_value(b, s->bound_us / 1000);
	json_builder_set_member_name(b, "watched");
	json_builder_add_boolean_value(b, s->watched);
	json_builder_set_member_name(b, "members");
	json_builder_begin_array(b);
	for (size_t i = 0; i < s->n; i++)
		put_member(b, &s->member[i]);
	json_builder_end_array(b);
	put_pairs(b, s);
	json_builder_end_object(b);
	return api_text(b);
}
