/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "core/crypto/identity.h"
#include "host/cmd/cmd.h"
#include "host/registry/access.h"
#include "host/sys/files.h"

int pf_open_identity(struct pf_identity **out, struct pf_reason *why)
{
	char dir[PF_PATH_BYTES], path[PF_PATH_BYTES + 16];

	if (pf_dir_make(PF_DIR_DATA, dir, sizeof(dir), why))
		return PF_EXIT_STATE;
	snprintf(path, sizeof(path), "%s/host.pem", dir);
	return pf_identity_open(out, path, "punktfunk-host", why) ? PF_EXIT_STATE : PF_EXIT_OK;
}

int pf_cmd_fingerprint(const struct pf_cmd *cmd, int argc, char **argv)
{
	struct pf_options o = { 0 };
	struct pf_reason why = { 0 };
	struct pf_identity *id = NULL;
	uint8_t fp[32];
	char hex[65];
	int r = pf_options_parse(&o, argc, argv);

	if (!r && o.help)
		pf_options_help(cmd, NULL);
	else if (!r)
		r = pf_leave_root(&o);
	if (!r && !o.help) {
		r = pf_open_identity(&id, &why);
		if (r)
			pf_complain("%s", why.text);
	}
	if (id) {
		pf_identity_fingerprint(id, fp);
		pf_access_format(fp, hex);
		printf("%s\n", hex);
		pf_identity_unref(id);
	}
	pf_options_finish(&o);
	return r;
}
