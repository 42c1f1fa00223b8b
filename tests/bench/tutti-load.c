/*
 * tutti-load.c - many callers in one process: sets calls up at a rate, talks G.711 in both directions, counts, hangs up.
 *
 *      rounds x  [ up: INVITE at --cps ]  [ hold: everybody sends, --hold seconds ]  [ down: BYE at --cps, or vanish ]
 *
 * One thread, one epoll. SIP goes over one UDP socket from text templates: a generator must cost less than what it
 * measures, and an independent one finds more than one built from the server's own parts. Each call has an RTP socket of
 * its own, as phones have. Calls send in twenty phases a millisecond apart, so that the load is even as it is in life.
 *
 * A call is found by its Call-ID, which holds round and index. Whatever comes for a call that is gone is not answered:
 * that is how a dead phone behaves (--no-bye). When the generator itself is late, it says so ("late ticks"): figures of
 * such a run are about the generator.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	MSG_MAX = 8192,
	FRAME_SMP = 160,                  /* 20 ms at 8 kHz */
	FRAME_MS = 20,
	SPEECH_FRAMES = 50,
	T1_MS = 500, T2_MS = 4000,        /* RFC 3261 17.1.1.1 */
	GIVE_UP_MS = 32000,
	GAP_MS = 60,                      /* three frames without one */
	CALLS_MAX = 60000,
	RTP_HDR = 12,
};

enum call_state { CALL_IDLE, CALL_INVITED, CALL_UP, CALL_LEAVING, CALL_OVER };

struct call {
	enum call_state state;
	int fd;                           /* RTP; -1 */
	bool talker, proceeding;
	uint32_t ssrc, cseq, tag;
	uint16_t seq, rport;
	uint32_t ts;
	char to[256];                     /* To header with the server's tag */
	char target[256];                 /* URI of its Contact */
	char branch[40];
	uint64_t sent_at, first_at;       /* ms; the request that waits for an answer: last and first time */
	uint64_t invited_us;
	uint32_t wait_ms;                 /* until it is sent again */

	bool heard;
	uint16_t rx_seq;
	uint64_t rx_at;
	uint64_t hold_rx;
};

struct proc {
	double cpu_s;
	uint64_t rss_kib;
	unsigned threads, fds;
};

struct stats {
	uint64_t answered, failed, ended_by_peer, bye_failed;
	uint64_t code[700];
	uint64_t tx, rx, lost, reordered, gaps, silent_calls, late_ticks, unknown;
	double *setup_ms;
	size_t n_setup;
};

struct options {
	char host[256], port[16], user[64];
	uint32_t rooms, calls, talkers, cps, hold_s, rounds;
	bool pcma, bye, json;
	pid_t pid;
};

enum phase { PHASE_UP, PHASE_HOLD, PHASE_DOWN };

struct load {
	struct options o;
	int ep, sip, tick;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	char laddr[64];                   /* as written in SIP: [::1] */
	char sdp_addr[64];
	int af;
	uint16_t lport;

	enum phase phase;
	uint32_t round;
	uint32_t started, ended;          /* calls of this round */
	uint64_t phase_at, began_at;
	struct call *calls;
	struct stats st;
	struct proc before, hold0, hold1, after;
	uint8_t speech[SPEECH_FRAMES][FRAME_SMP], silence[FRAME_SMP];
	uint64_t tick_n;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t now_ms(void)
{
	return now_us() / 1000;
}

static uint32_t random32(void)
{
	static uint64_t state;

	if (!state)
		state = now_us() ^ (uint64_t)getpid() << 32;
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 32);
}

/* ---- sound ---- */

static uint8_t ulaw(int16_t pcm)
{
	int v = pcm, sign = 0, exp = 7;

	if (v < 0) {
		v = -v;
		sign = 0x80;
	}
	if (v > 32635)
		v = 32635;
	v += 0x84;
	while (exp > 0 && !(v & (0x80 << exp)))
		exp--;
	return (uint8_t)~(sign | exp << 4 | (v >> (exp + 3) & 0x0f));
}

static uint8_t alaw(int16_t pcm)
{
	int v = pcm, sign = 0x80, exp = 7;

	if (v < 0) {
		v = -v - 1;
		sign = 0;
	}
	while (exp > 0 && !(v & (0x80 << exp)))
		exp--;
	return (uint8_t)((sign | exp << 4 | (v >> (exp ? exp + 3 : 4) & 0x0f)) ^ 0x55);
}

