/*
 * oscport.h - the port for OSC programs on this machine: UDP, IPv4. Control thread.
 */
#ifndef CLIENT_OSCPORT_H
#define CLIENT_OSCPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oscport;

enum { OSCPORT_DGRAM_MAX = 8192 };

/* A packet that osc_check has passed. */
typedef void (oscport_h)(const uint8_t *osc, size_t len, void *arg);

struct oscport_conf {
	uint16_t port;            /* 0: one that the kernel chooses */
	bool     open;            /* on all addresses, else on loopback */
	const char *to;           /* "127.0.0.1:9001", "localhost:9001", ":9001"; NULL or "": who last sent a packet */
	bool     by_hand;         /* not looked after by libre's loop: oscport_read is called */
	oscport_h *h;
	void *arg;
};

/* EINVAL: `to` is no such address, or this very port; EADDRINUSE. */
int  oscport_alloc(struct oscport **op, const struct oscport_conf *conf);
uint16_t oscport_port(const struct oscport *o);
/* What has come, as much as one turn of the loop may take. */
void oscport_read(struct oscport *o);
/* ENOTCONN: nobody is known who would hear it. */
int  oscport_send(struct oscport *o, const uint8_t *osc, size_t len);

struct oscport_stats { uint64_t in, out, bad; };          /* packets; bad: malformed, or too long */
void oscport_stats(const struct oscport *o, struct oscport_stats *s);

#endif
