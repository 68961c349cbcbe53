/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "core/wire/gs_sdp.h"

/* What the client library of 2026-08 sends for 1280x720@60, HEVC, stereo, in its
 * order (gamestream.md 3.5). */
static const char real[] = "v=0\r\no=android 0 14 IN IPv4 10.0.0.2\r\ns=NVIDIA Streaming Client\r\n"
			   "a=x-ml-general.featureFlags:3 \r\n"
			   "a=x-ss-general.encryptionEnabled:5 \r\n"
			   "a=x-ss-video[0].chromaSamplingType:0 \r\n"
			   "a=x-nv-video[0].clientViewportWd:1280 \r\n"
			   "a=x-nv-video[0].clientViewportHt:720 \r\n"
			   "a=x-nv-video[0].maxFPS:60 \r\n"
			   "a=x-nv-video[0].packetSize:1392 \r\n"
			   "a=x-nv-video[0].rateControlMode:4 \r\n"
			   "a=x-nv-video[0].timeoutLengthMs:7000 \r\n"
			   "a=x-nv-video[0].framesWithInvalidRefThreshold:0 \r\n"
			   "a=x-nv-video[0].initialBitrateKbps:16000 \r\n"
			   "a=x-nv-video[0].initialPeakBitrateKbps:16000 \r\n"
			   "a=x-nv-vqos[0].bw.minimumBitrateKbps:16000 \r\n"
			   "a=x-nv-vqos[0].bw.maximumBitrateKbps:16000 \r\n"
			   "a=x-ml-video.configuredBitrateKbps:20000 \r\n"
			   "a=x-nv-vqos[0].fec.enable:1 \r\n"
			   "a=x-nv-vqos[0].videoQualityScoreUpdateTime:5000 \r\n"
			   "a=x-nv-vqos[0].qosTrafficType:5 \r\n"
			   "a=x-nv-aqos.qosTrafficType:4 \r\n"
			   "a=x-nv-general.featureFlags:167 \r\n"
			   "a=x-nv-general.useReliableUdp:13 \r\n"
			   "a=x-nv-vqos[0].fec.minRequiredFecPackets:2 \r\n"
			   "a=x-nv-vqos[0].bllFec.enable:0 \r\n"
			   "a=x-nv-vqos[0].drc.enable:0 \r\n"
			   "a=x-nv-general.enableRecoveryMode:0 \r\n"
			   "a=x-nv-video[0].videoEncoderSlicesPerFrame:4 \r\n"
			   "a=x-nv-clientSupportHevc:1 \r\n"
			   "a=x-nv-vqos[0].bitStreamFormat:1 \r\n"
			   "a=x-nv-video[0].dynamicRangeMode:1 \r\n"
			   "a=x-nv-video[0].maxNumReferenceFrames:1 \r\n"
			   "a=x-nv-video[0].clientRefreshRateX100:5994 \r\n"
			   "a=x-nv-audio.surround.numChannels:2 \r\n"
			   "a=x-nv-audio.surround.channelMask:3 \r\n"
			   "a=x-nv-audio.surround.enable:0 \r\n"
			   "a=x-nv-audio.surround.AudioQuality:0 \r\n"
			   "a=x-nv-aqos.packetDuration:5 \r\n"
			   "a=x-nv-video[0].encoderCscMode:3 \r\n"
			   "t=0 0\r\nm=video 47998  \r\n";

/* What cannot be left out. */
static const char least[] = "a=x-nv-video[0].clientViewportWd:1920\r\n"
			    "a=x-nv-video[0].clientViewportHt:1080\r\n"
			    "a=x-nv-video[0].maxFPS:60\r\n"
			    "a=x-nv-video[0].packetSize:1024\r\n"
			    "a=x-nv-vqos[0].bw.maximumBitrateKbps:8000\r\n"
			    "a=x-nv-general.useReliableUdp:13\r\n"
			    "a=x-nv-audio.surround.numChannels:6\r\n";

