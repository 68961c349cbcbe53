/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* listen.h - a listening TCP socket. Any thread. */
#pragma once
#include <stdint.h>

/** Listens on *port (0 = any; the one taken is written back) of `address`, an IPv4
 * or IPv6 literal; close-on-exec, not blocking; on IPv6 for mapped IPv4, too. 0 and
 * the caller's *fd, -EINVAL for a bad literal, else the socket's errno. */
int pf_tcp_listen(const char *address, uint16_t *port, int backlog, int *fd);
