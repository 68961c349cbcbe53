/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/gf16_kernel.h"

const struct pf_gf16_kernel *const pf_gf16_kernels[] = {
	&pf_gf16_kernel_c,
};
const unsigned pf_gf16_kernel_count = sizeof(pf_gf16_kernels) / sizeof(pf_gf16_kernels[0]);

const struct pf_gf16_kernel *pf_gf16_kernel_pick(uint32_t flags)
{
	unsigned i = 0;

	while (pf_gf16_kernels[i]->needs & ~flags)
		i++;
	return pf_gf16_kernels[i];
}
