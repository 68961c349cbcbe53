/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a host tells beside the picture, seen through the public interface: pointer,
 * HDR, and what nobody acts on. */
#include <stdlib.h>
#include "tests/unit/session_host.h"

static PunktfunkConnection *begin(struct host *h, uint32_t flags)
{
	PunktfunkConnectOptions o = { .struct_size = sizeof(o),
		.host = "127.0.0.1",
		.width = 1280,
		.height = 720,
		.refresh_hz = 60,
		.flags = flags,
		.timeout_ms = PATIENCE_MS };
	PunktfunkConnection *c;

	host_init(h);
	h->accept.welcome.host_caps = PF_HOST_CAP_CURSOR;
	host_start(h);
	o.port = pf_listener_port(h->l);
	assert_int_equal(punktfunk_connect(&o, &c, NULL), 0);
	assert_true(wait_count(h, &h->started, 1));
	return c;
}

static void end(struct host *h, PunktfunkConnection *c)
{
	punktfunk_connection_close(c, 0);
	host_stop(h);
}

/* The next event of these; -1 = none within the time. */
static PunktfunkEvent next(PunktfunkConnection *c, uint32_t type)
{
	PunktfunkEvent e = { .struct_size = sizeof(e) };

	do
		assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	while (e.type != type);
	return e;
}

static void fill(uint8_t *p, size_t len, uint32_t serial)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 13 + serial);
}

static int send_shape(struct host *h, uint32_t serial, uint16_t side)
{
	struct pf_ctl m = { .type = PF_CTL_CURSOR_SHAPE };
	size_t len = (size_t)side * side * 4;
	uint8_t *p = malloc(len);
	int r;

	fill(p, len, serial);
	m.cursor_shape.serial = serial;
	m.cursor_shape.w = m.cursor_shape.h = side;
	m.cursor_shape.hot_x = 3;
	m.cursor_shape.hot_y = 7;
	m.cursor_shape.rgba = (struct pf_ctl_bytes){ p, len };
	r = pf_host_session_control(h->sessions[0], &m);
	free(p);
	return r;
}

static void shapes_are_kept_by_serial(void **state)
{
	static uint8_t got[PUNKTFUNK_CURSOR_BYTES_MAX], want[PUNKTFUNK_CURSOR_BYTES_MAX];
	PunktfunkCursorShape s = { .struct_size = sizeof(s) };
	PunktfunkConnection *c;
	PunktfunkEvent e;
	struct host h;

	c = begin(&h, PUNKTFUNK_CONNECT_CURSOR);
	assert_int_equal(h.hello.client_caps & PF_CLIENT_CAP_CURSOR, PF_CLIENT_CAP_CURSOR);
	assert_int_equal(punktfunk_cursor_shape(c, 0, &s, NULL, 0), PUNKTFUNK_EAGAIN);
	/* The largest there is; one pixel more is none. */
	assert_int_equal(send_shape(&h, 1, 121), -EINVAL);
	assert_int_equal(send_shape(&h, 1, 120), 0);
	e = next(c, PUNKTFUNK_EVENT_CURSOR_SHAPE);
	assert_int_equal(e.a, 1);
	assert_int_equal(e.b, 120 | 120 << 16);
	assert_int_equal(e.c, 3 | 7 << 16);
	assert_int_equal(punktfunk_cursor_shape(c, 1, &s, NULL, 0), 0);
	assert_int_equal(s.width, 120);
	assert_int_equal(s.hot_y, 7);
	assert_int_equal(
		punktfunk_cursor_shape(c, 1, &s, got, sizeof(got) - 1), PUNKTFUNK_EMSGSIZE);
	assert_int_equal(punktfunk_cursor_shape(c, 1, &s, got, sizeof(got)), 0);
	fill(want, sizeof(want), 1);
	assert_memory_equal(got, want, sizeof(want));

	/* Many more: those that were looked at last stay. */
	for (uint32_t i = 2; i <= 40; i++) {
		assert_int_equal(send_shape(&h, i, 2), 0);
		assert_int_equal(next(c, PUNKTFUNK_EVENT_CURSOR_SHAPE).a, i);
		assert_int_equal(punktfunk_cursor_shape(c, 1, &s, NULL, 0), 0);
	}
	assert_int_equal(punktfunk_cursor_shape(c, 2, &s, NULL, 0), PUNKTFUNK_EAGAIN);
	assert_int_equal(punktfunk_cursor_shape(c, 40, &s, got, 16), 0);
	/* A serial that comes again is another picture. */
	assert_int_equal(send_shape(&h, 40, 3), 0);
	(void)next(c, PUNKTFUNK_EVENT_CURSOR_SHAPE);
	assert_int_equal(punktfunk_cursor_shape(c, 40, &s, NULL, 0), 0);
	assert_int_equal(s.width, 3);

	assert_int_equal(punktfunk_cursor_render(c, 0), 0);
	assert_true(wait_count(&h, &h.controls, 1));
	assert_int_equal(h.control.type, PF_CTL_CURSOR_RENDER_MODE);
	assert_false(h.control.client_draws);
	end(&h, c);
}

