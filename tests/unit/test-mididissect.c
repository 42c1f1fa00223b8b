/*
 * test-mididissect.c - an independent judge: tshark takes packets of each kind apart, and calls none malformed.
 *
 * Left out is what tshark 4.0 reads wrongly itself: chapter N with several logs and bits, chapter Q, chapter M with a pending
 * number. Skipped where there is no tshark.
 */
#include <string.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <re.h>

#include "mixer/rtp.h"
#include "osc/applemidi.h"
#include "osc/midi_sender.h"

enum { RTP_PORT = 5004, APPLE_PORT = 5006, PT = 97, IP_LEN = 20, UDP_LEN = 8, LINKTYPE_RAW = 101 };

/* Commands in one packet; the next carries them in its journal. */
static const char *kinds[] = {
	"803c40 903c64", "a03c40", "b00750", "c005", "d005", "e01122",       /* channel commands */
	"f123", "f20102", "f305", "f6", "fe", "ff",                          /* system commands */
	"b0407f", "b07b00", "b00001 b02002 c005", "903c64 903c64", "803c20",
	"b06500 b06405 b0060c b02622", "b06301 b06205 b00601 b06000", "f07f7f010101020304f7", "f07d0102f7",
	"f100 f110 f120 f130 f140 f150 f160 f170", "913c64 a13c40 d105 e11122 c105 b10750",
};

static size_t from_hex(uint8_t *out, const char *hex)
{
	size_t n = strlen(hex) / 2;

	g_assert_cmpint(str_hex(out, n, hex), ==, 0);
	return n;
}

static void put32le(GByteArray *a, guint32 v)
{
	v = GUINT32_TO_LE(v);
	g_byte_array_append(a, (const guint8 *)&v, 4);
}

static void begin_file(GByteArray *a)
{
	static const guint32 head[] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, LINKTYPE_RAW};

	for (size_t i = 0; i < G_N_ELEMENTS(head); i++)
		put32le(a, head[i]);
}

static void add_datagram(GByteArray *a, unsigned port, const uint8_t *data, size_t len)
{
	const size_t udp = UDP_LEN + len, ip = IP_LEN + udp;
	const guint8 head[IP_LEN + UDP_LEN] = {0x45, 0, (guint8)(ip >> 8), (guint8)ip, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0,
		2, (guint8)(port >> 8), (guint8)port, (guint8)(port >> 8), (guint8)port, (guint8)(udp >> 8), (guint8)udp, 0, 0};

	put32le(a, 0);
	put32le(a, 0);
	put32le(a, (guint32)ip);
	put32le(a, (guint32)ip);
	g_byte_array_append(a, head, sizeof(head));
	g_byte_array_append(a, data, (guint)len);
}

static void add_packet(GByteArray *a, struct midi_sender *s)
{
	uint8_t buf[1500];
	struct rtp_pkt rtp = {.pt = PT, .ssrc = 0x1234};
	size_t hdr = sizeof(buf), len = 1200;
	uint8_t payload[1200];

	g_assert_cmpint(midi_sender_packet(payload, &len, &rtp.seq, &rtp.marker, s, 0, 0), ==, 0);
	g_assert_cmpint(rtp_write_hdr(buf, &hdr, &rtp), ==, 0);
	memcpy(buf + hdr, payload, len);
	add_datagram(a, RTP_PORT, buf, hdr + len);
}

static void add_kind(GByteArray *a, const char *commands)
{
	const struct midi_sender_conf conf = {.seq = 1000, .max = 1200};
	char **list = g_strsplit(commands, " ", 0);
	struct midi_sender *s;

	g_assert_cmpint(midi_sender_alloc(&s, &conf, NULL), ==, 0);
	for (char **c = list; *c; c++) {
		uint8_t o[16];
		const size_t n = from_hex(o, *c);
		struct midi_cmd cmd = midi_short(o[0], n > 1 ? o[1] : 0, n > 2 ? o[2] : 0);

		if (o[0] == MIDI_SYSEX)
			cmd = midi_sysex(o + 1, n - 2);
		g_assert_cmpint(midi_sender_put(s, &cmd), ==, 0);
	}
	add_packet(a, s);
	add_packet(a, s);
	mem_deref(s);
	g_strfreev(list);
}

