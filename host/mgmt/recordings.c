/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/recordings.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "host/mgmt/live.h"
#include "host/sys/files.h"

#define SUFFIX ".jsonl"
/* How the last line begins, with the number of samples before it. */
#define END "{\"seconds\":"
/* The last sample may go beyond the limit. */
#define FILE_BYTES_MAX (PF_RECORDING_BYTES_MAX + 65536)

struct recording {
	uint32_t id;
	char name[PF_RECORDING_NAME_BYTES];
	char started[32];
	uint32_t samples;
	size_t bytes;
};

struct pf_recordings {
	char *dir;
	struct recording list[PF_RECORDINGS_MAX]; /* by id */
	unsigned count;
	uint32_t last_id;
	int fd; /* of the newest, while it runs; else -1 */
};

static void file_path(const struct pf_recordings *r, uint32_t id, char path[PF_PATH_BYTES])
{
	snprintf(path, PF_PATH_BYTES, "%s/%u" SUFFIX, r->dir, id);
}

/* ---- what is there ---- */

static uint32_t count_lines(const char *text, size_t len)
{
	uint32_t n = 0;

	for (const char *p = text; (p = memchr(p, '\n', (size_t)(text + len - p))); p++)
		n++;
	return n;
}

static bool read_about(struct recording *e, const char *text, size_t len)
{
	const char *nl = memchr(text, '\n', len), *name = NULL, *started = NULL;
	json_t *o = nl ? json_loadb(text, (size_t)(nl - text), JSON_REJECT_DUPLICATES, NULL) : NULL;
	bool good = o && !json_unpack(o, "{s:s, s:s}", "name", &name, "started", &started) &&
		    strlen(name) < sizeof(e->name) && strlen(started) < sizeof(e->started);

	if (good) {
		strcpy(e->name, name);
		strcpy(e->started, started);
	}
	json_decref(o);
	return good;
}

/* The number of samples that the last line tells; false: there is no such line. */
static bool read_end(struct recording *e, int fd)
{
	char tail[48] = "";
	const off_t at = (off_t)e->bytes - (off_t)sizeof(tail) + 1;
	ssize_t n = pread(fd, tail, sizeof(tail) - 1, at > 0 ? at : 0);
	const char *line = n > 0 ? strstr(tail, "\n" END) : NULL;

	return line && sscanf(line + 1, END "%u}\n", &e->samples) == 1;
}

/* Two short reads, unless its host was killed. */
static bool look_at(struct recording *e, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char head[512];
	uint8_t *text;
	struct stat st;
	bool good;
	ssize_t n;
	size_t len;

	if (fd < 0)
		return false;
	n = pread(fd, head, sizeof(head), 0);
	good = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= FILE_BYTES_MAX && n > 0 &&
	       read_about(e, head, (size_t)n);
	e->bytes = good ? (size_t)st.st_size : 0;
	if (good && !read_end(e, fd)) {
		good = !pf_file_read(path, FILE_BYTES_MAX, &text, &len, NULL);
		if (good) {
			e->samples = count_lines((const char *)text, len) - 1;
			free(text);
		}
	}
	close(fd);
	return good;
}

static void take(struct pf_recordings *r, const char *file)
{
	size_t digits = strspn(file, "0123456789");
	struct recording e = { 0 };
	char path[PF_PATH_BYTES];
	unsigned at;

	if (!digits || digits > 9 || *file == '0' || strcmp(file + digits, SUFFIX) != 0 ||
		r->count == PF_RECORDINGS_MAX)
		return;
	e.id = (uint32_t)strtoul(file, NULL, 10);
	file_path(r, e.id, path);
	if (!look_at(&e, path))
		return;
	for (at = r->count++; at && r->list[at - 1].id > e.id; at--)
		r->list[at] = r->list[at - 1];
	r->list[at] = e;
	if (e.id > r->last_id)
		r->last_id = e.id;
}

int pf_recordings_open(struct pf_recordings **out, const char *dir)
{
	struct pf_recordings *r = calloc(1, sizeof(*r));
	struct dirent *d;
	DIR *folder;

	if (!r)
		return -ENOMEM;
	r->fd = -1;
	r->dir = strdup(dir);
	if (!r->dir) {
		pf_recordings_close(r);
		return -ENOMEM;
	}
	folder = opendir(dir);
	while (folder && (d = readdir(folder)))
		take(r, d->d_name);
	if (folder)
		closedir(folder);
	*out = r;
	return 0;
}

static void end_running(struct pf_recordings *r)
{
	struct recording *e;
	char line[32];
	int n;

	if (r->fd < 0)
		return;
	e = &r->list[r->count - 1];
	n = snprintf(line, sizeof(line), END "%u}\n", e->samples);
	if (write(r->fd, line, (size_t)n) == n)
		e->bytes += (size_t)n;
	close(r->fd);
	r->fd = -1;
}

void pf_recordings_close(struct pf_recordings *r)
{
	if (!r)
		return;
	end_running(r);
	free(r->dir);
	free(r);
}

static struct recording *find(const struct pf_recordings *r, uint32_t id)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->list[i].id == id)
			return (struct recording *)&r->list[i];
	return NULL;
}

static bool runs(const struct pf_recordings *r, const struct recording *e)
{
	return r->fd >= 0 && e == &r->list[r->count - 1];
}

/* ---- one at work ---- */

/* A whole line or none. */
static int append(struct pf_recordings *r, struct recording *e, const json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
	size_t len = text ? strlen(text) : 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	text[len++] = '\n'; /* in place of its zero */
	n = write(r->fd, text, len);
	free(text);
	if (n == (ssize_t)len) {
		e->bytes += len;
		return 0;
	}
	if (n > 0)
		(void)!ftruncate(r->fd, (off_t)e->bytes);
	return n < 0 ? -errno : -ENOSPC;
}

