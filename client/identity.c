/*
 * identity.c - see identity.h. Files ~/.local/state/tutti/join-1 and so on hold a number each, and behind it lines
 * "ROOM SECTION", the last one first; a lock on one of them says that it is in use, and goes with the process, however
 * that ends.
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
enum { FILE_MAX = 4096 };

static int file = -1;             /* ours, locked */

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
		if (!flock(fd, LOCK_EX | LOCK_NB)) {
			file = fd;                /* the lock is the descriptor's, and that is ours to the end */
			return number_in(fd);
		}
		(void)close(fd);
	}
	return drawn();
}

/* --- sections --- */

/* The lines behind the number; "" where there are none. */
static char *lines(char text[FILE_MAX])
{
	ssize_t n = file < 0 ? 0 : pread(file, text, FILE_MAX - 1, 0);
	char *end;

	text[n > 0 ? n : 0] = '\0';
	end = strchr(text, '\n');
	return end ? end + 1 : text + strlen(text);
}

/* Is this line of that room? Then where its section begins. */
static const char *of_room(const char *line, const char *room)
{
	size_t len = strlen(room);

	return !strncmp(line, room, len) && line[len] == ' ' ? line + len + 1 : NULL;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

void identity_section(char *section, size_t size, const char *room)
{
	char text[FILE_MAX];

	*section = '\0';
	for (const char *line = lines(text); *line; line = next_line(line)) {
		const char *name = of_room(line, room);

		if (name)
			(void)snprintf(section, size, "%.*s", (int)strcspn(name, "\n"), name);
		if (name)
			return;
	}
}

/* Number and lines in one writing, so that a program that dies leaves the number as it was. */
void identity_keep_section(const char *room, const char *section)
{
	char text[FILE_MAX], was[64], all[FILE_MAX];
	const char *line = lines(text);
	size_t n = (size_t)(line - text);

	identity_section(was, sizeof(was), room);
	if (!n || !strcmp(was, section) || strpbrk(room, " \n") || strchr(section, '\n') ||
	    n + strlen(room) + strlen(section) + 3 > sizeof(all))
		return;
	memcpy(all, text, n);
	if (*section)
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s %s\n", room, section);
	for (unsigned i = *section != '\0'; *line && i < IDENTITY_ROOMS; line = next_line(line)) {
		size_t len = (size_t)(next_line(line) - line);

		if (of_room(line, room) || n + len >= sizeof(all))
			continue;
		memcpy(all + n, line, len);
		n += len;
		i++;
	}
	if (pwrite(file, all, n, 0) == (ssize_t)n)
		(void)!ftruncate(file, (off_t)n);
}
