/*
 * mixer.h - the engine's door: buses (a room's mix) and legs (a member's media) come and go here.
 *
 * Everything in this header is called on the control thread. Changes cross to the media threads by ring; what the media
 * threads see (keys pressed, silence, an address found) comes back by ring and is handed out by mixer_dispatch on the
 * control thread. Nothing here waits for a media thread, except freeing the mixer itself.
 *
 * Ownership: mem_deref(leg) and mem_deref(bus) end them; the memory goes when the media thread has let go. A bus must
 * have no legs in it when it is freed. libre's reference counts are not atomic: no object is shared across threads, a
 * leg or bus has a control half (refcounted) and a media half (owned by its thread until handed back). Legs and buses
 * may outlive the mixer: what they are told then is ENODEV or nothing.
 */
#ifndef MIXER_MIXER_H
#define MIXER_MIXER_H

#include <string.h>
#include <re.h>
#include "beat.h"
#include "codec.h"

struct mixer;
struct bus;
struct leg;

/* --- engine --- */

struct mixer_conf {
	unsigned n_threads;       /* media threads; 0: no thread, a test turns the engine by hand with mixer_turn */
	unsigned n_turned;        /* with n_threads 0: how many it turns, one after the other; 0: one */
	bool     realtime;        /* try SCHED_FIFO and locked memory; refusal is only logged by the caller */
	uint16_t port_min, port_max;      /* RTP ports, even, inclusive */
};

int  mixer_alloc(struct mixer **mp, const struct mixer_conf *conf);
int  mixer_event_fd(const struct mixer *m);       /* readable when mixer_dispatch has work */
void mixer_dispatch(struct mixer *m);             /* control thread: hands out events, frees what came back */
/* n_threads == 0 only: read sockets and run all ticks due up to now_us. now_us starts wherever the test likes. */
void mixer_turn(struct mixer *m, uint64_t now_us);
bool mixer_realtime(const struct mixer *m);       /* did SCHED_FIFO work */

/* The one clock of all rooms: samples at 48 kHz, counted by CLOCK_MONOTONIC (or by the now_us of mixer_turn) from its zero. A
 * tick that mixes the samples from s on begins at mixer_smp_us(s), or up to a quantum earlier in a room of voices. */
uint64_t mixer_smp(const struct mixer *m);        /* now */
static inline uint64_t mixer_smp_us(uint64_t smp) { return (smp * 1000 + 47) / 48; }
static inline uint64_t mixer_us_smp(uint64_t us) { return us / 1000 * 48 + us % 1000 * 48 / 1000; }

struct mixer_stats {
	uint64_t ticks, late_ticks, dropped_ticks, rx_packets, tx_packets, rx_bad, rx_stranger, ring_full;
	uint64_t rx_dtls, dtls_dropped;   /* datagrams of DTLS from peers, and of those not handed up */
	uint64_t encodes, decodes;        /* frames */
	uint64_t busy_us;                 /* that media threads worked, since they began */
	uint64_t moves;                   /* rooms that went to another thread */
	uint64_t lent_packets;            /* that another thread sent than the room's */
	uint32_t legs, buses;
	uint32_t views;                   /* cells of private mixes (leg_set_view) */
	uint64_t views_refused;           /* too many of them */
};
void mixer_stats(const struct mixer *m, struct mixer_stats *s);

/* How busy the busiest media thread was in the last second or so: 1 is all of a core. Whoever asks before a new call gets
 * in (more than 0.8: 503) keeps the sound of those who are in. 0 for an engine without threads. */
double mixer_load(const struct mixer *m);

/* Every second or so: when one media thread has much more to do than another, a room moves there, unheard. */
void mixer_balance(struct mixer *m, uint64_t now_ms);

/* --- bus: one room's mix --- */

struct bus_conf {
	/* At 48 kHz: 64 (1.33 ms), 120, 240, 480 or 960 (20 ms). 0: follows its members, down to 480 for voice, to 64 for music. */
	uint32_t quantum_smp;
	bool     music;           /* fixed jitter buffers, no level gate */
	const float *alone;       /* mono 48 kHz loop that a member alone hears; NULL: silence. Must outlive the bus. */
	size_t   n_alone;
};
int  bus_alloc(struct bus **bp, struct mixer *m, const struct bus_conf *conf);

/* Its beat: what is asked for by leg_set_click is heard at these samples. ENODEV, ENOMEM. */
int  bus_set_beat(struct bus *b, const struct beat *beat);

/* --- leg: one member's media --- */

enum { LEG_DIR_INACTIVE = 0, LEG_DIR_SEND = 1, LEG_DIR_RECV = 2, LEG_DIR_BOTH = 3 };   /* from our side */
enum { LEG_RX_MAX = 12, LEG_DTMF_MAX = 4, LEG_RED_MAX = 2 };

