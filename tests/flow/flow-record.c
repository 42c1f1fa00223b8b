/*
 * flow-record.c - a room recorded, from the verb to the files, which are read back.
 *
 *     record(start)  >  a, b, c, d )))  >  mix.flac, stem-N.flac, manifest.json         mix = sum of stems, to the sample
 *
 * The sound is on the test's clock; the recorder's thread is real, and waited for.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <sndfile.h>
#include <string.h>
#include <sys/stat.h>
#include "control/control.h"
#include "control/event.h"
#include "control/record.h"
#include "control/snapshot.h"
#include "control/store.h"
#include "control/wheel.h"
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "mixer/move.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

#define PEAK 0.15
#define BIT (1.0 / 8388608)       /* of 24 */

enum { N_TURNED = 2, MAX_S = 30 };

static const double hz[] = { 441.7, 703.3, 1109.1, 1511.9 };
static const struct actor sys = { .kind = ACTOR_SYSTEM, .name = "the house" };

struct end { struct member *mb; struct face face; uint32_t id, first_id; };        /* id 0: it is out */

static struct stage *stage;
static struct control *control;
static struct record *record;
static struct store *store;
static char *folder;
static struct end end[6];
static GString *told;             /* details of room-changed, with a space behind each */

static void on_bye(void *arg, const char *why)
{
	((struct end *)arg)->id = 0;
}

static void on_event(const struct event *ev, void *arg)
{
	if (ev->type == EVENT_ROOM_CHANGED)
		g_string_append_printf(told, "%s ", ev->detail);
}

static void open_record(bool flac, uint32_t max)
{
	g_autofree char *dir = g_strdup_printf("%s/recordings", folder);
	const struct record_conf rc = { .dir = dir, .flac = flac, .stems = true, .max = max };

	g_assert_cmpint(record_alloc(&record, control, &rc), ==, 0);
}

static struct event_lsnr *lsnr;

static void open_house(bool flac, uint32_t max)
{
	struct mixer_conf mc = { .n_turned = N_TURNED, .port_min = 40000, .port_max = 49999 };
	struct control_conf conf = { .auto_rooms = true, .empty_timeout_s = 60 };
	g_autofree char *db = NULL;
	char *why = NULL;

	memset(end, 0, sizeof(end));
	folder = g_dir_make_tmp("tutti-record-XXXXXX", NULL);
	told = g_string_new(NULL);
	db = g_strdup_printf("%s/tutti.db", folder);
	g_assert_cmpint(store_open(&store, db, &why), ==, 0);
	stage = stage_new(1250);
	mem_deref(stage->m);
	stage->m = NULL;
	g_assert_cmpint(mixer_alloc(&stage->m, &mc), ==, 0);
	conf.store = store;
	g_assert_cmpint(control_alloc(&control, &conf, stage->m), ==, 0);
	g_assert_cmpint(event_listen(&lsnr, control, NULL, on_event, NULL), ==, 0);
	open_record(flac, max);
}

static int erase(const char *path)
{
	g_autoptr(GDir) d = g_dir_open(path, 0, NULL);
	const char *name;

	while (d && (name = g_dir_read_name(d))) {
		g_autofree char *below = g_build_filename(path, name, NULL);

		erase(below);
	}
	return g_remove(path);
}

static void close_house(void)
{
	struct command cmd = { .verb = VERB_LEAVE };

	for (unsigned i = 0; i < G_N_ELEMENTS(end); i++) {
		cmd.member = end[i].id;
		if (end[i].id)
			g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	}
	stage_run(stage, 100);
	record = mem_deref(record);
	lsnr = mem_deref(lsnr);
	control = mem_deref(control);
	stage_run(stage, 100);
	stage_free(stage);
	wheel_close();
	store = mem_deref(store);
	g_assert_cmpint(erase(folder), ==, 0);
	g_free(folder);
	g_string_free(told, TRUE);
}

static void joins_as(unsigned i, const struct peer_conf *conf)
{
	g_autofree char *uri = g_strdup_printf("sip:m%u@test", i), *name = g_strdup_printf("Member \"%u\"", i);
	struct command cmd = { .verb = VERB_JOIN, .room = "band", .uri = uri, .name = name, .role = ROLE_SPEAKER, .face = &end[i].face };
	struct result res;

	end[i].mb = stage_member(stage, conf);
	end[i].face = (struct face){ .leg = end[i].mb->leg, .bye = on_bye, .arg = &end[i] };
	g_assert_cmpint(control_run(control, &sys, &cmd, &res), ==, 0);
	end[i].id = end[i].first_id = res.member;
}

