/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/net/os_linux.h"
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

int pf_os_poll_set(const int *fds, unsigned count)
{
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (set < 0)
		return -errno;
	for (unsigned i = 0; i < count; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.u32 = i };

		if (epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &ev) < 0) {
			int err = -errno;

			close(set);
			return err;
		}
	}
	return set;
}