int pf_recordings_start(
	struct pf_recordings *r, const char *name, uint32_t *id, struct pf_reason *why)
{
	struct recording *e = &r->list[r->count];
	char path[PF_PATH_BYTES];
	json_t *about;
	int err;

	if (r->fd >= 0)
		return pf_reason_set(why, -EBUSY,
			"a recording runs already; stop it first: number %u", r->last_id);
	if (r->count == PF_RECORDINGS_MAX)
		return pf_reason_set(why, -ENOSPC,
			"there are %u recordings already; remove one first", PF_RECORDINGS_MAX);
	*e = (struct recording){ .id = r->last_id + 1 };
	pf_live_time(pf_clock_unix_ns(), e->started);
	(void)pf_utf8_printable(e->name, sizeof(e->name), name ? name : e->started,
		strlen(name ? name : e->started));
	file_path(r, e->id, path);
	err = pf_mkdirs(r->dir, 0700);
	if (!err)
		r->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			0600);
	if (!err && r->fd < 0)
		err = -errno;
	if (err)
		return pf_reason_set(why, -EIO, "cannot make %s: %s", path, strerror(-err));
	about = json_pack("{s:s, s:s}", "name", e->name, "started", e->started);
	err = append(r, e, about);
	json_decref(about);
	if (err) {
		close(r->fd);
		r->fd = -1;
		(void)unlink(path);
		return pf_reason_set(why, -EIO, "cannot write %s: %s", path, strerror(-err));
	}
	r->count++;
	*id = r->last_id = e->id;
	return 0;
}

static int none(struct pf_reason *why)
{
	return pf_reason_set(why, -ENOENT, "there is no such recording");
}

int pf_recordings_stop(struct pf_recordings *r, uint32_t id, struct pf_reason *why)
{
	struct recording *e = find(r, id);

	if (!e)
		return none(why);
	if (!runs(r, e))
		return pf_reason_set(why, -EALREADY, "this recording has ended");
	end_running(r);
	return 0;
}

int pf_recordings_remove(struct pf_recordings *r, uint32_t id, struct pf_reason *why)
{
	struct recording *e = find(r, id);
	char path[PF_PATH_BYTES];

	if (!e)
		return none(why);
	file_path(r, id, path);
	if (unlink(path) && errno != ENOENT)
		return pf_reason_set(why, -EIO, "cannot remove %s: %s", path, strerror(errno));
	if (runs(r, e)) {
		close(r->fd);
		r->fd = -1;
	}
	memmove(e, e + 1, (size_t)(&r->list[--r->count] - e) * sizeof(*e));
	return 0;
}

bool pf_recordings_sample(struct pf_recordings *r, const json_t *sample)
{
	struct recording *e;

	if (r->fd < 0)
		return false;
	e = &r->list[r->count - 1];
	if (!append(r, e, sample) && ++e->samples < PF_RECORDING_SAMPLES_MAX &&
		e->bytes < PF_RECORDING_BYTES_MAX)
		return false;
	end_running(r);
	return true;
}

bool pf_recordings_running(const struct pf_recordings *r)
{
	return r && r->fd >= 0;
}

/* ---- what it says ---- */

static json_t *one(const struct pf_recordings *r, const struct recording *e)
{
	return json_pack("{s:I, s:s, s:s, s:I, s:I, s:b}", "id", (json_int_t)e->id, "name", e->name,
		"started", e->started, "seconds", (json_int_t)e->samples, "bytes",
		(json_int_t)e->bytes, "running", runs(r, e));
}

json_t *pf_recordings_one(const struct pf_recordings *r, uint32_t id)
{
	const struct recording *e = find(r, id);

	return e ? one(r, e) : NULL;
}

json_t *pf_recordings_list(const struct pf_recordings *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < r->count; i++)
		(void)json_array_append_new(list, one(r, &r->list[i]));
	return list;
}

/* The lines of a file behind the first, joined by commas, at the end of `out`. */
static size_t join(char *out, const char *text, size_t len)
{
	const char *p = memchr(text, '\n', len), *end = text + len, *nl;
	size_t n = 0;

	for (; p && ++p < end && (nl = memchr(p, '\n', (size_t)(end - p))); p = nl) {
		if (!strncmp(p, END, strlen(END)))
			break;
		if (n)
			out[n++] = ',';
		memcpy(out + n, p, (size_t)(nl - p));
		n += (size_t)(nl - p);
	}
	return n;
}

int pf_recordings_read(
	const struct pf_recordings *r, uint32_t id, char **out, size_t *len, struct pf_reason *why)
{
	const struct recording *e = find(r, id);
	char path[PF_PATH_BYTES], *head = NULL, *all = NULL;
	json_t *o = e ? one(r, e) : NULL;
	uint8_t *text = NULL;
	size_t size, n;
	int err = e ? 0 : none(why);

	if (err)
		return err;
	file_path(r, id, path);
	err = pf_file_read(path, FILE_BYTES_MAX, &text, &size, why);
	head = o ? json_dumps(o, JSON_COMPACT) : NULL;
	if (!err && head)
		all = malloc(strlen(head) + size + 32);
	if (all) {
		n = strlen(head) - 1; /* in place of its last brace */
		memcpy(all, head, n);
		n += (size_t)sprintf(all + n, ",\"samples\":[");
		n += join(all + n, (const char *)text, size);
		n += (size_t)sprintf(all + n, "]}");
		*out = all;
		*len = n;
	} else if (!err) {
		err = pf_reason_set(why, -ENOMEM, "out of memory");
	}
	json_decref(o);
	free(head);
	free(text);
	return err;
}
