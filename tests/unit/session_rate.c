/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Automatic bitrate, the capacity probe and the speed test, over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/crypto/identity.h"
#include "core/session/host_session.h"
#include "tests/unit/session_host.h"

#define START_KBPS 8000u
/* 1280x720 at 60 Hz in H.264: a bit per pixel. */
#define PIXEL_KBPS 55296u

static PunktfunkConnection *client_open(struct host *h, uint32_t bitrate_kbps)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	const PunktfunkConnectOptions o = {
		.struct_size = sizeof(o),
		.port = pf_listener_port(h->l),
		.host = "127.0.0.1",
		.width = 1280,
		.height = 720,
		.refresh_hz = 60,
		.bitrate_kbps = bitrate_kbps,
		.timeout_ms = PATIENCE_MS,
	};
	PunktfunkConnection *c = NULL;

	assert_int_equal(punktfunk_connect(&o, &c, &why), 0);
	assert_true(wait_count(h, &h->started, 1));
	return c;
}

static PunktfunkStats stats_of(PunktfunkConnection *c)
{
	PunktfunkStats s = { .struct_size = sizeof(s) };

	assert_int_equal(punktfunk_connection_stats(c, &s), 0);
	return s;
}

/* The encode thread of a host, at the rate it was told, and the client's. */
struct traffic {
	struct pf_host_session *s;
	PunktfunkConnection *c;
	atomic_bool stop;
	atomic_uint kbps, taken, decode_us;
};

static void *encode(void *arg)
{
	struct traffic *t = arg;
	static uint8_t buf[1 << 20];
	uint64_t before = pf_clock_mono_ns();

	for (unsigned i = 0; !atomic_load(&t->stop); i++) {
		struct pf_frame_stamps stamps = { .capture_ns = pf_clock_mono_ns() };

		/* As much as the time is worth: a slow machine makes fewer, larger frames. */
		uint64_t bytes = atomic_load(&t->kbps) * (stamps.capture_ns - before) / 8000000;

		before = stamps.capture_ns;
		stamps.encode_start_ns = stamps.encode_end_ns = stamps.capture_ns;
		pf_host_session_submit(t->s, buf, bytes < sizeof(buf) ? bytes : sizeof(buf),
			i ? 0 : (uint32_t)PUNKTFUNK_FRAME_IDR, &stamps);
		usleep(16600);
	}
	return NULL;
}

static void *decode(void *arg)
{
	struct traffic *t = arg;

	while (!atomic_load(&t->stop)) {
		PunktfunkFrame f = { .struct_size = sizeof(f) };
		PunktfunkDecoded d = { .struct_size = sizeof(d),
			.flags = PUNKTFUNK_DECODED_PICTURE,
			.decode_us = atomic_load(&t->decode_us) };

		if (punktfunk_connection_next_frame(t->c, &f, 50))
			continue;
		d.frame_index = f.frame_index;
		assert_int_equal(punktfunk_report_decoded(t->c, &d), 0);
		atomic_fetch_add(&t->taken, 1);
	}
	return NULL;
}

/* Waits for a control message of this type; false after the patience. */
static bool wait_control(struct host *h, enum pf_ctl_type type, struct pf_ctl *out)
{
	uint64_t end = pf_clock_mono_ns() + PATIENCE_MS * PF_NS_PER_MS;

	while (pf_clock_mono_ns() < end) {
		bool is;

		pthread_mutex_lock(&h->lock);
		is = h->controls && h->control.type == type;
		*out = h->control;
		pthread_mutex_unlock(&h->lock);
		if (is)
			return true;
		usleep(5000);
	}
	return false;
}

static void answer(struct host *h, struct traffic *t, uint32_t kbps)
{
	struct pf_ctl m = { .type = PF_CTL_BITRATE_CHANGED, .bitrate_changed.kbps = kbps };

	pthread_mutex_lock(&h->lock);
	memset(&h->control, 0, sizeof(h->control));
	pthread_mutex_unlock(&h->lock);
	atomic_store(&t->kbps, kbps);
	assert_int_equal(pf_host_session_control(h->sessions[0], &m), 0);
}

