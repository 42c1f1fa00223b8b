/*
 * reach.c - where a call goes, and whether to try again.
 */
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "control/loop.h"
#include "server/sip.h"
#include "reach.h"

/* --- what people write --- */

static struct pl trimmed(const char *text)
{
	struct pl pl;

	text += strspn(text, " \t\r\n<\"");
	pl_set_str(&pl, text);
	while (pl.l && strchr(" \t\r\n>\"", pl.p[pl.l - 1]))
		pl.l--;
	return pl;
}

static bool plain(const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++)
		if ((unsigned char)pl->p[i] <= ' ' || pl->p[i] == '/' || strchr("<>\"\\", pl->p[i]) || pl->p[i] == 0x7f)
			return false;
	return pl->l > 0;
}

/* "sip:" and "sips:" in any letters; without one it is sip. */
static bool scheme(struct pl *rest)
{
	if (rest->l >= 5 && !strncasecmp(rest->p, "sips:", 5)) {
		pl_advance(rest, 5);
		return true;
	}
	if (rest->l >= 4 && !strncasecmp(rest->p, "sip:", 4))
		pl_advance(rest, 4);
	return false;
}

/* An IPv6 address that nobody put into brackets: all of what is left is its digits. */
static bool bare_v6(const struct pl *host)
{
	char text[64];
	struct sa sa;

	return !pl_strcpy(host, text, sizeof(text)) && text[0] != '[' && strchr(text, ':') != strrchr(text, ':') &&
	       !sa_set_str(&sa, text, 0) && sa_af(&sa) == AF_INET6;
}

static int write_uri(struct reach *r, const struct pl *rest, bool secure)
{
	const char *at = pl_strchr(rest, '@');
	struct pl host = *rest, user = PL_INIT;
	int n;

	if (at) {
		user = (struct pl){rest->p, (size_t)(at - rest->p)};
		pl_advance(&host, at + 1 - rest->p);
	}
	n = re_snprintf(r->uri, sizeof(r->uri), bare_v6(&host) ? "sip%s:%r%s[%r]" : "sip%s:%r%s%r", secure ? "s" : "",
			&user, at ? "@" : "", &host);
	return n < 0 ? EINVAL : 0;
}

static enum sip_transp transp_of(const struct uri *u)
{
	struct pl v;

	if (!sip_param(&u->params, "transport", &v))
		return SIP_TRANSP_NONE;
	return !pl_strcasecmp(&v, "tls") ? SIP_TRANSP_TLS : !pl_strcasecmp(&v, "tcp") ? SIP_TRANSP_TCP :
	       !pl_strcasecmp(&v, "udp") ? SIP_TRANSP_UDP : SIP_TRANSP_NONE;
}

int reach_read(struct reach *r, const char *text)
{
	struct pl rest = trimmed(text ? text : ""), pl;
	struct uri u;
	bool secure;

	memset(r, 0, sizeof(*r));
	r->tp = SIP_TRANSP_NONE;
	secure = scheme(&rest);
	if (!plain(&rest) || rest.p[0] == '@' || rest.p[rest.l - 1] == '@' || write_uri(r, &rest, secure))
		return EINVAL;
	pl_set_str(&pl, r->uri);
	if (uri_decode(&u, &pl) || !u.host.l || pl_isset(&u.headers))
		return EINVAL;
	if (pl_strcpy(&u.host, r->host, sizeof(r->host)) || (u.user.l && pl_strcpy(&u.user, r->user, sizeof(r->user))))
		return EINVAL;
	r->port   = u.port;
	r->secure = secure;
	r->tp     = secure ? SIP_TRANSP_TLS : transp_of(&u);
	if (!str_casecmp(r->host, "localhost"))
		return sa_set_str(&r->addr, "127.0.0.1", u.port);
	if (sa_set_str(&r->addr, r->host, u.port))
		sa_init(&r->addr, AF_UNSPEC);
	return 0;
}

