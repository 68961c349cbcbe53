/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/throttle.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

uint64_t pf_bucket_wait(uint64_t full_ns, struct pf_rate rate, uint64_t now_ns)
{
	uint64_t missing_ns = (full_ns > now_ns ? full_ns - now_ns : 0) + rate.refill_ns;
	uint64_t most_ns = rate.burst * rate.refill_ns;

	return missing_ns > most_ns ? missing_ns - most_ns : 0;
}

uint64_t pf_bucket_take(uint64_t full_ns, struct pf_rate rate, uint64_t now_ns)
{
	return (full_ns > now_ns ? full_ns : now_ns) + rate.refill_ns;
}

void pf_throttle_key(uint8_t out[16], const struct sockaddr *sa)
{
	memset(out, 0, 16);
	if (sa->sa_family == AF_INET) {
		out[10] = out[11] = 0xff; /* as IPv6 writes it */
		memcpy(out + 12, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)sa)->sin6_addr;

		memcpy(out, a, IN6_IS_ADDR_V4MAPPED(a) ? 16 : 8);
	}
}

void pf_throttle_key_text(uint8_t out[16], const char *address)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	char text[INET6_ADDRSTRLEN];

	memset(out, 0, 16);
	snprintf(text, sizeof(text), "%.*s", address ? (int)strcspn(address, "%") : 0,
		address ? address : "");
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		pf_throttle_key(out, (struct sockaddr *)&v4);
	else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		pf_throttle_key(out, (struct sockaddr *)&v6);
}

uint64_t *pf_throttle_bucket(struct pf_throttle *t, const uint8_t key[16])
{
	size_t best = 0;

	for (size_t i = 0; i < PF_THROTTLE_ADDRESSES; i++) {
		if (t->at[i].full_ns && !memcmp(t->at[i].key, key, 16))
			return &t->at[i].full_ns;
		if (t->at[i].full_ns < t->at[best].full_ns)
			best = i;
	}
	memcpy(t->at[best].key, key, 16);
	t->at[best].full_ns = 0;
	return &t->at[best].full_ns;
}
