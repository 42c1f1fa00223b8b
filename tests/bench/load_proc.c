/*
 * load_proc.c - what the kernel says of the server's process: /proc/PID and its threads.
 *
 * CPU time by thread comes from schedstat, which counts nanoseconds; where the kernel has none, from stat, in ticks of
 * 10 ms. Sleeping threads cost nothing and are listed all the same: their context switches tell who wakes whom.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "load.h"

static bool line_read(char *buf, size_t size, const char *path)
{
	FILE *f = fopen(path, "r");
	bool ok = f && fgets(buf, (int)size, f);

	if (f)
		fclose(f);
	return ok;
}

/* user + system time; the name in parentheses may hold anything: read behind the last one. */
static double stat_cpu_s(const char *path)
{
	unsigned long user = 0, sys = 0;
	char line[1024], *end;

	if (!line_read(line, sizeof(line), path) || !(end = strrchr(line, ')')) ||
	    sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2)
		return 0;
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static void thread_read(struct thread_seen *s, pid_t pid)
{
	char path[96], line[256];
	unsigned long long ns = 0, v;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", (int)pid, (int)s->tid);
	if (line_read(line, sizeof(line), path))
		snprintf(s->name, sizeof(s->name), "%.*s", (int)strcspn(line, "\n"), line);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)pid, (int)s->tid);
	if (line_read(line, sizeof(line), path) && sscanf(line, "%llu", &ns) == 1) {
		s->cpu_ns = ns;
	} else {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)s->tid);
		s->cpu_ns = (uint64_t)(stat_cpu_s(path) * 1e9);
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)s->tid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %llu", &v) == 1 || sscanf(line, "nonvoluntary_ctxt_switches: %llu", &v) == 1)
			s->switches += v;
	if (f)
		fclose(f);
}

static void threads_read(struct proc *p, pid_t pid)
{
	char path[64];
	struct dirent *e;
	uint64_t ns = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		struct thread_seen s = {.tid = (pid_t)atoi(e->d_name)};

		if (!s.tid)
			continue;
		thread_read(&s, pid);
		ns += s.cpu_ns;
		p->switches += s.switches;
		p->threads++;
		if (p->n_seen < THREADS_SEEN)
			p->seen[p->n_seen++] = s;
	}
	if (d)
		closedir(d);
	p->cpu_s = (double)ns / 1e9;
}

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

void proc_read(struct proc *p, pid_t pid)
{
	char path[64], line[256];
	unsigned long v;
	FILE *f;

	memset(p, 0, sizeof(*p));
	p->at_us = now_us();
	if (!pid)
		return;
	threads_read(p, pid);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %lu", &v) == 1)
			p->rss_kib = v;
	if (f)
		fclose(f);
	p->fds = fds_count(pid);
}

static struct thread_seen *by_name(struct thread_seen *d, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(d[i].name, name))
			return &d[i];
	memset(&d[*n], 0, sizeof(*d));
	memcpy(d[*n].name, name, sizeof(d->name));
	return &d[(*n)++];
}

size_t proc_diff(struct thread_seen *d, const struct proc *a, const struct proc *b)
{
	size_t n = 0;

	for (unsigned i = 0; i < b->n_seen; i++) {
		struct thread_seen *s = by_name(d, &n, b->seen[i].name);

		s->cpu_ns += b->seen[i].cpu_ns;
		s->switches += b->seen[i].switches;
		for (unsigned k = 0; k < a->n_seen; k++) {
			if (a->seen[k].tid != b->seen[i].tid)
				continue;
			s->cpu_ns -= a->seen[k].cpu_ns;
			s->switches -= a->seen[k].switches;
		}
	}
	return n;
}
