/*
 * dnssd.c - the entries, and the daemon that is to know them: there, not there, there again.
 *
 *      no D-Bus          looked for again every RETRY_S
 *      no daemon         Avahi's client waits for it on D-Bus (AVAHI_CLIENT_NO_FAIL)
 *      daemon runs       every entry is a group of its own
 *      daemon has gone   the client is thrown away and made anew, not inside its own call
 *
 * An absent daemon is said once, and again only after it was there. Asking the daemon is a call by D-Bus that is waited for,
 * some hundred microseconds of this thread; it happens when a room opens or closes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <re.h>
#include <avahi-client/client.h>
#include <avahi-client/publish.h>
#include <avahi-common/alternative.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/strlst.h>
#include "control/log.h"
#include "avahipoll.h"
#include "dnssd.h"

enum { RETRY_S = 30, AGAIN_MS = 500, TYPE_MAX = 40, NAMES_TRIED = 20, HOST_LEAST = 16 };

struct dnssd {
	struct avahipoll *poll;
	AvahiClient *client;
	struct list entries;
	struct tmr tmr;
	bool said_absent;
};

struct dnssd_entry {
	struct le le;
	AvahiEntryGroup *group;
	AvahiStringList *txt;
	char name[DNSSD_NAME_MAX + 1];
	char type[TYPE_MAX + 1];
	uint16_t port;
};

static void connect_again(void *arg);

/* ---- names ---- */

/* As many octets of text as fit, and no part of a character. */
static size_t cut_utf8(const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n <= max)
		return n;
	n = max;
	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void dnssd_name(char name[DNSSD_NAME_MAX + 1], const char *what, const char *host)
{
	static const char on[] = " on ";
	const size_t spare = sizeof(on) - 1;
	size_t n_host = cut_utf8(host, HOST_LEAST), n_what;

	n_what = cut_utf8(what, DNSSD_NAME_MAX - spare - n_host);
	n_host = cut_utf8(host, DNSSD_NAME_MAX - spare - n_what);
	(void)snprintf(name, DNSSD_NAME_MAX + 1, "%.*s%s%.*s", (int)n_what, what, n_host ? on : "", (int)n_host, host);
}

static void host_name(char *host, size_t size)
{
	if (gethostname(host, size))
		*host = '\0';
	host[size - 1] = '\0';
	host[strcspn(host, ".")] = '\0';
}

/* ---- an entry and the daemon ---- */

static void rename_entry(struct dnssd_entry *e)
{
	char *other = avahi_alternative_service_name(e->name);

	if (!other)
		return;
	str_ncpy(e->name, other, sizeof(e->name));
	avahi_free(other);
}

static void complain(const struct dnssd_entry *e, int error)
{
	char quoted[4 * DNSSD_NAME_MAX + 3];

	log_warning("dnssd.refused", "name=%s type=%s error=\"%s\"", log_quote(quoted, sizeof(quoted), e->name, strlen(e->name)),
		e->type, avahi_strerror(error));
}

/* The names tried are those of this machine; those of others are told later, by the group. */
static void fill_group(struct dnssd_entry *e)
{
	int error = 0;

	(void)avahi_entry_group_reset(e->group);
	for (unsigned i = 0; i < NAMES_TRIED; i++) {
		error = avahi_entry_group_add_service_strlst(e->group, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC, (AvahiPublishFlags)0,
			e->name, e->type, NULL, NULL, e->port, e->txt);
		if (error != AVAHI_ERR_COLLISION)
			break;
		rename_entry(e);
	}
	if (!error)
		error = avahi_entry_group_commit(e->group);
	if (error)
		complain(e, error);
}

static void group_handler(AvahiEntryGroup *group, AvahiEntryGroupState state, void *arg)
{
	struct dnssd_entry *e = arg;
	char quoted[4 * DNSSD_NAME_MAX + 3];

	e->group = group;                 /* the first call comes before avahi_entry_group_new() returns */
	if (state == AVAHI_ENTRY_GROUP_COLLISION) {
		rename_entry(e);
		fill_group(e);
	}
	else if (state == AVAHI_ENTRY_GROUP_FAILURE) {
		complain(e, avahi_client_errno(avahi_entry_group_get_client(group)));
	}
	else if (state == AVAHI_ENTRY_GROUP_ESTABLISHED) {
		log_info("dnssd.known", "name=%s type=%s port=%u",
			log_quote(quoted, sizeof(quoted), e->name, strlen(e->name)), e->type, e->port);
	}
}

static void publish(struct dnssd_entry *e, AvahiClient *client)
{
	if (!e->group)
		e->group = avahi_entry_group_new(client, group_handler, e);
	if (e->group)
		fill_group(e);
	else
		complain(e, avahi_client_errno(client));
}

/* ---- the daemon ---- */