enum leg_srtp { LEG_SRTP_NONE, LEG_SRTP_AES128_SHA1_80, LEG_SRTP_AES128_SHA1_32, LEG_SRTP_AEAD_AES128_GCM };
struct leg_key { enum leg_srtp suite; uint8_t key[64]; size_t len; };       /* master key and salt, as in SDES */

struct leg_codec { const struct codec *codec; uint8_t pt; struct codec_param param; };

struct leg_red_rx { uint32_t clock; uint8_t pt; };       /* redundant audio (RFC 2198) of codecs with this clock */

/* Everything an offer/answer exchange settled about one sound stream. A value: copied, never pointed to. */
struct leg_desc {
	struct sa rtp, rtcp;              /* where to send; unset rtcp = rtp port + 1 (or rtp with rtcp_mux) */
	struct sa source;                 /* signalling source address (port ignored): RTP from it may latch when the
	                                     SDP address is not where packets come from (NAT) */
	bool     rtcp_mux;
	uint8_t  dir;
	struct leg_codec tx;              /* what we send; tx.codec NULL: nothing */
	/* telephone-event; 0xff: none. Keys are heard at every clock that was offered, sent at that of tx. */
	uint8_t  dtmf_rx_pt[LEG_DTMF_MAX], dtmf_tx_pt;
	uint32_t dtmf_clock;              /* of the telephone-event in use */
	uint8_t  cn_rx_pt;                /* comfort noise (RFC 3389) accepted; 0xff: none */
	uint8_t  cn_tx_pt;                /* sent for silence, if tx.param.dtx and tx is at 8 kHz; 0xff: none */
	/* Ids of header extensions, 1 to 14; 0: none. The sender's level, received (RFC 6464); the levels of all that are in
	 * the mix, sent with the list of their SSRCs (RFC 6465). */
	uint8_t  level_rx_ext, levels_tx_ext;
	struct leg_red_rx red_rx[LEG_RED_MAX];    /* accepted; what is inside must be in rx, or a key, or noise */
	uint8_t  n_red_rx;
	uint8_t  red_tx_pt, red_tx_gen;   /* while the peer loses packets it gets so many older frames with each; 0: never */
	bool     xr_voip, xr_rtt;         /* extended reports (RFC 3611): the peer wants voice metrics; round trips for all */
	uint8_t  n_rx;
	struct leg_codec rx[LEG_RX_MAX];  /* what we accept */
	struct leg_key srtp_tx, srtp_rx;
	/* The two ends agree on keys themselves, by datagrams on the path of RTP (RFC 5764): LEG_EVENT_DTLS. Until srtp_tx and
	 * srtp_rx are there nothing is sent, and no sound is taken; without rtcp_mux there are no reports. Old keys may stay
	 * while new ones are agreed on. */
	bool     dtls;
};

/* How a description has its keys; by DTLS: also while they are agreed on. */
enum leg_keys { LEG_KEYS_NONE, LEG_KEYS_SDES, LEG_KEYS_DTLS };
enum leg_keys leg_desc_keys(const struct leg_desc *d);
const char *leg_keys_name(enum leg_keys keys);            /* "none", "sdes", "dtls" */

/* Nothing sent, nothing accepted. */
static inline void leg_desc_clear(struct leg_desc *d)
{
	memset(d, 0, sizeof(*d));
	memset(d->dtmf_rx_pt, 0xff, sizeof(d->dtmf_rx_pt));
	d->dtmf_tx_pt = d->cn_rx_pt = d->cn_tx_pt = 0xff;
}

enum leg_event_type {
	LEG_EVENT_DTMF,           /* key; on: it was in the sound, of a phone that agreed on no telephone-event */
	LEG_EVENT_LATCHED,        /* addr: RTP now goes to and comes from there */
	LEG_EVENT_RTP_TIMEOUT,    /* nothing came for timeout_ms */
	LEG_EVENT_RTP_BACK,       /* ... and now it does again */
	LEG_EVENT_TALKING,        /* on */
	LEG_EVENT_BYE,            /* RTCP BYE */
	LEG_EVENT_SAID,           /* all that it was told (leg_say) has been said */
	LEG_EVENT_FLOOR,          /* on: it speaks now, and nobody else in its bus; off: it was muted meanwhile */
	LEG_EVENT_DTLS,           /* leg_take_dtls has something */
};
struct leg_event { enum leg_event_type type; char key; bool on; struct sa addr; };
typedef void (leg_event_h)(const struct leg_event *ev, void *arg);

