/*
 * tuttictl.c - asks a running server how it is, from the terminal or a script.
 *
 * A plain HTTP/1.1 client on one socket: no server code is linked, so that it runs on any machine that can reach the
 * server. A word of the command line is turned into a path, the answer is printed: JSON as it came with --json, else
 * laid out as indented "name: value" lines. `metrics` and `health` are text already and are printed as they come.
 *
 * TLS is not spoken here: the HTTP port listens on loopback by default, and a proxy in front of it does TLS.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 << 20, TOKEN_MAX = 512, TIMEOUT_S = 10, DEPTH_MAX = 64 };

struct server {
	char host[256], port[16];
};

struct answer {
	char *data;               /* head and body, ended with a NUL */
	size_t size;
	int status;
	char *body;
	size_t body_size;
};

struct word {
	const char *name;
	const char *path;         /* %s: the argument */
	bool argument, text;
	const char *help;
};

static const struct word words[] = {
	{"status", "/api/v1/status", false, false, "version, uptime, rooms, members, calls"},
	{"rooms", "/api/v1/rooms", false, false, "all rooms"},
	{"room", "/api/v1/rooms/%s", true, false, "one room and its members"},
	{"metrics", "/metrics", false, true, "counters as Prometheus text"},
	{"health", "/healthz", false, true, "is it alive; exit status 1 when not"},
	{"ready", "/readyz", false, true, "does it take calls; exit status 1 when not"},
};

static void usage(FILE *f)
{
	fputs("usage: tuttictl [-s URL] [-t TOKEN | --token-file FILE] [--json] COMMAND [NAME]\n\n", f);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		fprintf(f, "  %-7s %-5s %s\n", words[i].name, words[i].argument ? "NAME" : "", words[i].help);
	fputs("\n"
	      "  -s, --server URL        http://HOST:PORT of the server (http://127.0.0.1:8080, or $TUTTI_URL)\n"
	      "  -t, --token TOKEN       admin token; other users see it in the list of processes: prefer a file\n"
	      "      --token-file FILE   file with the token (/var/lib/tutti/admin-token, or admin-token in\n"
	      "                          $TUTTI_STATE_DIR)\n"
	      "  -j, --json              print the answer as it came\n"
	      "  -h, --help              this text\n", f);
}

static int server_parse(struct server *s, const char *url)
{
	const char *host = url, *end, *port = NULL;
	size_t len;

	if (!strncmp(url, "https:", 6)) {
		fputs("tuttictl: https is not spoken here; ask the server's own port on its loopback address\n", stderr);
		return EINVAL;
	}
	if (!strncmp(url, "http://", 7))
		host += 7;
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end)
			return EINVAL;
		if (end[1] == ':')
			port = end + 2;
	} else {
		end = host + strcspn(host, ":/");
		if (*end == ':')
			port = end + 1;
	}
	len = (size_t)(end - host);
	if (!len || len >= sizeof(s->host))
		return EINVAL;
	memcpy(s->host, host, len);
	s->host[len] = '\0';

	len = port ? strcspn(port, "/") : 0;
	if (port && (!len || len >= 6 || strspn(port, "0123456789") < len))
		return EINVAL;
	snprintf(s->port, sizeof(s->port), "%.*s", port ? (int)len : 2, port ? port : "80");
	return 0;
}

static int server_connect(int *fdp, const struct server *s)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *ai;
	struct timeval limit = {.tv_sec = TIMEOUT_S};
	int err = getaddrinfo(s->host, s->port, &hints, &list), fd = -1;

	if (err) {
		fprintf(stderr, "tuttictl: %s: %s\n", s->host, gai_strerror(err));
		return EHOSTUNREACH;
	}
	for (ai = list; ai; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
		if (fd < 0) {
			err = errno;
			continue;
		}
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		if (!connect(fd, ai->ai_addr, ai->ai_addrlen))
			break;
		err = errno;
		close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	if (fd < 0) {
		fprintf(stderr, "tuttictl: cannot reach %s port %s: %s\n", s->host, s->port, strerror(err));
		return err ? err : ECONNREFUSED;
	}
	*fdp = fd;
	return 0;
}

static int send_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n < 0)
			return errno;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Reads until the server closes, which it was asked to do. */
static int answer_read(struct answer *a, int fd)
{
	size_t room = 0;

	for (;;) {
		ssize_t n;

		if (room - a->size < 4096) {
			char *more;

			room = room ? room * 2 : 16384;
			if (room > ANSWER_MAX)
				return EMSGSIZE;
			more = realloc(a->data, room);
			if (!more)
				return ENOMEM;
			a->data = more;
		}
		n = recv(fd, a->data + a->size, room - a->size - 1, 0);
		if (n < 0)
			return errno == EAGAIN ? ETIMEDOUT : errno;
		if (!n)
			break;
		a->size += (size_t)n;
	}
	if (!a->data)
		return EBADMSG;
	a->data[a->size] = '\0';
	return 0;
}

