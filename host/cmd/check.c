/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include "host/cmd/cmd.h"
#include "host/sys/files.h"

int pf_cmd_check(const struct pf_cmd *cmd, int argc, char **argv)
{
	struct pf_options o = { 0 };
	char dir[PF_PATH_BYTES] = "";
	struct pf_config c;
	int r = pf_options_parse(&o, argc, argv);

	if (!r && o.help)
		pf_options_help(cmd, NULL);
	else if (!r)
		r = pf_leave_root(&o);
	if (!r && !o.help) {
		r = pf_load_settings(&c, &o, false);
		if (!o.config_file)
			(void)pf_dir_path(PF_DIR_CONFIG, dir, sizeof(dir), NULL);
		if (!r)
			printf("the settings are in order (%s%s)\n",
				o.config_file ? o.config_file : dir,
				o.config_file ? "" : "/host.conf, host.conf.d/");
	}
	pf_options_finish(&o);
	return r;
}
