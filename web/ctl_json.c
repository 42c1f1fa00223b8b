/*
 * ctl_json.c - JSON text to a tree (RFC 8259), in place: strings become shorter when they are unescaped, never longer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ctl_json.h"

struct parser { char *p; size_t nodes; int depth; };

static int value(struct json **jp, struct parser *ps);

void json_free(struct json *j)
{
	while (j) {
		struct json *next = j->next;

		json_free(j->child);
		free(j);
		j = next;
	}
}

static void space(struct parser *ps)
{
	ps->p += strspn(ps->p, " \t\r\n");
}

/* --- strings --- */

static int hex4(const char *p)
{
	int n = 0;

	for (int i = 0; i < 4; i++) {
		int c = (unsigned char)p[i];

		if (c >= '0' && c <= '9')
			n = n * 16 + c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			n = n * 16 + (c | 0x20) - 'a' + 10;
		else
			return -1;
	}
	return n;
}

static char *put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (c & 0x3f));
	return out;
}

/* \uXXXX, and a pair of them for what is above 0xffff; half a pair and NUL become U+FFFD. Six bytes give three at most. */
static int unicode(const char **in, char **out)
{
	int c = hex4(*in), low;

	if (c < 0)
		return EBADMSG;
	*in += 4;
	if (c >= 0xd800 && c < 0xdc00 && (*in)[0] == '\\' && (*in)[1] == 'u') {
		low = hex4(*in + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			*in += 6;
			*out = put_utf8(*out, 0x10000 + (((unsigned)c & 0x3ff) << 10) + ((unsigned)low & 0x3ff));
			return 0;
		}
	}
	*out = put_utf8(*out, !c || (c >= 0xd800 && c < 0xe000) ? 0xfffd : (unsigned)c);
	return 0;
}

static int escape(const char **in, char **out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = **in ? strchr(from, **in) : NULL;

	if (at) {
		*(*out)++ = to[at - from];
		++*in;
		return 0;
	}
	if (**in != 'u')
		return EBADMSG;
	++*in;
	return unicode(in, out);
}

/* From the opening quote. */
static int string(char **textp, struct parser *ps)
{
	const char *in = ps->p + 1;
	char *out = ps->p;

	if (*ps->p != '"')
		return EBADMSG;
	*textp = out;
	while (*in != '"') {
		if ((unsigned char)*in < 0x20)    /* NUL too: the text ends in the middle */
			return EBADMSG;
		if (*in != '\\') {
			*out++ = *in++;
		} else {
			in++;
			if (escape(&in, &out))
				return EBADMSG;
		}
	}
	*out = '\0';
	ps->p += in + 1 - ps->p;
	return 0;
}

/* --- numbers and words --- */

static size_t digits(const char *p)
{
	return strspn(p, "0123456789");
}

/* number = [ minus ] int [ frac ] [ exp ] */
static int number(struct json *j, struct parser *ps)
{
	char *p = ps->p + (*ps->p == '-');
	size_t n = digits(p);

	if (!n || (n > 1 && *p == '0'))
		return EBADMSG;
	p += n;
	if (*p == '.') {
		n = digits(p + 1);
		if (!n)
			return EBADMSG;
		p += n + 1;
	}
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '+' || p[1] == '-');
		n = digits(p);
		if (!n)
			return EBADMSG;
		p += n;
	}
	j->type = JSON_NUMBER;
	j->text = ps->p;
	ps->p = p;
	return 0;
}

static int word(struct json *j, struct parser *ps)
{
	static const struct { const char *word; enum json_type type; } words[] = {
		{ "null", JSON_NULL }, { "false", JSON_FALSE }, { "true", JSON_TRUE },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].word);

		if (strncmp(ps->p, words[i].word, n))
			continue;
		j->type = words[i].type;
		ps->p += n;
		return 0;
	}
	return EBADMSG;
}

/* --- arrays and objects --- */

static int pair(struct json **jp, struct parser *ps)
{
	char *key = NULL;
	int err = string(&key, ps);

	if (err)
		return err;
	space(ps);
	if (*ps->p != ':')
		return EBADMSG;
	ps->p++;
	err = value(jp, ps);
	if (!err)
		(*jp)->key = key;
	return err;
}

static int members(struct json *j, struct parser *ps, char end)
{
	struct json **tail = &j->child;
	int err;

	ps->p++;
	space(ps);
	if (*ps->p == end) {
		ps->p++;
		return 0;
	}
	for (;;) {
		space(ps);
		err = end == '}' ? pair(tail, ps) : value(tail, ps);
		if (err)
			return err;
		tail = &(*tail)->next;
		space(ps);
		if (*ps->p == end) {
			ps->p++;
			return 0;
		}
		if (*ps->p != ',')
			return EBADMSG;
		ps->p++;
	}
}

static int nested(struct json *j, struct parser *ps)
{
	bool object = *ps->p == '{';
	int err;

	j->type = object ? JSON_OBJECT : JSON_ARRAY;
	if (++ps->depth > JSON_DEPTH_MAX)
		return E2BIG;
	err = members(j, ps, object ? '}' : ']');
	ps->depth--;
	return err;
}

/* *jp is set even when it fails, so that what was made is freed with the tree. */
static int value(struct json **jp, struct parser *ps)
{
	struct json *j = calloc(1, sizeof(*j));

	*jp = j;
	if (!j)
		return ENOMEM;
	if (++ps->nodes > JSON_NODES_MAX)
		return E2BIG;
	space(ps);
	switch (*ps->p) {
	case '{':
	case '[':
		return nested(j, ps);
	case '"':
		j->type = JSON_STRING;
		return string(&j->text, ps);
	case '-':
	case '0' ... '9':
		return number(j, ps);
	default:
		return word(j, ps);
	}
}

int json_parse(struct json **rp, char *text, size_t len)
{
	struct parser ps = { .p = text };
	struct json *root = NULL;
	int err;

	*rp = NULL;
	if (text[len] || memchr(text, '\0', len))
		return EBADMSG;
	err = value(&root, &ps);
	if (!err) {
		space(&ps);
		if (*ps.p)
			err = EBADMSG;
	}
	if (err)
		json_free(root);
	else
		*rp = root;
	return err;
}

/* --- questions --- */

const struct json *json_get(const struct json *object, const char *key)
{
	const struct json *j = object && object->type == JSON_OBJECT ? object->child : NULL;

	while (j && strcmp(j->key, key))
		j = j->next;
	return j;
}

const char *json_text(const struct json *object, const char *key)
{
	const struct json *j = json_get(object, key);

	return j && j->type == JSON_STRING ? j->text : "";
}

double json_number(const struct json *object, const char *key)
{
	const struct json *j = json_get(object, key);

	return j && j->type == JSON_NUMBER ? strtod(j->text, NULL) : 0;
}

uint64_t json_whole(const struct json *object, const char *key)
{
	const struct json *j = json_get(object, key);

	return j && j->type == JSON_NUMBER ? strtoull(j->text, NULL, 10) : 0;
}

bool json_true(const struct json *object, const char *key)
{
	const struct json *j = json_get(object, key);

	return j && j->type == JSON_TRUE;
}

size_t json_length(const struct json *list)
{
	size_t n = 0;

	for (const struct json *j = list ? list->child : NULL; j; j = j->next)
		n++;
	return n;
}