/* The value of a header line in the head, or NULL. */
static const char *header(const struct answer *a, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = strstr(a->data, "\r\n"); line && line + 2 < a->body; line = strstr(line + 2, "\r\n")) {
		const char *p = line + 2;

		if (!strncasecmp(p, name, len) && p[len] == ':')
			return p + len + 1 + strspn(p + len + 1, " \t");
	}
	return NULL;
}

/* RFC 9112 7.1: chunks are put together in place. */
static int unchunk(struct answer *a)
{
	char *in = a->body, *out = a->body, *end = a->body + a->body_size;

	for (;;) {
		char *eol;
		unsigned long n = strtoul(in, &eol, 16);

		if (eol == in)
			return EBADMSG;
		eol = strstr(eol, "\r\n");
		if (!eol)
			return EBADMSG;
		in = eol + 2;
		if (!n)
			break;
		if (n > (size_t)(end - in))
			return EBADMSG;
		memmove(out, in, n);
		out += n;
		in += n;
		if (end - in < 2)
			return EBADMSG;
		in += 2;
	}
	a->body_size = (size_t)(out - a->body);
	*out = '\0';
	return 0;
}

static int answer_parse(struct answer *a)
{
	const char *coding, *length;
	char *end = strstr(a->data, "\r\n\r\n");

	if (sscanf(a->data, "HTTP/1.%*1[01] %3d", &a->status) != 1 || !end)
		return EBADMSG;
	a->body = end + 4;
	a->body_size = a->size - (size_t)(a->body - a->data);
	coding = header(a, "Transfer-Encoding");
	if (coding && !strncasecmp(coding, "chunked", 7))
		return unchunk(a);

	length = header(a, "Content-Length");
	if (length && strtoul(length, NULL, 10) > a->body_size)
		return EBADMSG;
	return 0;
}

static int ask(struct answer *a, const struct server *s, const char *path, const char *token)
{
	bool v6 = strchr(s->host, ':');
	char req[2048];
	int n, fd, err;

	n = snprintf(req, sizeof(req),
		     "GET %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nUser-Agent: tuttictl\r\nAccept: application/json, text/plain\r\n"
		     "%s%s%sConnection: close\r\n\r\n",
		     path, v6 ? "[" : "", s->host, v6 ? "]" : "", s->port,
		     *token ? "Authorization: Bearer " : "", token, *token ? "\r\n" : "");
	if (n < 0 || (size_t)n >= sizeof(req))
		return EMSGSIZE;
	err = server_connect(&fd, s);
	if (err)
		return err;
	err = send_all(fd, req, (size_t)n);
	if (!err)
		err = answer_read(a, fd);
	if (!err)
		err = answer_parse(a);
	close(fd);
	if (err)
		fprintf(stderr, "tuttictl: no good answer from %s port %s: %s\n", s->host, s->port, strerror(err));
	return err;
}

/* A room's name is the user's text: everything but RFC 3986's unreserved characters is escaped. */
static int path_make(char *path, size_t size, const struct word *w, const char *argument)
{
	char escaped[512];
	size_t n = 0;

	for (const char *p = argument ? argument : ""; *p; p++) {
		if (n + 4 > sizeof(escaped))
			return EMSGSIZE;
		if (isalnum((unsigned char)*p) || strchr("-._~", *p))
			escaped[n++] = *p;
		else
			n += (size_t)snprintf(escaped + n, 4, "%%%02X", (unsigned char)*p);
	}
	escaped[n] = '\0';
	if (!w->argument)
		snprintf(path, size, "%s", w->path);
	else
		snprintf(path, size, "/api/v1/rooms/%s", escaped);
	return 0;
}

static int token_read(char *token, size_t size, const char *file)
{
	FILE *f = fopen(file, "r");
	char line[TOKEN_MAX];

	if (!f)
		return errno;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, " \t\r\n")] = '\0';
	snprintf(token, size, "%s", line);
	return 0;
}

/* Terminals obey control characters, and a display name may hold some: they are shown, not sent. */
static void put_clean(int c)
{
	if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
		printf("\\x%02x", c);
	else
		putchar(c);
}

static void put_text(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put_clean((unsigned char)p[i]);
	if (len && p[len - 1] != '\n')
		putchar('\n');
}

static unsigned hex4(const char *p)
{
	char digits[5] = {0};

	for (int i = 0; i < 4 && isxdigit((unsigned char)p[i]); i++)
		digits[i] = p[i];
	return (unsigned)strtoul(digits, NULL, 16);
}

static void put_utf8(unsigned c)
{
	if (c < 0x80) {
		put_clean((int)c);
		return;
	}
	if (c >= 0xd800 && c < 0xe000)            /* half a pair */
		c = 0xfffd;
	if (c >= 0x800) {
		putchar((int)(0xe0 | c >> 12));
		putchar((int)(0x80 | (c >> 6 & 0x3f)));
	} else {
		putchar((int)(0xc0 | c >> 6));
	}
	putchar((int)(0x80 | (c & 0x3f)));
}