static void send_state(struct host *h, int32_t x, bool visible)
{
	struct pf_dgram d = { .tag = PF_DGRAM_CURSOR_STATE };

	d.cursor.serial = 9;
	d.cursor.visible = visible;
	d.cursor.relative = true;
	d.cursor.x = x;
	d.cursor.y = 20;
	assert_int_equal(pf_host_session_datagram(h->sessions[0], &d), 0);
}

static void the_pointers_moves_are_told_once(void **state)
{
	PunktfunkConnection *c;
	PunktfunkEvent e;
	struct host h;

	c = begin(&h, 0);
	assert_int_equal(h.hello.client_caps & PF_CLIENT_CAP_CURSOR, 0);
	send_state(&h, -4, true);
	send_state(&h, -4, true);
	send_state(&h, -4, true);
	send_state(&h, 5, false);
	e = next(c, PUNKTFUNK_EVENT_CURSOR_STATE);
	assert_int_equal(e.a, 9);
	assert_int_equal(e.b, PUNKTFUNK_CURSOR_VISIBLE | PUNKTFUNK_CURSOR_RELATIVE);
	assert_int_equal((int32_t)e.c, -4);
	assert_int_equal((int32_t)e.d, 20);
	e = next(c, PUNKTFUNK_EVENT_CURSOR_STATE);
	assert_int_equal(e.b, PUNKTFUNK_CURSOR_RELATIVE);
	assert_int_equal((int32_t)e.c, 5);
	end(&h, c);
}

static void hdr_metadata_arrive(void **state)
{
	const struct pf_hdr_meta w = { .primaries = { { 8500, 39850 }, { 6550, 2300 },
					       { 35400, 14600 } },
		.white = { 15635, 16450 },
		.max_luminance = 10000000,
		.min_luminance = 1,
		.max_cll = 1000,
		.max_fall = 400 };
	PunktfunkHdrMetadata m = { .struct_size = sizeof(m) };
	uint8_t raw[PF_HDR_META_BYTES];
	struct pf_dgram d = { .tag = PF_DGRAM_HDR_META };
	PunktfunkConnection *c;
	struct host h;

	c = begin(&h, PUNKTFUNK_CONNECT_HDR);
	assert_int_equal(h.hello.video_caps & (PF_VIDEO_CAP_10BIT | PF_VIDEO_CAP_HDR),
		PF_VIDEO_CAP_10BIT | PF_VIDEO_CAP_HDR);
	assert_int_equal(punktfunk_hdr_metadata(c, &m), PUNKTFUNK_EAGAIN);
	pf_hdr_meta_write(&w, raw);
	d.raw.data = raw;
	d.raw.len = sizeof(raw);
	assert_int_equal(pf_host_session_datagram(h.sessions[0], &d), 0);
	(void)next(c, PUNKTFUNK_EVENT_HDR);
	assert_int_equal(punktfunk_hdr_metadata(c, &m), 0);
	assert_int_equal(m.primaries[0], 8500);
	assert_int_equal(m.primaries[5], 14600);
	assert_int_equal(m.white[1], 16450);
	assert_int_equal(m.max_luminance, 10000000);
	assert_int_equal(m.min_luminance, 1);
	assert_int_equal(m.max_cll, 1000);
	assert_int_equal(m.max_fall, 400);
	end(&h, c);
}

