/*
 * hook.c - webhooks.
 *
 *     event -> those that want it -> a queue each -> POST -> 2xx: the next one
 *                                         ^           |
 *                                         +- a pause -+ else: 1, 2, 4 .. 64 seconds; after the last try into a file
 *
 * One at a time and in order for each hook: who is told that a member has left was told before that it came. What waits is
 * bounded; what is above, what nobody took, and what still waits when the server ends goes into webhooks-failed.jsonl in the
 * state folder, one object a line, for a program to read later. The receiver knows a delivery that came twice (it answered,
 * and the answer was lost) by its number.
 *
 * No redirects are followed, no proxy of the environment is asked: what is in the settings is spoken to, nobody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <libsoup/soup.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hook.h"
#include "house.h"
#include "control/log.h"

struct letter { char *json, *type; uint64_t number; unsigned tries; };

struct hook {
	struct hooks *all;
	char *name, *url, *secret, *events;
	GQueue waiting;                   /* struct letter; the first may be on its way */
	GCancellable *flying;
	SoupMessage *msg;
	GSource *pause;
	bool kept;                        /* by hooks_set: it stays */
	bool complained;                  /* of what goes wrong the first is told, and when it is over */
};

struct hooks {
	struct house *house;
	SoupSession *session;
	GPtrArray *list;                  /* struct hook */
	struct hooks_count count;
};

/* --- what is pure --- */

char *hook_signature(const char *secret, uint64_t unix_s, const char *body)
{
	char *text = g_strdup_printf("%" G_GUINT64_FORMAT ".%s", unix_s, body);
	char *hex = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)secret, strlen(secret), text, -1);
	char *line = g_strdup_printf("t=%" G_GUINT64_FORMAT ",v1=%s", unix_s, hex);

	g_free(hex);
	g_free(text);
	return line;
}

bool hook_wants(const char *events, const char *type)
{
	static const char *const small[] = { "member-talking", "member-key", "speaker", "delays", NULL };
	char **word;
	bool wants;

	if (!events[0])
		return !g_strv_contains(small, type);
	word = g_strsplit_set(events, " ,", 0);
	wants = g_strv_contains((const char *const *)word, type) || g_strv_contains((const char *const *)word, "*");
	g_strfreev(word);
	return wants;
}

unsigned hook_pause_ms(unsigned tries)
{
	return 1000u << (tries < 1 ? 0 : tries > 7 ? 6 : tries - 1);
}

/* --- put aside --- */

static void letter_free(struct letter *l)
{
	g_free(l->json);
	g_free(l->type);
	g_free(l);
}

static int open_dead(const char *dir)
{
	char *path = g_build_filename(dir, "webhooks-failed.jsonl", NULL), *old = g_strconcat(path, ".old", NULL);
	struct stat st;
	int fd;

	if (!stat(path, &st) && st.st_size > HOOK_DEAD_MAX)
		(void)rename(path, old);          /* two of them at most are kept */
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	g_free(old);
	g_free(path);
	return fd;
}

static void put_aside(struct hook *k, struct letter *l, const char *why)
{
	char *name = g_strescape(k->name, NULL);
	char *line = g_strdup_printf("{\"hook\":\"%s\",\"at_ms\":%" G_GINT64_FORMAT ",\"tries\":%u,\"why\":\"%s\",\"event\":%s}\n", name,
				     g_get_real_time() / 1000, l->tries, why, l->json);
	int fd = k->all->house->conf.state_dir ? open_dead(k->all->house->conf.state_dir) : -1;

	k->all->count.dead++;
	if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		log_warning("webhook.lost", "hook=%s event=%" G_GUINT64_FORMAT " why=\"%s\"", name, l->number, why);
	if (fd >= 0)
		(void)close(fd);
	g_free(line);
	g_free(name);
	letter_free(l);
}

/* --- on its way --- */

static void send_next(struct hook *k);

static gboolean on_pause_over(gpointer arg)
{
	struct hook *k = arg;

	g_clear_pointer(&k->pause, g_source_unref);
	send_next(k);
	return G_SOURCE_REMOVE;
}

static void wait_a_while(struct hook *k, unsigned tries)
{
	k->pause = g_timeout_source_new(hook_pause_ms(tries));
	g_source_set_callback(k->pause, on_pause_over, k, NULL);
	g_source_attach(k->pause, k->all->house->ctx);
}

static void delivered(struct hook *k)
{
	letter_free(g_queue_pop_head(&k->waiting));
	k->all->count.delivered++;
	if (k->complained)
		log_info("webhook.again", "hook=%s waiting=%u", k->name, g_queue_get_length(&k->waiting));
	k->complained = false;
	send_next(k);
}

static void not_delivered(struct hook *k, unsigned status, const char *why)
{
	struct letter *l = g_queue_peek_head(&k->waiting);
	char quoted[128];

	k->all->count.failed++;
	l->tries++;
	if (!k->complained)
		log_warning("webhook.failed", "hook=%s status=%u error=%s", k->name, status, log_quote(quoted, sizeof(quoted), why, strlen(why)));
	k->complained = true;
	if (l->tries < HOOK_TRIES) {
		wait_a_while(k, l->tries);
		return;
	}
	put_aside(k, g_queue_pop_head(&k->waiting), "nobody took it");
	send_next(k);
}

static void on_answer(GObject *session, GAsyncResult *result, gpointer arg)
{
	struct hook *k = arg;
	GError *error = NULL;
	GInputStream *body = soup_session_send_finish(SOUP_SESSION(session), result, &error);
	unsigned status = 0;

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
		g_error_free(error);              /* the hook has gone */
		return;
	}
	if (body) {                               /* what it says beyond the status nobody reads */
		status = soup_message_get_status(k->msg);
		(void)g_input_stream_close(body, NULL, NULL);
		g_object_unref(body);
	}
	g_clear_object(&k->msg);
	g_clear_object(&k->flying);
	if (status / 100 == 2)
		delivered(k);
	else
		not_delivered(k, status, error ? error->message : "");
	g_clear_error(&error);
}

