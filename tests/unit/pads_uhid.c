/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A PlayStation pad with this test in the kernel's place: /dev/uhid is a socket, its
 * nodes are files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/uhid.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/pads/uhid.h"

struct bed {
	int kernel; /* our end */
	struct pf_pad_device *d;
	struct uhid_event created;
	struct pf_pad_feedback heard[16];
	unsigned count;
	char dir[64], input[96], dev[96];
	uint64_t now_ns;
};

static void feedback(void *user, const struct pf_pad_feedback *fb)
{
	struct bed *b = user;

	assert_true(b->count < 16);
	b->heard[b->count++] = *fb;
}

static const struct pf_uhid_model *model_of(enum pf_pad_kind kind)
{
	return kind == PF_PAD_DUALSENSE ? &pf_uhid_dualsense : &pf_uhid_ds4;
}

static void open_as(struct bed *b, enum pf_pad_kind kind, const char *client)
{
	struct pf_pad_device_params params = {
		.kind = kind, .pad = 3, .name = client, .feedback = feedback, .user = b
	};
	struct pf_uhid_paths paths;
	int fds[2];

	memset(b, 0, sizeof(*b));
	strcpy(b->dir, "/tmp/pf-uhid-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->input, sizeof(b->input), "%s/class", b->dir);
	snprintf(b->dev, sizeof(b->dev), "%s/dev", b->dir);
	paths = (struct pf_uhid_paths){ .input = b->input, .dev = b->dev };
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	b->kernel = fds[0];
	assert_int_equal(pf_uhid_open(&b->d, &params, fds[1], &paths, NULL), 0);
	assert_int_equal(recv(b->kernel, &b->created, sizeof(b->created), 0), sizeof(b->created));
	assert_int_equal(b->created.type, UHID_CREATE2);
	b->now_ns = pf_clock_mono_ns();
}

static void finish(struct bed *b)
{
	char cmd[128];

	b->d->ops->close(b->d);
	close(b->kernel);
	snprintf(cmd, sizeof(cmd), "rm -r %s", b->dir);
	assert_int_equal(system(cmd), 0);
}

/* The next report, 0 if there is none; replies are passed over. */
static size_t next(struct bed *b, uint8_t report[PF_UHID_REPORT_BYTES])
{
	struct uhid_event ev;
	ssize_t n;

	while ((n = recv(b->kernel, &ev, sizeof(ev), 0)) > 0) {
		if (ev.type != UHID_INPUT2)
			continue;
		assert_int_equal(n, 4 + 2 + PF_UHID_REPORT_BYTES);
		assert_int_equal(ev.u.input2.size, PF_UHID_REPORT_BYTES);
		memcpy(report, ev.u.input2.data, PF_UHID_REPORT_BYTES);
		return ev.u.input2.size;
	}
	return 0;
}

/* The body of the only report that waits: the part that is the same on USB. */
static const uint8_t *body(struct bed *b, uint8_t report[PF_UHID_REPORT_BYTES])
{
	uint8_t more[PF_UHID_REPORT_BYTES];
	uint32_t crc;

	assert_int_equal(next(b, report), PF_UHID_REPORT_BYTES);
	assert_int_equal(next(b, more), 0);
	crc = pf_uhid_crc(0xa1, report, 74);
	for (int i = 0; i < 4; i++)
		assert_int_equal(report[74 + i], crc >> (8 * i) & 0xff);
	assert_true(report[0] == 0x31 || report[0] == 0x11);
	return report + (report[0] == 0x31 ? 2 : 3);
}

static void drain(struct bed *b)
{
	uint8_t report[PF_UHID_REPORT_BYTES];

	while (next(b, report))
		;
}

static void say(struct bed *b, const struct uhid_event *ev, size_t len)
{
	assert_int_equal(send(b->kernel, ev, len, 0), len);
	b->d->ops->readable(b->d);
}

static void output(struct bed *b, const uint8_t *report, size_t len)
{
	struct uhid_event ev = { .type = UHID_OUTPUT };

	memcpy(ev.u.output.data, report, len);
	ev.u.output.size = (uint16_t)len;
	ev.u.output.rtype = UHID_OUTPUT_REPORT;
	say(b, &ev, sizeof(ev));
}

static void seal(uint8_t report[PF_UHID_REPORT_BYTES])
{
	pf_uhid_put32(report + 74, pf_uhid_crc(0xa2, report, 74));
}

static void time_passes(struct bed *b, unsigned ms)
{
	b->now_ns += ms * PF_NS_PER_MS;
	while (b->d->due_ns && b->d->due_ns <= b->now_ns)
		b->d->ops->tick(b->d, b->d->due_ns);
}

static void checksum(void **state)
{
	/* The check value of CRC-32. */
	assert_int_equal(pf_uhid_crc('1', (const uint8_t *)"23456789", 8), 0xcbf43926);
}

static void what_is_made(void **state)
{
	const enum pf_pad_kind kinds[] = { PF_PAD_DUALSHOCK4, PF_PAD_DUALSENSE };
	const uint32_t products[] = { 0x09cc, 0x0ce6 };

	char client[64];

	/* Addresses are of the whole machine, where this test may run twice. */
	snprintf(client, sizeof(client), "Bad\n%d\xff", (int)getpid());
	for (int i = 0; i < 2; i++) {
		struct bed a, b;
		const struct uhid_create2_req *c = &a.created.u.create2;

		open_as(&a, kinds[i], client);
		open_as(&b, kinds[i], client);
		assert_int_equal(c->bus, 5);
		assert_int_equal(c->vendor, 0x054c);
		assert_int_equal(c->product, products[i]);
		assert_int_equal(c->rd_size, model_of(kinds[i])->descriptor_len);
		/* Games know them by the maker's names. */
		assert_string_equal((const char *)c->name,
			i ? "DualSense Wireless Controller" : "Wireless Controller");
		assert_memory_equal(c->phys, "punktfunk/Bad?", 14);
		assert_non_null(strstr((const char *)c->phys, "/pad4"));
		/* An address that no maker gave, and no second time. */
		assert_int_equal(strlen((const char *)c->uniq), 17);
		assert_int_equal(strtol((const char *)c->uniq, NULL, 16) & 3, 2);
		assert_string_not_equal(
			(const char *)c->uniq, (const char *)b.created.u.create2.uniq);
		finish(&b);
		open_as(&b, kinds[i], client + 1);
		assert_string_not_equal(
			(const char *)c->uniq, (const char *)b.created.u.create2.uniq);
		finish(&b);
		finish(&a);
		/* The same one next time. */
		open_as(&b, kinds[i], client);
		assert_string_equal((const char *)c->uniq, (const char *)b.created.u.create2.uniq);
		finish(&b);
	}
}

static void long_names_are_cut(void **state)
{
	char name[400];
	struct bed b;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	open_as(&b, PF_PAD_DUALSENSE, name);
	assert_non_null(memchr(b.created.u.create2.phys, 0, sizeof(b.created.u.create2.phys)));
	assert_non_null(strstr((char *)b.created.u.create2.phys, "/pad4"));
	finish(&b);
}

/* Bits of each report that a descriptor declares, by kind and number. */
static void measure(const struct pf_uhid_model *m, unsigned bits[3][256])
{
	unsigned size = 0, count = 0, id = 0;

	for (size_t i = 0; i < m->descriptor_len;) {
		uint8_t tag = m->descriptor[i] & 0xfc;
		unsigned n = m->descriptor[i] & 3, v = 0;

		assert_true(i + n < m->descriptor_len);
		for (unsigned j = 0; j < n; j++)
			v |= (unsigned)m->descriptor[i + 1 + j] << (8 * j);
		i += 1 + n;
		if (tag == 0x74)
			size = v;
		else if (tag == 0x94)
			count = v;
		else if (tag == 0x84)
			id = v;
		else if (tag == 0x80 || tag == 0x90 || tag == 0xb0)
			bits[tag == 0x80 ? 0 : tag == 0x90 ? 1 : 2][id] += size * count;
	}
}

static void descriptors_fit_reports(void **state)
{
	const struct pf_uhid_model *models[] = { &pf_uhid_ds4, &pf_uhid_dualsense };
	const uint8_t ids[] = { 0x11, 0x31 };
	static const uint8_t mac[6] = { 2, 3, 4, 5, 6, 7 };

	for (int i = 0; i < 2; i++) {
		unsigned bits[3][256] = { 0 };

		measure(models[i], bits);
		for (unsigned id = 0; id < 256; id++) {
			uint8_t out[PF_UHID_FEATURE_BYTES] = { 0 };
			size_t len = models[i]->feature(out, (uint8_t)id, mac);
			unsigned is_report = id == ids[i] ? 8 * (PF_UHID_REPORT_BYTES - 1) : 0;

			assert_int_equal(bits[0][id], is_report);
			assert_int_equal(bits[1][id], is_report);
			assert_int_equal(bits[2][id], len ? 8 * (len - 1) : 0);
			assert_true(len <= sizeof(out));
			if (len)
				assert_int_equal(out[0], id);
		}
	}
}

static void buttons(void **st)
{
	/* Byte and bit of the body: DualSense, DualShock 4. */
	static const struct {
		uint32_t button;
		uint8_t ds[2], ds4[2];
	} rows[] = {
		{ PF_PAD_X, { 7, 0x10 }, { 4, 0x10 } },
		{ PF_PAD_A, { 7, 0x20 }, { 4, 0x20 } },
		{ PF_PAD_B, { 7, 0x40 }, { 4, 0x40 } },
		{ PF_PAD_Y, { 7, 0x80 }, { 4, 0x80 } },
		{ PF_PAD_LB, { 8, 0x01 }, { 5, 0x01 } },
		{ PF_PAD_RB, { 8, 0x02 }, { 5, 0x02 } },
		{ PF_PAD_BACK, { 8, 0x10 }, { 5, 0x10 } },
		{ PF_PAD_START, { 8, 0x20 }, { 5, 0x20 } },
		{ PF_PAD_L3, { 8, 0x40 }, { 5, 0x40 } },
		{ PF_PAD_R3, { 8, 0x80 }, { 5, 0x80 } },
		{ PF_PAD_GUIDE, { 9, 0x01 }, { 6, 0x01 } },
		{ PF_PAD_TOUCHPAD, { 9, 0x02 }, { 6, 0x02 } },
		{ PF_PAD_MISC, { 9, 0x04 }, { 0, 0 } },
		{ PF_PAD_PADDLE1, { 0, 0 }, { 0, 0 } },
	};

	for (int ds = 0; ds < 2; ds++) {
		uint8_t hat_at = ds ? 7 : 4, r[PF_UHID_REPORT_BYTES];
		const uint8_t *p;
		struct bed b;

		open_as(&b, ds ? PF_PAD_DUALSENSE : PF_PAD_DUALSHOCK4, "c");
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const uint8_t *at = ds ? rows[i].ds : rows[i].ds4;

			b.d->ops->state(b.d, &(struct pf_pad_state){ .buttons = rows[i].button });
			if (!at[1]) {
				/* Nothing is left down, and nothing else goes down. */
				b.d->ops->state(b.d, &(struct pf_pad_state){ 0 });
				drain(&b);
				continue;
			}
			p = body(&b, r);
			for (uint8_t j = hat_at; j < hat_at + 3; j++) {
				uint8_t want = j == at[0] ? at[1] : 0;
				/* The counter of the DualShock 4 shares a byte. */
				uint8_t mask = j == 6 && !ds ? 0x03 : 0xff;

				assert_int_equal(p[j] & mask, want | (j == hat_at ? 8 : 0));
			}
			b.d->ops->state(b.d, &(struct pf_pad_state){ .buttons = rows[i].button });
			assert_int_equal(next(&b, r), 0);
		}
		b.d->ops->release(b.d);
		drain(&b);
		b.d->ops->state(b.d, &(struct pf_pad_state){ .lt = 1, .rt = 255 });
		p = body(&b, r);
		assert_int_equal(p[ds ? 4 : 7], 1);
		assert_int_equal(p[ds ? 5 : 8], 255);
		assert_int_equal(p[ds ? 8 : 5], 0x0c);
		finish(&b);
	}
}

