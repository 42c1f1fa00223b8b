/*
 * joinconf.c - the table: every setting of tutti-join once. A setting is added here and nowhere else: file, flags, --help, the sample file,
 * the man page and the table in docs/tutti-join.md follow.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "joinconf_priv.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define AT(f) offsetof(struct joinconf, f), sizeof(((struct joinconf *)0)->f)

#define T JOINCONF_TEXT
#define Y JOINCONF_YESNO
#define I JOINCONF_NUMBER
#define F JOINCONF_DECIMAL
#define W JOINCONF_WORD
#define R JOINCONF_PORTS

static const struct joinconf_row rows[] = {
	{"Call", "uri", T, AT(uri), "", NULL, "URI", "the room: sip:band@host, sips:, band@host; as a flag it stands alone", false},
	{"Call", "answer", Y, AT(answer), "no", NULL, NULL, "wait to be called, instead of calling", false},
	{"Call", "name", T, AT(name), "", NULL, "NAME", "what the others see; empty: the login name", false},
	{"Call", "section", T, AT(section), "", NULL, "NAME",
		"the group we play in, as \"brass\"; empty: the one we were in the last time in this room", false},
	{"Call", "user", T, AT(user), "", NULL, "USER", "of an account on the server", false},
	{"Call", "password", T, AT(password), "", NULL, "WORD", "of that account; there is no such flag", true},
	{"Call", "password-file", T, AT(password_file), "", NULL, "FILE", "its first line is the password", false},
	{"Call", "proxy", T, AT(proxy), "", NULL, "URI", "an outbound proxy", false},
	{"Call", "listen", T, AT(listen), "", NULL, "LIST",
		"own addresses, as udp:0.0.0.0:5060 tcp:[::]:5060; empty: ports that are free", false},
	{"Call", "media-ports", R, AT(media_ports), "20000-59999", NULL, "A-B",
		"UDP ports for sound and gestures, at least 10", false},
	{"Call", "tls-verify", Y, AT(tls_verify), "yes", NULL, NULL, "a certificate must be good, or there is no call by TLS", false},
	{"Call", "tls-ca", T, AT(tls_ca), "", NULL, "FILE", "who is trusted, in PEM; empty: whom the system trusts", false},
	{"Call", "srtp", W, AT(srtp), "optional", "off|optional|required", NULL, "encrypted sound and gestures", false},
	{"Call", "srtp-keys", W, AT(srtp_keys), "sdes", "sdes|dtls", NULL,
		"how keys come, of calls of ours: in the description, for which the way to the server must be safe, or by DTLS", false},
	{"Call", "codec", T, AT(codec), "", NULL, "LIST",
		"such as \"opus L16/48000/2\", the best first; empty: L16 where it is near, Opus where it is far", false},
	{"Call", "frame", F, AT(frame_ms), "0", "0..20", "MS", "sound in a packet: 1.33, 2.5, 5, 10 or 20 ms; 0: as short as the period asks for", false},
	{"Call", "channels", I, AT(channels), "2", "1..2", NULL, "mono or stereo", false},
	{"Call", "buffer", W, AT(buffer), "auto", "auto|0|1|2|3", NULL, "packets that wait for late ones, here and at the server", false},
	{"Call", "red", Y, AT(red), "no", NULL, NULL, "each packet says the one before it again, while some are lost", false},
	{"Sound", "driver", W, AT(driver), "auto", "auto|jack|alsa|file|tone|null", NULL, "auto: JACK if it runs, else ALSA, else none", false},
	{"Sound", "device", T, AT(device), "", NULL, "DEVICE", "of ALSA, such as hw:1; of JACK the name of the server", false},
	{"Sound", "jack-name", T, AT(jack_name), "tutti-join", NULL, "NAME", "of the client among JACK's", false},
	{"Sound", "inputs", I, AT(inputs), "2", "1..8", NULL, "JACK: so many inputs, laid from left to right", false},
	{"Sound", "connect", Y, AT(connect), "yes", NULL, NULL, "JACK: to the first ports of the card", false},
	{"Sound", "period", I, AT(period), "0", "0..4096", "FRAMES", "0: JACK's own; of ALSA the shortest that runs clean", false},
	{"Sound", "in-file", T, AT(in_file), "", NULL, "FILE", "played into the room, from when we are in it: WAV or FLAC; with every driver", false},
	{"Sound", "out-file", T, AT(out_file), "", NULL, "FILE", "what is heard is written there: WAV or FLAC", false},
	{"Sound", "loop", Y, AT(loop), "no", NULL, NULL, "in-file over and over", false},
	{"Sound", "tone", F, AT(tone_hz), "440", "20..20000", "HZ", "of the driver tone", false},
	{"Sound", "gain", F, AT(gain_db), "0", "-60..20", "DB", "of what we play into the room", false},
	{"Sound", "volume", F, AT(volume_db), "0", "-60..20", "DB", "of what we hear", false},
	{"Sound", "self", F, AT(self_db), "-60", "-60..20", "DB", "how loud we hear ourselves, at once; -60: not at all", false},
	{"Gestures", "gestures", Y, AT(gestures), "yes", NULL, NULL, "a line of gestures beside the sound: roster, mixes, OSC, MIDI", false},
	{"Gestures", "osc", Y, AT(osc), "yes", NULL, NULL, "a port for OSC programs of this machine", false},
	{"Gestures", "osc-port", I, AT(osc_port), "0", "0..65535", "PORT", "its number; 0: any that is free", false},
	{"Gestures", "osc-to", T, AT(osc_to), "", NULL, "HOST:PORT", "who hears the room by OSC; empty: who has last sent to us", false},
	{"Gestures", "osc-open", Y, AT(osc_open), "no", NULL, NULL, "other machines may send to that port, too", false},
	{"Gestures", "midi", W, AT(midi_driver), "auto", "auto|alsa|jack|none", NULL, "MIDI ports; auto: as the sound", false},
	{"Gestures", "midi-clock", Y, AT(midi_clock), "no", NULL, NULL, "the room's beat goes out as MIDI clock", false},
	{"Gestures", "align", Y, AT(align), "no", NULL, NULL, "gestures are held back until the sound that belongs to them is heard", false},
	{"Gestures", "click", Y, AT(click), "no", NULL, NULL, "hear the room's beat from the beginning", false},
	{"Faces", "ui", Y, AT(ui), "yes", NULL, NULL, "the view in the terminal; without one, lines are written", false},
	{"Faces", "json", Y, AT(json), "no", NULL, NULL, "events as JSON, one a line; commands are read from stdin", false},
	{"Faces", "quiet", Y, AT(quiet), "no", NULL, NULL, "without the view: nothing but errors", false},
	{"Faces", "mute", Y, AT(mute), "no", NULL, NULL, "muted from the beginning", false},
	{"Faces", "seconds", F, AT(seconds), "0", "0..1000000000", "S", "leave after so long; 0: when told to", false},
	{"Faces", "log", W, AT(log), "warning", "error|warning|info|debug", NULL, "how much is logged, to stderr", false},
};

static const struct joinconf_verb verbs[] = {
	{"config", "FILE", "read settings from FILE instead of ~/.config/tutti/join.conf"},
	{"check", NULL, "a sound check: calls an echo, as sip:echo@host, measures, and says what can be played"},
	{"devices", NULL, "list the sound devices"},
	{"sample-config", NULL, "print a file with every setting and its default"},
	{"man-page", NULL, "print tutti-join(1)"},
	{"version", NULL, "print the version"},
	{"help", NULL, "print this"},
};

const struct joinconf_row *joinconf_rows(size_t *n)
{
	*n = N(rows);
	return rows;
}

const struct joinconf_verb *joinconf_verbs(size_t *n)
{
	*n = N(verbs);
	return verbs;
}

const struct joinconf_row *joinconf_find(const char *key, size_t len)
{
	for (size_t i = 0; i < N(rows); i++)
		if (strlen(rows[i].key) == len && !memcmp(rows[i].key, key, len))
			return &rows[i];
	return NULL;
}

/* --- values --- */

