/*
 * pin.c - a PIN of a room.
 *
 * Four digits are found again from any hash in no time, however dear it is made; a PIN is guarded by the number of
 * tries. What the hash is for: that who reads a backup, or a snapshot that went astray, does not see at a glance which
 * digits somebody may use elsewhere too. So the rounds are chosen by what the control thread may spend on a caller,
 * which is under a millisecond for both PINs of a room.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include "pin.h"

enum { ROUNDS = 500, ROUNDS_MAX = 5000 };

static const char scheme[] = "pbkdf2-sha256";

static bool is_pin(const char *digits)
{
	size_t n = digits ? strnlen(digits, PIN_MAX + 1) : 0;

	return n >= PIN_MIN && n <= PIN_MAX && strspn(digits, "0123456789") == n;
}

static bool derive(uint8_t key[PIN_KEY], const struct pin *p, const char *digits)
{
	return 1 == PKCS5_PBKDF2_HMAC(digits, (int)strlen(digits), p->salt, PIN_SALT, (int)p->rounds, EVP_sha256(), PIN_KEY, key);
}

int pin_set(struct pin *p, const char *digits)
{
	struct pin made = { .rounds = ROUNDS };

	if (digits && !digits[0]) {
		memset(p, 0, sizeof(*p));
		return 0;
	}
	if (!is_pin(digits))
		return EINVAL;
	if (RAND_bytes(made.salt, PIN_SALT) != 1 || !derive(made.key, &made, digits))
		return EIO;
	*p = made;
	return 0;
}

bool pin_is(const struct pin *p, const char *digits)
{
	uint8_t key[PIN_KEY];

	if (!p->rounds || !is_pin(digits) || !derive(key, p, digits))
		return false;
	return CRYPTO_memcmp(key, p->key, PIN_KEY) == 0;
}

static void hex_print(char *text, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_parse(uint8_t *bytes, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(text[2 * i]), lo = hi < 0 ? -1 : hex_digit(text[2 * i + 1]);

		if (lo < 0)
			return false;
		bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

void pin_print(const struct pin *p, char text[PIN_TEXT_MAX])
{
	char salt[2 * PIN_SALT + 1], key[2 * PIN_KEY + 1];

	text[0] = '\0';
	if (!p->rounds)
		return;
	hex_print(salt, p->salt, PIN_SALT);
	hex_print(key, p->key, PIN_KEY);
	(void)snprintf(text, PIN_TEXT_MAX, "%s$%u$%s$%s", scheme, (unsigned)p->rounds, salt, key);
}

int pin_parse(struct pin *p, const char *text)
{
	struct pin read = { 0 };
	size_t n = sizeof(scheme) - 1;
	char *end;

	if (!text[0]) {
		*p = read;
		return 0;
	}
	if (strncmp(text, scheme, n) != 0 || text[n] != '$')
		return EINVAL;
	unsigned long rounds = strtoul(text + n + 1, &end, 10);
	if (rounds == 0 || rounds > ROUNDS_MAX || *end != '$' || strlen(end) != 1 + 2 * PIN_SALT + 1 + 2 * PIN_KEY ||
	    end[1 + 2 * PIN_SALT] != '$')
		return EINVAL;
	read.rounds = (uint32_t)rounds;
	if (!hex_parse(read.salt, PIN_SALT, end + 1) || !hex_parse(read.key, PIN_KEY, end + 2 + 2 * PIN_SALT))
		return EINVAL;
	*p = read;
	return 0;
}