/* One second that looks like speech to a level meter: a buzz of 150 Hz with two formants, in four syllables a second. */
static void speech_make(struct load *l)
{
	for (int i = 0; i < SPEECH_FRAMES * FRAME_SMP; i++) {
		double t = i / 8000.0, syllable = sin(M_PI * fmod(t * 4, 1.0));
		double v = sin(2 * M_PI * 150 * t) + 0.6 * sin(2 * M_PI * 600 * t) + 0.3 * sin(2 * M_PI * 1950 * t);
		int16_t pcm = (int16_t)(3000 * syllable * v);

		l->speech[i / FRAME_SMP][i % FRAME_SMP] = l->o.pcma ? alaw(pcm) : ulaw(pcm);
	}
	memset(l->silence, l->o.pcma ? 0xd5 : 0xff, sizeof(l->silence));
}

static void rtp_send(struct load *l, struct call *c, uint32_t index)
{
	uint8_t pkt[RTP_HDR + FRAME_SMP];
	const uint8_t *frame = c->talker ? l->speech[(l->tick_n / FRAME_MS + index * 7) % SPEECH_FRAMES] : l->silence;
	uint16_t seq = htons(c->seq++);
	uint32_t ts = htonl(c->ts), ssrc = htonl(c->ssrc);

	pkt[0] = 0x80;
	pkt[1] = l->o.pcma ? 8 : 0;
	memcpy(pkt + 2, &seq, 2);
	memcpy(pkt + 4, &ts, 4);
	memcpy(pkt + 8, &ssrc, 4);
	memcpy(pkt + RTP_HDR, frame, FRAME_SMP);
	c->ts += FRAME_SMP;
	if (send(c->fd, pkt, sizeof(pkt), MSG_DONTWAIT) == sizeof(pkt))
		l->st.tx++;
}

static void rtp_count(struct load *l, struct call *c, const uint8_t *pkt, uint64_t now)
{
	uint16_t seq = (uint16_t)(pkt[2] << 8 | pkt[3]);
	int16_t step = (int16_t)(seq - c->rx_seq);

	l->st.rx++;
	if (l->phase == PHASE_HOLD) {
		c->hold_rx++;
		if (c->heard && c->rx_at >= l->phase_at && now - c->rx_at > GAP_MS)
			l->st.gaps++;
	}
	c->rx_at = now;
	if (c->heard && step <= 0) {
		l->st.reordered++;
		return;
	}
	if (c->heard && step > 1)
		l->st.lost += (uint64_t)step - 1;
	c->heard = true;
	c->rx_seq = seq;
}

static void rtp_read(struct load *l, struct call *c)
{
	uint8_t pkt[2048];
	ssize_t n;
	uint64_t now = now_ms();

	while (c->fd >= 0 && (n = recv(c->fd, pkt, sizeof(pkt), MSG_DONTWAIT)) >= 0) {
		/* RFC 5761 4: types 64 to 95 are RTCP on the same port. */
		if (n >= RTP_HDR && pkt[0] >> 6 == 2 && ((pkt[1] & 0x7f) < 64 || (pkt[1] & 0x7f) > 95))
			rtp_count(l, c, pkt, now);
	}
}

/* ---- the server's process ---- */

static unsigned fds_count(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n > 2 ? n - 2 : 0;
}

static void proc_read(struct proc *p, pid_t pid)
{
	char path[64], line[1024], *end;
	unsigned long user = 0, sys = 0;
	FILE *f;

	memset(p, 0, sizeof(*p));
	if (!pid)
		return;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f) {
		/* The name in parentheses may hold anything: read behind the last one. */
		if (fgets(line, sizeof(line), f) && (end = strrchr(line, ')')) &&
		    sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) == 2)
			p->cpu_s = (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
		fclose(f);
	}
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long v;

		if (sscanf(line, "VmRSS: %lu", &v) == 1)
			p->rss_kib = v;
		if (sscanf(line, "Threads: %lu", &v) == 1)
			p->threads = (unsigned)v;
	}
	if (f)
		fclose(f);
	p->fds = fds_count(pid);
}

/* ---- SIP out ---- */

static void sip_send(struct load *l, const char *msg, int len)
{
	if (len > 0 && len < MSG_MAX && send(l->sip, msg, (size_t)len, 0) < 0 && errno == ECONNREFUSED)
		send(l->sip, msg, (size_t)len, 0);         /* the error belonged to an earlier one */
}

static void branch_new(struct call *c)
{
	snprintf(c->branch, sizeof(c->branch), "z9hG4bK%08x%08x", random32(), random32());
}

static int uri_make(char *buf, size_t size, const struct load *l, uint32_t index)
{
	bool v6 = strchr(l->o.host, ':');

	return snprintf(buf, size, "sip:%s-%u@%s%s%s:%s", l->o.user, index % l->o.rooms, v6 ? "[" : "", l->o.host, v6 ? "]" : "",
			l->o.port);
}

