/*
 * fuzz-gestline.c - any bytes as what a party says of its line: the first line as format parameters of each kind, the
 * others as attributes "name:value" of two descriptions in turn. What is taken lies within its bounds, and can be used.
 */
#include <re.h>
#include <stdlib.h>
#include <string.h>

#include "osc/gestline.h"
#include "osc/oscmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void parameters(const char *text, size_t len)
{
	for (unsigned kind = GESTLINE_MIDI; kind < GESTLINE_KINDS; kind++) {
		struct gestline_fmtp f;
		const size_t most = kind >= GESTLINE_TCP ? OSC_MAX_STREAM : OSC_MAX_DGRAM;

		if (gestline_fmtp_read(&f, (enum gestline_kind)kind, text, len))
			continue;
		must(strlen(f.takes.types) && strlen(f.takes.types) <= GESTLINE_TYPES_MAX);
		must(f.takes.max >= 64 && f.takes.max <= most && f.takes.max % 4 == 0 && f.takes.red <= 8);
		must(f.takes.guard_ms <= 60000 && f.takes.late_ms <= 10000 && f.takes.refresh_ms <= 60000);
		must(f.takes.rate >= 1 && f.takes.rate <= 100000 && f.n_rec >= 1 && f.n_rec <= 2 && f.n_framing <= 2);
	}
}

static void attribute(struct gestspace *s, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const size_t n = colon ? (size_t)(colon - line) : len;
	enum osc_view views[2];

	if (!colon)
		return;
	(void)gestspace_attr(s, line, n, colon + 1, len - n - 1);
	must(gestline_views_read(views, 2, colon + 1, len - n - 1) <= 2);
	must(gestline_sources_read(colon + 1, len - n - 1) <= GESTLINE_ALL);
}

static void judged(const struct gestspace *s)
{
	must(s->n_schema <= GESTLINE_SCHEMAS && s->n_space <= GESTLINE_SPACES && s->n_claim <= GESTLINE_CLAIMS);
	must(!s->map || oscmap_count(s->map) <= OSCMAP_MAX);
	must(s->kinds.n <= s->n_space);
	for (unsigned i = 0; i < s->n_space; i++)
		must(pattern_ok(s->space[i].pattern, strlen(s->space[i].pattern)) && s->space[i].dir &&
			s->space[i].dir <= LEG_DIR_BOTH);
	for (unsigned i = 0; i < s->n_claim; i++)
		must(pattern_ok(s->claim[i], strlen(s->claim[i])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	struct gestspace *s[2];
	unsigned n = 0;

	must(!gestspace_alloc(&s[0]) && !gestspace_alloc(&s[1]));
	for (; p < end; n++) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const size_t len = eol ? (size_t)(eol - p) : (size_t)(end - p);

		if (!n)
			parameters(p, len);
		else
			attribute(s[n % 2], p, len);
		p += len + 1;
	}
	judged(s[0]);
	judged(s[1]);
	(void)gestspace_meets(s[0], s[1]);
	mem_deref(s[0]);
	mem_deref(s[1]);
	return 0;
}
