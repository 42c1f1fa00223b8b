/*
 * midi_fmtp.c - the fmtp line of RTP MIDI, read, written and answered.
 *
 * A table says of each parameter what its values look like and where they go. Parameters are separated by ";" and spaces;
 * a value in double quotes may hold either. What the table does not know is left out, also cm_default=, a slip of the pen
 * in an example of RFC 6295 C.7.2.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <stdio.h>

#include "midi_fmtp.h"
#include "midi_subset.h"

enum kind { KIND_ENUM, KIND_NUMBER, KIND_NONZERO, KIND_TEXT, KIND_SUBSET, KIND_RENDER };

struct param {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *words[5];            /* KIND_ENUM: the values from 1 on; the last may be "?": any other */
};

#define AT(field) offsetof(struct midi_fmtp, field)
static const struct param table[] = {
	{"j_sec",            KIND_ENUM,    AT(j_sec),    {"none", "recj", "?"}},
	{"j_update",         KIND_ENUM,    AT(j_update), {"anchor", "closed-loop", "open-loop", "?"}},
	{"tsmode",           KIND_ENUM,    AT(tsmode),   {"comex", "async", "buffer"}},
	{"octpos",           KIND_ENUM,    AT(octpos),   {"first", "last"}},
	{"linerate",         KIND_NONZERO, AT(linerate), {0}},
	{"mperiod",          KIND_NONZERO, AT(mperiod), {0}},
	{"guardtime",        KIND_NONZERO, AT(guardtime), {0}},
	{"rtp_ptime",        KIND_NUMBER,  AT(rtp_ptime), {0}},
	{"rtp_maxptime",     KIND_NUMBER,  AT(rtp_maxptime), {0}},
	{"musicport",        KIND_NUMBER,  AT(musicport), {0}},
	{"streamtype",       KIND_TEXT,    AT(streamtype), {0}},
	{"mode",             KIND_TEXT,    AT(mode), {0}},
	{"profile-level-id", KIND_TEXT,    AT(profile_level_id), {0}},
	{"config",           KIND_TEXT,    AT(config), {0}},
	{"cm_unused",        KIND_SUBSET,  0, {0}},
	{"cm_used",          KIND_SUBSET,  0, {0}},
	{"ch_default",       KIND_SUBSET,  0, {0}},
	{"ch_never",         KIND_SUBSET,  0, {0}},
	{"ch_anchor",        KIND_SUBSET,  0, {0}},
	{"multimode",        KIND_RENDER,  0, {0}},
	{"render",           KIND_RENDER,  0, {0}},
	{"subrender",        KIND_RENDER,  0, {0}},
	{"rinit",            KIND_RENDER,  0, {0}},
	{"inline",           KIND_RENDER,  0, {0}},
	{"url",              KIND_RENDER,  0, {0}},
	{"cid",              KIND_RENDER,  0, {0}},
	{"chanmask",         KIND_RENDER,  0, {0}},
	{"smf_info",         KIND_RENDER,  0, {0}},
	{"smf_inline",       KIND_RENDER,  0, {0}},
	{"smf_url",          KIND_RENDER,  0, {0}},
	{"smf_cid",          KIND_RENDER,  0, {0}},
};

/* ---- reading ---- */

static bool is_word(const struct fmtp_text *t, const char *word)
{
	return t->len == strlen(word) && !strncasecmp(t->p, word, t->len);
}

static const struct param *find(const struct fmtp_text *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (is_word(name, table[i].name))
			return &table[i];
	return NULL;
}

static int read_enum(int *out, const struct param *p, const struct fmtp_text *v)
{
	if (*out)
		return EBADMSG;
	for (int i = 0; i < 5 && p->words[i]; i++)
		if (is_word(v, p->words[i]) || p->words[i][0] == '?') {
			*out = i + 1;
			return 0;
		}
	return EBADMSG;
}