static void joins(unsigned i, const char *codec, uint32_t clock, uint8_t pt, uint32_t ptime_us)
{
	joins_as(i, &(struct peer_conf){ codec, clock, pt, 1, ptime_us, hz[i % 4], PEAK, false, NULL });
}

static void four(void)
{
	joins(0, "PCMU", 8000, 0, 20000);
	joins(1, "opus", 48000, 96, 20000);
	joins(2, "L16", 48000, 98, 10000);
	joins(3, "G722", 8000, 9, 20000);
}

static int run_verb(enum verb verb, uint32_t member, bool on, float value)
{
	struct command cmd = { .verb = verb, .room = "band", .member = member, .on = on, .value = value };

	return control_run(control, &sys, &cmd, NULL);
}

static int rec(const char *text)
{
	struct command cmd = { .verb = VERB_RECORD, .room = "band", .text = text };

	return control_run(control, &sys, &cmd, NULL);
}

/* The recorder is never more than 200 ms of sound behind. */
static void run(uint32_t ms)
{
	for (; ms; ms -= ms < 200 ? ms : 200) {
		stage_run(stage, ms < 200 ? ms : 200);
		record_sync(record);
	}
	record_dispatch(record);
}

static void until_finished(void)
{
	struct record_stats st;
	gint64 limit = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

	stage_run(stage, 50);
	do {
		record_sync(record);
		record_dispatch(record);
		record_stats(record, &st);
	} while (st.running && g_get_monotonic_time() < limit);
	g_assert_cmpuint(st.running, ==, 0);
	record_sync(record);
	record_dispatch(record);
}

static const char *room_recording(void)
{
	static char state[8];
	struct snapshot *s = NULL;

	g_assert_cmpint(snapshot_take(&s, control, "band"), ==, 0);
	memcpy(state, s->recording, sizeof(state));
	mem_deref(s);
	return state;
}

/* --- what was recorded --- */

struct file { float *smp; size_t n; unsigned channels; uint64_t offset; };

struct result_of { char *dir; JsonNode *root; JsonObject *o; struct file mix; struct file stem[6]; struct store_recording row; };

static bool take_row(const struct store_recording *r, void *arg)
{
	*(struct store_recording *)arg = *r;
	return false;
}

static bool wait_written(void *arg)
{
	struct store_stats st;

	store_stats(store, &st);
	return !st.waiting;
}

static void read_sound(struct file *f, const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	SF_INFO info = { 0 };
	SNDFILE *sf = sf_open(path, SFM_READ, &info);
	struct stat st;

	g_assert_nonnull(sf);
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
	g_assert_cmpint(info.samplerate, ==, 48000);
	f->channels = (unsigned)info.channels;
	f->smp = g_new0(float, (size_t)48000 * MAX_S * f->channels);
	f->n = (size_t)sf_readf_float(sf, f->smp, 48000 * MAX_S);
	sf_close(sf);
}

/* Of end i, in whatever order they are there. */
static JsonObject *member_of(const struct result_of *r, unsigned i)
{
	JsonArray *all = json_object_get_array_member(r->o, "members");

	for (unsigned k = 0; k < json_array_get_length(all); k++) {
		JsonObject *m = json_array_get_object_element(all, k);

		if (json_object_get_int_member(m, "id") == end[i].first_id)
			return m;
	}
	g_assert_not_reached();
}

static unsigned n_members(const struct result_of *r)
{
	return json_array_get_length(json_object_get_array_member(r->o, "members"));
}

static JsonObject *gap_of(const struct result_of *r, unsigned i)
{
	return json_array_get_object_element(json_object_get_array_member(r->o, "gaps"), i);
}

static unsigned n_gaps(const struct result_of *r)
{
	return json_array_get_length(json_object_get_array_member(r->o, "gaps"));
}

static gint64 number(JsonObject *o, const char *name) { return json_object_get_int_member(o, name); }

static JsonArray *mutes_of(const struct result_of *r, unsigned i)
{
	return json_object_get_array_member(member_of(r, i), "mutes");
}

