/*
 * cdr_csv.c - a call record as comma-separated values (RFC 4180), for spreadsheets and scripts.
 *
 * A cell that begins with = + - @ or a tab is a formula to a spreadsheet, and a display name is the caller's choice: such
 * a text gets an apostrophe in front, which spreadsheets take for "this is a text". Numbers are ours and are left alone.
 */
#include <string.h>
#include <time.h>
#include "cdr.h"

/* RFC 4180 2.6: "Fields containing line breaks (CRLF), double quotes, and commas should be enclosed in double-quotes",
 * 2.7: a double quote inside is doubled. */
static int put_text(struct re_printf *pf, const char *text)
{
	const bool formula = text[0] && strchr("=+-@\t\r", text[0]);
	int err;

	if (!formula && !strpbrk(text, "\",\r\n"))
		return re_hprintf(pf, ",%s", text);
	err = re_hprintf(pf, ",\"%s", formula ? "'" : "");
	for (; *text; text++)
		err |= re_hprintf(pf, *text == '"' ? "\"\"" : "%c", *text);
	return err | re_hprintf(pf, "\"");
}

/* 2026-11-21T18:00:00.123Z; 0 is no time. */
static int put_time(struct re_printf *pf, uint64_t ms)
{
	time_t at = (time_t)(ms / 1000);
	char text[40] = "";
	struct tm tm;

	if (!ms || !gmtime_r(&at, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		return re_hprintf(pf, ",");
	return re_hprintf(pf, ",%s.%03uZ", text, (unsigned)(ms % 1000));
}

static int put_numbers(struct re_printf *pf, const struct store_cdr *c)
{
	const uint64_t n[] = { c->rx_packets, c->tx_packets, c->lost, c->late, c->concealed, c->jitter_us, c->rtt_us, c->buffer_ms };
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(n); i++)
		err |= re_hprintf(pf, ",%llu", (unsigned long long)n[i]);
	return err;
}

/* Unknown is an empty cell: a mean over the column must not take it for a figure. */
static int put_figure(struct re_printf *pf, float f)
{
	return f > 0 ? re_hprintf(pf, ",%.1f", (double)f) : re_hprintf(pf, ",");
}

int cdr_csv_head(struct re_printf *pf, const void *unused)
{
	(void)unused;
	return re_hprintf(pf, "id,call_id,direction,from,from_name,to,room,role,start,answer,end,talk_s,status,why,codec,rx_packets,"
			  "tx_packets,lost,late,concealed,jitter_us,rtt_us,buffer_ms,r_factor,mos\r\n");
}

int cdr_csv(struct re_printf *pf, const struct cdr_row *row)
{
	const struct store_cdr *c = row->cdr;
	uint64_t talk_ms = c->answer_ms && c->end_ms > c->answer_ms ? c->end_ms - c->answer_ms : 0;
	int err = re_hprintf(pf, "%llu", (unsigned long long)row->id);

	err |= put_text(pf, c->call_id);
	err |= re_hprintf(pf, ",%s", c->outgoing ? "out" : "in");
	err |= put_text(pf, c->from);
	err |= put_text(pf, c->from_name);
	err |= put_text(pf, c->to);
	err |= put_text(pf, c->room);
	err |= put_text(pf, c->role);
	err |= put_time(pf, c->start_ms);
	err |= put_time(pf, c->answer_ms);
	err |= put_time(pf, c->end_ms);
	err |= re_hprintf(pf, ",%llu.%03u,%u", (unsigned long long)(talk_ms / 1000), (unsigned)(talk_ms % 1000), c->status);
	err |= put_text(pf, c->why);
	err |= put_text(pf, c->codec);
	err |= put_numbers(pf, c);
	err |= put_figure(pf, c->r_factor);
	err |= put_figure(pf, c->mos);
	return err | re_hprintf(pf, "\r\n");
}