/* Appendix D: four-octet is "0" or digits that begin with another. */
static int read_number(struct fmtp_number *out, const struct fmtp_text *v, bool nonzero)
{
	uint64_t n = 0;

	if (out->there || !v->len || v->len > 10 || (v->p[0] == '0' && (v->len > 1 || nonzero)))
		return EBADMSG;
	for (size_t i = 0; i < v->len; i++) {
		if (v->p[i] < '0' || v->p[i] > '9')
			return EBADMSG;
		n = 10 * n + (unsigned)(v->p[i] - '0');
	}
	if (n > UINT32_MAX)
		return EBADMSG;
	*out = (struct fmtp_number){.there = true, .value = (uint32_t)n};
	return 0;
}

static int read_text(struct fmtp_text *out, const struct fmtp_text *v)
{
	if (out->p || !v->len)
		return EBADMSG;
	*out = *v;
	return 0;
}

static int read_item(struct fmtp_item *list, unsigned *n, const struct param *p, const struct fmtp_text *v)
{
	if (!v->len)
		return EBADMSG;
	if (*n == FMTP_LIST_MAX)
		return E2BIG;
	list[(*n)++] = (struct fmtp_item){.name = p->name, .value = *v};
	return 0;
}

static int read_param(struct midi_fmtp *f, const struct fmtp_text *name, const struct fmtp_text *v)
{
	const struct param *p = find(name);
	void *at;

	if (!p)
		return 0;
	at = (char *)f + p->offset;
	switch (p->kind) {
	case KIND_ENUM:    return read_enum(at, p, v);
	case KIND_NUMBER:
	case KIND_NONZERO: return read_number(at, v, p->kind == KIND_NONZERO);
	case KIND_TEXT:    return read_text(at, v);
	case KIND_RENDER:  return read_item(f->render, &f->n_renders, p, v);
	default:
		if (!midi_subset_is_valid(v->p, v->len))
			return EBADMSG;
		return read_item(f->subset, &f->n_subsets, p, v);
	}
}

/* The next parameter without the spaces around it; a semicolon in quotes is part of it. */
static struct fmtp_text next_param(const char **at, const char *end)
{
	struct fmtp_text t;
	bool quoted = false;

	while (*at < end && **at == ' ')
		(*at)++;
	t.p = *at;
	while (*at < end && (quoted || **at != ';')) {
		quoted ^= **at == '"';
		(*at)++;
	}
	t.len = (size_t)(*at - t.p);
	while (t.len && t.p[t.len - 1] == ' ')
		t.len--;
	if (*at < end)
		(*at)++;
	return t;
}

static bool is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] == 0x7f)
			return false;
	return true;
}

int midi_fmtp_read(struct midi_fmtp *f, const char *text, size_t len)
{
	const char *at = text, *end = text + len;

	memset(f, 0, sizeof(*f));
	if (len > FMTP_LEN_MAX)
		return E2BIG;
	if (!is_printable(text, len))
		return EBADMSG;
	while (at < end) {
		const struct fmtp_text t = next_param(&at, end);
		const char *equals = memchr(t.p, '=', t.len);
		struct fmtp_text name = t, value = {0};
		int err;

		if (!equals)
			continue;
		name.len = (size_t)(equals - t.p);
		value.p = equals + 1;
		value.len = t.len - name.len - 1;
		err = read_param(f, &name, &value);
		if (err)
			return err;
	}
	return 0;
}

/* ---- writing ---- */

struct writer {
	char  *buf;
	size_t len, room;
	bool   full;
};

static void put(struct writer *w, const char *name, const char *value, size_t len)
{
	const int n = w->full ? 0 : snprintf(w->buf + w->len, w->room - w->len, "%s%s=%.*s", w->len ? "; " : "", name, (int)len,
		value);

	if (n < 0 || (size_t)n >= w->room - w->len)
		w->full = true;
	else
		w->len += (size_t)n;
}

static void put_number(struct writer *w, const char *name, uint32_t value)
{
	char text[16];
	const int n = snprintf(text, sizeof(text), "%u", value);

	put(w, name, text, (size_t)n);
}

static void put_items(struct writer *w, const struct fmtp_item *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put(w, list[i].name, list[i].value.p, list[i].value.len);
}