/* The newest recording of the room. */
static void result_read(struct result_of *r)
{
	g_autoptr(JsonParser) p = json_parser_new();
	g_autofree char *path = NULL;
	JsonObject *mix;

	memset(r, 0, sizeof(*r));
	while (!wait_written(NULL))
		g_usleep(1000);
	g_assert_cmpint(store_recordings(store, "band", take_row, &r->row), ==, 0);
	r->dir = g_strdup(r->row.dir);
	path = g_build_filename(r->dir, "manifest.json", NULL);
	g_assert_true(json_parser_load_from_file(p, path, NULL));
	r->root = json_parser_steal_root(p);
	r->o = json_node_get_object(r->root);
	g_assert_cmpstr(json_object_get_string_member(r->o, "id"), ==, r->row.id);
	g_assert_cmpstr(json_object_get_string_member(r->o, "state"), ==, r->row.state);
	if (json_object_get_null_member(r->o, "mix"))
		return;
	mix = json_object_get_object_member(r->o, "mix");
	read_sound(&r->mix, r->dir, json_object_get_string_member(mix, "file"));
	g_assert_cmpuint(r->mix.n, ==, number(r->o, "samples"));
	g_assert_cmpuint(n_members(r), <=, G_N_ELEMENTS(r->stem));
	for (unsigned i = 0; i < n_members(r); i++) {
		JsonObject *m = member_of(r, i);

		if (json_object_get_null_member(m, "file"))
			continue;
		read_sound(&r->stem[i], r->dir, json_object_get_string_member(m, "file"));
		r->stem[i].offset = (uint64_t)number(m, "offset");
		g_assert_cmpuint(r->stem[i].n, ==, number(m, "samples"));
		g_assert_cmpuint(r->stem[i].offset + r->stem[i].n, <=, r->mix.n);
	}
}

static void result_free(struct result_of *r)
{
	g_free(r->mix.smp);
	for (unsigned i = 0; i < G_N_ELEMENTS(r->stem); i++)
		g_free(r->stem[i].smp);
	json_node_free(r->root);
	g_free(r->dir);
}

static float at(const struct file *f, size_t i)
{
	return i < f->offset || i >= f->offset + f->n ? 0 : f->smp[(i - f->offset) * f->channels];
}

/* The greatest difference of the (mono) mix and the stems, each times its gain. */
static double worst(const struct result_of *r, const float *gain, size_t from, size_t to)
{
	double most = 0;

	for (size_t i = from; i < to; i++) {
		double sum = 0;

		for (unsigned s = 0; s < n_members(r); s++)
			if (r->stem[s].smp)
				sum += (gain ? gain[s] : 1) * (double)at(&r->stem[s], i);
		most = fmax(most, fabs(sum - (double)r->mix.smp[i * r->mix.channels]));
	}
	return most;
}

static double level(const struct file *f, size_t from, size_t to)
{
	g_autofree float *x = g_new(float, to - from);

	for (size_t i = from; i < to; i++)
		x[i - from] = at(f, i);
	return signal_level_db(x, to - from);
}

static double tone(const struct file *f, size_t from, size_t to, double freq)
{
	g_autofree float *x = g_new(float, to - from);

	for (size_t i = from; i < to; i++)
		x[i - from] = at(f, i);
	return signal_tone_peak(x, to - from, 48000, freq);
}

/* --- the sum --- */

static void test_flac(void)
{
	const float gain[] = { 1, powf(10, -6 / 20.f), powf(10, 3 / 20.f), 1, };
	struct result_of r;

	open_house(true, 1);
	four();
	stage_run(stage, 1000);
	g_assert_cmpint(run_verb(VERB_GAIN, end[1].id, false, -6), ==, 0);
	g_assert_cmpint(run_verb(VERB_GAIN, end[2].id, false, 3), ==, 0);
	stage_run(stage, 100);
	g_assert_cmpstr(room_recording(), ==, "");
	g_assert_cmpint(rec("start"), ==, 0);
	g_assert_cmpint(rec("start"), ==, 0);             /* so it is */
	g_assert_cmpstr(room_recording(), ==, "running");
	run(3000);
	g_assert_cmpint(rec("stop"), ==, 0);
	g_assert_cmpstr(room_recording(), ==, "");
	g_assert_cmpint(rec("stop"), ==, ENOENT);
	until_finished();
	g_assert_cmpstr(told->str, ==, "recording-started recording-stopped ");
	result_read(&r);
	g_assert_cmpstr(r.row.state, ==, "finished");
	g_assert_cmpstr(r.row.by, ==, "the house");
	g_assert_cmpuint(r.row.bytes, >, 100000);
	g_assert_cmpuint(r.row.end_ms, >=, r.row.start_ms);
	g_assert_cmpuint(n_members(&r), ==, 4);
	g_assert_cmpuint(n_gaps(&r), ==, 0);
	g_assert_cmpuint(r.mix.n, >, 48000 * 29 / 10);
	g_assert_cmpuint(r.mix.channels, ==, 1);
	g_test_message("mix and stems x gains differ by %.2f of the last bit", worst(&r, gain, 0, r.mix.n) / BIT);
	g_assert_cmpfloat(worst(&r, gain, 0, r.mix.n), <, 4 * BIT);
	for (unsigned i = 0; i < 4; i++) {
		JsonObject *m = member_of(&r, i);
		g_autofree char *name = g_strdup_printf("Member \"%u\"", i);

		g_assert_cmpuint(number(m, "id"), ==, end[i].id);
		g_assert_cmpstr(json_object_get_string_member(m, "name"), ==, name);
		g_assert_cmpuint(number(m, "joined"), ==, 0);
		for (unsigned k = 0; k < 4; k++)
			if (k == i)
				g_assert_cmpfloat(fabs(20 * log10(tone(&r.stem[i], 4800, 96000, hz[k]) / PEAK)), <, 0.7);
			else
				g_assert_cmpfloat(tone(&r.stem[i], 4800, 96000, hz[k]), <, PEAK / 100);
	}
	result_free(&r);
	close_house();
}