static void sticks_and_hat(void **st)
{
	static const uint8_t hats[16] = { 8, 0, 4, 8, 6, 7, 5, 6, 2, 1, 3, 2, 8, 0, 4, 8 };

	assert_int_equal(pf_uhid_axis(0, false), 128);
	assert_int_equal(pf_uhid_axis(0, true), 128);
	assert_int_equal(pf_uhid_axis(-32768, false), 0);
	assert_int_equal(pf_uhid_axis(32767, false), 255);
	assert_int_equal(pf_uhid_axis(-32768, true), 255);
	assert_int_equal(pf_uhid_axis(32767, true), 0);
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(pf_uhid_hat(i), hats[i]);
}

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static void motion(void **st)
{
	uint8_t r[PF_UHID_REPORT_BYTES];
	const uint8_t *p;
	struct bed b;

	open_as(&b, PF_PAD_DUALSENSE, "c");
	b.d->ops->motion(b.d, true, 1.0f, -0.0625f, 2000.0f);
	p = body(&b, r);
	assert_int_equal(le16(p + 15), 16);
	assert_int_equal(le16(p + 17), 0xffff);
	assert_int_equal(le16(p + 19), 32000);
	assert_int_equal(le16(p + 23), 8192); /* lies on a table until told else */
	b.d->ops->motion(b.d, false, 9.80665f, -9.80665f, 0);
	p = body(&b, r);
	assert_int_equal(le16(p + 21), 8192);
	assert_int_equal(le16(p + 23), 0xe000);
	assert_int_equal(le16(p + 25), 0);
	b.d->ops->motion(b.d, true, 1e30f, -INFINITY, NAN);
	p = body(&b, r);
	assert_int_equal(le16(p + 15), 0x7fff);
	assert_int_equal(le16(p + 17), 0x8000);
	assert_int_equal(le16(p + 19), 0);
	/* A turn without end is what a lost pad must not leave. */
	b.d->ops->release(b.d);
	p = body(&b, r);
	assert_int_equal(le16(p + 15), 0);
	finish(&b);
}

