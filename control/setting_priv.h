/*
 * setting_priv.h - what the settings of a room mean, and text to that and back. Private to control/.
 */
#ifndef CONTROL_SETTING_PRIV_H
#define CONTROL_SETTING_PRIV_H

#include "pin.h"
#include "schedule.h"
#include "setting.h"

enum { TITLE_MAX = 128, ALIASES_MAX = 16, ALIAS_MAX = 33, LANGUAGE_MAX = 17 };    /* texts with their end */

struct room_conf {
	char title[TITLE_MAX];
	uint32_t n_aliases;
	char alias[ALIASES_MAX][ALIAS_MAX];       /* other names and numbers it is called by */
	bool music;
	struct pin host_pin, guest_pin;
	uint32_t max_members;             /* 0: as many as the server takes */
	char language[LANGUAGE_MAX];      /* "": the server's */
	bool lobby, wait_for_host, end_with_host;
	uint32_t end_grace_s, empty_timeout_s;
	uint32_t delay_bound_ms;          /* 0: no warning */
	bool floor, mute_on_entry, tones, announce_names, record_auto, hide_numbers;
	struct schedule schedule;
	bool early_wait;                  /* who comes before it is open waits */
	bool keep;                        /* stays when it is empty, and when the process ends */
};

void settings_default(struct room_conf *rc);

/* EINVAL: no such setting, or its value is wrong. `stored`: the text is what setting_print gave with secrets. */
int  setting_parse(struct room_conf *rc, const char *name, const char *value, bool stored);
void setting_print(const struct room_conf *rc, const struct setting_info *info, char text[SETTING_TEXT_MAX], bool secrets);

/* Do they fit each other? The name of one that does not, NULL: they do. */
const char *settings_wrong(const struct room_conf *rc);
bool settings_equal(const struct room_conf *a, const struct room_conf *b);

#endif
