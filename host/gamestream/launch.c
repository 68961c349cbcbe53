/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/launch.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto/hash.h"
#include "core/crypto/secret.h"

#define SIDE_MIN	16
#define SIDE_MAX	16384
#define REFRESH_MIN_MHZ 1000
#define REFRESH_MAX_MHZ 480000

/* Digits at *s, at most `max_digits`; moves *s past them. -1 without one. */
static int64_t take_number(const char **s, unsigned max_digits)
{
	int64_t v = -1;

	for (unsigned i = 0; **s >= '0' && **s <= '9'; i++, (*s)++) {
		if (i == max_digits)
			return -1;
		v = (v < 0 ? 0 : v) * 10 + (**s - '0');
	}
	return v;
}

/* The third part of `mode`: hertz, perhaps with a fraction; from 1000 on it is
 * millihertz (gamestream.md 9.5). */
static int64_t take_refresh_mhz(const char **s)
{
	int64_t v = take_number(s, 6), mhz;

	if (v < 0)
		return -1;
	if (v >= 1000)
		return **s ? -1 : v;
	mhz = v * 1000;
	if (**s == '.') {
		(*s)++;
		if (!**s)
			return -1;
		for (int64_t unit = 100; **s >= '0' && **s <= '9'; unit /= 10, (*s)++)
			mhz += (**s - '0') * unit;
	}
	return **s ? -1 : mhz;
}

static bool parse_mode(struct pf_gs_launch *l, const char *s)
{
	int64_t w, h, mhz;

	w = take_number(&s, 5);
	if (w < SIDE_MIN || w > SIDE_MAX || *s++ != 'x')
		return false;
	h = take_number(&s, 5);
	if (h < SIDE_MIN || h > SIDE_MAX || *s++ != 'x')
		return false;
	mhz = take_refresh_mhz(&s);
	/* Some clients ask 0 for "any" when they only resume. */
	if (mhz == 0)
		mhz = 60000;
	if (mhz < REFRESH_MIN_MHZ || mhz > REFRESH_MAX_MHZ)
		return false;
	l->width = (uint32_t)w;
	l->height = (uint32_t)h;
	l->refresh_mhz = (uint32_t)mhz;
	return true;
}

/* An optional number: `fallback` when it is not there, false when it is wrong. */
static bool optional(const struct pf_gs_query *q, const char *name, int64_t min, int64_t max,
	int64_t fallback, int64_t *out)
{
	int r = pf_gs_query_number(q, name, min, max, out);

	if (r == -ENOENT)
		*out = fallback;
	return r != -EINVAL;
}

/* 0 or 1, 0 when it is not there. */
static bool flag(const struct pf_gs_query *q, const char *name, bool *out)
{
	int64_t v;

	if (!optional(q, name, 0, 1, 0, &v))
		return false;
	*out = v;
	return true;
}

static bool parse_surround(struct pf_gs_launch *l, const struct pf_gs_query *q)
{
	int64_t v;

	if (!optional(q, "surroundAudioInfo", 0, UINT32_MAX, 0, &v))
		return false;
	l->channels = (uint32_t)v & 0xffff;
	l->channel_mask = (uint32_t)v >> 16;
	return !v || l->channels == 2 || l->channels == 6 || l->channels == 8;
}

/* Two names for one thing; both are sent, with the same value. */
static bool parse_gamepads(struct pf_gs_launch *l, const struct pf_gs_query *q)
{
	int64_t a, b;

	if (!optional(q, "gcmap", 0, UINT32_MAX, 0, &a) ||
		!optional(q, "remoteControllersBitmap", 0, UINT32_MAX, 0, &b))
		return false;
	l->gamepads = (uint32_t)(a | b);
	return true;
}

/* Apps write "1", "true" or nothing at all. */
static bool truthy(const char *s)
{
	return s && (!strcmp(s, "1") || !strcmp(s, "true"));
}

static int wrong(struct pf_reason *why, const char *name)
{
	return pf_reason_set(why, -EINVAL, "%s is missing or out of range", name);
}