static void clocks_go_on(void **st)
{
	uint8_t r[PF_UHID_REPORT_BYTES];
	uint32_t before = 0;
	struct bed b;

	open_as(&b, PF_PAD_DUALSENSE, "c");
	for (int i = 1; i < 5; i++) {
		const uint8_t *p;
		uint32_t is;

		b.d->ops->motion(b.d, true, (float)i, 0, 0);
		p = body(&b, r);
		is = (uint32_t)(le16(p + 27) | (uint32_t)le16(p + 29) << 16);
		assert_true(is > before && is >= 3 * 3400000);
		assert_int_equal(p[6], i - 1);
		assert_int_equal(r[1] >> 4, i - 1);
		before = is;
		usleep(1000);
	}
	finish(&b);
}

static void fingers(void **st)
{
	const uint8_t *p;
	uint8_t r[PF_UHID_REPORT_BYTES];
	struct pf_touch t = { .phase = PF_TOUCH_DOWN, .id = 77, .x = 1, .y = 1 };
	struct bed b;

	open_as(&b, PF_PAD_DUALSHOCK4, "c");
	b.d->ops->touch(b.d, 0, &t);
	p = body(&b, r);
	/* 1919 and 941, 12 bits each; the other one is up. */
	assert_memory_equal(p + 34, "\x00\x7f\xd7\x3a", 4);
	assert_int_equal(p[38] & 0x80, 0x80);
	t = (struct pf_touch){ .phase = PF_TOUCH_DOWN, .id = 5, .x = NAN, .y = -3 };
	b.d->ops->touch(b.d, 0, &t);
	p = body(&b, r);
	assert_memory_equal(p + 38, "\x01\x00\x00\x00", 4);
	/* There is no place for a third, no second surface, no hovering. */
	t.id = 6;
	b.d->ops->touch(b.d, 0, &t);
	t = (struct pf_touch){ .phase = PF_TOUCH_MOVE, .id = 77, .x = 0.5f, .y = 0.5f };
	b.d->ops->touch(b.d, 1, &t);
	t.phase = PF_TOUCH_HOVER;
	b.d->ops->touch(b.d, 0, &t);
	assert_int_equal(next(&b, r), 0);
	t.phase = PF_TOUCH_UP;
	b.d->ops->touch(b.d, 0, &t);
	p = body(&b, r);
	assert_int_equal(p[34], 0x80);
	assert_int_equal(p[38], 0x01);
	/* The next touch has a number of its own, in the place that is free. */
	t = (struct pf_touch){ .phase = PF_TOUCH_DOWN, .id = 77, .x = 0, .y = 0 };
	b.d->ops->touch(b.d, 0, &t);
	p = body(&b, r);
	assert_int_equal(p[34], 0x02);
	t = (struct pf_touch){ .phase = PF_TOUCH_CANCEL_ALL };
	b.d->ops->touch(b.d, 0, &t);
	p = body(&b, r);
	assert_int_equal(p[34], 0x82);
	assert_int_equal(p[38], 0x81);
	finish(&b);
}

