/*
 * sdesc.c - reads a session description into a parse tree.
 *
 * Two walks over the bytes. The first counts m-lines, attributes and formats, so that three arrays can be made in their
 * final size and a body over a bound is turned away before anything is built. The second fills them. Every struct pl
 * points into one copy of the body, which the tree owns.
 *
 * What a peer writes wrong in a way nobody is harmed by is read (LF line ends, blank lines, no s= or t=). What could
 * mean two things is refused: NULs, ports and payload types that do not fit their field, an m-line without formats.
 */
#include <string.h>
#include <arpa/inet.h>
#include "sdesc.h"

struct reader {
	struct sdesc *d;
	struct sdesc_media *m;            /* line being read; NULL: session part */
	size_t n_attr, n_fmt;             /* used of the pools */
	bool origin;
	const char *why;
};

static int bad(struct reader *r, const char *why)
{
	r->why = why;
	return EBADMSG;
}

static int big(struct reader *r, const char *why)
{
	r->why = why;
	return E2BIG;
}

/* --- small readers --- */

bool sdesc_word(struct pl *word, struct pl *rest)
{
	*word = pl_null;
	if (!rest->l)
		return false;
	while (rest->l && (*rest->p == ' ' || *rest->p == '\t'))
		pl_advance(rest, 1);
	word->p = rest->p;
	for (word->l = 0; word->l < rest->l; word->l++)
		if (word->p[word->l] == ' ' || word->p[word->l] == '\t')
			break;
	pl_advance(rest, (ssize_t)word->l);
	return word->l > 0;
}

bool sdesc_number(uint64_t *n, const struct pl *pl, uint64_t max)
{
	uint64_t v = 0;

	if (!pl->l)
		return false;
	for (size_t i = 0; i < pl->l; i++) {
		unsigned digit = (unsigned char)pl->p[i] - '0';

		if (digit > 9 || v > (max - digit) / 10 || digit > max)
			return false;
		v = v * 10 + digit;
	}
	*n = v;
	return true;
}

/* Session ids only have to be compared, and some phones write more digits than fit: those become the largest number. */
static bool session_number(uint64_t *n, const struct pl *pl)
{
	if (sdesc_number(n, pl, UINT64_MAX))
		return true;
	for (size_t i = 0; i < pl->l; i++)
		if (pl->p[i] < '0' || pl->p[i] > '9')
			return false;
	*n = UINT64_MAX;
	return pl->l > 0;
}

/* What is echoed into an answer must be printable. */
static bool printable(const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++)
		if (pl->p[i] < 0x21 || pl->p[i] > 0x7e)
			return false;
	return pl->l > 0;
}

static bool same(const struct pl *pl, const char *str, size_t len)
{
	return pl->l == len && !memcmp(pl->p, str, len);
}

/* Cuts the next line off rest, without its end. */
static bool next_line(struct pl *line, struct pl *rest)
{
	const char *lf;

	if (!rest->l)
		return false;
	lf = memchr(rest->p, '\n', rest->l);
	line->p = rest->p;
	line->l = lf ? (size_t)(lf - rest->p) : rest->l;
	pl_advance(rest, (ssize_t)(line->l + (lf ? 1 : 0)));
	if (line->l && line->p[line->l - 1] == '\r')
		line->l--;
	return true;
}

/* --- lines --- */

static void read_addr(struct sdesc_conn *c, const struct pl *addr)
{
	struct in6_addr in6;
	struct in_addr in;

	if (pl_strcpy(addr, c->addr, sizeof(c->addr))) {
		c->addr[0] = '\0';
		return;
	}
	if (!c->ip6 && inet_pton(AF_INET, c->addr, &in) == 1)
		sa_set_in(&c->sa, ntohl(in.s_addr), 0);
	else if (c->ip6 && inet_pton(AF_INET6, c->addr, &in6) == 1)
		sa_set_in6(&c->sa, in6.s6_addr, 0);
}

