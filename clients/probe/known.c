/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/known.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME    "known_hosts"
#define DEFAULT_PORT 9777
#define PATH_BYTES   4096

static int make_dirs(char *path)
{
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = 0;
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		*p = c;
		if (!c)
			return 0;
	}
}

int pf_known_path(char *buf, size_t cap, const char *name)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char dir[PATH_BYTES];
	int n, r;

	if (data && *data == '/')
		n = snprintf(dir, sizeof(dir), "%s/punktfunk-probe", data);
	else if (home && *home == '/')
		n = snprintf(dir, sizeof(dir), "%s/.local/share/punktfunk-probe", home);
	else
		return -ENOENT;
	if ((size_t)n >= sizeof(dir))
		return -ENAMETOOLONG;
	r = make_dirs(dir);
	if (r)
		return r;
	n = snprintf(buf, cap, "%s/%s", dir, name);
	return (size_t)n < cap ? 0 : -ENAMETOOLONG;
}

/* One line; 0 when it is not one of ours. */
static int read_line(const char *line, char host[256], unsigned *port, uint8_t fp[32])
{
	char hex[65];

	if (sscanf(line, "%255s %5u %64s", host, port, hex) != 3 || strlen(hex) != 64)
		return 0;
	for (unsigned i = 0; i < 32; i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return 0;
		fp[i] = (uint8_t)byte;
	}
	return 1;
}

int pf_known_find(uint8_t fingerprint[32], const char *host, uint16_t port)
{
	char path[PATH_BYTES], line[512], there[256];
	uint8_t fp[32];
	unsigned at;
	FILE *f;
	int r = pf_known_path(path, sizeof(path), FILE_NAME);

	if (r)
		return r;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	r = -ENOENT;
	while (r && fgets(line, sizeof(line), f)) {
		if (!read_line(line, there, &at, fp) || strcmp(there, host) ||
			at != (port ? port : DEFAULT_PORT))
			continue;
		memcpy(fingerprint, fp, 32);
		r = 0;
	}
	fclose(f);
	return r;
}

bool pf_known_has(const uint8_t fingerprint[32])
{
	char path[PATH_BYTES], line[512], there[256];
	bool found = false;
	uint8_t fp[32];
	unsigned at;
	FILE *f;

	if (pf_known_path(path, sizeof(path), FILE_NAME) || !(f = fopen(path, "re")))
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = read_line(line, there, &at, fp) && !memcmp(fp, fingerprint, 32);
	fclose(f);
	return found;
}

/* The other hosts' lines, then this one's. */
static int write_list(FILE *out, FILE *in, const char *host, unsigned port, const uint8_t fp[32])
{
	char line[512], there[256];
	uint8_t other[32];
	unsigned at;

	while (in && fgets(line, sizeof(line), in))
		if (read_line(line, there, &at, other) && (strcmp(there, host) || at != port))
			fputs(line, out);
	fprintf(out, "%s %u ", host, port);
	for (unsigned i = 0; i < 32; i++)
		fprintf(out, "%02x", fp[i]);
	fputc('\n', out);
	return fflush(out) || fsync(fileno(out)) ? -errno : 0;
}

int pf_known_put(const char *host, uint16_t port, const uint8_t fingerprint[32])
{
	char path[PATH_BYTES], next[PATH_BYTES];
	FILE *in, *out;
	int fd, r = pf_known_path(path, sizeof(path), FILE_NAME);

	if (!r)
		r = pf_known_path(next, sizeof(next), FILE_NAME ".XXXXXX");
	if (r)
		return r;
	fd = mkstemp(next);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (!out) {
		r = -errno;
		close(fd);
		unlink(next);
		return r;
	}
	in = fopen(path, "re");
	r = write_list(out, in, host, port ? port : DEFAULT_PORT, fingerprint);
	if (in)
		fclose(in);
	if (fclose(out) && !r)
		r = -EIO;
	if (!r && rename(next, path))
		r = -errno;
	if (r)
		unlink(next);
	return r;
}
