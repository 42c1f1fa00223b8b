/*
 * sip_priv.h - what the files of the SIP stacks share: sip.c and sip_*.c.
 */
#ifndef SERVER_SIP_PRIV_H
#define SERVER_SIP_PRIV_H

#include "limit.h"
#include "sip.h"

enum { SEEN_SETS = 1024, SEEN_WAYS = 4 };
#define TP_N ((int)SIP_TRANSP_TLS + 1)

/* A server transaction as libre finds it (branch, sent-by, method), and whose request it was. */
struct seen { uint32_t key, id; uint64_t then_ms; bool diverted; };

struct stack {
	struct le le;
	struct sips *s;
	struct sip *sip;
	struct sip_lsnr *front, *req, *resp;
	struct seen seen[SEEN_SETS][SEEN_WAYS];
	struct sa addr;
	struct sa at[TP_N];               /* listening addresses, unset where there is no transport */
	int probe_fd;
	char probe_id[40];
	bool guarded;
};

struct handler {
	struct le le;
	char *method;
	sips_request_h *h;
	void *arg;
};

struct sips {
	struct list stacks, handlers;
	struct dnsc *dnsc;
	struct tls *tls;
	char *software, *tls_peer;
	const char *tls_problem;
	struct sa external;
	struct limit *invites, *requests, *bad;
	struct sips_stats stats;
	sips_refused_h *refusedh;
	void *refused_arg;
	bool closed;
};

/* sip.c */
void sips_count(const struct sips *s, uint16_t scode);            /* an answer that goes out */
bool sips_take(const struct sip_msg *msg, void *arg);             /* a request, of this stack */

/* sip_check.c; false: it was answered or dropped */
bool sips_check_rate(struct sips *s, const struct sip_msg *msg);
bool sips_check(struct sips *s, const struct sip_msg *msg);
bool sips_method_in(const char *list, const struct pl *method);
const char *sips_text(char *buf, size_t size, const struct pl *pl);
void sips_security(const struct sip_msg *msg, const char *action);

/* sip_front.c */
bool sips_front(const struct sip_msg *msg, void *arg);            /* of this stack, before libre's transactions */
void sips_to_front(struct sip_lsnr *lsnr);
int  sips_probe(struct stack *k);
bool sips_is_probe(const struct stack *k, const struct sip_msg *msg);
void sips_probed(struct stack *k, const struct sip_msg *msg);     /* the guard takes its seat */

/* sip_tls.c */
int  sips_tls_open(struct sips *s, const struct sips_conf *conf);

/* sip_address.c: the stack with that address of ours, and that port where there are several; NULL */
struct stack *sips_stack_of(const struct sips *s, enum sip_transp tp, const struct sa *local);

#endif