static void forget_groups(struct dnssd *d)
{
	struct le *le;

	LIST_FOREACH(&d->entries, le)
		((struct dnssd_entry *)le->data)->group = NULL;
}

static void say_absent(struct dnssd *d, const char *why)
{
	if (d->said_absent)
		return;
	d->said_absent = true;
	log_warning("dnssd.absent", "error=\"%s\" hint=\"avahi-daemon does not run; nobody finds the rooms by themselves\"", why);
}

static void tell_all(struct dnssd *d, AvahiClient *client)
{
	struct le *le;

	d->said_absent = false;
	LIST_FOREACH(&d->entries, le)
		publish(le->data, client);
}

/* The daemon has another host name, or is asking whether it may: everything is told again when it is sure. */
static void withdraw_all(struct dnssd *d)
{
	struct le *le;

	LIST_FOREACH(&d->entries, le) {
		struct dnssd_entry *e = le->data;

		if (e->group)
			(void)avahi_entry_group_reset(e->group);
	}
}

static void client_handler(AvahiClient *client, AvahiClientState state, void *arg)
{
	struct dnssd *d = arg;

	d->client = client;               /* the first call comes before avahi_client_new() returns */
	switch (state) {
	case AVAHI_CLIENT_S_RUNNING:
		tell_all(d, client);
		break;
	case AVAHI_CLIENT_S_COLLISION:
	case AVAHI_CLIENT_S_REGISTERING:
		withdraw_all(d);
		break;
	case AVAHI_CLIENT_CONNECTING:
		say_absent(d, "no daemon on D-Bus");
		break;
	case AVAHI_CLIENT_FAILURE:
		tmr_start(&d->tmr, AGAIN_MS, connect_again, d);
		break;
	}
}

static void let_go(struct dnssd *d)
{
	AvahiClient *client = d->client;

	forget_groups(d);                 /* freed with their client */
	d->client = NULL;
	if (client)
		avahi_client_free(client);
}

static void connect_again(void *arg)
{
	struct dnssd *d = arg;
	int error = 0;

	let_go(d);
	d->client = avahi_client_new(avahipoll_api(d->poll), AVAHI_CLIENT_NO_FAIL, client_handler, d, &error);
	if (d->client)
		return;
	forget_groups(d);
	say_absent(d, avahi_strerror(error));
	tmr_start(&d->tmr, RETRY_S * 1000, connect_again, d);
}

static void dnssd_destructor(void *arg)
{
	struct dnssd *d = arg;

	tmr_cancel(&d->tmr);
	let_go(d);
	list_clear(&d->entries);
	mem_deref(d->poll);
}

int dnssd_alloc(struct dnssd **dp)
{
	struct dnssd *d;
	int err;

	if (!dp)
		return EINVAL;
	d = mem_zalloc(sizeof(*d), dnssd_destructor);
	if (!d)
		return ENOMEM;
	tmr_init(&d->tmr);
	err = avahipoll_alloc(&d->poll);
	if (err) {
		mem_deref(d);
		return err;
	}
	tmr_start(&d->tmr, 0, connect_again, d);
	*dp = d;
	return 0;
}

/* ---- entries ---- */

static void entry_destructor(void *arg)
{
	struct dnssd_entry *e = arg;

	if (e->group)
		(void)avahi_entry_group_free(e->group);
	list_unlink(&e->le);
	avahi_string_list_free(e->txt);
}

static int take_text(struct dnssd_entry *e, const char *const *txt)
{
	for (unsigned i = 0; txt && txt[i]; i++) {
		AvahiStringList *list;

		if (i == DNSSD_TEXTS_MAX || strlen(txt[i]) > DNSSD_TEXT_MAX)
			return EINVAL;
		list = avahi_string_list_add(e->txt, txt[i]);
		if (!list)
			return ENOMEM;
		e->txt = list;
	}
	return 0;
}

int dnssd_register(struct dnssd_entry **ep, struct dnssd *d, const char *what, const char *type, uint16_t port,
	const char *const *txt)
{
	struct dnssd_entry *e;
	char host[256];
	int err;

	if (!ep || !d || !what || !type || !*what || !port || strlen(type) > TYPE_MAX)
		return EINVAL;
	if (list_count(&d->entries) >= DNSSD_ENTRIES_MAX)
		return E2BIG;
	e = mem_zalloc(sizeof(*e), entry_destructor);
	if (!e)
		return ENOMEM;
	err = take_text(e, txt);
	if (err) {
		mem_deref(e);
		return err;
	}
	host_name(host, sizeof(host));
	dnssd_name(e->name, what, host);
	str_ncpy(e->type, type, sizeof(e->type));
	e->port = port;
	list_append(&d->entries, &e->le, e);
	if (d->client && avahi_client_get_state(d->client) == AVAHI_CLIENT_S_RUNNING)
		publish(e, d->client);
	*ep = e;
	return 0;
}

