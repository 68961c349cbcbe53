/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/kernel_rows.h"

#ifndef PF_FEC_SSSE3
#define PF_FEC_SSSE3 0
#endif
#ifndef PF_FEC_AVX
#define PF_FEC_AVX 0
#endif
#ifndef PF_FEC_NEON
#define PF_FEC_NEON 0
#endif

const struct pf_gf8_kernel *const pf_gf8_kernels[] = {
#if PF_FEC_AVX
	&pf_gf8_gfni512,
	&pf_gf8_gfni256,
	&pf_gf8_avx2,
#endif
#if PF_FEC_SSSE3
	&pf_gf8_ssse3,
#endif
#if PF_FEC_NEON
	&pf_gf8_neon,
#endif
	&pf_gf8_c,
};
const unsigned pf_gf8_kernel_count = sizeof(pf_gf8_kernels) / sizeof(pf_gf8_kernels[0]);

const struct pf_gf16_kernel *const pf_gf16_kernels[] = {
#if PF_FEC_AVX
	&pf_gf16_gfni512,
	&pf_gf16_gfni256,
	&pf_gf16_avx2,
#endif
#if PF_FEC_SSSE3
	&pf_gf16_ssse3,
#endif
#if PF_FEC_NEON
	&pf_gf16_neon,
#endif
	&pf_gf16_c,
};
const unsigned pf_gf16_kernel_count = sizeof(pf_gf16_kernels) / sizeof(pf_gf16_kernels[0]);

const struct pf_gf8_kernel *pf_gf8_kernel_pick(uint32_t flags)
{
	unsigned i = 0;

	while (pf_gf8_kernels[i]->needs & ~flags)
		i++;
	return pf_gf8_kernels[i];
}

const struct pf_gf16_kernel *pf_gf16_kernel_pick(uint32_t flags)
{
	unsigned i = 0;

	while (pf_gf16_kernels[i]->needs & ~flags)
		i++;
	return pf_gf16_kernels[i];
}