static void put_headers(struct hook *k, const struct letter *l)
{
	SoupMessageHeaders *h = soup_message_get_request_headers(k->msg);
	char *signature = hook_signature(k->secret, (uint64_t)(g_get_real_time() / G_USEC_PER_SEC), l->json);
	char number[32];

	g_snprintf(number, sizeof(number), "%" G_GUINT64_FORMAT, l->number);
	soup_message_headers_replace(h, "Tutti-Event", l->type);
	soup_message_headers_replace(h, "Tutti-Delivery", number);
	if (k->secret[0])
		soup_message_headers_replace(h, "Tutti-Signature", signature);
	g_free(signature);
}

static SoupSession *session_of(struct hooks *h)
{
	if (!h->session)
		h->session = soup_session_new_with_options("timeout", HOOK_TIMEOUT_S, "idle-timeout", 30, "user-agent", "tutti",
							   "proxy-resolver", NULL, NULL);
	return h->session;
}

static void send_next(struct hook *k)
{
	struct letter *l = g_queue_peek_head(&k->waiting);
	GBytes *body;

	if (!l || k->flying || k->pause)
		return;
	k->msg = soup_message_new("POST", k->url);
	if (!k->msg) {                            /* the settings were checked; libsoup is of another mind */
		put_aside(k, g_queue_pop_head(&k->waiting), "not a URL");
		return;
	}
	body = g_bytes_new(l->json, strlen(l->json));
	soup_message_set_flags(k->msg, SOUP_MESSAGE_NO_REDIRECT);
	soup_message_set_request_body_from_bytes(k->msg, "application/json", body);
	g_bytes_unref(body);
	put_headers(k, l);
	k->flying = g_cancellable_new();
	soup_session_send_async(session_of(k->all), k->msg, G_PRIORITY_DEFAULT, k->flying, on_answer, k);
}

void hooks_offer(struct hooks *h, const struct told *t, const char *json)
{
	const char *type = event_name(t->ev.type);

	for (guint i = 0; h && i < h->list->len; i++) {   /* NULL: the house is about to end */
		struct hook *k = g_ptr_array_index(h->list, i);
		struct letter *l;

		if (!hook_wants(k->events, type))
			continue;
		l = g_new0(struct letter, 1);
		l->json = g_strdup(json);
		l->type = g_strdup(type);
		l->number = t->ev.number;
		if (g_queue_get_length(&k->waiting) >= HOOK_WAITING_MAX) {
			put_aside(k, l, "too many wait");
			continue;
		}
		g_queue_push_tail(&k->waiting, l);
		send_next(k);
	}
}

void hooks_count(const struct hooks *h, struct hooks_count *n)
{
	*n = h ? h->count : (struct hooks_count){ .waiting = 0 };
	n->waiting = 0;
	for (guint i = 0; h && i < h->list->len; i++)
		n->waiting += g_queue_get_length(&((struct hook *)g_ptr_array_index(h->list, i))->waiting);
}

/* --- coming and going --- */

static void hook_free(gpointer arg)
{
	struct hook *k = arg;
	struct letter *l;

	if (k->flying)
		g_cancellable_cancel(k->flying);
	g_clear_object(&k->flying);
	g_clear_object(&k->msg);
	if (k->pause)
		g_source_destroy(k->pause);
	g_clear_pointer(&k->pause, g_source_unref);
	while ((l = g_queue_pop_head(&k->waiting)) != NULL)
		put_aside(k, l, "the hook or the server ended");
	g_free(k->name);
	g_free(k->url);
	if (k->secret)
		memset(k->secret, 0, strlen(k->secret));
	g_free(k->secret);
	g_free(k->events);
	g_free(k);
}

static struct hook *hook_find(struct hooks *h, const char *name)
{
	for (guint i = 0; i < h->list->len; i++) {
		struct hook *k = g_ptr_array_index(h->list, i);

		if (!strcmp(k->name, name))
			return k;
	}
	return NULL;
}

static void replace(char **dst, const char *src)
{
	g_free(*dst);
	*dst = g_strdup(src);
}

void hooks_set(struct hooks *h, const struct web_hook *hook, size_t n)
{
	for (size_t i = 0; h && i < n; i++) {
		struct hook *k = hook_find(h, hook[i].name);

		if (!k) {
			k = g_new0(struct hook, 1);
			k->all = h;
			k->name = g_strdup(hook[i].name);
			g_ptr_array_add(h->list, k);
		}
		replace(&k->url, hook[i].url);
		replace(&k->secret, hook[i].secret);
		replace(&k->events, hook[i].events);
		k->kept = true;
	}
	for (guint i = h ? h->list->len : 0; i > 0; i--) {
		struct hook *k = g_ptr_array_index(h->list, i - 1);

		if (!k->kept)
			g_ptr_array_remove_index(h->list, i - 1);
		else
			k->kept = false;
	}
}

static void destructor(void *arg)
{
	struct hooks *h = arg;

	g_ptr_array_free(h->list, TRUE);
	if (h->session) {
		soup_session_abort(h->session);
		g_object_unref(h->session);
	}
}

int hooks_alloc(struct hooks **hp, struct house *house)
{
	struct hooks *h = mem_zalloc(sizeof(*h), destructor);

	if (!h)
		return ENOMEM;
	h->house = house;
	h->list = g_ptr_array_new_with_free_func(hook_free);
	*hp = h;
	return 0;
}