/* Chirps: each stem is where the mix has it, by correlation; Opus delays nothing that is not told in its file. */
static void test_opus(void)
{
	enum { N = 48000 };
	static float chirp[2][N];
	struct result_of r;

	open_house(false, 1);
	signal_chirp(chirp[0], N, 48000, 200, 3000, PEAK);
	signal_chirp(chirp[1], N, 48000, 5000, 400, PEAK);
	for (unsigned i = 0; i < 2; i++) {
		joins(i, "L16", 48000, 98, 10000);
		end[i].mb->peer->play = chirp[i];
		end[i].mb->peer->n_play = N;
	}
	stage_run(stage, 1000);
	g_assert_cmpint(rec("start"), ==, 0);
	run(3000);
	g_assert_cmpint(rec("stop"), ==, 0);
	until_finished();
	result_read(&r);
	g_assert_cmpuint(n_members(&r), ==, 2);
	for (unsigned i = 0; i < 2; i++) {
		const size_t lag = 480, from = 24000, n = 48000;
		g_autofree float *stem = g_new0(float, n + 2 * lag), *mix = g_new0(float, n + 2 * lag);

		for (size_t k = 0; k < n + 2 * lag; k++) {
			stem[k] = at(&r.stem[i], from + k);
			mix[k] = at(&r.mix, from + k);
		}
		/* the mix is neither behind the stem nor before it */
		g_assert_cmpuint(signal_delay(mix, stem, n + lag, lag), ==, 0);
		g_assert_cmpuint(signal_delay(stem, mix, n + lag, lag), ==, 0);
		g_assert_cmpuint(signal_delay(mix + lag, stem, n + lag, 2 * lag), !=, 0);
	}
	result_free(&r);
	close_house();
}

/* --- who comes, goes, is muted --- */

static void test_members(void)
{
	struct result_of r;
	uint64_t late, muted, gone;

	open_house(true, 1);
	joins(0, "PCMU", 8000, 0, 20000);
	stage_run(stage, 500);
	g_assert_cmpint(rec("start"), ==, 0);
	run(1000);
	late = 48000;
	joins(1, "PCMU", 8000, 0, 20000);
	run(1000);
	muted = 96000;
	g_assert_cmpint(run_verb(VERB_MUTE, end[0].id, true, 0), ==, 0);
	run(1000);
	g_assert_cmpint(run_verb(VERB_MUTE, end[0].id, false, 0), ==, 0);
	run(1000);
	gone = 4 * 48000;
	g_assert_cmpint(run_verb(VERB_KICK, end[1].id, false, 0), ==, 0);
	run(1000);
	/* the same phone comes back: another member, another stem */
	joins(2, "PCMU", 8000, 0, 20000);
	run(500);
	g_assert_cmpint(rec("stop"), ==, 0);
	until_finished();
	result_read(&r);
	g_assert_cmpuint(n_members(&r), ==, 3);
	/* samples of a tick of 20 ms each way, and a packet until the first is heard */
	g_assert_cmpint(llabs(number(member_of(&r, 1), "joined") - (gint64)late), <=, 1920);
	g_assert_cmpuint(r.stem[1].offset, >=, late);
	g_assert_cmpuint(r.stem[1].offset, <, late + 4800);
	g_assert_cmpint(llabs(number(member_of(&r, 1), "left") - (gint64)gone), <=, 1920);
	g_assert_cmpuint(r.stem[1].offset + r.stem[1].n, <=, gone + 1920);
	g_assert_true(json_object_get_null_member(member_of(&r, 0), "left") == FALSE);
	g_assert_cmpuint(json_array_get_length(mutes_of(&r, 0)), ==, 1);
	g_assert_cmpuint(json_array_get_length(mutes_of(&r, 1)), ==, 0);
	{
		JsonArray *span = json_array_get_array_element(mutes_of(&r, 0), 0);

		g_assert_cmpint(llabs(json_array_get_int_element(span, 0) - (gint64)muted), <=, 1920);
		g_assert_cmpint(llabs(json_array_get_int_element(span, 1) - (gint64)muted - 48000), <=, 1920);
	}
	g_assert_cmpfloat(level(&r.stem[0], muted + 1920, muted + 48000 - 1920), <, -150);
	g_assert_cmpfloat(tone(&r.stem[0], muted + 52800, muted + 90000, hz[0]), >, PEAK * 0.9);
	g_assert_cmpfloat(worst(&r, NULL, 0, r.mix.n), <, 4 * BIT);
	result_free(&r);
	close_house();
}

