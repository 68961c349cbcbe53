/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/cpu.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Process-wide by DESIGN decision 19: found once, masked by tests. */
static _Atomic uint32_t cpu_found;
static _Atomic uint32_t cpu_mask = ~0u;
#define FOUND_ONCE (1u << 31)

static uint32_t detect(void)
{
	uint32_t f = 0;

#if defined(__x86_64__) || defined(__i386__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("ssse3"))
		f |= PF_CPU_SSSE3;
	if (__builtin_cpu_supports("avx2"))
		f |= PF_CPU_AVX2;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
		f |= PF_CPU_AVX512;
	if (__builtin_cpu_supports("gfni"))
		f |= PF_CPU_GFNI;
	if (__builtin_cpu_supports("aes"))
		f |= PF_CPU_AESNI;
	/* clang 14 cannot ask for vaes, vpclmulqdq by name on every target. */
	if (__builtin_cpu_supports("vpclmulqdq"))
		f |= PF_CPU_VPCLMUL | (__builtin_cpu_supports("aes") ? PF_CPU_VAES : 0);
	if (__builtin_cpu_supports("avx512vbmi"))
		f |= PF_CPU_VBMI;
#elif defined(__aarch64__)
	f |= PF_CPU_NEON;
#endif
	return f;
}

uint32_t pf_cpu_flags(void)
{
	uint32_t f = atomic_load_explicit(&cpu_found, memory_order_relaxed);

	if (!f) {
		f = detect() | FOUND_ONCE;
		atomic_store_explicit(&cpu_found, f, memory_order_relaxed);
	}
	return f & ~FOUND_ONCE & atomic_load_explicit(&cpu_mask, memory_order_relaxed);
}

void pf_cpu_set_mask(uint32_t mask)
{
	atomic_store(&cpu_mask, mask);
}

char *pf_cpu_to_string(uint32_t flags, char *buf, unsigned cap)
{
	static const char *const names[] = { "ssse3", "avx2", "avx512", "gfni", "aesni", "vaes",
		"vpclmul", "neon", "vbmi" };
	unsigned len = 0;

	if (cap)
		buf[0] = 0;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(flags >> i & 1) || len + strlen(names[i]) + 2 > cap)
			continue;
		len += (unsigned)snprintf(buf + len, cap - len, "%s%s", len ? " " : "", names[i]);
	}
	return buf;
}