static int sdp_make(char *buf, size_t size, const struct load *l, const struct call *c)
{
	const char *family = l->af == AF_INET6 ? "IP6" : "IP4";

	return snprintf(buf, size,
			"v=0\r\no=- %u 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %u RTP/AVP %d\r\na=rtpmap:%d %s/8000\r\n"
			"a=ptime:20\r\n",
			c->ssrc >> 1, family, l->sdp_addr, family, l->sdp_addr, c->rport, l->o.pcma ? 8 : 0, l->o.pcma ? 8 : 0,
			l->o.pcma ? "PCMA" : "PCMU");
}

/* One template for all requests of a call; body only for INVITE. */
static void request_send(struct load *l, struct call *c, const char *method, const char *branch)
{
	uint32_t index = (uint32_t)(c - l->calls);
	bool invite = !strcmp(method, "INVITE");
	char msg[MSG_MAX], uri[400], body[512] = "";
	int body_len = invite ? sdp_make(body, sizeof(body), l, c) : 0, n;

	uri_make(uri, sizeof(uri), l, index);
	n = snprintf(msg, sizeof(msg),
		     "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=%s;rport\r\nMax-Forwards: 70\r\n"
		     "From: <sip:load-%u@%s:%u>;tag=%08x\r\nTo: %s%s%s\r\nCall-ID: %u.%u.%d@tutti-load\r\nCSeq: %u %s\r\n"
		     "Contact: <sip:load-%u@%s:%u>\r\nUser-Agent: tutti-load\r\n%sContent-Length: %d\r\n\r\n%s",
		     method, *c->target ? c->target : uri, l->laddr, l->lport, branch, index, l->laddr, l->lport, c->tag,
		     *c->to ? "" : "<", *c->to ? c->to : uri, *c->to ? "" : ">", l->round, index, (int)getpid(), c->cseq, method,
		     index, l->laddr, l->lport, invite ? "Content-Type: application/sdp\r\n" : "", body_len, body);
	sip_send(l, msg, n);
}

static void request_first(struct load *l, struct call *c, const char *method)
{
	branch_new(c);
	c->cseq++;
	c->first_at = c->sent_at = now_ms();
	c->wait_ms = T1_MS;
	request_send(l, c, method, c->branch);
}

/* ---- calls ---- */

static void call_over(struct load *l, struct call *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (c->state != CALL_OVER)
		l->ended++;
	c->state = CALL_OVER;
}

static void call_failed(struct load *l, struct call *c, unsigned code)
{
	l->st.failed++;
	l->st.code[code < 700 ? code : 0]++;
	call_over(l, c);
}

static int rtp_open(struct load *l, struct call *c, uint32_t index)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (uint64_t)index + 2};

	if (getsockname(l->sip, (struct sockaddr *)&a, &len))
		return errno;
	((struct sockaddr_in *)&a)->sin_port = 0;         /* the same place in sockaddr_in6 */
	c->fd = socket(l->af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return errno;
	if (bind(c->fd, (struct sockaddr *)&a, len) || getsockname(c->fd, (struct sockaddr *)&a, &len) ||
	    epoll_ctl(l->ep, EPOLL_CTL_ADD, c->fd, &ev))
		return errno;
	c->rport = ntohs(((struct sockaddr_in *)&a)->sin_port);
	return 0;
}

static void call_start(struct load *l, uint32_t index)
{
	struct call *c = &l->calls[index];

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	c->ssrc = random32();
	c->tag = random32();
	c->seq = (uint16_t)random32();
	c->ts = random32();
	c->talker = index < l->o.talkers;
	if (rtp_open(l, c, index)) {
		call_failed(l, c, 0);
		return;
	}
	c->state = CALL_INVITED;
	c->invited_us = now_us();
	request_first(l, c, "INVITE");
}

static void call_leave(struct load *l, struct call *c)
{
	if (c->state != CALL_UP)
		return;
	if (!l->o.bye) {
		call_over(l, c);
		return;
	}
	c->state = CALL_LEAVING;
	request_first(l, c, "BYE");
}

/* RFC 3261 17.1.1.2: an INVITE is sent again until any answer came; 17.1.2.2: others ever more slowly. */
static void call_resend(struct load *l, struct call *c, uint64_t now)
{
	bool invite = c->state == CALL_INVITED;

	if (c->state != CALL_INVITED && c->state != CALL_LEAVING)
		return;
	if (now - c->first_at > GIVE_UP_MS) {
		if (invite) {
			call_failed(l, c, 408);
		} else {
			l->st.bye_failed++;
			call_over(l, c);
		}
		return;
	}
	if (c->proceeding || now - c->sent_at < c->wait_ms)
		return;
	c->wait_ms = c->wait_ms * 2 > T2_MS && !invite ? T2_MS : c->wait_ms * 2;
	c->sent_at = now;
	request_send(l, c, invite ? "INVITE" : "BYE", c->branch);
}

/* ---- SIP in ---- */

