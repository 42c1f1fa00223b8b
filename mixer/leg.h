/*
 * leg.h - one member's media, both halves.
 *
 *     leg.c        control half: sockets, descriptions, where it belongs
 *     leg_plan.c   what a description needs (codecs, resamplers, jitter buffers, keys), made whole, swapped at a tick
 *     leg_recv.c   packets in: latch, SRTP, what kind, into the jitter buffer
 *     leg_play.c   jitter buffer to sound: decode, conceal, resample, gain
 *     leg_send.c   sound to packets: collect a frame, encode, number, send; keys
 *     leg_rtcp.c   reports
 *     leg_dtls.c   datagrams that become keys, up and down
 *     leg_view.c   what it hears otherwise than all (view.h)
 *     leg_xr.c     what extended reports say: how good the sound is that comes in, round trips
 *     leg_red.c    redundant packets, both ways
 *     leg_say.c    what only it is told (say.h)
 *     leg_cpu.c    what it costs
 *
 * struct leg is the control thread's; struct leg_rt belongs to the media thread it was given to until it comes back by
 * ring. What control may change at any time (mute, deaf, gain, echo) is atomic; what it may read is a counter.
 */
#ifndef MIXER_LEG_H
#define MIXER_LEG_H

#include <stddef.h>
#include "thread.h"
#include "bus.h"
#include "agc.h"
#include "ramp.h"
#include "cn.h"
#include "dtmf.h"
#include "gate.h"
#include "hush.h"
#include "inband.h"
#include "jitter.h"
#include "level.h"
#include "limiter.h"
#include "waits.h"
#include "noisegate.h"
#include "pace.h"
#include "red.h"
#include "resample.h"
#include "rtcp.h"
#include "say.h"
#include "seal.h"
#include "speaker.h"
#include "view.h"
#include "xr.h"

enum {
	LEG_JITTERS = 4,                  /* one per RTP clock in use: 8000, 48000, 16000, 44100 */
	LEG_BURST = 64,                   /* packets taken from one socket at one tick; more wait, and the kernel drops */
	LEG_FRAME_MAX = 60 * 48,          /* longest frame sent, at 48 kHz */
	LEG_ODD = 64,
	LEG_TAIL = 240,                   /* 5 ms: how long old and new overlap where a sound changes */
	LEG_LEVELS = 64,
	LEG_NO_LEVEL = 0xff,
	LEG_DELAY_US = 500000,            /* over how long delays are averaged, and as much again */
	LEG_ALONE_SMP = 4800,             /* 100 ms: how slowly the sound for the lonely comes and goes */
};

/* --- plan --- */

struct plan_rx {
	struct leg_codec c;
	struct codec_dec *dec;
	struct resample *up;
	int jitter;                       /* index of the buffer for this clock */
	uint16_t unit;                    /* at 48 kHz: it conceals multiples of this */
	bool fec;                         /* a packet may hold the one before it */
};

struct leg_plan {                         /* first what each packet and each tick looks at */
	uint8_t n_rx;
	uint8_t channels;                 /* of the sound we decode: 2 when any codec has them */
	uint8_t n_jitter;
	bool music, fit, gated;
	bool keyless;                     /* its keys are being agreed on: silent both ways */
	uint32_t frame_smp;               /* what it encodes, at 48 kHz */
	struct codec_enc *enc;
	struct inband *inband;            /* keys in the sound; NULL: it has another way to tell them */
	struct red_tx *red;               /* frames sent before; NULL: no redundancy agreed on */
	struct seal *seal_rx, *seal_tx;
	struct ring *dtls;                /* the leg's; NULL: none is expected */
	struct jitter *jitter[LEG_JITTERS];
	struct plan_rx rx[LEG_RX_MAX];
	struct leg_desc desc;
	struct back back;
	struct jitter_conf jitter_conf[LEG_JITTERS];
	float *play_pcm, *send_pcm, *odd; /* queues of leg_play and leg_send, as long as these codecs need */
	struct resample *down;
	uint32_t tx_delay_us;             /* of the encoder with its decoder, and of that filter */
	bool key_rx_equal;                /* set at the swap */
};

