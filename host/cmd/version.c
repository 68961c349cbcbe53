/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include "core/base/cpu.h"
#include "host/cmd/cmd.h"
#include "pf_config.h"
#include "punktfunk_core.h"

int pf_cmd_version(const struct pf_cmd *cmd, int argc, char **argv)
{
	char cpu[128];

	printf("punktfunk-host %s, wire pkf1, core interface %d, cpu %s\n", PF_VERSION,
		PUNKTFUNK_ABI_VERSION, pf_cpu_to_string(pf_cpu_flags(), cpu, sizeof(cpu)));
	return PF_EXIT_OK;
}
