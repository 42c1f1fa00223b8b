/*
 * plainout.c - what has changed, as sentences.
 */
#include <errno.h>
#include <re.h>
#include <stdio.h>
#include <string.h>
#include "plainout.h"

struct plainout {
	struct band was;
	plainout_h *h;
	void *arg;
};

int plainout_alloc(struct plainout **pp, plainout_h *h, void *arg)
{
	struct plainout *p = mem_zalloc(sizeof(*p), NULL);

	if (!p)
		return ENOMEM;
	band_init(&p->was);
	p->h = h;
	p->arg = arg;
	*pp = p;
	return 0;
}

static void __attribute__((format(printf, 2, 3))) line(struct plainout *p, const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	p->h(buf, p->arg);
}

/* The seconds of a wait are not counted down here. */
static bool is_news(const struct band_own *was, const struct band_own *o)
{
	return strcmp(o->state, was->state) || strcmp(o->codec, was->codec) || (!o->again_s && strcmp(o->why, was->why));
}

static void tell_state(struct plainout *p, const struct band_own *o)
{
	if (!is_news(&p->was.own, o))
		return;
	if (!strcmp(o->state, "up"))
		line(p, "up: %s, %s, %.2f ms%s, %s %u", o->peer, o->codec, o->ptime_us / 1000.0, !o->srtp ? "" : !strcmp(o->keys, "dtls") ? ", SRTP by DTLS" : ", SRTP", o->driver, o->period);
	else
		line(p, "%s%s%s", o->state, o->why[0] ? ": " : "", o->why);
}

void plainout_look(struct plainout *p, const struct band *b)
{
	struct band *now = (struct band *)(uintptr_t)b;
	uint64_t fresh = b->texts - p->was.texts;
	bool is_up = !strcmp(b->own.state, "up");        /* else it is not they who have gone */

	tell_state(p, &b->own);
	for (unsigned i = 0; i < p->was.n && is_up; i++)
		if (!band_find(now, p->was.member[i].name))
			line(p, "left: %s", p->was.member[i].name);
	for (unsigned i = 0; i < b->n; i++)
		if (!band_find(&p->was, b->member[i].name))
			line(p, "joined: %s", b->member[i].name);
	for (unsigned i = fresh < b->n_text ? b->n_text - (unsigned)fresh : 0; i < b->n_text; i++) {
		const struct band_text *t = band_text(b, i);

		line(p, "%s%s%s", strcmp(t->from, "*") ? t->from[0] ? t->from : "you" : "", strcmp(t->from, "*") ? ": " : "", t->text);
	}
	p->was = *b;
}