struct leg_conf {
	struct sa local;          /* address to bind; ports are chosen from the mixer's range */
	char     cname[64];
	uint32_t jitter_min_ms, jitter_max_ms;
	uint32_t jitter_start_ms; /* with what it begins, until its network is known; 0: jitter_min_ms */
	uint32_t jitter_music_ms; /* what its fixed buffer holds in a music room; 0: nothing but the packet that is due */
	bool     jitter_music_fit; /* begins with that, and then goes by what the network needs */
	bool     agc;             /* voice rooms: every talker about equally loud */
	bool     noise_gate;      /* voice rooms, codecs up to 16 kHz: softer between the words */
	bool     red_asked;       /* older frames with each only for who asks for them (leg_set_red), not by loss */
	bool     ungated;         /* decode all there is, also what says that it is silence */
	uint32_t rtp_timeout_ms;  /* 0: never */
	leg_event_h *eventh;      /* control thread, from mixer_dispatch; never called after mem_deref(leg) */
	void    *arg;
};

int  leg_alloc(struct leg **lp, struct mixer *m, const struct leg_conf *conf);     /* EADDRINUSE: no port left */
const struct sa *leg_local(const struct leg *l);          /* RTP address; RTCP is port + 1 (both are bound) */
uint32_t leg_ssrc(const struct leg *l);
uint64_t leg_id(const struct leg *l);             /* of all legs of this process; 0: the engine is gone */

/* New media parameters, at once and without a click; codec state is kept where codec and parameters stay the same. */
int  leg_set_desc(struct leg *l, const struct leg_desc *d);

/* Where its sound goes: into a bus (moved if it was in another), back to itself (echo), or nowhere (bus NULL). */
int  leg_set_bus(struct leg *l, struct bus *b);
int  leg_set_echo(struct leg *l, bool on);
void leg_set_mute(struct leg *l, bool on);        /* its sound is not heard by others */
void leg_set_deaf(struct leg *l, bool on);        /* it hears silence */
void leg_set_gain(struct leg *l, float gain);     /* linear, of its sound in the others' mix */
void leg_set_click(struct leg *l, float gain);    /* linear: how loud it hears the beat of its bus, up to 10; 0: not at all */
/* So many samples sooner than the beat is, 0 to LEG_CLICK_AHEAD_MAX: what its end and the way there need. */
enum { LEG_CLICK_AHEAD_MAX = 12000 };
void leg_set_click_ahead(struct leg *l, uint32_t n_smp);
int  leg_set_pan(struct leg *l, float pan);       /* its place there: -1 left, 0 in the middle, 1 right; else EINVAL */

/* A mix of one's own: how loud and where l hears another, for each other that it wants to hear otherwise than all do. The
 * gain is linear, on top of that of leg_set_gain, 0 to 16 (+24 dB); the pan is -1 to 1, or LEG_PAN_SAME: where all hear it.
 * What was said holds until it is said otherwise or one of the two is freed, through new descriptions and moves; it is
 * heard while both are in one bus. No muted member can be heard this way.
 * EINVAL: out of range, not a number, l itself, of another engine; ENODEV; ENOMEM; ENOSPC: more cells than the engine has
 * (65,536). After an error nothing has changed. */
#define LEG_PAN_SAME 2.0f
struct leg_view { struct leg *other; float gain, pan; };
int  leg_set_view(struct leg *l, struct leg *other, float gain, float pan);
int  leg_set_views(struct leg *l, const struct leg_view *v, size_t n);    /* a whole row: who is not in it is as for all */
static inline int leg_clear_views(struct leg *l) { return leg_set_views(l, NULL, 0); }
void leg_view(const struct leg *l, const struct leg *other, float *gain, float *pan);     /* 1, LEG_PAN_SAME: as all */
int  leg_send_dtmf(struct leg *l, const char *keys);
/* With desc.dtls: the next datagram that came (first byte 20 to 63, from whom packets are taken before a latch), and a datagram to `to`.
 * What comes while LEG_DTLS_WAITING wait is dropped: who sent it sends it again. false: none; *len in: room, out: bytes. */
enum { LEG_DTLS_WAITING = 8, LEG_DTLS_MAX = 2048 };
bool leg_take_dtls(struct leg *l, uint8_t *buf, size_t *len, struct sa *from);
int  leg_send_dtls(struct leg *l, const uint8_t *buf, size_t len, const struct sa *to);
/* Older frames with each that it is sent, if that was agreed on (red_tx_gen): while its peer reports loss, always, never. */
enum leg_red_choice { LEG_RED_BY_LOSS, LEG_RED_ALWAYS, LEG_RED_NEVER };
void leg_set_red(struct leg *l, enum leg_red_choice choice);
/* What its jitter buffer holds in a music room: so many of its frames, 0 to LEG_BUFFER_MAX, or LEG_BUFFER_AUTO: as leg_conf says.
 * EINVAL. */
