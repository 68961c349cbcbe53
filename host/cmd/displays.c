/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include "host/cmd/cmd.h"
#include "host/display/display.h"

int pf_cmd_displays(const struct pf_cmd *cmd, int argc, char **argv)
{
	const struct pf_display_ops *const *list = pf_display_backends();
	struct pf_options o = { 0 };
	struct pf_config c;
	int r = pf_options_parse(&o, argc, argv);

	if (!r && o.help)
		pf_options_help(cmd, NULL);
	else if (!r)
		r = pf_leave_root(&o);
	if (!r && !o.help)
		r = pf_load_settings(&c, &o, false);
	for (unsigned i = 0; !r && !o.help && list[i]; i++) {
		const struct pf_display_params p = {
			.mode = { 1280, 720, 60000 },
			.session_socket = *c.session_socket ? c.session_socket : NULL,
			.xwayland = c.xwayland,
		};
		struct pf_reason why = { 0 };

		if (list[i]->probe(&p, &why))
			printf("%-10s no: %s\n", list[i]->name, why.text);
		else
			printf("%-10s yes\n", list[i]->name);
	}
	pf_options_finish(&o);
	return r;
}