/* "IN IP4 224.2.36.42/127": nettype, addrtype, address. */
static int read_conn(struct sdesc_conn *c, struct reader *r, struct pl rest)
{
	struct pl net, type, addr;
	const char *slash;

	if (!sdesc_word(&net, &rest) || !sdesc_word(&type, &rest) || !sdesc_word(&addr, &rest))
		return bad(r, "c= or o= without an address");
	memset(c, 0, sizeof(*c));
	sa_init(&c->sa, AF_UNSPEC);
	c->set = true;
	c->ip6 = !pl_strcasecmp(&type, "IP6");
	c->inet = !pl_strcasecmp(&net, "IN") && (c->ip6 || !pl_strcasecmp(&type, "IP4"));
	slash = pl_strchr(&addr, '/');
	if (slash)
		addr.l = (size_t)(slash - addr.p);
	if (c->inet)
		read_addr(c, &addr);
	return 0;
}

static int read_origin(struct reader *r, struct pl rest)
{
	struct pl user, id, version;

	if (r->m || r->origin)
		return bad(r, "o= out of place");
	if (!sdesc_word(&user, &rest) || !sdesc_word(&id, &rest) || !sdesc_word(&version, &rest))
		return bad(r, "o= too short");
	if (!session_number(&r->d->sess_id, &id) || !session_number(&r->d->sess_version, &version))
		return bad(r, "o= without numbers");
	user.l = MIN(user.l, sizeof(r->d->user) - 1);
	(void)pl_strcpy(&user, r->d->user, sizeof(r->d->user));
	r->origin = true;
	return read_conn(&r->d->origin, r, rest);
}

static int read_time(struct reader *r, struct pl rest)
{
	struct pl start, stop, after = rest;
	uint64_t n;

	if (r->d->time.p)
		return 0;
	if (!sdesc_word(&start, &after) || !sdesc_word(&stop, &after) || !sdesc_number(&n, &start, UINT64_MAX) ||
	    !sdesc_number(&n, &stop, UINT64_MAX))
		return bad(r, "t= without two numbers");
	r->d->time.p = start.p;
	r->d->time.l = (size_t)(stop.p + stop.l - start.p);
	return 0;
}

static int read_port(struct sdesc_media *m, struct reader *r, struct pl word)
{
	const char *slash = pl_strchr(&word, '/');
	struct pl port = word, count;
	uint64_t n;

	m->n_ports = 1;
	if (slash) {
		port.l = (size_t)(slash - word.p);
		count.p = slash + 1;
		count.l = word.l - port.l - 1;
		if (!sdesc_number(&n, &count, UINT16_MAX) || !n)
			return bad(r, "m= with a bad number of ports");
		m->n_ports = (uint16_t)n;
	}
	if (!sdesc_number(&n, &port, UINT16_MAX))
		return bad(r, "m= with a bad port");
	m->port = (uint16_t)n;
	return 0;
}

static int read_formats(struct sdesc_media *m, struct reader *r, struct pl rest)
{
	bool rtp = sdesc_is_rtp(&m->proto);
	struct pl fmt;
	uint64_t pt;

	m->fmt = &r->d->fmt_pool[r->n_fmt];
	while (sdesc_word(&fmt, &rest)) {
		if (m->n_fmt >= SDESC_FMT_MAX)
			return big(r, "too many formats in one m=");
		if (!printable(&fmt))
			return bad(r, "m= with an unprintable format");
		/* RFC 3551 6: a payload type has seven bits. */
		if (rtp && !sdesc_number(&pt, &fmt, 127))
			return bad(r, "m= with a bad payload type");
		m->fmt[m->n_fmt++] = fmt;
		r->n_fmt++;
	}
	return m->n_fmt ? 0 : bad(r, "m= without formats");
}

static int read_media(struct reader *r, struct pl rest)
{
	struct sdesc_media *m = &r->d->media[r->d->n_media++];
	struct pl port;
	int err;

	r->m = m;
	m->attr = &r->d->attr_pool[r->n_attr];
	if (!sdesc_word(&m->type, &rest) || !sdesc_word(&port, &rest) || !sdesc_word(&m->proto, &rest))
		return bad(r, "m= too short");
	if (!printable(&m->type) || !printable(&m->proto))
		return bad(r, "m= with unprintable letters");
	err = read_port(m, r, port);
	if (err)
		return err;
	return read_formats(m, r, rest);
}

