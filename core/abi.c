/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* abi.c - the exported functions, thin: argument checks and translation only. */
#include "punktfunk_core.h"
#include "core/base/cpu.h"
#include "core/base/log.h"

uint32_t punktfunk_abi_version(void)
{
	return PUNKTFUNK_ABI_VERSION;
}

char *punktfunk_cpu_features(char *buf, uint32_t cap)
{
	return pf_cpu_to_string(pf_cpu_flags(), buf, cap);
}
