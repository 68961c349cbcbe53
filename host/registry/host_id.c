/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/registry/host_id.h"
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/log.h"
#include "core/crypto/secret.h"
#include "host/sys/files.h"

#define LEN (PF_HOST_ID_BYTES - 1)

static bool is_dash(unsigned i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

static bool is_id(const uint8_t *text, size_t len)
{
	if (len == LEN + 1 && text[LEN] == '\n')
		len--;
	if (len != LEN)
		return false;
	for (unsigned i = 0; i < LEN; i++) {
		const uint8_t c = text[i];

		if (is_dash(i) ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

static int make(char out[PF_HOST_ID_BYTES], const char *path, struct pf_reason *why)
{
	char text[PF_HOST_ID_BYTES + 1];
	uint8_t r[16];
	int at = 0, e;

	if (pf_random_bytes(r, sizeof(r)))
		return pf_reason_set(why, -EIO, "no random bytes for the host's id");
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40); /* RFC 4122, version 4 */
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	for (unsigned i = 0; i < 16; i++)
		at += sprintf(text + at, "%s%02x", is_dash((unsigned)at) ? "-" : "", r[i]);
	text[LEN] = '\n';
	e = pf_file_replace(path, 0600, text, LEN + 1, why);
	if (e)
		return e;
	memcpy(out, text, LEN);
	out[LEN] = 0;
	return 0;
}

int pf_host_id_open(char out[PF_HOST_ID_BYTES], const char *path, struct pf_reason *why)
{
	uint8_t *data = NULL;
	size_t len = 0;
	int r = pf_file_read(path, 64, &data, &len, why);

	if (r == -ENOENT || r == -EFBIG)
		return make(out, path, why);
	if (r)
		return r;
	if (is_id(data, len)) {
		memcpy(out, data, LEN);
		out[LEN] = 0;
	} else {
		pf_log(PF_LOG_WARN, "registry", "%s holds no id: clients see a new host", path);
		r = make(out, path, why);
	}
	free(data);
	return r;
}