/* Rooms move between threads, musicians make their ticks shorter: the files do not know. */
static void test_moves(void)
{
	struct result_of r;
	struct bus *b;

	open_house(true, 1);
	joins(0, "PCMU", 8000, 0, 20000);
	joins(1, "opus", 48000, 96, 20000);
	stage_run(stage, 500);
	b = end[0].mb->leg->bus;
	g_assert_cmpint(rec("start"), ==, 0);
	for (unsigned i = 0; i < 8; i++) {
		g_assert_cmpint(bus_move(b, stage->m->threads[b->t == stage->m->threads[0]]), ==, 0);
		run(100);
		if (i == 2)
			joins(2, "L16", 48000, 98, 10000);
		run(100);
	}
	g_assert_cmpint(rec("stop"), ==, 0);
	until_finished();
	result_read(&r);
	g_assert_cmpuint(n_gaps(&r), ==, 0);
	g_assert_cmpuint(r.mix.n, >=, 48000 * 158 / 100);
	g_assert_cmpfloat(worst(&r, NULL, 0, r.mix.n), <, 4 * BIT);
	result_free(&r);
	close_house();
}

/* Media threads of their own, in the machine's time: whatever ticks there are, the mix is what the stems make. */
static void test_threads(void)
{
	struct mixer_conf mc = { .n_threads = 2, .port_min = 30000, .port_max = 39999 };
	struct result_of r;
	struct bus *b;
	gint64 begin;

	open_house(true, 1);
	record = mem_deref(record);
	lsnr = mem_deref(lsnr);
	control = mem_deref(control);
	mem_deref(stage->m);
	stage->m = NULL;
	g_assert_cmpint(mixer_alloc(&stage->m, &mc), ==, 0);
	g_assert_cmpint(control_alloc(&control, &(struct control_conf){ .auto_rooms = true, .empty_timeout_s = 60, .store = store }, stage->m), ==, 0);
	open_record(true, 1);
	joins(0, "L16", 48000, 98, 10000);
	joins(1, "PCMU", 8000, 0, 20000);
	b = end[0].mb->leg->bus;
	g_assert_cmpint(rec("start"), ==, 0);
	begin = g_get_monotonic_time();
	for (gint64 now = begin, moved = begin; now < begin + 1500000; now = g_get_monotonic_time()) {
		for (int i = 0; i < 2; i++)
			peer_send(end[i].mb->peer, (uint64_t)now);
		g_usleep(1000);
		mixer_dispatch(stage->m);
		record_dispatch(record);
		if (now > moved + 100000 && !bus_moving(b)) {
			moved = now;
			(void)bus_move(b, stage->m->threads[b->t == stage->m->threads[0]]);
		}
	}
	g_assert_cmpint(run_verb(VERB_END, 0, false, 0), ==, 0);
	record = mem_deref(record);
	result_read(&r);
	g_test_message("%.2f s, %u gaps, differs by %.2f of the last bit", (double)r.mix.n / 48000, n_gaps(&r), worst(&r, NULL, 0, r.mix.n) / BIT);
	g_assert_cmpuint(r.mix.n, >, 48000 / 2);
	g_assert_cmpuint(n_members(&r), ==, 2);
	g_assert_cmpfloat(worst(&r, NULL, 0, r.mix.n), <, 4 * BIT);
	result_free(&r);
	close_house();
}

/* --- pause --- */

