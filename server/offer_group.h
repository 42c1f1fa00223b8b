/*
 * offer_group.h - lines that belong together (RFC 5888): GALT, of which one is to be used; FID, which is one stream in several lines.
 */
#ifndef SERVER_OFFER_GROUP_H
#define SERVER_OFFER_GROUP_H

#include <re.h>
#include "sdesc.h"

enum { OFFER_GROUPS = 8, OFFER_GROUP_LINES = 8, OFFER_GROUP_MIDS = 32 };

struct offer_group {
	bool     fid;
	unsigned n;
	uint8_t  line[OFFER_GROUP_LINES]; /* in the order of the group */
};

struct offer_groups {
	unsigned n;
	struct offer_group group[OFFER_GROUPS];
};

/* Of lines that are on and that `gestures` says yes to; mids of others and unknown ones are passed over. Groups beyond the first
 * OFFER_GROUPS and mids beyond OFFER_GROUP_MIDS are not looked at: whoever writes so many means no good. */
typedef bool (offer_group_h)(const struct sdesc_media *m);
void offer_groups_read(struct offer_groups *g, const struct sdesc *d, offer_group_h *gestures);
bool offer_groups_has(const struct offer_group *g, size_t line);
/* Are both in one FID group? */
bool offer_groups_fid(const struct offer_groups *groups, size_t a, size_t b);

#endif
