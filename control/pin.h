/*
 * pin.h - a PIN of a room: kept as a salted hash, and compared in constant time. Private to control/.
 */
#ifndef CONTROL_PIN_H
#define CONTROL_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PIN_MIN = 4, PIN_MAX = 12, PIN_SALT = 16, PIN_KEY = 32, PIN_TEXT_MAX = 128 };

struct pin {
	uint32_t rounds;                  /* 0: there is none */
	uint8_t salt[PIN_SALT], key[PIN_KEY];
};

int  pin_set(struct pin *p, const char *digits);          /* "": none. EINVAL: not 4 to 12 digits */
bool pin_is(const struct pin *p, const char *digits);     /* false where there is none */

/* As the store keeps it: pbkdf2-sha256$ROUNDS$SALT$KEY, or "". */
void pin_print(const struct pin *p, char text[PIN_TEXT_MAX]);
int  pin_parse(struct pin *p, const char *text);          /* EINVAL */

#endif