static int complain(char *wrong, size_t size, const struct joinconf_row *r, const char *want)
{
	(void)snprintf(wrong, size, "%s: wants %s", r->key, want);
	return EINVAL;
}

static int set_yesno(bool *v, const struct joinconf_row *r, const char *s, char *wrong, size_t size)
{
	static const char *const word[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};

	for (size_t i = 0; i < N(word); i++)
		if (!strcasecmp(s, word[i])) {
			*v = i & 1;
			return 0;
		}
	return complain(wrong, size, r, "yes or no");
}

/* A name as "nan" or hexadecimal is a number to strtod, too. */
static bool is_number(double *v, const char *s)
{
	char *end;

	if (!*s || strspn(s, "-+.0123456789") != strlen(s))
		return false;
	*v = strtod(s, &end);
	return !*end;
}

static int read_number(double *v, const struct joinconf_row *r, const char *s, char *wrong, size_t size)
{
	double min = strtod(r->range, NULL), max = strtod(strstr(r->range, "..") + 2, NULL);
	char want[64];

	if (is_number(v, s) && *v >= min && *v <= max && (r->type == JOINCONF_DECIMAL || *v == floor(*v)))
		return 0;
	(void)snprintf(want, sizeof(want), "%s from %.0f to %.0f", r->type == JOINCONF_DECIMAL ? "a number" : "a whole number", min, max);
	return complain(wrong, size, r, want);
}