static void automatic_bitrate_probes_climbs_and_yields(void **state)
{
	struct traffic t = { 0 };
	pthread_t threads[2];
	struct host h;
	struct pf_ctl m = { 0 };
	PunktfunkStats s;
	uint32_t want;

	host_init(&h);
	h.accept.welcome.bitrate_kbps = START_KBPS;
	host_start(&h);
	t.c = client_open(&h, 0);
	t.s = h.sessions[0];
	atomic_init(&t.kbps, START_KBPS);
	atomic_init(&t.decode_us, 2000);
	s = stats_of(t.c);
	assert_int_equal(s.rate_target_kbps, START_KBPS);
	assert_int_equal(s.rate_ceiling_kbps, START_KBPS);
	assert_int_equal(pthread_create(&threads[0], NULL, encode, &t), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, decode, &t), 0);

	/* The probe is the session layer's; then the client asks for more. */
	for (;;) {
		assert_true(wait_control(&h, PF_CTL_SET_BITRATE, &m));
		s = stats_of(t.c);
		if (m.kbps > s.rate_target_kbps)
			break;
		answer(&h, &t, m.kbps); /* a hiccup of a loaded machine */
	}
	/* The stamps are of one machine: a frame is there soon after its capture. */
	assert_in_range(s.latency_us, 1, 2000000);
	print_message("# ceiling %u kbit/s, delivered %u\n", s.rate_ceiling_kbps, s.delivered_kbps);
	assert_in_range(s.rate_ceiling_kbps, START_KBPS + 1, PIXEL_KBPS);
	assert_in_range(m.kbps, s.rate_target_kbps + 1, 2 * START_KBPS);
	answer(&h, &t, m.kbps);
	/* It learns what decoding takes, then decoding takes much longer. */
	usleep(4 * 750000);
	atomic_store(&t.decode_us, 80000);
	do {
		assert_true(wait_control(&h, PF_CTL_SET_BITRATE, &m));
		s = stats_of(t.c);
		answer(&h, &t, m.kbps);
	} while (m.kbps >= s.rate_target_kbps);
	want = s.rate_target_kbps * 7 / 10;
	assert_int_equal(m.kbps, want > 5000 ? want : 5000);
	/* The picture went on all the time. */
	assert_true(atomic_load(&t.taken) > 100);
	atomic_store(&t.stop, true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	punktfunk_connection_close(t.c, 0);
	host_stop(&h);
}