/* `least` with the value of one attribute replaced, or the line left out (NULL),
 * or added where `least` has none. */
static int parse_with(
	struct pf_gs_announce *out, const char *name, const char *value, struct pf_reason *why)
{
	char text[1024], line[128];
	size_t n = 0;
	bool found = false;

	for (const char *p = least; *p;) {
		const char *end = strstr(p, "\r\n") + 2;
		size_t len = strlen(name);

		if (!strncmp(p + 2, name, len) && p[2 + len] == ':') {
			found = true;
			if (value)
				n += (size_t)snprintf(
					text + n, sizeof(text) - n, "a=%s:%s\r\n", name, value);
		} else {
			memcpy(text + n, p, (size_t)(end - p));
			n += (size_t)(end - p);
		}
		p = end;
	}
	if (!found && value) {
		size_t len = (size_t)snprintf(line, sizeof(line), "a=%s:%s \r\n", name, value);

		memcpy(text + n, line, len);
		n += len;
	}
	return pf_gs_announce_parse(out, text, n, why);
}

static void assert_refused(const char *name, const char *value)
{
	struct pf_gs_announce a = { .width = 7 };
	struct pf_reason why = { 0 };

	assert_int_equal(parse_with(&a, name, value, &why), -EINVAL);
	assert_int_equal(why.code, -EINVAL);
	/* The words name the culprit. */
	assert_non_null(strstr(why.text, name));
	assert_int_equal(a.width, 7);
}

static void assert_taken(const char *name, const char *value)
{
	struct pf_gs_announce a;

	assert_int_equal(parse_with(&a, name, value, NULL), 0);
}

static void a_real_announce(void **state)
{
	struct pf_gs_announce a;
	struct pf_reason why;

	assert_int_equal(pf_gs_announce_parse(&a, real, strlen(real), &why), 0);
	assert_int_equal(
		a.present, ((1u << PF_GS_ATTR_COUNT) - 1) & ~(1u << PF_GS_ATTR_INTRA_REFRESH));
	assert_int_equal(a.ml_features, PF_GS_ML_FEC_STATUS | PF_GS_ML_SESSION_IDS);
	assert_int_equal(a.encryption, PF_GS_ENC_CONTROL_V2 | PF_GS_ENC_AUDIO);
	assert_true(a.audio_encrypted);
	assert_int_equal(a.width, 1280);
	assert_int_equal(a.height, 720);
	assert_int_equal(a.max_fps_mhz, 60000);
	assert_int_equal(a.fps_mhz, 59940);
	assert_int_equal(a.packet_size, 1392);
	assert_int_equal(a.maximum_kbps, 16000);
	assert_int_equal(a.configured_kbps, 20000);
	assert_int_equal(a.codec, PF_GS_CODEC_HEVC);
	assert_true(a.ten_bit);
	assert_false(a.yuv444);
	assert_true(a.full_range);
	assert_int_equal(a.colour, PF_GS_COLOUR_BT709);
	assert_int_equal(a.reference_frames, 1);
	assert_int_equal(a.slices, 4);
	assert_int_equal(a.min_fec_packets, 2);
	assert_int_equal(a.video_qos, 5);
	assert_int_equal(a.audio_qos, 4);
	assert_int_equal(a.reliable_udp, 13);
	assert_int_equal(a.nv_features, 167);
	assert_int_equal(a.channels, 2);
	assert_int_equal(a.channel_mask, 3);
	assert_false(a.surround);
	assert_false(a.high_quality);
	assert_int_equal(a.packet_duration_ms, 5);
}