static void battery(void **st)
{
	static const struct {
		enum pf_pad_battery state;
		uint8_t percent, ds, ds4;
	} rows[] = {
		{ PF_PAD_BATTERY_DISCHARGING, 9, 0x00, 0x00 },
		{ PF_PAD_BATTERY_DISCHARGING, 100, 0x0a, 0x0a },
		{ PF_PAD_BATTERY_CHARGING, 35, 0x13, 0x13 },
		{ PF_PAD_BATTERY_NOT_CHARGING, 50, 0x05, 0x05 },
		{ PF_PAD_BATTERY_FULL, 100, 0x2a, 0x1b },
		{ PF_PAD_BATTERY_DISCHARGING, 12, 0x01, 0x01 },
		{ PF_PAD_BATTERY_UNKNOWN, 255, 0x2a, 0x1b },
	};

	for (int ds = 0; ds < 2; ds++) {
		uint8_t r[PF_UHID_REPORT_BYTES];
		struct bed b;

		open_as(&b, ds ? PF_PAD_DUALSENSE : PF_PAD_DUALSHOCK4, "c");
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			b.d->ops->battery(b.d, rows[i].state, rows[i].percent);
			assert_int_equal(body(&b, r)[ds ? 52 : 29], ds ? rows[i].ds : rows[i].ds4);
		}
		finish(&b);
	}
}

