/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* tap.h - writes down each packet before the receiver gets it.
 *
 * A thread takes datagrams from a UDP socket, logs their sequence number and the
 * time, and passes them on. It costs calls for each packet: for small rates. */
#pragma once
#include <stdint.h>

struct pf_tap;

/* One line of the log, in the machine's byte order. */
struct pf_tap_arrival {
	uint64_t seq, mono_ns;
};

/** Starts a tap on `fd`, which it then owns, logging to a new file `path`. What it
 * passes on comes out of *passed_fd, the caller's. 0 or a negative errno. */
int pf_tap_open(struct pf_tap **out, int fd, const char *path, int *passed_fd);
/** Ends the thread and the log: 0, or -EIO when the log is not whole. Frees. */
int pf_tap_close(struct pf_tap *t);
