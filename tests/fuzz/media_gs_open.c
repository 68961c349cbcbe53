/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The way in of an ENet payload or a sealed RTSP message. First byte: bit 0 = the
 * rest arrives as it is, else it is sealed first; bit 1 = RTSP; bit 2 = the old
 * control scheme. Second byte: where a sealed one is spoilt, 0 = nowhere. */
#include <errno.h>
#include <string.h>
#include "core/media/gs_seal.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t key[PF_AES128_KEY_BYTES] = { 1, 2, 3 };

/* Everything is opened twice: the second time it is a replay. */
static void open_control(const uint8_t *packet, size_t len, enum pf_gs_scheme scheme, int want)
{
	static struct pf_gs_ctl_seal s;
	uint8_t out[PF_GS_CTL_MSG_MAX];
	struct pf_gs_ctl m;
	int got;

	FUZZ_CHECK(!pf_gs_ctl_seal_init(&s, key, PF_GS_FROM_HOST, scheme));
	got = pf_gs_ctl_open(&s, packet, len, out);
	if (want)
		FUZZ_CHECK(got == want);
	FUZZ_CHECK(got >= PF_GS_CTL_HEAD_BYTES || got == -EPROTO || got == -EBADMSG);
	if (got > 0) {
		pf_gs_ctl_parse(&m, PF_GS_FROM_CLIENT, out, (size_t)got);
		FUZZ_CHECK(pf_gs_ctl_open(&s, packet, len, out) == -EEXIST);
	} else {
		FUZZ_CHECK(!s.seen.any);
	}
	pf_gs_ctl_seal_finish(&s);
}

static void open_rtsp(const uint8_t *packet, size_t len, int want)
{
	static char out[PF_GS_RTSP_MAX];
	struct pf_gs_rtsp_seal s;
	struct pf_gs_rtsp_request r;
	int got;

	FUZZ_CHECK(!pf_gs_rtsp_seal_init(&s, key, PF_GS_FROM_HOST));
	got = pf_gs_rtsp_open(&s, packet, len, out, sizeof(out));
	if (want)
		FUZZ_CHECK(got == want);
	/* Sequence 0 authenticates only where we sealed it, and we begin at 1. */
	FUZZ_CHECK(got > 0 || got == -EPROTO || got == -EBADMSG);
	if (got > 0) {
		pf_gs_rtsp_parse(&r, out, (size_t)got);
		FUZZ_CHECK(pf_gs_rtsp_open(&s, packet, len, out, sizeof(out)) == -EEXIST);
	} else {
		FUZZ_CHECK(!s.last);
	}
	pf_gs_rtsp_seal_finish(&s);
}

static void spoil(uint8_t *packet, int len, uint8_t place)
{
	packet[len - place] ^= 0x10;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packet[PF_GS_RTSP_PACKET_MAX];
	static struct pf_gs_ctl_seal ctl;
	enum pf_gs_scheme scheme;
	struct pf_gs_rtsp_seal rtsp;
	const uint8_t *body = data + 2;
	size_t len = size - 2;
	int sealed, want;

	if (size < 2)
		return 0;
	scheme = data[0] & 4 ? PF_GS_SCHEME_OLD : PF_GS_SCHEME_V2;
	if (data[0] & 1) {
		if (data[0] & 2)
			open_rtsp(body, len, 0);
		else
			open_control(body, len, scheme, 0);
		return 0;
	}
	if (data[0] & 2) {
		FUZZ_CHECK(!pf_gs_rtsp_seal_init(&rtsp, key, PF_GS_FROM_CLIENT));
		rtsp.next += data[0] >> 3;
		sealed = pf_gs_rtsp_seal(&rtsp, body, len, packet, sizeof(packet));
		pf_gs_rtsp_seal_finish(&rtsp);
		want = (int)len;
	} else {
		FUZZ_CHECK(!pf_gs_ctl_seal_init(&ctl, key, PF_GS_FROM_CLIENT, scheme));
		ctl.next = (data[0] >> 3) * 1000003u;
		sealed = pf_gs_ctl_seal(&ctl, body, len, packet, sizeof(packet));
		pf_gs_ctl_seal_finish(&ctl);
		want = len < PF_GS_CTL_HEAD_BYTES ? -EPROTO : (int)len;
	}
	FUZZ_CHECK(sealed > 0 || sealed == -EMSGSIZE);
	if (sealed < 0)
		return 0;
	if (data[1] && data[1] <= sealed) {
		spoil(packet, sealed, data[1]);
		want = 0;
	}
	if (data[0] & 2)
		open_rtsp(packet, (size_t)sealed, want);
	else
		open_control(packet, (size_t)sealed, scheme, want);
	return 0;
}
