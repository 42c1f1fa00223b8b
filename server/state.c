/*
 * state.c - what outlives a run: the folder and its two files.
 *
 * The token is 32 bytes of the kernel's randomness in hex. It stands in a file of its own, so that a script can read it
 * and a person can replace it; it never goes into a log.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <re.h>
#include "selfsigned.h"
#include "state.h"

enum { TOKEN_BYTES = 32, TOKEN_LEN = 2 * TOKEN_BYTES };

struct state {
	char *dir;
	char *cert;
	char token[TOKEN_LEN + 1];
	bool token_is_new;
};

static void state_destructor(void *arg)
{
	struct state *s = arg;

	memset(s->token, 0, sizeof(s->token));
	mem_deref(s->dir);
	mem_deref(s->cert);
}

/* --- where --- */

static int default_dir(char **dir)
{
	const char *systemd = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (systemd && *systemd == '/')   /* may be a list; the first is ours */
		return re_sdprintf(dir, "%b", systemd, strcspn(systemd, ":"));
	if (geteuid() == 0)
		return str_dup(dir, "/var/lib/tutti");
	if (xdg && *xdg == '/')
		return re_sdprintf(dir, "%s/tutti", xdg);
	if (!home || *home != '/') {
		const struct passwd *pw = getpwuid(geteuid());
		home = pw ? pw->pw_dir : NULL;
	}
	return home && *home == '/' ? re_sdprintf(dir, "%s/.local/state/tutti", home) : ENOENT;
}

/* mkdir -p: parents as the umask has them, the folder itself 0700. */
static int make_dir(char *path)
{
	for (char *p = path + 1; *p; ++p) {
		int e = 0;

		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			e = errno;
		*p = '/';
		if (e && e != EROFS && e != EACCES)       /* a parent we may not make may well be there */
			return e;
	}
	return mkdir(path, 0700) && errno != EEXIST ? errno : 0;
}

/* A folder where others may write could hold a token or a key that others know. */
static int check_dir(const char *path, char **why)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	if (!S_ISDIR(st.st_mode))
		return ENOTDIR;
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		(void)re_sdprintf(why, "%s must belong to the user of the server, and nobody else may write there", path);
		return EPERM;
	}
	return access(path, W_OK | X_OK) ? errno : 0;
}

/* --- files --- */

static int read_token(struct state *s, const char *path, char **why)
{
	char buf[TOKEN_LEN + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return errno;
	n = read(fd, buf, sizeof(buf));
	(void)close(fd);

	if (n == TOKEN_LEN + 1 && buf[TOKEN_LEN] == '\n')
		--n;
	for (ssize_t i = 0; i < n; ++i) {
		if (!strchr("0123456789abcdef", buf[i]) || !buf[i])
			n = -1;
	}
	if (n != TOKEN_LEN) {
		(void)re_sdprintf(why, "%s does not hold %u hex digits; remove it, and a new one is made", path,
				  TOKEN_LEN);
		return EBADMSG;
	}

	memcpy(s->token, buf, TOKEN_LEN);
	s->token[TOKEN_LEN] = '\0';
	return 0;
}

static int write_file(const char *path, const char *text, size_t len)
{
	char *tmp;
	int fd, err = re_sdprintf(&tmp, "%s.new", path);

	if (err)
		return err;

	(void)unlink(tmp);                /* left by a run that was cut short */
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err = errno;
		goto out;
	}
	while (len && !err) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno != EINTR)
			err = errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	if (!err && fsync(fd))
		err = errno;
	if (close(fd) && !err)
		err = errno;
	if (!err && rename(tmp, path))
		err = errno;
	if (err)
		(void)unlink(tmp);
 out:
	mem_deref(tmp);
	return err;
}

static int make_token(struct state *s, const char *path)
{
	uint8_t raw[TOKEN_BYTES];
	char line[TOKEN_LEN + 2];

	/* Up to 256 bytes come whole, or not at all (getrandom(2)). */
	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return EIO;
	for (size_t i = 0; i < TOKEN_BYTES; ++i)
		(void)re_snprintf(s->token + 2 * i, 3, "%02x", raw[i]);

	memcpy(line, s->token, TOKEN_LEN);
	line[TOKEN_LEN] = '\n';
	s->token_is_new = true;
	return write_file(path, line, TOKEN_LEN + 1);
}

static int open_token(struct state *s, char **why)
{
	char *path;
	int err = re_sdprintf(&path, "%s/admin-token", s->dir);

	if (err)
		return err;
	err = read_token(s, path, why);
	if (err == ENOENT)
		err = make_token(s, path);
	mem_deref(path);
	return err;
}

int state_alloc(struct state **sp, const char *dir, char **why)
{
	struct state *s = mem_zalloc(sizeof(*s), state_destructor);
	int err;

	*why = NULL;
	if (!s)
		return ENOMEM;

	err = *dir ? str_dup(&s->dir, dir) : default_dir(&s->dir);
	if (err)
		goto out;
	err = make_dir(s->dir);
	if (!err)
		err = check_dir(s->dir, why);
	if (!err)
		err = open_token(s, why);
 out:
	if (err && !*why)
		(void)re_sdprintf(why, "%s: %m", s->dir ? s->dir : "no home folder; set state.dir", err);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

int state_cert(struct state *s, const char **path, char **why)
{
	char *pem = NULL;
	size_t len = 0;
	int err = 0;

	*why = NULL;
	if (!s->cert)
		err = re_sdprintf(&s->cert, "%s/self-signed.pem", s->dir);
	if (!err && access(s->cert, F_OK)) {
		err = selfsigned_pem(&pem, &len);
		if (!err)
			err = write_file(s->cert, pem, len);
	}
	if (!err && access(s->cert, R_OK))
		err = errno;
	if (err)
		(void)re_sdprintf(why, "%s/self-signed.pem: %m", s->dir, err);
	*path = s->cert;
	mem_deref(pem);
	return err;
}

const char *state_dir(const struct state *s)
{
	return s->dir;
}

const char *state_token(const struct state *s)
{
	return s->token;
}

bool state_token_is_new(const struct state *s)
{
	return s->token_is_new;
}
