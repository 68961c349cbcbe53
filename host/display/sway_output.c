/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/display/sway_output.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "host/display/sway_ipc.h"
#include "host/wayland/conn.h"

void pf_sway_mode_command(char *out, size_t cap, const char *output, const struct pf_mode *mode)
{
	/* sway reads the rate as a float and cuts it to thousandths: a little more
	 * keeps 59.940 from becoming 59.939. */
	snprintf(out, cap, "output %s mode --custom %ux%u@%u.%03u4Hz", output, mode->width,
		mode->height, mode->refresh_mhz / 1000, mode->refresh_mhz % 1000);
}

int pf_sway_set_mode(const char *ipc_socket, const char *wayland_socket, const char *output,
	const struct pf_mode *mode, struct pf_reason *why)
{
	char command[192];
	struct pf_wl *wl = NULL;
	int fd = -1, r;

	/* Watch first, then ask: the change cannot be missed. */
	r = pf_wl_open(&wl, wayland_socket, PF_SWAY_TIMEOUT_MS, why);
	if (r)
		return r;
	r = pf_sway_connect(ipc_socket, PF_SWAY_TIMEOUT_MS, &fd, NULL, why);
	if (!r) {
		pf_sway_mode_command(command, sizeof(command), output, mode);
		r = pf_sway_command(fd, command, why);
		close(fd);
	}
	if (!r)
		r = pf_wl_await_mode(wl, output, mode->width, mode->height, mode->refresh_mhz,
			PF_SWAY_TIMEOUT_MS, why);
	pf_wl_close(wl);
	return r;
}

char *pf_env_entry(const char *key, const char *value)
{
	char *entry;

	return asprintf(&entry, "%s=%s", key, value) < 0 ? NULL : entry;
}