/* Noted once, because every format of a line is looked up among all its attributes. */
static int8_t attr_pt(const struct sdesc_attr *a)
{
	struct pl word, rest = a->value;
	uint64_t pt;

	if (!same(&a->name, "rtpmap", 6) && !same(&a->name, "fmtp", 4))
		return -1;
	return sdesc_word(&word, &rest) && sdesc_number(&pt, &word, 127) ? (int8_t)pt : -1;
}

static int read_attr(struct reader *r, struct pl line)
{
	size_t *n = r->m ? &r->m->n_attr : &r->d->n_attr;
	struct sdesc_attr *a = &r->d->attr_pool[r->n_attr];
	const char *colon = pl_strchr(&line, ':');

	if (*n >= SDESC_ATTR_MAX)
		return big(r, "too many attributes");
	*a = (struct sdesc_attr){.name = line};
	if (colon) {
		a->name.l = (size_t)(colon - line.p);
		a->value.p = colon + 1;
		a->value.l = line.l - a->name.l - 1;
	}
	/* RFC 8866 5.13: "If an attribute is received that is not understood, it MUST be ignored by the receiver." */
	if (!printable(&a->name))
		return 0;
	a->pt = attr_pt(a);
	++*n;
	r->n_attr++;
	return 0;
}

static void read_bandwidth(struct reader *r, struct pl line)
{
	struct pl number;
	uint64_t n;

	if (!r->m || line.l < 3 || memcmp(line.p, "AS:", 3))
		return;
	number.p = line.p + 3;
	number.l = line.l - 3;
	if (sdesc_number(&n, &number, UINT32_MAX))
		r->m->bandwidth_as = (uint32_t)n;
}

static int read_line(struct reader *r, char type, struct pl value)
{
	struct sdesc_conn *conn = r->m ? &r->m->conn : &r->d->conn;

	switch (type) {
	case 'v': return bad(r, "a second v=");
	case 'o': return read_origin(r, value);
	case 't': return read_time(r, value);
	case 'c': return conn->set ? 0 : read_conn(conn, r, value);
	case 'm': return read_media(r, value);
	case 'a': return read_attr(r, value);
	case 'b': read_bandwidth(r, value); return 0;
	case 'i':
		if (r->m)
			r->m->title = value;
		return 0;
	default:
		/* RFC 8866 5 wants a description with an unknown type letter ignored or rejected as a whole. That would
		 * hang up on phones which are understood perfectly otherwise, so the line alone is skipped. */
		return 0;
	}
}

static int read_body(struct reader *r, struct pl rest)
{
	struct pl line;
	int err;

	if (!next_line(&line, &rest) || !same(&line, "v=0", 3))
		return bad(r, "does not begin with v=0");
	while (next_line(&line, &rest)) {
		if (!line.l)
			continue;
		if (line.l < 2 || line.p[1] != '=' || memchr(line.p, '\r', line.l))
			return bad(r, "a line that is not <type>=<value>");
		err = read_line(r, line.p[0], (struct pl){line.p + 2, line.l - 2});
		if (err)
			return err;
	}
	return r->origin ? 0 : bad(r, "no o=");
}

/* --- first walk --- */

static size_t count_words(struct pl rest)
{
	struct pl word;
	size_t n = 0;

	while (sdesc_word(&word, &rest))
		n++;
	return n;
}

static int make_pools(struct reader *r, struct pl rest)
{
	size_t n_attr = 0, n_media = 0, n_fmt = 0;
	struct pl line;

	while (next_line(&line, &rest)) {
		if (line.l < 2)
			continue;
		if (line.p[0] == 'a')
			n_attr++;
		if (line.p[0] == 'm') {
			n_media++;
			n_fmt += count_words(line);
		}
		if (n_media > SDESC_MEDIA_MAX)
			return big(r, "too many m= lines");
		if (n_attr > (n_media + 1) * SDESC_ATTR_MAX)
			return big(r, "too many attributes");
	}
	r->d->media = mem_zalloc((n_media + 1) * sizeof(*r->d->media), NULL);
	r->d->attr_pool = mem_zalloc((n_attr + 1) * sizeof(*r->d->attr_pool), NULL);
	r->d->fmt_pool = mem_zalloc((n_fmt + 1) * sizeof(*r->d->fmt_pool), NULL);
	if (!r->d->media || !r->d->attr_pool || !r->d->fmt_pool)
		return ENOMEM;
	r->d->attr = r->d->attr_pool;
	return 0;
}