static void what_is_absent_is_neutral(void **state)
{
	struct pf_gs_announce a;

	assert_int_equal(pf_gs_announce_parse(&a, least, strlen(least), NULL), 0);
	assert_int_equal(a.ml_features, 0);
	assert_int_equal(a.encryption, 0);
	assert_false(a.audio_encrypted);
	assert_int_equal(a.fps_mhz, 60000);
	assert_int_equal(a.configured_kbps, 0);
	assert_int_equal(a.codec, PF_GS_CODEC_H264);
	assert_int_equal(a.colour, PF_GS_COLOUR_BT601);
	assert_int_equal(a.reference_frames, 1);
	assert_int_equal(a.slices, 1);
	assert_int_equal(a.min_fec_packets, 0);
	assert_int_equal(a.channel_mask, 63);
	assert_int_equal(a.packet_duration_ms, 5);
	/* Old clients ask for encrypted sound by the other flag. */
	assert_int_equal(parse_with(&a, "x-nv-general.featureFlags", "32", NULL), 0);
	assert_true(a.audio_encrypted);
	assert_int_equal(parse_with(&a, "x-nv-audio.surround.numChannels", "8", NULL), 0);
	assert_int_equal(a.channel_mask, 1599);
}

static void what_must_be_there(void **state)
{
	static const char *const needed[] = {
		"x-nv-video[0].clientViewportWd",
		"x-nv-video[0].clientViewportHt",
		"x-nv-video[0].maxFPS",
		"x-nv-video[0].packetSize",
		"x-nv-vqos[0].bw.maximumBitrateKbps",
		"x-nv-general.useReliableUdp",
		"x-nv-audio.surround.numChannels",
	};
	struct pf_gs_announce a;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		assert_refused(needed[i], NULL);
	assert_int_equal(pf_gs_announce_parse(&a, "", 0, NULL), -EINVAL);
}

static void bounds(void **state)
{
	static const struct {
		const char *name, *value;
	} refused[] = {
		{ "x-nv-video[0].clientViewportWd", "0" },
		{ "x-nv-video[0].clientViewportWd", "63" },
		{ "x-nv-video[0].clientViewportWd", "16385" },
		{ "x-nv-video[0].clientViewportWd", "-1280" },
		{ "x-nv-video[0].clientViewportWd", "99999999999" },
		{ "x-nv-video[0].clientViewportWd", "4294968576" },
		{ "x-nv-video[0].clientViewportWd", "1280px" },
		{ "x-nv-video[0].clientViewportWd", "" },
		{ "x-nv-video[0].clientViewportHt", "721" },
		{ "x-nv-video[0].clientViewportHt", "62" },
		{ "x-nv-video[0].maxFPS", "0" },
		{ "x-nv-video[0].maxFPS", "481" },
		{ "x-nv-video[0].maxFPS", "4000" },
		{ "x-nv-video[0].maxFPS", "480001" },
		{ "x-nv-video[0].packetSize", "31" },
		{ "x-nv-video[0].packetSize", "496" },
		{ "x-nv-video[0].packetSize", "1000" },
		{ "x-nv-video[0].packetSize", "1472" },
		{ "x-nv-vqos[0].bw.maximumBitrateKbps", "0" },
		{ "x-nv-vqos[0].bw.maximumBitrateKbps", "500001" },
		{ "x-ml-video.configuredBitrateKbps", "499" },
		{ "x-ml-video.configuredBitrateKbps", "500001" },
		{ "x-nv-vqos[0].bitStreamFormat", "3" },
		{ "x-nv-video[0].dynamicRangeMode", "2" },
		{ "x-ss-video[0].chromaSamplingType", "2" },
		{ "x-nv-video[0].encoderCscMode", "6" },
		{ "x-nv-video[0].maxNumReferenceFrames", "17" },
		{ "x-nv-video[0].videoEncoderSlicesPerFrame", "0" },
		{ "x-nv-video[0].videoEncoderSlicesPerFrame", "17" },
		{ "x-nv-general.useReliableUdp", "1" },
		{ "x-nv-audio.surround.numChannels", "3" },
		{ "x-nv-audio.surround.numChannels", "9" },
		{ "x-nv-aqos.packetDuration", "0" },
		{ "x-nv-aqos.packetDuration", "7" },
		{ "x-nv-aqos.packetDuration", "20" },
	};
	static const char twice[] = "a=x-nv-video[0].maxFPS:60\r\na=x-nv-video[0].maxFPS:60\r\n";
	struct pf_gs_announce a;
	struct pf_reason why;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_refused(refused[i].name, refused[i].value);
	assert_taken("x-nv-video[0].clientViewportWd", "16384");
	assert_taken("x-nv-video[0].clientViewportHt", "64");
	assert_taken("x-nv-video[0].packetSize", "512");
	assert_taken("x-nv-video[0].packetSize", "1456");
	assert_taken("x-nv-video[0].maxFPS", "1");
	assert_taken("x-ml-video.configuredBitrateKbps", "500");
	assert_taken("x-ml-video.configuredBitrateKbps", "500000");
	/* What the client took its parity off may be below 500. */
	assert_taken("x-nv-vqos[0].bw.maximumBitrateKbps", "400");
	/* Capped, not refused. */
	assert_int_equal(
		parse_with(&a, "x-nv-vqos[0].fec.minRequiredFecPackets", "4000000000", NULL), 0);
	assert_int_equal(a.min_fec_packets, PF_GS_MIN_FEC_MAX);
	assert_int_equal(pf_gs_announce_parse(&a, twice, strlen(twice), &why), -EINVAL);
	assert_non_null(strstr(why.text, "twice"));
}

