/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/gs_sdp.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "core/base/bytes.h"

#define RELIABLE_UDP_ENCRYPTED 13
#define MHZ_FROM	       4000 /* maxFPS above this counts in mHz */
#define ENCODER_KBPS_MIN       250
#define CONTROL_KBPS	       500
#define AUDIO_KBPS_NORMAL      96 /* for each channel, parity and heads included */
#define AUDIO_KBPS_HIGH	       256
#define FEC_PERCENT_MAX	       80

/* Bounds, or what an absent attribute reads as. */
static const struct {
	const char *name;
	uint32_t min, max;
	uint32_t neutral;
	bool needed;
} rows[PF_GS_ATTR_COUNT] = {
	[PF_GS_ATTR_ML_FEATURES] = { "x-ml-general.featureFlags", 0, UINT32_MAX, 0, false },
	[PF_GS_ATTR_ENCRYPTION] = { "x-ss-general.encryptionEnabled", 0, UINT32_MAX, 0, false },
	[PF_GS_ATTR_CHROMA] = { "x-ss-video[0].chromaSamplingType", 0, 1, 0, false },
	[PF_GS_ATTR_INTRA_REFRESH] = { "x-ss-video[0].intraRefresh", 0, 1, 0, false },
	[PF_GS_ATTR_WIDTH] = { "x-nv-video[0].clientViewportWd", PF_GS_SIDE_MIN, PF_GS_SIDE_MAX, 0,
		true },
	[PF_GS_ATTR_HEIGHT] = { "x-nv-video[0].clientViewportHt", PF_GS_SIDE_MIN, PF_GS_SIDE_MAX, 0,
		true },
	[PF_GS_ATTR_MAX_FPS] = { "x-nv-video[0].maxFPS", 1, PF_GS_FPS_MHZ_MAX, 0, true },
	[PF_GS_ATTR_REFRESH_X100] = { "x-nv-video[0].clientRefreshRateX100", 0, UINT32_MAX, 0,
		false },
	[PF_GS_ATTR_PACKET_SIZE] = { "x-nv-video[0].packetSize", PF_GS_PACKET_SIZE_MIN,
		PF_GS_PACKET_SIZE_MAX, 0, true },
	[PF_GS_ATTR_MAXIMUM_KBPS] = { "x-nv-vqos[0].bw.maximumBitrateKbps", 0, UINT32_MAX, 0,
		false },
	[PF_GS_ATTR_CONFIGURED_KBPS] = { "x-ml-video.configuredBitrateKbps", PF_GS_KBPS_MIN,
		PF_GS_KBPS_MAX, 0, false },
	[PF_GS_ATTR_CODEC] = { "x-nv-vqos[0].bitStreamFormat", 0, PF_GS_CODEC_AV1, 0, false },
	[PF_GS_ATTR_DYNAMIC_RANGE] = { "x-nv-video[0].dynamicRangeMode", 0, 1, 0, false },
	[PF_GS_ATTR_CSC_MODE] = { "x-nv-video[0].encoderCscMode", 0, PF_GS_COLOUR_BT2020 << 1 | 1,
		0, false },
	/* One reference frame is what every decoder can do. */
	[PF_GS_ATTR_REFERENCE_FRAMES] = { "x-nv-video[0].maxNumReferenceFrames", 0, 16, 1, false },
	[PF_GS_ATTR_SLICES] = { "x-nv-video[0].videoEncoderSlicesPerFrame", 1, PF_GS_SLICES_MAX, 1,
		false },
	[PF_GS_ATTR_MIN_FEC] = { "x-nv-vqos[0].fec.minRequiredFecPackets", 0, UINT32_MAX, 0,
		false },
	[PF_GS_ATTR_VIDEO_QOS] = { "x-nv-vqos[0].qosTrafficType", 0, UINT32_MAX, 0, false },
	[PF_GS_ATTR_AUDIO_QOS] = { "x-nv-aqos.qosTrafficType", 0, UINT32_MAX, 0, false },
	[PF_GS_ATTR_RELIABLE_UDP] = { "x-nv-general.useReliableUdp", RELIABLE_UDP_ENCRYPTED,
		RELIABLE_UDP_ENCRYPTED, 0, true },
	[PF_GS_ATTR_NV_FEATURES] = { "x-nv-general.featureFlags", 0, UINT32_MAX, 0, false },
	[PF_GS_ATTR_CHANNELS] = { "x-nv-audio.surround.numChannels", 2, 8, 0, true },
	[PF_GS_ATTR_CHANNEL_MASK] = { "x-nv-audio.surround.channelMask", 0, UINT32_MAX, 0, false },
	[PF_GS_ATTR_SURROUND] = { "x-nv-audio.surround.enable", 0, 1, 0, false },
	[PF_GS_ATTR_AUDIO_QUALITY] = { "x-nv-audio.surround.AudioQuality", 0, 1, 0, false },
	[PF_GS_ATTR_PACKET_DURATION] = { "x-nv-aqos.packetDuration", 5, 10, 5, false },
};

