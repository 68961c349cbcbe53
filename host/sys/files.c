/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/sys/files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int pf_file_read(const char *path, size_t max, uint8_t **data, size_t *len, struct pf_reason *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	uint8_t *buf = NULL;
	struct stat st;
	size_t n = 0;
	int r;

	if (fd < 0)
		return pf_reason_set(why, -errno, "cannot read %.150s: %s", path, strerror(errno));
	if (fstat(fd, &st)) {
		r = -errno;
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		r = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
		goto fail;
	}
	if ((uint64_t)st.st_size > max) {
		r = -EFBIG;
		goto fail;
	}
	buf = malloc((size_t)st.st_size + 1);
	if (!buf) {
		r = -ENOMEM;
		goto fail;
	}
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, buf + n, (size_t)st.st_size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			r = -errno;
			goto fail;
		}
		if (!got)
			break;
		n += (size_t)got;
	}
	buf[n] = 0;
	close(fd);
	*data = buf;
	*len = n;
	return 0;
fail:
	free(buf);
	close(fd);
	return pf_reason_set(why, r, "cannot read %.150s: %s", path, strerror(-r));
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A new name is there after a loss of power, too. */
static int sync_parent(const char *path)
{
	char dir[PF_PATH_BYTES];
	char *slash;
	int fd, r = 0;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash && slash != dir)
		*slash = 0;
	fd = open(slash ? (slash == dir ? "/" : dir) : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* a folder that may be written, but not read */
	/* Some file systems cannot do this, and need not. */
	if (fsync(fd) && errno != EINVAL && errno != ENOTSUP && errno != EROFS)
		r = -errno;
	close(fd);
	return r;
}

int pf_file_replace(
	const char *path, mode_t mode, const void *data, size_t len, struct pf_reason *why)
{
	char temp[PF_PATH_BYTES];
	int fd, r;

	if ((size_t)snprintf(temp, sizeof(temp), "%s.XXXXXX" PF_FILE_NEW, path) >= sizeof(temp))
		return pf_reason_set(why, -ENAMETOOLONG, "the path %.150s... is too long", path);
	fd = mkostemps(temp, (int)strlen(PF_FILE_NEW), O_CLOEXEC);
	if (fd < 0)
		return pf_reason_set(
			why, -errno, "cannot write beside %.150s: %s", path, strerror(errno));
	r = write_all(fd, data, len);
	if (!r && (fchmod(fd, mode) || fsync(fd)))
		r = -errno;
	if (close(fd) && !r)
		r = -errno;
	if (!r && rename(temp, path))
		r = -errno;
	if (r) {
		(void)unlink(temp);
		return pf_reason_set(why, r, "cannot write %.150s: %s", path, strerror(-r));
	}
	r = sync_parent(path);
	if (r)
		return pf_reason_set(why, r, "cannot make sure that %.150s is on the disk: %s",
			path, strerror(-r));
	return 0;
}

int pf_file_remove(const char *path, struct pf_reason *why)
{
	int r = unlink(path) ? -errno : sync_parent(path);

	return r ? pf_reason_set(why, r, "cannot remove %.150s: %s", path, strerror(-r)) : 0;
}

void pf_dir_sweep(const char *path)
{
	static const size_t tail = sizeof(PF_FILE_NEW) - 1;
	DIR *d = opendir(path);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));) {
		size_t n = strlen(e->d_name);

		if (n > tail && !strcmp(e->d_name + n - tail, PF_FILE_NEW))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}

int pf_dir_path(enum pf_dir dir, char *buf, size_t cap, struct pf_reason *why)
{
	static const struct {
		const char *variable, *below_home;
	} rows[] = {
		[PF_DIR_CONFIG] = { "XDG_CONFIG_HOME", "/.config" },
		[PF_DIR_DATA] = { "XDG_DATA_HOME", "/.local/share" },
		[PF_DIR_STATE] = { "XDG_STATE_HOME", "/.local/state" },
		[PF_DIR_RUNTIME] = { "XDG_RUNTIME_DIR", NULL },
	};
	const char *base = getenv(rows[dir].variable), *tail = "";

	/* The XDG rules: a relative path counts as not set. */
	if (!base || *base != '/') {
		base = rows[dir].below_home ? getenv("HOME") : NULL;
		tail = rows[dir].below_home;
	}
	if (!base || *base != '/')
		return pf_reason_set(why, -ENOENT, "%s is not set%s", rows[dir].variable,
			rows[dir].below_home ? " and neither is HOME; set one of them" : "");
	if ((size_t)snprintf(buf, cap, "%s%s/punktfunk", base, tail) >= cap)
		return pf_reason_set(why, -ENAMETOOLONG, "%s is too long", rows[dir].variable);
	return 0;
}

int pf_mkdirs(const char *path, mode_t mode)
{
	char part[PF_PATH_BYTES];
	struct stat st;

	if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part))
		return -ENAMETOOLONG;
	for (char *p = part + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = 0;
		if (!mkdir(part, mode))
			(void)sync_parent(part);
		else if (errno != EEXIST && stat(part, &st))
			return -errno;
		*p = c;
		if (!c)
			break;
	}
	if (stat(part, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int pf_dir_make(enum pf_dir dir, char *buf, size_t cap, struct pf_reason *why)
{
	char path[PF_PATH_BYTES];
	int r = pf_dir_path(dir, path, sizeof(path), why);

	if (r)
		return r;
	if (strlen(path) >= cap)
		return pf_reason_set(why, -ENAMETOOLONG, "the path %.150s... is too long", path);
	r = pf_mkdirs(path, 0700);
	if (!r && access(path, R_OK | W_OK | X_OK))
		r = -errno;
	if (r)
		return pf_reason_set(why, r,
			"cannot write the directory %.120s: %s; make it writable for this user or "
			"point "
			"the XDG variables elsewhere",
			path, strerror(-r));
	strcpy(buf, path);
	return 0;
}
