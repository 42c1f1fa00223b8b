/* fuzz-api.c - a body of any bytes: refused with a reason, or a command of any verb; a path of any bytes: a route or none. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "web/body.h"
#include "web/head.h"
#include "web/order.h"
#include "web/route.h"

static void order_of(enum verb verb, JsonObject *body)
{
	struct order o;
	char *why = NULL;
	int err = order_read(&o, command_info(verb), "room", 1, body, &why);

	if (!err != !why)
		abort();                  /* refused without a reason, or taken with one */
	for (size_t i = 0; i < o.cmd.n_settings; i++)
		if (strlen(o.cmd.settings[i].value) > ORDER_TEXT_MAX)
			abort();
	g_free(why);
	order_clear(&o);
}

static void path_of(const char *raw)
{
	struct route_match m;
	char path[1024];

	if (route_decode(path, sizeof(path), raw) && route_find(&m, "POST", path) && !m.route->h)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = g_strndup((const char *)data, size);
	const char *why;
	JsonObject *body = body_parse((const char *)data, size, &why);

	if (!body != !!why)
		abort();
	for (unsigned v = 0; body && v < VERB_N; v++)
		order_of((enum verb)v, body);
	if (body)
		json_object_unref(body);
	path_of(text);
	if (head_judge((const char *)data, size, &why) > 0 && !why)
		abort();
	g_free(text);
	return 0;
}
