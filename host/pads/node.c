/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/pads/node.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include "core/base/utf8.h"

int pf_pad_node_open(const char *path, const char *module, struct pf_reason *why)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return pf_reason_set(why, -errno,
			"no %s: load the kernel's module (modprobe %s); a container needs the node "
			"passed in",
			path, module);
	case EACCES:
	case EPERM:
		return pf_reason_set(why, -errno,
			"no right to %s: install 60-punktfunk.rules below /etc/udev/rules.d and be "
			"in the group input",
			path);
	default:
		return pf_reason_set(why, -errno, "cannot open %s: %s", path, strerror(errno));
	}
}

void pf_pad_node_phys(char *out, size_t cap, const char *client, const char *part)
{
	char name[40];

	pf_utf8_printable(name, sizeof(name), client, strlen(client));
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '_';
	snprintf(out, cap, "punktfunk/%s/%s", name, part);
}