static void other_lines_do_nothing(void **state)
{
	char text[1024];
	struct pf_gs_announce a;
	int n = snprintf(text, sizeof(text),
		"\r\n\n=\na\na=\na=x\na=:\na=x-nv-video[0].maxFPS \nb=x-nv-video[0].maxFPS:1\n"
		"a=x-nv-video[0].maxFPSx:1\na=x-nv-video[1].maxFPS:1\n%s "
		"a=x-nv-aqos.packetDuration:7",
		least);

	assert_int_equal(pf_gs_announce_parse(&a, text, (size_t)n, NULL), 0);
	assert_int_equal(a.max_fps_mhz, 60000);
	/* No line end behind the last one, and plain LF. */
	n = snprintf(text, sizeof(text), "%sa=x-nv-aqos.packetDuration:10", least);
	assert_int_equal(pf_gs_announce_parse(&a, text, (size_t)n, NULL), 0);
	assert_int_equal(a.packet_duration_ms, 10);
}

static uint32_t rate(const char *fps, const char *refresh)
{
	char text[1024];
	struct pf_gs_announce a;
	int n = snprintf(text, sizeof(text),
		"a=x-nv-video[0].clientViewportWd:1280\na=x-nv-video[0].clientViewportHt:720\n"
		"a=x-nv-video[0].packetSize:1024\na=x-ml-video.configuredBitrateKbps:10000\n"
		"a=x-nv-general.useReliableUdp:13\na=x-nv-audio.surround.numChannels:2\n"
		"a=x-nv-video[0].maxFPS:%s\na=x-nv-video[0].clientRefreshRateX100:%s\n",
		fps, refresh);

	assert_int_equal(pf_gs_announce_parse(&a, text, (size_t)n, NULL), 0);
	return a.fps_mhz;
}

static void exact_rates(void **state)
{
	assert_int_equal(rate("60", "0"), 60000);
	assert_int_equal(rate("60", "5994"), 59940);
	assert_int_equal(rate("60", "5940"), 59400);
	assert_int_equal(rate("60", "5939"), 60000);
	assert_int_equal(rate("60", "6060"), 60600);
	assert_int_equal(rate("60", "6061"), 60000);
	/* The panel's rate, not the stream's. */
	assert_int_equal(rate("30", "12000"), 30000);
	assert_int_equal(rate("60", "4294967295"), 60000);
	/* Above 4000 the rate itself counts in mHz, exact already. */
	assert_int_equal(rate("59940", "6000"), 59940);
	assert_int_equal(rate("4001", "0"), 4001);
	assert_int_equal(rate("480000", "0"), 480000);
	assert_int_equal(rate("480", "0"), 480000);
}

