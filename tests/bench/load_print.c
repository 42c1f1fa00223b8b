/*
 * load_print.c - what came out: a table for people, a line of JSON for programs.
 */
#include <stdio.h>
#include <stdlib.h>
#include "load.h"

typedef unsigned long long ull;

int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double percentile(const double *sorted, size_t n, double p)
{
	return n ? sorted[(size_t)(p * (double)(n - 1))] : 0;
}

static double hold_s(const struct load *l)
{
	return l->hold1.at_us > l->hold0.at_us ? (double)(l->hold1.at_us - l->hold0.at_us) / 1e6 : 1;
}

static void codes_print(const struct stats *st, bool json)
{
	const char *sep = "", *quote = json ? "\"" : "";

	for (unsigned i = 0; i < 700; i++) {
		if (!st->code[i])
			continue;
		printf("%s%s%u%s: %llu", sep, quote, i, quote, (ull)st->code[i]);
		sep = ", ";
	}
}

/* ---- JSON ---- */

static void proc_json(const char *name, const struct proc *p)
{
	printf(",\"%s\":{\"cpu_s\":%.3f,\"rss_kib\":%llu,\"threads\":%u,\"fds\":%u}", name, p->cpu_s, (ull)p->rss_kib, p->threads,
	       p->fds);
}

static void threads_json(const struct proc *a, const struct proc *b, double seconds)
{
	struct thread_seen d[THREADS_SEEN];
	size_t n = proc_diff(d, a, b);

	fputs("\"threads\":{", stdout);
	for (size_t i = 0; i < n; i++)
		printf("%s\"%s\":{\"cpu_ms_s\":%.3f,\"switches_s\":%.1f}", i ? "," : "", d[i].name,
		       (double)d[i].cpu_ns / 1e6 / seconds, (double)d[i].switches / seconds);
	putchar('}');
}

static void hold_json(const struct load *l)
{
	printf(",\"hold\":{\"seconds\":%.3f,\"sent\":%llu,\"received\":%llu,\"cpu_ms_s\":%.3f,\"switches_s\":%.1f,\"generator_cpu_ms_s\":%.3f"
	       ",", hold_s(l), (ull)l->st.hold_tx, (ull)l->st.hold_rx,
	       (l->hold1.cpu_s - l->hold0.cpu_s) * 1000 / hold_s(l),
	       (double)(l->hold1.switches - l->hold0.switches) / hold_s(l), l->own_cpu_s * 1000 / hold_s(l));
	threads_json(&l->hold0, &l->hold1, hold_s(l));
	printf("},\"all\":{\"seconds\":%.3f,", (double)(l->after.at_us - l->before.at_us) / 1e6);
	threads_json(&l->before, &l->after, (double)(l->after.at_us - l->before.at_us) / 1e6);
	putchar('}');
}

static void found_json(const struct load *l)
{
	const struct found *f = &l->found;

	if (l->o.measure == MEASURE_DELAY)
		printf(",\"delay_ms\":{\"sought\":%zu,\"found\":%zu,\"min\":%.4f,\"p50\":%.4f,\"p95\":%.4f,\"p99\":%.4f,\"max\":%.4f"
		       ",\"first_half_p50\":%.4f,\"second_half_p50\":%.4f}", f->sought, f->n_delay, percentile(f->delay_ms, f->n_delay, 0),
		       percentile(f->delay_ms, f->n_delay, 0.5), percentile(f->delay_ms, f->n_delay, 0.95),
		       percentile(f->delay_ms, f->n_delay, 0.99), percentile(f->delay_ms, f->n_delay, 1), f->early_p50, f->late_p50);
	if (l->o.measure == MEASURE_LEVELS)
		printf(",\"levels\":{\"heard\":%zu,\"worst_error_db\":%.2f,\"own\":%zu,\"own_db\":%.1f}", f->n_levels, f->level_error_db,
		       f->n_own, f->own_db);
}

