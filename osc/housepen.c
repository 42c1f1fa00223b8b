/*
 * housepen.c - messages of the house to one player. What would not fit into a datagram any more begins another bundle.
 */
#include <re.h>
#include "housepen.h"
#include "relay_priv.h"

enum { BUNDLE_MAX = 1000 };

void housepen_begin(struct housepen *p)
{
	osc_w_init(&p->w, p->buf, sizeof(p->buf));
	osc_w_bundle(&p->w, OSC_NOW);
}

void housepen_end(struct housepen *p, struct player *to)
{
	size_t len;

	osc_w_bundle_end(&p->w);
	if (!osc_w_end(&p->w, &len) && len > OSC_BUNDLE_HDR)
		(void)player_tell(to, p->buf, len);
	housepen_begin(p);
}

void housepen_put(struct housepen *p, struct player *to, const char *addr, const struct osc_arg *args, size_t n)
{
	if (p->w.len > BUNDLE_MAX)
		housepen_end(p, to);
	osc_w_msg(&p->w, addr, args, n);
}

void housepen_i(struct housepen *p, struct player *to, const char *addr, int32_t v)
{
	housepen_put(p, to, addr, &(struct osc_arg){.tag = 'i', .v.i = v}, 1);
}

void housepen_f(struct housepen *p, struct player *to, const char *addr, float v)
{
	housepen_put(p, to, addr, &(struct osc_arg){.tag = 'f', .v.f = v}, 1);
}

void housepen_s(struct housepen *p, struct player *to, const char *addr, const char *v)
{
	housepen_put(p, to, addr, &(struct osc_arg){.tag = 's', .v.s = v}, 1);
}

void housepen_member(char addr[HOUSEPEN_ADDR], const char *name, const char *what)
{
	(void)re_snprintf(addr, HOUSEPEN_ADDR, "/tutti/member/%s/%s", name, what);
}
