/*
 * test-subscribe.c - header lines of a SUBSCRIBE in, a struct or a status out.
 */
#include <glib.h>
#include <re.h>
#include "server/subscribe.h"

static uint16_t reads(struct subscribe *s, const char *hdrs)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct sip_msg *msg = NULL;
	const char *reason = NULL;
	uint16_t scode;

	(void)mbuf_printf(mb, "SUBSCRIBE sip:band@host SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
			  "To: <sip:band@host>\r\nCall-ID: c\r\nCSeq: 1 SUBSCRIBE\r\n%sContent-Length: 0\r\n\r\n", hdrs);
	mb->pos = 0;
	g_assert_cmpint(sip_msg_decode(&msg, mb), ==, 0);
	scode = subscribe_read(s, &reason, msg);
	g_assert_true(!scode == !reason);
	mem_deref(msg);
	mem_deref(mb);

	return scode;
}

static void taken(void)
{
	static const struct { const char *hdrs, *id; uint32_t expires_s, interval_ms; } rows[] = {
		{ "Event: conference\r\n",                                  "", 3600, 0 },
		{ "o: conference\r\n",                                      "", 3600, 0 },
		{ "Event: conference;id=7\r\n",                             "7", 3600, 0 },
		{ "Event:  conference ; id = a.b~c ; x=y\r\n",              "a.b~c", 3600, 0 },
		{ "Event: conference;max-rate=4\r\n",                       "", 3600, 250 },
		{ "Event: conference;max-rate=0.5;id=1\r\n",                "1", 3600, 2000 },
		{ "Event: conference;max-rate=0.00000001\r\n",              "", 3600, 3600000 },
		{ "Event: conference;max-rate=999999\r\n",                  "", 3600, 1 },
		{ "Event: conference\r\nExpires: 0\r\n",                    "", 0, 0 },
		{ "Event: conference\r\nExpires: 60\r\n",                   "", 60, 0 },
		{ "Event: conference\r\nExpires: 7200\r\n",                 "", 3600, 0 },
		{ "Event: conference\r\nExpires: 99999999999999999999\r\n", "", 3600, 0 },
		{ "Event: conference\r\nAccept: application/conference-info+xml\r\n", "", 3600, 0 },
		{ "Event: conference\r\nAccept: APPLICATION/Conference-Info+XML ; q=0.1\r\n", "", 3600, 0 },
		{ "Event: conference\r\nAccept: text/html\r\nAccept: */*\r\n", "", 3600, 0 },
	};
	struct subscribe s;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_cmpuint(reads(&s, rows[i].hdrs), ==, 0);
		g_assert_cmpstr(s.id, ==, rows[i].id);
		g_assert_cmpuint(s.expires_s, ==, rows[i].expires_s);
		g_assert_cmpuint(s.interval_ms, ==, rows[i].interval_ms);
	}
}

static void refused(void)
{
	static const struct { const char *hdrs; uint16_t scode; } rows[] = {
		{ "", 489 },
		{ "Event: \r\n", 489 },
		{ "Event: dialog\r\n", 489 },
		{ "Event: refer\r\n", 489 },
		{ "Event: conference.template\r\n", 489 },
		{ "Event: conference, presence\r\n", 489 },
		{ "Event: conference\r\nEvent: conference\r\n", 400 },
		{ "Event: conference;id\r\n", 400 },
		{ "Event: conference;id=\"q\"\r\n", 400 },
		{ "Event: conference;id=0123456789012345678901234567890123456789012345678901234567890123456789\r\n", 400 },
		{ "Event: conference;max-rate=0\r\n", 400 },
		{ "Event: conference;max-rate=-1\r\n", 400 },
		{ "Event: conference;max-rate=nan\r\n", 400 },
		{ "Event: conference;max-rate=\r\n", 400 },
		{ "Event: conference\r\nExpires: 1\r\n", 423 },
		{ "Event: conference\r\nExpires: 59\r\n", 423 },
		{ "Event: conference\r\nExpires: -1\r\n", 400 },
		{ "Event: conference\r\nExpires: \r\n", 400 },
		{ "Event: conference\r\nAccept: text/html\r\n", 406 },
		{ "Event: conference\r\nAccept: application/conference-info+xml;q=0\r\n", 406 },
	};
	struct subscribe s;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		uint16_t scode = reads(&s, rows[i].hdrs);

		if (scode != rows[i].scode)
			g_error("%s gives %u", rows[i].hdrs, scode);
	}
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/subscribe/taken", taken);
	g_test_add_func("/subscribe/refused", refused);

	return g_test_run();
}
