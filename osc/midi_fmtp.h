/*
 * midi_fmtp.h - the parameters of an RTP MIDI payload type (RFC 6295 appendices C and D) as a value, and which commands they
 * let through.
 *
 * Texts point into what was read. Pure: no allocation, may be called on any thread.
 */
#ifndef OSC_MIDI_FMTP_H
#define OSC_MIDI_FMTP_H

#include "midi.h"

enum { FMTP_LIST_MAX = 64, FMTP_LEN_MAX = 8192 };

enum fmtp_j_sec    { J_SEC_ABSENT, J_SEC_NONE, J_SEC_RECJ, J_SEC_UNKNOWN };
enum fmtp_j_update { J_UPDATE_ABSENT, J_UPDATE_ANCHOR, J_UPDATE_CLOSED, J_UPDATE_OPEN, J_UPDATE_UNKNOWN };
enum fmtp_tsmode   { TSMODE_ABSENT, TSMODE_COMEX, TSMODE_ASYNC, TSMODE_BUFFER };
enum fmtp_octpos   { OCTPOS_ABSENT, OCTPOS_FIRST, OCTPOS_LAST };

struct fmtp_number {
	bool     there;
	uint32_t value;
};

struct fmtp_text {
	const char *p;
	size_t len;
};

/* One of the parameters that may be there more than once and whose order matters. */
struct fmtp_item {
	const char *name;            /* of the table in midi_fmtp.c */
	struct fmtp_text value;
};

struct midi_fmtp {
	enum fmtp_j_sec    j_sec;
	enum fmtp_j_update j_update;
	enum fmtp_tsmode   tsmode;
	enum fmtp_octpos   octpos;
	struct fmtp_number linerate, mperiod, guardtime, rtp_ptime, rtp_maxptime, musicport;
	struct fmtp_text   streamtype, mode, profile_level_id, config;   /* of mpeg4-generic */
	unsigned n_subsets;          /* cm_unused cm_used ch_default ch_never ch_anchor, in order */
	struct fmtp_item subset[FMTP_LIST_MAX];
	unsigned n_renders;          /* multimode render subrender rinit ... chanmask, in order */
	struct fmtp_item render[FMTP_LIST_MAX];
};

/* EBADMSG: a value breaks its grammar, or a parameter that may be there once is there twice; E2BIG: more than is kept.
 * Unknown parameters are left out. */
int  midi_fmtp_read(struct midi_fmtp *f, const char *text, size_t len);

/* *len is in: room with the NUL, out: length without it. ENOSPC. */
int  midi_fmtp_write(char *buf, size_t *len, const struct midi_fmtp *f);

/* Our answer to an offer, at a clock rate. EPROTO: the payload type cannot be taken. lossless: the leg is configured so. */
int  midi_fmtp_answer(struct midi_fmtp *answer, const struct midi_fmtp *offer, uint32_t rate, bool lossless);

/* ---- which commands may appear ---- */

enum { SUBSET_CONTROLS = 256 };

/* One bit for each channel. */
struct midi_subset {
	uint16_t note[MIDI_KEYS], poly[MIDI_KEYS], control[SUBSET_CONTROLS];
	uint16_t program, pressure, bend, params;
	uint32_t system;             /* bit status & 15 */
	bool     sysex;
};

/* From cm_unused and cm_used in their order; what is no list of appendix C.1 was refused by midi_fmtp_read(). Field lists of M,
 * J, K and X and classes of SysEx are not told apart: M, J, K and X go by their letter, a class of SysEx in cm_used lets all of
 * them pass. */
void midi_subset_make(struct midi_subset *s, const struct midi_fmtp *f);
bool midi_subset_allows(const struct midi_subset *s, const struct midi_cmd *cmd);

#endif
