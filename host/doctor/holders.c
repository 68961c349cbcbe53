/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/doctor/holders.h"
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host/doctor/check.h"

#define TCP_LISTENS 0x0a

/* The socket's inode and owner out of one of the kernel's tables. */
static bool find_socket(
	const char *table, bool tcp, uint16_t port, unsigned long *inode, uid_t *uid)
{
	FILE *f = fopen(table, "re");
	bool found = false;
	char line[512];

	while (f && !found && fgets(line, sizeof(line), f)) {
		unsigned local, state, owner;
		unsigned long node;

		/* sl local:port remote:port st tx:rx tr:when retrnsmt uid timeout inode */
		if (sscanf(line,
			    " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %u %*s %lu",
			    &local, &state, &owner, &node) != 4)
			continue;
		if (local != port || (tcp && state != TCP_LISTENS))
			continue;
		*inode = node;
		*uid = owner;
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

static bool has_socket(const char *pid, unsigned long inode)
{
	const char *want = pf_text("socket:[%lu]", inode);
	char path[320], target[64];
	struct dirent *e;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	fds = opendir(path);
	while (fds && !found && (e = readdir(fds))) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%.16s/fd/%s", pid, e->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		found = !strcmp(target, want);
	}
	if (fds)
		closedir(fds);
	return found;
}

static pid_t find_process(unsigned long inode)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	pid_t pid = 0;

	while (proc && !pid && (e = readdir(proc)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && has_socket(e->d_name, inode))
			pid = (pid_t)strtol(e->d_name, NULL, 10);
	if (proc)
		closedir(proc);
	return pid;
}

bool pf_port_holder(struct pf_holder *out, bool tcp, uint16_t port, const json_t *facts)
{
	const json_t *seen;
	unsigned long inode;

	if (!find_socket(tcp ? "/proc/net/tcp" : "/proc/net/udp", tcp, port, &inode, &out->uid) &&
		!find_socket(
			tcp ? "/proc/net/tcp6" : "/proc/net/udp6", tcp, port, &inode, &out->uid))
		return false;
	seen = json_object_get(json_object_get(facts, "sockets"), pf_text("%lu", inode));
	out->pid = seen ? (pid_t)json_integer_value(seen) : find_process(inode);
	snprintf(out->name, sizeof(out->name), "%s", out->pid ? pf_process_name(out->pid) : "");
	return true;
}
