/*
 * relay_priv.h - the control thread's half: relay, ensembles, players. relay.c, ensemble_names.c, player.c.
 */
#ifndef OSC_RELAY_PRIV_H
#define OSC_RELAY_PRIV_H

#include "ensemble.h"
#include "line_port.h"
#include "tlskey.h"
#include "oscrtp.h"

struct linekeys;

enum { ENSEMBLE_NAMES = 4096, ENSEMBLE_GONE = 64, ENSEMBLE_ROOM_MAX = 127 };

struct relay {
	struct relay_conf conf;
	struct forward *forward;
	struct tlskey *tls;       /* NULL: no lines of TLS */
	struct list ensembles, players, ports;
	uint32_t players_ever;
	struct relay_house house;
	uint64_t keyed, keyless;  /* as relay_stats has them */
	struct player_said said;  /* of what is being told to a househ */
};

/* A name once given, and to whom. */
struct ensemble_name {
	struct le le;
	char name[VIEW_NAME_MAX + 1];
	char identity[256];
	bool taken;               /* by somebody who is here, or waits to be let in */
	bool used;                /* somebody was here by that name */
};

/* Who left lately: its state, for who comes back as the same. */
struct ensemble_gone {
	struct le le;
	char identity[256], name[VIEW_NAME_MAX + 1];
	uint64_t at_us;
	struct osckeys *keys;
	int64_t set_no;
};

struct ensemble {
	struct le le;
	struct relay *relay;      /* a reference */
	char room[ENSEMBLE_ROOM_MAX + 1];
	struct ensemble_rt *rt;
	struct list names, gone;
	unsigned n_names, n_gone;
	struct player *slot[ENSEMBLE_PLAYERS];
	struct owners *owners;    /* control's own; the forward thread has copies */
};

/* The forward thread's half, and what control needs when it comes back. */
struct seat {
	struct player_rt rt;
	struct ensemble *ensemble;        /* where it left from; a reference */
	char identity[256];
};

struct player {
	struct le le;
	struct relay *relay;
	struct ensemble *ensemble;        /* a reference; NULL: nowhere */
	struct ensemble *reserved;        /* nowhere, but name_in is held there; a reference */
	struct player_conf conf;
	struct ensemble_name *name_in;
	char     name[VIEW_NAME_MAX + 1];
	unsigned slot;
	struct seat *seat;
	struct player_rt *rt;             /* in it */
	struct line_port *port[GESTLINE_KINDS];
	struct linekeys *keys[GESTLINE_KINDS];    /* by DTLS; NULL: not so */
	struct gestline desc[GESTLINE_KINDS];
	bool     has[GESTLINE_KINDS];
	uint64_t house_second;            /* what it said to the house in this second */
	unsigned house_n;
	struct { bool listens, levels; uint64_t second; unsigned errors; } desk;  /* desk.c: it hears of the house, wants levels; errors told */
};

/* A line that was made elsewhere and whose packets somebody else carries (appleport.c): it has no port. It is the player's from now
 * on; after an error it is still the caller's. It declares no addresses. EALREADY: there is a line of its kind. */
int  player_put_line(struct player *p, struct line_rt *rt);

/* A description that is in force, with what keys it has (player_line.c); and that there is none, for now: the port stays. */
int  player_line(struct player *p, const struct gestline *l);
void player_mute_line(struct player *p, enum gestline_kind kind);

/* Its keys come by DTLS (player_keys.c): in force when they are there. ENOTSUP: the player has no certificate. */
int  player_keys(struct player *p, const struct gestline *l);

/* Section 5.5. ENOSPC: more names than one conference can have had. */
int  ensemble_name_give(struct ensemble_name **np, struct ensemble *e, const char *wish, const char *identity);
/* The name may be given again; to anybody, if nobody was ever here by it. */
void ensemble_name_free(struct ensemble *e, struct ensemble_name *n);
void ensemble_name_wish(char name[VIEW_NAME_MAX + 1], const char *wish, const char *identity);
void ensemble_gone_add(struct ensemble *e, const char *identity, const char *name, struct player_rt *rt);
void ensemble_gone_back(struct ensemble *e, const char *identity, const char *name, struct player_rt *rt);
/* Who hears whom by section 8.4, and its claims. */
int  ensemble_meet(struct ensemble *e, struct player *p);
void ensemble_meets(const struct ensemble *e, const struct player *p, struct slots *hears, struct slots *heard);
int  ensemble_owners_post(struct ensemble *e);
int  ensemble_place(struct ensemble *e, struct player *p);        /* a slot; ENOSPC */

#endif