struct plan_conf { uint32_t jitter_min_ms, jitter_start_ms, jitter_max_ms; bool music, fit, gated; };

int  leg_plan_alloc(struct leg_plan **pp, const struct leg_desc *d, const struct plan_conf *conf);
/* Takes from the old plan what stays the same, state and all; the old one gets the fresh ones, to be freed with it. */
void leg_plan_inherit_rt(struct leg_plan *p, struct leg_plan *old);
/* Of the queue of sound to send: a frame that is not full, and a tick. One of 20 ms, too, as the next codec finds it. */
static inline size_t leg_queue_smp(const struct leg_plan *p)
{
	return (p->frame_smp > QUANTUM_MAX ? p->frame_smp : (size_t)QUANTUM_MAX) + QUANTUM_MAX;
}
bool leg_codec_equal(const struct leg_codec *a, const struct leg_codec *b);

/* --- control half --- */

struct leg {
	struct mixer *m;                  /* NULL: the engine is gone */
	struct leg_rt *rt;
	struct leg_conf conf;
	struct sa local;
	struct bus *bus;
	struct leg_desc desc;
	bool described, music;
	bool moving;                      /* asked back from one thread, not yet given to another */
	bool parked;                      /* ... and here, as its bus is on the way between two (move.c) */
	struct leg_plan *next_plan;       /* ... and what to tell it there */
	char next_keys[33];
	struct view_row *next_row;
	struct list next_say;             /* struct say_batch */
	uint32_t say_serial;              /* of the last batch */
	unsigned n_say;                   /* pieces that have not come back */
};

void leg_returned(struct leg_rt *rt);             /* its thread has let go, and it is to go to another */
void leg_land(struct leg *l);                     /* returned: to the thread of its bus, when that is on one */
void leg_arrived(struct leg_rt *rt, const struct bus *b);         /* on another thread, together with its bus */
void leg_orphan(struct leg_rt *rt);               /* the engine ends */
void leg_forget_bus(struct leg *l, const struct bus *b);
void leg_view_done(struct view_row *row);         /* it came back */

/* --- media half --- */

struct leg_count {
	count_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	_Atomic uint32_t level, fraction;
	_Atomic bool talking, latched;
	count_t bad, stranger, auth, concealed, discarded;
	count_t jit_lost, jit_late, jit_dup, jit_reord, jit_dropped, jitter_us, buffer_ms, rtt_us;
	count_t rx_dtls, dtls_dropped;
	count_t recovered, redundant, cpu_ns, rx_ago_ms, rx_frame_us;
	count_t rx_delay_us, rx_wait_us, tx_delay_us, tx_wait_us; /* signed */
	_Atomic float odds[LEG_BUFFER_MAX + 1];
	count_t quality, bursts, peer_quality, peer_bursts;    /* struct leg_quality, eight bytes at a time: leg_xr.c */
	const struct codec *_Atomic rx_codec, *_Atomic tx_codec;
};

struct leg_lost { uint64_t lost, late, duplicate, reordered, dropped; };

struct leg_sock {
	struct leg_rt *leg;
	int fd;
	bool rtcp;
	uint64_t turn;                    /* of the thread, and how many packets may still be taken in it */
	unsigned left;
	struct sa peer;                   /* where from, once latched */
	bool latched;
};

enum leg_leaving { LEG_STAYS, LEG_MOVES, LEG_DETACHES, LEG_ENDS };

