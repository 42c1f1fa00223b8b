/*
 * offer_dtls.c - keys by DTLS through offers and answers.
 *
 *     a=setup:actpass                                  who begins: our offers leave it to the answer
 *     a=fingerprint:sha-256 4A:AD:B9:..                of the certificate that will be shown
 *     a=tls-id:91bbf309c0990a6bec11e38ba2933cee        which association is meant, where the peer knows of that
 *
 * RFC 5763 5: "setup:active allows the answer and the DTLS handshake to occur in parallel. Thus, setup:active is
 * RECOMMENDED." So we answer where the peer is where its description says. Where its signalling comes from elsewhere,
 * its address is one behind a NAT, at which nobody hears us begin: then it shall begin, and is heard.
 *
 * What an association is known by is kept as long as it lives: who offers the same fingerprint again, and no other
 * tls-id, gets the roles that are. A peer that no longer says its tls-id has the one it had. Libraries for browsers
 * write offers that nobody without ICE can accept; they are known by what RFC 8829 makes them say, and refused with a
 * reason instead of silence.
 */
#include <string.h>
#include "offer_dtls.h"
#include "mixer/fingerprint.h"

enum { TLS_ID_BYTES = 15 };               /* RFC 8842 4 wants 120 random bits or more */

static int refuse(const char **why, int err, const char *text)
{
	*why = text;
	return err;
}

/* One of the line, else that of the session part (RFC 5763 5, RFC 4145 4). */
static const struct sdesc_attr *either(const struct sdesc *d, const struct sdesc_media *m, const char *name)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, name, NULL);

	return a ? a : sdesc_attr(d, name);
}

bool offer_dtls_said(const struct sdesc *d, const struct sdesc_media *m)
{
	return either(d, m, "fingerprint");
}

/* --- fingerprints --- */

/* RFC 8122 5: hash-func SP fingerprint. "sha-256 AB:CD..", whatever stands around the two words; false: none that
 * proves anything. */
static bool read_print(char text[FINGERPRINT_MAX], const struct pl *value)
{
	struct pl rest = *value, name, hex;

	return sdesc_word(&name, &rest) && sdesc_word(&hex, &rest) && name.l + 1 + hex.l < FINGERPRINT_MAX &&
		re_snprintf(text, FINGERPRINT_MAX, "%r %r", &name, &hex) > 0 && !strchr(text, ',') &&
		fingerprint_ok(text);
}

bool offer_dtls_good_print(const struct pl *value)
{
	char text[FINGERPRINT_MAX];

	return value->p && read_print(text, value);
}

static void add_print(char *list, size_t size, const struct sdesc_attr *a)
{
	char text[FINGERPRINT_MAX];
	size_t n = strlen(list);

	if (pl_strcmp(&a->name, "fingerprint") || !a->value.p || !read_print(text, &a->value) ||
	    n + 1 + strlen(text) >= size)
		return;
	(void)re_snprintf(list + n, size - n, "%s%s", n ? "," : "", text);
}

/* RFC 8122 5: several are of several certificates, or hashes of one: any of them is enough. */
static int read_prints(char *list, size_t size, const char **why, const struct sdesc *d, const struct sdesc_media *m)
{
	bool here = sdesc_media_attr(m, "fingerprint", NULL);
	const struct sdesc_attr *a = here ? m->attr : d->attr;
	size_t n = here ? m->n_attr : d->n_attr;

	list[0] = '\0';
	for (size_t i = 0; i < n; i++)
		add_print(list, size, &a[i]);
	if (list[0])
		return 0;
	return refuse(why, ENOTSUP, offer_dtls_said(d, m) ? "no fingerprint that we can check" :
		      "keys by DTLS without a fingerprint");
}

/* --- what they say --- */

struct theirs { struct dtlskey_peer peer; enum offer_setup setup; };

static int read_setup(enum offer_setup *setup, const char **why, const struct sdesc *d, const struct sdesc_media *m)
{
	static const struct { const char *name; enum offer_setup setup; } setups[] = {
		{"actpass", OFFER_SETUP_ACTPASS}, {"active", OFFER_SETUP_ACTIVE}, {"passive", OFFER_SETUP_PASSIVE},
	};
	const struct sdesc_attr *a = either(d, m, "setup");

	*setup = OFFER_SETUP_NONE;
	for (size_t i = 0; a && i < sizeof(setups) / sizeof(setups[0]); i++)
		if (a->value.p && !pl_strcasecmp(&a->value, setups[i].name))
			*setup = setups[i].setup;
	/* holdconn: "The endpoint does not want the connection to be established for the time being." There is no
	 * sound without. */
	return !a || *setup != OFFER_SETUP_NONE ? 0 : refuse(why, ENOTSUP, "an a=setup that is not supported");
}

/* RFC 8842 4: 20 to 255 of these. What else stands there is as good as nothing. */
static void read_tls_id(char *id, size_t size, const struct sdesc_media *m)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, "tls-id", NULL);

	if (!a || a->value.l < 20 || pl_strcpy(&a->value, id, size) ||
	    strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_") != a->value.l)
		id[0] = '\0';
}

static int read_theirs(struct theirs *t, const char **why, const struct sdesc *d, const struct sdesc_media *m)
{
	int err = read_prints(t->peer.fingerprint, sizeof(t->peer.fingerprint), why, d, m);

	if (!err)
		err = read_setup(&t->setup, why, d, m);
	read_tls_id(t->peer.tls_id, sizeof(t->peer.tls_id), m);
	t->peer.on = true;
	return err;
}