static void encoder_bitrate(void **state)
{
	struct pf_gs_announce a = {
		.configured_kbps = 20000, .maximum_kbps = 16000, .channels = 2
	};

	/* 16000 - 192 - 500 */
	assert_int_equal(pf_gs_announce_encoder_kbps(&a, 20, false), 15308);
	/* 16000 - 512 - 500 */
	assert_int_equal(pf_gs_announce_encoder_kbps(&a, 20, true), 14988);
	assert_int_equal(pf_gs_announce_encoder_kbps(&a, 0, true), 18988);
	/* Sound takes a fifth, control a tenth at most: 800 - 160 - 64. */
	a.configured_kbps = 1000;
	assert_int_equal(pf_gs_announce_encoder_kbps(&a, 20, false), 576);
	/* Silly parity leaves something. */
	a.configured_kbps = 20000;
	assert_int_equal(pf_gs_announce_encoder_kbps(&a, 255, false),
		pf_gs_announce_encoder_kbps(&a, 80, false));
	a.configured_kbps = 500;
	assert_int_equal(pf_gs_announce_encoder_kbps(&a, 80, true), 250);
	a.configured_kbps = 500000;
	a.channels = 8;
	assert_int_equal(pf_gs_announce_encoder_kbps(&a, 20, true), 400000 - 2048 - 500);
	/* Older clients did it themselves. */
	a.configured_kbps = 0;
	assert_int_equal(pf_gs_announce_encoder_kbps(&a, 20, true), 16000);
}

static void announce_round_trip(void **state)
{
	struct pf_gs_announce a, back;
	char text[4096], again[4096];
	int len;

	assert_int_equal(pf_gs_announce_parse(&a, real, strlen(real), NULL), 0);
	len = pf_gs_announce_build(&a, "10.0.0.2", 47998, text, sizeof(text));
	assert_true(len > 0);
	/* The same three lines at the head. */
	assert_memory_equal(text, real, (size_t)(strstr(real, "a=x-") - real));
	assert_int_equal(pf_gs_announce_parse(&back, text, (size_t)len, NULL), 0);
	assert_int_equal(back.present, a.present);
	assert_int_equal(back.fps_mhz, a.fps_mhz);
	assert_int_equal(back.audio_encrypted, a.audio_encrypted);
	assert_int_equal(pf_gs_announce_build(&back, "10.0.0.2", 47998, again, sizeof(again)), len);
	assert_memory_equal(again, text, (size_t)len);
	assert_int_equal(
		pf_gs_announce_build(&a, "10.0.0.2", 47998, text, (size_t)len - 1), -ENOBUFS);
	assert_true(pf_gs_announce_build(&a, "[fe80::1]", 47998, text, sizeof(text)) > 0);
	text[64] = 0;
	assert_non_null(strstr(text, "IN IPv6 [fe80::1]"));
}