struct leg_play {                         /* sound in */
	float *pcm;                       /* the plan's; 48 kHz, `channels` interleaved */
	size_t n;
	uint8_t channels;
	bool sounding;
	bool fade_in;
	bool entering;                    /* it is new in its room, and not as loud as it will be */
	bool noisy;                       /* the sender paused with a CN packet */
	bool hush;                        /* all n are silence, and not written into pcm */
	bool other_source;                /* what comes next is not of who was heard */
	int jitter, jitter_next;          /* buffer being read; -1 or the one that takes over when it is empty */
	struct plan_rx *cur;              /* whose sound this is */
	uint32_t frame_smp;               /* length of the last frame at 48 kHz */
	uint32_t concealing;              /* samples concealed in a row */
	uint16_t next_seq;                /* of the frame that follows without a seam */
	struct mean delay;                /* from the arrival of packets to the mix, in us; */
	struct waits waits;               /* of the fastest of them */
	struct ramp gain;
	struct level level;
	size_t n_tail;
	/* not touched for those who are silent, but for what the gate keeps */
	struct gate gate;
	struct noisegate noisegate;
	struct agc agc;
	struct pace pace;
	struct cn cn;
	uint8_t dbov[LEG_LEVELS];         /* what packets said of themselves (RFC 6464), by sequence number; */
	uint16_t dbov_seq[LEG_LEVELS];    /* ... of which it is true only for these */
	float tail[LEG_TAIL * MIX_CH];    /* the end of what was, under the beginning of what is */
};

struct leg_send {                         /* sound out */
	float *pcm;                       /* the plan's; 48 kHz, `channels` interleaved, not yet sent */
	size_t n;
	uint8_t channels;
	uint64_t pos;                     /* of pcm[0], in the engine's sample count */
	uint64_t end;                     /* of the next sample expected */
	uint64_t now;                     /* where the tick begins */
	struct mean delay;                /* from there back to the first sample of a frame sent, in samples */
	bool begun, marker;
	struct thread *by;                /* who sends for it just now (lend.c); NULL: its thread */
	uint32_t silent_us;               /* how long there was nothing to hear */
	struct hush hush;                 /* ... when the peer takes comfort noise for it */
	float *odd;                       /* the plan's; samples at the codec's rate that wait for a whole frame */
	size_t n_odd;
	uint32_t ts_base, clock;
	uint16_t seq;
	struct ramp gain, echo, alone, click;
	uint32_t click_ahead;             /* now; another is taken between two clicks */
	struct say say;
	struct limiter limiter;
	struct dtmf_tx dtmf;
};

struct leg_share {                        /* share.c */
	struct leg_rt *leader;            /* whose payloads it sends; itself: it encodes them; NULL: its own stream */
	struct list followers;            /* of the leader */
	struct le le;                     /* in that list; a leader in its bus's */
	uint32_t same_smp;                /* for how long it has heard what all hear */
	bool known;                       /* a stream has been heard in it: another encoder's would be a seam */
};

struct leg_place {                        /* view_rt.c: where in everybody's mix it stands */
	float pan;                        /* as it was asked for, and what that means */
	struct view_pair want;
	struct ramp l, r;
	struct view_move now;             /* this tick */
};

struct leg_view_rt {
	struct view_row *row;             /* what it hears otherwise than all; NULL: nothing */
	bool on, turned;                  /* it has a mix of its own; which has changed in this tick */
	uint32_t idle_smp;                /* since one was heard that it hears otherwise */
};

struct leg_tap {                          /* tap.c */
	uint64_t told;                    /* the tap's serial when it was told of this leg; 0: was not */
	bool muted;                       /* ... as being so */
	struct ramp ramp;                 /* of its stem, between silence and its voice */
};

struct leg_reports {
	struct rtcp_src src;              /* the source being received */
	uint32_t seed;                    /* of the intervals */
	uint32_t rival;                   /* SSRC of the last packet that was not of src */
	uint64_t next_us;
	bool begun, sent_rtp, said;
	uint32_t octets;                  /* of payload sent */
	uint32_t packets;
	uint32_t received_at_last;
	uint32_t packets_at_last, packets_before;     /* at the last report, and the one before it */
};

struct leg_red {                          /* leg_red.c */
	struct red_rx rx;
	bool on;                          /* we send redundancy */
	uint64_t lossy_us;                /* when the peer last reported loss */
};

