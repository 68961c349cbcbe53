/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host/doctor/check.h"

#define TEXT_BYTES  (4u << 20)
#define SOCKETS_MAX 8192

const char *pf_nft_program(void)
{
	return pf_exists("/usr/sbin/nft") ? "/usr/sbin/nft"
	       : pf_exists("/sbin/nft")	  ? "/sbin/nft"
					  : NULL;
}

static void add_sockets(json_t *sockets, const char *pid)
{
	char path[320], target[64];
	struct dirent *e;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	fds = opendir(path);
	while (fds && json_object_size(sockets) < SOCKETS_MAX && (e = readdir(fds))) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%.16s/fd/%s", pid, e->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		if (!strncmp(target, "socket:[", 8)) {
			target[strcspn(target, "]")] = 0;
			json_object_set_new(
				sockets, target + 8, json_integer(strtol(pid, NULL, 10)));
		}
	}
	if (fds)
		closedir(fds);
}

json_t *pf_doctor_facts(void)
{
	const char *argv[] = { pf_nft_program(), "-j", "list", "ruleset", NULL };
	json_t *o = json_object(), *sockets = json_object();
	char *text = malloc(TEXT_BYTES);
	DIR *proc = opendir("/proc");
	struct dirent *e;

	if (text && argv[0] && !pf_capture(argv, 5000, text, TEXT_BYTES))
		json_object_set_new(o, "nft", json_string(text));
	if (text && pf_slurp("/etc/ufw/user.rules", text, TEXT_BYTES))
		json_object_set_new(o, "ufw", json_string(text));
	while (proc && (e = readdir(proc)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			add_sockets(sockets, e->d_name);
	json_object_set_new(o, "sockets", sockets);
	if (proc)
		closedir(proc);
	free(text);
	return o;
}
