/*
 * load_sip.c - calls go up and down over one UDP socket, from text templates: a generator must cost less than what it
 * measures, and an independent one finds more than one built from the server's own parts.
 *
 * A call is found by its Call-ID, which holds round and index. Whatever comes for a call that is gone is not answered:
 * that is how a dead phone behaves (--no-bye). Without SIP (--raw) call i is up at once, towards port + i.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "load.h"

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

/* RFC 8866 6.4: ptime-value = non-zero-int-or-real. RFC 7587 7 wants a whole number for Opus, 2.5 "rounded up". */
static void ptime_text(char *buf, size_t size, const struct load *l)
{
	if (l->o.codec == CODEC_OPUS)
		snprintf(buf, size, "%.0f", ceil(l->o.ptime_ms));
	else
		snprintf(buf, size, "%.4g", l->o.ptime_ms);
}

static void fmtp_text(char *buf, size_t size, const struct load *l)
{
	const char *stereo = l->o.channels == 2 ? "stereo=1;sprop-stereo=1;" : "";

	*buf = '\0';
	if (l->o.codec == CODEC_OPUS)
		snprintf(buf, size, "a=fmtp:%u minptime=%d;%smaxaveragebitrate=%u\r\n", codec_pt(l->o.codec),
			 l->o.ptime_ms < 10 ? 3 : 10, stereo, l->o.bitrate);
}

static int sdp_make(char *buf, size_t size, const struct load *l, const struct call *c)
{
	const char *family = l->af == AF_INET6 ? "IP6" : "IP4";
	uint8_t pt = codec_pt(l->o.codec);
	char ptime[16], fmtp[128];

	ptime_text(ptime, sizeof(ptime), l);
	fmtp_text(fmtp, sizeof(fmtp), l);
	return snprintf(buf, size,
			"v=0\r\no=- %u 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %u RTP/AVP %u\r\n"
			"a=rtpmap:%u %s/%u%s\r\n%sa=ptime:%s\r\na=%s\r\n",
			c->ssrc >> 1, family, l->sdp_addr, family, l->sdp_addr, c->rport, pt, pt, codec_name(l->o.codec), l->rate,
			l->o.codec == CODEC_OPUS || l->o.channels == 2 ? "/2" : "", fmtp, ptime,
			l->o.inactive ? "inactive" : "sendrecv");
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

void call_over(struct load *l, struct call *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (c->state != CALL_OVER)
		l->ended++;
	c->state = CALL_OVER;
}

void call_failed(struct load *l, struct call *c, unsigned code)
{
	l->st.failed++;
	l->st.code[code < 700 ? code : 0]++;
	call_over(l, c);
}

/* Evenly spread over all calls. */
static bool listened_to(const struct load *l, uint32_t index)
{
	uint64_t n = l->o.probes;

	return l->o.measure != MEASURE_NONE && index * n / l->o.calls != (index + 1) * n / l->o.calls;
}

static void call_clear(struct load *l, uint32_t index)
{
	struct call *c = &l->calls[index], old = *c;

	memset(c, 0, sizeof(*c));
	c->next = old.next;       /* it may still stand in the wheel, and what was heard before is kept */
	c->in_wheel = old.in_wheel;
	c->in = old.in;
	c->out = old.out;
	if (listened_to(l, index) && !c->in)
		c->in = calloc(1, sizeof(*c->in));
	if (l->o.measure == MEASURE_DELAY && (l->o.raw ? c->in != NULL : index < l->o.rooms) && !c->out)
		c->out = calloc(1, sizeof(*c->out));
	c->fd = -1;
	c->ssrc = random32();
	c->tag = random32();
	c->seq = (uint16_t)random32();
	c->ts = random32();
	c->talker = index < l->o.talkers;
}

static int raw_connect(struct load *l, struct call *c, uint32_t index)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *ai;
	char port[16];
	int err;

	snprintf(port, sizeof(port), "%u", (unsigned)atoi(l->o.port) + index);
	if (getaddrinfo(l->o.host, port, &hints, &ai))
		return EHOSTUNREACH;
	err = connect(c->fd, ai->ai_addr, ai->ai_addrlen) ? errno : 0;
	freeaddrinfo(ai);
	return err;
}

static void call_up(struct load *l, struct call *c)
{
	c->state = CALL_UP;
	l->st.answered++;
	if (!l->o.inactive)
		rtp_start(l, c);
}

void call_start(struct load *l, uint32_t index)
{
	struct call *c = &l->calls[index];

	call_clear(l, index);
	if (rtp_open(l, c, index) || (l->o.raw && raw_connect(l, c, index))) {
		call_failed(l, c, 0);
		return;
	}
	if (l->o.raw) {
		call_up(l, c);
		return;
	}
	c->state = CALL_INVITED;
	c->invited_us = now_us();
	request_first(l, c, "INVITE");
}

void call_leave(struct load *l, struct call *c)
{
	if (c->state != CALL_UP)
		return;
	if (!l->o.bye || l->o.raw) {
		call_over(l, c);
		return;
	}
	c->state = CALL_LEAVING;
	request_first(l, c, "BYE");
}

/* RFC 3261 17.1.1.2: an INVITE is sent again until any answer came; 17.1.2.2: others ever more slowly. */
void call_resend(struct load *l, struct call *c, uint64_t now)
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
	call_up(l, c);
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

void sip_read(struct load *l)
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

/* ---- open ---- */

int sip_open(struct load *l)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *ai;
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	int size = 4 << 20, err = getaddrinfo(l->o.host, l->o.port, &hints, &ai);

	if (err) {
		fprintf(stderr, "tutti-load: %s: %s\n", l->o.host, gai_strerror(err));
		return EHOSTUNREACH;
	}
	l->af = ai->ai_family;
	l->sip = socket(l->af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	err = l->sip < 0 || connect(l->sip, ai->ai_addr, ai->ai_addrlen) || getsockname(l->sip, (struct sockaddr *)&a, &len) ?
	      errno : 0;
	freeaddrinfo(ai);
	if (err)
		return err;
	setsockopt(l->sip, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	l->lport = ntohs(((struct sockaddr_in *)&a)->sin_port);
	if (getnameinfo((struct sockaddr *)&a, len, l->sdp_addr, 60, NULL, 0, NI_NUMERICHOST))
		return EINVAL;
	snprintf(l->laddr, sizeof(l->laddr), l->af == AF_INET6 ? "[%.60s]" : "%.60s", l->sdp_addr);
	return 0;
}
