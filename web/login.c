/*
 * login.c - a browser shows a token once and gets a cookie for it: HttpOnly, so that no script can read it, and SameSite, so
 * that no other site's page can use it.
 */
#include <errno.h>
#include <string.h>
#include "api.h"
#include "handlers.h"
#include "house.h"
#include "request.h"

static uint64_t unix_now_ms(void)
{
	return (uint64_t)(g_get_real_time() / 1000);
}

static void set_cookie(struct request *r, const char *id, const char *age)
{
	/* Behind a proxy that speaks TLS the cookie is for TLS only. Who lies about it harms only himself. */
	bool secure = !g_ascii_strcasecmp(request_said(r, "X-Forwarded-Proto"), "https");
	char *text = g_strdup_printf("tutti=%s; Path=/; HttpOnly; SameSite=Strict%s%s", id, age, secure ? "; Secure" : "");

	request_header(r, "Set-Cookie", text);
	g_free(text);
}

static bool take_token(struct request *r)
{
	JsonNode *node = json_object_get_member(r->body, "token");
	const char *token = node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING ?
			    json_node_get_string(node) : NULL;

	if (!token) {
		request_error(r, 400, "token: is missing");
		return false;
	}
	return tokens_who(&r->who, r->house->tokens, token, unix_now_ms()) ||
	       request_refuse_token(r, "this token is not known");
}

void on_login(struct request *r)
{
	char id[SESSION_ID + 1];
	int err;

	if (!request_from_here(r)) {
		request_error(r, 403, "only from our own pages");
		return;
	}
	if (!take_token(r))
		return;
	err = session_begin(id, r->house->tokens, &r->who, unix_now_ms());
	if (err) {
		request_errno(r, err, err == ENOSPC ? "too many sessions" : NULL);
		return;
	}
	set_cookie(r, id, "");
	request_json(r, 200, api_session(&r->who));
}

void on_logout(struct request *r)
{
	char id[SESSION_ID + 2];

	if (request_cookie(id, sizeof(id), r) && request_from_here(r)) {
		session_end(r->house->tokens, id);
		set_cookie(r, "", "; Max-Age=0");
	}
	request_json(r, 200, api_ok(0));
}

void on_session(struct request *r)
{
	request_json(r, 200, api_session(&r->who));
}