void print_json(const struct load *l)
{
	const struct stats *st = &l->st;

	printf("{\"calls\":%u,\"rounds\":%u,\"answered\":%llu,\"failed\":%llu,\"codes\":{", l->o.calls, l->round,
	       (ull)st->answered, (ull)st->failed);
	codes_print(st, true);
	printf("},\"ended_by_server\":%llu,\"bye_failed\":%llu,\"setup_ms\":{\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}",
	       (ull)st->ended_by_peer, (ull)st->bye_failed, percentile(st->setup_ms, st->n_setup, 0.5),
	       percentile(st->setup_ms, st->n_setup, 0.99), percentile(st->setup_ms, st->n_setup, 1));
	printf(",\"rtp\":{\"sent\":%llu,\"received\":%llu,\"lost\":%llu,\"reordered\":%llu,\"gaps\":%llu,\"silent_calls\":%llu"
	       ",\"left_out\":%llu},\"late_ticks\":%llu,\"for_unknown_calls\":%llu,\"seconds\":%.2f",
	       (ull)st->tx, (ull)st->rx, (ull)st->lost, (ull)st->reordered, (ull)st->gaps, (ull)st->silent_calls, (ull)st->dropped,
	       (ull)st->late_ticks, (ull)st->unknown, (double)(now_ms() - l->began_at) / 1000.0);
	found_json(l);
	hold_json(l);
	if (l->o.pid) {
		proc_json("server_before", &l->before);
		proc_json("server_hold_start", &l->hold0);
		proc_json("server_hold_end", &l->hold1);
		proc_json("server_after", &l->after);
	}
	puts("}");
}

/* ---- text ---- */

static void threads_text(const struct load *l)
{
	struct thread_seen d[THREADS_SEEN];
	size_t n = proc_diff(d, &l->hold0, &l->hold1);

	for (size_t i = 0; i < n; i++)
		printf("            %-15s %8.1f ms CPU, %8.0f context switches a second\n", d[i].name,
		       (double)d[i].cpu_ns / 1e6 / hold_s(l), (double)d[i].switches / hold_s(l));
}

static void server_text(const struct load *l)
{
	printf("server      before %llu KiB %u threads %u fds; after %llu KiB %u threads %u fds\n", (ull)l->before.rss_kib,
	       l->before.threads, l->before.fds, (ull)l->after.rss_kib, l->after.threads, l->after.fds);
	if (!l->o.hold_s)
		return;
	printf("            last hold: %llu KiB %u threads %u fds, %.1f ms CPU a second\n", (ull)l->hold1.rss_kib, l->hold1.threads,
	       l->hold1.fds, (l->hold1.cpu_s - l->hold0.cpu_s) * 1000 / hold_s(l));
	threads_text(l);
}

static void found_text(const struct load *l)
{
	const struct found *f = &l->found;

	if (l->o.measure == MEASURE_DELAY)
		printf("delay       %zu of %zu chirps found; min %.2f ms, p50 %.2f, p95 %.2f, p99 %.2f, max %.2f; p50 of the halves %.2f, %.2f\n",
		       f->n_delay, f->sought, percentile(f->delay_ms, f->n_delay, 0), percentile(f->delay_ms, f->n_delay, 0.5),
		       percentile(f->delay_ms, f->n_delay, 0.95), percentile(f->delay_ms, f->n_delay, 0.99),
		       percentile(f->delay_ms, f->n_delay, 1), f->early_p50, f->late_p50);
	if (l->o.measure == MEASURE_LEVELS)
		printf("levels      %zu heard, worst error %.2f dB; own voice, of %zu talkers, at most %.1f dB of what was sent\n", f->n_levels,
		       f->level_error_db, f->n_own, f->own_db);
}

void print_text(const struct load *l)
{
	const struct stats *st = &l->st;

	printf("calls       %llu answered, %llu failed, %llu ended by the server, %llu BYEs without an answer\n", (ull)st->answered,
	       (ull)st->failed, (ull)st->ended_by_peer, (ull)st->bye_failed);
	if (st->failed) {
		fputs("failed      ", stdout);
		codes_print(st, false);
		putchar('\n');
	}
	printf("set-up      p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", percentile(st->setup_ms, st->n_setup, 0.5),
	       percentile(st->setup_ms, st->n_setup, 0.99), percentile(st->setup_ms, st->n_setup, 1));
	printf("RTP         %llu sent, %llu received, %llu lost, %llu out of order, %llu gaps over %d ms, %llu calls heard nothing\n",
	       (ull)st->tx, (ull)st->rx, (ull)st->lost, (ull)st->reordered, (ull)st->gaps, GAP_MS, (ull)st->silent_calls);
	found_text(l);
	if (st->late_ticks)
		printf("late ticks  %llu packets left over 5 ms late: the generator itself was too slow, trust no figure above\n",
		       (ull)st->late_ticks);
	if (l->o.pid)
		server_text(l);
}
