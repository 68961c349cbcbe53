/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* firewall.h - whether a firewall of this machine keeps clients out; private to
 * host/doctor. ufw and firewalld are asked as any user, nftables as root. */
#pragma once
#include "host/doctor/check.h"

void pf_check_firewall(struct pf_exam *x, const char *arg);

enum pf_firewall_verdict {
	PF_FIREWALL_OPEN,
	PF_FIREWALL_MAYBE, /* by a rule with conditions that cannot be judged here */
	PF_FIREWALL_CLOSED,
};

/** Whether a new packet of a stranger to `port` passes all input chains of the ruleset
 * that `nft -j list ruleset` printed. Where it is closed, `where` (if not NULL) becomes
 * "FAMILY TABLE CHAIN". -EBADMSG: no such text. */
int pf_firewall_judge(const char *json, bool tcp, uint16_t port, char *where, size_t cap,
	enum pf_firewall_verdict *out);
/** Whether ufw's user.rules let `port` in. */
bool pf_firewall_ufw_allows(const char *rules, bool tcp, uint16_t port);