static void a_gap_of_the_host_is_told(void **state)
{
	struct pf_ctl m = { .type = PF_CTL_PIPELINE_GAP, .gap_ms = 250 };
	PunktfunkEvent e = { .struct_size = sizeof(e) };
	PunktfunkConnection *c;
	struct host h;

	host_init(&h);
	host_start(&h);
	c = client_open(&h, 12000);
	assert_int_equal(pf_host_session_control(h.sessions[0], &m), 0);
	assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	assert_int_equal(e.type, PUNKTFUNK_EVENT_GAP);
	assert_int_equal(e.a, 250);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

static void a_rate_of_one_s_own_is_kept(void **state)
{
	PunktfunkConnection *c;
	struct host h;

	host_init(&h);
	host_start(&h);
	c = client_open(&h, 12000);
	assert_int_equal(stats_of(c).rate_target_kbps, 0);
	usleep(2500000);
	assert_int_equal(h.controls, 0);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

/* Bytes on the wire of a frame of five shards of 1408, without parity. */
static uint64_t frame_on_the_wire(struct host *h, PunktfunkConnection *c)
{
	static const uint8_t au[5 * 1408];
	uint64_t now_ns = pf_clock_mono_ns(), before = stats_of(c).packets;
	const struct pf_frame_stamps t = { now_ns, now_ns, now_ns };
	PunktfunkFrame frame = { .struct_size = sizeof(frame) };

	assert_int_equal(pf_host_session_submit(h->sessions[0], au, sizeof(au), 0, &t), 0);
	assert_int_equal(punktfunk_connection_next_frame(c, &frame, PATIENCE_MS), 0);
	assert_int_equal(frame.size, sizeof(au));
	return stats_of(c).packets - before;
}

/* A session whose path was taken for narrower than it is: the next look finds out, the
 * client is told and says yes, and only then the packets grow. */
static void shards_grow_after_the_client_agrees(void **state)
{
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	struct pf_host_session *s;
	PunktfunkConnection *c;
	struct host h;

	host_init(&h);
	h.accept.fec_percent = 0;
	host_start(&h);
	c = client_open(&h, 12000);
	s = h.sessions[0];
	assert_int_equal(frame_on_the_wire(&h, c), 5);
	pthread_mutex_lock(&s->lock);
	s->shards.in_force = 704;
	pf_sender_set_shard(atomic_load(&s->sender), 704);
	pthread_mutex_unlock(&s->lock);
	assert_int_equal(frame_on_the_wire(&h, c), 10);
	/* Within two looks, 4 s apart. */
	for (unsigned i = 0; i < 90; i++) {
		pthread_mutex_lock(&s->lock);
		info.shard_payload = s->shards.in_force;
		pthread_mutex_unlock(&s->lock);
		if (info.shard_payload == 1408)
			break;
		usleep(100000);
	}
	assert_int_equal(info.shard_payload, 1408);
	assert_int_equal(frame_on_the_wire(&h, c), 5);
	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	assert_int_equal(info.shard_payload, 1408);
	assert_int_equal(stats_of(c).packets_invalid, 0);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

static void a_speed_test_counts_what_arrives(void **state)
{
	PunktfunkSpeedTest t = { .struct_size = sizeof(t) };
	PunktfunkConnection *c;
	struct host h;

	host_init(&h);
	host_start(&h);
	c = client_open(&h, 12000);
	assert_int_equal(punktfunk_speed_test(c, 30000, 500, &t), 0);
	print_message("# %u kbit/s in %u ms: %u of %u packets\n", t.kbps, t.duration_ms,
		t.packets_received, t.packets_sent);
	assert_in_range(t.duration_ms, 490, 5000);
	/* Never more than asked for; less on a loaded machine. */
	assert_in_range(t.kbps, 3000, 31000);
	assert_true(t.packets_received > 0 && t.packets_received <= t.packets_sent);
	assert_true(t.bytes_received == t.packets_received * 1472ull);
	assert_true(t.bytes_sent == t.packets_sent * 1472ull);
	assert_int_equal(t.packets_unsent, 0);
	/* Filler is no picture and no damage. */
	assert_int_equal(stats_of(c).frames, 0);
	assert_int_equal(stats_of(c).packets, 0);
	assert_int_equal(stats_of(c).packets_invalid, 0);
	/* The host would not answer so soon. */
	assert_int_equal(punktfunk_speed_test(c, 30000, 500, &t), PUNKTFUNK_EBUSY);
	assert_int_equal(punktfunk_speed_test(NULL, 30000, 500, &t), PUNKTFUNK_EINVAL);
	t.struct_size = 0;
	assert_int_equal(punktfunk_speed_test(c, 30000, 500, &t), PUNKTFUNK_EINVAL);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

/* The operator's limit is what is sent, and what the answer says; none at all is
 * "nothing measured". */
static void a_host_may_cap_a_speed_test(void **state)
{
	PunktfunkSpeedTest t = { .struct_size = sizeof(t) };
	PunktfunkConnection *c;
	struct host h;

	host_init(&h);
	h.accept.probe_max_kbps = 2000;
	host_start(&h);
	c = client_open(&h, 12000);
	assert_int_equal(punktfunk_speed_test(c, 30000, 500, &t), 0);
	assert_in_range(t.bytes_sent, 1472, 2 * 2000 * 500 / 8);
	assert_true(t.kbps <= 2100);
	punktfunk_connection_close(c, 0);
	host_stop(&h);

	host_init(&h);
	h.accept.probe_max_kbps = 0;
	host_start(&h);
	c = client_open(&h, 12000);
	assert_int_equal(punktfunk_speed_test(c, 30000, 500, &t), PUNKTFUNK_ENOTSUP);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

struct tester {
	PunktfunkConnection *c;
	int result;
};

static void *test_speed(void *arg)
{
	struct tester *t = arg;
	PunktfunkSpeedTest out = { .struct_size = sizeof(out) };

	t->result = punktfunk_speed_test(t->c, 1000, 5000, &out);
	return NULL;
}

static void an_end_ends_a_speed_test(void **state)
{
	struct tester t;
	uint64_t begin;
	struct host h;
	pthread_t thread;

	host_init(&h);
	host_start(&h);
	t.c = client_open(&h, 12000);
	assert_int_equal(pthread_create(&thread, NULL, test_speed, &t), 0);
	usleep(200000);
	begin = pf_clock_mono_ns();
	pf_host_session_close(h.sessions[0], PUNKTFUNK_CLOSE_APP_EXITED, "over");
	pthread_join(thread, NULL);
	assert_int_equal(t.result, PUNKTFUNK_EPIPE);
	assert_true(pf_clock_mono_ns() - begin < 4 * PF_NS_PER_S);
	punktfunk_connection_close(t.c, 0);
	host_stop(&h);
}

static void a_decoder_without_pictures_asks_for_a_keyframe(void **state)
{
	PunktfunkDecoded d = { .struct_size = sizeof(d) };
	PunktfunkConnection *c;
	struct host h;
	struct pf_ctl m;

	host_init(&h);
	host_start(&h);
	c = client_open(&h, 12000);
	for (d.frame_index = 0; d.frame_index < 2; d.frame_index++)
		assert_int_equal(punktfunk_report_decoded(c, &d), 0);
	usleep(100000);
	assert_int_equal(h.controls, 0);
	assert_int_equal(punktfunk_report_decoded(c, &d), 0);
	assert_true(wait_control(&h, PF_CTL_REQUEST_KEYFRAME, &m));
	assert_int_equal(punktfunk_report_decoded(NULL, &d), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_report_decoded(c, NULL), PUNKTFUNK_EINVAL);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(automatic_bitrate_probes_climbs_and_yields),
		cmocka_unit_test(a_rate_of_one_s_own_is_kept),
		cmocka_unit_test(a_gap_of_the_host_is_told),
		cmocka_unit_test(shards_grow_after_the_client_agrees),
		cmocka_unit_test(a_speed_test_counts_what_arrives),
		cmocka_unit_test(a_host_may_cap_a_speed_test),
		cmocka_unit_test(an_end_ends_a_speed_test),
		cmocka_unit_test(a_decoder_without_pictures_asks_for_a_keyframe),
	};
	int failed;

	if (pf_identity_generate(&host_id, "host", NULL) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pf_identity_unref(host_id);
	return failed;
}