int reach_uri(char *buf, size_t size, const struct reach *r, enum sip_transp tp)
{
	const char *param =
		r->tp == SIP_TRANSP_NONE && tp != SIP_TRANSP_NONE && tp != SIP_TRANSP_UDP ? sip_transp_param(tp) : "";

	return re_snprintf(buf, size, "%s%s", r->uri, param) < 0 ? EINVAL : 0;
}

/* --- names --- */

/* One line of the file: an address, and the names it has. */
static bool line_names(char *line, const char *host)
{
	char *save = NULL, *word;

	line[strcspn(line, "#\r\n")] = '\0';
	word = strtok_r(line, " \t", &save);
	while (word && (word = strtok_r(NULL, " \t", &save)))
		if (!str_casecmp(word, host))
			return true;
	return false;
}

static bool in_hosts_file(const char *host)
{
	FILE *f = fopen("/etc/hosts", "re");
	char line[1024];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = line_names(line, host);
	if (f)
		(void)fclose(f);
	return found;
}

/* libre asks name servers, and nobody else. */
static bool only_here(const char *host)
{
	const char *dot = strrchr(host, '.');
	struct sa sa;

	if (!sa_set_str(&sa, host, 0))
		return false;
	return !dot || !str_casecmp(dot, ".local") || in_hosts_file(host);
}

int reach_route(char *buf, size_t size, const struct reach *r, enum sip_transp tp)
{
	struct sa to = r->addr;

	buf[0] = '\0';
	if (!sa_isset(&r->addr, SA_ADDR) || !only_here(r->host))
		return 0;
	sa_set_port(&to, sip_transp_port(tp == SIP_TRANSP_NONE ? SIP_TRANSP_UDP : tp, r->port));
	return re_snprintf(buf, size, "sip:%J%s;lr", &to,
			   tp == SIP_TRANSP_NONE || tp == SIP_TRANSP_UDP ? "" : sip_transp_param(tp)) < 0
		       ? EINVAL
		       : 0;
}

bool reach_near(const struct reach *r)
{
	return sa_isset(&r->addr, SA_ADDR) && sip_sa_private(&r->addr);
}

enum sip_transp reach_transp(const struct reach *r, unsigned try)
{
	if (r->tp != SIP_TRANSP_NONE || reach_near(r))
		return r->tp == SIP_TRANSP_NONE ? SIP_TRANSP_UDP : r->tp;
	return try % 2 ? SIP_TRANSP_UDP : SIP_TRANSP_TCP;
}

