/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/annexb.h"
#include <stdbool.h>
#include <string.h>

#define LEAD_MAX 16 /* units before a slice; encoders write five */

struct unit {
	size_t at; /* its start code */
	unsigned type;
};

/* The start code at or behind `from`, with a fourth byte if it has one. */
static size_t find_unit(
	enum pf_codec codec, const uint8_t *data, size_t len, size_t from, struct unit *out)
{
	for (size_t i = from; i + 3 < len; i++) {
		if (data[i] || data[i + 1] || data[i + 2] != 1)
			continue;
		out->at = i > from && !data[i - 1] ? i - 1 : i;
		out->type = codec == PF_CODEC_H264 ? data[i + 3] & 0x1fu : data[i + 3] >> 1 & 0x3fu;
		return i + 3;
	}
	return 0;
}

static bool is_slice(enum pf_codec codec, unsigned type)
{
	return codec == PF_CODEC_H264 ? type >= 1 && type <= 5 : type < 32;
}

static bool is_sei(enum pf_codec codec, unsigned type)
{
	return type == (codec == PF_CODEC_H264 ? 6 : 39);
}

/* Units up to the first slice, which is the last one. 0 without a slice. */
static unsigned lead(
	enum pf_codec codec, const uint8_t *data, size_t len, struct unit units[LEAD_MAX])
{
	unsigned n = 0;
	size_t at = 0;

	if (codec == PF_CODEC_AV1)
		return 0;
	while (n < LEAD_MAX && (at = find_unit(codec, data, len, at, &units[n])))
		if (is_slice(codec, units[n++].type))
			return n;
	return 0;
}

size_t pf_annexb_first_slice(enum pf_codec codec, const uint8_t *data, size_t len)
{
	struct unit units[LEAD_MAX];
	unsigned n = lead(codec, data, len, units);

	return n ? units[n - 1].at : len;
}

size_t pf_annexb_drop_sei(enum pf_codec codec, uint8_t *data, size_t len)
{
	struct unit units[LEAD_MAX];
	unsigned n = lead(codec, data, len, units);
	size_t start;

	if (!n || units[0].at)
		return 0;
	start = units[n - 1].at;
	for (unsigned i = n - 1; i-- > 0;) {
		size_t bytes = units[i + 1].at - units[i].at;

		if (is_sei(codec, units[i].type))
			continue;
		start -= bytes;
		memmove(data + start, data + units[i].at, bytes);
	}
	/* An access unit starts with a code of four bytes. */
	if (start && data[start + 2] == 1)
		data[--start] = 0;
	return start;
}
