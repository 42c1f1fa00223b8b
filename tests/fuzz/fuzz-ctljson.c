/*
 * fuzz-ctljson.c - any bytes as an answer to tuttictl: a tree whose texts lie in it and end, or an error; and what is shown of them
 * holds nothing that a terminal obeys.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "web/ctl_json.h"
#include "web/ctl_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_clean(const char *text)
{
	struct txt t = { .p = NULL };
	size_t width = 0;

	txt_clean(&t, text, strlen(text), &width);
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7f)
			abort();
	if (width > t.n)
		abort();
	txt_free(&t);
}

static void walk(const struct json *j, bool object, const char *begin, const char *end)
{
	for (; j; j = j->next) {
		if (object != !!j->key || (j->key && (j->key < begin || j->key + strlen(j->key) >= end)))
			abort();
		if ((j->type == JSON_STRING || j->type == JSON_NUMBER) && (j->text < begin || j->text + strlen(j->text) > end))
			abort();
		if (j->type == JSON_STRING)
			check_clean(j->text);
		if (j->key)
			check_clean(j->key);
		if (j->child && j->type != JSON_ARRAY && j->type != JSON_OBJECT)
			abort();
		walk(j->child, j->type == JSON_OBJECT, begin, end);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct json *root = NULL;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (!json_parse(&root, text, size))
		walk(root, false, text, text + size);
	else if (root)
		abort();
	(void)json_whole(root, "id");
	(void)json_number(json_get(root, "a"), "b");
	(void)json_length(json_get(root, "rooms"));
	json_free(root);
	free(text);
	return 0;
}
