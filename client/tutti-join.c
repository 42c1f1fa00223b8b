/*
 * tutti-join.c - the musician's end: a SIP call with JACK or files for sound, local OSC and MIDI, a terminal view.
 *
 * It arrives with a later version. Until then the program is here so that scripts and packages find it at its place, and
 * says what to use instead; nothing else.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
	"usage: tutti-join [--help] [--version]\n"
	"\n"
	"The musician's client of the Tutti conference server. It is not part of this version.\n"
	"Until it is, call a room with a SIP phone:\n"
	"\n"
	"    baresip -e \"d sip:ROOM@HOST\"\n"
	"    linphonec            then: call sip:ROOM@HOST\n";

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("tutti-join %s\n", TUTTI_VERSION);
		return 0;
	}
	fputs("tutti-join: the client arrives with a later version of Tutti; "
	      "use a SIP phone instead, e.g. baresip -e \"d sip:ROOM@HOST\" or linphonec (see --help)\n", stderr);
	return EX_UNAVAILABLE;
}
