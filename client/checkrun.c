/*
 * checkrun.c - the sound check from its settings to its exit status.
 */
#include <string.h>
#include <sysexits.h>
#include "checkrun.h"
#include "control/loop.h"
#include "server/offer.h"
#include "soundcheck.h"

struct run { const struct joinconf *conf; struct soundcheck *check; int status; };

static void step_handler(const char *what, void *arg)
{
	const struct run *r = arg;

	if (!r->conf->quiet)
		(void)fprintf(stderr, "%s ...\n", what);
}

static void done_handler(int err, const char *why, const struct soundcheck_report *report, void *arg)
{
	struct run *r = arg;

	if (err) {
		(void)fprintf(stderr, "tutti-join: no sound check: %s\n", why);
		r->status = EX_UNAVAILABLE;
	} else {
		(r->conf->json ? verdict_json : verdict_print)(stdout, &report->verdict, report->trial, report->n,
							       report->card_us);
		r->status = report->verdict.grade == VERDICT_NONE ? EX_UNAVAILABLE : EX_OK;
	}
	(void)fflush(stdout);
	loop_stop();
}

static void signal_handler(int sig)
{
	(void)sig;
	loop_stop();
}

static enum offer_srtp srtp_of(const char *word)
{
	return !strcmp(word, "required") ? OFFER_SRTP_REQUIRED
	       : !strcmp(word, "off")    ? OFFER_SRTP_OFF
					 : OFFER_SRTP_OPTIONAL;
}

/* A card is only asked when one is named: a check must work while another program has it. */
static const char *driver_of(const struct joinconf *c)
{
	return !strcmp(c->driver, "jack") || !strcmp(c->driver, "alsa") ? c->driver : "null";
}

static int start(struct run *r)
{
	const struct joinconf *c = r->conf;
	struct soundcheck_conf sc = {
		.uri = c->uri,
		.name = c->name[0] ? c->name : "Sound check",
		.user = c->user[0] ? c->user : NULL,
		.password = c->password,
		.proxy = c->proxy,
		.tls_verify = c->tls_verify,
		.tls_ca = c->tls_ca,
		.srtp = (int)srtp_of(c->srtp),
		.srtp_keys = !strcmp(c->srtp_keys, "dtls") ? OFFER_KEYING_DTLS : OFFER_KEYING_SDES,
		.driver = driver_of(c),
		.device = c->device,
		.period = c->period,
		.seconds = c->seconds,
	};

	joinconf_ports(&sc.port_min, &sc.port_max, c);
	return soundcheck_alloc(&r->check, &sc, step_handler, done_handler, r);
}

int checkrun(const struct joinconf *c)
{
	struct run r = {.conf = c, .status = EX_TEMPFAIL};
	int err = loop_init();

	if (err)
		return EX_OSERR;
	err = start(&r);
	if (!err)
		err = loop_run(signal_handler);
	r.check = mem_deref(r.check);
	loop_close();
	return err ? EX_USAGE : r.status;
}
