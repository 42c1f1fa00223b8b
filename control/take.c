/*
 * take.c - one recording.
 *
 *     room's samples    ....[a b c d][e f]....(paused)....[g h]..      ticks of one tap, or of several
 *     the recording's       [a b c d][e f][g h]                        at: where the tick that is being read begins
 *     mix.flac              [a b c d e f g h]
 *     stem-2.flac                [c d - f - h]                         from its first sound on; silence between
 *
 * A stem begins with the first sound of its member, so a thousand silent listeners are a thousand lines and no file. All files are kept as
 * long as the mix, so that none has an hour of silence to write when somebody begins to speak.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include "take.h"
#include "manifest.h"
#include "mixer/limiter.h"

enum { RATE = 48000, FILL_MAX = 10 * RATE, TAIL = RATE / 2, BLOCK_MAX = 960, CH_MAX = 2, ROUND_MS = 1000, MEMBERS_A_SECOND = 1000 };

struct track { struct recfile *f; uint64_t offset, n_smp; };

struct voice {
	struct le le;             /* take.voices: of who is in the room, or has just left */
	struct manifest_member *mb;
	struct track track;
	bool named, leaving;
	uint64_t gone_at;
};

struct info { struct le le; struct take_member mb; };    /* of who was told of and not yet heard of */

struct take {
	struct take_conf conf;
	struct manifest m;
	struct track mix;
	struct limiter limiter;
	struct list voices, infos;
	unsigned n_files;         /* open stems */
	unsigned n_stems, n_members;      /* so far */
	uint64_t closed_bytes;    /* of files that are finished */
	bool begun, spliced;
	uint64_t at, tick;        /* where the tick begins, and how long it is */
	uint64_t next_pos;        /* of the room, where the next tick should begin */
	uint64_t round_ms;        /* when the manifest was last written; 0: never */
	uint64_t written_at;      /* how long it was then */
	bool news;                /* something else has changed since */
	float buf[BLOCK_MAX * CH_MAX];
};

/* --- a track --- */

static int track_pad(struct track *t, uint64_t at)
{
	uint64_t end = t->offset + t->n_smp;
	int err;

	if (!t->f || at <= end)
		return 0;
	err = recfile_write(t->f, NULL, (size_t)(at - end));
	t->n_smp += at - end;
	return err;
}

static void channels(float *dst, unsigned to, const float *src, unsigned from, size_t n_smp)
{
	for (size_t i = 0; i < n_smp; i++)
		for (unsigned c = 0; c < to; c++)
			dst[i * to + c] = to == from ? src[i * to + c] : from == 1 ? src[i] : (src[2 * i] + src[2 * i + 1]) / 2;
}

static int track_write(struct track *t, uint64_t at, const float *smp, size_t n_smp)
{
	int err = track_pad(t, at);

	if (!err)
		err = recfile_write(t->f, smp, n_smp);
	t->n_smp += n_smp;
	return err;
}

/* name: room for it, filled in when it is there. */
static int track_open(struct track *t, char name[MANIFEST_NAME_MAX], struct take *k, const char *stem, unsigned n, unsigned ch)
{
	char file[MANIFEST_NAME_MAX], path[sizeof(k->conf.dir) + MANIFEST_NAME_MAX];
	int err;

	if (n)
		(void)re_snprintf(file, sizeof(file), "%s-%u.%s", stem, n, recfile_suffix(k->conf.kind));
	else
		(void)re_snprintf(file, sizeof(file), "%s.%s", stem, recfile_suffix(k->conf.kind));
	(void)re_snprintf(path, sizeof(path), "%s/%s", k->conf.dir, file);
	err = recfile_open(&t->f, path, k->conf.kind, ch);
	if (err)
		return err;
	t->offset = k->at;
	memcpy(name, file, sizeof(file));
	k->news = true;
	return 0;
}

static int track_close(struct take *k, struct track *t)
{
	int err;

	if (!t->f)
		return 0;
	err = recfile_finish(t->f);
	k->closed_bytes += recfile_bytes(t->f);
	t->f = mem_deref(t->f);
	return err;
}

/* --- members --- */