int reach_source(struct sa *src, const struct sa *dst)
{
	struct sa to;
	int fd, err = 0;

	if (dst && sa_isset(dst, SA_ADDR))
		to = *dst;
	else
		(void)sa_set_str(&to, "192.0.2.1", 0);    /* RFC 5737: nobody is there, and nothing is sent */
	sa_set_port(&to, SIP_PORT);
	fd = socket(sa_af(&to), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	sa_init(src, sa_af(&to));
	src->len = sizeof(src->u);
	if (connect(fd, &to.u.sa, to.len) || getsockname(fd, &src->u.sa, &src->len))
		err = errno;
	close(fd);
	sa_set_port(src, 0);
	return err;
}

/* --- a thread that asks ---
 *
 * The job is the C library's memory, for libre's counts are not of threads: the thread writes its answer and posts it;
 * only the control thread knows whether anybody waits. */

struct job { struct reach_lookup *who; char host[128]; int err; struct sockaddr_storage addr; socklen_t len; };

struct reach_lookup { struct job *job; reach_h *h; void *arg; };

static void job_done(void *arg)
{
	struct job *job = arg;
	struct reach_lookup *l = job->who;
	struct sa sa;

	sa_init(&sa, AF_UNSPEC);
	if (!job->err)
		job->err = sa_set_sa(&sa, (struct sockaddr *)&job->addr);
	if (l) {
		l->job = NULL;
		l->h(job->err, &sa, l->arg);
	}
	free(job);
}

static void *job_run(void *arg)
{
	const struct addrinfo hint = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
	struct job *job = arg;
	struct addrinfo *res = NULL;

	job->err = getaddrinfo(job->host, NULL, &hint, &res) || !res ? ENOENT : 0;
	if (!job->err && res->ai_addrlen <= sizeof(job->addr)) {
		memcpy(&job->addr, res->ai_addr, res->ai_addrlen);
		job->len = res->ai_addrlen;
	}
	if (res)
		freeaddrinfo(res);
	if (loop_post(job_done, job))
		free(job);                        /* the program ends */
	return NULL;
}

static void lookup_destructor(void *arg)
{
	struct reach_lookup *l = arg;

	if (l->job)
		l->job->who = NULL;
}

int reach_lookup(struct reach_lookup **lp, const char *host, reach_h *h, void *arg)
{
	struct reach_lookup *l = mem_zalloc(sizeof(*l), lookup_destructor);
	struct job *job = calloc(1, sizeof(*job));
	pthread_t thread;
	int err = l && job ? 0 : ENOMEM;

	if (!err) {
		str_ncpy(job->host, host, sizeof(job->host));
		job->who = l;
		err = pthread_create(&thread, NULL, job_run, job);
	}
	if (err) {
		free(job);
		mem_deref(l);
		return err;
	}
	(void)pthread_detach(thread);
	l->job = job;
	l->h   = h;
	l->arg = arg;
	*lp = l;
	return 0;
}

/* --- who we are --- */

static size_t plain_letters(char *buf, size_t size, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = 0;

	for (; *name && n < size - 1; name++)
		if (strchr(plain, *name))
			buf[n++] = *name;
	buf[n] = '\0';
	return n;
}

void reach_identity(char buf[REACH_MAX], const char *user, const char *name, uint32_t number, const char *host)
{
	const bool six = strchr(host, ':') != NULL;
	struct pl account;
	char plain[40];

	pl_set_str(&account, user ? user : "");
	if (account.l)
		(void)re_snprintf(buf, REACH_MAX, six ? "sip:%H@[%s]" : "sip:%H@%s", uri_user_escape, &account, host);
	else
		(void)re_snprintf(buf, REACH_MAX, six ? "sip:%s-%08x@[%s]" : "sip:%s-%08x@%s",
				  plain_letters(plain, sizeof(plain), name ? name : "") ? plain : "musician", number,
				  host);
}

/* --- again? --- */

uint32_t reach_wait_ms(unsigned n)
{
	static const uint32_t wait[] = {0, 1000, 2000, 4000, 8000, 15000};

	return wait[MIN(n, ARRAY_SIZE(wait) - 1)];
}

/* 405 is what a server says whose rooms are closed already and whose sockets are not. */
bool reach_is_final(uint16_t scode)
{
	static const uint16_t again[] = {405, 408, 480, 487, 491, 494};

	for (size_t i = 0; i < ARRAY_SIZE(again); i++)
		if (again[i] == scode)
			return false;
	return scode / 100 == 4 || scode / 100 == 6 || scode / 100 == 3;
}

/* Words of this server, and causes of others: Q.850 (ITU-T) 38 network out of order, 41 temporary failure, 47 no
 * resources, 102 timer; or a status of SIP that says as much. */
bool reach_bye_is_final(const struct pl *reason)
{
	static const char *const words[] = {"server stopped", "rtp-timeout", "answer failed", "shutdown", "restart"};
	static const char *const causes[] = {"cause=38",  "cause=41",  "cause=47",  "cause=102",
					     "cause=408", "cause=500", "cause=503", "cause=504"};
	char text[256];

	if (!reason || !reason->p)
		return true;
	str_ncpy(text, "", sizeof(text));
	(void)re_snprintf(text, sizeof(text), "%r", reason);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(text, words[i]))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		const char *p = strstr(text, causes[i]);

		if (p && (p[strlen(causes[i])] < '0' || p[strlen(causes[i])] > '9'))
			return false;
	}
	return true;
}
