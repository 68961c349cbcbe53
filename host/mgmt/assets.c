/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/assets.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/crypto/hash.h"
#include "host/registry/access.h"

#define DEPTH_MAX 4
#define INDEX	  "/index.html"

struct pf_assets {
	struct pf_asset files[PF_ASSETS_MAX];
	unsigned count;
	size_t bytes;
};

static const char *type_of(const char *name)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".webmanifest", "application/manifest+json" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".jpg", "image/jpeg" },
		{ ".webp", "image/webp" },
		{ ".ico", "image/x-icon" },
		{ ".woff2", "font/woff2" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(dot, types[i].end))
			return types[i].type;
	return NULL;
}

static bool is_plain(const char *name)
{
	return *name != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       strlen(name);
}

/* ---- loading ---- */

/* The file `name` of the open folder; -ELOOP for a link. */
static int read_file(struct pf_assets *a, int dir, const char *name, uint8_t **data, size_t *len)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), r = 0;
	uint8_t *buf = NULL;
	struct stat st;
	size_t n = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	else if ((uint64_t)st.st_size > PF_ASSETS_BYTES - a->bytes)
		r = -EFBIG;
	else if (!(buf = malloc((size_t)st.st_size + 1)))
		r = -ENOMEM;
	while (!r && n < (size_t)st.st_size) {
		ssize_t got = read(fd, buf + n, (size_t)st.st_size - n);

		if (got <= 0 && (!got || errno != EINTR))
			r = got ? -errno : -EIO;
		else if (got > 0)
			n += (size_t)got;
	}
	close(fd);
	if (r) {
		free(buf);
		return r;
	}
	a->bytes += n;
	*data = buf;
	*len = n;
	return 0;
}

static void make_etags(struct pf_asset *f)
{
	uint8_t hash[32];
	char hex[65];

	pf_sha256(f->data, f->len, hash);
	pf_access_format(hash, hex);
	snprintf(f->etag, sizeof(f->etag), "\"%.32s\"", hex);
	snprintf(f->gz_etag, sizeof(f->gz_etag), "\"%.32s-gz\"", hex);
}

static int load_file(struct pf_assets *a, int dir, const char *path, const char *name)
{
	struct pf_asset *f = &a->files[a->count];
	char gz[160];
	int r, n;

	if (!type_of(name))
		return 0;
	if (a->count == PF_ASSETS_MAX)
		return -EFBIG;
	*f = (struct pf_asset){ .type = type_of(name) };
	n = snprintf(f->path, sizeof(f->path), "%s/%s", path, name);
	if ((size_t)n >= sizeof(f->path))
		return -ENAMETOOLONG;
	f->immutable = !strncmp(f->path, "/assets/", 8);
	r = read_file(a, dir, name, &f->data, &f->len);
	if (r)
		return r == -ELOOP || r == -EINVAL ? 0 : r;
	a->count++;
	make_etags(f);
	snprintf(gz, sizeof(gz), "%.150s.gz", name);
	r = read_file(a, dir, gz, &f->gz, &f->gz_len);
	return r == -ENOENT || r == -ELOOP || r == -EINVAL ? 0 : r;
}

/* Takes over the descriptor. */
static int load_folder(struct pf_assets *a, int fd, const char *path, unsigned depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while (!r && (errno = 0, e = readdir(dir))) {
		char below[160];
		int n, sub;

		if (!is_plain(e->d_name))
			continue;
		sub = openat(
			dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0) {
			r = load_file(a, dirfd(dir), path, e->d_name);
			continue;
		}
		n = snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		if (depth == DEPTH_MAX || (size_t)n >= sizeof(below))
			close(sub);
		else
			r = load_folder(a, sub, below, depth + 1);
	}
	if (!r && errno)
		r = -errno;
	closedir(dir);
	return r;
}

int pf_assets_load(struct pf_assets **out, const char *dir, struct pf_reason *why)
{
	struct pf_assets *a = calloc(1, sizeof(*a));
	int fd, r;

	if (!a)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : load_folder(a, fd, "", 1);
	if (!r && !pf_assets_find(a, INDEX))
		r = -ENOENT;
	if (r) {
		pf_assets_free(a);
		return pf_reason_set(why, r, "the files of the web console in %.150s: %s", dir,
			r == -EFBIG ? "they are too large or too many" : strerror(-r));
	}
	*out = a;
	return 0;
}

void pf_assets_free(struct pf_assets *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < a->count; i++) {
		free(a->files[i].data);
		free(a->files[i].gz);
	}
	free(a);
}

/* ---- asking ---- */

static const struct pf_asset *find(const struct pf_assets *a, const char *path)
{
	for (unsigned i = 0; i < a->count; i++)
		if (!strcmp(a->files[i].path, path))
			return &a->files[i];
	return NULL;
}

const struct pf_asset *pf_assets_find(const struct pf_assets *a, const char *path)
{
	const struct pf_asset *f = a ? find(a, path) : NULL;
	const char *last = strrchr(path, '/');

	if (!a || f || !last || strchr(last, '.') || strchr(last, '%'))
		return f;
	return find(a, INDEX);
}

unsigned pf_assets_count(const struct pf_assets *a)
{
	return a ? a->count : 0;
}

bool pf_assets_takes_gzip(const char *accept_encoding)
{
	const char *s = accept_encoding;

	while (s && *s) {
		char one[64];
		size_t len;

		s += strspn(s, ", \t");
		len = strcspn(s, ",");
		if (len >= 4 && !strncasecmp(s, "gzip", 4) && strchr(" \t;,", s[4])) {
			snprintf(one, sizeof(one), "%.*s", len < 63 ? (int)len : 63, s);
			return !strstr(one, "q=0") || strstr(one, "q=0.");
		}
		s += len;
	}
	return false;
}
