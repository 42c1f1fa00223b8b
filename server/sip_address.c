/*
 * sip_address.c - which stack, which address: ours that a message came to, ours towards a peer, and what it is told of
 * that.
 */
#include <unistd.h>
#include "sip_priv.h"

struct stack *sips_stack_of(const struct sips *s, enum sip_transp tp, const struct sa *local)
{
	struct stack *same = NULL;

	for (struct le *le = s->stacks.head; le; le = le->next) {
		struct stack *k = le->data;

		if (!sa_cmp(&k->addr, local, SA_ADDR))
			continue;
		if ((int)tp >= 0 && (int)tp < TP_N && sa_isset(&k->at[tp], SA_ADDR)) {
			if (sa_port(&k->at[tp]) == sa_port(local))
				return k;
			same = k;
		}
		else if (!same)
			same = k;
	}
	return same;
}

static int source_towards(struct sa *src, const struct sa *dst)
{
	struct sa peer = *dst;
	int fd, err = 0;

	if (!sa_port(&peer))
		sa_set_port(&peer, SIP_PORT);
	fd = socket(sa_af(&peer), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	src->len = sizeof(src->u);
	if (connect(fd, &peer.u.sa, peer.len) || getsockname(fd, &src->u.sa, &src->len))
		err = errno;
	close(fd);
	return err;
}

static bool stack_does(const struct stack *k, enum sip_transp tp)
{
	if ((int)tp >= 0 && (int)tp < TP_N)
		return sa_isset(&k->at[tp], SA_ADDR);
	return true;
}

int sips_towards(const struct sips *s, struct sip **sip, enum sip_transp tp, const struct sa *dst)
{
	const struct stack *best = NULL;
	struct sa src;
	bool known = dst && sa_isset(dst, SA_ADDR), routed = known && !source_towards(&src, dst);

	for (struct le *le = s->stacks.head; le; le = le->next) {
		const struct stack *k = le->data;

		if (!stack_does(k, tp) || (known && sa_af(&k->addr) != sa_af(dst)))
			continue;
		if (routed && sa_cmp(&k->addr, &src, SA_ADDR)) {
			best = k;
			break;
		}
		if (!best || (sa_is_loopback(&best->addr) && !sa_is_loopback(&k->addr) && !(known && sa_is_loopback(dst))))
			best = k;
	}
	if (!best)
		return EPROTONOSUPPORT;
	*sip = best->sip;
	return 0;
}

int sips_public(const struct sips *s, struct sa *addr, enum sip_transp tp, const struct sa *local, const struct sa *peer)
{
	const struct stack *k = sips_stack_of(s, tp, local);
	uint16_t port = (int)tp < 0 ? 0 : sa_port(local);

	/* An accepted or opened connection has a port of its own; peers must call the one we listen on. */
	if (k && (int)tp >= 0 && (int)tp < TP_N && sa_isset(&k->at[tp], SA_ADDR))
		port = sa_port(&k->at[tp]);
	if (sa_isset(&s->external, SA_ADDR) && sa_af(&s->external) == sa_af(local) && peer && !sip_sa_private(peer))
		sa_cpy(addr, &s->external);
	else
		sa_cpy(addr, local);
	sa_set_port(addr, port);
	return 0;
}

int sips_contact(const struct sips *s, char *buf, size_t size, const char *user, bool isfocus, enum sip_transp tp,
		 const struct sa *local, const struct sa *peer)
{
	struct sa addr;
	struct pl pl;
	int n;

	(void)sips_public(s, &addr, tp, local, peer);
	pl_set_str(&pl, user ? user : "");
	n = re_snprintf(buf, size, "<sip:%H%s%J%s>%s", uri_user_escape, &pl, pl.l ? "@" : "", &addr,
			sip_transp_param(tp), isfocus ? ";isfocus" : "");
	return n < 0 ? ENOSPC : 0;
}

int sips_listener(const struct sips *s, size_t n, enum sip_transp *tp, struct sa *addr)
{
	for (struct le *le = s->stacks.head; le; le = le->next) {
		const struct stack *k = le->data;

		for (int t = 0; t < TP_N; t++) {
			if (!sa_isset(&k->at[t], SA_ADDR) || n--)
				continue;
			*tp = (enum sip_transp)t;
			sa_cpy(addr, &k->at[t]);
			return 0;
		}
	}
	return ENOENT;
}

void sips_print(const struct sips *s, void (*h)(const char *uri_host, void *arg), void *arg)
{
	enum sip_transp tp;
	struct sa addr;
	char text[128];

	for (size_t n = 0; !sips_listener(s, n, &tp, &addr); n++) {
		if (sa_port(&addr) == sip_transp_port(tp, 0))
			(void)re_snprintf(text, sizeof(text), sa_af(&addr) == AF_INET6 ? "[%j]%s" : "%j%s", &addr, sip_transp_param(tp));
		else
			(void)re_snprintf(text, sizeof(text), "%J%s", &addr, sip_transp_param(tp));
		h(text, arg);
	}
}
