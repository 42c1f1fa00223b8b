/*
 * gestline.h - what was agreed on for one line of gestures, as a value.
 *
 * Whoever reads a session description (the offer engine) or opens a port of its own (osc/plain, osc/appleport) fills it,
 * the relay obeys it. Nothing in it knows SDP's syntax but the readers below, which are pure and may be called on any thread.
 */
#ifndef OSC_GESTLINE_H
#define OSC_GESTLINE_H

#include <re.h>
#include "mixer/dtlskey.h"
#include "kind.h"
#include "midi_fmtp.h"
#include "views.h"

struct oscmap;

enum gestline_kind {
	GESTLINE_MIDI,            /* G1: RTP MIDI */
	GESTLINE_OSC,             /* G2: RTP "osc" */
	GESTLINE_UDP,             /* G3: UDP/OSC */
	GESTLINE_TCP,             /* G4: TCP/OSC */
	GESTLINE_TLS,             /* G5: TCP/TLS/OSC */
	GESTLINE_KINDS,
};

enum gestline_framing { GESTLINE_SLIP, GESTLINE_SIZE };

enum { GESTLINE_ALL = 9999, GESTLINE_SCHEMAS = 16, GESTLINE_SPACES = 64, GESTLINE_MAPS = 128, GESTLINE_CLAIMS = 32 };
enum { GESTLINE_URI_MAX = 255, GESTLINE_TYPES_MAX = 32 };

/* Class D parameters: what a party takes. */
struct gestline_takes {
	bool     deep;            /* version 1.1: it knows "//" */
	char     types[GESTLINE_TYPES_MAX + 1];
	size_t   max;
	uint8_t  red;
	uint32_t guard_ms, late_ms, refresh_ms, rate;
};

/* What a party says of its addresses, its maps and its claims: read once, then only read, shared by reference (mem_ref). */
struct gestspace {
	struct kinds kinds;       /* spaces with kind=, of send and both */
	unsigned n_schema, n_space, n_claim;
	unsigned n_space_lines, n_map_lines;      /* also those that are ignored */
	struct { uint8_t dir; char uri[GESTLINE_URI_MAX + 1]; } schema[GESTLINE_SCHEMAS];      /* dir: LEG_DIR_*, from the writer */
	struct { uint8_t dir; char pattern[PATTERN_MAX + 1]; char tags[GESTLINE_TYPES_MAX + 1]; } space[GESTLINE_SPACES];
	char claim[GESTLINE_CLAIMS][PATTERN_MAX + 1];
	struct oscmap *map;       /* NULL: no a=osc-map line; a reference of its own */
};

struct gestline {
	enum gestline_kind kind;
	uint8_t  dir;             /* LEG_DIR_* as the server sees it: SEND: the party hears; RECV: it plays */
	struct sa peer;           /* where to, and where from; of TCP only the address counts; RTCP: port + 1 unless: */
	struct sa peer_rtcp;
	bool     rtcp_mux;
	struct sa peer_from;      /* G3, G1: where it plays from, if not from `peer`; as a rule not set */
	struct sa peer_from_rtcp; /* G1: where reports of what it plays go; not set: peer_from, port + 1 */
	bool     opened;          /* G3: it was heard from this address already (a login): it may be sent to at once */
	uint8_t  pt;              /* G1, G2 */
	uint32_t rate;            /* RTP clock */
	struct leg_key srtp_tx, srtp_rx;
	/* G1, G2: on: keys come by DTLS (RFC 5764). Until they are there nothing goes and nothing is taken; without rtcp_mux there are no
	 * reports. */
	struct dtlskey_peer dtls;
	struct sa source;         /* the host that signals (port ignored): it, too, may speak of keys; may be unset */
	bool     pli;             /* a=rtcp-fb: nack pli: a refresh may be asked for so */
	struct gestline_takes takes;      /* what the party takes */
	bool     journal;         /* rec */
	bool     party_exec;      /* tt=exec: time tags of the party mean something */
	enum osc_view view;
	unsigned sources;         /* gest-sources of the party */
	bool     spread;          /* gest-merge */
	enum gestline_framing framing;
	bool     renew;           /* G4, G5: a=connection:new of a later offer: the next connection replaces the one there is */
	char     fingerprint[3 * 64 + 16];        /* G5: "sha-256 AB:CD:.." of the party's certificate */
	/* G1 */
	bool     anchor;          /* j_update=anchor */
	bool     lossless;        /* j_sec=none */
	bool     always_marked;   /* mpeg4-generic: M is 1 in every packet */
	uint32_t guard_us;        /* guardtime */
	struct midi_subset *subset;       /* cm_unused, cm_used; NULL: all commands */
	struct gestspace *space;  /* NULL: nothing was said */
};

/* Kind's defaults: takes, journal, view prefix, one source, both directions, 48 kHz; no address, no payload type (255). */
void gestline_init(struct gestline *l, enum gestline_kind kind);
void gestline_copy(struct gestline *dst, const struct gestline *src);     /* with references */
void gestline_reset(struct gestline *l);          /* drops references, wipes keys */

/* a=fmtp of "osc" as the writer means it; of length 0: the defaults. Lists of class N in the order they stand; without `rec`:
 * journal alone; without `framing`: none ("an offer without it is read as slip,size", in an answer it has to be there). EPROTO:
 * given twice, or outside its syntax: the payload type or line is unacceptable. */
struct gestline_fmtp {
	struct gestline_takes takes;
	bool     exec;            /* tt */
	uint8_t  n_rec, n_framing;
	bool     rec_journal[2];  /* in order of preference */
	enum gestline_framing framing[2];
};
int  gestline_fmtp_read(struct gestline_fmtp *f, enum gestline_kind kind, const char *text, size_t len);

/* The attributes of one media description, each handed in by name (without a=) and value; those of other names are passed over.
 * EPROTO: more than may be (section 13), or a URI longer than is kept; ENOMEM. Lines that are not well formed are ignored. */
int  gestspace_alloc(struct gestspace **sp);
int  gestspace_attr(struct gestspace *s, const char *name, size_t name_len, const char *value, size_t len);
/* a=osc-view: values in order; n 0: none known. Returns how many. */
unsigned gestline_views_read(enum osc_view *list, unsigned max, const char *value, size_t len);
unsigned gestline_sources_read(const char *value, size_t len);    /* 1 when it is not well formed */

/* Section 8.4: is there an address that A may send and B wants? Either may be NULL: nothing declared. */
bool gestspace_meets(const struct gestspace *a_send, const struct gestspace *b_recv);

#endif