static void destructor(void *arg)
{
	struct sdesc *d = arg;

	mem_deref(d->media);
	mem_deref(d->attr_pool);
	mem_deref(d->fmt_pool);
	mem_deref(d->text);
}

static int copy_text(struct sdesc *d, const void *body, size_t len)
{
	d->text = mbuf_alloc(len + 1);
	if (!d->text)
		return ENOMEM;
	return mbuf_write_mem(d->text, body, len);
}

int sdesc_read(struct sdesc **dp, const char **why, const void *body, size_t len)
{
	struct reader r = {.why = "no memory"};
	struct pl text;
	int err;

	r.d = mem_zalloc(sizeof(*r.d), destructor);
	if (!r.d)
		return ENOMEM;
	if (!body || !len)
		err = bad(&r, "empty");
	else if (len > SDESC_SIZE_MAX)
		err = big(&r, "too long");
	/* RFC 8866 9: byte-string = 1*(%x01-09/%x0B-0C/%x0E-FF) ;any byte except NUL, CR, or LF */
	else if (memchr(body, '\0', len))
		err = bad(&r, "holds a NUL");
	else
		err = copy_text(r.d, body, len);
	if (err)
		goto out;
	text.p = (const char *)r.d->text->buf;
	text.l = len;
	err = make_pools(&r, text);
	if (!err)
		err = read_body(&r, text);
out:
	if (err) {
		if (why)
			*why = r.why;
		mem_deref(r.d);
	} else {
		*dp = r.d;
	}
	return err;
}

/* --- looking things up --- */

static const struct sdesc_attr *find(const struct sdesc_attr *a, const struct sdesc_attr *end, const char *name)
{
	size_t len = strlen(name);

	for (; a < end; a++)
		if (same(&a->name, name, len))
			return a;
	return NULL;
}

const struct sdesc_attr *sdesc_media_attr(const struct sdesc_media *m, const char *name, const struct sdesc_attr *after)
{
	return find(after ? after + 1 : m->attr, m->attr + m->n_attr, name);
}

const struct sdesc_attr *sdesc_attr(const struct sdesc *d, const char *name)
{
	return find(d->attr, d->attr + d->n_attr, name);
}

const struct sdesc_conn *sdesc_media_conn(const struct sdesc *d, const struct sdesc_media *m)
{
	if (m->conn.set)
		return &m->conn;
	return d->conn.set ? &d->conn : NULL;
}

bool sdesc_is_rtp(const struct pl *proto)
{
	for (size_t i = 0; i + 4 <= proto->l; i++)
		if ((!i || proto->p[i - 1] == '/') && !memcmp(proto->p + i, "RTP/", 4))
			return true;
	return false;
}

/* RFC 3551, tables 4 and 5. */
static const struct { uint8_t pt; const char *name; uint32_t clock; uint8_t channels; } static_pts[] = {
	{0, "PCMU", 8000, 1},   {3, "GSM", 8000, 1},    {4, "G723", 8000, 1},   {5, "DVI4", 8000, 1},
	{6, "DVI4", 16000, 1},  {7, "LPC", 8000, 1},    {8, "PCMA", 8000, 1},   {9, "G722", 8000, 1},
	{10, "L16", 44100, 2},  {11, "L16", 44100, 1},  {12, "QCELP", 8000, 1}, {13, "CN", 8000, 1},
	{14, "MPA", 90000, 1},  {15, "G728", 8000, 1},  {16, "DVI4", 11025, 1}, {17, "DVI4", 22050, 1},
	{18, "G729", 8000, 1},  {25, "CelB", 90000, 1}, {26, "JPEG", 90000, 1}, {28, "nv", 90000, 1},
	{31, "H261", 90000, 1}, {32, "MPV", 90000, 1},  {33, "MP2T", 90000, 1}, {34, "H263", 90000, 1},
};