static void put_single(struct writer *w, const struct midi_fmtp *f, const struct param *p)
{
	const void *at = (const char *)f + p->offset;
	const struct fmtp_number *number = at;
	const struct fmtp_text *text = at;
	int word;

	switch (p->kind) {
	case KIND_ENUM:
		memcpy(&word, at, sizeof(word));
		if (word && p->words[word - 1][0] != '?')
			put(w, p->name, p->words[word - 1], strlen(p->words[word - 1]));
		break;
	case KIND_NUMBER:
	case KIND_NONZERO:
		if (number->there)
			put_number(w, p->name, number->value);
		break;
	case KIND_TEXT:
		if (text->p)
			put(w, p->name, text->p, text->len);
		break;
	default:
		break;
	}
}

int midi_fmtp_write(char *buf, size_t *len, const struct midi_fmtp *f)
{
	struct writer w = {.buf = buf, .room = *len, .full = *len == 0};

	if (!w.full)
		buf[0] = '\0';
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		put_single(&w, f, &table[i]);
	put_items(&w, f->subset, f->n_subsets);
	put_items(&w, f->render, f->n_renders);
	*len = w.len;
	return w.full ? ENOSPC : 0;
}

/* ---- answering ---- */

enum { GUARD_LEAST_MS = 5, GUARD_MOST_MS = 5000 };

static void clamp_guardtime(struct fmtp_number *guardtime, uint32_t rate)
{
	const uint64_t least = (uint64_t)rate * GUARD_LEAST_MS / 1000, most = (uint64_t)rate * GUARD_MOST_MS / 1000;

	if (guardtime->there && guardtime->value < least)
		guardtime->value = (uint32_t)least;
	if (guardtime->there && guardtime->value > most)
		guardtime->value = (uint32_t)most;
}

static bool is_item(const struct fmtp_item *item, const char *name, const char *value)
{
	return !strcmp(item->name, name) && (!value || is_word(&item->value, value));
}

/* The parameters of one renderer: from its render= to before the next. */
static unsigned renderer_end(const struct midi_fmtp *f, unsigned i)
{
	do
		i++;
	while (i < f->n_renders && !is_item(&f->render[i], "render", NULL));
	return i;
}

static bool can_repeat(const struct midi_fmtp *f, unsigned i, unsigned end)
{
	if (!is_word(&f->render[i].value, "synthetic") && !is_word(&f->render[i].value, "api"))
		return false;
	for (unsigned k = i; k < end; k++)
		if (is_item(&f->render[k], "subrender", NULL) && !is_word(&f->render[k].value, "default"))
			return false;
	return true;
}

/* The first renderer we may repeat is, or all with multimode=all; each other one becomes render=null, "discarded". */
static void answer_renders(struct midi_fmtp *a, const struct midi_fmtp *offer)
{
	bool all = false, taken = false;
	unsigned i = 0;

	a->n_renders = 0;
	for (; i < offer->n_renders && !is_item(&offer->render[i], "render", NULL); i++)
		a->render[a->n_renders++] = offer->render[i];
	for (unsigned k = 0; k < offer->n_renders; k++)
		all |= is_item(&offer->render[k], "multimode", "all");
	while (i < offer->n_renders) {
		const unsigned end = renderer_end(offer, i);

		if ((all || !taken) && can_repeat(offer, i, end)) {
			taken = true;
			while (i < end)
				a->render[a->n_renders++] = offer->render[i++];
		} else {
			a->render[a->n_renders++] = (struct fmtp_item){.name = "render", .value = {.p = "null", .len = 4}};
			i = end;
		}
	}
}

int midi_fmtp_answer(struct midi_fmtp *answer, const struct midi_fmtp *offer, uint32_t rate, bool lossless)
{
	/* "If a session description uses a j_sec value unknown to the recipient, the recipient MUST NOT accept"; so j_update. */
	if (offer->j_sec == J_SEC_UNKNOWN || (offer->j_sec == J_SEC_NONE && !lossless))
		return EPROTO;
	if (offer->j_update == J_UPDATE_UNKNOWN || offer->j_update == J_UPDATE_OPEN)
		return EPROTO;
	if (offer->mode.p && !is_word(&offer->mode, "rtp-midi"))
		return EPROTO;
	*answer = *offer;
	clamp_guardtime(&answer->guardtime, rate);
	answer_renders(answer, offer);
	return 0;
}