/* A header's value, copied; the first of its name. Long or compact form. */
static bool header_get(char *buf, size_t size, const char *msg, const char *name, char compact)
{
	size_t len = strlen(name);

	for (const char *p = strstr(msg, "\r\n"); p && strncmp(p, "\r\n\r\n", 4); p = strstr(p + 2, "\r\n")) {
		const char *q = p + 2;

		if (!strncasecmp(q, name, len))
			q += len;
		else if (compact && tolower((unsigned char)*q) == compact)
			q++;
		else
			continue;
		q += strspn(q, " \t");
		if (*q++ != ':')
			continue;
		q += strspn(q, " \t");
		len = strcspn(q, "\r\n");
		if (len >= size)
			return false;
		memcpy(buf, q, len);
		buf[len] = '\0';
		return true;
	}
	return false;
}

/* All header lines of a name as they are, for an answer's Via. */
static int headers_copy(char *buf, size_t size, const char *msg, const char *name, char compact)
{
	size_t n = 0, len = strlen(name);

	for (const char *p = strstr(msg, "\r\n"); p && strncmp(p, "\r\n\r\n", 4); p = strstr(p + 2, "\r\n")) {
		const char *q = p + 2;
		size_t line = strcspn(q, "\r\n");
		bool is = (!strncasecmp(q, name, len) && strchr(" \t:", q[len])) ||
			  (tolower((unsigned char)*q) == compact && strchr(" \t:", q[1]));

		if (!is)
			continue;
		if (n + line + 3 > size)
			return -1;
		memcpy(buf + n, q, line);
		memcpy(buf + n + line, "\r\n", 3);
		n += line + 2;
	}
	return (int)n;
}

static struct call *call_find(struct load *l, const char *msg)
{
	char id[128];
	unsigned round, index;
	int pid;

	if (!header_get(id, sizeof(id), msg, "Call-ID", 'i') || sscanf(id, "%u.%u.%d@tutti-load", &round, &index, &pid) != 3)
		return NULL;
	if (pid != (int)getpid() || round != l->round || index >= l->o.calls)
		return NULL;
	return &l->calls[index];
}

/* The answer's address and port of the first m=audio line. */
static int sdp_read(struct sockaddr_storage *dst, socklen_t *len, const char *body)
{
	const char *m = strstr(body, "\r\nm=audio "), *c;
	char addr[64], port[8];
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *ai;

	if (!m || sscanf(m, "\r\nm=audio %7[0-9] RTP/AVP", port) != 1 || !atoi(port))
		return EBADMSG;
	c = strstr(m, "\r\nc=IN IP");
	if (!c)
		c = strstr(body, "\r\nc=IN IP");
	if (!c || sscanf(c, "\r\nc=IN IP%*1[46] %63[0-9a-fA-F.:]", addr) != 1 || getaddrinfo(addr, port, &hints, &ai))
		return EBADMSG;
	memcpy(dst, ai->ai_addr, ai->ai_addrlen);
	*len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return 0;
}

static void contact_read(struct call *c, const char *msg)
{
	char contact[256];
	const char *uri;

	if (!header_get(contact, sizeof(contact), msg, "Contact", 'm'))
		return;
	uri = strchr(contact, '<');
	uri = uri ? uri + 1 : contact;
	snprintf(c->target, sizeof(c->target), "%.*s", (int)strcspn(uri, ">"), uri);
}

static void answered(struct load *l, struct call *c, const char *msg)
{
	struct sockaddr_storage dst;
	socklen_t len;
	const char *body = strstr(msg, "\r\n\r\n");
	char branch[40];

	if (c->state == CALL_INVITED) {
		header_get(c->to, sizeof(c->to), msg, "To", 't');
		contact_read(c, msg);
	}
	/* RFC 3261 13.2.2.4: an ACK for each 2xx, the repeated ones too. */
	snprintf(branch, sizeof(branch), "z9hG4bK%08x%08x", random32(), random32());
	request_send(l, c, "ACK", branch);
	if (c->state != CALL_INVITED)
		return;
	if (l->st.n_setup < (size_t)l->o.calls * l->o.rounds)
		l->st.setup_ms[l->st.n_setup++] = (double)(now_us() - c->invited_us) / 1000.0;
	c->state = CALL_UP;
	l->st.answered++;
	if (!body || sdp_read(&dst, &len, body + 2) || connect(c->fd, (struct sockaddr *)&dst, len)) {
		l->st.code[488]++;
		l->st.failed++;
		c->state = CALL_LEAVING;
		request_first(l, c, "BYE");
	}
}

