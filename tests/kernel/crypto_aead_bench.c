/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Nanoseconds to seal and open one packet, by provider and algorithm: best of
 * many passes over a ring of packets, as the sender sees them. The order of the
 * table in core/crypto/aead.c comes from here.
 * usage: crypto_aead_bench [--passes N] [--bytes LEN] [--cpu-mask FLAGS] */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/cpu.h"
#include "core/crypto/aead.h"

#define PACKETS	   256
#define PACKET_MAX 9216

static uint8_t ring[PACKETS][PACKET_MAX];
static struct pf_aead_job jobs[PACKETS];
static uint8_t nonces[PACKETS][12];

static void prepare(size_t bytes)
{
	for (size_t i = 0; i < PACKETS; i++) {
		memcpy(nonces[i], &i, sizeof(i));
		jobs[i] = (struct pf_aead_job){
			.nonce = nonces[i],
			.aad = ring[i],
			.aad_len = 8,
			.in = ring[i] + 8,
			.out = ring[i] + 8,
			.len = bytes,
			.tag = ring[i] + 8 + bytes,
		};
	}
}

/* Each opening needs a sealing before it, so both are timed in turn. */
static int measure(struct pf_aead *a, unsigned passes, double *seal_ns, double *open_ns)
{
	uint64_t best_seal = UINT64_MAX, best_open = UINT64_MAX;

	for (unsigned i = 0; i < passes; i++) {
		uint64_t t0 = pf_clock_mono_ns(), t1, t2;
		int err = pf_aead_seal(a, jobs, PACKETS);

		t1 = pf_clock_mono_ns();
		err |= pf_aead_open(a, jobs, PACKETS);
		t2 = pf_clock_mono_ns();
		if (err)
			return err;
		best_seal = t1 - t0 < best_seal ? t1 - t0 : best_seal;
		best_open = t2 - t1 < best_open ? t2 - t1 : best_open;
	}
	*seal_ns = (double)best_seal / PACKETS;
	*open_ns = (double)best_open / PACKETS;
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const algs[] = { "aes-128-gcm", "chacha20-poly1305" };
	static const uint8_t key[32] = { 1 };
	unsigned passes = 40;
	size_t bytes = 1448; /* header and shard of a 1472-byte datagram */
	const char *name;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--passes"))
			passes = (unsigned)strtoul(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--bytes"))
			bytes = strtoul(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--cpu-mask"))
			pf_cpu_set_mask((uint32_t)strtoul(argv[i + 1], NULL, 0));
	}
	if (!passes || bytes > PACKET_MAX - 24) {
		fprintf(stderr, "crypto_aead_bench: passes >= 1, bytes <= %d\n", PACKET_MAX - 24);
		return 2;
	}
	prepare(bytes);
	printf("%-18s %-9s %8s %8s   ns per packet of %zu bytes\n", "algorithm", "provider", "seal",
		"open", bytes);
	for (int alg = 0; alg < 2; alg++) {
		for (unsigned i = 0; (name = pf_aead_provider_name(i)); i++) {
			double seal_ns, open_ns;
			struct pf_aead *a;
			int err =
				pf_aead_create(&a, (enum pf_aead_alg)alg, key, alg ? 32 : 16, name);

			if (err == -ENOTSUP) {
				printf("%-18s %-9s not served here\n", algs[alg], name);
				continue;
			}
			if (err || measure(a, passes, &seal_ns, &open_ns)) {
				fprintf(stderr, "%s with %s failed\n", algs[alg], name);
				return 1;
			}
			printf("%-18s %-9s %8.1f %8.1f\n", algs[alg], name, seal_ns, open_ns);
			pf_aead_free(a);
		}
	}
	return 0;
}
