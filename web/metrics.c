/*
 * metrics.c - counters as Prometheus text.
 */
#include <glib.h>
#include "metrics.h"

static void one(GString *out, const char *name, const char *type, const char *help, uint64_t val)
{
	g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" G_GUINT64_FORMAT "\n", name, help, name, type, name, val);
}

static void labelled(GString *out, const char *name, const char *label, const char *value, uint64_t val)
{
	g_string_append_printf(out, "%s{%s=\"%s\"} %" G_GUINT64_FORMAT "\n", name, label, value, val);
}

char *metrics_text(const struct web_status *st)
{
	static const char *const class[] = { NULL, "1xx", "2xx", "3xx", "4xx", "5xx", "6xx" };
	GString *out = g_string_new(NULL);

	one(out, "tutti_rooms", "gauge", "Rooms open now.", st->rooms);
	one(out, "tutti_members", "gauge", "Members in all rooms.", st->members);
	one(out, "tutti_calls", "gauge", "SIP calls, echo tests included.", st->calls);
	one(out, "tutti_subscriptions", "gauge", "Subscriptions to the state of rooms.", st->subscriptions);
	one(out, "tutti_speaker_changes_total", "counter", "Times the floor of a room passed to another member.", st->speakers);
	one(out, "tutti_recordings", "gauge", "Rooms being recorded, or paused.", st->recordings);
	one(out, "tutti_recordings_total", "counter", "Recordings begun.", st->recordings_begun);
	one(out, "tutti_recordings_failed_total", "counter", "Recordings that ended because they could not be written.",
	    st->recordings_failed);
	one(out, "tutti_draining", "gauge", "1 while the server takes no new calls.", st->draining);
	one(out, "tutti_uptime_seconds", "gauge", "Seconds since the start.", st->uptime_s);
	one(out, "tutti_sip_requests_total", "counter", "SIP requests received.", st->sip_requests);
	one(out, "tutti_sip_bad_total", "counter", "SIP messages refused as malformed.", st->sip_bad);
	one(out, "tutti_sip_limited_total", "counter", "SIP requests refused by a rate limit.", st->sip_limited);

	one(out, "tutti_notifies_total", "counter", "NOTIFYs of room state sent.", st->notifies);
	one(out, "tutti_notify_failed_total", "counter", "Subscriptions lost because a NOTIFY failed.", st->notify_failed);
	one(out, "tutti_subscribe_refused_total", "counter", "SUBSCRIBEs refused.", st->subscribe_refused);

	g_string_append(out, "# HELP tutti_sip_responses_total SIP responses sent, by class.\n"
			     "# TYPE tutti_sip_responses_total counter\n");
	for (size_t i = 1; i < G_N_ELEMENTS(class); i++)
		labelled(out, "tutti_sip_responses_total", "class", class[i], st->sip_responses[i]);

	g_string_append(out, "# HELP tutti_rtp_packets_total RTP packets, by direction.\n"
			     "# TYPE tutti_rtp_packets_total counter\n");
	labelled(out, "tutti_rtp_packets_total", "dir", "in", st->mixer.rx_packets);
	labelled(out, "tutti_rtp_packets_total", "dir", "out", st->mixer.tx_packets);

	one(out, "tutti_rtp_bad_total", "counter", "RTP packets dropped as malformed.", st->mixer.rx_bad);
	one(out, "tutti_rtp_stranger_total", "counter", "RTP packets dropped because of where they came from.", st->mixer.rx_stranger);
	one(out, "tutti_mix_ticks_total", "counter", "Ticks of all media threads.", st->mixer.ticks);
	one(out, "tutti_mix_late_ticks_total", "counter", "Ticks that began after their deadline.", st->mixer.late_ticks);
	one(out, "tutti_mix_deadline_missed_total", "counter", "Ticks dropped because they came too late.", st->mixer.dropped_ticks);

	one(out, "tutti_mix_room_moves_total", "counter", "Rooms moved from one media thread to another.", st->mixer.moves);
	one(out, "tutti_mix_lent_packets_total", "counter", "RTP packets that another media thread sent than the room's.",
	    st->mixer.lent_packets);

	one(out, "tutti_store_puts_total", "counter", "Changes handed to the store.", st->store.puts);
	one(out, "tutti_store_commits_total", "counter", "Transactions of the store.", st->store.commits);
	one(out, "tutti_store_errors_total", "counter", "Changes the store refused, and transactions that failed.", st->store.errors);
	one(out, "tutti_store_waiting", "gauge", "Changes that are not in the file yet.", st->store.waiting);
	one(out, "tutti_call_records_total", "counter", "Records of calls written.", st->cdr.written);
	one(out, "tutti_call_records_left_out_total", "counter", "Refused calls without a record, for there were too many.",
	    st->cdr.left_out);

	return g_string_free(out, FALSE);
}