static void response_read(struct load *l, const char *msg)
{
	struct call *c = call_find(l, msg);
	unsigned code = (unsigned)strtoul(msg + 8, NULL, 10);
	char cseq[64];

	if (!c || c->state == CALL_IDLE || !header_get(cseq, sizeof(cseq), msg, "CSeq", '\0')) {
		l->st.unknown++;
		return;
	}
	if (strstr(cseq, "INVITE")) {
		if (code < 200) {
			c->proceeding = true;
		} else if (code < 300) {
			if (c->state != CALL_OVER)
				answered(l, c, msg);
		} else if (c->state == CALL_INVITED || c->state == CALL_OVER) {
			/* 17.1.1.3: the ACK of a refusal belongs to the INVITE's transaction, with the To that came. */
			header_get(c->to, sizeof(c->to), msg, "To", 't');
			request_send(l, c, "ACK", c->branch);
			if (c->state == CALL_INVITED)
				call_failed(l, c, code);
		}
	} else if (strstr(cseq, "BYE") && code >= 200 && c->state == CALL_LEAVING) {
		if (code >= 300 && code != 481)
			l->st.bye_failed++;
		call_over(l, c);
	}
}

static void reply(struct load *l, const char *msg, const char *status, const char *extra, const char *body)
{
	char via[2048], from[512], to[512], id[256], cseq[64], out[MSG_MAX];
	int n;

	if (headers_copy(via, sizeof(via), msg, "Via", 'v') < 0 || !header_get(from, sizeof(from), msg, "From", 'f') ||
	    !header_get(to, sizeof(to), msg, "To", 't') || !header_get(id, sizeof(id), msg, "Call-ID", 'i') ||
	    !header_get(cseq, sizeof(cseq), msg, "CSeq", '\0'))
		return;
	n = snprintf(out, sizeof(out), "SIP/2.0 %s\r\n%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n%sContent-Length: %zu\r\n\r\n%s",
		     status, via, from, to, id, cseq, extra, strlen(body), body);
	sip_send(l, out, n);
}

static void reply_sdp(struct load *l, struct call *c, const char *msg)
{
	char body[512], extra[256];

	sdp_make(body, sizeof(body), l, c);
	snprintf(extra, sizeof(extra), "Contact: <sip:load-%u@%s:%u>\r\nContent-Type: application/sdp\r\n",
		 (unsigned)(c - l->calls), l->laddr, l->lport);
	reply(l, msg, "200 OK", extra, body);
}

static void request_read(struct load *l, const char *msg)
{
	struct call *c = call_find(l, msg);

	if (!strncmp(msg, "ACK ", 4))
		return;
	if (!strncmp(msg, "OPTIONS ", 8)) {
		reply(l, msg, "200 OK", "Allow: INVITE, ACK, BYE, OPTIONS, UPDATE\r\n", "");
		return;
	}
	if (!c || c->state == CALL_OVER) {
		l->st.unknown++;
		return;
	}
	if (!strncmp(msg, "BYE ", 4)) {
		reply(l, msg, "200 OK", "", "");
		if (c->state == CALL_UP)
			l->st.ended_by_peer++;
		call_over(l, c);
	} else if (!strncmp(msg, "INVITE ", 7)) {
		reply_sdp(l, c, msg);
	} else if (!strncmp(msg, "UPDATE ", 7)) {
		if (strstr(msg, "\r\n\r\nv="))
			reply_sdp(l, c, msg);
		else
			reply(l, msg, "200 OK", "", "");
	} else {
		reply(l, msg, "405 Method Not Allowed", "Allow: INVITE, ACK, BYE, OPTIONS, UPDATE\r\n", "");
	}
}

static void sip_read(struct load *l)
{
	char msg[MSG_MAX];

	for (;;) {
		ssize_t n = recv(l->sip, msg, sizeof(msg) - 1, MSG_DONTWAIT);

		if (n < 0 && errno == ECONNREFUSED)
			continue;
		if (n < 0)
			return;
		msg[n] = '\0';
		if (!strncmp(msg, "SIP/2.0 ", 8))
			response_read(l, msg);
		else
			request_read(l, msg);
	}
}

/* ---- the run ---- */

static void phase_set(struct load *l, enum phase phase)
{
	l->phase = phase;
	l->phase_at = now_ms();
	if (phase == PHASE_UP) {
		l->started = l->ended = 0;
		for (uint32_t i = 0; i < l->o.calls; i++)
			l->calls[i].state = CALL_IDLE;
	} else if (phase == PHASE_HOLD) {
		proc_read(&l->hold0, l->o.pid);
		for (uint32_t i = 0; i < l->o.calls; i++)
			l->calls[i].hold_rx = 0;
	} else {
		l->started = 0;           /* counts the leaving now */
		proc_read(&l->hold1, l->o.pid);
	}
}

static uint32_t due(const struct load *l, uint64_t now)
{
	uint64_t n = (now - l->phase_at) * l->o.cps / 1000 + 1;

	return n < l->o.calls ? (uint32_t)n : l->o.calls;
}

