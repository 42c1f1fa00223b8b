/*
 * login.c - may who sends this be a player?
 *
 * Nothing is ever answered to who is not let in: the source of a datagram may be forged, and a port that answers strangers is
 * a reflector. Secrets are compared in a time that does not depend on what is right in them. Who is wrong five times is not
 * listened to for a minute, nor is who goes on being wrong; the table forgets who was quiet longest. A forged source can so
 * shut out somebody else's login for a minute, but not a player who is in.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "login.h"

static bool has_address(const struct osc_msg *msg, const char *addr)
{
	return 0 == strcmp(msg->addr, addr);
}

bool login_is(const struct osc_msg *msg)
{
	return has_address(msg, "/tutti/login");
}

bool login_is_bye(const struct osc_msg *msg)
{
	return has_address(msg, "/tutti/logout");
}

/* By their hashes, which are equally long. */
static bool same_secret(const char *a, const char *b)
{
	uint8_t ha[SHA256_DIGEST_LENGTH], hb[SHA256_DIGEST_LENGTH];

	(void)SHA256((const uint8_t *)a, strlen(a), ha);
	(void)SHA256((const uint8_t *)b, strlen(b), hb);
	return 0 == CRYPTO_memcmp(ha, hb, sizeof(ha));
}

/* "a name that is only too long is cut" */
static void read_name(struct login *login, const char *name)
{
	size_t n = strlen(name);

	if (n > VIEW_NAME_MAX)
		n = VIEW_NAME_MAX;
	if (!views_name_ok(name, n))
		return;

	memcpy(login->name, name, n);
	login->name[n] = '\0';
}

static bool read_port(struct login *login, int32_t port)
{
	if (port < 1 || port > UINT16_MAX)
		return false;
	login->port = (uint16_t)port;
	return true;
}

/* There is no `source` here: without RTP nothing would say whose it is. */
static bool read_view(struct login *login, const char *view)
{
	if (strcmp(view, "prefix") && strcmp(view, "flat"))
		return false;
	login->view = *view == 'f' ? VIEW_FLAT : VIEW_PREFIX;
	return true;
}

static bool has_form(const struct osc_msg *msg)
{
	static const char *const forms[] = {"s", "ss", "ssi", "sss", "ssis"};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (!strcmp(msg->tags, forms[i]))
			return true;
	}
	return false;
}

/* The secret that was said; NULL: not of that form. */
static const char *read_login(struct login *login, const struct osc_msg *msg)
{
	struct osc_args it;
	struct osc_arg secret, name, more;

	if (!has_form(msg))
		return NULL;

	osc_args_init(&it, msg);
	if (!osc_arg_next(&it, &secret))
		return NULL;
	login->said = true;
	if (osc_arg_next(&it, &name))
		read_name(login, name.v.s);
	while (osc_arg_next(&it, &more)) {
		if (!(more.tag == 'i' ? read_port(login, more.v.i) : read_view(login, more.v.s)))
			return NULL;
	}
	return secret.v.s;
}

/* Its place in the table, or the one that was quiet longest. */
static unsigned find_source(const struct logins *l, const struct sa *from, bool *known)
{
	unsigned oldest = 0;

	*known = true;
	for (unsigned i = 0; i < LOGIN_SOURCES; i++) {
		if (sa_isset(&l->source[i].addr, SA_ADDR) && sa_cmp(&l->source[i].addr, from, SA_ADDR))
			return i;
		if (l->source[i].last_ms < l->source[oldest].last_ms)
			oldest = i;
	}
	*known = false;

	return oldest;
}

static bool is_muted(const struct logins *l, const struct sa *from, uint64_t now_ms)
{
	bool known;
	const unsigned i = find_source(l, from, &known);

	return known && l->source[i].wrong >= LOGIN_WRONG && now_ms - l->source[i].last_ms < LOGIN_MUTE_MS;
}

static enum login_verdict was_wrong(struct logins *l, const struct sa *from, uint64_t now_ms)
{
	bool known;
	const unsigned i = find_source(l, from, &known);

	if (!known || now_ms - l->source[i].last_ms >= LOGIN_MUTE_MS) {
		l->source[i].addr  = *from;
		l->source[i].wrong = 0;
	}
	l->source[i].last_ms = now_ms;

	return ++l->source[i].wrong == LOGIN_WRONG ? LOGIN_MUTED : LOGIN_REFUSED;
}

enum login_verdict login_judge(struct login *login, struct logins *l, const struct sa *from, const uint8_t *pkt, size_t len,
			       uint64_t now_ms)
{
	const bool listed = l->list && addrlist_has(l->list, from);
	const char *secret = NULL;
	struct osc_msg msg;

	memset(login, 0, sizeof(*login));
	if (osc_check(pkt, len, OSC_MAX_DGRAM))
		return LOGIN_NOTHING;
	if (!osc_is_bundle(pkt, len) && !osc_msg_read(&msg, pkt, len) && login_is(&msg))
		secret = read_login(login, &msg);
	if (listed)
		return LOGIN_IN;
	if (!secret || !l->secret || !*l->secret || is_muted(l, from, now_ms))
		return LOGIN_NOTHING;

	return same_secret(secret, l->secret) ? LOGIN_IN : was_wrong(l, from, now_ms);
}
