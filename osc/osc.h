/*
 * osc.h - OSC packets: validator, reader, writer (OSC 1.0 and 1.1, as docs/gestures.md bounds them).
 *
 * Pure: no state but what is handed in, no allocation, any thread. Nothing is copied while reading: messages, strings
 * and blobs are pointers into the packet and live as long as it does.
 *
 * Bytes from the network go through osc_check once; what it passes can be walked by osc_next and osc_arg_next without
 * another question. (Both stay inside their buffer whatever they are given; they just end early.)
 */
#ifndef OSC_OSC_H
#define OSC_OSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OSC_LEN_MIN      = 8,         /* the shortest message: "/a" and "," */
	OSC_ADDR_MAX     = 255,
	OSC_ARRAY_DEPTH  = 4,
	OSC_BUNDLE_DEPTH = 8,
	OSC_BUNDLE_HDR   = 16,        /* "#bundle" and the time tag */
	OSC_MAX_DGRAM    = 65504,     /* largest packet of a datagram, */
	OSC_MAX_STREAM   = 1048576,   /* and of a stream */
	OSC_TAGS_MAX     = 32,        /* letters a peer can name in `types` */
};
#define OSC_NOW UINT64_C(1)           /* the time tag "immediately" */

struct osc_msg {
	const char *addr;         /* ends in NUL */
	size_t      addr_len;
	const char *tags;         /* after the comma; ends in NUL */
	size_t      n_tags;
	const uint8_t *args;
	size_t      args_len;
	const uint8_t *raw;       /* the whole message */
	size_t      len;
};

struct osc_arg {
	char tag;                 /* one of ifsbhtdScrmTFNI[] */
	union {
		int32_t  i;
		float    f;
		int64_t  h;
		uint64_t t;
		double   d;
		uint32_t c;           /* a character in 32 bits */
		uint8_t  m[4];        /* MIDI: port, status, data, data; r: red, green, blue, alpha */
		const char *s;        /* s and S; ends in NUL */
		struct { const uint8_t *p; uint32_t len; } b;
	} v;
};

/* EBADMSG: not one valid packet of at most `max` octets. */
int  osc_check(const uint8_t *buf, size_t len, size_t max);
/* One message, never a bundle. EBADMSG: not a valid one. */
int  osc_msg_read(struct osc_msg *msg, const uint8_t *buf, size_t len);
bool osc_is_bundle(const uint8_t *buf, size_t len);

/* All messages of a packet in their order, whatever the bundles they stand in. */
struct osc_iter {
	const uint8_t *pos;
	const uint8_t *end[OSC_BUNDLE_DEPTH + 1];
	uint64_t time[OSC_BUNDLE_DEPTH + 1];
	unsigned depth;
	uint64_t timetag;         /* of the innermost bundle the last message stands in; OSC_NOW: in none */
};

enum osc_step { OSC_END, OSC_MSG, OSC_OPEN, OSC_CLOSE, OSC_BAD };

void osc_iter_init(struct osc_iter *it, const uint8_t *buf, size_t len);
bool osc_next(struct osc_iter *it, struct osc_msg *msg);
/* The same step by step, for who keeps the bundles: one begins, a message, one ends. */
enum osc_step osc_step(struct osc_iter *it, struct osc_msg *msg);

/* The arguments in their order; array brackets come as arguments without a value. */
struct osc_args {
	const char *tag, *tag_end;
	const uint8_t *pos, *end;
};

void osc_args_init(struct osc_args *it, const struct osc_msg *msg);
bool osc_arg_next(struct osc_args *it, struct osc_arg *arg);

/* A message whose only argument is N: the key has no value any more. */
bool osc_is_nil(const struct osc_msg *msg);
/* `*?[]{}` or "//" in it */
bool osc_addr_is_pattern(const char *addr, size_t len);
bool osc_addr_has_deep(const char *addr, size_t len);

/*
 * Writes packets into a buffer of the caller: messages, or bundles begun and ended around them. The first error stays
 * (EINVAL, ENOSPC) and everything after it is passed over, so it needs asking only once, by osc_w_end. Each element is
 * written as one that osc_check passes, with padding of NULs, whatever the padding was where it came from.
 */
struct osc_writer {
	uint8_t *buf;
	size_t   room, len;
	size_t   size_at[OSC_BUNDLE_DEPTH];
	unsigned depth;
	int      err;
};

void osc_w_init(struct osc_writer *w, uint8_t *buf, size_t room);
void osc_w_bundle(struct osc_writer *w, uint64_t timetag);
void osc_w_bundle_end(struct osc_writer *w);
/* tags and values from `args` */
void osc_w_msg(struct osc_writer *w, const char *addr, const struct osc_arg *args, size_t n);
/* A message as it came, under another address: `prefix` and then the address from `skip` octets on. */
void osc_w_copy(struct osc_writer *w, const struct osc_msg *msg, const char *prefix, size_t skip);
int  osc_w_end(struct osc_writer *w, size_t *len);

#endif
