/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "host/doctor/check.h"
#include "host/pads/node.h"
#include "host/sys/spawn.h"

#define RULES	   "60-punktfunk.rules"
#define GROUPS_MAX 256
#define LINE_UINPUT                                                                                \
	"SUBSYSTEM==\"misc\", KERNEL==\"uinput\", MODE=\"0660\", GROUP=\"input\", "                \
	"TAG+=\"uaccess\", OPTIONS+=\"static_node=uinput\""
#define LINE_UHID                                                                                  \
	"SUBSYSTEM==\"misc\", KERNEL==\"uhid\", MODE=\"0660\", GROUP=\"input\", "                  \
	"TAG+=\"uaccess\", OPTIONS+=\"static_node=uhid\""
#define INSTALL_RULES                                                                              \
	"printf '%s\\n' '" LINE_UINPUT "' '" LINE_UHID "' | sudo tee /etc/udev/rules.d/" RULES     \
	" && sudo udevadm control --reload && sudo udevadm trigger -s misc"

/* Where the rules are, for udev to read; NULL = nowhere. */
static const char *rules_file(void)
{
	static const char *const places[] = { "/etc/udev/rules.d/" RULES,
		"/run/udev/rules.d/" RULES, "/usr/local/lib/udev/rules.d/" RULES,
		"/usr/lib/udev/rules.d/" RULES, "/lib/udev/rules.d/" RULES };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (pf_exists(places[i]))
			return places[i];
	return NULL;
}

static bool in_container(void)
{
	return pf_exists("/run/.containerenv") || pf_exists("/.dockerenv") ||
	       pf_exists("/run/systemd/container") || getenv("container");
}

/* Whether the kernel's part can be had: loaded or built in (1), a module that waits to
 * be loaded (0), not made for this kernel (-1). */
static int module_state(const char *module)
{
	static char list[1 << 20];
	struct utsname u;
	const char *word;

	uname(&u);
	if (pf_exists(pf_text("/sys/module/%s", module)) ||
		pf_exists(pf_text("/sys/class/misc/%s", module)))
		return 1;
	word = pf_text("/%s.ko", module);
	if (pf_slurp(pf_text("/lib/modules/%s/modules.dep", u.release), list, sizeof(list)) &&
		strstr(list, word))
		return 0;
	return -1;
}

/* Whether the user is in `gid` by the account's data (1), and in this process (2). */
static unsigned membership(gid_t gid)
{
	const struct passwd *pw = getpwuid(geteuid());
	gid_t list[GROUPS_MAX];
	int n = GROUPS_MAX;
	unsigned in = getegid() == gid ? 3 : 0;

	if (pw && getgrouplist(pw->pw_name, pw->pw_gid, list, &n) >= 0)
		for (int i = 0; i < n; i++)
			in |= list[i] == gid ? 1 : 0;
	n = getgroups(GROUPS_MAX, list);
	for (int i = 0; i < n; i++)
		in |= list[i] == gid ? 2 : 0;
	return in;
}

static void not_there(struct pf_exam *x, const char *module, const char *path)
{
	struct utsname u;

	uname(&u);
	if (in_container())
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("no %s: this is a container, and the node was not passed in", path),
			"Start the container with the node.",
			pf_text("podman run --device /dev/uinput --device /dev/uhid IMAGE"));
	else if (module_state(module) < 0)
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("no %s: the kernel %s was built without the module %s", path,
				u.release, module),
			"Debian's cloud kernels leave it out: install the general one and start "
			"it.",
			"sudo apt-get install linux-image-amd64");
	else
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("no %s: the kernel's module %s is not loaded", path, module),
			"Load it now and at each start.",
			pf_text("sudo modprobe -a uinput uhid && printf 'uinput\\nuhid\\n' | sudo "
				"tee /etc/modules-load.d/punktfunk.conf"));
}