static void test_pause(void)
{
	struct result_of r;
	JsonObject *gap;

	open_house(true, 1);
	joins(0, "L16", 48000, 98, 10000);
	joins(1, "L16", 48000, 98, 10000);
	stage_run(stage, 500);
	g_assert_cmpint(rec("pause"), ==, ENOENT);
	g_assert_cmpint(rec("resume"), ==, ENOENT);
	g_assert_cmpint(rec("dance"), ==, EINVAL);
	g_assert_cmpint(rec("start"), ==, 0);
	g_assert_cmpint(rec("resume"), ==, 0);            /* it runs */
	run(1000);
	g_assert_cmpint(rec("pause"), ==, 0);
	g_assert_cmpint(rec("pause"), ==, 0);
	g_assert_cmpstr(room_recording(), ==, "paused");
	g_assert_cmpint(rec("start"), ==, EEXIST);
	/* what is said now is nowhere */
	end[0].mb->peer->conf.hz = 2900;
	run(2000);
	end[0].mb->peer->conf.hz = hz[0];
	run(100);
	g_assert_cmpint(rec("resume"), ==, 0);
	run(1000);
	g_assert_cmpint(rec("pause"), ==, 0);
	run(100);
	g_assert_cmpint(rec("stop"), ==, 0);              /* also from a pause */
	until_finished();
	g_assert_cmpstr(told->str, ==, "recording-started recording-paused recording-resumed recording-paused recording-stopped ");
	result_read(&r);
	g_assert_cmpuint(n_gaps(&r), ==, 1);
	gap = gap_of(&r, 0);
	g_assert_cmpstr(json_object_get_string_member(gap, "why"), ==, "paused");
	g_assert_false(json_object_get_boolean_member(gap, "filled"));
	g_assert_cmpint(llabs(number(gap, "at") - 48000), <=, 960);
	g_assert_cmpint(llabs(number(gap, "samples") - 48000 * 21 / 10), <=, 1920);
	g_assert_cmpint(llabs((gint64)r.mix.n - 96000), <=, 1920);
	g_assert_cmpfloat(tone(&r.mix, 0, r.mix.n, 2900), <, PEAK / 100);
	g_assert_cmpfloat(tone(&r.mix, 60000, 90000, hz[0]), >, PEAK * 0.9);
	g_assert_cmpuint(n_members(&r), ==, 2);           /* they stayed: each has one stem */
	g_assert_cmpfloat(worst(&r, NULL, 0, r.mix.n), <, 4 * BIT);
	result_free(&r);
	close_house();
}

/* --- the ends of it --- */

/* The room ends while it is recorded; the server ends while it is. */
static void test_room_ends(void)
{
	struct result_of r;

	open_house(false, 1);
	joins(0, "PCMU", 8000, 0, 20000);
	stage_run(stage, 100);
	g_assert_cmpint(rec("start"), ==, 0);
	run(500);
	g_assert_cmpint(run_verb(VERB_END, 0, false, 0), ==, 0);
	until_finished();
	result_read(&r);
	g_assert_cmpstr(r.row.state, ==, "finished");
	g_assert_cmpuint(r.mix.n, >=, 23000);
	result_free(&r);
	stage_remove(stage, end[0].mb);
	joins(0, "PCMU", 8000, 0, 20000);
	g_assert_cmpint(rec("start"), ==, 0);
	run(500);
	record = mem_deref(record);                       /* nobody turns the room any more: it is finished all the same */
	g_assert_cmpint(rec("start"), ==, ENOTSUP);
	g_assert_cmpint(rec("stop"), ==, ENOTSUP);
	result_read(&r);
	g_assert_cmpstr(r.row.state, ==, "finished");
	result_free(&r);
	close_house();
}

static int set(const char *name, const char *value)
{
	const struct setting one = { name, value };
	struct command cmd = { .verb = VERB_CHANGE, .room = "band", .settings = &one, .n_settings = 1 };

	return control_run(control, &sys, &cmd, NULL);
}

