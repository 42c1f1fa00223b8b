/*
 * confinfo.c - a roster as conference-info XML (RFC 4575).
 *
 *     conference-info   entity, state, version
 *       conference-description      in full documents
 *       conference-state            when it changed
 *       users                       state="partial" unless everybody is in it
 *         user                      full when new, partial when only part of it changed, deleted when it has gone
 *           endpoint                the same
 *
 * RFC 4575 4.4: a user or an endpoint is replaced, changed or removed by its entity. What a document cannot hold stays for the next:
 * users are written in the order of their changes and none is cut.
 */
#include <string.h>
#include <time.h>
#include "confinfo.h"
#include "xmltext.h"

const char confinfo_type[] = "application/conference-info+xml";

/* Ours; a name, and nothing is to be found there. */
static const char confinfo_delay_ns[] = "urn:x-tutti:delay:1";

static const char tail[] = "</conference-info>\n";

enum { USERS_TAGS = 40 };                 /* <users state="partial"> and its end */

static const char *state_name(bool full)
{
	return full ? "full" : "partial";
}

/* Of a user or an endpoint; full is what the schema takes where nothing is said. */
static const char *state_attr(bool gone, bool full)
{
	return gone ? " state=\"deleted\"" : full ? "" : " state=\"partial\"";
}

/* <tag>text</tag> */
static int element(struct mbuf *mb, const char *tag, const char *text)
{
	int err;

	err  = mbuf_printf(mb, "<%s>", tag);
	err |= xmltext_write(mb, text);
	err |= mbuf_printf(mb, "</%s>", tag);

	return err;
}

/* --- an endpoint --- */

static const char *status_name(const struct roster_endpoint *e)
{
	return e->hold ? "on-hold" : e->muted ? "muted-via-focus" : "connected";
}

/* RFC 4575 5.8.5: the directions as the endpoint sees them. */
static const char *media_status(const struct roster_endpoint *e)
{
	if (e->hold)
		return "inactive";

	return e->muted ? (e->deaf ? "inactive" : "recvonly") : (e->deaf ? "sendonly" : "sendrecv");
}

/* RFC 4575 5.7.5: departed, booted, failed. (busy is for those who never came.) */
static const char *disconnection(const char *why)
{
	static const char *const failed[] = { "rtp-timeout", "error", "answer failed", "no answer" };

	if (!strcmp(why, "kicked") || !strcmp(why, "ended"))
		return "booted";

	for (size_t i = 0; i < ARRAY_SIZE(failed); i++)
		if (!strcmp(why, failed[i]))
			return "failed";

	return "departed";
}

