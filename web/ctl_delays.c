/*
 * ctl_delays.c - the delays of a room: what each member's way to the mix and back is made of, and who hears whom how late.
 *
 *     ID  NAME     capture  frame    up  buffer    send  down  buffer  playback
 *      7  anna         2.7    1.3   3.0     1.4     0.0   3.0     1.3       4.0
 *      9  phone          -   20.0   1.0    24.0    18.7   1.0    45.0       0.0
 *
 *     heard by >     7      9
 *            7       .   70.1
 *            9   54.0+      .        + at least: a part is not known;  ! over the bound of the room
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"
#include "ctl_text.h"

enum { COLUMNS = 64, NAME_WIDTH = 20 };

static void put_name(const struct json *m)
{
	const char *name = *json_text(m, "name") ? json_text(m, "name") : json_text(m, "uri");
	struct txt t = { .p = NULL };
	size_t width = 0;

	txt_clean(&t, name, strlen(name), &width);
	printf("%s%*s", t.p ? t.p : "", width < NAME_WIDTH ? (int)(NAME_WIDTH - width) : 1, "");
	txt_free(&t);
}

static void put_part(const struct json *half, const char *part, int width)
{
	const struct json *j = json_get(half, part);

	if (j && j->type == JSON_NUMBER)
		printf("  %*.1f", width, json_number(half, part));
	else
		printf("  %*s", width, "-");
}

static void put_parts(const struct json *members)
{
	static const struct { const char *half, *part, *title; int width; } columns[] = {
		{ "to_mix", "capture_ms", "CAPTURE", 7 }, { "to_mix", "frame_ms", "FRAME", 5 }, { "to_mix", "up_ms", "UP", 5 },
		{ "to_mix", "buffer_ms", "BUFFER", 6 }, { "from_mix", "send_ms", "SEND", 5 }, { "from_mix", "down_ms", "DOWN", 5 },
		{ "from_mix", "own_buffer_ms", "BUFFER", 6 }, { "from_mix", "playback_ms", "PLAYBACK", 8 },
	};

	printf("%8s  %-*s", "ID", NAME_WIDTH, "NAME");
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		printf("  %*s", columns[i].width, columns[i].title);
	putchar('\n');
	for (const struct json *m = members ? members->child : NULL; m; m = m->next) {
		printf("%8.0f  ", json_number(m, "id"));
		put_name(m);
		for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
			put_part(json_get(m, columns[i].half), columns[i].part, columns[i].width);
		putchar('\n');
	}
}

/* [from, to, ms, whole, warned], all pairs of one `from` after the other, in the order of the members. */
static const struct json *put_row(const struct json *pair, double from, const struct json *members)
{
	printf("%10.0f", from);
	for (const struct json *to = members->child; to; to = to->next) {
		const struct json *ms = pair && pair->child && pair->child->next ? pair->child->next->next : NULL;

		if (json_number(to, "id") == from || !ms || ms->type != JSON_NUMBER) {
			printf("  %7s ", ".");
			continue;
		}
		printf("  %7.1f%s", strtod(ms->text, NULL), !ms->next ? " " : ms->next->next && ms->next->next->type == JSON_TRUE ? "!" :
		       ms->next->type == JSON_TRUE ? " " : "+");
		pair = pair->next;
	}
	putchar('\n');
	return pair;
}

static void put_pairs(const struct json *answer, const struct json *members)
{
	const struct json *list = json_get(answer, "delays"), *pair = list ? list->child : NULL;

	if (!pair)
		return;
	printf("\n%10s", "HEARD BY >");
	for (const struct json *m = members->child; m; m = m->next)
		printf("  %7.0f ", json_number(m, "id"));
	putchar('\n');
	for (const struct json *m = members->child; m; m = m->next)
		pair = put_row(pair, json_number(m, "id"), members);
	printf("\nms from mouth to ear; + at least: a part is not known; ! over the bound of the room, %.0f ms\n",
	       json_number(answer, "bound_ms"));
}

void show_delays(const struct ctl *c, const struct json *answer)
{
	const struct json *members = json_get(answer, "members");

	(void)c;
	put_parts(members);
	if (json_length(members) <= COLUMNS)
		put_pairs(answer, members);
}
