/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A desk with a real sound server that is slow or killed: the picture stays as it is,
 * and whoever plays once it is there is heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/desk/desk.h"
#include "pf_config.h"
#include "tests/contract/plain_user.h"

struct holder {
	unsigned ready, other;
	_Atomic unsigned loud; /* blocks in which something sounds */
};

static void on_ready(void *user, const struct pf_reason *why)
{
	struct holder *h = user;

	*(why ? &h->other : &h->ready) += 1;
}

static void on_taken(void *user)
{
	((struct holder *)user)->other++;
}

static void on_died(void *user, const struct pf_reason *why)
{
	((struct holder *)user)->other++;
}

static void on_pcm(void *user, const float *pcm, unsigned channels, uint64_t capture_ns)
{
	struct holder *h = user;
	float peak = 0;

	for (unsigned i = 0; i < PF_AUDIO_BLOCK * channels; i++)
		peak = fmaxf(peak, fabsf(pcm[i]));
	if (peak > 0.1f)
		atomic_fetch_add(&h->loud, 1);
}

static void on_shut(void *user)
{
	*(bool *)user = true;
}

/* Runs the loop until `expr` holds, at most 20 s. */
#define UNTIL(loop, expr)                                                                          \
	do {                                                                                       \
		const uint64_t end_ns = pf_clock_mono_ns() + 20 * PF_NS_PER_S;                     \
		while (!(expr) && pf_clock_mono_ns() < end_ns)                                     \
			assert_true(sd_event_run(pf_loop_event(loop), 20000) >= 0);                \
		if (!(expr))                                                                       \
			fail_msg("waited in vain for %s", #expr);                                  \
	} while (0)

/* Longer than a desk holds its program back for the sound. */
static int open_slowly(
	struct pf_audio **out, const struct pf_audio_params *params, struct pf_reason *why)
{
	usleep(400000);
	return pf_audio_find("pipewire")->open(out, params, why);
}

static void a_late_or_killed_sound_server_is_found(void **state)
{
	static const struct pf_desk_events events = { on_ready, on_taken, on_died };
	const struct pf_audio_ops *audio = pf_audio_find("pipewire");
	struct pf_desk_request rq = {
		.known = true, .key = { 7 }, .mode = { 1280, 720, 60000 }, .audio_channels = 2
	};
	struct pf_desks_params params = { .display = pf_display_find("null") };
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char *tone = pf_test_tool("tools/tone/pf-tone");
	const struct pf_source *source;
	struct pf_reason why = { 0 };
	struct pf_audio_ops slow;
	struct pf_config config;
	struct holder h = { 0 };
	struct pf_desks *desks;
	struct pf_desk *desk;
	bool done = false;

	if (!audio) {
		print_message("# skipped: built without pipewire\n");
		skip();
	}
	if (audio->probe(&(struct pf_audio_params){ .channels = 2 }, &why)) {
		print_message("# skipped: %s\n", why.text);
		skip();
	}
	pf_config_init(&config);
	snprintf(config.session_command, sizeof(config.session_command),
		"while :; do %s --hz 440; sleep 0.05; done", tone);
	slow = *audio;
	slow.open = open_slowly;
	params.audio = &slow;
	params.config = &config;
	assert_int_equal(pf_loop_create(&params.loop), 0);
	assert_int_equal(pf_workers_create(&params.workers, params.loop), 0);
	assert_int_equal(pf_desks_create(&desks, &params), 0);
	assert_int_equal(pf_desk_acquire(&desk, desks, &rq, &events, &h, &why), 0);
	pf_desk_set_pcm(desk, on_pcm, &h);
	UNTIL(params.loop, h.ready && atomic_load(&h.loud) > 20);
	source = pf_desk_source(desk);
	for (int i = 0; i < 2; i++) {
		const pid_t pid = pf_test_process_of("pipewire ", runtime);
		uint64_t start;

		assert_true(pid > 0);
		assert_int_equal(kill(pid, SIGKILL), 0);
		start = pf_clock_mono_ns();
		UNTIL(params.loop, pf_test_process_of("pipewire ", runtime) != pid);
		atomic_store(&h.loud, 0);
		UNTIL(params.loop, atomic_load(&h.loud) > 20);
		print_message("# heard again %.0f ms after the kill\n",
			(double)(pf_clock_mono_ns() - start) / 1e6);
	}
	assert_int_equal(h.ready, 1);
	assert_int_equal(h.other, 0);
	assert_ptr_equal(pf_desk_source(desk), source);
	pf_desk_release(desk, &h, true);
	pf_desks_shutdown(desks, on_shut, &done);
	UNTIL(params.loop, done);
	assert_int_equal(pf_test_process_of("pipewire ", runtime), 0);
	pf_desks_destroy(desks);
	pf_workers_destroy(params.workers);
	pf_loop_destroy(params.loop);
	free(tone);
}

int main(void)
{
#ifdef PF_HAVE_PIPEWIRE
	static const char *const tools[] = { "tools/tone/pf-tone", NULL };
#else
	static const char *const tools[] = { NULL };
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_or_killed_sound_server_is_found),
	};

	pf_test_become_user(tools);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
