/*
 * room.h - the owner of sessions in a session test: a toy that answers every INVITE as it is told and keeps a diary.
 *
 * The "SDP" it offers and answers is a line with a number, so that a ladder shows which offer met which answer.
 */
#ifndef TESTS_LIB_ROOM_H
#define TESTS_LIB_ROOM_H

#include "server/session.h"

enum { ROOM_SESSIONS_MAX = 64, DIARY_MAX = 4096 };

struct toy {                              /* one session and its owner */
	struct session *s;
	struct room *room;
	unsigned closed_scode;
	int closed_err;
	bool is_closed, is_up;
};

struct room {
	struct sips *sips;
	struct sessions *ss;
	struct sa udp, tcp;
	struct toy toys[ROOM_SESSIONS_MAX];
	unsigned n;
	char diary[DIARY_MAX];            /* "offered answered commit established closed:200 " in order */
	/* What it does with the next INVITE. */
	unsigned ring; bool ring_sdp;     /* 18x first, 0: none */
	bool hold_answer;                 /* do not answer by itself */
	int offered_err;                  /* of the next offer */
	int answered_err;
	int offer_err;
	unsigned refuse;                  /* status instead of a session */
	dialog_auth_h *authh;             /* credentials of calls we make */
	size_t offer_size;                /* of our offers, 0: one line */
	unsigned n_offers;                /* "offer N" goes out */
};

int  room_open(struct room *r, const char *listen, uint32_t expires_s, uint32_t max_sessions);
int  room_open_tls(struct room *r, const char *listen, const char *cert);
void room_close(struct room *r);          /* all sessions, stacks; checks that nothing is left */
struct toy *room_call(struct room *r, const char *uri, const char *route);      /* we call */
bool room_said(struct room *r, const char *diary);        /* compares and clears */

#define OFFER "v=0 offer of the peer\r\n"
#define ANSWER "v=0 answer of the peer\r\n"

#endif
