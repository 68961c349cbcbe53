/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* sway_ipc.h - commands to a running sway over its IPC socket.
 *
 * A message is the magic "i3-ipc", body length and type (32 bit, the machine's
 * byte order), then the body. A reply of "success" means that the command was
 * understood, not that it happened: check through Wayland. Blocking, with a
 * time-out; for the control loop's worker. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "core/base/reason.h"

#define PF_SWAY_HEADER_BYTES 14
#define PF_SWAY_REPLY_MAX    (1u << 20)

enum pf_sway_message {
	PF_SWAY_RUN_COMMAND = 0,
};

/** Writes a header for a body of `len` bytes. */
void pf_sway_header_build(uint8_t out[PF_SWAY_HEADER_BYTES], uint32_t type, uint32_t len);
/** Reads a header; -EPROTO for a wrong magic, -EMSGSIZE above PF_SWAY_REPLY_MAX. */
int pf_sway_header_parse(const uint8_t in[PF_SWAY_HEADER_BYTES], uint32_t *type, uint32_t *len);
/** 0 if every command of a RUN_COMMAND reply succeeded; -EINVAL with sway's own
 * words if one did not; -EPROTO if it is no such reply. */
int pf_sway_reply_check(const char *json, size_t len, struct pf_reason *why);

/** Connects; hands out a descriptor and, if not NULL, the server's process. */
int pf_sway_connect(
	const char *socket, unsigned timeout_ms, int *fd, pid_t *server, struct pf_reason *why);
/** Runs one command and checks the reply. */
int pf_sway_command(int fd, const char *command, struct pf_reason *why);