static void what_nobody_acts_on_is_counted_by_name(void **state)
{
	static const struct {
		enum pf_ctl_type type;
		const char *name;
	} rows[] = {
		{ PF_CTL_HOST_FACTS, "host-facts" },
		{ PF_CTL_AUDIO_STATE, "audio-state" },
		{ PF_CTL_LAUNCH_OUTCOME, "launch-outcome" },
		{ PF_CTL_PAD_SLOTS, "pad-slots" },
	};
	PunktfunkIgnored g = { .struct_size = sizeof(g) };
	struct pf_dgram d = { .tag = PF_DGRAM_INPUT };
	PunktfunkConnection *c;
	struct host h;

	c = begin(&h, 0);
	assert_int_equal(punktfunk_connection_ignored(c, 0, &g), PUNKTFUNK_EAGAIN);
	for (unsigned i = 0; i < 4; i++)
		for (unsigned n = 0; n <= i; n++) {
			struct pf_ctl m = { .type = rows[i].type };

			assert_int_equal(pf_host_session_control(h.sessions[0], &m), 0);
		}
	/* A host that sends input to its client. */
	assert_int_equal(pf_host_session_datagram(h.sessions[0], &d), 0);
	/* The answer to this comes behind all that. */
	{
		struct pf_ctl m = { .type = PF_CTL_BITRATE_CHANGED };

		m.bitrate_changed.kbps = 5000;
		assert_int_equal(pf_host_session_control(h.sessions[0], &m), 0);
	}
	(void)next(c, PUNKTFUNK_EVENT_BITRATE);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(punktfunk_connection_ignored(c, i, &g), 0);
		assert_int_equal(g.datagram, 0);
		assert_int_equal(g.number, rows[i].type);
		assert_string_equal(g.name, rows[i].name);
		assert_int_equal(g.count, i + 1);
	}
	for (unsigned i = 0; i < PATIENCE_MS; i++) {
		if (!punktfunk_connection_ignored(c, 4, &g))
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	assert_int_equal(g.datagram, 1);
	assert_string_equal(g.name, "input");
	assert_int_equal(punktfunk_connection_ignored(c, 5, &g), PUNKTFUNK_EAGAIN);
	/* The other way: a host without use for a message says so itself. */
	pf_host_session_ignore(h.sessions[0], PF_CTL_CURSOR_RENDER_MODE);
	pf_host_session_ignore(h.sessions[0], 0x7f);
	assert_true(pf_host_session_ignored(h.sessions[0], 0, &g));
	assert_string_equal(g.name, "cursor-render-mode");
	assert_true(pf_host_session_ignored(h.sessions[0], 1, &g));
	assert_string_equal(g.name, "control-7f");
	assert_false(pf_host_session_ignored(h.sessions[0], 2, &g));
	end(&h, c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_are_kept_by_serial),
		cmocka_unit_test(the_pointers_moves_are_told_once),
		cmocka_unit_test(hdr_metadata_arrive),
		cmocka_unit_test(what_nobody_acts_on_is_counted_by_name),
	};
	int failed;

	if (pf_identity_generate(&host_id, "host", NULL) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pf_identity_unref(host_id);
	return failed;
}
