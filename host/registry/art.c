/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/registry/art.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host/sys/files.h"

const char *pf_art_type(const uint8_t *data, size_t len)
{
	static const uint8_t png[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
	static const uint8_t jpeg[] = { 0xff, 0xd8, 0xff };

	if (len > sizeof(png) && !memcmp(data, png, sizeof(png)))
		return "image/png";
	if (len > sizeof(jpeg) && !memcmp(data, jpeg, sizeof(jpeg)))
		return "image/jpeg";
	if (len > 12 && !memcmp(data, "RIFF", 4) && !memcmp(data + 8, "WEBP", 4))
		return "image/webp";
	return NULL;
}

static int path_of(char path[PF_PATH_BYTES], const char *dir, uint32_t id, struct pf_reason *why)
{
	if ((size_t)snprintf(path, PF_PATH_BYTES, "%s/app-%u", dir, id) < PF_PATH_BYTES)
		return 0;
	return pf_reason_set(why, -EIO, "the path %.150s... is too long", dir);
}

bool pf_art_is_kept(const char *dir, uint32_t id)
{
	char path[PF_PATH_BYTES];

	return !path_of(path, dir, id, NULL) && !access(path, R_OK);
}

static int read_picture(const char *path, size_t max, uint8_t **data, size_t *len,
	const char **type, struct pf_reason *why)
{
	int r = pf_file_read(path, max, data, len, why);

	if (r)
		return r;
	*type = pf_art_type(*data, *len);
	if (*type)
		return 0;
	free(*data);
	*data = NULL;
	return pf_reason_set(why, -EINVAL, "%.200s is no PNG, JPEG or WebP picture", path);
}

int pf_art_read(const char *dir, const struct pf_app *app, uint8_t **data, size_t *len,
	const char **type, struct pf_reason *why)
{
	char path[PF_PATH_BYTES];

	if (dir && !path_of(path, dir, app->id, why) &&
		!read_picture(path, PF_ART_BYTES, data, len, type, NULL))
		return 0;
	if (*app->image)
		return read_picture(app->image, PF_ART_IMAGE_BYTES, data, len, type, why);
	return pf_reason_set(why, -ENOENT, "this app has no picture");
}

int pf_art_write(
	const char *dir, uint32_t id, const uint8_t *data, size_t len, struct pf_reason *why)
{
	char path[PF_PATH_BYTES];
	int r = path_of(path, dir, id, why);

	if (r)
		return r;
	if (len > PF_ART_BYTES)
		return pf_reason_set(why, -EFBIG, "a picture may have 1 MiB at most");
	if (!pf_art_type(data, len))
		return pf_reason_set(why, -EINVAL, "this is no PNG, JPEG or WebP picture");
	(void)pf_mkdirs(dir, 0700); /* then writing says what is wrong */
	return pf_file_replace(path, 0600, data, len, why) ? -EIO : 0;
}

int pf_art_remove(const char *dir, uint32_t id, struct pf_reason *why)
{
	char path[PF_PATH_BYTES];
	int r = path_of(path, dir, id, why);

	if (!r)
		r = pf_file_remove(path, why);
	if (r == -ENOENT)
		return pf_reason_set(why, r, "no picture of this app is kept");
	return r ? -EIO : 0;
}
