/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/sys/rundir.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Deeper than anything a desk makes; bounds the open descriptors. */
#define MAX_DEPTH 64

static const char *default_parent(void)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (dir && dir[0] == '/' && !stat(dir, &st) && S_ISDIR(st.st_mode) &&
		st.st_uid == geteuid() && !access(dir, W_OK | X_OK))
		return dir;
	return "/tmp";
}

int pf_rundir_create(const char *parent, const char *prefix, char **path, struct pf_reason *why)
{
	char *made, *real;
	int r;

	if (!parent)
		parent = default_parent();
	if (asprintf(&made, "%s/%sXXXXXX", parent, prefix) < 0)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	if (!mkdtemp(made)) {
		r = pf_reason_set(why, -errno, "cannot make a private directory in %s: %s", parent,
			strerror(errno));
		free(made);
		return r;
	}
	real = realpath(made, NULL);
	if (!real) {
		r = pf_reason_set(why, -errno, "cannot resolve %s: %s", made, strerror(errno));
		(void)rmdir(made);
		free(made);
		return r;
	}
	free(made);
	*path = real;
	return 0;
}

static int note(int first, int r)
{
	return first ? first : r;
}

static int empty_dir(int fd, dev_t dev, unsigned depth);

static int remove_entry(int dir, const char *name, dev_t dev, unsigned depth)
{
	struct stat st;
	int fd, r;

	if (!unlinkat(dir, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	if (st.st_dev != dev || depth >= MAX_DEPTH) {
		close(fd);
		return -EXDEV;
	}
	r = empty_dir(fd, dev, depth + 1);
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = note(r, -errno);
	return r;
}

/* Takes over fd. */
static int empty_dir(int fd, dev_t dev, unsigned depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int first = 0;

	if (!d) {
		first = -errno;
		close(fd);
		return first;
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			first = note(first, remove_entry(fd, e->d_name, dev, depth));
	closedir(d);
	return first;
}

int pf_rundir_remove(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	r = empty_dir(fd, st.st_dev, 0);
	if (rmdir(path) < 0 && errno != ENOENT)
		r = note(r, -errno);
	return r;
}
