/*
 * offer_net.c - addresses, directions and profiles in m-lines.
 */
#include <string.h>
#include "offer_net.h"

static const struct { const char *name; enum offer_profile profile; } profiles[] = {
	{"RTP/AVP", OFFER_PLAIN}, {"RTP/AVPF", OFFER_PLAIN}, {"RTP/SAVP", OFFER_SECURE}, {"RTP/SAVPF", OFFER_SECURE},
	{"UDP/TLS/RTP/SAVP", OFFER_BY_DTLS}, {"UDP/TLS/RTP/SAVPF", OFFER_BY_DTLS},
};

static int refuse(const char **why, int err, const char *text)
{
	*why = text;
	return err;
}

int offer_net_profile(enum offer_profile *profile, const char **why, const struct pl *proto)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (pl_strcmp(proto, profiles[i].name))
			continue;
		*profile = profiles[i].profile;
		return 0;
	}
	return refuse(why, ENOTSUP, "a transport that is not supported");
}

const char *offer_net_profile_name(enum offer_profile profile)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		if (profiles[i].profile == profile)
			return profiles[i].name;
	return NULL;
}

/* --- direction --- */

const char *offer_dir_name(uint8_t dir)
{
	static const char *names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

	return names[dir & LEG_DIR_BOTH];
}

static bool dir_attr(uint8_t *dir, const struct sdesc_attr *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (uint8_t d = 0; d <= LEG_DIR_BOTH; d++) {
			if (pl_strcmp(&a[i].name, offer_dir_name(d)))
				continue;
			*dir = d;
			return true;
		}
	}
	return false;
}

/* RFC 3264 5.1: "If the session description has no direction attribute the stream is sendrecv"; one in the session part
 * is the default of its lines (RFC 8866 6.7). As seen from the peer's side. */
uint8_t offer_dir_theirs(const struct sdesc *d, const struct sdesc_media *m)
{
	uint8_t dir = LEG_DIR_BOTH;

	if (!dir_attr(&dir, m->attr, m->n_attr))
		(void)dir_attr(&dir, d->attr, d->n_attr);
	return dir;
}

uint8_t offer_dir_flip(uint8_t dir)
{
	return (uint8_t)((dir & LEG_DIR_SEND ? LEG_DIR_RECV : 0) | (dir & LEG_DIR_RECV ? LEG_DIR_SEND : 0));
}

/* --- transport --- */

int offer_net_rtp(struct sa *rtp, const char **why, const struct offer_conf *conf, const struct sa *before,
		  const struct sdesc *d, const struct sdesc_media *m)
{
	const struct sdesc_conn *c = sdesc_media_conn(d, m);

	if (!c)
		return refuse(why, EBADMSG, "no c= for a line that is on");
	if (!c->inet)
		return refuse(why, ENOTSUP, "a network type that is not supported");
	if (sa_af(&c->sa) == AF_UNSPEC)
		return refuse(why, ENOTSUP, "a host name in c= is not supported");
	/* RFC 3264 8.4: "a connection address of 0.0.0.0 ... means that neither RTP nor RTCP should be sent to the peer".
	 * The peer may still send from where it was. */
	if (sa_is_any(&c->sa)) {
		if (before)
			*rtp = *before;
		return 0;
	}
	if (sa_af(&c->sa) != sa_af(&conf->media))
		return refuse(why, ENOTSUP, "an address of the other IP version");
	if (c->ip6 ? IN6_IS_ADDR_MULTICAST(&c->sa.u.in6.sin6_addr) : sa_in(&c->sa) >= 0xe0000000)
		return refuse(why, ENOTSUP, "multicast is not supported");
	*rtp = c->sa;
	sa_set_port(rtp, m->port);
	return 0;
}

/* RFC 3605: a=rtcp:53020 IN IP6 2001:db8::1. Nonsense is as good as absence: RTP's port + 1. */
void offer_net_rtcp(struct sa *rtcp, const struct sa *rtp, const struct sdesc_media *m)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, "rtcp", NULL);
	struct pl rest, word, addr;
	struct sa sa = *rtp;
	char text[64];
	uint64_t port;

	if (!a || !sa_isset(rtp, SA_ADDR))
		return;
	rest = a->value;
	if (!sdesc_word(&word, &rest) || !sdesc_number(&port, &word, UINT16_MAX) || !port)
		return;
	if (sdesc_word(&word, &rest) && sdesc_word(&word, &rest) && sdesc_word(&addr, &rest) &&
	    (pl_strcpy(&addr, text, sizeof(text)) || sa_set_str(&sa, text, 0) || sa_af(&sa) != sa_af(rtp)))
		return;
	sa_set_port(&sa, (uint16_t)port);
	*rtcp = sa;
}

bool offer_net_held(const struct sdesc *d, const struct sdesc_media *m)
{
	const struct sdesc_conn *c = sdesc_media_conn(d, m);

	return c && sa_is_any(&c->sa);
}