static void requests_are_answered(void **st)
{
	struct uhid_event ev = { .type = UHID_GET_REPORT }, got;
	struct bed b;

	open_as(&b, PF_PAD_DUALSENSE, "c");
	ev.u.get_report = (struct uhid_get_report_req){ .id = 9, .rnum = 0x09, .rtype = 0 };
	say(&b, &ev, sizeof(ev));
	memset(&got, 0, sizeof(got));
	assert_true(recv(b.kernel, &got, sizeof(got), 0) > 0);
	assert_int_equal(got.type, UHID_GET_REPORT_REPLY);
	assert_int_equal(got.u.get_report_reply.id, 9);
	assert_int_equal(got.u.get_report_reply.err, 0);
	assert_int_equal(got.u.get_report_reply.size, 20);
	/* The address, last byte first, is the one that the device was made with. */
	for (int i = 0; i < 6; i++)
		assert_int_equal(got.u.get_report_reply.data[1 + i],
			strtol((char *)b.created.u.create2.uniq + 3 * (5 - i), NULL, 16));
	ev.u.get_report.rnum = 0x77;
	say(&b, &ev, sizeof(ev));
	assert_true(recv(b.kernel, &got, sizeof(got), 0) > 0);
	assert_int_equal(got.u.get_report_reply.err, EIO);
	assert_int_equal(got.u.get_report_reply.size, 0);
	/* The state itself may be asked for. */
	ev.u.get_report = (struct uhid_get_report_req){ .id = 10, .rnum = 0x31, .rtype = 2 };
	say(&b, &ev, sizeof(ev));
	assert_true(recv(b.kernel, &got, sizeof(got), 0) > 0);
	assert_int_equal(got.u.get_report_reply.size, PF_UHID_REPORT_BYTES);
	ev = (struct uhid_event){ .type = UHID_SET_REPORT };
	ev.u.set_report.id = 11;
	ev.u.set_report.size = 64;
	say(&b, &ev, sizeof(ev));
	assert_true(recv(b.kernel, &got, sizeof(got), 0) > 0);
	assert_int_equal(got.type, UHID_SET_REPORT_REPLY);
	assert_int_equal(got.u.set_report_reply.id, 11);
	assert_int_equal(got.u.set_report_reply.err, 0);
	finish(&b);
}