static void voice_destructor(void *arg)
{
	struct voice *v = arg;

	list_unlink(&v->le);
	mem_deref(v->track.f);
}

static void info_destructor(void *arg)
{
	struct info *i = arg;

	list_unlink(&i->le);
}

static struct voice *voice_find(const struct take *k, uint64_t leg)
{
	struct le *le;

	LIST_FOREACH(&k->voices, le) {
		struct voice *v = le->data;

		if (v->mb->leg == leg)
			return v;
	}
	return NULL;
}

static struct info *info_find(const struct take *k, uint64_t leg)
{
	struct le *le;

	LIST_FOREACH(&k->infos, le) {
		struct info *i = le->data;

		if (i->mb.leg == leg)
			return i;
	}
	return NULL;
}

static void voice_name(struct take *k, struct voice *v, const struct take_member *mb)
{
	v->mb->id = mb->id;
	v->mb->role = mb->role;
	memcpy(v->mb->uri, mb->uri, sizeof(v->mb->uri));
	memcpy(v->mb->name, mb->name, sizeof(v->mb->name));
	v->named = true;
	k->news = true;
}

static int voice_end(struct take *k, struct voice *v)
{
	uint64_t now = k->at + k->tick, at = v->leaving && v->gone_at < now ? v->gone_at : now;
	int err = track_close(k, &v->track);

	k->n_files -= v->mb->file[0] ? 1 : 0;
	v->mb->samples = v->track.n_smp;
	v->mb->left = at;
	(void)manifest_mute(v->mb, at, false);
	k->news = true;
	mem_deref(v);
	return err;
}

static int voice_new(struct voice **vp, struct take *k, uint64_t leg)
{
	struct voice *v = mem_zalloc(sizeof(*v), voice_destructor);
	struct info *i = info_find(k, leg);
	int err;

	if (!v)
		return ENOMEM;
	err = manifest_member_add(&v->mb, &k->m, leg);
	if (err) {
		mem_deref(v);
		return err;
	}
	k->n_members++;
	v->mb->joined = k->at;
	list_append(&k->voices, &v->le, v);
	if (i)
		voice_name(k, v, &i->mb);
	mem_deref(i);
	k->news = true;
	*vp = v;
	return 0;
}

void take_member(struct take *k, const struct take_member *mb)
{
	struct voice *v = voice_find(k, mb->leg);
	struct info *i;

	if (v && !v->leaving) {
		voice_name(k, v, mb);
		return;
	}
	i = info_find(k, mb->leg);
	if (!i && list_count(&k->infos) < TAKE_MEMBERS_MAX) {
		i = mem_zalloc(sizeof(*i), info_destructor);
		if (i)
			list_append(&k->infos, &i->le, i);
	}
	if (i)
		i->mb = *mb;
}

void take_left(struct take *k, uint64_t leg)
{
	struct voice *v = voice_find(k, leg);

	mem_deref(info_find(k, leg));
	if (!v || v->leaving)
		return;
	v->leaving = true;
	v->gone_at = MANIFEST_OPEN;       /* the ring tells it, if it was not full just then; else take_round finds out */
}

/* NULL: more than are kept. */
static int voice_for(struct voice **vp, struct take *k, uint64_t leg)
{
	struct voice *v = voice_find(k, leg);
	int err = 0;

	if (v && v->leaving && info_find(k, leg)) {       /* it is back before its tail had passed */
		err = voice_end(k, v);
		v = NULL;
	}
	if (!v && !err && k->n_members < TAKE_MEMBERS_MAX)
		err = voice_new(&v, k, leg);
	*vp = v;
	return err;
}

static int on_member(struct take *k, const struct tap_block *b)
{
	struct voice *v = NULL;
	int err = voice_for(&v, k, b->leg);

	k->news = true;
	return err || !v ? err : manifest_mute(v->mb, k->at, b->muted);
}

static int on_left(struct take *k, const struct tap_block *b)
{
	struct voice *v = voice_find(k, b->leg);

	if (!v)
		return 0;
	v->leaving = true;
	v->gone_at = k->at + k->tick;
	return voice_end(k, v);
}