enum { LEG_BUFFER_AUTO = -1, LEG_BUFFER_MAX = 3 };
int  leg_set_buffer(struct leg *l, int frames);

/* --- sounds for one member, or for all in a room --- */

enum { LEG_SAY_MAX = 32 };        /* pieces that may wait, of a leg or a bus */

/* Mono at 48 kHz. The samples are `owner`'s (mem_alloc), of whom a reference is held until no media thread reads them. */
struct leg_say {
	const float *smp;
	size_t n;
	void *owner;
	float gain;               /* linear, up to 4 */
	float under;              /* gain of the mix beneath it: 1 as it is, 0.25 ducked, 0 this piece instead of it */
	bool loop;                /* over and over, until something follows */
};
enum leg_say_how {
	LEG_SAY_AFTER,            /* when all before it has been said */
	LEG_SAY_NOW,              /* instead of it: what is being said fades out in 5 ms */
};

/* l alone hears it, over its mix, on the way between two rooms and in none; also a deaf one. While nothing is sent to it (hold)
 * time goes on. When the last piece has been said to its end LEG_EVENT_SAID comes. n 0 with LEG_SAY_NOW: silence.
 * EINVAL; ENODEV; ENOMEM; ENOSPC: over LEG_SAY_MAX pieces. After an error nothing has changed. */
int  leg_say(struct leg *l, const struct leg_say *list, size_t n, enum leg_say_how how);
/* All in the room hear it as one source more; `under` is not used. Who is not in it now does not hear it later. */
int  bus_say(struct bus *b, const struct leg_say *list, size_t n, enum leg_say_how how);

/* How good a stream sounds where it is received (RFC 3611 4.7). */
struct leg_quality {
	bool     known;
	uint8_t  r, mos_lq, mos_cq;               /* R factor 0 .. 93, MOS times ten; 127: not known */
	uint8_t  loss, discard;                   /* of 256, of all packets; redundancy was used before */
	uint8_t  burst_density, gap_density;      /* of 256: how much is missing within bursts of loss, and between them */
	uint16_t burst_ms, gap_ms;                /* how long these are in the mean */
	uint16_t end_ms;                          /* delay of that end: the packet and the jitter buffer */
};

struct leg_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t rx_lost, rx_late, rx_duplicate, rx_reordered, rx_bad, rx_stranger, rx_auth, concealed, discarded;
	uint64_t rx_dtls, dtls_dropped;           /* datagrams of DTLS from the peer, and of those not handed up */
	uint64_t recovered;                       /* frames that were lost and came once more (RFC 2198) */
	uint64_t tx_redundant;                    /* packets sent with older frames in them */
	uint64_t cpu_us;                          /* of the media thread, estimated from one tick of 17 */
	uint32_t jitter_us, buffer_ms, rtt_us;    /* rtt 0: not known */
	/* Means of the last half to whole second. A sample of a frame is mixed at the time of its tick and its place in it.
	 * rx: from the arrival of a frame's packet until its first sample is mixed, filters and all; 0: nothing came.
	 * tx: from when a frame's first sample was mixed until it was sent, and what encoder and decoder delay; with a card
	 * whose period is longer than the frame it is less than 0, as the card has it all at once.
	 * So: from one end's mix to the next one's = tx + the way between them + rx of there. */
	int32_t  rx_delay_us, tx_delay_us;
	/* The same of packets that had the shortest way: now, of what waited least to be sent and longest to be played. These go with the
	 * least of some round trips, as the means go with the mean of them. */
	int32_t  rx_wait_us, tx_wait_us;
	/* In a music room: frames a minute that would be missing with 0, 1, 2 or 3 frames in the buffer, by how its packets
	 * came in the last minute; < 0: not known */
	float    odds[LEG_BUFFER_MAX + 1];
	uint32_t rx_frame_us;                     /* sound in the last packet that was played; 0: none was */
	uint32_t rx_ago_ms;                       /* since its last packet, or since one was expected; to a tenth of a second */
	uint8_t  level_dbov;                      /* 127 = silence */
	uint8_t  peer_fraction_lost;              /* of 256, as the peer reports */
	bool     talking, latched;
	enum leg_keys keys;
	char     rx_codec[16], tx_codec[16];
	struct leg_quality heard, peer;           /* its sound as we get it; ours as it says that it gets it */
};
void leg_stats(const struct leg *l, struct leg_stats *s);  /* counters kept without locks, read as they stand */
uint8_t leg_level(const struct leg *l);                   /* level_dbov alone: for meters, many times a second */

#endif
