/*
 * parts.h - the settings as each part of the server wants them. What they point to is the settings', for as long as
 * these live.
 */
#ifndef SERVER_PARTS_H
#define SERVER_PARTS_H

#include "config.h"
#include "sip.h"
#include "state.h"
#include "control/control.h"
#include "control/keypad.h"
#include "control/record.h"
#include "control/spoken.h"
#include "mixer/mixer.h"
#include "osc/relay.h"
#include "osc/roomports.h"

struct control_conf   parts_control(const struct config *c, struct store *store);
struct prompt_conf    parts_prompt(const struct config *c);
struct spoken_conf    parts_spoken(const struct config *c, struct prompts *prompts);
struct mixer_conf     parts_mixer(const struct config *c);
struct relay_conf     parts_relay(const struct config *c);
struct roomports_conf parts_roomports(const struct config *c);            /* but for osc_room_secret */
/* *dir: to be freed, after it was used. ENOMEM. */
int  parts_record(struct record_conf *rc, char **dir, const struct config *c, const struct state *state);
/* But for software. *why: words, to be freed; NULL: those of the errno. */
int  parts_sips(struct sips_conf *sc, const struct config *c, struct state *state, char **why);

#endif
