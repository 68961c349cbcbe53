/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* holders.h - which process has a port; private to host/doctor. Reads /proc: of other
 * users' processes root alone sees more than whose they are. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct json_t; /* of jansson */

struct pf_holder {
	uid_t uid;
	pid_t pid; /* 0 = not to be seen */
	char name[64];
};

/** Who is bound to the UDP port, or listens on the TCP port; false = nobody. `facts`
 * (NULL = none) say what root saw. */
bool pf_port_holder(struct pf_holder *out, bool tcp, uint16_t port, const struct json_t *facts);