/* A room with record=auto: begins with the first who is in, ends with the last, and does not begin again against somebody's will. */
static void test_auto(void)
{
	struct command create = { .verb = VERB_CREATE, .room = "band" };
	struct result_of r;

	open_house(false, 4);
	g_assert_cmpint(control_run(control, &sys, &create, NULL), ==, 0);
	g_assert_cmpint(set("record", "auto"), ==, 0);
	g_assert_cmpstr(room_recording(), ==, "");
	joins(0, "PCMU", 8000, 0, 20000);
	g_assert_cmpstr(room_recording(), ==, "running");
	joins(1, "PCMU", 8000, 0, 20000);
	run(500);
	g_assert_cmpint(run_verb(VERB_KICK, end[0].id, false, 0), ==, 0);
	g_assert_cmpstr(room_recording(), ==, "running");
	run(200);
	g_assert_cmpint(run_verb(VERB_KICK, end[1].id, false, 0), ==, 0);
	g_assert_cmpstr(room_recording(), ==, "");
	until_finished();
	result_read(&r);
	g_assert_cmpstr(r.row.by, ==, "auto");
	g_assert_cmpuint(r.mix.n, >=, 33600 - 1920);
	result_free(&r);
	/* somebody does not want it */
	joins(2, "PCMU", 8000, 0, 20000);
	g_assert_cmpstr(room_recording(), ==, "running");
	g_assert_cmpint(rec("stop"), ==, 0);
	joins(3, "PCMU", 8000, 0, 20000);
	g_assert_cmpstr(room_recording(), ==, "");
	until_finished();
	/* and who only waits is not recorded */
	g_assert_cmpint(run_verb(VERB_KICK, end[2].id, false, 0), ==, 0);
	g_assert_cmpint(run_verb(VERB_KICK, end[3].id, false, 0), ==, 0);
	g_assert_cmpint(set("lobby", "on"), ==, 0);
	joins(4, "PCMU", 8000, 0, 20000);
	g_assert_cmpstr(room_recording(), ==, "");
	g_assert_cmpint(run_verb(VERB_ADMIT, end[4].id, false, 0), ==, 0);
	g_assert_cmpstr(room_recording(), ==, "running");
	run(200);
	close_house();
}

/* An empty room changes its kind, and so has another mix: the recording goes on in that. */
static void test_profile(void)
{
	struct command create = { .verb = VERB_CREATE, .room = "band" };
	struct result_of r;

	open_house(true, 1);
	g_assert_cmpint(control_run(control, &sys, &create, NULL), ==, 0);
	joins(0, "L16", 48000, 98, 10000);
	g_assert_cmpint(rec("start"), ==, 0);
	run(500);
	g_assert_cmpint(run_verb(VERB_KICK, end[0].id, false, 0), ==, 0);
	run(100);
	g_assert_cmpint(set("profile", "music"), ==, 0);
	joins(1, "L16", 48000, 98, 10000);
	run(500);
	g_assert_cmpint(rec("stop"), ==, 0);
	until_finished();
	result_read(&r);
	g_assert_cmpuint(n_members(&r), ==, 2);
	g_assert_cmpuint(n_gaps(&r), ==, 1);
	g_assert_cmpint(llabs((gint64)r.mix.n - 48000), <, 4800);
	g_assert_cmpfloat(tone(&r.stem[0], 4800, 20000, hz[0]), >, PEAK * 0.9);
	g_assert_cmpfloat(worst(&r, NULL, 0, r.mix.n), <, 4 * BIT);
	result_free(&r);
	close_house();
}

/* What the house says to all is in the mix, and in no stem. */
static void test_announced(void)
{
	static float prompt[24000];
	const struct leg_say piece = { .smp = prompt, .n = 24000, .gain = 1 };
	struct result_of r;

	open_house(true, 1);
	signal_sine(prompt, 24000, 0, 48000, 2500, PEAK);
	joins_as(0, &(struct peer_conf){ "PCMU", 8000, 0, 1, 20000, 0, 0, false, NULL });
	stage_run(stage, 500);
	g_assert_cmpint(rec("start"), ==, 0);
	run(200);
	g_assert_cmpint(bus_say(end[0].mb->leg->bus, &piece, 1, LEG_SAY_AFTER), ==, 0);
	run(800);
	g_assert_cmpint(rec("stop"), ==, 0);
	until_finished();
	result_read(&r);
	g_assert_cmpfloat(tone(&r.mix, 14400, 28800, 2500), >, PEAK * 0.8);
	g_assert_null(r.stem[0].smp);
	result_free(&r);
	close_house();
}

/* Nobody hears anything: there are no stems, and a mix of silence. Members without a word are in the list. */
static void test_silence(void)
{
	struct result_of r;

	open_house(true, 1);
	joins_as(0, &(struct peer_conf){ "PCMU", 8000, 0, 1, 20000, 0, 0, false, NULL });
	stage_run(stage, 500);
	g_assert_cmpint(rec("start"), ==, 0);
	run(1000);
	g_assert_cmpint(rec("stop"), ==, 0);
	until_finished();
	result_read(&r);
	g_assert_cmpuint(n_members(&r), ==, 1);
	g_assert_null(r.stem[0].smp);
	g_assert_cmpstr(json_object_get_string_member(member_of(&r, 0), "no_file"), ==, "not heard");
	g_assert_cmpfloat(level(&r.mix, 0, r.mix.n), <, -150);
	result_free(&r);
	close_house();
}