static void describe(void **state)
{
	static const char want[] = "a=x-ss-general.featureFlags:3\r\n"
				   "a=x-ss-general.encryptionSupported:7\r\n"
				   "a=x-ss-general.encryptionRequested:1\r\n"
				   "a=x-nv-video[0].refPicInvalidation:1\r\n"
				   "sprop-parameter-sets=AAAAAU\r\n"
				   "a=rtpmap:98 AV1/90000\r\n"
				   "a=fmtp:97 surround-params=642012453\r\n"
				   "a=fmtp:97 surround-params=660012345\r\n"
				   "a=fmtp:97 surround-params=85301245673\r\n"
				   "a=fmtp:97 surround-params=88001234567\r\n";
	struct pf_gs_describe d = { 3, 7, 1,
		PF_GS_MODE_H264 | PF_GS_MODE_HEVC | PF_GS_MODE_HEVC_10 | PF_GS_MODE_AV1_10, true };
	struct pf_gs_describe back;
	char text[1024];
	int len = pf_gs_describe_build(&d, text, sizeof(text));

	assert_int_equal(len, strlen(want));
	assert_memory_equal(text, want, (size_t)len);
	assert_int_equal(pf_gs_describe_build(&d, text, (size_t)len - 1), -ENOBUFS);
	assert_int_equal(pf_gs_describe_parse(&back, text, (size_t)len), 0);
	assert_int_equal(back.features, 3);
	assert_int_equal(back.encryption_supported, 7);
	assert_int_equal(back.encryption_requested, 1);
	assert_int_equal(back.modes, PF_GS_MODE_H264 | PF_GS_MODE_HEVC | PF_GS_MODE_AV1);
	assert_true(back.ref_invalidation);

	/* Markers follow the mask: none for a codec that is not in it. */
	d.modes = PF_GS_MODE_H264 | PF_GS_MODE_H264_444;
	d.ref_invalidation = false;
	len = pf_gs_describe_build(&d, text, sizeof(text));
	assert_true(len > 0);
	assert_int_equal(pf_gs_describe_parse(&back, text, (size_t)len), 0);
	assert_int_equal(back.modes, PF_GS_MODE_H264);
	assert_false(back.ref_invalidation);
	d.modes = PF_GS_MODE_H264 | PF_GS_MODE_AV1_444;
	len = pf_gs_describe_build(&d, text, sizeof(text));
	assert_int_equal(pf_gs_describe_parse(&back, text, (size_t)len), 0);
	assert_int_equal(back.modes, PF_GS_MODE_H264 | PF_GS_MODE_AV1);

	d.modes = 2;
	assert_int_equal(pf_gs_describe_build(&d, text, sizeof(text)), -EINVAL);
	d.modes = PF_GS_MODE_H264;
	d.encryption_supported = PF_GS_ENC_CONTROL_V2;
	d.encryption_requested = PF_GS_ENC_VIDEO;
	assert_int_equal(pf_gs_describe_build(&d, text, sizeof(text)), -EINVAL);
	assert_int_equal(pf_gs_describe_parse(&back, "", 0), -EINVAL);
	assert_int_equal(pf_gs_describe_parse(&back, "a\0b", 3), -EINVAL);
}

/* The client's own way of reading gives identity layouts. */
static void layouts(void **state)
{
	static const struct {
		unsigned channels;
		bool high;
		uint8_t streams, coupled;
	} want[] = { { 6, false, 4, 2 }, { 6, true, 6, 0 }, { 8, false, 5, 3 }, { 8, true, 8, 0 } };
	struct pf_gs_describe d = { .modes = PF_GS_MODE_H264 };
	struct pf_gs_opus_layout l;
	char text[1024];
	int len = pf_gs_describe_build(&d, text, sizeof(text));

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(pf_gs_describe_layout(
					 &l, text, (size_t)len, want[i].channels, want[i].high),
			0);
		assert_int_equal(l.streams, want[i].streams);
		assert_int_equal(l.coupled, want[i].coupled);
		for (unsigned c = 0; c < want[i].channels; c++)
			assert_int_equal(l.mapping[c], c);
	}
	assert_int_equal(pf_gs_describe_layout(&l, text, (size_t)len, 2, false), -ENOENT);
	assert_int_equal(pf_gs_describe_layout(&l, text, (size_t)len - 3, 8, true), -ENOENT);
	assert_int_equal(pf_gs_describe_layout(&l, text, 0, 8, true), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_announce),
		cmocka_unit_test(what_is_absent_is_neutral),
		cmocka_unit_test(what_must_be_there),
		cmocka_unit_test(bounds),
		cmocka_unit_test(other_lines_do_nothing),
		cmocka_unit_test(exact_rates),
		cmocka_unit_test(encoder_bitrate),
		cmocka_unit_test(announce_round_trip),
		cmocka_unit_test(describe),
		cmocka_unit_test(layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