static bool all_settled(const struct load *l)
{
	for (uint32_t i = 0; i < l->o.calls; i++) {
		if (l->calls[i].state == CALL_IDLE || l->calls[i].state == CALL_INVITED)
			return false;
	}
	return true;
}

static void silent_count(struct load *l)
{
	for (uint32_t i = 0; i < l->o.calls; i++) {
		if (l->calls[i].state == CALL_UP && !l->calls[i].hold_rx)
			l->st.silent_calls++;
	}
}

/* Returns false when the last round is done. */
static bool run_step(struct load *l, uint64_t now)
{
	switch (l->phase) {
	case PHASE_UP:
		for (uint32_t n = due(l, now); l->started < n; l->started++)
			call_start(l, l->started);
		if (interrupted || (l->started == l->o.calls && all_settled(l)))
			phase_set(l, PHASE_HOLD);
		break;
	case PHASE_HOLD:
		if (interrupted || now - l->phase_at >= (uint64_t)l->o.hold_s * 1000) {
			silent_count(l);
			phase_set(l, PHASE_DOWN);
		}
		break;
	case PHASE_DOWN:
		for (uint32_t n = due(l, now); l->started < n; l->started++)
			call_leave(l, &l->calls[l->started]);
		for (uint32_t i = 0; i < l->o.calls; i++) {
			enum call_state s = l->calls[i].state;

			if (s == CALL_UP || s == CALL_LEAVING || (s == CALL_INVITED && !interrupted))
				return true;
		}
		if (++l->round >= l->o.rounds || interrupted)
			return false;
		phase_set(l, PHASE_UP);
		break;
	}
	return true;
}

static void tick_calls(struct load *l)
{
	for (uint32_t i = (uint32_t)(l->tick_n % FRAME_MS); i < l->o.calls; i += FRAME_MS) {
		if (l->calls[i].state == CALL_UP)
			rtp_send(l, &l->calls[i], i);
	}
	l->tick_n++;
}

/* One call of the timer may stand for several milliseconds when the machine was busy: all are sent, and it is told. */
static bool tick_read(struct load *l)
{
	uint64_t n = 0, now = now_ms();

	if (read(l->tick, &n, sizeof(n)) != sizeof(n))
		return true;
	if (n > 5)
		l->st.late_ticks += n - 1;
	while (n--)
		tick_calls(l);
	if (l->tick_n % 100 < 5) {
		for (uint32_t i = 0; i < l->o.calls; i++)
			call_resend(l, &l->calls[i], now);
	}
	return run_step(l, now);
}

static void run(struct load *l)
{
	struct epoll_event ev[256];
	bool more = true;

	phase_set(l, PHASE_UP);
	while (more) {
		int n = epoll_wait(l->ep, ev, 256, 1000);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.u64 == 0)
				more = tick_read(l);
			else if (ev[i].data.u64 == 1)
				sip_read(l);
			else
				rtp_read(l, &l->calls[ev[i].data.u64 - 2]);
		}
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double percentile(const struct stats *st, double p)
{
	return st->n_setup ? st->setup_ms[(size_t)(p * (double)(st->n_setup - 1))] : 0;
}

static void codes_print(const struct stats *st, bool json)
{
	const char *sep = "", *quote = json ? "\"" : "";

	for (unsigned i = 0; i < 700; i++) {
		if (!st->code[i])
			continue;
		printf("%s%s%u%s: %llu", sep, quote, i, quote, (unsigned long long)st->code[i]);
		sep = ", ";
	}
}

static void proc_print_json(const char *name, const struct proc *p)
{
	printf(",\"%s\":{\"cpu_s\":%.2f,\"rss_kib\":%llu,\"threads\":%u,\"fds\":%u}", name, p->cpu_s,
	       (unsigned long long)p->rss_kib, p->threads, p->fds);
}

static void print_json(const struct load *l)
{
	const struct stats *st = &l->st;

	printf("{\"calls\":%u,\"rounds\":%u,\"answered\":%llu,\"failed\":%llu,\"codes\":{", l->o.calls, l->round,
	       (unsigned long long)st->answered, (unsigned long long)st->failed);
	codes_print(st, true);
	printf("},\"ended_by_server\":%llu,\"bye_failed\":%llu,\"setup_ms\":{\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}",
	       (unsigned long long)st->ended_by_peer, (unsigned long long)st->bye_failed, percentile(st, 0.5),
	       percentile(st, 0.99), percentile(st, 1));
	printf(",\"rtp\":{\"sent\":%llu,\"received\":%llu,\"lost\":%llu,\"reordered\":%llu,\"gaps\":%llu,\"silent_calls\":%llu}"
	       ",\"late_ticks\":%llu,\"for_unknown_calls\":%llu,\"seconds\":%.2f",
	       (unsigned long long)st->tx, (unsigned long long)st->rx, (unsigned long long)st->lost,
	       (unsigned long long)st->reordered, (unsigned long long)st->gaps, (unsigned long long)st->silent_calls,
	       (unsigned long long)st->late_ticks, (unsigned long long)st->unknown, (double)(now_ms() - l->began_at) / 1000.0);
	if (l->o.pid) {
		proc_print_json("server_before", &l->before);
		proc_print_json("server_hold_start", &l->hold0);
		proc_print_json("server_hold_end", &l->hold1);
		proc_print_json("server_after", &l->after);
	}
	puts("}");
}