/* As many as are allowed, and no more; a room that is being finished counts until it is. */
static void test_many(void)
{
	struct command cmd = { .verb = VERB_RECORD, .text = "start" };

	open_house(false, 3);
	for (unsigned i = 0; i < 4; i++) {
		g_autofree char *room = g_strdup_printf("room%u", i);
		struct command create = { .verb = VERB_CREATE, .room = room };

		cmd.room = room;
		g_assert_cmpint(control_run(control, &sys, &create, NULL), ==, 0);
		g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, i < 3 ? 0 : ENOSPC);
	}
	run(100);
	cmd.room = "room1";
	cmd.text = "stop";
	g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	for (unsigned i = 0; i < 20; i++) {
		run(50);
		g_usleep(10000);
	}
	cmd.room = "room3";
	cmd.text = "start";
	g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	close_house();
}

/* The folder cannot be made: the room is told, and nobody else notices. */
static void test_fails(void)
{
	g_autofree char *path = NULL;

	open_house(false, 1);
	path = g_build_filename(folder, "recordings", NULL);
	g_assert_true(g_file_set_contents(path, "in the way", -1, NULL));
	joins(0, "PCMU", 8000, 0, 20000);
	joins(1, "PCMU", 8000, 0, 20000);
	stage_run(stage, 500);
	g_assert_cmpint(rec("start"), ==, 0);
	run(600);
	g_assert_cmpstr(told->str, ==, "recording-started recording-failed ");
	g_assert_cmpstr(room_recording(), ==, "");
	stage_forget(stage);
	run(1000);
	g_assert_cmpfloat(fabs(member_hears_db(end[1].mb, hz[0], PEAK, 500)), <, 0.7);
	close_house();
}

/* What another process left behind is marked. */
static void test_cut(void)
{
	g_autofree char *dir = NULL, *manifest = NULL, *text = NULL;
	struct store_recording row = { .id = "20260101-000000-0011223344556677", .room = "band", .state = "running", .start_ms = 1 };
	struct result_of r;

	open_house(true, 1);
	joins(0, "PCMU", 8000, 0, 20000);
	g_assert_cmpint(rec("start"), ==, 0);
	run(500);
	g_assert_cmpint(rec("stop"), ==, 0);
	until_finished();
	result_read(&r);
	dir = g_build_filename(folder, "recordings", row.id, NULL);
	g_assert_cmpint(rename(r.dir, dir), ==, 0);
	result_free(&r);
	record = mem_deref(record);
	str_ncpy(row.dir, dir, sizeof(row.dir));
	row.start_ms = (uint64_t)g_get_real_time() / 1000 + 1000;
	g_assert_cmpint(store_recording_put(store, &row), ==, 0);
	while (!wait_written(NULL))
		g_usleep(1000);
	manifest = g_build_filename(dir, "manifest.json", NULL);
	g_assert_true(g_file_get_contents(manifest, &text, NULL, NULL));
	{
		g_autofree char *running = g_strconcat("{\n \"state\": \"running\"", strchr(text, ','), NULL);

		g_assert_true(g_file_set_contents(manifest, running, -1, NULL));
	}
	open_record(true, 1);
	while (!wait_written(NULL))
		g_usleep(1000);
	memset(&row, 0, sizeof(row));
	g_assert_cmpint(store_recordings(store, "band", take_row, &row), ==, 0);
	g_assert_cmpstr(row.state, ==, "cut");
	g_assert_cmpuint(row.bytes, >, 1000);
	g_clear_pointer(&text, g_free);
	g_assert_true(g_file_get_contents(manifest, &text, NULL, NULL));
	g_assert_nonnull(strstr(text, "\"state\": \"cut\""));
	close_house();
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/record/flac", test_flac);
	g_test_add_func("/record/opus", test_opus);
	g_test_add_func("/record/members", test_members);
	g_test_add_func("/record/moves", test_moves);
	g_test_add_func("/record/threads", test_threads);
	g_test_add_func("/record/pause", test_pause);
	g_test_add_func("/record/room-ends", test_room_ends);
	g_test_add_func("/record/auto", test_auto);
	g_test_add_func("/record/profile", test_profile);
	g_test_add_func("/record/announced", test_announced);
	g_test_add_func("/record/silence", test_silence);
	g_test_add_func("/record/many", test_many);
	g_test_add_func("/record/fails", test_fails);
	g_test_add_func("/record/cut", test_cut);
	return g_test_run();
}
