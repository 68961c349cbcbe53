/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include "host/cmd/cmd.h"

int pf_cmd_config(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *man = NULL, *defaults = NULL;
	const struct pf_option extra[] = {
		{ "--defaults", NULL, "Print the defaults, whatever the files say.", &defaults },
		{ "--man", NULL, "Print the keys as the manual page has them.", &man },
		{ 0 },
	};
	struct pf_options o = { .extra = extra };
	struct pf_config c;
	int r = pf_options_parse(&o, argc, argv);

	if (r) {
		pf_options_finish(&o);
		return r;
	}
	if (o.help) {
		pf_options_help(cmd, extra);
	} else if (man) {
		pf_config_write_man(stdout);
	} else if (defaults) {
		pf_config_init(&c);
		pf_config_write(&c, stdout);
	} else {
		r = pf_leave_root(&o);
		if (!r)
			r = pf_load_settings(&c, &o, false);
		if (!r)
			pf_config_write(&c, stdout);
	}
	pf_options_finish(&o);
	return r;
}
