/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/doctor/check.h"
#include "host/sys/files.h"

/* An address of this machine that the whole Internet may reach, or NULL. */
static const char *open_address(void)
{
	const char *found = NULL;
	struct ifaddrs *list = NULL;

	(void)getifaddrs(&list);
	for (struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
		char text[64];
		uint32_t a;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET ||
			i->ifa_flags & IFF_LOOPBACK || !(i->ifa_flags & IFF_UP))
			continue;
		a = ntohl(((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr);
		/* Private, link-local, carriers' own; those of examples and benchmarks. */
		if (a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 || a >> 16 == 0xa9fe ||
			a >> 22 == 0x6440 >> 6 || a >> 8 == 0xc00002 || a >> 8 == 0xc63364 ||
			a >> 8 == 0xcb0071 || a >> 17 == 0xc612 >> 1)
			continue;
		inet_ntop(AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, text,
			sizeof(text));
		found = pf_text("%s (%s)", text, i->ifa_name);
	}
	freeifaddrs(list);
	return found;
}

static void check_first_use(struct pf_exam *x, const char *arg)
{
	const struct pf_config *c = pf_exam_config(x);

	if (!c->trust_on_first_use)
		pf_say(x, PF_DOCTOR_OK, "only clients that were paired or approved get in", NULL,
			NULL);
	else
		pf_say(x, pf_is_loopback(c->bind_address) ? PF_DOCTOR_WARN : PF_DOCTOR_FAIL,
			pf_text("trust_on_first_use is on: whoever reaches %s controls a desktop "
				"of "
				"user %s",
				c->bind_address, pf_user_here()),
			"Switch it off and pair each client.",
			pf_set_command(x, "trust_on_first_use", "no"));
}

static void check_gamestream(struct pf_exam *x, const char *arg)
{
	const struct pf_config *c = pf_exam_config(x);
	const bool local = pf_is_loopback(c->bind_address);
	const char *open = local ? NULL : open_address();

	if (!c->gamestream)
		pf_say(x, PF_DOCTOR_OK, "GameStream is off", NULL, NULL);
	else if (c->gamestream_plain_rtsp && !local)
		pf_say(x, PF_DOCTOR_WARN,
			"gamestream_plain_rtsp is on: who hears a Moonlight client from before "
			"2024 can "
			"take its stream",
			"Update the clients and switch it off.",
			pf_set_command(x, "gamestream_plain_rtsp", "no"));
	else if (open)
		pf_say(x, PF_DOCTOR_FAIL,
			pf_text("GameStream is on and this machine has the public address %s: its "
				"pairing and encryption are too weak for an open network",
				open),
			"Use punktfunk clients there, or listen on an address of the local network "
			"alone.",
			pf_set_command(x, "gamestream", "no"));
	else
		pf_say(x, PF_DOCTOR_OK,
			"GameStream is on, for networks that are trusted; no address here is "
			"public",
			NULL, NULL);
}

static void check_mgmt(struct pf_exam *x, const char *arg)
{
	const struct pf_config *c = pf_exam_config(x);
	char path[PF_PATH_BYTES];

	if (!c->mgmt)
		pf_say(x, PF_DOCTOR_SKIP, "the setting mgmt is off", NULL, NULL);
	else if (pf_is_loopback(c->mgmt_bind))
		pf_say(x, PF_DOCTOR_OK, "this machine alone reaches the console", NULL, NULL);
	else if (pf_dir_path(PF_DIR_STATE, path, sizeof(path), NULL) ||
		 !pf_exists(pf_text("%s/mgmt-password", path)))
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("mgmt_bind is %s: the console is open to the network, and it has "
				"no "
				"password yet",
				c->mgmt_bind),
			"Give it one.", "punktfunk-host console");
	else
		pf_say(x, PF_DOCTOR_OK,
			pf_text("mgmt_bind is %s: the network reaches the console, by its password",
				c->mgmt_bind),
			NULL, NULL);
}

/* Appends the files of `dir` whose mode has any of `bits`. */
static const char *add_open_files(const char *so_far, const char *dir, mode_t bits, unsigned depth)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;

	if (d && !fstat(dirfd(d), &st) && st.st_mode & bits & 0022)
		so_far = pf_text("%s %s", so_far, pf_quote(dir));
	while (d && (e = readdir(d))) {
		const char *path = pf_text("%s/%s", dir, e->d_name);

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || lstat(path, &st))
			continue;
		if (S_ISREG(st.st_mode) && st.st_mode & bits)
			so_far = pf_text("%s %s", so_far, pf_quote(path));
		else if (S_ISDIR(st.st_mode) && depth)
			so_far = add_open_files(so_far, path, bits, depth - 1);
	}
	if (d)
		closedir(d);
	return so_far;
}

static void check_keys(struct pf_exam *x, const char *arg)
{
	char path[PF_PATH_BYTES];
	const char *bad = "";

	if (!pf_dir_path(PF_DIR_DATA, path, sizeof(path), NULL))
		bad = add_open_files(bad, path, 0066, 0);
	for (unsigned i = 0; i < 2 && !pf_dir_path(PF_DIR_STATE, path, sizeof(path), NULL); i++) {
		const char *file = pf_text("%s/%s", path, i ? "mgmt-password" : "mgmt-token");
		struct stat st;

		if (!stat(file, &st) && st.st_mode & 0066)
			bad = pf_text("%s %s", bad, pf_quote(file));
	}
	if (*bad)
		pf_say(x, PF_DOCTOR_FAIL,
			pf_text("others can read or change keys, tokens or clients:%s", bad),
			"Close them; who may have read a key can pretend to be this host.",
			pf_text("chmod go-rwx%s", bad));
	else
		pf_say(x, PF_DOCTOR_OK, "keys, tokens and clients are closed to others", NULL,
			NULL);
}

static void check_writers(struct pf_exam *x, const char *arg)
{
	char path[PF_PATH_BYTES];
	const char *bad = "";

	if (!pf_dir_path(PF_DIR_CONFIG, path, sizeof(path), NULL))
		bad = add_open_files(bad, path, 0022, 1);
	if (*bad)
		pf_say(x, PF_DOCTOR_FAIL,
			pf_text("others can change settings, by which they run programs as user %s "
				"or "
				"let clients in:%s",
				pf_user_here(), bad),
			"Close them.", pf_text("chmod go-w%s", bad));
	else
		pf_say(x, PF_DOCTOR_OK, "only the user can change settings", NULL, NULL);
}

const struct pf_check pf_checks_trust[] = {
	{ "first_use", "Who gets in", check_first_use, .limit_ms = 5000 },
	{ "gamestream", "Moonlight clients", check_gamestream, .limit_ms = 5000 },
	{ "mgmt", "Console", check_mgmt, .limit_ms = 5000 },
	{ "keys", "Keys", check_keys, .limit_ms = 5000 },
	{ "settings", "Who can change the settings", check_writers, .limit_ms = 5000 },
	{ 0 },
};