static void no_right(struct pf_exam *x, const char *path, const char *what, int err)
{
	struct stat st = { 0 };
	const struct group *g;
	const char *group, *rules = rules_file();
	unsigned in;

	(void)stat(path, &st);
	g = getgrgid(st.st_gid);
	group = g ? pf_text("%s", g->gr_name) : pf_text("%u", (unsigned)st.st_gid);
	in = membership(st.st_gid);
	if (err == -EPERM && !access(path, R_OK | W_OK)) {
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("%s may be opened by its mode, but the system forbids it: a "
				"container that was not given the device",
				path),
			"Start the container with the node.",
			"podman run --device /dev/uinput --device /dev/uhid IMAGE");
		return;
	}
	if ((st.st_mode & 0060) == 0060 && st.st_gid && !(in & 1)) {
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("user %s may not open %s: only the group %s may; %s",
				pf_user_here(), path, group, what),
			"Join the group, then log in again.",
			pf_text("sudo usermod -aG %s %s", pf_quote(group),
				pf_quote(pf_user_here())));
		return;
	}
	if ((st.st_mode & 0060) == 0060 && (in & 1) && !(in & 2)) {
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("user %s is in the group %s, but this session began before that: "
				"%s cannot be opened yet",
				pf_user_here(), group, path),
			"Log in again; until then, start the host with the group.",
			pf_text("sg %s -c 'punktfunk-host serve'", pf_quote(group)));
		return;
	}
	if (rules)
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("user %s may not open %s (mode %04o, group %s), though %s is "
				"there: "
				"udev has not applied it",
				pf_user_here(), path, (unsigned)st.st_mode & 07777, group, rules),
			"Let udev read its rules anew.",
			"sudo udevadm control --reload && sudo udevadm trigger -s misc");
	else
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("user %s may not open %s (mode %04o, group %s): the udev rule %s "
				"is "
				"not installed; %s",
				pf_user_here(), path, (unsigned)st.st_mode & 07777, group, RULES,
				what),
			"Install the rule; the host's user must be in the group input or sit at "
			"the "
			"machine.",
			INSTALL_RULES);
}

static void check_node(struct pf_exam *x, const char *module)
{
	const char *path = pf_text("/dev/%s", module);
	const char *what = !strcmp(module, "uinput") ? "no Xbox pads, no touch, no pen for clients"
						     : "no DualSense and DualShock 4 for clients";
	struct pf_reason why = { 0 };
	int fd = pf_pad_node_open(path, module, &why);

	if (fd >= 0)
		pf_say(x, PF_DOCTOR_OK, pf_text("%s opens", path), NULL, NULL);
	else if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		not_there(x, module, path);
	else if (fd == -EACCES || fd == -EPERM)
		no_right(x, path, what, fd);
	else
		pf_say(x, PF_DOCTOR_WARN, pf_text("%s; %s", why.text, what),
			"Load the kernel's module anew.",
			pf_text("sudo modprobe -r %s && sudo modprobe %s", module, module));
}

static void check_rules(struct pf_exam *x, const char *arg)
{
	const char *rules = rules_file();

	if (rules)
		pf_say(x, PF_DOCTOR_OK, rules, NULL, NULL);
	else if (!pf_exists("/run/udev/control"))
		pf_say(x, PF_DOCTOR_SKIP, "no udev runs here: rights to devices are set elsewhere",
			NULL, NULL);
	else
		pf_say(x, PF_DOCTOR_WARN,
			RULES " is not installed where udev reads rules: rights to /dev/uinput and "
			      "/dev/uhid are lost at the next start",
			"Install the rule.", INSTALL_RULES);
}

const struct pf_check pf_checks_devices[] = {
	{ "uinput", "Xbox pads, touch, pen (uinput)", check_node, "uinput", 5000 },
	{ "uhid", "PlayStation pads (uhid)", check_node, "uhid", 5000 },
	{ "rules", "udev rules", check_rules, .limit_ms = 5000 },
	{ 0 },
};
