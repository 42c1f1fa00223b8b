/*
 * dtlsring.h - datagrams of DTLS (RFC 5764) from the thread that has the socket to the one that makes keys of them.
 *
 * What comes while LEG_DTLS_WAITING wait is dropped: who sent it sends it again.
 */
#ifndef MIXER_DTLSRING_H
#define MIXER_DTLSRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <re.h>
#include "ring.h"

/* By the first octet. */
bool dtlsring_is_dtls_rt(const uint8_t *buf, size_t len);
/* May this be sent there? */
bool dtlsring_fits(const uint8_t *buf, size_t len, const struct sa *to);

int  dtlsring_alloc(struct ring **rp);
/* EMSGSIZE; or the ring is full. */
int  dtlsring_push_rt(struct ring *r, const struct sa *from, const uint8_t *buf, size_t len);
/* *len in: room, out: bytes. What has no room is gone. false: nothing waits. r may be NULL. */
bool dtlsring_pop(struct ring *r, uint8_t *buf, size_t *len, struct sa *from);

#endif
