/*
 * joinconf_priv.h - the table that reader and pens share.
 */
#ifndef CLIENT_JOINCONF_PRIV_H
#define CLIENT_JOINCONF_PRIV_H

#include "joinconf.h"

enum joinconf_type { JOINCONF_TEXT, JOINCONF_YESNO, JOINCONF_NUMBER, JOINCONF_DECIMAL, JOINCONF_WORD, JOINCONF_PORTS };

struct joinconf_row {
	const char *group;        /* "Call": a heading, where it differs from that of the row before */
	const char *key;          /* "in-file": flag --in-file and key in-file */
	enum joinconf_type type;
	size_t at, size;          /* in struct joinconf */
	const char *def;
	const char *range;        /* "1..8"; "auto|0|1"; NULL */
	const char *metavar;      /* "FILE" */
	const char *help;
	bool secret;              /* a line, but no flag: argv is read by everybody on the machine */
};

/* What makes it do something else than a call, and what it reads: flags without a line. */
struct joinconf_verb { const char *flag, *metavar, *help; };

const struct joinconf_row *joinconf_rows(size_t *n);
const struct joinconf_verb *joinconf_verbs(size_t *n);
const struct joinconf_row *joinconf_find(const char *key, size_t len);
/* EINVAL: wrong says what the value should be. */
int  joinconf_set(struct joinconf *c, const struct joinconf_row *row, const char *value, char *wrong, size_t size);

#endif
