/*
 * identity.c - see identity.h. Files ~/.local/state/tutti/join-1 and so on hold a number each; a lock on one of them says that
 * it is in use, and goes with the process, however that ends.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <re.h>
#include "identity.h"

enum { AT_ONCE = 32 };            /* programs of one user */

/* "$XDG_STATE_HOME/tutti/", made where it is not there. */
static bool folder(char *path, size_t size)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n = -1;

	if (state && *state == '/')
		n = snprintf(path, size, "%s/tutti/", state);
	else if (home && *home == '/')
		n = snprintf(path, size, "%s/.local/state/tutti/", home);
	if (n <= 0 || (size_t)n >= size)
		return false;
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdir(path, 0700);          /* what fails here shows when the file is opened */
		*p = '/';
	}
	return true;
}

static uint32_t drawn(void)
{
	uint32_t n;

	do
		n = rand_u32();
	while (!n);
	return n;
}

/* What is in the file, or now is. */
static uint32_t number_in(int fd)
{
	char text[16] = "";
	uint32_t n;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0 && sscanf(text, "%8x", &n) == 1 && n)
		return n;
	n = drawn();
	if (dprintf(fd, "%08x\n", n) < 0)
		return n;                 /* it will be another the next time */
	return n;
}

uint32_t identity_take(void)
{
	char path[512];

	if (!folder(path, sizeof(path) - 16))
		return drawn();
	for (unsigned i = 1, len = (unsigned)strlen(path); i <= AT_ONCE; i++) {
		int fd;

		(void)snprintf(path + len, sizeof(path) - len, "join-%u", i);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return drawn();
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return number_in(fd);     /* the lock is the descriptor's, and that is ours to the end */
		(void)close(fd);
	}
	return drawn();
}