static void dualsense_feedback(void **st)
{
	uint8_t r[PF_UHID_REPORT_BYTES] = { 0x31, 0x02 }, *p = r + 2;
	struct bed b;

	open_as(&b, PF_PAD_DUALSENSE, "c");
	p[0] = 0x03;
	p[2] = 0x10;
	p[3] = 0xff;
	seal(r);
	output(&b, r, sizeof(r));
	output(&b, r, sizeof(r));
	assert_int_equal(b.count, 1); /* the second one changes nothing */
	assert_int_equal(b.heard[0].kind, PF_PAD_FB_RUMBLE);
	assert_int_equal(b.heard[0].pad, 3);
	assert_int_equal(b.heard[0].rumble.low, 0xffff);
	assert_int_equal(b.heard[0].rumble.high, 0x1010);
	/* Light alone leaves the motors on; black is a colour. */
	memset(p, 0, 47);
	p[1] = 0x04;
	p[3] = 0x77;
	seal(r);
	output(&b, r, sizeof(r));
	assert_int_equal(b.count, 2);
	assert_int_equal(b.heard[1].kind, PF_PAD_FB_LED);
	/* The firmware's second way, as the kernel frames it. */
	r[1] = 0x50;
	r[2] = 0x10;
	memset(r + 3, 0, 60);
	r[3 + 38] = 0x04;
	r[3 + 2] = 1;
	seal(r);
	output(&b, r, sizeof(r));
	assert_int_equal(b.count, 3);
	assert_int_equal(b.heard[2].rumble.low, 0);
	assert_int_equal(b.heard[2].rumble.high, 0x0101);
	/* Nothing at all stops them. */
	memset(r + 3, 0, 60);
	r[3 + 2] = 9;
	seal(r);
	output(&b, r, sizeof(r));
	assert_int_equal(b.count, 4);
	assert_int_equal(b.heard[3].rumble.high, 0);
	/* One trigger, then both, of which one is known. */
	r[3] = 0x08;
	memset(r + 3 + 21, 5, 11);
	seal(r);
	output(&b, r, sizeof(r));
	assert_int_equal(b.count, 5);
	assert_true(b.heard[4].triggers.set_left && !b.heard[4].triggers.set_right);
	assert_memory_equal(b.heard[4].triggers.left, r + 3 + 21, 11);
	r[3] = 0x0c;
	memset(r + 3 + 10, 6, 11);
	seal(r);
	output(&b, r, sizeof(r));
	assert_int_equal(b.count, 6);
	assert_true(!b.heard[5].triggers.set_left && b.heard[5].triggers.set_right);
	assert_memory_equal(b.heard[5].triggers.right, r + 3 + 10, 11);
	assert_memory_equal(b.heard[5].triggers.left, r + 3 + 21, 11);
	/* The lights that count players; the first time also when all are off. */
	memset(r + 3, 0, 60);
	r[3] = 0x01;
	r[3 + 1] = 0x10;
	for (unsigned i = 0; i < 3; i++) {
		r[3 + 43] = i ? 0x24 : 0;
		seal(r);
		output(&b, r, sizeof(r));
	}
	assert_int_equal(b.count, 8);
	assert_int_equal(b.heard[6].kind, PF_PAD_FB_PLAYER);
	assert_int_equal(b.heard[6].player, 0);
	assert_int_equal(b.heard[7].player, 4); /* five of the eight bits */
	finish(&b);
}

static void ds4_feedback(void **st)
{
	uint8_t r[PF_UHID_REPORT_BYTES] = { 0x11, 0xc0, 0, 0x07 };
	struct bed b;

	open_as(&b, PF_PAD_DUALSHOCK4, "c");
	r[6] = 1;
	r[7] = 2;
	memcpy(r + 8, "\x03\x04\x05", 3);
	seal(r);
	output(&b, r, sizeof(r));
	assert_int_equal(b.count, 2);
	assert_int_equal(b.heard[0].rumble.low, 0x0202);
	assert_int_equal(b.heard[0].rumble.high, 0x0101);
	assert_int_equal(b.heard[1].led.r, 3);
	assert_int_equal(b.heard[1].led.b, 5);
	r[3] = 0x02;
	r[7] = 0;
	seal(r);
	output(&b, r, sizeof(r));
	assert_int_equal(b.count, 2); /* motors are not meant, the colour is known */
	finish(&b);
}

/* Whatever length, number or checksum: nothing is heard but of a whole report. */
static void hostile_outputs(void **st)
{
	uint8_t r[4096];
	struct uhid_event ev = { .type = UHID_OUTPUT };
	struct bed b;

	for (int ds = 0; ds < 2; ds++) {
		open_as(&b, ds ? PF_PAD_DUALSENSE : PF_PAD_DUALSHOCK4, "c");
		memset(r, 0xff, sizeof(r));
		r[0] = ds ? 0x31 : 0x11;
		r[1] = 0x02;
		seal(r);
		for (size_t len = 0; len <= 4096; len += len < 100 ? 1 : 999)
			if (len != PF_UHID_REPORT_BYTES)
				output(&b, r, len);
		/* More than the event can have, in the event and in what is read of it. */
		memcpy(ev.u.output.data, r, sizeof(ev.u.output.data));
		ev.u.output.size = 0xffff;
		say(&b, &ev, sizeof(ev));
		for (size_t len = 1; len < 90; len++)
			say(&b, &ev, len);
		r[77] ^= 1;
		output(&b, r, PF_UHID_REPORT_BYTES);
		r[0] = 0x02;
		seal(r);
		output(&b, r, PF_UHID_REPORT_BYTES);
		for (uint32_t type = 0; type < 20; type++) {
			ev.type = type;
			memset(&ev.u, 0xff, sizeof(ev.u));
			say(&b, &ev, sizeof(ev));
		}
		assert_int_equal(b.count, 0);
		/* The pad still lives. */
		r[0] = ds ? 0x31 : 0x11;
		seal(r);
		output(&b, r, PF_UHID_REPORT_BYTES);
		assert_true(b.count > 1);
		finish(&b);
	}
}

