/*
 * order.h - a JSON object as a command: which of its members a verb reads, the table of verbs tells. Pure.
 */
#ifndef WEB_ORDER_H
#define WEB_ORDER_H

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include "control/command.h"

enum { ORDER_SETTINGS_MAX = 64, ORDER_TEXT_MAX = 1024 };

struct order {
	struct command cmd;       /* what it points to is here */
	struct setting setting[ORDER_SETTINGS_MAX];
	GStringChunk *text;
};

/* Can this verb be asked for from outside, of a member or of a room? One that needs a call cannot. */
bool order_offers(const struct verb_info *v, bool of_member);
/* ARG_ mask: what the body must say, for the path says the rest. */
unsigned order_needs(const struct verb_info *v);
/* One field of a command as the outside knows it. */
struct order_field { const char *name; unsigned arg; const char *type, *help; };
const struct order_field *order_fields(size_t *n);

/* path_room and path_member (0: none) are what the path names. 0, or EINVAL with *why (g_free). order_clear in both cases. */
int  order_read(struct order *o, const struct verb_info *v, const char *path_room, uint32_t path_member, JsonObject *body,
		char **why);
/* "settings" of an object alone, for creating and changing rooms. */
int  order_settings(struct order *o, JsonObject *settings, char **why);
void order_begin(struct order *o);
void order_clear(struct order *o);

#endif
