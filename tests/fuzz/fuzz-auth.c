/*
 * Digest headers of a peer. The first byte chooses: credentials for our server, or a challenge to our client. The
 * rest is the value of the header, put into a SIP message as it came (with a line end it brings further headers, as
 * on the wire). Whatever comes, no credentials made here know the password, and an answer of ours is one line of
 * header.
 */
#include <stdlib.h>
#include <string.h>
#include "server/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool look_up(struct auth_account *acc, const struct pl *user, void *arg)
{
	*acc = (struct auth_account){ .user = "ann", .password = "secret of the fuzzer", .role = "host" };
	return user->l != 3;
}

static struct sip_msg *message(const char *start, const char *name, const uint8_t *data, size_t size)
{
	struct mbuf *mb = mbuf_alloc(size + 512);
	struct sip_msg *msg = NULL;

	mbuf_printf(mb, "%s\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\n"
		    "Call-ID: 1\r\nCSeq: 1 INVITE\r\n%s: ", start, name);
	mbuf_write_mem(mb, data, size);
	mbuf_write_str(mb, "\r\nContent-Length: 0\r\n\r\n");
	mb->pos = 0;
	if (sip_msg_decode(&msg, mb))
		msg = NULL;
	mem_deref(mb);
	return msg;
}

static void as_server(const uint8_t *data, size_t size, bool proxy)
{
	static struct auth *a;
	struct auth_account acc = { 0 };
	struct sip_msg *msg;

	if (!a && auth_alloc(&a, "example.org", 60, look_up, NULL))
		abort();
	msg = message("INVITE sip:b@x SIP/2.0", proxy ? "Proxy-Authorization" : "Authorization", data, size);
	if (msg && auth_check(a, &acc, msg, proxy, 1000) == AUTH_OK)
		abort();
	mem_deref(msg);
}

static void as_client(const uint8_t *data, size_t size, bool proxy)
{
	static const struct auth_cred cred = { .realm = "p", .user = "u", .password = "pw" };
	struct sip_msg *msg = message(proxy ? "SIP/2.0 407 No" : "SIP/2.0 401 No", proxy ? "Proxy-Authenticate" : "WWW-Authenticate",
				      data, size);
	char buf[2048];
	uint32_t nc = 0;

	if (msg && !auth_answer(buf, sizeof(buf), msg, "INVITE", "sip:b@x", &cred, &nc)) {
		const char *end = strchr(buf, '\r');

		if (!end || strcmp(end, "\r\n") != 0 || memchr(buf, '\n', (size_t)(end - buf)))
			abort();
	}
	mem_deref(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 16384)
		return 0;
	if (data[0] & 1)
		as_client(data + 1, size - 1, data[0] & 2);
	else
		as_server(data + 1, size - 1, data[0] & 2);
	return 0;
}