/* From the opening quote; returns what follows the closing one. */
static const char *put_string(const char *p)
{
	for (p++; *p && *p != '"'; p++) {
		if (*p != '\\') {
			put_clean((unsigned char)*p);
		} else if (p[1] == 'u' && strlen(p) >= 6) {
			put_utf8(hex4(p + 2));
			p += 5;
		} else if (p[1]) {
			p++;
			putchar(*p == 'n' || *p == 't' || *p == 'r' ? ' ' : *p);
		}
	}
	return *p ? p + 1 : p;
}

static const char *skip(const char *p, const char *what)
{
	return p + strspn(p, what);
}

static const char *put_scalar(const char *p)
{
	size_t n = strcspn(p, ",]} \t\r\n");

	if (*p == '"')
		return put_string(p);
	printf("%.*s", (int)n, p);
	return p + n;
}

/*
 * JSON as an outline: a member a line, "-" for each element of a list, two columns deeper for what it holds. One pass, no
 * tree; p stands behind the opening bracket, what is returned behind the closing one. A text that is no JSON prints as
 * nonsense but ends: every round takes at least one byte.
 */
static const char *put_members(const char *p, bool list, int depth)
{
	for (p = skip(p, " \t\r\n,"); *p && *p != '}' && *p != ']'; p = skip(p, " \t\r\n,")) {
		const char *start = p;

		printf("%*s", depth * 2, "");
		if (list) {
			putchar('-');
		} else {
			p = skip(put_scalar(p), " \t\r\n:");
			putchar(':');
		}
		if ((*p == '{' || *p == '[') && depth < DEPTH_MAX) {
			putchar('\n');
			p = put_members(p + 1, *p == '[', depth + 1);
		} else {
			putchar(' ');
			p = put_scalar(p);
			putchar('\n');
		}
		if (p == start)
			p++;
	}
	return *p ? p + 1 : p;
}

static void put_outline(const char *p)
{
	p = skip(p, " \t\r\n");
	if (*p == '{' || *p == '[')
		put_members(p + 1, *p == '[', 0);
	else
		put_text(p, strlen(p));
}

static int print(const struct answer *a, const struct word *w, bool json)
{
	if (a->status == 200) {
		if (w->text || json)
			put_text(a->body, a->body_size);
		else
			put_outline(a->body);
		return fflush(stdout) ? EX_IOERR : EX_OK;
	}
	if (w->text && a->status != 401 && a->status != 403) {
		put_text(a->body, a->body_size);
		return 1;
	}
	fprintf(stderr, "tuttictl: %s: the server says %d%s\n", w->name, a->status,
		a->status == 401 || a->status == 403 ? " (a token is needed: -t or --token-file)" :
		a->status == 404 ? " (there is no such thing)" : "");
	return a->status == 401 || a->status == 403 ? EX_NOPERM : a->status == 404 ? EX_NOINPUT : EX_PROTOCOL;
}

struct options {
	const char *url;
	char token[TOKEN_MAX];
	bool json;
};

static int options_read(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"server", required_argument, NULL, 's'}, {"token", required_argument, NULL, 't'},
		{"token-file", required_argument, NULL, 'f'}, {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
	};
	const char *file = NULL, *dir = getenv("TUTTI_STATE_DIR");
	char def[4096];
	int c, err;

	o->url = getenv("TUTTI_URL");
	if (!o->url)
		o->url = "http://127.0.0.1:8080";
	while ((c = getopt_long(argc, argv, "s:t:jh", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o->url = optarg;
			break;
		case 't':
			snprintf(o->token, sizeof(o->token), "%s", optarg);
			break;
		case 'f':
			file = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'h':
			usage(stdout);
			exit(EX_OK);
		default:
			return EINVAL;
		}
	}
	if (*o->token)
		return 0;
	snprintf(def, sizeof(def), "%s/admin-token", dir && *dir ? dir : "/var/lib/tutti");
	err = token_read(o->token, sizeof(o->token), file ? file : def);
	if (err && file) {
		fprintf(stderr, "tuttictl: %s: %s\n", file, strerror(err));
		exit(EX_NOINPUT);
	}
	return 0;                 /* without a token: health and ready need none */
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct server server;
	struct answer answer = {0};
	const struct word *w = NULL;
	char path[1024];
	int status;

	if (options_read(&o, argc, argv) || optind >= argc) {
		usage(stderr);
		return EX_USAGE;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(words[i].name, argv[optind]))
			w = &words[i];
	}
	if (!w || argc - optind != (w->argument ? 2 : 1)) {
		usage(stderr);
		return EX_USAGE;
	}
	if (strpbrk(o.token, "\r\n") || server_parse(&server, o.url)) {
		fprintf(stderr, "tuttictl: %s is not http://HOST:PORT\n", o.url);
		return EX_USAGE;
	}
	if (path_make(path, sizeof(path), w, argv[optind + 1])) {
		fputs("tuttictl: the name is too long\n", stderr);
		return EX_USAGE;
	}
	status = ask(&answer, &server, path, o.token) ? EX_UNAVAILABLE : print(&answer, w, o.json);
	free(answer.data);
	return status;
}
