/*
 * load_options.c - the command line of tutti-load.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include "load.h"

enum { OPT_SELF_TEST = 256, OPT_REFLECT };

void usage(bool wrong)
{
	fputs("usage: tutti-load [options] sip:[NAME@]HOST[:PORT]\n"
	      "       tutti-load [options] --raw HOST:PORT\n"
	      "       tutti-load --reflect PORT[:DELAY_US[:SHIFT_BYTES[:SOCKETS]]]\n"
	      "       tutti-load --self-test\n\n"
	      "Calls the rooms NAME-0, NAME-1 ... (NAME: load) over UDP, holds the calls, hangs up; then tells how long set-up\n"
	      "took, what failed, what was lost of the sound, and what the server's process used.\n\n"
	      "  -n, --calls N      calls (10)\n"
	      "  -r, --rooms N      rooms they are spread over (1)\n"
	      "      --talkers N    callers that talk; the others send a room's noise (all talk)\n"
	      "      --cps N        calls set up, and taken down, a second (50)\n"
	      "      --hold S       seconds between (10)\n"
	      "      --rounds N     all of it so many times (1)\n"
	      "      --codec NAME   pcmu, pcma, opus or l16 (pcmu)\n"
	      "      --ptime MS     milliseconds in a packet, 1.333 for 64 samples at 48 kHz (20; l16 2.5)\n"
	      "      --stereo       two channels (opus, l16)\n"
	      "      --bitrate B    of Opus, bits a second (32000, stereo 96000)\n"
	      "      --loss PCT     of what is sent, per cent (0)\n"
	      "      --jitter MS    packets leave up to that much late (0)\n"
	      "      --drift PPM    clocks of the callers run up to that much fast or slow (0)\n"
	      "      --seed N       of loss, jitter and drift (1)\n"
	      "      --delay        the first talker of a room chirps: how late do the others hear it?\n"
	      "      --levels       a sine for every talker: how loud does everybody hear whom?\n"
	      "      --probes N     calls that are listened to for that (32)\n"
	      "      --delays FILE  write every delay found, in milliseconds, one a line\n"
	      "      --inactive     calls without sound in either direction: SIP alone\n"
	      "      --no-bye       vanish instead of hanging up\n"
	      "      --realtime     SCHED_FIFO for the generator, where allowed\n"
	      "      --pid PID      watch this process: CPU, memory, threads, descriptors\n"
	      "      --json         one line of JSON\n"
	      "      --raw          no SIP: call i sends to PORT + i, and hears what comes back (an echo)\n"
	      "      --reflect      be such an echo that holds every packet for a while, and the sound in it for some bytes\n"
	      "      --self-test    measure reflectors of known delay\n"
	      "  -h, --help         this text\n\n"
	      "Exit status: 0 all calls were answered and heard something, 1 some not, 64 wrong use, 69 cannot start.\n",
	      wrong ? stderr : stdout);
}

static int target_parse(struct options *o, const char *uri)
{
	const char *host = uri, *at, *end;
	size_t len;

	if (!strncasecmp(host, "sip:", 4))
		host += 4;
	at = strchr(host, '@');
	snprintf(o->user, sizeof(o->user), "load");
	if (at) {
		if (at == host || at - host >= 48)
			return EINVAL;
		snprintf(o->user, sizeof(o->user), "%.*s", (int)(at - host), host);
		host = at + 1;
	}
	end = *host == '[' ? strchr(host, ']') : host + strcspn(host, ":");
	if (!end)
		return EINVAL;
	host += *host == '[';
	len = (size_t)(end - host);
	if (!len || len >= sizeof(o->host))
		return EINVAL;
	memcpy(o->host, host, len);
	end += *end == ']';
	snprintf(o->port, sizeof(o->port), "%s", *end == ':' ? end + 1 : "5060");
	return strspn(o->port, "0123456789") == strlen(o->port) && *o->port ? 0 : EINVAL;
}

static int number(uint32_t *v, const char *text, uint32_t min, uint32_t max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || n < min || n > max)
		return EINVAL;
	*v = (uint32_t)n;
	return 0;
}

static int real(double *v, const char *text, double min, double max)
{
	char *end;

	*v = strtod(text, &end);
	return end != text && !*end && *v >= min && *v <= max ? 0 : EINVAL;
}

static int codec_read(struct options *o, const char *name)
{
	for (int c = CODEC_PCMU; c <= CODEC_L16; c++) {
		if (strcasecmp(name, codec_name((enum codec)c)))
			continue;
		o->codec = (enum codec)c;
		return 0;
	}
	return EINVAL;
}

static int reflect_read(const char *arg)
{
	unsigned port = 0, delay_us = 0, shift = 0, sockets = 1;

	if (sscanf(arg, "%5u:%7u:%5u:%5u", &port, &delay_us, &shift, &sockets) < 1 || !port || port + sockets > 65535)
		return EINVAL;
	exit(reflect_run((uint16_t)port, delay_us, shift, sockets) ? EX_UNAVAILABLE : EX_OK);
}

static int pid_read(struct options *o, const char *arg)
{
	uint32_t pid;

	if (number(&pid, arg, 1, 1u << 30))
		return EINVAL;
	o->pid = (pid_t)pid;
	return 0;
}

static int path_read(struct options *o, const char *arg)
{
	return snprintf(o->delays, sizeof(o->delays), "%s", arg) < (int)sizeof(o->delays) ? 0 : ENAMETOOLONG;
}

static int option_read(struct options *o, int c, const char *arg, const char *program)
{
	switch (c) {
	case 'n': return number(&o->calls, arg, 1, CALLS_MAX);
	case 'r': return number(&o->rooms, arg, 1, CALLS_MAX);
	case 'T': return number(&o->talkers, arg, 0, CALLS_MAX);
	case 'C': return number(&o->cps, arg, 1, 100000);
	case 'H': return number(&o->hold_s, arg, 0, 1000000);
	case 'R': return number(&o->rounds, arg, 1, 100000);
	case 'P': return number(&o->probes, arg, 1, CALLS_MAX);
	case 'S': return number(&o->seed, arg, 0, UINT32_MAX);
	case 'b': return number(&o->bitrate, arg, 6000, 510000);
	case 't': return real(&o->ptime_ms, arg, 0.1, 60);
	case 'L': return real(&o->loss_pct, arg, 0, 100);
	case 'J': return real(&o->jitter_ms, arg, 0, 500);
	case 'D': return real(&o->drift_ppm, arg, 0, 10000);
	case 'c': return codec_read(o, arg);
	case 'p': return pid_read(o, arg);
	case 'f': return path_read(o, arg);
	case 's': o->channels = 2; return 0;
	case 'd': o->measure = MEASURE_DELAY; return 0;
	case 'l': o->measure = MEASURE_LEVELS; return 0;
	case 'B': o->bye = false; return 0;
	case 'j': o->json = true; return 0;
	case 'w': o->raw = true; return 0;
	case 'I': o->inactive = true; return 0;
	case 'F': o->realtime = true; return 0;
	case OPT_REFLECT: return reflect_read(arg);
	case OPT_SELF_TEST: exit(self_test(program) ? 1 : EX_OK);
	case 'h':
		usage(false);
		exit(EX_OK);
	default: return EINVAL;
	}
}

/* What follows from other options. */
static int settle(struct options *o)
{
	if (o->channels == 2 && (o->codec == CODEC_PCMU || o->codec == CODEC_PCMA))
		return EINVAL;
	if (o->ptime_ms <= 0)
		o->ptime_ms = o->codec == CODEC_L16 ? 2.5 : 20;
	if (o->ptime_ms > 1.32 && o->ptime_ms < 1.34)
		o->ptime_ms = 64 / 48.0;
	if (!o->bitrate)
		o->bitrate = o->channels == 2 ? 96000 : 32000;
	if (o->raw)
		o->rooms = 1;
	return 0;
}

