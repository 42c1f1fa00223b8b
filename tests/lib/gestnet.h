/*
 * gestnet.h - a relay and the network around it, on a clock turned by hand: no socket, no thread, no chance but seeded.
 *
 *     gestnet_alloc(&net, NULL, 1);
 *     gestnet_end_add(&end, net, recv_handler, tick_handler, arg);      a party's address
 *     player_alloc(..), player_port(..), player_set_line(.. peer = *gestnet_addr(end) ..)
 *     gestnet_send(end, &bound, bytes, len);
 *     gestnet_run(net, 100);
 *
 * What leaves the relay comes to the end that has the address; to any other address it is counted. The link of an end may lose,
 * double and delay, both ways.
 */
#ifndef TESTS_LIB_GESTNET_H
#define TESTS_LIB_GESTNET_H

#include "osc/relay.h"

struct gestnet;
struct gestend;

/* Percent; jitter makes another order. octets_s: what goes to an end, so much a second with 28 of headers to each packet; what would have to wait
 * longer than 40 ms for that is lost. 0: any. */
struct gestlink { unsigned loss, twice; uint32_t delay_us, jitter_us, octets_s; };

typedef void (gestend_recv_h)(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg);
typedef void (gestend_tick_h)(struct gestend *end, uint64_t now_us, void *arg);   /* once a step: a millisecond */

/* conf NULL: what a server would say by default. */
int  gestnet_alloc(struct gestnet **np, const struct relay_conf *conf, uint32_t seed);
struct relay *gestnet_relay(struct gestnet *n);
uint64_t gestnet_now_us(const struct gestnet *n);
void gestnet_run(struct gestnet *n, unsigned ms);
void gestnet_step(struct gestnet *n, uint32_t us);        /* the next: packets that have come by its end, and one turn of everybody */
uint32_t gestnet_draw(struct gestnet *n, uint32_t below);
uint64_t gestnet_astray(const struct gestnet *n);         /* sent to nobody's address */

int  gestnet_end_add(struct gestend **ep, struct gestnet *n, gestend_recv_h *recvh, gestend_tick_h *tickh, void *arg);
const struct sa *gestnet_addr(const struct gestend *end);
void gestnet_link(struct gestend *end, const struct gestlink *link);
/* Another relay on the network, with a clock so much ahead, that is turned with it; turnh is called after that, with its time. All it
 * sends and gets goes by its link. It is the network's; it ends with gestnet_relay_end, after its players. */
typedef void (gestnet_turn_h)(uint64_t now_us, void *arg);
int  gestnet_relay_add(struct relay **rp, struct gestnet *n, const struct relay_conf *conf, uint64_t ahead_us, gestnet_turn_h *turnh,
		       void *arg);
void gestnet_relay_link(struct gestnet *n, const struct relay *r, const struct gestlink *link);
void gestnet_relay_end(struct gestnet *n, const struct relay *r);

/* To a socket of the relay; from NULL: its own address. */
void gestnet_send(struct gestend *end, const struct sa *to, const uint8_t *buf, size_t len);
void gestnet_send_from(struct gestend *end, const struct sa *from, const struct sa *to, const uint8_t *buf, size_t len);
uint64_t gestnet_packets(const struct gestend *end);      /* that came to it, what was lost not counted */
uint64_t gestnet_octets(const struct gestend *end);       /* of what was sent to it, headers and what was lost counted too */

#endif
