/*
 * focus.h - INVITE to a room's address becomes "join" (RFC 4353, 4579). The focus owns the calls, the trunks and the
 * access policy; what happens in one call is call.c's, REFER is refer.c's.
 */
#ifndef SERVER_FOCUS_H
#define SERVER_FOCUS_H

#include <re.h>
#include "access.h"
#include "auth.h"
#include "config.h"
#include "session.h"
#include "control/control.h"

struct call;
struct notify;
struct limit;
struct callgests;
struct relay;
struct dtlscert;

/* A REFER that wants to hear how its dial goes on: the way past control_run, see refer.c. */
struct call_watch { void (*progressh)(uint16_t scode, const char *reason, bool final, void *arg); void *arg; struct call *call; };

struct focus {
	const struct config *cfg;
	struct sips *sips;
	struct sessions *sessions;
	struct control *control;
	struct mixer *mixer;
	struct access *access;
	struct notify *notify;            /* who is told about the rooms */
	struct cdrs *cdrs;                /* who called, and how it went */
	struct list calls;                /* struct call */
	struct list trunks;               /* struct trunk_le */
	struct call_watch *watch;         /* set only while refer.c runs VERB_DIAL */
	struct limit *tries;              /* wrong numbers and PINs of one source, */
	uint32_t tries_rate;              /* ... of which so many a minute */
	struct callgests *gests;          /* NULL: calls have no gestures */
	struct dtlscert *cert;            /* of keys by DTLS; NULL: none could be made */
	bool draining;
};

int  focus_alloc(struct focus **fp, const struct config *cfg, struct sips *sips, struct control *control, struct mixer *mixer);
/* Calls may have lines of gestures from now on; the relay must outlive the focus. */
int  focus_gestures(struct focus *f, struct relay *relay);
void focus_reload(struct focus *f, const struct config *cfg);
void focus_drain(struct focus *f);        /* no new calls */
void focus_hangup_all(struct focus *f, const char *why);
uint32_t focus_calls(const struct focus *f);

/* The trunk account for a URI we dial: credentials go only to the trunk's own host. False: none. */
bool focus_trunk_cred(const struct focus *f, struct auth_cred *cred, const char *uri);
/* Is this URI one of our rooms (host ours, user a room name or DID)? Gives the room's name. */
bool focus_room_of_uri(const struct focus *f, char *room, size_t size, const struct uri *uri);
/* The open room a request to this URI means; the host is judged as for an INVITE. False: there is none. */
bool focus_room_open(const struct focus *f, char *room, size_t size, const struct uri *uri);
/* The room behind digits that a caller typed: as for an INVITE to sip:DIGITS. False: there is none for it. */
bool focus_room_typed(const struct focus *f, char *room, size_t size, const char *digits, const struct access_who *who);
/* Runs the access policy; answers 401/403/400 itself (false), or fills *who (true). */
bool focus_admit(struct focus *f, struct access_who *who, const struct sip_msg *msg);

#endif