static void print_text(const struct load *l)
{
	const struct stats *st = &l->st;

	printf("calls       %llu answered, %llu failed, %llu ended by the server, %llu BYEs without an answer\n",
	       (unsigned long long)st->answered, (unsigned long long)st->failed, (unsigned long long)st->ended_by_peer,
	       (unsigned long long)st->bye_failed);
	if (st->failed) {
		fputs("failed      ", stdout);
		codes_print(st, false);
		putchar('\n');
	}
	printf("set-up      p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", percentile(st, 0.5), percentile(st, 0.99), percentile(st, 1));
	printf("RTP         %llu sent, %llu received, %llu lost, %llu out of order, %llu gaps over %d ms, %llu calls heard nothing\n",
	       (unsigned long long)st->tx, (unsigned long long)st->rx, (unsigned long long)st->lost,
	       (unsigned long long)st->reordered, (unsigned long long)st->gaps, GAP_MS, (unsigned long long)st->silent_calls);
	if (st->late_ticks)
		printf("late ticks  %llu: the generator itself was too slow, trust no figure above\n",
		       (unsigned long long)st->late_ticks);
	if (l->o.pid) {
		printf("server      before %llu KiB %u threads %u fds; after %llu KiB %u threads %u fds\n",
		       (unsigned long long)l->before.rss_kib, l->before.threads, l->before.fds,
		       (unsigned long long)l->after.rss_kib, l->after.threads, l->after.fds);
		if (l->o.hold_s)
			printf("            last hold: %llu KiB %u threads %u fds, %.1f ms CPU a second\n",
			       (unsigned long long)l->hold1.rss_kib, l->hold1.threads, l->hold1.fds,
			       (l->hold1.cpu_s - l->hold0.cpu_s) * 1000 / l->o.hold_s);
	}
}

static int load_open(struct load *l)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *ai;
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	struct epoll_event ev = {.events = EPOLLIN};
	struct itimerspec every = {{0, 1000000}, {0, 1000000}};
	int size = 4 << 20, err = getaddrinfo(l->o.host, l->o.port, &hints, &ai);

	if (err) {
		fprintf(stderr, "tutti-load: %s: %s\n", l->o.host, gai_strerror(err));
		return EHOSTUNREACH;
	}
	l->af = ai->ai_family;
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	l->sip = socket(l->af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	l->tick = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	err = l->ep < 0 || l->sip < 0 || l->tick < 0 || connect(l->sip, ai->ai_addr, ai->ai_addrlen) ||
	      getsockname(l->sip, (struct sockaddr *)&a, &len) || timerfd_settime(l->tick, 0, &every, NULL) ? errno : 0;
	freeaddrinfo(ai);
	if (err)
		return err;
	setsockopt(l->sip, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	l->lport = ntohs(((struct sockaddr_in *)&a)->sin_port);
	if (getnameinfo((struct sockaddr *)&a, len, l->sdp_addr, 60, NULL, 0, NI_NUMERICHOST))
		return EINVAL;
	snprintf(l->laddr, sizeof(l->laddr), l->af == AF_INET6 ? "[%.60s]" : "%.60s", l->sdp_addr);

	ev.data.u64 = 0;
	if (epoll_ctl(l->ep, EPOLL_CTL_ADD, l->tick, &ev))
		return errno;
	ev.data.u64 = 1;
	return epoll_ctl(l->ep, EPOLL_CTL_ADD, l->sip, &ev) ? errno : 0;
}

static void usage(FILE *f)
{
	fputs("usage: tutti-load [options] sip:[NAME@]HOST[:PORT]\n\n"
	      "Calls the rooms NAME-0, NAME-1 ... (NAME: load) over UDP with G.711, holds the calls, hangs up; then tells how\n"
	      "long set-up took, what failed, what was lost of the sound, and what the server's process used.\n\n"
	      "  -n, --calls N      calls (10)\n"
	      "  -r, --rooms N      rooms they are spread over (1)\n"
	      "      --talkers N    callers that talk; the others send silence (all talk)\n"
	      "      --cps N        calls set up, and taken down, a second (50)\n"
	      "      --hold S       seconds between (10)\n"
	      "      --rounds N     all of it so many times (1)\n"
	      "      --codec NAME   pcmu or pcma (pcmu)\n"
	      "      --no-bye       vanish instead of hanging up\n"
	      "      --pid PID      watch this process: CPU, memory, threads, descriptors\n"
	      "      --json         one line of JSON\n"
	      "  -h, --help         this text\n\n"
	      "Exit status: 0 all calls were answered and heard something, 1 some not, 64 wrong use, 69 cannot start.\n", f);
}

static int target_parse(struct options *o, const char *uri)
{
	const char *host = uri, *at, *end;
	size_t len;

	if (!strncasecmp(host, "sip:", 4))
		host += 4;
	at = strchr(host, '@');
	snprintf(o->user, sizeof(o->user), "load");
	if (at) {
		if (at == host || at - host >= 48)
			return EINVAL;
		snprintf(o->user, sizeof(o->user), "%.*s", (int)(at - host), host);
		host = at + 1;
	}
	end = *host == '[' ? strchr(host, ']') : host + strcspn(host, ":");
	if (!end)
		return EINVAL;
	host += *host == '[';
	len = (size_t)(end - host);
	if (!len || len >= sizeof(o->host))
		return EINVAL;
	memcpy(o->host, host, len);
	end += *end == ']';
	snprintf(o->port, sizeof(o->port), "%s", *end == ':' ? end + 1 : "5060");
	return strspn(o->port, "0123456789") == strlen(o->port) && *o->port ? 0 : EINVAL;
}

static int number(uint32_t *v, const char *text, uint32_t min, uint32_t max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || n < min || n > max)
		return EINVAL;
	*v = (uint32_t)n;
	return 0;
}

