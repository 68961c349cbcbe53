/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* options.h - the command line of pf-impair as plain data.
 *
 * No ownership beyond the struct except `report`, which borrows from argv. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "core/base/reason.h"
#include "tools/impair/model.h"

#define PF_IMPAIR_MAPS 64

/* Addresses compare with memcmp: always zeroed before they are filled. */
union pf_impair_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct pf_impair_map {
	union pf_impair_addr listen; /* clients send here */
	union pf_impair_addr to;     /* the host */
	bool rough;		     /* loss, duplicates and reordering apply */
};

enum pf_impair_direction {
	PF_IMPAIR_UP,	/* client to host */
	PF_IMPAIR_DOWN, /* host to client */
	PF_IMPAIR_DIRECTIONS,
};

struct pf_impair_options {
	struct pf_impair_map maps[PF_IMPAIR_MAPS];
	unsigned map_count;
	bool has_from;
	union pf_impair_addr from; /* source towards the host; else each map's listen address */
	struct pf_impair_rules rules[PF_IMPAIR_DIRECTIONS];
	uint64_t seed;
	uint64_t run_ns;    /* 0 = until a signal */
	const char *report; /* file for the JSON report, "-" = standard output, NULL = none */
	bool help;
};

/** Fills `o` from the command line. 0, or -EINVAL with the words. */
int pf_impair_options_parse(
	struct pf_impair_options *o, int argc, char *const *argv, struct pf_reason *why);
/** The text of --help. */
const char *pf_impair_options_help(void);
/** "127.0.0.1:80" or "[::1]:80" into `buf`; returns buf. */
char *pf_impair_addr_to_string(const union pf_impair_addr *a, char *buf, unsigned cap);
uint16_t pf_impair_addr_port(const union pf_impair_addr *a);
void pf_impair_addr_set_port(union pf_impair_addr *a, uint16_t port);
socklen_t pf_impair_addr_bytes(const union pf_impair_addr *a);
