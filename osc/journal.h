/*
 * journal.h - the recovery journal of RTP MIDI (RFC 6295 section 5, appendices A and B) to values and back.
 *
 * A journal says what happened in earlier packets, so that whoever lost some can make good for them. journal_read() judges
 * all of it before anything may be used. Lists of logs are not copied: they point into the packet (or, when one is
 * written, to octets the caller keeps), and the functions below take a log out or put one in.
 *
 * Pure: no allocation, may be called on any thread.
 */
#ifndef OSC_JOURNAL_H
#define OSC_JOURNAL_H

#include "midi.h"

enum {
	JOURNAL_LENGTH_MAX = 1023,        /* "10-bit LENGTH field" of a channel's and of the system journal */
	JOURNAL_LOGS_MAX   = 128,         /* of chapters C, N, E and A */
	JOURNAL_PARAM_LEN  = 10,          /* the longest parameter log */
};

/* The chapters of a channel, as bits of its table of contents. */
enum journal_chapter {
	CHAPTER_P = 0x80, CHAPTER_C = 0x40, CHAPTER_M = 0x20, CHAPTER_W = 0x10,
	CHAPTER_N = 0x08, CHAPTER_E = 0x04, CHAPTER_T = 0x02, CHAPTER_A = 0x01,
};

enum journal_system_chapter {
	CHAPTER_D = 0x10, CHAPTER_V = 0x08, CHAPTER_Q = 0x04, CHAPTER_F = 0x02, CHAPTER_X = 0x01,
};

/* ---- logs of two octets: S, a number, a flag, a value ---- */

/* Chapter C: flag A; N: flag Y, value velocity; E: flag V; A: flag X. */
struct journal_log {
	bool    s;
	uint8_t num;
	bool    flag;
	uint8_t value;
};

struct journal_list {
	bool     s;
	unsigned n;
	const uint8_t *logs;
};

struct journal_log journal_log_at(const struct journal_list *l, unsigned i);
void journal_log_put(uint8_t at[2], const struct journal_log *log);

/* ---- channel chapters ---- */

struct journal_p {
	bool    s, b, x;
	uint8_t program, msb, lsb;
};

struct journal_m {
	bool    s, p, e, u, w, z;
	bool    q;                        /* the pending number is an NRPN's */
	uint8_t pending;
	const uint8_t *logs;
	size_t  len;
};

/* One parameter log. Counts of buttons have a sign. */
struct journal_param {
	bool     s, nrpn;
	uint16_t num;
	bool     j, k, l, m, n;           /* which of the fields below there are */
	bool     t, v;                    /* the count tool and the value tool are in use */
	uint8_t  msb, lsb;
	bool     msb_x, lsb_x;
	int16_t  a_button, c_button;
	bool     a_x;
	uint8_t  count;
	bool     count_x;
};

struct journal_n {
	bool     b;
	struct journal_list notes;        /* its s is not used */
	uint8_t  low;
	unsigned n_off;                   /* octets; 0: no bits */
	const uint8_t *off;
};

struct journal_channel {
	uint8_t chan;
	bool    s, h;
	uint8_t toc;                      /* enum journal_chapter */
	struct journal_p p;
	struct journal_list c;
	struct journal_m m;
	struct { bool s; uint8_t first, second; } w;
	struct journal_n n;
	struct journal_list e;
	struct { bool s; uint8_t pressure; } t;
	struct journal_list a;
};

/* The next parameter log of a chapter that journal_read() accepted; *at begins at 0. False at the end. */
bool journal_param_next(struct journal_param *param, const struct journal_m *m, size_t *at);

/* Writes up to JOURNAL_PARAM_LEN octets and returns how many; brief: without Q and PNUM-MSB. */
size_t journal_param_put(uint8_t *at, const struct journal_param *param, bool brief);

static inline bool journal_is_off(const struct journal_n *n, uint8_t note)
{
	const unsigned octet = note / 8u;

	return octet >= n->low && octet - n->low < n->n_off && (n->off[octet - n->low] & 0x80 >> note % 8);
}

/* ---- system chapters ---- */

struct journal_count {
	bool    there, s;
	uint8_t count;                    /* chapter D's Song Select: the song */
};

/* Undefined commands: F4 and F5 have data, F9 and FD only a count. */
struct journal_undef {
	bool    there, s;
	bool    c, v, l;                  /* which of COUNT, VALUE and LEGAL there are */
	uint8_t dsz;
	uint8_t count;
	const uint8_t *value;             /* high bit set in the last octet, as on the wire */
	size_t  len;
	const uint8_t *legal;             /* "receivers MUST use the LENGTH field to skip over the LEGAL field" */
	size_t  legal_len;
};

struct journal_d {
	bool s;
	struct journal_count reset, tune, song;
	struct journal_undef f4, f5, f9, fd;
};

struct journal_q {
	bool     s, n, d, c, t;
	uint32_t position;                /* MIDI clocks */
	uint32_t time_ms;
};

struct journal_f {
	bool    s, c, p, q, d;
	uint8_t point;
	uint8_t complete[4], partial[4];
};

struct journal_system {
	bool    s;
	uint8_t toc;                      /* enum journal_system_chapter */
	struct journal_d d;
	struct journal_count v;
	struct journal_q q;
	struct journal_f f;
	const uint8_t *x;
	size_t  x_len;
};

/* One SysEx log of chapter X. */
struct journal_sysex {
	bool     s, t, c, f, d, l;
	uint8_t  sta;                     /* enum journal_sta */
	uint8_t  tcount, count;
	uint32_t first;
	const uint8_t *data;              /* high bit set in the last octet, as on the wire */
	size_t   len;
};

enum journal_sta { STA_UNFINISHED, STA_CANCELLED, STA_DROPPED, STA_FINISHED };

/* The next log of a chapter X that journal_read() accepted; *at begins at 0. False at the end. */
bool journal_sysex_next(struct journal_sysex *x, const struct journal_system *sys, size_t *at);

/* Data without high bits; they are set here. 0: it does not fit. */
size_t journal_sysex_put(uint8_t *at, size_t room, const struct journal_sysex *x);

/* Data octet i of a VALUE or DATA field. */
static inline uint8_t journal_octet(const uint8_t *data, size_t i) { return data[i] & 0x7f; }

/* ---- the whole ---- */

struct journal {
	bool     s, y, h;
	unsigned n_channels;
	uint16_t checkpoint;
	struct journal_system  sys;       /* if y */
	struct journal_channel channel[MIDI_CHANNELS];
};

/* EBADMSG: a length, a list or an end is wrong. Fields of absent chapters are not set. */
int  journal_read(struct journal *j, const uint8_t *buf, size_t len);

/* *len is in: room, out: length. EMSGSIZE: no room, or more than a LENGTH field can say. EINVAL: lists out of range. */
int  journal_write(uint8_t *buf, size_t *len, const struct journal *j);

#endif
