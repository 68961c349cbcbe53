/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the original said on the wire: we read it, and would write the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "core/wire/pf1_control.h"
#include "core/wire/pf1_handshake.h"
#include "tests/unit/recorded.h"

static void same_bytes(const uint8_t *msg, size_t len, const uint8_t *ours, int n)
{
	assert_int_equal(n, len);
	assert_memory_equal(ours, msg, len);
}

static bool is_control(const uint8_t *msg, size_t len)
{
	return len > 4 && !memcmp(msg, "PKFc", 4);
}

static void check_control(const uint8_t *msg, size_t len, unsigned seen[256])
{
	uint8_t buf[256];
	struct pf_ctl m;

	assert_int_equal(pf_ctl_parse(&m, msg, len), 0);
	assert_int_equal(m.type, msg[4]);
	seen[m.type]++;
	same_bytes(msg, len, buf, pf_ctl_build(&m, buf, sizeof(buf)));
}

static void a_client(void **state)
{
	unsigned seen[256] = { 0 }, hellos = 0, starts = 0, sessions = 0;
	const uint8_t *msg;
	struct recorded r;
	size_t len;

	recorded_open(&r, "client");
	while ((msg = recorded_next(&r, &len)) != NULL) {
		struct pf_hello h;
		struct pf_start s;
		uint8_t buf[512];

		if (!len) {
			sessions++;
		} else if (is_control(msg, len)) {
			check_control(msg, len, seen);
		} else if (len == 6) {
			starts++;
			assert_int_equal(pf_start_parse(&s, msg, len), 0);
			assert_int_not_equal(s.client_udp_port, 0);
			same_bytes(msg, len, buf, pf_start_build(&s, buf, sizeof(buf)));
		} else {
			assert_int_equal(pf_hello_parse(&h, msg, len), 0);
			assert_int_equal(h.width, 1280);
			assert_int_equal(h.height, 720);
			assert_int_equal(h.refresh_hz, 60);
			assert_string_equal(h.name, "punktfunk-probe");
			assert_int_equal(h.launch[0], 0);
			assert_int_equal(h.video_caps & ~0x41, 0x38);
			assert_int_equal(h.max_shard_payload, 9152);
			if (!hellos++) {
				/* The first asked for all it could. */
				assert_int_equal(h.compositor, PF_COMPOSITOR_WLROOTS);
				assert_int_equal(h.gamepad, 2);
				assert_int_equal(h.bitrate_kbps, 12345);
				assert_int_equal(h.video_caps, 0x79);
				assert_int_equal(h.audio_channels, 6);
				assert_int_equal(h.video_codecs, 7);
				assert_int_equal(h.preferred_codec, PF_CODEC_HEVC);
				assert_true(h.has_display_hdr);
				assert_int_equal(h.client_caps, 0x10);
				assert_int_equal(h.audio_rate_hz, 96000);
				assert_int_equal(h.audio_bits, 24);
			}
			same_bytes(msg, len, buf, pf_hello_build(&h, buf, sizeof(buf)));
		}
	}
	assert_int_equal(sessions, 7);
	assert_int_equal(hellos, 6);
	assert_int_equal(starts, 6);
	assert_int_equal(seen[PF_CTL_CLOCK_PROBE], 12);
	assert_int_equal(seen[PF_CTL_RECONFIGURE], 1);
	assert_int_equal(seen[PF_CTL_SET_BITRATE], 1);
	assert_int_equal(seen[PF_CTL_PROBE_REQUEST], 1);
	assert_int_equal(seen[PF_CTL_CURSOR_RENDER_MODE], 1);
	assert_true(seen[PF_CTL_REQUEST_KEYFRAME] > 1 && seen[PF_CTL_LOSS_REPORT] > 1);
	assert_int_equal(seen[PF_CTL_PAIR_REQUEST], 1);
	assert_int_equal(seen[PF_CTL_PAIR_PROOF], 1);
}

static void a_host(void **state)
{
	unsigned seen[256] = { 0 }, welcomes = 0;
	const uint8_t *msg;
	struct recorded r;
	size_t len;

	recorded_open(&r, "host");
	while ((msg = recorded_next(&r, &len)) != NULL) {
		struct pf_welcome w;
		uint8_t buf[256];

		if (!len)
			continue;
		if (is_control(msg, len)) {
			check_control(msg, len, seen);
			continue;
		}
		welcomes++;
		assert_int_equal(pf_welcome_parse(&w, msg, len), 0);
		assert_int_equal(w.width, 1280);
		assert_int_equal(w.fec_scheme, 1);
		assert_int_equal(w.fec_percent, 10);
		assert_int_equal(w.max_data_per_block, 4096);
		assert_int_equal(w.shard_payload, 1408);
		assert_int_equal(w.frames, 400);
		assert_int_equal(w.codec, PF_CODEC_H264);
		assert_int_equal(w.cipher, PF_CIPHER_CHACHA20_POLY1305);
		assert_true(w.host_caps & PF_HOST_CAP_PAD_SNAPSHOTS);
		assert_int_equal(w.grants, PF_GRANT_ALL);
		same_bytes(msg, len, buf, pf_welcome_build(&w, buf, sizeof(buf)));
	}
	assert_int_equal(welcomes, 2);
	assert_int_equal(seen[PF_CTL_CLOCK_ECHO], 4);
	assert_int_equal(seen[PF_CTL_BITRATE_CHANGED], 3);
	assert_int_equal(seen[PF_CTL_RECONFIGURED], 2);
	assert_int_equal(seen[PF_CTL_PROBE_RESULT], 1);
	assert_int_equal(seen[PF_CTL_CLIP_STATE], 1);
	assert_int_equal(seen[PF_CTL_PAIR_CHALLENGE], 1);
	assert_int_equal(seen[PF_CTL_PAIR_RESULT], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client),
		cmocka_unit_test(a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
