/* test-keys.c - one press is one key, in however many ways it comes: rows of "KEY WAY +MS". */
#include <glib.h>
#include <string.h>
#include "server/keys.h"

struct press { char key; enum keys_way way; unsigned later_ms; };

static const struct { const char *name, *taken; struct press press[8]; } rows[] = {
	{ "rtp", "1123", { { '1', KEYS_RTP, 0 }, { '1', KEYS_RTP, 200 }, { '2', KEYS_RTP, 200 }, { '3', KEYS_RTP, 200 } } },
	{ "info", "11", { { '1', KEYS_INFO, 0 }, { '1', KEYS_INFO, 100 } } },
	{ "sound", "11", { { '1', KEYS_SOUND, 0 }, { '1', KEYS_SOUND, 100 } } },
	{ "sound-then-info", "1123", { { '1', KEYS_SOUND, 0 }, { '1', KEYS_INFO, 100 }, { '1', KEYS_SOUND, 200 }, { '1', KEYS_INFO, 100 },
				       { '2', KEYS_SOUND, 200 }, { '2', KEYS_INFO, 100 }, { '3', KEYS_INFO, 300 }, { '3', KEYS_SOUND, 50 } } },
	{ "info-then-sound", "112", { { '1', KEYS_INFO, 0 }, { '1', KEYS_SOUND, 60 }, { '1', KEYS_INFO, 200 }, { '1', KEYS_SOUND, 60 },
				      { '2', KEYS_INFO, 200 }, { '2', KEYS_SOUND, 60 } } },
	{ "info-and-rtp", "12", { { '1', KEYS_INFO, 0 }, { '1', KEYS_RTP, 20 }, { '2', KEYS_INFO, 200 }, { '2', KEYS_RTP, 20 } } },
	{ "another-key", "12", { { '1', KEYS_SOUND, 0 }, { '2', KEYS_INFO, 100 } } },
	{ "much-later", "11", { { '1', KEYS_SOUND, 0 }, { '1', KEYS_INFO, 1500 } } },
};

static void test_row(gconstpointer arg)
{
	const char *name = arg;
	struct keys k;
	char taken[16] = "";
	uint64_t now = 5000;

	memset(&k, 0, sizeof(k));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (strcmp(rows[i].name, name))
			continue;
		for (const struct press *p = rows[i].press; p < rows[i].press + 8 && p->key; p++) {
			now += p->later_ms;
			if (keys_take(&k, p->key, p->way, now))
				taken[strlen(taken)] = p->key;
		}
		g_assert_cmpstr(taken, ==, rows[i].taken);
	}
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = g_strdup_printf("/keys/%s", rows[i].name);

		g_test_add_data_func(path, rows[i].name, test_row);
	}
	return g_test_run();
}