struct values {
	uint32_t v[PF_GS_ATTR_COUNT];
	uint32_t present;
};

static bool has(const struct values *in, enum pf_gs_attr a)
{
	return in->present >> a & 1;
}

static bool number(const char *p, size_t len, uint32_t *out)
{
	uint64_t v = 0;

	if (!len || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	if (v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static int wrong(struct pf_reason *why, enum pf_gs_attr a, const char *what)
{
	return pf_reason_set(why, -EINVAL, "ANNOUNCE: %s %s", rows[a].name, what);
}

static int out_of_bounds(struct pf_reason *why, enum pf_gs_attr a, uint32_t value)
{
	return pf_reason_set(why, -EINVAL,
		"ANNOUNCE: %s is %" PRIu32 ", not within %" PRIu32 " to %" PRIu32, rows[a].name,
		value, rows[a].min, rows[a].max);
}

/* One line "a=name:value" without its end; lines of other kinds do nothing. */
static int take_line(struct values *in, const char *p, size_t len, struct pf_reason *why)
{
	const char *colon;
	size_t name_len;

	if (len < 2 || p[0] != 'a' || p[1] != '=')
		return 0;
	p += 2;
	len -= 2;
	colon = memchr(p, ':', len);
	if (!colon)
		return 0;
	name_len = (size_t)(colon - p);
	len -= name_len + 1;
	while (len && (colon[len] == ' ' || colon[len] == '\r'))
		len--;
	for (unsigned a = 0; a < PF_GS_ATTR_COUNT; a++) {
		if (strlen(rows[a].name) != name_len || memcmp(p, rows[a].name, name_len))
			continue;
		if (has(in, a))
			return wrong(why, a, "is given twice");
		if (!number(colon + 1, len, &in->v[a]))
			return wrong(why, a, "is not a number");
		if (in->v[a] < rows[a].min || in->v[a] > rows[a].max)
			return out_of_bounds(why, a, in->v[a]);
		in->present |= 1u << a;
		return 0;
	}
	return 0;
}

static int take_text(struct values *in, const char *p, size_t len, struct pf_reason *why)
{
	while (len) {
		const char *lf = memchr(p, '\n', len);
		size_t line = lf ? (size_t)(lf - p) : len;
		int err = take_line(in, p, line, why);

		if (err)
			return err;
		line += lf != NULL;
		p += line;
		len -= line;
	}
	for (unsigned a = 0; a < PF_GS_ATTR_COUNT; a++) {
		if (has(in, a))
			continue;
		if (rows[a].needed)
			return wrong(why, a, "is missing");
		in->v[a] = rows[a].neutral;
	}
	return 0;
}

/* Rules that the table cannot say. */
static int check(const struct values *in, struct pf_reason *why)
{
	const uint32_t *v = in->v;

	if (v[PF_GS_ATTR_HEIGHT] % 2)
		return wrong(why, PF_GS_ATTR_HEIGHT, "is odd");
	if (v[PF_GS_ATTR_PACKET_SIZE] % 16)
		return wrong(why, PF_GS_ATTR_PACKET_SIZE, "is no multiple of 16");
	if (v[PF_GS_ATTR_MAX_FPS] <= MHZ_FROM && v[PF_GS_ATTR_MAX_FPS] > PF_GS_FPS_MHZ_MAX / 1000)
		return wrong(why, PF_GS_ATTR_MAX_FPS, "is above 480");
	if (v[PF_GS_ATTR_CHANNELS] != 2 && v[PF_GS_ATTR_CHANNELS] != 6 &&
		v[PF_GS_ATTR_CHANNELS] != 8)
		return wrong(why, PF_GS_ATTR_CHANNELS, "is none of 2, 6, 8");
	if (v[PF_GS_ATTR_PACKET_DURATION] != 5 && v[PF_GS_ATTR_PACKET_DURATION] != 10)
		return wrong(why, PF_GS_ATTR_PACKET_DURATION, "is neither 5 nor 10");
	if (has(in, PF_GS_ATTR_CONFIGURED_KBPS))
		return 0;
	if (!has(in, PF_GS_ATTR_MAXIMUM_KBPS))
		return wrong(why, PF_GS_ATTR_MAXIMUM_KBPS, "is missing");
	/* No lower bound of 500 here: the client has taken its parity off already. */
	if (!v[PF_GS_ATTR_MAXIMUM_KBPS] || v[PF_GS_ATTR_MAXIMUM_KBPS] > PF_GS_KBPS_MAX)
		return wrong(why, PF_GS_ATTR_MAXIMUM_KBPS, "is not within 1 to 500000");
	return 0;
}

static uint32_t default_mask(uint32_t channels)
{
	return channels == 8 ? 1599 : channels == 6 ? 63 : 3;
}

/* The client's refresh rate where it is an exact form of the rate it asks for;
 * some send their panel's, whatever they ask for. */
static uint32_t rate_to_serve(uint32_t asked_mhz, uint32_t refresh_x100, bool exact)
{
	int64_t off = (int64_t)refresh_x100 * 10 - asked_mhz;

	if (exact || !refresh_x100 || (off < 0 ? -off : off) > asked_mhz / 100)
		return asked_mhz;
	return refresh_x100 * 10;
}

int pf_gs_announce_parse(
	struct pf_gs_announce *out, const void *text, size_t len, struct pf_reason *why)
{
	struct values in = { .present = 0 };
	const uint32_t *v = in.v;
	int err = take_text(&in, text, len, why);
	bool in_mhz;

	if (!err)
		err = check(&in, why);
	if (err)
		return err;
	in_mhz = v[PF_GS_ATTR_MAX_FPS] > MHZ_FROM;
	*out = (struct pf_gs_announce){
		.present = in.present,
		.ml_features = v[PF_GS_ATTR_ML_FEATURES],
		.encryption = v[PF_GS_ATTR_ENCRYPTION],
		.audio_encrypted = v[PF_GS_ATTR_ENCRYPTION] & PF_GS_ENC_AUDIO ||
				   v[PF_GS_ATTR_NV_FEATURES] & PF_GS_NV_AUDIO_ENCRYPTION,
		.width = (uint16_t)v[PF_GS_ATTR_WIDTH],
		.height = (uint16_t)v[PF_GS_ATTR_HEIGHT],
		.max_fps_mhz = v[PF_GS_ATTR_MAX_FPS] * (in_mhz ? 1 : 1000),
		.refresh_x100 = v[PF_GS_ATTR_REFRESH_X100],
		.packet_size = (uint16_t)v[PF_GS_ATTR_PACKET_SIZE],
		.maximum_kbps = v[PF_GS_ATTR_MAXIMUM_KBPS],
		.configured_kbps = v[PF_GS_ATTR_CONFIGURED_KBPS],
		.codec = (enum pf_gs_codec)v[PF_GS_ATTR_CODEC],
		.ten_bit = v[PF_GS_ATTR_DYNAMIC_RANGE],
		.yuv444 = v[PF_GS_ATTR_CHROMA],
		.full_range = v[PF_GS_ATTR_CSC_MODE] & 1,
		.colour = (enum pf_gs_colour)(v[PF_GS_ATTR_CSC_MODE] >> 1),
		.intra_refresh = v[PF_GS_ATTR_INTRA_REFRESH],
		.reference_frames = (uint8_t)v[PF_GS_ATTR_REFERENCE_FRAMES],
		.slices = (uint8_t)v[PF_GS_ATTR_SLICES],
		.min_fec_packets = v[PF_GS_ATTR_MIN_FEC] < PF_GS_MIN_FEC_MAX
					   ? (uint8_t)v[PF_GS_ATTR_MIN_FEC]
					   : PF_GS_MIN_FEC_MAX,
		.video_qos = v[PF_GS_ATTR_VIDEO_QOS],
		.audio_qos = v[PF_GS_ATTR_AUDIO_QOS],
		.reliable_udp = (uint8_t)v[PF_GS_ATTR_RELIABLE_UDP],
		.nv_features = v[PF_GS_ATTR_NV_FEATURES],
		.channels = (uint8_t)v[PF_GS_ATTR_CHANNELS],
		.channel_mask = has(&in, PF_GS_ATTR_CHANNEL_MASK)
					? v[PF_GS_ATTR_CHANNEL_MASK]
					: default_mask(v[PF_GS_ATTR_CHANNELS]),
		.surround = v[PF_GS_ATTR_SURROUND],
		.high_quality = v[PF_GS_ATTR_AUDIO_QUALITY],
		.packet_duration_ms = (uint8_t)v[PF_GS_ATTR_PACKET_DURATION],
	};
	out->fps_mhz = rate_to_serve(out->max_fps_mhz, out->refresh_x100, in_mhz);
	return 0;
}

int pf_gs_announce_build(const struct pf_gs_announce *a, const char *address, uint16_t video_port,
	char *buf, size_t cap)
{
	const uint32_t v[PF_GS_ATTR_COUNT] = {
		[PF_GS_ATTR_ML_FEATURES] = a->ml_features,
		[PF_GS_ATTR_ENCRYPTION] = a->encryption,
		[PF_GS_ATTR_CHROMA] = a->yuv444,
		[PF_GS_ATTR_INTRA_REFRESH] = a->intra_refresh,
		[PF_GS_ATTR_WIDTH] = a->width,
		[PF_GS_ATTR_HEIGHT] = a->height,
		[PF_GS_ATTR_MAX_FPS] =
			a->max_fps_mhz % 1000 ? a->max_fps_mhz : a->max_fps_mhz / 1000,
		[PF_GS_ATTR_REFRESH_X100] = a->refresh_x100,
		[PF_GS_ATTR_PACKET_SIZE] = a->packet_size,
		[PF_GS_ATTR_MAXIMUM_KBPS] = a->maximum_kbps,
		[PF_GS_ATTR_CONFIGURED_KBPS] = a->configured_kbps,
		[PF_GS_ATTR_CODEC] = a->codec,
		[PF_GS_ATTR_DYNAMIC_RANGE] = a->ten_bit,
		[PF_GS_ATTR_CSC_MODE] = (uint32_t)a->colour << 1 | a->full_range,
		[PF_GS_ATTR_REFERENCE_FRAMES] = a->reference_frames,
		[PF_GS_ATTR_SLICES] = a->slices,
		[PF_GS_ATTR_MIN_FEC] = a->min_fec_packets,
		[PF_GS_ATTR_VIDEO_QOS] = a->video_qos,
		[PF_GS_ATTR_AUDIO_QOS] = a->audio_qos,
		[PF_GS_ATTR_RELIABLE_UDP] = a->reliable_udp,
		[PF_GS_ATTR_NV_FEATURES] = a->nv_features,
		[PF_GS_ATTR_CHANNELS] = a->channels,
		[PF_GS_ATTR_CHANNEL_MASK] = a->channel_mask,
		[PF_GS_ATTR_SURROUND] = a->surround,
		[PF_GS_ATTR_AUDIO_QUALITY] = a->high_quality,
		[PF_GS_ATTR_PACKET_DURATION] = a->packet_duration_ms,
	};
	struct pf_writer w = pf_writer(buf, cap);

	pf_wr_printf(&w, "v=0\r\no=android 0 14 IN %s %s\r\ns=NVIDIA Streaming Client\r\n",
		strchr(address, ':') ? "IPv6" : "IPv4", address);
	for (unsigned i = 0; i < PF_GS_ATTR_COUNT; i++)
		if (a->present >> i & 1)
			pf_wr_printf(&w, "a=%s:%" PRIu32 " \r\n", rows[i].name, v[i]);
	pf_wr_printf(&w, "t=0 0\r\nm=video %u  \r\n", video_port);
	return w.err ? -ENOBUFS : (int)w.len;
}

static uint64_t less(uint64_t kbps, uint64_t cost, uint64_t at_most)
{
	return kbps - (cost < at_most ? cost : at_most);
}

uint32_t pf_gs_announce_encoder_kbps(
	const struct pf_gs_announce *a, unsigned fec_percent, bool high_audio)
{
	uint64_t kbps = a->configured_kbps;
	uint64_t audio = (uint64_t)a->channels * (high_audio ? AUDIO_KBPS_HIGH : AUDIO_KBPS_NORMAL);

	if (!kbps) {
		kbps = a->maximum_kbps;
	} else {
		/* A little more than the parity itself: heads of packets are in it. */
		kbps = kbps *
		       (100 - (fec_percent < FEC_PERCENT_MAX ? fec_percent : FEC_PERCENT_MAX)) /
		       100;
		kbps = less(kbps, audio, kbps / 5);
		kbps = less(kbps, CONTROL_KBPS, kbps / 10);
	}
	return kbps < ENCODER_KBPS_MIN ? ENCODER_KBPS_MIN : (uint32_t)kbps;
}

#define MARK_HEVC     "sprop-parameter-sets=AAAAAU"
#define MARK_AV1      "AV1/90000"
#define MARK_RFI      "x-nv-video[0].refPicInvalidation"
#define MARK_SURROUND "a=fmtp:97 surround-params="

/* Channels, streams, coupled, mapping; normal before high quality. The client moves
 * the last entry of a normal line to place 3: LFE stands last in these. */
static const char *const layouts[] = { "642012453", "660012345", "85301245673", "88001234567" };

int pf_gs_describe_build(const struct pf_gs_describe *d, char *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);

	if (!(d->modes & (PF_GS_MODES_H264 | PF_GS_MODES_HEVC | PF_GS_MODES_AV1)) ||
		d->encryption_requested & ~d->encryption_supported)
		return -EINVAL;
	pf_wr_printf(&w, "a=x-ss-general.featureFlags:%" PRIu32 "\r\n", d->features);
	pf_wr_printf(
		&w, "a=x-ss-general.encryptionSupported:%" PRIu32 "\r\n", d->encryption_supported);
	pf_wr_printf(
		&w, "a=x-ss-general.encryptionRequested:%" PRIu32 "\r\n", d->encryption_requested);
	if (d->ref_invalidation)
		pf_wr_printf(&w, "a=" MARK_RFI ":1\r\n");
	if (d->modes & PF_GS_MODES_HEVC)
		pf_wr_printf(&w, MARK_HEVC "\r\n");
	if (d->modes & PF_GS_MODES_AV1)
		pf_wr_printf(&w, "a=rtpmap:98 " MARK_AV1 "\r\n");
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		pf_wr_printf(&w, MARK_SURROUND "%s\r\n", layouts[i]);
	return w.err ? -ENOBUFS : (int)w.len;
}

/* What stands behind the first `mark` in [p, end), or NULL. */
static const char *behind(const char *p, const char *end, const char *mark)
{
	size_t n = strlen(mark);

	for (; (size_t)(end - p) >= n; p++)
		if (!memcmp(p, mark, n))
			return p + n;
	return NULL;
}

static uint32_t value_of(const char *p, const char *end, const char *name)
{
	size_t len = 0;
	uint32_t v = 0;

	p = behind(p, end, name);
	if (p)
		p = memchr(p, ':', (size_t)(end - p));
	if (!p)
		return 0;
	p++;
	while (p + len < end && p[len] >= '0' && p[len] <= '9')
		len++;
	return number(p, len, &v) ? v : 0;
}

int pf_gs_describe_parse(struct pf_gs_describe *out, const void *text, size_t len)
{
	const char *p = text, *end = p + len;

	if (!len || memchr(p, 0, len))
		return -EINVAL;
	*out = (struct pf_gs_describe){
		.features = value_of(p, end, "x-ss-general.featureFlags"),
		.encryption_supported = value_of(p, end, "x-ss-general.encryptionSupported"),
		.encryption_requested = value_of(p, end, "x-ss-general.encryptionRequested"),
		.modes = PF_GS_MODE_H264 | (behind(p, end, MARK_HEVC) ? PF_GS_MODE_HEVC : 0) |
			 (behind(p, end, MARK_AV1) ? PF_GS_MODE_AV1 : 0),
		.ref_invalidation = behind(p, end, MARK_RFI) != NULL,
	};
	return 0;
}

int pf_gs_describe_layout(struct pf_gs_opus_layout *out, const void *text, size_t len,
	unsigned channels, bool high_quality)
{
	const char *p = text, *end = p + len;
	struct pf_gs_opus_layout l;
	char mark[sizeof(MARK_SURROUND) + 1];
	uint8_t digits[10];

	if (!len || (channels != 6 && channels != 8))
		return -ENOENT;
	snprintf(mark, sizeof(mark), "%s%u", MARK_SURROUND, channels);
	p = behind(p, end, mark);
	if (p && high_quality)
		p = behind(p, end, mark);
	if (!p || (size_t)(end - p) < channels + 2)
		return -ENOENT;
	for (unsigned i = 0; i < channels + 2; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -ENOENT;
		digits[i] = (uint8_t)(p[i] - '0');
	}
	memset(&l, 0, sizeof(l));
	l.streams = digits[0];
	l.coupled = digits[1];
	memcpy(l.mapping, digits + 2, channels);
	if (!high_quality) {
		l.mapping[3] = digits[2 + channels - 1];
		memcpy(l.mapping + 4, digits + 2 + 3, channels - 4);
	}
	*out = l;
	return 0;
}