int options_read(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"calls", 1, NULL, 'n'}, {"rooms", 1, NULL, 'r'}, {"talkers", 1, NULL, 'T'}, {"cps", 1, NULL, 'C'},
		{"hold", 1, NULL, 'H'}, {"rounds", 1, NULL, 'R'}, {"codec", 1, NULL, 'c'}, {"no-bye", 0, NULL, 'B'}, {"inactive", 0, NULL, 'I'},
		{"ptime", 1, NULL, 't'}, {"stereo", 0, NULL, 's'}, {"bitrate", 1, NULL, 'b'}, {"loss", 1, NULL, 'L'},
		{"jitter", 1, NULL, 'J'}, {"drift", 1, NULL, 'D'}, {"seed", 1, NULL, 'S'}, {"delay", 0, NULL, 'd'},
		{"levels", 0, NULL, 'l'}, {"probes", 1, NULL, 'P'}, {"delays", 1, NULL, 'f'}, {"raw", 0, NULL, 'w'},
		{"realtime", 0, NULL, 'F'}, {"pid", 1, NULL, 'p'}, {"json", 0, NULL, 'j'}, {"help", 0, NULL, 'h'},
		{"reflect", 1, NULL, OPT_REFLECT}, {"self-test", 0, NULL, OPT_SELF_TEST}, {NULL, 0, NULL, 0},
	};
	int c;

	*o = (struct options){.rooms = 1, .calls = 10, .talkers = UINT32_MAX, .cps = 50, .hold_s = 10, .rounds = 1,
			      .probes = 32, .channels = 1, .seed = 1, .bye = true};
	while ((c = getopt_long(argc, argv, "n:r:h", longs, NULL)) != -1) {
		if (option_read(o, c, optarg, argv[0])) {
			if (c != '?')
				fprintf(stderr, "tutti-load: %s cannot be used there\n", optarg ? optarg : "that");
			return EINVAL;
		}
	}
	return optind + 1 == argc && !settle(o) ? target_parse(o, argv[optind]) : EINVAL;
}
