/* fuzz-config.c - a settings file of any bytes: taken or refused with a reason, and what was taken can be asked for. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <re.h>
#include "server/config.h"

static void ignore(const char *word, void *arg)
{
	(void)word;
	(void)arg;
}

static void ask(const struct config *c)
{
	size_t n;
	const struct config_setting *t = config_table(&n);
	uint32_t min, max;

	for (size_t i = 0; i < n; ++i) {
		if (t[i].type == CONFIG_UINT)
			(void)config_uint(c, t[i].name);
		else if (t[i].type == CONFIG_RANGE)
			config_range(c, t[i].name, &min, &max);
		else if (t[i].type == CONFIG_LIST)
			config_list(c, t[i].name, ignore, NULL);
	}
	config_sections(c, "account", ignore, NULL);
	config_sections(c, "trunk", ignore, NULL);
	config_sections(c, "did", ignore, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c, *old;
	char *why = NULL;
	int err;

	if (config_alloc(&c) || config_alloc(&old))
		abort();
	err = config_read_text(c, "fuzz", (const char *)data, size, &why);
	if (err && !why)
		abort();                  /* refused without a reason */
	ask(c);
	config_reload(old, c, ignore, NULL);
	ask(old);
	mem_deref(why);
	mem_deref(old);
	mem_deref(c);
	return 0;
}
