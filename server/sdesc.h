/*
 * sdesc.h - a session description (RFC 8866) as a parse tree. Immutable once read.
 *
 * The body is untrusted: sizes, counts and numbers are bounded, everything else is kept as text for the offer/answer
 * engine to judge. (libre's sdp matches lines by name and proto only and cannot roll back; this is not it.)
 */
#ifndef SERVER_SDESC_H
#define SERVER_SDESC_H

#include <re.h>

/* Formats and attributes are counted per m-line (attributes also per session part). */
enum { SDESC_MEDIA_MAX = 64, SDESC_FMT_MAX = 64, SDESC_ATTR_MAX = 512, SDESC_SIZE_MAX = 65536 };

struct sdesc_attr {
	struct pl name, value;            /* value.p NULL for a=flag */
	int8_t pt;                        /* rtpmap and fmtp: the payload type they are for; else -1 */
};

struct sdesc_conn {
	bool set;
	bool inet;                        /* nettype IN and an address type we know; else addr and sa mean nothing */
	bool ip6;
	char addr[64];                    /* as written, without TTL; empty when longer than an address can be */
	struct sa sa;                     /* AF_UNSPEC when addr is a host name; port 0 */
};

struct sdesc_media {
	struct pl type, proto;            /* "audio", "RTP/AVP": printable ASCII */
	uint16_t port; uint16_t n_ports;
	struct sdesc_conn conn;           /* own c= (the first), else unset */
	size_t n_fmt;  struct pl *fmt;    /* at least one; with an RTP proto each is a number 0..127 */
	size_t n_attr; struct sdesc_attr *attr;
	struct pl title;                  /* i= */
	uint32_t bandwidth_as;            /* b=AS in kbit/s, 0: none */
};

struct sdesc {
	struct mbuf *text;                /* owns the bytes all struct pl point into */
	uint64_t sess_id, sess_version; char user[32]; struct sdesc_conn origin;
	struct pl time;                   /* the first t=, "0 0"; unset when there is none */
	struct sdesc_conn conn;
	size_t n_attr; struct sdesc_attr *attr;
	size_t n_media; struct sdesc_media *media;
	struct sdesc_attr *attr_pool;     /* memory of all attr and fmt arrays; not for readers */
	struct pl *fmt_pool;
};

/* EBADMSG malformed (with *why, a static text), E2BIG over a bound (likewise). Lenient where the field is: LF line ends,
 * a missing last line end, empty lines, no s= or t=, unknown lines skipped. Costs O(size). Freed with mem_deref. */
int  sdesc_read(struct sdesc **dp, const char **why, const void *body, size_t len);

/* Attributes by name; `after` NULL gives the first, else the next one. NULL when there is none. */
const struct sdesc_attr *sdesc_media_attr(const struct sdesc_media *m, const char *name, const struct sdesc_attr *after);
const struct sdesc_attr *sdesc_attr(const struct sdesc *d, const char *name);
/* The address of a line: its own c= or the session's; NULL when there is neither. */
const struct sdesc_conn *sdesc_media_conn(const struct sdesc *d, const struct sdesc_media *m);
bool sdesc_is_rtp(const struct pl *proto);                /* formats are payload types */

/* rtpmap of a format: own line, or the static table of RFC 3551. ENOENT. */
struct sdesc_rtpmap { uint8_t pt; struct pl name; uint32_t clock; uint8_t channels; };
int  sdesc_rtpmap(struct sdesc_rtpmap *map, const struct sdesc_media *m, const struct pl *fmt);
int  sdesc_static_pt(const char *name, uint32_t clock, uint8_t channels);            /* -1: none */
int  sdesc_fmtp(struct pl *params, const struct sdesc_media *m, uint8_t pt);
int  sdesc_fmtp_param(struct pl *value, const struct pl *params, const char *name);  /* "a=1;b=2": case-insensitive name */

/* Small readers shared with the files that look into attributes. */
bool sdesc_word(struct pl *word, struct pl *rest);        /* cuts the next word off rest; false: none left */
bool sdesc_number(uint64_t *n, const struct pl *pl, uint64_t max);  /* digits only, at most max */

#endif
