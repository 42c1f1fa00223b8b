/*
 * metrics.c - counters as Prometheus text: base units, _total on counters, one HELP and TYPE each.
 */
#include <glib.h>
#include "metrics.h"

static void head(GString *out, const char *name, const char *type, const char *help)
{
	g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(GString *out, const char *name, const char *type, const char *help, uint64_t val)
{
	head(out, name, type, help);
	g_string_append_printf(out, "%s %" G_GUINT64_FORMAT "\n", name, val);
}

static void labelled(GString *out, const char *name, const char *label, const char *value, uint64_t val)
{
	g_string_append_printf(out, "%s{%s=\"%s\"} %" G_GUINT64_FORMAT "\n", name, label, value, val);
}

static void real(GString *out, const char *before, double val, const char *after)
{
	char buf[G_ASCII_DTOSTR_BUF_SIZE];

	g_string_append_printf(out, "%s%s%s", before, g_ascii_formatd(buf, sizeof(buf), "%.10g", val), after);
}

static void histogram(GString *out, const char *name, const char *help, const struct census_hist *h, enum census_what what)
{
	const double *bounds = census_bounds(what);

	head(out, name, "histogram", help);
	for (size_t i = 0; i < CENSUS_BOUNDS; i++) {
		g_string_append_printf(out, "%s_bucket{le=", name);
		real(out, "\"", bounds[i], "\"");
		g_string_append_printf(out, "} %" G_GUINT64_FORMAT "\n", h->upto[i]);
	}
	g_string_append_printf(out, "%s_bucket{le=\"+Inf\"} %" G_GUINT64_FORMAT "\n%s_sum ", name, h->n, name);
	real(out, "", h->sum, "\n");
	g_string_append_printf(out, "%s_count %" G_GUINT64_FORMAT "\n", name, h->n);
}

static const char *const class[] = { "other", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx" };

/* --- who is there, and how well they are received --- */

static void members(GString *out, const struct web_status *st)
{
	one(out, "tutti_rooms", "gauge", "Rooms open now.", st->rooms);
	one(out, "tutti_members", "gauge", "Members in all rooms.", st->members);
	head(out, "tutti_participants", "gauge", "Members in all rooms, by the codec they are sent and the transport of their signalling.");
	for (size_t i = 0; i < st->n_kinds; i++)
		g_string_append_printf(out, "tutti_participants{codec=\"%s\",transport=\"%s\"} %u\n", st->kind[i].codec, st->kind[i].transport,
				       st->kind[i].n);
	histogram(out, "tutti_leg_jitter_seconds", "Jitter of what members send, one observation each every ten seconds.",
		  &st->quality.jitter_s, CENSUS_JITTER);
	histogram(out, "tutti_leg_rtt_seconds", "Round trips to members that report them.", &st->quality.rtt_s, CENSUS_RTT);
	histogram(out, "tutti_leg_jitter_buffer_seconds", "Delay in the jitter buffers.", &st->quality.buffer_s, CENSUS_BUFFER);
	histogram(out, "tutti_leg_loss_ratio", "Part of a member's packets that never came, since its call began.", &st->quality.loss_ratio,
		  CENSUS_LOSS);
}

/* Of pairs now; who they are is nobody's business here. */
static void delays(GString *out, const struct delay_figures *f)
{
	one(out, "tutti_delay_rooms", "gauge", "Rooms of music whose delays are watched.", f->rooms);
	one(out, "tutti_delay_pairs", "gauge", "Pairs in them: from one's mouth to another's ear.", f->pairs);
	one(out, "tutti_delay_pairs_over", "gauge", "Those that are warned of, for they are over the bound of their room.", f->warned);
	head(out, "tutti_delay_median_seconds", "gauge", "Delay of the pair in the middle, as far as its parts are known; to a millisecond.");
	real(out, "tutti_delay_median_seconds ", f->median_us / 1e6, "\n");
	head(out, "tutti_delay_max_seconds", "gauge", "Delay of the pair that is furthest apart.");
	real(out, "tutti_delay_max_seconds ", f->max_us / 1e6, "\n");
}

static void calls(GString *out, const struct web_status *st)
{
	one(out, "tutti_calls", "gauge", "SIP calls, echo tests included.", st->calls);
	head(out, "tutti_calls_total", "counter", "Calls by direction and final status.");
	for (size_t i = 0; i < st->n_calls_by_status; i++)
		g_string_append_printf(out, "tutti_calls_total{direction=\"%s\",code=\"%u\"} %" G_GUINT64_FORMAT "\n",
				       st->calls_by_status[i].outgoing ? "out" : "in", st->calls_by_status[i].status,
				       st->calls_by_status[i].n);
	one(out, "tutti_speaker_changes_total", "counter", "Times the floor of a room passed to another member.", st->speakers);
	one(out, "tutti_recordings", "gauge", "Rooms being recorded, or paused.", st->recordings);
	one(out, "tutti_recordings_total", "counter", "Recordings begun.", st->recordings_begun);
	one(out, "tutti_recordings_failed_total", "counter", "Recordings that ended because they could not be written.",
	    st->recordings_failed);
	one(out, "tutti_draining", "gauge", "1 while the server takes no new calls.", st->draining);
	one(out, "tutti_uptime_seconds", "gauge", "Seconds since the start.", st->uptime_s);
}

/* --- SIP --- */

static void sip(GString *out, const struct web_status *st)
{
	one(out, "tutti_sip_requests_total", "counter", "SIP requests received.", st->sip_requests);
	one(out, "tutti_sip_bad_total", "counter", "SIP messages refused as malformed.", st->sip_bad);
	one(out, "tutti_sip_limited_total", "counter", "SIP requests refused by a rate limit.", st->sip_limited);
	head(out, "tutti_sip_responses_total", "counter", "SIP responses sent, by class.");
	for (size_t i = 1; i < G_N_ELEMENTS(class); i++)
		labelled(out, "tutti_sip_responses_total", "class", class[i], st->sip_responses[i]);
	one(out, "tutti_subscriptions", "gauge", "Subscriptions to the state of rooms.", st->subscriptions);
	one(out, "tutti_notifies_total", "counter", "NOTIFYs of room state sent.", st->notifies);
	one(out, "tutti_notify_failed_total", "counter", "Subscriptions lost because a NOTIFY failed.", st->notify_failed);
	one(out, "tutti_subscribe_refused_total", "counter", "SUBSCRIBEs refused.", st->subscribe_refused);
}

/* --- sound --- */

static void sound(GString *out, const struct mixer_stats *m)
{
	head(out, "tutti_rtp_packets_total", "counter", "RTP packets, by direction.");
	labelled(out, "tutti_rtp_packets_total", "dir", "in", m->rx_packets);
	labelled(out, "tutti_rtp_packets_total", "dir", "out", m->tx_packets);
	one(out, "tutti_rtp_bad_total", "counter", "RTP packets dropped as malformed.", m->rx_bad);
	one(out, "tutti_rtp_stranger_total", "counter", "RTP packets dropped because of where they came from.", m->rx_stranger);
	one(out, "tutti_mix_ticks_total", "counter", "Ticks of all media threads.", m->ticks);
	one(out, "tutti_mix_late_ticks_total", "counter", "Ticks that began after their deadline.", m->late_ticks);
	one(out, "tutti_mix_deadline_missed_total", "counter", "Ticks dropped because they came too late.", m->dropped_ticks);
	head(out, "tutti_mix_busy_seconds_total", "counter", "Time that media threads have worked.");
	real(out, "tutti_mix_busy_seconds_total ", (double)m->busy_us / 1e6, "\n");
	one(out, "tutti_mix_frames_encoded_total", "counter", "Frames encoded.", m->encodes);
	one(out, "tutti_mix_frames_decoded_total", "counter", "Frames decoded.", m->decodes);
	one(out, "tutti_mix_room_moves_total", "counter", "Rooms moved from one media thread to another.", m->moves);
	one(out, "tutti_mix_lent_packets_total", "counter", "RTP packets that another media thread sent than the room's.", m->lent_packets);
	one(out, "tutti_mix_views", "gauge", "Cells of private mixes: who hears whom otherwise than all do.", m->views);
}

/* --- keys by DTLS --- */

static void dtls(GString *out, const struct mixer_stats *m, const struct web_gestures *g)
{
	head(out, "tutti_dtls_datagrams_total", "counter", "Datagrams of DTLS from peers, by what their keys are for.");
	labelled(out, "tutti_dtls_datagrams_total", "of", "sound", m->rx_dtls);
	labelled(out, "tutti_dtls_datagrams_total", "of", "gestures", g->dtls);
	head(out, "tutti_dtls_dropped_total", "counter", "Those of them that were too many to be looked at.");
	labelled(out, "tutti_dtls_dropped_total", "of", "sound", m->dtls_dropped);
	labelled(out, "tutti_dtls_dropped_total", "of", "gestures", g->dtls_dropped);
	head(out, "tutti_gesture_keys_total", "counter", "Associations of DTLS of lines of gestures, by how they ended.");
	labelled(out, "tutti_gesture_keys_total", "result", "agreed", g->keyed);
	labelled(out, "tutti_gesture_keys_total", "result", "failed", g->keyless);
}

/* --- gestures --- */

static void plain(GString *out, const struct web_gestures *g)
{
	one(out, "tutti_gesture_plain_ports", "gauge", "Ports of rooms for plain OSC.", g->plain_ports);
	one(out, "tutti_gesture_plain_players", "gauge", "Those of the players who came by plain OSC.", g->plain_players);
	one(out, "tutti_gesture_plain_logins_total", "counter", "Players of plain OSC that were let in.", g->plain_logins);
	head(out, "tutti_gesture_plain_refused_total", "counter", "Logins to ports of plain OSC that were not let in, by reason.");
	labelled(out, "tutti_gesture_plain_refused_total", "reason", "secret", g->plain_refused);
	labelled(out, "tutti_gesture_plain_refused_total", "reason", "full", g->plain_full);
	head(out, "tutti_gesture_plain_ended_total", "counter", "Players of plain OSC that were sent away, by reason.");
	labelled(out, "tutti_gesture_plain_ended_total", "reason", "idle", g->plain_idle);
	labelled(out, "tutti_gesture_plain_ended_total", "reason", "slow", g->plain_overflowed);
	one(out, "tutti_gesture_plain_flooded_total", "counter", "Packets dropped, too many from the port on which a player hears.",
	    g->plain_flooded);
}

static void streams(GString *out, const struct web_gestures *g)
{
	one(out, "tutti_gesture_stream_connections_total", "counter", "Connections that lines of TCP and TLS in calls have taken.", g->stream_taken);
	head(out, "tutti_gesture_stream_refused_total", "counter", "Connections to lines in calls that were closed, by reason.");
	labelled(out, "tutti_gesture_stream_refused_total", "reason", "stranger", g->stream_stranger);
	labelled(out, "tutti_gesture_stream_refused_total", "reason", "second", g->stream_second);
	labelled(out, "tutti_gesture_stream_refused_total", "reason", "tls", g->stream_refused);
	one(out, "tutti_gesture_stream_slow_total", "counter", "Connections of lines in calls that were ended, for they were not read.",
	    g->stream_slow);
	one(out, "tutti_gesture_stream_bad_frames_total", "counter", "Frames that held no packet, on any stream of OSC by TCP or TLS.",
	    g->stream_bad);
}

/* Not losses: what one stream of several players cannot have. */
static void withheld(GString *out, const struct web_gestures *g)
{
	static const char name[] = "tutti_gesture_midi_withheld_total";

	head(out, name, "counter", "MIDI commands that streams of several players leave out by rule, by reason.");
	labelled(out, name, "reason", "held", g->midi_held);
	labelled(out, name, "reason", "clock", g->midi_clock);
	labelled(out, name, "reason", "cable", g->midi_absorbed);
}

static void gestures(GString *out, const struct web_gestures *g)
{
	one(out, "tutti_gesture_players", "gauge", "Who plays gestures, in all rooms.", g->players);
	one(out, "tutti_gesture_lines", "gauge", "Their lines.", g->lines);
	one(out, "tutti_applemidi_players", "gauge", "Those of them who came by AppleMIDI.", g->apple_players);
	one(out, "tutti_applemidi_sessions_total", "counter", "AppleMIDI sessions that became players.", g->apple_sessions);
	one(out, "tutti_applemidi_refused_total", "counter", "AppleMIDI invitations that were refused.", g->apple_refused);
	plain(out, g);
	streams(out, g);
	head(out, "tutti_gesture_packets_total", "counter", "Packets of gestures, by direction.");
	labelled(out, "tutti_gesture_packets_total", "dir", "in", g->packets_in);
	labelled(out, "tutti_gesture_packets_total", "dir", "out", g->packets_out);
	head(out, "tutti_gesture_messages_total", "counter", "OSC messages and MIDI commands, by direction.");
	labelled(out, "tutti_gesture_messages_total", "dir", "in", g->messages_in);
	labelled(out, "tutti_gesture_messages_total", "dir", "out", g->messages_out);
	one(out, "tutti_gesture_repaired_total", "counter", "Gestures that a journal told after their packet was lost.", g->repaired);
	one(out, "tutti_gesture_coalesced_total", "counter", "Values left out because a later one came before there was room.", g->coalesced);
	one(out, "tutti_gesture_snapshots_total", "counter", "Times a player was told all that is.", g->snapshots);
	head(out, "tutti_gesture_dropped_total", "counter", "Packets and messages of gestures dropped, by reason.");
	labelled(out, "tutti_gesture_dropped_total", "reason", "malformed", g->malformed);
	labelled(out, "tutti_gesture_dropped_total", "reason", "stranger", g->stranger);
	labelled(out, "tutti_gesture_dropped_total", "reason", "rate", g->rate);
	labelled(out, "tutti_gesture_dropped_total", "reason", "late", g->late);
	labelled(out, "tutti_gesture_dropped_total", "reason", "full", g->full);
	labelled(out, "tutti_gesture_dropped_total", "reason", "sysex", g->sysex);
	labelled(out, "tutti_gesture_dropped_total", "reason", "unplaced", g->unplaced);
	labelled(out, "tutti_gesture_dropped_total", "reason", "other", g->other);
	withheld(out, g);
}

/* --- HTTP, webhooks, the store --- */

static void web(GString *out, const struct metrics_web *w)
{
	head(out, "tutti_http_responses_total", "counter", "HTTP answers, by class.");
	for (size_t i = 1; i < G_N_ELEMENTS(w->requests); i++)
		labelled(out, "tutti_http_responses_total", "class", class[i], w->requests[i]);
	head(out, "tutti_http_refused_total", "counter", "HTTP requests refused, by reason.");
	labelled(out, "tutti_http_refused_total", "reason", "token", w->refused_auth);
	labelled(out, "tutti_http_refused_total", "reason", "rate", w->refused_rate);
	labelled(out, "tutti_http_refused_total", "reason", "size", w->too_large);
	one(out, "tutti_http_watchers", "gauge", "Streams of events open now.", w->watchers);
	one(out, "tutti_http_resyncs_total", "counter", "Times a watcher was told to begin anew.", w->resyncs);
	head(out, "tutti_webhook_deliveries_total", "counter", "Tries to deliver an event, and events put aside after the last.");
	labelled(out, "tutti_webhook_deliveries_total", "result", "ok", w->hook_delivered);
	labelled(out, "tutti_webhook_deliveries_total", "result", "failed", w->hook_failed);
	labelled(out, "tutti_webhook_deliveries_total", "result", "dead", w->hook_dead);
	one(out, "tutti_webhook_waiting", "gauge", "Events that wait to be delivered.", w->hook_waiting);
}

static void store(GString *out, const struct store_stats *s, const struct cdrs_stats *calls_kept)
{
	one(out, "tutti_store_puts_total", "counter", "Values handed to the store.", s->puts);
	one(out, "tutti_store_commits_total", "counter", "Transactions written.", s->commits);
	one(out, "tutti_store_errors_total", "counter", "Transactions that failed.", s->errors);
	one(out, "tutti_store_waiting", "gauge", "Values not yet in the file.", s->waiting);
	one(out, "tutti_call_records_total", "counter", "Records of calls written.", calls_kept->written);
	one(out, "tutti_call_records_left_out_total", "counter", "Refused calls without a record, for there were too many.",
	    calls_kept->left_out);
}

char *metrics_text(const struct web_status *st, const struct metrics_web *w)
{
	GString *out = g_string_new(NULL);

	members(out, st);
	delays(out, &st->delays);
	calls(out, st);
	sip(out, st);
	sound(out, &st->mixer);
	dtls(out, &st->mixer, &st->gestures);
	gestures(out, &st->gestures);
	web(out, w);
	store(out, &st->store, &st->cdr);
	return g_string_free(out, FALSE);
}
