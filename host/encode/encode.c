/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/encode.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/encode/backends.h"
#include "pf_config.h"

static const struct pf_encoder_ops *const backends[] = {
#ifdef PF_HAVE_AVCODEC
	&nvenc_encoder_ops,
	&vaapi_encoder_ops,
	&x264_encoder_ops,
#endif
#ifdef PF_HAVE_OPENH264
	&openh264_encoder_ops,
#endif
#ifdef PF_HAVE_AVCODEC
	&x265_encoder_ops,
	&aom_encoder_ops,
#endif
	&null_encoder_ops,
	NULL,
};

const struct pf_encoder_ops *const *pf_encoder_backends(void)
{
	return backends;
}

const struct pf_encoder_ops *pf_encoder_find(const char *name)
{
	for (unsigned i = 0; backends[i]; i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

unsigned pf_encoder_threads(const struct pf_encoder_params *params)
{
	/* One thread of x264 ultrafast manages about 1080p30 on a slow core. */
	double wish = (double)params->width * params->height * params->fps_mhz / 1000 / 62.3e6;
	unsigned n = wish <= 2 ? 2 : wish >= 8 ? 8 : (unsigned)wish + 1;
	cpu_set_t set;

	if (params->threads)
		return params->threads;
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && n > (unsigned)CPU_COUNT(&set))
		n = (unsigned)CPU_COUNT(&set);
	return n;
}

uint32_t pf_encoder_vbv_bits(const struct pf_encoder_params *params, uint32_t kbps)
{
	double bits = kbps * 1000.0 * 1000 / params->fps_mhz * PF_ENCODER_VBV_FRAMES;

	return bits > INT32_MAX ? INT32_MAX : bits < 1000 ? 1000 : (uint32_t)bits;
}

static const char *codec_name(enum pf_codec codec)
{
	return codec == PF_CODEC_H264 ? "H.264" : codec == PF_CODEC_HEVC ? "HEVC" : "AV1";
}

const char *pf_encoder_shape_name(enum pf_encoder_shape shape)
{
	static const char *const names[PF_SHAPES] = { "4:2:0", "4:4:4", "10 bit", "4:4:4 10 bit" };

	return names[shape];
}

/* -ENOTSUP for what `ops` does not even claim. */
static int check_claim(const struct pf_encoder_ops *ops, enum pf_codec codec,
	enum pf_encoder_shape shape, struct pf_reason *why)
{
	if (!(ops->codecs & codec))
		return pf_reason_set(
			why, -ENOTSUP, "%s does not make %s", ops->name, codec_name(codec));
	if (shape != PF_SHAPE_420 && !(ops->shapes & 1u << shape))
		return pf_reason_set(why, -ENOTSUP, "%s does not make %s of %s", ops->name,
			codec_name(codec), pf_encoder_shape_name(shape));
	return 0;
}

int pf_encoder_probe(const struct pf_encoder_ops *ops, enum pf_codec codec, struct pf_reason *why)
{
	return pf_encoder_probe_shape(ops, codec, PF_SHAPE_420, why);
}

int pf_encoder_probe_shape(const struct pf_encoder_ops *ops, enum pf_codec codec,
	enum pf_encoder_shape shape, struct pf_reason *why)
{
	/* Above the smallest size that hardware encoders take. */
	const struct pf_encoder_params params = { .codec = codec,
		.shape = shape,
		.width = 320,
		.height = 240,
		.fps_mhz = 60000,
		.bitrate_kbps = 2000,
		.colour = PF_COLOUR_BT709 };
	struct pf_frame frame = { .refs = 1,
		.kind = PF_MEM_CPU,
		.format = PF_PIXEL_BGRX,
		.width = params.width,
		.height = params.height,
		.colour = PF_COLOUR_BT709,
		.plane_count = 1,
		.strides = { 4 * params.width },
		.acquire_fence = -1 };
	struct pf_encoder *enc = NULL;
	struct pf_packet packet = { 0 };
	int err = check_claim(ops, codec, shape, why);

	if (err)
		return err;
	frame.planes[0] = calloc(params.height, frame.strides[0]);
	if (!frame.planes[0])
		return pf_reason_set(why, -ENOMEM, "out of memory");
	err = ops->open(&enc, &params, why);
	if (!err) {
		err = ops->encode(enc, &frame, PF_ENCODE_IDR, &packet);
		if (err)
			pf_reason_set(why, err, "%s opens but does not encode: %s", ops->name,
				strerror(-err));
		else if (!packet.size)
			err = pf_reason_set(
				why, -ENODEV, "%s holds the first picture back", ops->name);
		ops->close(enc);
	}
	free(frame.planes[0]);
	return err;
}

static int try_backend(struct pf_encoder **out, const struct pf_encoder_ops *ops,
	const struct pf_encoder_params *params, struct pf_reason *why)
{
	int err = check_claim(ops, params->codec, params->shape, why);

	if (!err && ops->hardware)
		err = pf_encoder_probe_shape(ops, params->codec, params->shape, why);
	return err ? err : ops->open(out, params, why);
}

int pf_encoder_open(struct pf_encoder **out, const char *name,
	const struct pf_encoder_params *params, struct pf_reason *why)
{
	char said[160] = "";
	size_t len = 0;

	if (!params->width || !params->height || params->width % 2 || params->height % 2 ||
		params->width > 16384 || params->height > 16384)
		return pf_reason_set(why, -EINVAL,
			"a picture of %ux%u cannot be encoded: sizes are "
			"even and at most 16384",
			params->width, params->height);
	if (!params->fps_mhz || !params->bitrate_kbps)
		return pf_reason_set(why, -EINVAL, "an encoder needs a frame rate and a bitrate");
	if (name && strcmp(name, "auto")) {
		const struct pf_encoder_ops *ops = pf_encoder_find(name);

		if (!ops)
			return pf_reason_set(
				why, -ENOENT, "there is no encoder \"%s\" in this build", name);
		return try_backend(out, ops, params, why);
	}
	for (unsigned i = 0; backends[i]; i++) {
		struct pf_reason one = { 0 };
		int n;

		if (backends[i]->slow || backends[i]->synthetic ||
			!(backends[i]->codecs & params->codec))
			continue;
		if (!try_backend(out, backends[i], params, &one))
			return 0;
		n = snprintf(said + len, sizeof(said) - len, "%s%.48s", len ? "; " : "", one.text);
		len = n < 0 || len + (size_t)n >= sizeof(said) ? sizeof(said) - 1 : len + (size_t)n;
	}
	return pf_reason_set(why, -ENODEV,
		"no encoder makes %s here; install libavcodec59 or libopenh264-7 (%s)",
		codec_name(params->codec), len ? said : "none is built in");
}

/* May `ops` make a codec that nobody named an encoder for? */
static bool is_choice(const struct pf_encoder_ops *ops, bool named, bool software)
{
	return !ops->synthetic && (ops->hardware ? !named : software);
}

int pf_encoders_find(
	struct pf_encoders *out, const char *setting, uint32_t software, struct pf_reason *why)
{
	struct pf_encoders e = { 0 };
	const struct pf_encoder_ops *named = NULL;
	struct pf_reason one = { 0 };
	char said[160] = "";
	bool works = false;

	if (setting && strcmp(setting, "auto")) {
		named = pf_encoder_find(setting);
		if (!named)
			return pf_reason_set(why, -ENODEV,
				"there is no encoder \"%.40s\" in this build; `punktfunk-host "
				"encoders` lists them",
				setting);
	}
	for (unsigned i = 0; i < 3; i++) {
		uint32_t codec = 1u << i;
		bool mine = named && named->codecs & codec;

		for (unsigned b = 0; backends[b] && !e.by_codec[i]; b++) {
			const struct pf_encoder_ops *ops = backends[b];

			if (!(ops->codecs & codec) ||
				(mine ? ops != named : !is_choice(ops, named, software & codec)))
				continue;
			if (!pf_encoder_probe(ops, (enum pf_codec)codec, &one))
				e.by_codec[i] = ops;
			else if (!named || mine)
				snprintf(said, sizeof(said), "%.159s", one.text);
		}
		works |= e.by_codec[i] && (!named || mine);
		for (unsigned shape = 0; e.by_codec[i] && shape < PF_SHAPES; shape++)
			if (!pf_encoder_probe_shape(e.by_codec[i], (enum pf_codec)codec,
				    (enum pf_encoder_shape)shape, &one))
				e.shapes[i] |= 1u << shape;
	}
	if (!works)
		return pf_reason_set(why, -ENODEV,
			"no video encoder works here (%s); install libavcodec59 (with x264) or "
			"libopenh264-7, see `punktfunk-host encoders`",
			*said ? said : "none is built in");
	*out = e;
	return 0;
}