/* The kernel's side of a pad that a driver took. */
static void make_nodes(struct bed *b)
{
	char cmd[1024];

	snprintf(cmd, sizeof(cmd),
		"cd %s && mkdir -p class/input7/event9 class/input8/event4 hid/hidraw/hidraw2 "
		"dev/input && ln -s ../../hid class/input7/device && "
		"ln -s ../../hid class/input8/device && echo Pad >class/input7/name && "
		"echo 'Pad Motion Sensors' >class/input8/name && "
		"echo %.17s | tee class/input7/uniq >class/input8/uniq && "
		"touch dev/hidraw2 dev/input/event4 dev/input/event9",
		b->dir, (char *)b->created.u.create2.uniq);
	assert_int_equal(system(cmd), 0);
}

static int open_node(const struct bed *b, const char *name)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", b->dev, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void motion_is_wanted_by_readers(void **st)
{
	struct uhid_event ev = { .type = UHID_GET_REPORT };
	uint8_t r[PF_UHID_REPORT_BYTES] = { 0x31, 0x02, 0x01, 0, 0, 0x33 };
	struct bed b;
	uint64_t before_ns;
	int fd, raw;

	open_as(&b, PF_PAD_DUALSENSE, "c");
	/* The driver opens the pad and asks for the calibration: that is no program. */
	ev.type = UHID_OPEN;
	say(&b, &ev, sizeof(ev));
	ev.type = UHID_GET_REPORT;
	ev.u.get_report = (struct uhid_get_report_req){ .rnum = 0x05 };
	say(&b, &ev, sizeof(ev));
	make_nodes(&b);
	time_passes(&b, 1000);
	assert_int_equal(b.count, 0);

	/* A look at the node is none either. */
	before_ns = pf_clock_mono_ns();
	fd = open_node(&b, "input/event4");
	b.d->ops->readable(b.d);
	assert_true(b.d->due_ns >= before_ns + 50 * PF_NS_PER_MS);
	close(fd);
	b.d->ops->readable(b.d);
	time_passes(&b, 1000);
	assert_int_equal(b.count, 0);

	b.now_ns = pf_clock_mono_ns() + PF_NS_PER_S;
	fd = open_node(&b, "input/event4");
	b.d->ops->readable(b.d);
	time_passes(&b, 100);
	assert_int_equal(b.count, 2);
	assert_int_equal(b.heard[0].kind, PF_PAD_FB_MOTION);
	assert_true(!b.heard[0].motion.gyro && b.heard[1].motion.gyro);
	assert_int_equal(b.heard[1].motion.rate_hz, 100);
	b.d->ops->motion(b.d, true, 5, 5, 5);
	drain(&b);
	close(fd);
	b.d->ops->readable(b.d);
	time_passes(&b, 2000);
	assert_int_equal(b.count, 4);
	/* What was the last turn is none for the next who looks. */
	assert_int_equal(next(&b, r), PF_UHID_REPORT_BYTES);
	drain(&b);
	b.d->ops->motion(b.d, true, 0, 0, 0);
	assert_int_equal(next(&b, r), 0);
	assert_int_equal(b.heard[3].motion.rate_hz, 0);

	/* Who opens hidraw is greeted, and kept company while he is there. */
	time_passes(&b, 10000);
	drain(&b);
	time_passes(&b, 10000);
	assert_int_equal(next(&b, r), 0);
	assert_int_equal(b.d->due_ns, 0);
	raw = open_node(&b, "hidraw2");
	b.d->ops->readable(b.d);
	assert_int_equal(next(&b, r), PF_UHID_REPORT_BYTES);
	b.now_ns = pf_clock_mono_ns();
	time_passes(&b, 1000);
	for (int i = 0; i < 20; i++)
		assert_int_equal(next(&b, r), PF_UHID_REPORT_BYTES);
	drain(&b);
	for (int i = 0; i < 10; i++) {
		time_passes(&b, 250);
		assert_int_equal(next(&b, r), PF_UHID_REPORT_BYTES);
		drain(&b);
	}
	assert_int_equal(b.count, 4);
	say(&b, &ev, sizeof(ev));
	time_passes(&b, 1000);
	assert_int_equal(b.count, 6);
	assert_int_equal(b.heard[5].motion.rate_hz, 100);
	memset(r, 0, sizeof(r));
	memcpy(r, "\x31\x02\x01\x00\x00\x33", 6);
	seal(r);
	output(&b, r, sizeof(r));
	assert_int_equal(b.count, 7);
	/* Gone in the middle of an effect. */
	close(raw);
	b.d->ops->readable(b.d);
	time_passes(&b, 1000);
	assert_int_equal(b.count, 10);
	assert_int_equal(b.heard[7].kind, PF_PAD_FB_RUMBLE);
	assert_int_equal(b.heard[7].rumble.low, 0);
	assert_int_equal(b.heard[9].motion.rate_hz, 0);
	time_passes(&b, 1000);
	assert_int_equal(b.d->due_ns, 0);
	finish(&b);
}