static int write_joined(struct mbuf *mb, const struct roster_endpoint *e)
{
	time_t sec = (time_t)(e->since_ms / 1000);
	char when[32];
	struct tm tm;

	if (!gmtime_r(&sec, &tm) || !strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return EINVAL;

	return mbuf_printf(mb, "<joining-method>dialed-%s</joining-method><joining-info><when>%s</when></joining-info>",
			   e->dialed_out ? "out" : "in", when);
}

static int write_gone(struct mbuf *mb, const struct roster_endpoint *e)
{
	int err;

	err  = mbuf_printf(mb, "<status>disconnected</status><disconnection-method>%s</disconnection-method>", disconnection(e->why));
	if (e->why[0]) {
		err |= mbuf_write_str(mb, "<disconnection-info>");
		err |= element(mb, "reason", e->why);
		err |= mbuf_write_str(mb, "</disconnection-info>");
	}

	return err;
}

/* A millisecond with its tenth, and whether that is all of it. */
static int write_half(struct mbuf *mb, const char *name, uint32_t us, bool whole)
{
	uint32_t tenths = us / 100 + (us % 100 >= 50);

	return mbuf_printf(mb, " %s=\"%u.%u\"%s%s%s", name, tenths / 10, tenths % 10, whole ? "" : " ", whole ? "" : name,
			   whole ? "" : "-at-least=\"true\"");
}

/* RFC 4575 has no place for it, but its schema takes elements of other namespaces at the end of <media>. From one's mouth to
 * another's ear it is the one's to-mix and the other's from-mix (control/delay.h). */
static int write_delay(struct mbuf *mb, const struct delay *d)
{
	int err;

	if (!d->known)
		return 0;
	err  = mbuf_printf(mb, "<delay xmlns=\"%s\"", confinfo_delay_ns);
	err |= write_half(mb, "to-mix", delay_to_mix(d), delay_to_mix_whole(d));
	err |= write_half(mb, "from-mix", delay_from_mix(d), delay_from_mix_whole(d));

	return err | mbuf_write_str(mb, "/>");
}

static int write_media(struct mbuf *mb, const struct roster_endpoint *e)
{
	int err;

	err  = mbuf_printf(mb, "<media id=\"1\"><type>audio</type><status>%s</status>", media_status(e));
	if (e->timed)
		err |= write_delay(mb, &e->delay);

	return err | mbuf_write_str(mb, "</media>");
}

static int write_endpoint(struct mbuf *mb, const struct roster_endpoint *e, uint64_t known)
{
	bool full = e->born > known;
	int err;

	err  = mbuf_write_str(mb, "<endpoint entity=\"");
	err |= xmltext_write(mb, e->user->entity);
	err |= mbuf_printf(mb, ";member=%u\"%s>", e->id, state_attr(e->gone, full));

	if (e->gone)
		err |= write_gone(mb, e);
	else
		err |= mbuf_printf(mb, "<status>%s</status>", status_name(e));
	if (!e->gone && full)
		err |= write_joined(mb, e);
	if (!e->gone)
		err |= write_media(mb, e);

	return err | mbuf_write_str(mb, "</endpoint>");
}

/* --- a user --- */

static int write_identity(struct mbuf *mb, const struct roster_user *u)
{
	int err = 0;

	if (u->name[0])
		err = element(mb, "display-text", u->name);

	return err | mbuf_printf(mb, "<roles><entry>%s</entry></roles>", role_name(u->role));
}

static int write_user(struct mbuf *mb, const struct roster_user *u, uint64_t known)
{
	bool full = u->n_here && u->born > known;
	const struct le *le;
	int err;

	err  = mbuf_write_str(mb, "<user entity=\"");
	err |= xmltext_write(mb, u->entity);
	err |= mbuf_printf(mb, "\"%s>", state_attr(!u->n_here, full));

	if (u->n_here && u->named > known)
		err |= write_identity(mb, u);

	for (le = u->endpoints.head; le; le = le->next) {
		const struct roster_endpoint *e = le->data;

		if (e->seq > known && !(full && e->gone))
			err |= write_endpoint(mb, e, known);
	}

	return err | mbuf_write_str(mb, "</user>\n");
}

/* --- the document --- */

static int write_description(struct mbuf *mb, const struct confinfo *c)
{
	int err;

	err  = mbuf_write_str(mb, "<conference-description>");
	err |= element(mb, "display-text", c->name);
	err |= mbuf_write_str(mb, "<conf-uris><entry>");
	err |= element(mb, "uri", c->entity);
	err |= mbuf_write_str(mb, "<purpose>participation</purpose></entry></conf-uris>");
	if (c->max_users)
		err |= mbuf_printf(mb, "<maximum-user-count>%u</maximum-user-count>", c->max_users);

	return err | mbuf_write_str(mb, "</conference-description>\n");
}

static int write_head(struct mbuf *mb, const struct confinfo *c)
{
	int err;

	err  = mbuf_write_str(mb, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			      "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"");
	err |= xmltext_write(mb, c->entity);
	err |= mbuf_printf(mb, "\" state=\"%s\" version=\"%u\">\n", state_name(c->full), c->version);
	if (c->full)
		err |= write_description(mb, c);

	return err;
}

static int write_state(struct mbuf *mb, const struct roster *r)
{
	return mbuf_printf(mb, "<conference-state><user-count>%zu</user-count><active>%s</active><locked>%s</locked>"
			   "</conference-state>\n", r->n_members, r->active ? "true" : "false", r->locked ? "true" : "false");
}

/* What fits of the items behind c->told, each kind to its own buffer; the schema wants the state before the users. */
struct parts { struct mbuf *state, *users; size_t room; uint64_t told; bool all; };

static int write_item(struct parts *p, const struct roster_item *item, const struct confinfo *c, const struct roster *r)
{
	if (!item->user)
		return p->state->end ? 0 : write_state(p->state, r);
	if (c->full && !item->user->n_here)
		return 0;                         /* a full document need not name those it does not hold */

	return write_user(p->users, item->user, c->known);
}

static int write_items(struct parts *p, const struct confinfo *c, const struct roster *r)
{
	const struct roster_item *item = roster_after(r, c->told);
	const struct le *le = item ? &item->le : NULL;
	int err = c->full ? write_state(p->state, r) : 0;

	for (; le && !err; le = le->next) {
		size_t was = p->users->end, n_before = p->state->end + was;

		item = le->data;
		err = write_item(p, item, c, r);
		if (n_before && item->user && p->state->end + p->users->end > p->room) {
			p->users->pos = p->users->end = was;
			return err;
		}
		p->told = item->seq;
	}
	p->all = true;

	return err;
}

static int write_parts(struct mbuf *mb, const struct parts *p, const struct confinfo *c)
{
	int err = mbuf_write_mem(mb, p->state->buf, p->state->end);

	if (p->users->end || c->full)
		err |= mbuf_printf(mb, "<users state=\"%s\">\n%b</users>\n", state_name(c->full && p->all), p->users->buf, p->users->end);

	return err | mbuf_write_str(mb, tail);
}

int confinfo_write(struct mbuf *mb, uint64_t *told_to, const struct confinfo *c, const struct roster *r)
{
	struct parts p = { .told = c->told };
	size_t begin = mb->end, used;
	int err = ENOMEM;

	p.state = mbuf_alloc(128);
	p.users = mbuf_alloc(1024);
	if (!p.state || !p.users)
		goto out;

	err = write_head(mb, c);
	if (err)
		goto out;

	used = mb->end - begin + sizeof(tail) + USERS_TAGS;
	p.room = c->max_bytes > used ? c->max_bytes - used : 0;
	err = write_items(&p, c, r);
	if (!err)
		err = write_parts(mb, &p, c);
	*told_to = p.told;

 out:
	mem_deref(p.state);
	mem_deref(p.users);

	return err;
}
