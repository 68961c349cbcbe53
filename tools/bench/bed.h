/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bed.h - the networks that frames are sent over: a veth pair between two
 * namespaces, and a tun device that nobody reads, whose packets are thrown away.
 *
 * The caller's thread enters a namespace only while a call here lasts; sockets stay
 * in the one they were opened in, and everything ends with the last of them. Needs
 * root and iproute2. One thread. */
#pragma once

struct pf_bench_bed {
	int home, sender, receiver; /* namespaces */
	int tun[2];		    /* with segmentation offload, without */
};

enum pf_bench_way {
	PF_BENCH_VETH,	      /* trains pass whole */
	PF_BENCH_DEVICE,      /* drops; takes trains whole, as a NIC with the offload */
	PF_BENCH_DEVICE_SOFT, /* drops; the kernel cuts trains */
};

/** 0, or -1 and `why` says what is missing. */
int pf_bench_bed_open(struct pf_bench_bed *bed, char *why, unsigned cap);
void pf_bench_bed_close(struct pf_bench_bed *bed);
/** A connected socket at the sender and, over the veth, its peer at the receiver
 * with room for frames (else *rx = -1). 0 or a negative errno. */
int pf_bench_bed_sockets(struct pf_bench_bed *bed, enum pf_bench_way way, int *tx, int *rx);