/* Without its module the general driver takes a pad first, and its nodes go when the
 * right one comes. */
static void another_driver_makes_other_nodes(void **st)
{
	uint8_t r[PF_UHID_REPORT_BYTES] = { 0x31, 0x02, 0x01, 0, 0, 0x33 };
	char cmd[512];
	struct bed b;
	int fd;

	open_as(&b, PF_PAD_DUALSENSE, "c");
	make_nodes(&b);
	time_passes(&b, 100);
	snprintf(cmd, sizeof(cmd),
		"cd %s && rm dev/hidraw2 dev/input/event4 && mv class/input8/event4 "
		"class/input8/event6 && mv hid/hidraw/hidraw2 hid/hidraw/hidraw3 && "
		"touch dev/hidraw3 dev/input/event6",
		b.dir);
	assert_int_equal(system(cmd), 0);
	b.d->ops->readable(b.d);
	b.now_ns = pf_clock_mono_ns();
	time_passes(&b, 100);
	fd = open_node(&b, "input/event6");
	b.d->ops->readable(b.d);
	b.now_ns = pf_clock_mono_ns();
	time_passes(&b, 100);
	assert_int_equal(b.count, 2);
	assert_int_equal(b.heard[0].motion.rate_hz, 100);
	close(fd);
	/* Who rumbles and dies is noticed, too. */
	fd = open_node(&b, "hidraw3");
	seal(r);
	output(&b, r, sizeof(r));
	assert_int_equal(b.heard[b.count - 1].rumble.low, 0x3333);
	close(fd);
	b.d->ops->readable(b.d);
	assert_int_equal(b.heard[b.count - 1].kind, PF_PAD_FB_RUMBLE);
	assert_int_equal(b.heard[b.count - 1].rumble.low, 0);
	finish(&b);
}

static void blind_pads_are_lively(void **st)
{
	struct uhid_event ev = { .type = UHID_OPEN };
	uint8_t r[PF_UHID_REPORT_BYTES];
	struct bed b;

	open_as(&b, PF_PAD_DUALSHOCK4, "c");
	say(&b, &ev, sizeof(ev));
	for (int i = 0; i < 100; i++) {
		time_passes(&b, 100); /* no nodes: no /sys, another /dev */
		drain(&b);
	}
	assert_int_equal(b.count, 2);
	assert_int_equal(b.heard[1].motion.rate_hz, 100);
	time_passes(&b, 16);
	assert_int_equal(next(&b, r), PF_UHID_REPORT_BYTES);
	ev.type = UHID_CLOSE;
	say(&b, &ev, sizeof(ev));
	time_passes(&b, 60000);
	assert_int_equal(b.count, 4);
	assert_int_equal(b.d->due_ns, 0);
	finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum),
		cmocka_unit_test(what_is_made),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(descriptors_fit_reports),
		cmocka_unit_test(buttons),
		cmocka_unit_test(sticks_and_hat),
		cmocka_unit_test(motion),
		cmocka_unit_test(clocks_go_on),
		cmocka_unit_test(fingers),
		cmocka_unit_test(battery),
		cmocka_unit_test(requests_are_answered),
		cmocka_unit_test(dualsense_feedback),
		cmocka_unit_test(ds4_feedback),
		cmocka_unit_test(hostile_outputs),
		cmocka_unit_test(motion_is_wanted_by_readers),
		cmocka_unit_test(another_driver_makes_other_nodes),
		cmocka_unit_test(blind_pads_are_lively),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