static int static_rtpmap(struct sdesc_rtpmap *map, uint64_t pt)
{
	for (size_t i = 0; i < sizeof(static_pts) / sizeof(static_pts[0]); i++) {
		if (static_pts[i].pt != pt)
			continue;
		map->pt = (uint8_t)pt;
		pl_set_str(&map->name, static_pts[i].name);
		map->clock = static_pts[i].clock;
		map->channels = static_pts[i].channels;
		return 0;
	}
	return ENOENT;
}

int sdesc_static_pt(const char *name, uint32_t clock, uint8_t channels)
{
	for (size_t i = 0; i < sizeof(static_pts) / sizeof(static_pts[0]); i++)
		if (!str_casecmp(static_pts[i].name, name) && static_pts[i].clock == clock && static_pts[i].channels == channels)
			return static_pts[i].pt;
	return -1;
}

static void split(struct pl *head, struct pl *tail, char c)
{
	const char *p = pl_strchr(head, c);

	*tail = pl_null;
	if (!p)
		return;
	tail->p = p + 1;
	tail->l = head->l - (size_t)(p - head->p) - 1;
	head->l = (size_t)(p - head->p);
}

/* "opus/48000/2" */
static int read_rtpmap(struct sdesc_rtpmap *map, struct pl encoding)
{
	struct pl clock, channels;
	uint64_t n_clock, n_channels = 1;

	split(&encoding, &clock, '/');
	split(&clock, &channels, '/');
	if (!encoding.l || !sdesc_number(&n_clock, &clock, UINT32_MAX) || !n_clock)
		return ENOENT;
	if (channels.l && !sdesc_number(&n_channels, &channels, UINT8_MAX))
		return ENOENT;
	map->name = encoding;
	map->clock = (uint32_t)n_clock;
	map->channels = (uint8_t)n_channels;
	return 0;
}

/* Attributes whose value begins with a payload type: "111 opus/48000/2". *rest is what comes after it. */
static bool attr_for_pt(struct pl *rest, const struct sdesc_media *m, const char *name, uint64_t pt)
{
	struct pl word;

	for (size_t i = 0; i < m->n_attr; i++) {
		if (m->attr[i].pt != (int)pt || pl_strcmp(&m->attr[i].name, name))
			continue;
		*rest = m->attr[i].value;
		return sdesc_word(&word, rest);
	}
	return false;
}

int sdesc_rtpmap(struct sdesc_rtpmap *map, const struct sdesc_media *m, const struct pl *fmt)
{
	struct pl rest, word;
	uint64_t pt;

	if (!sdesc_number(&pt, fmt, 127))
		return ENOENT;
	if (!attr_for_pt(&rest, m, "rtpmap", pt))
		return static_rtpmap(map, pt);
	if (!sdesc_word(&word, &rest))
		return ENOENT;
	map->pt = (uint8_t)pt;
	return read_rtpmap(map, word);
}

int sdesc_fmtp(struct pl *params, const struct sdesc_media *m, uint8_t pt)
{
	struct pl rest;

	if (!attr_for_pt(&rest, m, "fmtp", pt))
		return ENOENT;
	while (rest.l && *rest.p == ' ')
		pl_advance(&rest, 1);
	*params = rest;
	return 0;
}

static void trim(struct pl *pl)
{
	while (pl->l && (*pl->p == ' ' || *pl->p == '\t'))
		pl_advance(pl, 1);
	while (pl->l && (pl->p[pl->l - 1] == ' ' || pl->p[pl->l - 1] == '\t'))
		pl->l--;
}

int sdesc_fmtp_param(struct pl *value, const struct pl *params, const char *name)
{
	struct pl rest = *params, one;

	while (rest.l) {
		one = rest;
		split(&one, &rest, ';');
		split(&one, value, '=');
		trim(&one);
		trim(value);
		if (!pl_strcasecmp(&one, name))
			return 0;
	}
	return ENOENT;
}
