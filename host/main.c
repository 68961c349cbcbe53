/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>
#include <sys/prctl.h>
#include "host/cmd/cmd.h"

int main(int argc, char **argv)
{
	/* Options of the program itself, each a command. */
	static const struct {
		const char *option, *command;
	} aliases[] = { { "--help", "help" }, { "-h", "help" }, { "--version", "version" },
		{ "--check-config", "check" } };
	const char *name = argc > 1 ? argv[1] : "help";

	/* After becoming a user the program was started as /proc/self/exe. */
	(void)prctl(PR_SET_NAME, "punktfunk-host", 0, 0, 0);
	pf_program_argv = argv;
	for (unsigned i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(name, aliases[i].option))
			name = aliases[i].command;
	for (const struct pf_cmd *c = pf_commands; c->name; c++) {
		if (!strcmp(c->name, name))
			return argc > 1 ? c->run(c, argc - 1, argv + 1)
					: (c->run(c, 0, argv), PF_EXIT_USAGE);
	}
	pf_complain("there is no command \"%s\"; see punktfunk-host help", name);
	return PF_EXIT_USAGE;
}