static int set_text(char *v, const struct joinconf_row *r, const char *s, char *wrong, size_t size)
{
	if (strlen(s) >= r->size) {
		(void)snprintf(wrong, size, "%s: longer than %zu octets", r->key, r->size - 1);
		return EINVAL;
	}
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return complain(wrong, size, r, "text without control characters");
	memcpy(v, s, strlen(s) + 1);
	return 0;
}

static int set_word(char *v, const struct joinconf_row *r, const char *s, char *wrong, size_t size)
{
	char want[96] = "one of ";

	for (const char *p = r->range; *p; p += strcspn(p, "|"), p += *p == '|') {
		size_t n = strcspn(p, "|");

		if (n == strlen(s) && !memcmp(p, s, n))
			return set_text(v, r, s, wrong, size);
	}
	strncat(want, r->range, sizeof(want) - strlen(want) - 1);
	return complain(wrong, size, r, want);
}

/* Ports in pairs, the lower one even; a call has two pairs, and the one after it begins before it has gone. */
static bool read_ports(unsigned *min, unsigned *max, const char *s)
{
	char end;

	return sscanf(s, "%5u-%5u%c", min, max, &end) == 2 && *min >= 1024 && *max <= 65535 && *min < *max &&
	       *max - *min >= 9;
}

static int set_ports(char *v, const struct joinconf_row *r, const char *s, char *wrong, size_t size)
{
	unsigned min, max;

	if (!read_ports(&min, &max, s))
		return complain(wrong, size, r, "A-B: ten ports or more from 1024 to 65535, such as 20000-20099");
	return set_text(v, r, s, wrong, size);
}

void joinconf_ports(uint16_t *min, uint16_t *max, const struct joinconf *c)
{
	unsigned lo = 0, hi = 0;

	(void)read_ports(&lo, &hi, c->media_ports);
	*min = (uint16_t)(lo + (lo & 1));
	*max = (uint16_t)((hi - 1) & ~1u);
}

/* libopus and L16 know these lengths and no others. */
static int check_frame(const struct joinconf_row *r, double ms, char *wrong, size_t size)
{
	static const double known[] = {0, 1.33, 1.333, 2.5, 5, 10, 20};

	for (size_t i = 0; i < N(known); i++)
		if (fabs(ms - known[i]) < 0.001)
			return 0;
	return complain(wrong, size, r, "1.33, 2.5, 5, 10 or 20, or 0");
}

int joinconf_set(struct joinconf *c, const struct joinconf_row *r, const char *s, char *wrong, size_t size)
{
	void *v = (char *)c + r->at;
	double d;
	int err;

	switch (r->type) {
	case JOINCONF_TEXT:
		return set_text(v, r, s, wrong, size);
	case JOINCONF_WORD:
		return set_word(v, r, s, wrong, size);
	case JOINCONF_PORTS:
		return set_ports(v, r, s, wrong, size);
	case JOINCONF_YESNO:
		return set_yesno(v, r, s, wrong, size);
	default:
		break;
	}
	err = read_number(&d, r, s, wrong, size);
	if (!err && v == &c->frame_ms)
		err = check_frame(r, d, wrong, size);
	if (err)
		return err;
	if (r->type == JOINCONF_DECIMAL)
		*(double *)v = d;
	else
		*(unsigned *)v = (unsigned)d;
	return 0;
}

void joinconf_init(struct joinconf *c)
{
	char wrong[JOINCONF_WRONG];

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < N(rows); i++)
		if (joinconf_set(c, &rows[i], rows[i].def, wrong, sizeof(wrong)))
			abort();                          /* a default that its own row does not allow */
}
