/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* udp.h - UDP sockets in trains.
 *
 * Many packets per system call: segmentation offload where the kernel takes it,
 * else one call for many messages. ICMP errors are ignored. Sockets stay
 * blocking or not as they are: every call here asks not to wait. A tx or rx
 * belongs to one thread. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Opens a socket bound to `address` (NULL = 0.0.0.0; IPv4 or IPv6 literal) and
 * `port` (0 = any), close-on-exec, with the largest buffers allowed. 0, -EINVAL
 * for a bad literal, else the socket's errno. The caller owns *fd. */
int pf_udp_open(const char *address, uint16_t port, int *fd);
/** Raises send and receive buffers as far as the system allows. */
void pf_udp_grow_buffers(int fd);
/** For a socket that only sends: what arrives there is never read. */
void pf_udp_shrink_receive(int fd);
/** Marks packets with a DSCP value; refusal is no error (best effort). */
void pf_udp_set_dscp(int fd, unsigned dscp);
/** Local port, or 0 if the socket is not bound. */
uint16_t pf_udp_port(int fd);
int pf_udp_connect(int fd, const struct sockaddr_storage *peer);
/** True if both have the same IP address; ports do not count, IPv4 equals its
 * IPv6-mapped form. */
bool pf_udp_same_ip(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/* ---- hole punch (punktfunk1.md 10.1) ---- */

/** Sends one `PFpunch1` to `to`, or to the connected peer when NULL. */
int pf_udp_punch(int fd, const struct sockaddr_storage *to);
/** Waits until `deadline_ns` (monotonic) for a punch that comes from the IP of
 * `peer` and gives its source. 0, -ETIMEDOUT, or -ECANCELED once `stop_fd` (or
 * -1) is readable. Other packets are thrown away. */
int pf_udp_wait_punch(int fd, int stop_fd, const struct sockaddr_storage *peer,
	uint64_t deadline_ns, struct sockaddr_storage *source);

/* ---- sending ---- */

#define PF_UDP_TRAIN_BYTES 65507u /* of one segmented call, IP and UDP headers not counted */

struct pf_udp_tx {
	int fd;	     /* borrowed, connected */
	bool no_gso; /* refused once: plain messages from then on */
	uint32_t
		gso_refuse; /* packets of so many bytes or more go plain: above the MTU; 0 = none */
	uint64_t calls;	    /* system calls made */
};

void pf_udp_tx_init(struct pf_udp_tx *tx, int fd);
/** Packets of `bytes` that one segmented call takes. */
unsigned pf_udp_train_max(size_t bytes);
/** Sends `count` packets of `bytes` each; packet i at base + i * stride (a gap
 * between packets costs the offload, and so do packets that the path's MTU makes the
 * kernel cut: it refuses those in trains, and only those). Waits up to 20 ms for room in the socket
 * buffer. Returns how many the kernel took; the rest is lost, as on a network. */
unsigned pf_udp_send_train(
	struct pf_udp_tx *tx, const uint8_t *base, size_t bytes, size_t stride, unsigned count);
/** The same, the last packet cut to `last_bytes` (1..bytes). */
unsigned pf_udp_send_train_cut(struct pf_udp_tx *tx, const uint8_t *base, size_t bytes,
	size_t stride, unsigned count, size_t last_bytes);

/* ---- receiving ---- */

struct pf_udp_rx;

struct pf_udp_packet {
	uint8_t *data; /* inside the rx's buffers, until the next receive */
	uint32_t len;
};

struct pf_udp_rx_stats {
	uint64_t calls; /* system calls made to read */
	uint64_t messages;
	uint64_t packets; /* inside them: more where trains arrive coalesced */
};

int pf_udp_rx_create(struct pf_udp_rx **out, int fd);
void pf_udp_rx_destroy(struct pf_udp_rx *rx);
/** Takes what waits, up to `max` packets, in order; 0 when nothing does. Call
 * again while it returns more than 0. Negative errno when the socket is dead. */
int pf_udp_receive(struct pf_udp_rx *rx, struct pf_udp_packet *out, unsigned max);
void pf_udp_rx_stats(const struct pf_udp_rx *rx, struct pf_udp_rx_stats *out);
