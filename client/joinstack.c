/*
 * joinstack.c - made and taken down in the right order.
 */
#include "joinstack.h"

int joinstack_open(struct sips **sipsp, struct sessions **sessionsp, const struct joinstack_conf *conf)
{
	const struct session_conf sc = {.expires_s = 1800, .min_se_s = 90, .max_sessions = 16};
	const struct sips_conf sips = {
		.listen = conf->listen,
		.software = "tutti-join",
		.client = true,
		.tls_peer = conf->tls_peer,
		.tls_ca = conf->tls_ca,
	};
	int err = sips_alloc(sipsp, &sips);

	if (!err)
		err = sessions_alloc(sessionsp, *sipsp, &sc, conf->inviteh, conf->arg);
	if (err)
		joinstack_close(sipsp, sessionsp);
	return err;
}

void joinstack_close(struct sips **sipsp, struct sessions **sessionsp)
{
	*sessionsp = mem_deref(*sessionsp);
	if (*sipsp)
		sips_close(*sipsp);
	*sipsp = mem_deref(*sipsp);
}

int joinstack_at(char words[JOINSTACK_LISTEN], const struct sa *src, enum sip_transp tp)
{
	const char *fmt = tp == SIP_TRANSP_TLS ? "udp:%J tcp:%J tls:%J" : "udp:%J tcp:%J";

	return re_snprintf(words, JOINSTACK_LISTEN, fmt, src, src, src) < 0 ? EINVAL : 0;
}

static bool is_any6(const char *ifname, const struct sa *sa, void *arg)
{
	(void)ifname;
	(void)arg;
	return sa_af(sa) == AF_INET6 && !sa_is_linklocal(sa);
}

const char *joinstack_anywhere(void)
{
	return net_if_apply(is_any6, NULL) ? "udp:0.0.0.0:0 tcp:0.0.0.0:0 udp:[::]:0 tcp:[::]:0"
					   : "udp:0.0.0.0:0 tcp:0.0.0.0:0";
}