/* --- sound --- */

static int on_stem(struct take *k, const struct tap_block *b)
{
	struct voice *v = NULL;
	int err = voice_for(&v, k, b->leg);

	if (err || !v || v->mb->no_file)
		return err;
	if (!v->track.f && k->n_files >= TAKE_STEMS_MAX) {
		v->mb->no_file = "too many at once";
		return 0;
	}
	if (!v->track.f) {
		err = track_open(&v->track, v->mb->file, k, "stem", ++k->n_stems, b->channels);
		if (err)
			return err;
		k->n_files++;
		v->mb->offset = v->track.offset;
		v->mb->channels = b->channels;
	}
	channels(k->buf, v->mb->channels, b->smp, b->channels, b->n_smp);
	return track_write(&v->track, k->at, k->buf, b->n_smp);
}

static int on_mix(struct take *k, const struct tap_block *b)
{
	channels(k->buf, k->m.mix_channels, b->smp, b->channels, b->n_smp);
	limiter_rt(&k->limiter, k->buf, b->n_smp, (uint8_t)k->m.mix_channels);
	return track_write(&k->mix, k->at, k->buf, b->n_smp);
}

/* --- time --- */

static int miss(struct take *k, uint64_t n, const char *why, bool fill)
{
	const struct manifest_gap gap = {k->at, n, why, fill};

	k->news = true;
	if (fill)
		k->at += n;
	return manifest_gap(&k->m, &gap);
}

/* What lies between this tick and the one before. */
static int bridge(struct take *k, const struct tap_block *b)
{
	uint64_t n = b->pos > k->next_pos ? b->pos - k->next_pos : 0;
	bool spliced = k->spliced;

	k->spliced = false;
	if (!k->begun || !n)
		return 0;
	if (spliced)
		return miss(k, n, "paused", false);
	if (b->why & TAP_WOKE)
		return miss(k, n, "empty", false);
	if (n > FILL_MAX)
		return miss(k, n, "stalled", false);
	return miss(k, n, b->why & TAP_LOST ? "full" : "late", true);
}

static int on_tick(struct take *k, const struct tap_block *b)
{
	int err;

	k->at += k->tick;
	k->tick = 0;
	err = bridge(k, b);
	if (!err && !k->mix.f) {
		err = track_open(&k->mix, k->m.mix, k, "mix", 0, b->channels);
		k->m.mix_channels = b->channels;
	}
	k->begun = true;
	k->next_pos = b->pos + b->n_smp;
	k->tick = b->n_smp;
	if (!err && k->conf.max_smp && k->at + k->tick > k->conf.max_smp) {
		k->tick = 0;
		return ETIMEDOUT;
	}
	return err;
}

int take_block(struct take *k, const struct tap_block *b)
{
	if (b->n_smp > BLOCK_MAX || b->channels > CH_MAX)
		return EINVAL;
	switch (b->kind) {
	case TAP_TICK:   return on_tick(k, b);
	case TAP_MEMBER: return on_member(k, b);
	case TAP_LEFT:   return on_left(k, b);
	case TAP_STEM:   return on_stem(k, b);
	case TAP_MIX:    return on_mix(k, b);
	}
	return EINVAL;
}

void take_splice(struct take *k) { k->spliced = true; }

void take_pause(struct take *k, bool on)
{
	k->m.state = on ? "paused" : "running";
	k->news = true;
}

/* All files as far as this; nobody is behind. */
static int pad_all(struct take *k, uint64_t at)
{
	int err = track_pad(&k->mix, at);
	struct le *le = list_head(&k->voices);

	while (le && !err) {
		struct voice *v = le->data;

		le = le->next;
		if (v->leaving && v->gone_at != MANIFEST_OPEN && at > v->gone_at + TAIL)
			err = voice_end(k, v);
		else
			err = track_pad(&v->track, at);
	}
	return err;
}

static int flush_all(struct take *k)
{
	int err = k->mix.f ? recfile_flush(k->mix.f) : 0;
	struct le *le;

	LIST_FOREACH(&k->voices, le) {
		struct voice *v = le->data;

		v->mb->samples = v->track.n_smp;
		if (v->track.f && !err)
			err = recfile_flush(v->track.f);
	}
	return err;
}