static int option_read(struct options *o, int c, const char *arg)
{
	uint32_t pid;

	switch (c) {
	case 'n':
		return number(&o->calls, arg, 1, CALLS_MAX);
	case 'r':
		return number(&o->rooms, arg, 1, CALLS_MAX);
	case 'T':
		return number(&o->talkers, arg, 0, CALLS_MAX);
	case 'C':
		return number(&o->cps, arg, 1, 100000);
	case 'H':
		return number(&o->hold_s, arg, 0, 1000000);
	case 'R':
		return number(&o->rounds, arg, 1, 100000);
	case 'c':
		o->pcma = !strcasecmp(arg, "pcma");
		return o->pcma || !strcasecmp(arg, "pcmu") ? 0 : EINVAL;
	case 'B':
		o->bye = false;
		return 0;
	case 'p':
		if (number(&pid, arg, 1, 1u << 30))
			return EINVAL;
		o->pid = (pid_t)pid;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'h':
		usage(stdout);
		exit(EX_OK);
	default:
		return EINVAL;
	}
}

static int options_read(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"calls", 1, NULL, 'n'}, {"rooms", 1, NULL, 'r'}, {"talkers", 1, NULL, 'T'}, {"cps", 1, NULL, 'C'},
		{"hold", 1, NULL, 'H'}, {"rounds", 1, NULL, 'R'}, {"codec", 1, NULL, 'c'}, {"no-bye", 0, NULL, 'B'},
		{"pid", 1, NULL, 'p'}, {"json", 0, NULL, 'j'}, {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0},
	};
	int c;

	*o = (struct options){.rooms = 1, .calls = 10, .talkers = UINT32_MAX, .cps = 50, .hold_s = 10, .rounds = 1, .bye = true};
	while ((c = getopt_long(argc, argv, "n:r:h", longs, NULL)) != -1) {
		if (option_read(o, c, optarg)) {
			if (c != '?')
				fprintf(stderr, "tutti-load: %s cannot be used there\n", optarg ? optarg : "that");
			return EINVAL;
		}
	}
	return optind + 1 == argc ? target_parse(o, argv[optind]) : EINVAL;
}

int main(int argc, char **argv)
{
	static struct load l;
	struct rlimit files;
	int err;

	if (options_read(&l.o, argc, argv)) {
		usage(stderr);
		return EX_USAGE;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);

	l.calls = calloc(l.o.calls, sizeof(*l.calls));
	l.st.setup_ms = calloc((size_t)l.o.calls * l.o.rounds, sizeof(double));
	err = l.calls && l.st.setup_ms ? load_open(&l) : ENOMEM;
	if (err) {
		fprintf(stderr, "tutti-load: cannot start: %s\n", strerror(err));
		return EX_UNAVAILABLE;
	}
	speech_make(&l);
	l.began_at = now_ms();
	proc_read(&l.before, l.o.pid);
	run(&l);
	proc_read(&l.after, l.o.pid);

	qsort(l.st.setup_ms, l.st.n_setup, sizeof(double), compare);
	if (l.o.json)
		print_json(&l);
	else
		print_text(&l);
	free(l.calls);
	free(l.st.setup_ms);
	return l.st.failed || l.st.silent_calls ? 1 : 0;
}