struct leg_xr {                           /* leg_xr.c */
	struct xr_runs runs;
	const struct jitter *of;          /* whose counters were followed, and how far */
	uint64_t lost, late, dropped;
	uint32_t n_late;                  /* of those in runs.lost */
	float loud;                       /* of speech, mean square; 0: none heard yet */
	uint64_t next_us;
	bool asked;                       /* by this receiver, for its round trip */
	uint32_t asked_ssrc, asked_ntp;
	uint64_t asked_us;
};

struct leg_cpu {                          /* leg_cpu.c */
	bool on;                          /* this tick is measured */
	uint8_t turn;
	uint64_t since_ns;
};

/* What a tick touches of everybody, also of who only listens, stands together and first: in a large room all else has
 * left the cache when its turn comes, and each line fetched costs more than what is done with it. */
struct leg_rt {
	/* media thread */
	struct le le;
	struct thread *t;
	struct bus_rt *bus;
	struct leg_plan *plan;
	enum leg_leaving leaving;
	uint32_t ssrc;                    /* fixed; as well: */
	uint32_t rtp_timeout_ms;
	bool agc, noise_gate, red_asked;
	bool timed_out;
	bool heard;                       /* it is in the sum this tick; its part: own, below */
	/* for both threads */
	_Atomic bool mute, deaf, echo;
	_Atomic uint8_t red_choice;       /* enum leg_red_choice */
	_Atomic int8_t buffer;            /* frames held by choice; LEG_BUFFER_AUTO */
	_Atomic float gain, pan, click;
	_Atomic uint32_t click_ahead;
	/* media thread */
	uint64_t last_rx_us;
	uint64_t counted_us;              /* when its counters were last brought up to date */
	struct leg_sock rtp;
	struct leg_count n;
	struct leg_reports rep;
	struct leg_cpu cpu;
	struct leg_share share;
	struct speaker_leg floor;         /* who.c */
	struct leg_view_rt view;
	struct leg_send send;
	struct leg_play play;
	/* seldom touched */
	struct leg_sock rtcp;
	struct leg_lost lost;             /* counted by jitter buffers that are gone */
	struct leg_xr xr;
	struct leg_red red;
	struct dtmf_rx dtmf_rx;
	struct bus_rt *next_bus;
	struct back back;
	char cname[64];
	uint64_t view_id;                 /* views.id */

	/* control thread */
	struct leg *ctl;                  /* NULL when the leg is gone there */
	struct le all;                    /* of all there are */
	struct cmd_wait spare;            /* for the command that ends it */
	struct view_end views;            /* its row and column of private mixes */
	struct thread *home;              /* where it is, or was sent */
	struct ring *dtls;                /* struct dgram, from the media thread; NULL: never wanted */
	bool aboard;                      /* a bus that just came to another thread */

	struct leg_tap tap;               /* media thread, while the room is recorded */
	struct leg_place place;           /* media thread, of who is heard */
	struct leg_rt *next_heard;        /* of the bus, this tick */
	float own[QUANTUM_MAX * MIX_CH];  /* media thread: its part of the sum this tick */
};

/* leg_rt.c: what a media thread does to a leg as a whole */
void leg_attach_rt(struct leg_rt *l, struct thread *t);
void leg_detach_rt(struct leg_rt *l);
void leg_swap_rt(struct leg_rt *l, struct leg_plan *p, uint64_t now_us);     /* *p is the old plan's when it comes back */
void leg_dtmf_rt(struct leg_rt *l, const char *keys);
bool leg_left_rt(struct leg_rt *l);                     /* leaving, and faded out */
uint8_t leg_channels_rt(const struct leg_rt *l);
uint32_t leg_frame_rt(const struct leg_rt *l);          /* at 48 kHz, that it sends; 0: none */
void leg_watch_rt(struct leg_rt *l, uint64_t now_us);   /* once a tick: time-outs, reports, counters */

