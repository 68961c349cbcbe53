/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/pads/uhid_watch.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* A line of a file of sysfs without its end; its length, 0 for none. Never read the
 * `uevent` of a HID device here: the kernel holds it back while the driver probes,
 * and the driver waits for us. */
static size_t read_line(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, buf, cap - 1);
	close(fd);
	if (n < 0)
		n = 0;
	if (n && buf[n - 1] == '\n')
		n--;
	buf[n] = 0;
	return (size_t)n;
}

/* The first entry of dir/sub that begins with `prefix`. */
static bool first_entry(const char *dir, const char *sub, const char *prefix, char *out, size_t cap)
{
	char path[PATH_MAX];
	struct dirent *e;
	bool found = false;
	DIR *d;

	if (snprintf(path, sizeof(path), "%s/%s", dir, sub) >= (int)sizeof(path))
		return false;
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		if (!strncmp(e->d_name, prefix, strlen(prefix)))
			found = (size_t)snprintf(out, cap, "%s", e->d_name) < cap;
	}
	if (d)
		closedir(d);
	return found;
}

static bool ends_with(const char *s, size_t len, const char *end)
{
	return len >= strlen(end) && !strcmp(s + len - strlen(end), end);
}

static bool watch(
	struct pf_uhid_watch *w, struct pf_uhid_node *node, const char *below, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s%s", w->paths.dev ? w->paths.dev : "/dev", below,
		    name) >= (int)sizeof(path))
		return false;
	node->wd = inotify_add_watch(w->fd, path, IN_OPEN | IN_CLOSE);
	node->err = node->wd < 0 ? errno : 0;
	return node->wd >= 0;
}

int pf_uhid_watch_init(struct pf_uhid_watch *w, const char *uniq, const struct pf_uhid_paths *paths)
{
	*w = (struct pf_uhid_watch){ .paths = *paths };
	w->hidraw.wd = w->motion.wd = -1;
	w->hidraw.err = w->motion.err = ENOENT;
	snprintf(w->uniq, sizeof(w->uniq), "%s", uniq);
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return w->fd < 0 ? -errno : 0;
}

void pf_uhid_watch_finish(struct pf_uhid_watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

/* One input device of ours: the drivers call the sensors' "... Motion Sensors". */
static bool attach_input(struct pf_uhid_watch *w, const char *input)
{
	char path[PATH_MAX], name[256];
	bool found = false;
	size_t len;

	if (w->hidraw.wd < 0 && first_entry(input, "device/hidraw", "hidraw", name, sizeof(name)))
		found = watch(w, &w->hidraw, "", name);
	if (w->motion.wd >= 0 ||
		snprintf(path, sizeof(path), "%s/name", input) >= (int)sizeof(path))
		return found;
	len = read_line(path, name, sizeof(name));
	if (ends_with(name, len, "Motion Sensors") &&
		first_entry(input, "", "event", name, sizeof(name)))
		found |= watch(w, &w->motion, "input/", name);
	return found;
}

bool pf_uhid_watch_attach(struct pf_uhid_watch *w)
{
	const char *class = w->paths.input ? w->paths.input : "/sys/class/input";
	char path[PATH_MAX], uniq[64];
	bool found = false;
	struct dirent *e;
	DIR *d;

	if (w->fd < 0 || (w->hidraw.wd >= 0 && w->motion.wd >= 0))
		return false;
	d = opendir(class);
	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, "input", 5) ||
			snprintf(path, sizeof(path), "%s/%s/uniq", class, e->d_name) >=
				(int)sizeof(path) ||
			!read_line(path, uniq, sizeof(uniq)) || strcmp(uniq, w->uniq) != 0)
			continue;
		path[strlen(path) - strlen("/uniq")] = 0;
		found |= attach_input(w, path);
	}
	if (d)
		closedir(d);
	return found;
}

bool pf_uhid_watch_read(struct pf_uhid_watch *w)
{
	_Alignas(struct inotify_event) char buf[4096];
	bool opened = false;
	ssize_t n;

	while (w->fd >= 0 && (n = read(w->fd, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n;) {
			struct inotify_event *e = (struct inotify_event *)p;
			struct pf_uhid_node *node = e->wd == w->hidraw.wd   ? &w->hidraw
						    : e->wd == w->motion.wd ? &w->motion
									    : NULL;

			p += sizeof(*e) + e->len;
			if (!node)
				continue;
			if (e->mask & IN_OPEN) {
				node->readers++;
				opened |= node == &w->hidraw;
			} else if ((e->mask & IN_CLOSE) && node->readers) {
				node->readers--;
			} else if (e->mask & IN_IGNORED) {
				*node = (struct pf_uhid_node){ .wd = -1, .err = ENOENT };
				w->lost = true;
			}
		}
	}
	return opened;
}
