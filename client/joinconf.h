/*
 * joinconf.h - the settings of tutti-join as one table: a flag, a line in a file, a default, a line of help each.
 *
 *     tutti-join [--FLAG VALUE ...] [sip:band@host]         the file first, then flags
 *
 * Pure but for the files it is told to read.
 */
#ifndef CLIENT_JOINCONF_H
#define CLIENT_JOINCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { JOINCONF_WRONG = 256 };    /* what is wrong, in words, fits into so much */

struct joinconf {
	/* call */
	char uri[256], name[64], section[33], user[128], password[128], password_file[256], proxy[256], listen[256];
	char media_ports[16], tls_ca[256], srtp[16], srtp_keys[16], codec[128];
	bool answer, tls_verify, gestures, red;
	double frame_ms;          /* 1.33, 2.5, 5 ...; 0: by itself */
	unsigned channels;
	char buffer[16];          /* ours and the server's for us: "auto", or 0 to 3 quanta */
	/* sound */
	char driver[16], device[128], jack_name[64], in_file[512], out_file[512];
	unsigned inputs, period;
	bool loop, connect;
	double tone_hz, gain_db, volume_db, self_db;      /* self -60: one does not hear oneself */
	/* gestures */
	char osc_to[128];
	unsigned osc_port;
	bool osc, osc_open, midi_clock, align, click;
	char midi_driver[16];     /* "auto", "alsa", "jack", "none" */
	/* faces */
	bool ui, json, quiet, mute;
	double seconds;           /* leave after so long; 0: when told to */
	char log[16];
	/* what is to be done instead of a call; no lines of a file */
	bool check, devices;
};

void joinconf_init(struct joinconf *c);
/* A file of lines `key = value`; ENOENT, other errnos of reading. EINVAL: wrong is "line 3: no such setting: foo". */
int  joinconf_file(struct joinconf *c, const char *path, char *wrong, size_t size);
/* Flags alone. 0; EINVAL with wrong; ECANCELED: help, version or such was printed to stdout. *path, if not NULL: of --config, or NULL. */
int  joinconf_argv(struct joinconf *c, int argc, char **argv, const char **path, char *wrong, size_t size);
/* All in order: the file of --config, else the user's own if there is one; the flags; the password's file, else its variable. */
int  joinconf_load(struct joinconf *c, int argc, char **argv, char *wrong, size_t size);
/* ~/.config/tutti/join.conf; ENOENT: no home. */
int  joinconf_path(char *path, size_t size);

/* "20000-29999", as joinconf_set lets it in: the first and the last even port that has its odd one with it. */
void joinconf_ports(uint16_t *min, uint16_t *max, const struct joinconf *c);

/* Pens. */
void joinconf_help(FILE *f);
void joinconf_sample(FILE *f);
void joinconf_man(FILE *f);       /* tutti-join(1) */
void joinconf_table(FILE *f);     /* as a table for docs/tutti-join.md */

#endif