/* That it can complain: a journal that is not there. */
static void add_broken(GByteArray *a)
{
	static const uint8_t packet[] = {0x80, PT, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x40, 0x80};

	add_datagram(a, RTP_PORT, packet, sizeof(packet));
}

static unsigned add_apple(GByteArray *a)
{
	static const struct applemidi pkts[] = {
		{.kind = APPLEMIDI_IN, .ssrc = 1, .token = 2, .name = "anna"}, {.kind = APPLEMIDI_OK, .ssrc = 1, .token = 2, .name = "bob"},
		{.kind = APPLEMIDI_NO, .ssrc = 1, .token = 2}, {.kind = APPLEMIDI_BY, .ssrc = 1, .token = 2},
		{.kind = APPLEMIDI_CK, .ssrc = 1, .time = {1}}, {.kind = APPLEMIDI_CK, .ssrc = 1, .count = 1, .time = {1, 2}},
		{.kind = APPLEMIDI_CK, .ssrc = 1, .count = 2, .time = {1, 2, 3}}, {.kind = APPLEMIDI_RS, .ssrc = 1, .seq = 7},
		{.kind = APPLEMIDI_RL, .ssrc = 1, .limit = 9600},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(pkts); i++) {
		uint8_t buf[APPLEMIDI_PACKET_MAX];
		size_t len = sizeof(buf);

		g_assert_cmpint(applemidi_write(buf, &len, &pkts[i]), ==, 0);
		add_datagram(a, APPLE_PORT, buf, len);
	}
	return G_N_ELEMENTS(pkts);
}

/* The numbers of the frames a filter finds, in order, one a line. */
static char *ask(const char *tshark, const char *file, const char *filter)
{
	const char *argv[] = {tshark, "-n", "-r", file, "-d", "udp.port==5004,rtp", "-d", "rtp.pt==97,rtpmidi", "-Y",
		filter, "-T", "fields", "-e", "frame.number", NULL};
	char *out = NULL;
	GError *err = NULL;
	int status;

	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, &status, &err));
	g_assert_no_error(err);
	g_assert_true(g_spawn_check_wait_status(status, NULL));
	return out;
}

static unsigned lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void judged(void)
{
	char *tshark = g_find_program_in_path("tshark"), *dir, *file, *got, *broken;
	GByteArray *a;
	unsigned apple;

	if (!tshark) {
		g_test_skip("no tshark to take packets apart");
		return;
	}
	a = g_byte_array_new();
	begin_file(a);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		add_kind(a, kinds[i]);
	add_broken(a);
	apple = add_apple(a);
	dir = g_dir_make_tmp("tutti-dissect-XXXXXX", NULL);
	file = g_build_filename(dir, "midi.pcap", NULL);
	g_assert_true(g_file_set_contents(file, (const char *)a->data, a->len, NULL));

	got = ask(tshark, file, "rtpmidi");
	g_assert_cmpuint(lines(got), ==, 2 * G_N_ELEMENTS(kinds) + 1);
	g_free(got);
	got = ask(tshark, file, "applemidi");
	g_assert_cmpuint(lines(got), ==, apple);
	g_free(got);
	broken = g_strdup_printf("%zu\n", 2 * G_N_ELEMENTS(kinds) + 1);
	got = ask(tshark, file, "_ws.malformed");
	g_assert_cmpstr(got, ==, broken);
	g_free(got);
	g_free(broken);

	g_remove(file);
	g_rmdir(dir);
	g_byte_array_unref(a);
	g_free(file);
	g_free(dir);
	g_free(tshark);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mididissect/judged", judged);
	return g_test_run();
}
