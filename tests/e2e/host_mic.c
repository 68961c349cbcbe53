/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A client's microphone at the host, in one process: the null sound plays back what it
 * hears. Its grant comes and goes while it speaks; garbage is no voice. */
#include <math.h>
#include <opus.h>
#include <stdatomic.h>
#include "tests/e2e/native_bed.h"

static int make_loop(void **state)
{
	struct fixture *f;

	assert_int_equal(make(state), 0);
	f = *state;
	strcpy(f->config.audio_options, "mic-loop=1");
	return 0;
}

/* A client that speaks on a thread of its own. */
struct speaker {
	PunktfunkConnection *c;
	_Atomic bool stop;
	_Atomic unsigned failed;
	pthread_t thread;
};

static void *speak(void *arg)
{
	struct speaker *s = arg;
	int err;
	OpusEncoder *enc = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &err);
	unsigned long at = 0;

	while (!atomic_load(&s->stop)) {
		uint8_t packet[1275];
		float pcm[480];
		int n;

		for (unsigned i = 0; i < 480; i++, at++)
			pcm[i] = (float)(0.4 * sin(2 * M_PI * 500 * (double)(at % 48000) / 48000));
		n = opus_encode_float(enc, pcm, 480, packet, sizeof(packet));
		if (punktfunk_connection_send_mic(s->c, packet, (size_t)n, at))
			atomic_fetch_add(&s->failed, 1);
		usleep(10000);
	}
	opus_encoder_destroy(enc);
	return NULL;
}

static void start(struct speaker *s, PunktfunkConnection *c)
{
	*s = (struct speaker){ .c = c };
	assert_int_equal(pthread_create(&s->thread, NULL, speak, s), 0);
}

static void end(struct speaker *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	assert_int_equal(atomic_load(&s->failed), 0);
}

/* Waits for `n` frames of sound. */
static void hears(PunktfunkConnection *c, unsigned n)
{
	const uint64_t end_ns = pf_clock_mono_ns() + 20 * PF_NS_PER_S;

	while (n) {
		PunktfunkAudio a = { .struct_size = sizeof(a) };

		if (!punktfunk_connection_next_audio(c, &a, 500))
			n--;
		else if (pf_clock_mono_ns() > end_ns)
			fail_msg("%u frames of sound are missing", n);
	}
}

/* Waits until no sound comes for 300 ms. */
static void falls_silent(PunktfunkConnection *c)
{
	const uint64_t end_ns = pf_clock_mono_ns() + 20 * PF_NS_PER_S;
	PunktfunkAudio a = { .struct_size = sizeof(a) };

	while (!punktfunk_connection_next_audio(c, &a, 300))
		if (pf_clock_mono_ns() > end_ns)
			fail_msg("it goes on");
}

static void a_voice_comes_and_goes_with_its_grant(void **state)
{
	struct pf_client client = { .grants = PF_GRANT_ALL, .name = "sofa" };
	struct fixture *f = *state;
	PunktfunkIdentity *id = new_identity();
	struct pf_session_report r;
	PunktfunkConnection *c;
	struct speaker s;

	f->config.trust_on_first_use = false;
	serve(f);
	punktfunk_identity_fingerprint(id, client.fingerprint);
	assert_int_equal(on_loop(f, &client, add_client), 0);
	c = connect_as(f, id);
	start(&s, c);
	for (unsigned round = 0; round < 3; round++) {
		client.grants = PF_GRANT_ALL;
		assert_int_equal(on_loop(f, &client, add_client), 0);
		hears(c, 20);
		client.grants = PF_GRANT_ALL & ~PF_GRANT_MICROPHONE;
		assert_int_equal(on_loop(f, &client, add_client), 0);
		falls_silent(c);
	}
	/* Faster than it can be heard; nothing is left behind. */
	for (unsigned i = 0; i < 50; i++) {
		client.grants ^= PF_GRANT_MICROPHONE;
		assert_int_equal(on_loop(f, &client, add_client), 0);
		usleep(i * 1000);
	}
	client.grants = PF_GRANT_ALL;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	hears(c, 20);
	end(&s);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	r = ended(f, 1);
	assert_int_equal(r.close_code, 0);
	assert_true(r.mic_packets > 0 && r.mic_denied > 20);
	punktfunk_identity_free(id);
}

/* The same client comes again while it speaks: the new session is heard, the old is not
 * any more. */
static void a_successor_takes_the_microphone_over(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *id = new_identity();
	PunktfunkConnection *c[2];
	struct speaker s[2];

	serve(f);
	c[0] = connect_as(f, id);
	start(&s[0], c[0]);
	hears(c[0], 10);
	c[1] = connect_as(f, id);
	start(&s[1], c[1]);
	assert_int_equal(take_event(c[0], PUNKTFUNK_EVENT_CLOSED).a, PUNKTFUNK_CLOSE_SUPERSEDED);
	hears(c[1], 10);
	atomic_store(&s[0].stop, true);
	pthread_join(s[0].thread, NULL);
	end(&s[1]);
	falls_silent(c[1]);
	punktfunk_connection_close(c[0], PUNKTFUNK_CLOSE_NORMAL);
	punktfunk_connection_close(c[1], PUNKTFUNK_CLOSE_NORMAL);
	(void)ended(f, 2);
	punktfunk_identity_free(id);
}

static void garbage_is_no_voice(void **state)
{
	struct fixture *f = *state;
	uint8_t junk[1275];
	struct pf_session_report r;
	PunktfunkConnection *c;
	uint32_t x = 1;

	serve(f);
	c = connect_as(f, NULL);
	assert_int_equal(punktfunk_connection_send_mic(c, junk, 0, 0), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_connection_send_mic(c, junk, 1276, 0), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_connection_send_mic(c, NULL, 10, 0), PUNKTFUNK_EINVAL);
	for (unsigned n = 0; n < 3000; n++) {
		for (unsigned i = 0; i < 40; i++)
			junk[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
		assert_int_equal(punktfunk_connection_send_mic(c, junk, 40, n), 0);
		if (n % 20 == 19)
			usleep(1000);
	}
	take_frames(c, 5);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	r = ended(f, 1);
	assert_int_equal(r.close_code, 0);
	assert_int_equal(r.mic_denied, 0);
	assert_true(r.mic_dropped > 0);
}

static int set_microphone(struct fixture *f, const struct pf_client *client)
{
	f->config.microphone = client->grants;
	pf_native_reload(f->native);
	return 0;
}

/* The setting counts as soon as it is read anew, both ways. */
static void a_voice_comes_and_goes_with_the_setting(void **state)
{
	struct fixture *f = *state;
	PunktfunkConnection *c;
	struct speaker s;

	f->config.microphone = false;
	serve(f);
	c = connect_as(f, NULL);
	start(&s, c);
	falls_silent(c);
	for (unsigned round = 0; round < 2; round++) {
		(void)on_loop(f, &(struct pf_client){ .grants = 1 }, set_microphone);
		hears(c, 20);
		(void)on_loop(f, &(struct pf_client){ 0 }, set_microphone);
		falls_silent(c);
	}
	end(&s);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).close_code, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_loop, drop)
	const struct CMUnitTest tests[] = {
		T(a_voice_comes_and_goes_with_its_grant),
		T(a_successor_takes_the_microphone_over),
		T(garbage_is_no_voice),
		T(a_voice_comes_and_goes_with_the_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
