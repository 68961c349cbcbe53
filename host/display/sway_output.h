/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* sway_output.h - what the private and the user's own sway have in common.
 *
 * Blocking, with time-outs; for the control loop's worker. */
#pragma once
#include <stddef.h>
#include "host/display/display.h"

#define PF_SWAY_TIMEOUT_MS 10000

/** Writes sway's command for an exact mode, with `output NAME mode` in front. */
void pf_sway_mode_command(char *out, size_t cap, const char *output, const struct pf_mode *mode);
/** Sets the mode over IPC and returns once wl_output says so. */
int pf_sway_set_mode(const char *ipc_socket, const char *wayland_socket, const char *output,
	const struct pf_mode *mode, struct pf_reason *why);
/** A malloc'ed "KEY=VALUE", or NULL. */
char *pf_env_entry(const char *key, const char *value);
