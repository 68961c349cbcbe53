/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What programs and the kernel write to a PlayStation pad. First byte: bit 0 the
 * model, bit 1 whether the rest is an output report, which gets its checksum, or an
 * event as it is read from /dev/uhid. */
#include <linux/uhid.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "host/pads/uhid.h"
#include "tests/fuzz/fuzz.h"

static unsigned heard;

static void feedback(void *user, const struct pf_pad_feedback *fb)
{
	heard++;
	FUZZ_CHECK(fb->pad == 5);
	switch (fb->kind) {
	case PF_PAD_FB_RUMBLE:
		FUZZ_CHECK(fb->rumble.low % 257 == 0 && fb->rumble.high % 257 == 0);
		break;
	case PF_PAD_FB_TRIGGERS:
		FUZZ_CHECK(fb->triggers.set_left || fb->triggers.set_right);
		break;
	default:
		FUZZ_CHECK(fb->kind == PF_PAD_FB_LED ||
			   (fb->kind == PF_PAD_FB_PLAYER && fb->player < 32));
	}
}

/* Each request has one answer, which fits. */
static void take_answers(int fd, const struct uhid_event *ev)
{
	struct uhid_event got;
	unsigned replies = 0;
	ssize_t n;

	while ((n = recv(fd, &got, sizeof(got), MSG_DONTWAIT)) > 0) {
		FUZZ_CHECK(n >= 4);
		if (got.type == UHID_INPUT2 || got.type == UHID_CREATE2)
			continue;
		replies++;
		FUZZ_CHECK(got.type == UHID_GET_REPORT_REPLY || got.type == UHID_SET_REPORT_REPLY);
		if (got.type == UHID_SET_REPORT_REPLY)
			continue;
		FUZZ_CHECK(got.u.get_report_reply.id == ev->u.get_report.id);
		FUZZ_CHECK(got.u.get_report_reply.size <= PF_UHID_REPORT_BYTES);
		FUZZ_CHECK(!got.u.get_report_reply.err == !!got.u.get_report_reply.size);
		if (got.u.get_report_reply.size)
			FUZZ_CHECK(got.u.get_report_reply.data[0] == ev->u.get_report.rnum);
	}
	FUZZ_CHECK(replies == (ev->type == UHID_GET_REPORT || ev->type == UHID_SET_REPORT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_pad_device_params params = { .pad = 5, .name = "fuzz", .feedback = feedback };
	struct pf_uhid_paths paths = { .input = "/nowhere", .dev = "/nowhere" };
	struct uhid_event ev = { 0 };
	struct pf_pad_device *d;
	unsigned first;
	int fds[2];

	if (!size || size > sizeof(ev))
		return 0;
	params.kind = data[0] & 1 ? PF_PAD_DUALSENSE : PF_PAD_DUALSHOCK4;
	if (data[0] & 2) {
		uint8_t *report = ev.u.output.data;

		if (size > PF_UHID_REPORT_BYTES)
			return 0;
		ev.type = UHID_OUTPUT;
		ev.u.output.size = PF_UHID_REPORT_BYTES;
		ev.u.output.rtype = UHID_OUTPUT_REPORT;
		memcpy(report, data + 1, size - 1);
		pf_uhid_put32(report + 74, pf_uhid_crc(0xa2, report, 74));
		size = sizeof(ev);
	} else {
		size--;
		memcpy(&ev, data + 1, size);
	}
	if (size < sizeof(ev.type) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds))
		return 0;
	if (!pf_uhid_open(&d, &params, fds[1], &paths, NULL)) {
		heard = 0;
		FUZZ_CHECK(send(fds[0], &ev, size, 0) == (ssize_t)size);
		d->ops->readable(d);
		take_answers(fds[0], &ev);
		/* The same again is no news. */
		first = heard;
		FUZZ_CHECK(first <= 4);
		FUZZ_CHECK(send(fds[0], &ev, size, 0) == (ssize_t)size);
		d->ops->readable(d);
		FUZZ_CHECK(heard == first);
		take_answers(fds[0], &ev);
		d->ops->close(d);
	}
	close(fds[0]);
	return 0;
}
