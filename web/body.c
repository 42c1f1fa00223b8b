/*
 * body.c - strict JSON within bounds.
 *
 * The library's parser takes more than JSON (comments, other quotes) and goes as deep as the text does. So the text is
 * walked over once before: only what this walk finds to be JSON, not too deep and not too much, is given on.
 */
#include <string.h>
#include "body.h"

struct walk {
	const char *p, *end;
	unsigned depth, values;
	const char *why;
};

static bool value(struct walk *w);

static bool wrong(struct walk *w, const char *why)
{
	if (!w->why)
		w->why = why;
	return false;
}

static void blanks(struct walk *w)
{
	while (w->p < w->end && strchr(" \t\r\n", *w->p) && *w->p)
		w->p++;
}

static bool take(struct walk *w, char c)
{
	if (w->p >= w->end || *w->p != c)
		return false;
	w->p++;
	return true;
}

static bool word(struct walk *w, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(w->end - w->p) < n || memcmp(w->p, text, n))
		return wrong(w, "not JSON");
	w->p += n;
	return true;
}

static bool digits(struct walk *w)
{
	const char *first = w->p;

	while (w->p < w->end && g_ascii_isdigit(*w->p))
		w->p++;
	return w->p > first || wrong(w, "not a number");
}

/* RFC 8259 6: number = [ minus ] int [ frac ] [ exp ]; "Leading zeros are not allowed." */
static bool number(struct walk *w)
{
	(void)take(w, '-');
	if (!take(w, '0') && !digits(w))
		return false;
	if (w->p < w->end && g_ascii_isdigit(*w->p))
		return wrong(w, "a number begins with 0");
	if (take(w, '.') && !digits(w))
		return false;
	if (take(w, 'e') || take(w, 'E')) {
		if (!take(w, '+'))
			(void)take(w, '-');
		return digits(w);
	}
	return true;
}

static bool hex4(struct walk *w, unsigned *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++, w->p++) {
		if (w->p >= w->end || !g_ascii_isxdigit(*w->p))
			return wrong(w, "a wrong \\u in a string");
		*code = *code * 16 + (unsigned)g_ascii_xdigit_value(*w->p);
	}
	return true;
}

/* U+0000 would end the text in C; half a surrogate pair is no character. */
static bool unicode(struct walk *w)
{
	unsigned code, low;

	if (!hex4(w, &code))
		return false;
	if (!code || (code >= 0xdc00 && code <= 0xdfff))
		return wrong(w, "a \\u that is no character");
	if (code < 0xd800 || code > 0xdbff)
		return true;
	if (!take(w, '\\') || !take(w, 'u') || !hex4(w, &low))
		return wrong(w, "half a surrogate pair");
	return (low >= 0xdc00 && low <= 0xdfff) || wrong(w, "half a surrogate pair");
}

static bool string(struct walk *w)
{
	while (w->p < w->end && *w->p != '"') {
		char c = *w->p++;

		if ((unsigned char)c < 0x20)
			return wrong(w, "a control character in a string");
		if (c != '\\')
			continue;
		if (w->p >= w->end)
			break;
		c = *w->p++;
		if (c == 'u' ? !unicode(w) : !c || !strchr("\"\\/bfnrt", c))
			return wrong(w, "a wrong escape in a string");
	}
	return take(w, '"') || wrong(w, "a string without end");
}

static bool pair(struct walk *w)
{
	blanks(w);
	if (!take(w, '"') || !string(w))
		return wrong(w, "a name in quotes is missing");
	blanks(w);
	return take(w, ':') ? value(w) : wrong(w, "a colon is missing");
}

/* What lies between the brackets: of an array values, of an object pairs. */
static bool list(struct walk *w, char close, bool (*item)(struct walk *w))
{
	if (++w->depth > BODY_DEPTH_MAX)
		return wrong(w, "too deep");
	blanks(w);
	if (!take(w, close)) {
		do {
			if (!item(w))
				return false;
			blanks(w);
		} while (take(w, ','));
		if (!take(w, close))
			return wrong(w, "a comma or a closing bracket is missing");
	}
	w->depth--;
	return true;
}

static bool value(struct walk *w)
{
	blanks(w);
	if (++w->values > BODY_VALUES_MAX)
		return wrong(w, "too many values");
	if (w->p >= w->end)
		return wrong(w, "it ends too early");
	switch (*w->p) {
	case '{': w->p++; return list(w, '}', pair);
	case '[': w->p++; return list(w, ']', value);
	case '"': w->p++; return string(w);
	case 't': return word(w, "true");
	case 'f': return word(w, "false");
	case 'n': return word(w, "null");
	default:  return number(w);
	}
}

static bool is_json(const char *text, size_t len, const char **why)
{
	struct walk w = { .p = text, .end = text + len };

	if (!g_utf8_validate(text, (gssize)len, NULL))
		wrong(&w, "not UTF-8");
	else if (value(&w)) {
		blanks(&w);
		if (w.p < w.end)
			wrong(&w, "something follows the value");
	}
	*why = w.why;
	return !w.why;
}

JsonObject *body_parse(const char *text, size_t len, const char **why)
{
	JsonParser *parser;
	JsonObject *object = NULL;
	JsonNode *root;

	*why = NULL;
	if (!len)
		return json_object_new();
	if (len > BODY_SIZE_MAX) {
		*why = "too large";
		return NULL;
	}
	if (!is_json(text, len, why))
		return NULL;
	parser = json_parser_new_immutable();
	if (json_parser_load_from_data(parser, text, (gssize)len, NULL)) {
		root = json_parser_get_root(parser);
		if (JSON_NODE_HOLDS_OBJECT(root))
			object = json_object_ref(json_node_get_object(root));
		else
			*why = "not an object";
	}
	else {
		*why = "not JSON";
	}
	g_object_unref(parser);
	return object;
}
