/*
 * load.h - what the parts of tutti-load share. One process, one thread, one struct load.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
	MSG_MAX = 8192,
	T1_MS = 500, T2_MS = 4000,        /* RFC 3261 17.1.1.1 */
	GIVE_UP_MS = 32000,
	GAP_MS = 60,                      /* three frames of 20 ms without one */
	CALLS_MAX = 60000,
	RTP_HDR = 12,
	FRAME_MAX = 1460,
	SLOT_US = 250, SLOTS = 8192,      /* two seconds */
	THREADS_SEEN = 64,
	CHIRP_MS = 32, CHIRPS_A_SECOND = 4, CHIRP_SPACE_MS = 1000 / CHIRPS_A_SECOND,
};

enum call_state { CALL_IDLE, CALL_INVITED, CALL_UP, CALL_LEAVING, CALL_OVER };
enum codec { CODEC_PCMU, CODEC_PCMA, CODEC_OPUS, CODEC_L16 };
enum measure { MEASURE_NONE, MEASURE_DELAY, MEASURE_LEVELS };

/* One second of encoded sound, played again and again. */
struct loop {
	uint32_t n;                       /* frames */
	uint16_t *len;
	uint8_t *data;                    /* n frames of FRAME_MAX */
};

/* A packet that came on a call that is listened to, or left one that chirps. */
struct rec {
	uint64_t at_ns;                   /* CLOCK_REALTIME: kernel's time of arrival; ours just before send() */
	uint32_t ts;
	uint16_t seq, len;
	size_t off;                       /* of the payload in data */
};

struct tape {
	struct rec *rec;
	size_t n, size;
	uint8_t *data;
	size_t n_data, data_size;
};

struct call {
	enum call_state state;
	int fd;                           /* RTP; -1 */
	bool talker, proceeding;
	uint32_t ssrc, cseq, tag;
	uint16_t seq, rport;
	uint32_t ts;
	char to[256];                     /* To header with the server's tag */
	char target[256];                 /* URI of its Contact */
	char branch[40];
	uint64_t sent_at, first_at;       /* ms; the request that waits for an answer: last and first time */
	uint64_t invited_us;
	uint32_t wait_ms;                 /* until it is sent again */

	bool in_wheel;
	uint32_t next, frame;             /* in the wheel: next of its slot (index + 1); number of its next frame */
	double nominal_us, step_us;       /* when that frame is due without jitter */
	uint64_t due_us;
	uint64_t dice;                    /* its own loss and jitter */
	const struct loop *loop;

	bool heard;
	uint16_t rx_seq;
	uint64_t rx_at;
	uint64_t hold_rx;
	struct tape *in, *out;            /* NULL: not listened to */
};

struct thread_seen { pid_t tid; char name[16]; uint64_t cpu_ns, switches; };

struct proc {
	double cpu_s;
	uint64_t rss_kib, at_us, switches;
	unsigned threads, fds, n_seen;
	struct thread_seen seen[THREADS_SEEN];
};

struct stats {
	uint64_t answered, failed, ended_by_peer, bye_failed;
	uint64_t code[700];
	uint64_t tx, rx, lost, reordered, gaps, silent_calls, late_ticks, unknown, dropped;
	uint64_t hold_tx, hold_rx;
	double *setup_ms;
	size_t n_setup;
};

/* What the matched filter and the tone meter found. */
struct found {
	double *delay_ms;
	size_t n_delay, n_early, sought;  /* delays in order of time within each call; n_early: of the first half */
	double early_p50, late_p50;
	double level_error_db, own_db;    /* worst of each */
	size_t n_levels, n_own;
};

struct options {
	char host[256], port[16], user[64], delays[256];
	uint32_t rooms, calls, talkers, cps, hold_s, rounds, probes;
	enum codec codec;
	enum measure measure;
	uint32_t channels, bitrate, seed;
	double ptime_ms, loss_pct, jitter_ms, drift_ppm;
	bool bye, json, raw, realtime, inactive;
	pid_t pid;
};

enum phase { PHASE_UP, PHASE_HOLD, PHASE_DOWN };

struct load {
	struct options o;
	int ep, sip, tick;
	char laddr[64];                   /* as written in SIP: [::1] */
	char sdp_addr[64];
	int af;
	uint16_t lport;

	enum phase phase;
	uint32_t round;
	uint32_t started, ended;          /* calls of this round */
	uint64_t phase_at, began_at, began_us, resent_at;
	struct call *calls;
	struct stats st;
	struct proc before, hold0, hold1, after;
	double own_cpu_s;                 /* the generator's, during the hold */

	uint32_t rate, n_smp;             /* of a frame */
	struct loop quiet, *voices;
	uint32_t n_voices, lookahead;     /* of the Opus encoder, samples */
	uint64_t slot;                    /* the next one to look at */
	uint32_t wheel[SLOTS];
	struct found found;
};

extern volatile sig_atomic_t load_interrupted;

/* load_time: clocks, dice */
uint64_t now_us(void);
uint64_t now_ms(void);
uint64_t wall_ns(void);
uint32_t random32(void);
double   dice_throw(uint64_t *dice);      /* 0 .. 1, the same row for the same seed */

/* load_options.c */
int  options_read(struct options *o, int argc, char **argv);
void usage(bool wrong);

/* load_sound.c: sound encoded once at start */
const char *codec_name(enum codec c);
uint8_t  codec_pt(enum codec c);
int      sound_make(struct load *l);
void     sound_free(struct load *l);
const struct loop *sound_of(const struct load *l, uint32_t index, bool talker);
double   sound_tone_hz(const struct load *l, uint32_t talker);
double   sound_tone_peak(const struct load *l);
size_t   sound_chirp(float *pcm, const struct load *l);       /* CHIRP_MS of it; returns the samples */
size_t   sound_chirp_at(const struct load *l, uint32_t k);     /* where the k-th of a loop begins */
int      sound_decode(float **pcm, size_t *n, const struct load *l, const struct tape *t);

/* load_rtp.c */
int  rtp_open(struct load *l, struct call *c, uint32_t index);
void rtp_start(struct load *l, struct call *c);
void rtp_read(struct load *l, struct call *c);
void rtp_slots(struct load *l, uint64_t now);
void tape_free(struct tape *t);
void tape_add(struct tape *t, uint64_t at_ns, uint32_t ts, uint16_t seq, const uint8_t *payload, size_t len);

/* load_sip.c */
int  sip_open(struct load *l);
void sip_read(struct load *l);
void call_start(struct load *l, uint32_t index);
void call_leave(struct load *l, struct call *c);
void call_resend(struct load *l, struct call *c, uint64_t now);
void call_failed(struct load *l, struct call *c, unsigned code);
void call_over(struct load *l, struct call *c);

/* load_proc.c */
void   proc_read(struct proc *p, pid_t pid);
size_t proc_diff(struct thread_seen *d, const struct proc *a, const struct proc *b);      /* by thread name */

/* load_probe.c */
void probe_delays(struct load *l);
void probe_levels(struct load *l);

/* load_print.c */
void   print_text(const struct load *l);
void   print_json(const struct load *l);
double percentile(const double *sorted, size_t n, double p);
int    compare_doubles(const void *a, const void *b);

/* load_reflect.c */
int reflect_run(uint16_t port, uint32_t delay_us, uint32_t shift_bytes, uint32_t sockets);
int self_test(const char *program);

#endif
