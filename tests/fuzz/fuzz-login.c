/*
 * fuzz-login.c - any packet from a stranger; and every message that is OSC as an address space in JSON, whose brackets and quotes
 * must close.
 */
#include <re.h>
#include <stdlib.h>
#include <string.h>

#include "osc/login.h"
#include "osc/oscquery_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NODES = 64 };

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void judge(const uint8_t *data, size_t size, bool listed)
{
	static const char secret[] = "a good secret";
	static struct logins l;
	struct addrlist list = {.n = 0};
	struct login login;
	enum login_verdict v;
	struct sa from;

	must(!addrlist_read(&list, "192.0.2.1") && !sa_set_str(&from, listed ? "192.0.2.1" : "192.0.2.2", 4000));
	memset(&l, 0, sizeof(l));
	l.secret = secret;
	l.list   = &list;
	v = login_judge(&login, &l, &from, data, size, 1000);
	must(!*login.name || views_name_ok(login.name, strlen(login.name)));
	if (osc_check(data, size, OSC_MAX_DGRAM))
		must(v == LOGIN_NOTHING);
	else if (listed)
		must(v == LOGIN_IN);
	else if (v == LOGIN_IN)
		must(login.said && memmem(data, size, secret, sizeof(secret)));
}

/* Outside of strings brackets nest; in them nothing stands bare that may not. */
static void is_json(const uint8_t *p, size_t len)
{
	char open[4 * OSCQUERY_DEPTH + 64];
	size_t depth = 0;
	bool text = false;

	for (size_t i = 0; i < len; i++) {
		must(p[i] >= 0x20 && p[i] != 0x7f);
		if (text && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			text = !text;
		else if (!text && (p[i] == '{' || p[i] == '[')) {
			must(depth < sizeof(open));
			open[depth++] = (char)p[i];
		}
		else if (!text && (p[i] == '}' || p[i] == ']'))
			must(depth && open[--depth] == (p[i] == '}' ? '{' : '['));
	}
	must(!text && !depth);
}

static void show(const uint8_t *data, size_t size)
{
	struct oscquery_node node[NODES];
	struct osc_iter it;
	struct osc_msg msg;
	struct mbuf *mb;
	unsigned n = 0;

	if (osc_check(data, size, OSC_MAX_DGRAM))
		return;
	osc_iter_init(&it, data, size);
	while (n < NODES && osc_next(&it, &msg))
		node[n++] = (struct oscquery_node){.addr = msg.addr, .tags = msg.tags, .access = OSCQUERY_READ, .msg = msg.raw, .len = msg.len};
	n = oscquery_sort(node, n);
	mb = mbuf_alloc(1024);
	must(mb && !oscquery_write(mb, node, n, "/", 1, OSCQUERY_ALL));
	is_json(mb->buf, mb->end);
	for (unsigned i = 0; i < n; i++) {
		mbuf_rewind(mb);
		must(!oscquery_write(mb, node, n, node[i].addr, strlen(node[i].addr), OSCQUERY_VALUE));
		is_json(mb->buf, mb->end);
	}
	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	judge(data, size, false);
	judge(data, size, true);
	show(data, size);
	return 0;
}
