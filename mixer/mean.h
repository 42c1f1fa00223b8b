/*
 * mean.h - the mean, and the least, of what came lately: of the period that runs and the one before it.
 */
#ifndef MIXER_MEAN_H
#define MIXER_MEAN_H

#include <stdint.h>

struct mean {
	int64_t  sum, sum_before, least, least_before;
	uint32_t n, n_before;
	uint64_t since;
};

/* now and period in whatever units. */
static inline void mean_add_rt(struct mean *m, int64_t v, uint64_t now, uint64_t period)
{
	if (now - m->since >= period || (!m->n && !m->n_before)) {
		const uint32_t old = now - m->since >= 2 * period || !m->n;

		m->sum_before = old ? 0 : m->sum;
		m->n_before = old ? 0 : m->n;
		m->least_before = old ? v : m->least;
		m->least = v;
		m->sum = m->n = 0;
		m->since = now;
	}
	m->least = v < m->least ? v : m->least;
	m->sum += v;
	m->n++;
}

static inline int64_t mean_of(const struct mean *m)
{
	const int64_t n = (int64_t)m->n + m->n_before;

	return n ? (m->sum + m->sum_before) / n : 0;
}

static inline int64_t mean_least(const struct mean *m)
{
	return m->least < m->least_before ? m->least : m->least_before;
}

#endif
