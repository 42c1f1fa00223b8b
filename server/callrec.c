/*
 * callrec.c - SIP's side of a call's record.
 *
 * Every refusal goes out through sips_reply, so one place sees them all: those of access, of the focus, of the session
 * layer and CANCEL. A challenge (401) is no refusal, the call comes again with credentials. What the guard and the rate
 * limit turn away without a transaction is not seen here; they have counters.
 */
#include "callrec.h"
#include "sip.h"

static void print_uri(char *buf, size_t size, const struct uri *uri)
{
	buf[0] = '\0';
	if (re_snprintf(buf, size, "%H", uri_encode, uri) < 0)
		buf[size - 1] = '\0';
}

int callrec_incoming(struct cdr **cp, struct focus *f, const struct sip_msg *invite, const struct session *s, const char *room)
{
	struct cdr_call call = { .room = room };
	char to[256];

	print_uri(to, sizeof(to), &invite->uri);
	call.to        = to;
	call.call_id   = session_callid(s);
	call.from      = session_remote_uri(s);
	call.from_name = session_remote_name(s);

	return cdr_begin(cp, f->cdrs, &call);
}

int callrec_outgoing(struct cdr **cp, struct focus *f, const struct session *s, const char *from, const struct call_dial *d)
{
	const struct cdr_call call = {
		.call_id = session_callid(s), .from = from, .to = d->uri, .room = d->room, .outgoing = true,
	};

	return cdr_begin(cp, f->cdrs, &call);
}

static void refused(const struct sip_msg *invite, uint16_t scode, const char *reason, void *arg)
{
	char call_id[128] = "", from[256], name[128] = "", to[256], room[ROOM_NAME_MAX + 1] = "";
	struct cdr_call call = { call_id, from, name, to, room, false };
	struct focus *f = arg;

	if (scode == 401 || scode == 407)
		return;

	(void)pl_strcpy(&invite->callid, call_id, sizeof(call_id));
	(void)pl_strcpy(&invite->from.dname, name, sizeof(name));
	print_uri(from, sizeof(from), &invite->from.uri);
	print_uri(to, sizeof(to), &invite->uri);
	(void)focus_room_of_uri(f, room, sizeof(room), &invite->uri);

	cdr_refused(f->cdrs, &call, scode, reason);
}

void callrec_watch(struct focus *f)
{
	sips_watch(f->sips, refused, f);
}