static int check_disk(const struct take *k)
{
	struct statvfs st;

	if (!k->conf.min_free || statvfs(k->conf.dir, &st))
		return 0;
	return (uint64_t)st.f_bavail * st.f_frsize < k->conf.min_free ? ENOSPC : 0;
}

/* Once a second, seldomer when it is long. */
static int write_manifest(struct take *k, uint64_t now_ms)
{
	uint64_t wait_ms = ROUND_MS + ROUND_MS * (uint64_t)k->n_members / MEMBERS_A_SECOND;
	int err;

	if (k->round_ms && (now_ms < k->round_ms + wait_ms || (!k->news && k->at == k->written_at)))
		return 0;
	k->m.samples = k->at + k->tick;
	err = check_disk(k);
	if (!err)
		err = manifest_write(&k->m, k->conf.dir);
	k->round_ms = now_ms ? now_ms : 1;
	k->written_at = k->at;
	k->news = false;
	return err;
}

static void mark_gone(struct take *k)
{
	struct le *le;

	LIST_FOREACH(&k->voices, le) {
		struct voice *v = le->data;

		if (v->leaving && v->gone_at == MANIFEST_OPEN)
			v->gone_at = k->at + k->tick;
	}
}

int take_round(struct take *k, uint64_t now_ms, bool caught_up)
{
	int err = pad_all(k, k->at);

	if (caught_up)
		mark_gone(k);

	if (!err)
		err = flush_all(k);
	return err ? err : write_manifest(k, now_ms);
}

int take_finish(struct take *k, const char *state, const char *why)
{
	int err = pad_all(k, k->at + k->tick), e;
	struct timespec ts;
	struct le *le;

	while ((le = list_head(&k->voices))) {
		e = voice_end(k, le->data);
		err = err ? err : e;
	}
	e = track_close(k, &k->mix);
	err = err ? err : e;
	clock_gettime(CLOCK_REALTIME, &ts);
	k->m.ended_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	k->m.samples = k->at + k->tick;
	k->m.state = state;
	k->m.why = why;
	e = manifest_write(&k->m, k->conf.dir);
	return err ? err : e;
}

/* --- life --- */

uint64_t take_bytes(const struct take *k)
{
	uint64_t n = k->closed_bytes + (k->mix.f ? recfile_bytes(k->mix.f) : 0);
	struct le *le;

	LIST_FOREACH(&k->voices, le) {
		const struct voice *v = le->data;

		n += v->track.f ? recfile_bytes(v->track.f) : 0;
	}
	return n;
}

static void destructor(void *arg)
{
	struct take *k = arg;

	list_flush(&k->voices);
	list_flush(&k->infos);
	mem_deref(k->mix.f);
	manifest_clear(&k->m);
}

static int make_folders(const char *dir)
{
	char parent[sizeof(((struct take_conf *)0)->dir)];
	char *slash;

	str_ncpy(parent, dir, sizeof(parent));
	slash = strrchr(parent, '/');
	if (slash && slash != parent) {
		*slash = '\0';
		if (mkdir(parent, 0700) && errno != EEXIST)
			return errno;
	}
	return mkdir(dir, 0700) ? errno : 0;
}

int take_open(struct take **kp, const struct take_conf *conf)
{
	struct take *k = mem_zalloc(sizeof(*k), destructor);
	int err;

	if (!k)
		return ENOMEM;
	k->conf = *conf;
	manifest_init(&k->m);
	limiter_init(&k->limiter);
	memcpy(k->m.id, conf->id, sizeof(k->m.id));
	memcpy(k->m.room, conf->room, sizeof(k->m.room));
	memcpy(k->m.by, conf->by, sizeof(k->m.by));
	k->m.codec = recfile_suffix(conf->kind);
	k->m.started_ms = conf->started_ms;
	err = make_folders(conf->dir);
	if (!err)
		err = check_disk(k);
	if (!err)
		err = manifest_write(&k->m, conf->dir);
	if (err)
		mem_deref(k);
	else
		*kp = k;
	return err;
}