int pf_gs_launch_parse(
	struct pf_gs_launch *out, const struct pf_gs_query *q, bool resume, struct pf_reason *why)
{
	struct pf_gs_launch l = *out;
	const char *mode = pf_gs_query_get(q, "mode");
	size_t key_len = 0;
	int64_t v;
	int r = 0;

	l.resume = resume;
	l.app_id = l.width = l.height = l.refresh_mhz = 0;
	if (pf_gs_query_hex(q, "rikey", l.rikey, sizeof(l.rikey), &key_len) ||
		key_len != sizeof(l.rikey)) {
		r = wrong(why, "rikey");
		goto out;
	}
	if (pf_gs_query_number(q, "rikeyid", INT32_MIN, INT32_MAX, &v)) {
		r = wrong(why, "rikeyid");
		goto out;
	}
	l.rikeyid = (int32_t)v;
	if (!optional(q, "appid", 1, INT32_MAX, 0, &v) || (!v && !resume)) {
		r = wrong(why, "appid");
		goto out;
	}
	l.app_id = (uint32_t)v;
	if (mode ? !parse_mode(&l, mode) : !resume) {
		r = wrong(why, "mode");
		goto out;
	}
	if (!resume && !pf_gs_query_get(q, "localAudioPlayMode")) {
		r = wrong(why, "localAudioPlayMode");
		goto out;
	}
	if (!flag(q, "localAudioPlayMode", &l.local_audio) || !flag(q, "sops", &l.sops) ||
		!flag(q, "hdrMode", &l.hdr) || !flag(q, "gcpersist", &l.gamepads_persist) ||
		!flag(q, "continuousAudio", &l.continuous_audio)) {
		r = pf_reason_set(why, -EINVAL, "a switch is neither 0 nor 1");
		goto out;
	}
	if (!optional(q, "corever", 0, INT32_MAX, 0, &v)) {
		r = wrong(why, "corever");
		goto out;
	}
	l.corever = (uint32_t)v;
	if (!parse_surround(&l, q)) {
		r = wrong(why, "surroundAudioInfo");
		goto out;
	}
	if (!parse_gamepads(&l, q)) {
		r = wrong(why, "gcmap");
		goto out;
	}
	l.virtual_display = truthy(pf_gs_query_get(q, "virtualDisplay"));
	if (!optional(q, "scaleFactor", 20, 400, 100, &v)) {
		r = wrong(why, "scaleFactor");
		goto out;
	}
	l.scale_percent = (uint32_t)v;
	*out = l;
out:
	pf_secret_wipe(&l, sizeof(l));
	return r;
}

struct pf_gs_keys {
	uint8_t pepper[16]; /* hashes mean nothing outside this memory */
	unsigned count, next;
	uint8_t seen[PF_GS_KEYS_MAX][16];
};

int pf_gs_keys_create(struct pf_gs_keys **out)
{
	struct pf_gs_keys *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	r = pf_random_bytes(k->pepper, sizeof(k->pepper));
	if (r) {
		free(k);
		return r;
	}
	*out = k;
	return 0;
}

void pf_gs_keys_destroy(struct pf_gs_keys *k)
{
	if (k)
		pf_secret_wipe(k, sizeof(*k));
	free(k);
}

int pf_gs_keys_take(struct pf_gs_keys *k, const uint8_t rikey[16])
{
	uint8_t hash[PF_SHA256_BYTES];
	struct pf_hash_part parts[] = { { k->pepper, sizeof(k->pepper) }, { rikey, 16 } };

	pf_sha256_parts(parts, 2, hash);
	for (unsigned i = 0; i < k->count; i++)
		if (!memcmp(k->seen[i], hash, sizeof(k->seen[i])))
			return -EEXIST;
	memcpy(k->seen[k->next], hash, sizeof(k->seen[0]));
	k->next = (k->next + 1) % PF_GS_KEYS_MAX;
	if (k->count < PF_GS_KEYS_MAX)
		k->count++;
	return 0;
}
