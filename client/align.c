/*
 * align.c - a list by times. Most come in their order, so a place is found from the end.
 */
#include <errno.h>
#include <string.h>
#include "align.h"

struct align {
	struct list items;
	unsigned n;
	size_t bytes;
	struct align_item *out;   /* handed out last */
};

static void destructor(void *arg)
{
	struct align *a = arg;

	list_flush(&a->items);
	mem_deref(a->out);
}

int align_alloc(struct align **ap)
{
	struct align *a = mem_zalloc(sizeof(*a), destructor);

	if (!a)
		return ENOMEM;
	*ap = a;
	return 0;
}

/* May the one overtake the other? */
static bool tied(const struct align_item *i, enum align_what what, const char *from, const struct osc_msg *msg)
{
	return i->what == what && !strcmp(i->from, from) && (what == ALIGN_MIDI || !strcmp(i->msg.addr, msg->addr));
}

static const struct align_item *last_tied(const struct align *a, enum align_what what, const char *from,
					  const struct osc_msg *msg)
{
	for (struct le *le = a->items.tail; le; le = le->prev) {
		if (tied(le->data, what, from, msg))
			return le->data;
	}
	return NULL;
}

bool align_waits(const struct align *a, enum align_what what, const char *from, const struct osc_msg *msg)
{
	return a->n && last_tied(a, what, from, msg);
}

static void insert(struct align *a, struct align_item *item)
{
	struct le *le = a->items.tail;

	while (le && ((struct align_item *)le->data)->at_us > item->at_us)
		le = le->prev;
	if (le)
		list_insert_after(&a->items, le, &item->le, item);
	else
		list_prepend(&a->items, &item->le, item);
	a->n++;
	a->bytes += item->msg.len;
}

int align_put(struct align *a, enum align_what what, const char *from, const struct osc_msg *msg, uint64_t due_us,
	      uint32_t early_us)
{
	const struct align_item *before = last_tied(a, what, from, msg);
	struct align_item *item = mem_zalloc(sizeof(*item) + msg->len, NULL);

	if (!item)
		return ENOMEM;
	item->due_us = before && before->due_us > due_us ? before->due_us : due_us;
	item->at_us  = item->due_us > early_us ? item->due_us - early_us : 0;
	item->what   = what;
	str_ncpy(item->from, from, sizeof(item->from));
	memcpy(item->bytes, msg->raw, msg->len);
	if (osc_msg_read(&item->msg, item->bytes, msg->len)) {
		mem_deref(item);
		return EBADMSG;
	}
	insert(a, item);
	return 0;
}

const struct align_item *align_take(struct align *a, uint64_t now_us)
{
	struct align_item *item = list_ledata(a->items.head);

	a->out = mem_deref(a->out);
	if (!item || (item->at_us > now_us && a->n <= ALIGN_ITEMS && a->bytes <= ALIGN_BYTES))
		return NULL;
	list_unlink(&item->le);
	a->n--;
	a->bytes -= item->msg.len;
	a->out = item;
	return item;
}

uint64_t align_due(const struct align *a)
{
	const struct align_item *item = list_ledata(a->items.head);

	if (!item)
		return UINT64_MAX;
	return a->n > ALIGN_ITEMS || a->bytes > ALIGN_BYTES ? 0 : item->at_us;
}

void align_drop(struct align *a, const char *from)
{
	struct le *le, *next;

	for (le = a->items.head; le; le = next) {
		struct align_item *item = le->data;

		next = le->next;
		if (from && strcmp(item->from, from) != 0)
			continue;
		list_unlink(&item->le);
		a->n--;
		a->bytes -= item->msg.len;
		mem_deref(item);
	}
}