static bool has_word(const struct sdesc_attr *a, const char *what)
{
	struct pl rest = a ? a->value : (struct pl)PL_INIT, word;

	while (rest.p && sdesc_word(&word, &rest))
		if (!pl_strcmp(&word, what))
			return true;
	return false;
}

/* RFC 8829 5.2.1: all of it is in every offer of a browser, which takes no answer without ICE. */
static bool of_browser(const struct sdesc *d, const struct sdesc_media *m)
{
	return either(d, m, "ice-ufrag") && has_word(either(d, m, "ice-options"), "trickle") &&
		has_word(sdesc_attr(d, "group"), "BUNDLE");
}

/* --- which association --- */

/* May what runs go on, if the roles allow it? A tls-id that is not said any more is the one it was. */
static bool stays(struct dtlskey_peer *theirs, const struct offer_dtls *before)
{
	if (!before || !before->peer.on || str_casecmp(theirs->fingerprint, before->peer.fingerprint))
		return false;
	if (!theirs->tls_id[0])
		str_ncpy(theirs->tls_id, before->peer.tls_id, sizeof(theirs->tls_id));
	return !strcmp(theirs->tls_id, before->peer.tls_id);
}

static void tls_id_make(char id[OFFER_TLS_ID])
{
	uint8_t random[TLS_ID_BYTES];

	rand_bytes(random, sizeof(random));
	(void)re_snprintf(id, OFFER_TLS_ID, "%w", random, sizeof(random));
}

/* Where it is said to be, as far as we can see. */
static bool is_where_it_says(const struct sa *source, const struct sdesc *d, const struct sdesc_media *m)
{
	const struct sdesc_conn *c = sdesc_media_conn(d, m);

	return !sa_isset(source, SA_ADDR) || !c || !sa_isset(&c->sa, SA_ADDR) || sa_is_any(&c->sa) ||
		sa_cmp(source, &c->sa, SA_ADDR);
}

/* --- the three steps --- */

int offer_dtls_answer(struct offer_dtls *k, const char **why, const struct offer_conf *conf,
		      const struct offer_dtls *before, const struct sdesc *d, const struct sdesc_media *m)
{
	struct theirs t = {.setup = OFFER_SETUP_NONE};
	bool same;
	int err;

	if (of_browser(d, m))
		return refuse(why, ENOTSUP, "a browser's call: ICE is not supported");
	err = read_theirs(&t, why, d, m);
	if (err)
		return err;
	same = stays(&t.peer, before);
	/* RFC 4145 4: "The default value of the setup attribute in an offer/answer exchange is 'active' in the offer
	 * and 'passive' in the answer." */
	t.peer.active = t.setup == OFFER_SETUP_PASSIVE;
	if (t.setup == OFFER_SETUP_ACTPASS)
		t.peer.active = same ? before->peer.active : is_where_it_says(&conf->source, d, m);
	same = same && t.peer.active == before->peer.active;
	k->own   = conf->dtls_fingerprint;
	k->peer  = t.peer;
	k->setup = t.peer.active ? OFFER_SETUP_ACTIVE : OFFER_SETUP_PASSIVE;
	/* RFC 8842: who does not say one is not told one; another association has another. */
	if (!sdesc_media_attr(m, "tls-id", NULL))
		k->tls_id[0] = '\0';
	else if (same && before->tls_id[0])
		str_ncpy(k->tls_id, before->tls_id, sizeof(k->tls_id));
	else
		tls_id_make(k->tls_id);
	return 0;
}

void offer_dtls_offer(struct offer_dtls *k, const struct offer_conf *conf, const struct offer_dtls *before)
{
	bool runs = before && before->peer.on;

	if (runs)
		*k = *before;
	else
		tls_id_make(k->tls_id);
	k->own = conf->dtls_fingerprint;
	/* RFC 5763 5: "The endpoint that is the offerer MUST use the setup attribute value of setup:actpass and be
	 * prepared to receive a client_hello before it receives the answer": which comes once more. */
	k->setup = OFFER_SETUP_ACTPASS;
}

int offer_dtls_accept(struct offer_dtls *k, const char **why, const struct offer_dtls *offered,
		      const struct offer_dtls *before, const struct sdesc *d, const struct sdesc_media *m)
{
	struct theirs t = {.setup = OFFER_SETUP_NONE};
	int err = read_theirs(&t, why, d, m);
	bool same;

	if (err)
		return err;
	same = stays(&t.peer, before);
	/* Nothing is passive, as above. Some that have offered actpass once say so in their answers, too. */
	t.peer.active = t.setup != OFFER_SETUP_ACTIVE;
	if (t.setup == OFFER_SETUP_ACTPASS && same)
		t.peer.active = before->peer.active;
	*k = *offered;
	k->peer = t.peer;
	return 0;
}

int offer_dtls_print(struct mbuf *mb, const struct offer_dtls *k)
{
	static const char *const names[] = {"", "actpass", "active", "passive"};
	int err;

	if (k->setup == OFFER_SETUP_NONE)
		return 0;
	err = mbuf_printf(mb, "a=setup:%s\r\na=fingerprint:%s\r\n", names[k->setup], k->own);
	if (k->tls_id[0])
		err |= mbuf_printf(mb, "a=tls-id:%s\r\n", k->tls_id);
	return err;
}
