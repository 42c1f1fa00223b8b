/*
 * joinconf.h - the settings of tutti-join as one table: a flag, a line in a file, a default, a line of help each.
 *
 *     tutti-join [--FLAG VALUE ...] [sip:band@host]         the file first, then flags
 */
#ifndef CLIENT_JOINCONF_H
#define CLIENT_JOINCONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct joinconf {
	/* call */
	char uri[256], name[64], user[128], password[128], password_file[256], proxy[256], listen[256], tls_ca[256], srtp[16], codec[128];
	bool answer, tls_verify, gestures, red;
	double frame_ms;          /* 1.33, 2.5, 5 ...; 0: by itself */
	unsigned channels;
	char buffer[16];          /* ours and the server's for us: "auto", or 0 to 3 quanta */
	/* sound */
	char driver[16], device[128], jack_name[64], in_file[512], out_file[512];
	unsigned inputs, period;
	bool loop, connect, monitor;
	double tone_hz, gain_db, volume_db, self_db;
	/* gestures */
	char osc_to[128];
	unsigned osc_port;
	bool osc, osc_open, midi, midi_clock, align, click;
	char midi_driver[16];     /* "auto", "alsa", "jack", "none" */
	/* faces */
	bool ui, json, check, quiet, mute;
	double seconds;           /* leave after so long; 0: when told to */
	char log[16];
};

void joinconf_init(struct joinconf *c);
/* A file of lines `key = value`; ENOENT. wrong: "line 3: no such setting: foo". */
int  joinconf_file(struct joinconf *c, const char *path, char *wrong, size_t size);
/* argv. 0; EINVAL with wrong; ECANCELED: help or version was printed. */
int  joinconf_argv(struct joinconf *c, int argc, char **argv, char *wrong, size_t size);
void joinconf_help(FILE *f);
void joinconf_sample(FILE *f);

#endif
