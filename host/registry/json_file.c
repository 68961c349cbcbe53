/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/registry/json_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "host/sys/files.h"

int pf_json_parse(json_t **out, const char *text, size_t len, unsigned *line, struct pf_reason *why)
{
	json_error_t error;
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	unsigned at = o || error.line < 1 ? 1 : (unsigned)error.line;

	if (line)
		*line = at;
	if (!o)
		return pf_reason_set(why, -EBADMSG, "%s", error.text);
	if (!json_is_object(o)) {
		json_decref(o);
		return pf_reason_set(why, -EBADMSG, "the file must be one JSON object, { ... }");
	}
	*out = o;
	return 0;
}

/* Walks valid JSON; strings are the only place where brackets mean nothing. */
unsigned pf_json_line_of(const char *text, size_t len, const char *key, size_t index)
{
	unsigned line = 1, depth = 0;
	size_t key_len = strlen(key), element = 0;
	bool in_list = false, named = false;

	for (size_t i = 0; i < len; i++) {
		size_t begin = i;

		switch (text[i]) {
		case '\n':
			line++;
			break;
		case '"':
			for (i++; i < len && text[i] != '"'; i++)
				i += text[i] == '\\';
			if (in_list && depth == 2 && element == index)
				return line;
			if (depth == 1)
				named = i - begin - 1 == key_len &&
					!memcmp(text + begin + 1, key, key_len);
			break;
		case '{':
		case '[':
			if (in_list && depth == 2 && element == index)
				return line;
			if (depth == 1 && named && text[i] == '[')
				in_list = true;
			depth++;
			break;
		case '}':
		case ']':
			depth -= depth > 0;
			if (in_list && depth == 1)
				return 1;
			break;
		case ',':
			element += in_list && depth == 2;
			break;
		case ' ':
		case '\t':
		case '\r':
		case ':':
			break;
		default: /* a number or word */
			if (in_list && depth == 2 && element == index)
				return line;
		}
	}
	return 1;
}

char *pf_json_text(const json_t *o)
{
	char *text = json_dumps(o, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	size_t len = text ? strlen(text) : 0;
	char *grown = text ? realloc(text, len + 2) : NULL;

	if (!grown) {
		free(text);
		return NULL;
	}
	memcpy(grown + len, "\n", 2);
	return grown;
}

int pf_json_write(const char *path, mode_t mode, const char *text, struct pf_reason *why)
{
	char dir[PF_PATH_BYTES];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = 0;
		(void)pf_mkdirs(dir, 0700); /* then writing says what is wrong */
	}
	return pf_file_replace(path, mode, text, strlen(text), why) ? -EIO : 0;
}

int pf_json_lock(int *out, const char *path, struct pf_reason *why)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char lock[PF_PATH_BYTES];
	int fd, r;

	if ((size_t)snprintf(lock, sizeof(lock), "%s.lock", path) >= sizeof(lock))
		return pf_reason_set(why, -ENAMETOOLONG, "the path %.150s... is too long", path);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return pf_reason_set(why, -errno, "cannot open %.150s: %s", lock, strerror(errno));
	/* Not inherited by children, gone with the process. */
	if (!fcntl(fd, F_SETLK, &l)) {
		*out = fd;
		return 0;
	}
	r = -errno;
	if (r == -EAGAIN || r == -EACCES) {
		r = -EBUSY;
		(void)fcntl(fd, F_GETLK, &l);
		pf_reason_set(why, r,
			"another punktfunk-host (process %ld) uses %.120s; end it, or give this "
			"one "
			"directories of its own by the XDG variables",
			l.l_type == F_UNLCK ? 0 : (long)l.l_pid, path);
	} else {
		pf_reason_set(why, r, "cannot lock %.150s: %s", lock, strerror(-r));
	}
	close(fd);
	return r;
}

void pf_json_time(int64_t s, char out[32])
{
	time_t t = (time_t)s;
	struct tm tm;

	*out = 0;
	if (s > 0 && gmtime_r(&t, &tm))
		strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

bool pf_json_time_parse(int64_t *out, const char *text)
{
	struct tm tm = { 0 };
	char *end;

	if (!*text) {
		*out = 0;
		return true;
	}
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!end || *end)
		return false;
	*out = timegm(&tm);
	return *out >= 0;
}