bool leg_recv_rt(struct leg_rt *l, struct leg_sock *s, uint64_t now_us);
void leg_play_rt(struct leg_rt *l, uint32_t n_smp, uint8_t channels, uint64_t now_us);       /* fills own, heard */
void leg_play_join_rt(struct leg_rt *l);                  /* in another bus, and not heard yet */
/* It has come into music and made no sound yet; and how long its gain takes to move. Its stem fades as its voice does. */
enum { LEG_ENTER_SMP = CLOCK_RATE * 3 / 10 };
static inline bool leg_waits_rt(const struct leg_rt *l) { return l->play.entering && !l->play.sounding; }
static inline uint32_t leg_ramp_rt(const struct leg_rt *l) { return l->play.entering ? (uint32_t)LEG_ENTER_SMP : (uint32_t)RAMP_SMP; }
int32_t leg_spare_us_rt(const struct leg_rt *l);          /* how long its packet had been waiting for this tick */
void leg_play_swap_rt(struct leg_rt *l, struct leg_plan *p);      /* before the plan changes */
void leg_send_rt(struct leg_rt *l, float *mix, uint32_t n_smp, uint8_t channels, uint64_t pos);
void leg_deliver_rt(struct leg_rt *l, struct thread *by, int len, size_t red, uint32_t n48);       /* what its leader encoded */
bool leg_sending_rt(const struct leg_rt *l);
void leg_send_copy_rt(struct leg_rt *dst, const struct leg_rt *src);     /* dst's stream goes on where src's is */
void leg_send_swap_rt(struct leg_rt *l, struct leg_plan *p);
void leg_emit_rt(struct leg_rt *l, struct leg_sock *s, uint8_t *buf, size_t len);
bool leg_rtcp_rt(struct leg_rt *l, const uint8_t *buf, size_t len, uint64_t now_us);
void leg_report_rt(struct leg_rt *l, uint64_t now_us, bool bye);
uint64_t leg_ntp_rt(const struct leg_rt *l, uint64_t now_us);

/* leg_dtls.c */
void leg_dtls_rt(struct leg_rt *l, const uint8_t *buf, size_t len, const struct sa *from);
int  leg_dtls_open(struct leg *l);                        /* control thread, before a plan may point at the ring */

/* leg_xr.c */
void leg_xr_forget_rt(struct leg_rt *l);                  /* another source */
void leg_xr_frame_rt(struct leg_rt *l, const struct jitter *j);   /* one was taken from the buffer: what went before it? */
void leg_xr_watch_rt(struct leg_rt *l, uint64_t now_us);
void leg_xr_read_rt(struct leg_rt *l, const uint8_t *buf, size_t len, uint64_t now_us);
size_t leg_xr_write_rt(struct leg_rt *l, uint8_t *buf, size_t size, bool sender, uint64_t now_us);       /* 0: nothing to say */
void leg_xr_stats(struct leg_stats *s, const struct leg_count *n);        /* control thread */

/* leg_click.c */
bool leg_clickless_rt(const struct leg_rt *l);            /* it hears no beat, nor the end of one */
void leg_click_rt(struct leg_rt *l, float *mix, uint32_t n_smp, uint8_t channels, uint64_t pos);

/* leg_red.c */
const struct leg_red_rx *leg_red_find_rt(const struct leg_desc *d, uint8_t pt);
void leg_red_judge_rt(struct leg_rt *l, uint8_t fraction, uint64_t now_us);      /* the peer's report of loss */
/* What l encoded, `len` bytes in scratch.payload, with older frames into scratch.red. Its length; 0: there are none. */
size_t leg_red_pack_rt(struct leg_rt *l, int len);
bool leg_red_on_rt(const struct leg_rt *l);               /* it gets them now */
void leg_red_pause_rt(struct leg_rt *l);                  /* what comes next does not follow on what was */

/* leg_cpu.c */
void leg_cpu_turn_rt(struct leg_rt *l);                   /* once a tick; begins as well */
void leg_cpu_begin_rt(struct leg_rt *l);
void leg_cpu_end_rt(struct leg_rt *l);

#endif
