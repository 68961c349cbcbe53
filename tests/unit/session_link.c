/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whole sessions over loopback: the listener on one side, the public interface
 * on the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/cpu.h"
#include "core/crypto/identity.h"
#include "tests/unit/session_host.h"

static PunktfunkConnectOptions options(const struct host *h)
{
	return (PunktfunkConnectOptions){
		.struct_size = sizeof(PunktfunkConnectOptions),
		.port = pf_listener_port(h->l),
		.host = "127.0.0.1",
		.name = "test client",
		.width = 1280,
		.height = 720,
		.refresh_hz = 60,
		.timeout_ms = PATIENCE_MS,
	};
}

static PunktfunkConnection *client_open(struct host *h)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnectOptions o = options(h);
	PunktfunkConnection *c = NULL;
	int err = punktfunk_connect(&o, &c, &why);

	if (err)
		print_message("# %s\n", why.text);
	assert_int_equal(err, 0);
	return c;
}

/* ---- a session that works ---- */

#define FRAMES 120
#define AUDIO  60
#define INPUTS 50

static size_t frame_size(uint32_t i)
{
	return 40 + (i * 7919u) % 60000;
}

static void fill(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

/* Frames that check_frames has: the client keeps eight for it, and drops one when a
 * busy machine leaves it no time. */
#define AHEAD 6
static _Atomic uint32_t taken;

/* The encode and audio threads of a host. */
static void *stream(void *arg)
{
	struct pf_host_session *s = arg;
	static uint8_t buf[100000];
	uint8_t sound[160];

	atomic_store(&taken, 0);
	for (uint32_t i = 0; i < FRAMES; i++) {
		struct pf_frame_stamps t = { .capture_ns = pf_clock_mono_ns() };

		t.encode_start_ns = t.capture_ns + 1000;
		t.encode_end_ns = t.capture_ns + 3000;
		fill(buf, frame_size(i), i);
		/* A frame that the full ring refuses uses up its number. */
		while (pf_host_session_queued(s) >= 3 || i - atomic_load(&taken) >= AHEAD)
			usleep(1000);
		assert_int_equal(pf_host_session_submit(s, buf, frame_size(i),
					 i ? 0 : (uint32_t)PUNKTFUNK_FRAME_IDR, &t),
			0);
		if (i < AUDIO) {
			fill(sound, sizeof(sound), 1000 + i);
			pf_host_session_audio(s, sound, sizeof(sound), t.capture_ns);
		}
		usleep(4000);
	}
	return NULL;
}

static void check_frames(PunktfunkConnection *c)
{
	static uint8_t want[100000];
	bool seen[FRAMES] = { false };

	for (unsigned n = 0; n < FRAMES; n++) {
		PunktfunkFrame f = { .struct_size = sizeof(f) };

		assert_int_equal(punktfunk_connection_next_frame(c, &f, PATIENCE_MS), 0);
		atomic_fetch_add(&taken, 1);
		assert_true(f.frame_index < FRAMES && !seen[f.frame_index]);
		seen[f.frame_index] = true;
		assert_int_equal(f.size, frame_size(f.frame_index));
		fill(want, f.size, f.frame_index);
		assert_memory_equal(f.data, want, f.size);
		assert_true(f.flags & PUNKTFUNK_FRAME_VIDEO);
		assert_int_equal(!!(f.flags & PUNKTFUNK_FRAME_IDR), f.frame_index == 0);
		assert_true(f.completed_unix_ns >= f.first_unix_ns);
		/* One machine, one clock: it arrived after it was taken. */
		assert_true(f.first_unix_ns > f.pts_unix_ns);
		assert_true(f.first_unix_ns - f.pts_unix_ns < 10 * PF_NS_PER_S);
	}
}

static unsigned drain_audio(PunktfunkConnection *c)
{
	uint8_t want[160];
	unsigned n = 0;

	for (;; n++) {
		PunktfunkAudio a = { .struct_size = sizeof(a) };

		if (punktfunk_connection_next_audio(c, &a, n ? 0 : PATIENCE_MS) != 0)
			return n;
		assert_int_equal(a.size, sizeof(want));
		fill(want, sizeof(want), 1000 + a.seq);
		assert_memory_equal(a.data, want, sizeof(want));
		assert_true(a.pts_unix_ns > 0);
	}
}

static void a_session_carries_everything(void **state)
{
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	PunktfunkStats stats = { .struct_size = sizeof(stats) };
	unsigned timings = 0, audio;
	PunktfunkConnection *c;
	struct pf_host_session *s;
	struct pollfd fd;
	uint8_t fp[32];
	struct host h;
	pthread_t t;

	host_init(&h);
	host_start(&h);
	c = client_open(&h);
	assert_true(wait_count(&h, &h.started, 1));
	s = h.sessions[0];
	assert_string_equal(h.hello.name, "test client");
	assert_false(h.peer.has_certificate);

	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	assert_int_equal(info.width, 1280);
	assert_int_equal(info.bitrate_kbps, 20000);
	assert_int_equal(info.codec, PUNKTFUNK_CODEC_H264);
	assert_int_equal(info.shard_payload, 1408);
	pf_identity_fingerprint(host_id, fp);
	assert_memory_equal(info.host_fingerprint, fp, 32);
	/* Both ends read the same clock. */
	assert_true(llabs(info.clock_offset_ns) < 20 * (long long)PF_NS_PER_MS);
	assert_true(info.rtt_ns > 0 && info.rtt_ns < PF_NS_PER_S);
	print_message("# clock offset %lld us, round trip %llu us\n",
		(long long)info.clock_offset_ns / 1000, (unsigned long long)info.rtt_ns / 1000);

	assert_int_equal(pthread_create(&t, NULL, stream, s), 0);
	for (uint32_t i = 0; i < INPUTS; i++) {
		PunktfunkInputEvent e = { .struct_size = sizeof(e),
			.kind = PUNKTFUNK_INPUT_MOUSE_RELATIVE,
			.x = (int32_t)i,
			.y = -1 };

		assert_int_equal(punktfunk_send_input(c, &e), 0);
		assert_true(wait_count(&h, &h.inputs, i + 1));
		assert_int_equal(h.input.tag, PF_DGRAM_INPUT);
		assert_int_equal(h.input.input.x, i);
		assert_int_equal(h.input.input.y, -1);
	}
	check_frames(c);
	pthread_join(t, NULL);
	audio = drain_audio(c);
	fd = (struct pollfd){ .fd = punktfunk_connection_fd(c), .events = POLLIN };
	assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
	for (;;) {
		PunktfunkEvent e = { .struct_size = sizeof(e) };

		if (punktfunk_connection_next_event(c, &e, timings < FRAMES ? 1000 : 0) != 0)
			break;
		assert_int_equal(e.type, PUNKTFUNK_EVENT_HOST_TIMING);
		assert_int_equal(e.b, 1);
		assert_int_equal(e.c, 2);
		assert_true(e.a >= 3);
		timings++;
	}
	/* Datagrams may be lost on a loaded machine, but not many. */
	assert_in_range(timings, FRAMES * 9 / 10, FRAMES);
	assert_in_range(audio, AUDIO * 9 / 10, AUDIO);
	/* Nothing waits: the common descriptor is quiet. */
	assert_int_equal(poll(&fd, 1, 0), 0);

	assert_int_equal(punktfunk_connection_stats(c, &stats), 0);
	assert_int_equal(stats.frames, FRAMES);
	assert_int_equal(stats.packets_forged, 0);
	assert_int_equal(stats.packets_invalid, 0);
	assert_int_equal(pf_host_session_stats(s, &stats), 0);
	assert_int_equal(stats.frames, FRAMES);
	assert_int_equal(stats.frames_dropped, 0);

	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_QUIT);
	assert_true(wait_count(&h, &h.closed, 1));
	assert_int_equal(h.close_code, PUNKTFUNK_CLOSE_QUIT);
	assert_int_equal(pf_host_session_audio(s, fp, sizeof(fp), 1), -EPIPE);
	host_stop(&h);
}

/* The next frame of sound: what it is and what is missing before it. */
static void next_sound(PunktfunkConnection *c, uint32_t seq, uint32_t lost, uint32_t flags)
{
	PunktfunkAudio a = { .struct_size = sizeof(a) };
	uint8_t want[100];

	assert_int_equal(punktfunk_connection_next_audio(c, &a, PATIENCE_MS), 0);
	assert_int_equal(a.seq, seq);
	assert_int_equal(a.lost, lost);
	assert_int_equal(a.flags, flags);
	assert_int_equal(a.size, sizeof(want));
	fill(want, sizeof(want), seq);
	assert_memory_equal(a.data, want, sizeof(want));
}

/* A frame that is too long for any datagram uses up its number: lost on the way. */
static void a_copy_of_sound_mends_one_loss(void **state)
{
	PunktfunkStats stats = { .struct_size = sizeof(stats) };
	static uint8_t sound[7][1400];
	struct pf_host_session *s;
	PunktfunkConnection *c;
	struct host h;

	for (uint32_t i = 0; i < 7; i++)
		fill(sound[i], sizeof(sound[i]), i);
	host_init(&h);
	h.accept.welcome.host_caps = PF_HOST_CAP_AUDIO_REDUNDANCY;
	host_start(&h);
	c = client_open(&h);
	assert_true(wait_count(&h, &h.started, 1));
	assert_true(h.hello.client_caps & PF_CLIENT_CAP_AUDIO_REDUNDANCY);
	s = h.sessions[0];
	/* What is before the first was never sent. */
	assert_int_equal(pf_host_session_audio_redundant(s, sound[0], 100, sound[6], 100, 1), 0);
	next_sound(c, 0, 0, 0);
	assert_int_equal(pf_host_session_audio_redundant(s, sound[1], 1400, NULL, 0, 1), -ENOBUFS);
	assert_int_equal(pf_host_session_audio_redundant(s, sound[2], 100, sound[1], 100, 1), 0);
	next_sound(c, 1, 0, PUNKTFUNK_AUDIO_RECOVERED);
	next_sound(c, 2, 0, 0);
	/* A copy that needs too much room, and one that there is not. */
	assert_int_equal(pf_host_session_audio_redundant(s, sound[3], 1400, NULL, 0, 1), -ENOBUFS);
	assert_int_equal(pf_host_session_audio_redundant(s, sound[4], 100, sound[3], 1006, 1), 0);
	next_sound(c, 4, 1, 0);
	assert_int_equal(pf_host_session_audio_redundant(s, sound[5], 1400, NULL, 0, 1), -ENOBUFS);
	assert_int_equal(pf_host_session_audio_redundant(s, sound[6], 100, NULL, 0, 1), 0);
	next_sound(c, 6, 1, 0);
	assert_int_equal(punktfunk_connection_stats(c, &stats), 0);
	assert_int_equal(stats.audio_frames, 5);
	assert_int_equal(stats.audio_recovered, 1);
	assert_int_equal(stats.audio_lost, 2);
	assert_int_equal(stats.audio_late, 0);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

/* A client with AES instructions does not ask: the host would grant it. */
static void chacha_is_for_clients_without_aes(void **state)
{
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	PunktfunkConnection *c;
	struct host h;
	pthread_t t;

	host_init(&h);
	h.accept.welcome.cipher = PF_CIPHER_CHACHA20_POLY1305;
	if (pf_cpu_flags() & (PF_CPU_AESNI | PF_CPU_NEON)) {
		host_start(&h);
		c = client_open(&h);
		assert_false(h.hello.video_caps & PF_VIDEO_CAP_CHACHA20);
		assert_int_equal(punktfunk_connection_info(c, &info), 0);
		assert_int_equal(info.cipher, PUNKTFUNK_CIPHER_AES128_GCM);
		punktfunk_connection_close(c, 0);
		host_stop(&h);
		host_init(&h);
		h.accept.welcome.cipher = PF_CIPHER_CHACHA20_POLY1305;
	}
	pf_cpu_set_mask(0);
	host_start(&h);
	c = client_open(&h);
	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	assert_int_equal(info.cipher, PUNKTFUNK_CIPHER_CHACHA20_POLY1305);
	assert_true(wait_count(&h, &h.started, 1));
	assert_int_equal(pthread_create(&t, NULL, stream, h.sessions[0]), 0);
	check_frames(c);
	pthread_join(t, NULL);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
	pf_cpu_set_mask(~0u);
}

static PunktfunkEvent next_event(PunktfunkConnection *c, uint32_t type)
{
	for (;;) {
		PunktfunkEvent e = { .struct_size = sizeof(e) };

		assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
		if (e.type == type)
			return e;
	}
}

static void wishes_reach_the_host_and_are_answered(void **state)
{
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	struct pf_ctl answer = { 0 };
	PunktfunkConnection *c;
	PunktfunkEvent e;
	struct host h;

	host_init(&h);
	host_start(&h);
	c = client_open(&h);
	assert_true(wait_count(&h, &h.started, 1));

	assert_int_equal(punktfunk_request_keyframe(c), 0);
	assert_true(wait_count(&h, &h.controls, 1));
	assert_int_equal(h.control.type, PF_CTL_REQUEST_KEYFRAME);

	assert_int_equal(punktfunk_request_bitrate(c, 12345), 0);
	assert_true(wait_count(&h, &h.controls, 2));
	assert_int_equal(h.control.type, PF_CTL_SET_BITRATE);
	assert_int_equal(h.control.kbps, 12345);
	answer.type = PF_CTL_BITRATE_CHANGED;
	answer.bitrate_changed.kbps = 12000;
	assert_int_equal(pf_host_session_control(h.sessions[0], &answer), 0);
	e = next_event(c, PUNKTFUNK_EVENT_BITRATE);
	assert_int_equal(e.a, 12000);

	assert_int_equal(punktfunk_request_mode(c, 1920, 1080, 120), 0);
	assert_true(wait_count(&h, &h.controls, 3));
	assert_int_equal(h.control.type, PF_CTL_RECONFIGURE);
	assert_int_equal(h.control.reconfigure.height, 1080);
	answer.type = PF_CTL_RECONFIGURED;
	answer.reconfigured.accepted = true;
	answer.reconfigured.mode = h.control.reconfigure;
	assert_int_equal(pf_host_session_control(h.sessions[0], &answer), 0);
	e = next_event(c, PUNKTFUNK_EVENT_MODE);
	assert_int_equal(e.a, 1920);
	assert_int_equal(e.c, 120);
	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	assert_int_equal(info.width, 1920);
	assert_int_equal(info.bitrate_kbps, 12000);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

/* ---- admission ---- */

static void a_refusal_says_why(void **state)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnection *c = NULL;
	PunktfunkConnectOptions o;
	struct host h;

	host_init(&h);
	h.answer = REJECT;
	host_start(&h);
	o = options(&h);
	assert_int_equal(punktfunk_connect(&o, &c, &why), PUNKTFUNK_EACCES);
	assert_null(c);
	assert_int_equal(why.code, PUNKTFUNK_EACCES);
	assert_int_equal(why.close_code, PUNKTFUNK_CLOSE_DENIED);
	assert_non_null(strstr(why.text, "not on the list"));
	assert_true(wait_count(&h, &h.closed, 1));
	assert_int_equal(h.close_code, PUNKTFUNK_CLOSE_DENIED);
	host_stop(&h);
}

struct later {
	struct host *h;
	bool accept;
};

static void *decide_later(void *arg)
{
	struct later *later = arg;

	if (!wait_count(later->h, &later->h->hellos, 1))
		return arg;
	usleep(300 * 1000);
	if (later->accept)
		return pf_host_session_accept(later->h->sessions[0], &later->h->accept) ? arg
											: NULL;
	pf_host_session_close(later->h->sessions[0], PUNKTFUNK_CLOSE_DENIED, "after a while");
	return NULL;
}

static void a_decision_may_come_later(void **state)
{
	for (unsigned accept = 0; accept < 2; accept++) {
		PunktfunkReason why = { .struct_size = sizeof(why) };
		PunktfunkConnection *c = NULL;
		PunktfunkConnectOptions o;
		struct host h;
		struct later later = { &h, accept };
		pthread_t t;
		void *failed;

		host_init(&h);
		h.answer = WAIT;
		host_start(&h);
		o = options(&h);
		assert_int_equal(pthread_create(&t, NULL, decide_later, &later), 0);
		assert_int_equal(punktfunk_connect(&o, &c, &why), accept ? 0 : PUNKTFUNK_EACCES);
		pthread_join(t, &failed);
		assert_null(failed);
		if (accept) {
			/* One answer only. */
			assert_int_equal(
				pf_host_session_accept(h.sessions[0], &h.accept), -EALREADY);
			punktfunk_connection_close(c, 0);
		} else {
			assert_non_null(strstr(why.text, "after a while"));
		}
		host_stop(&h);
	}
}

static void a_full_host_is_busy(void **state)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnection *c, *second = NULL;
	PunktfunkConnectOptions o;
	struct host h;

	host_init(&h);
	h.params.max_sessions = 1;
	host_start(&h);
	c = client_open(&h);
	o = options(&h);
	assert_int_equal(punktfunk_connect(&o, &second, &why), PUNKTFUNK_EBUSY);
	assert_int_equal(why.close_code, PUNKTFUNK_CLOSE_BUSY);
	punktfunk_connection_close(c, 0);
	assert_true(wait_count(&h, &h.closed, 1));
	/* The place is free again. */
	c = client_open(&h);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

static void fingerprints_are_checked_both_ways(void **state)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkIdentity *id = NULL;
	PunktfunkConnection *c = NULL;
	PunktfunkConnectOptions o;
	uint8_t host_fp[32], client_fp[32];
	struct host h;

	assert_int_equal(punktfunk_identity_open(NULL, &id, &why), 0);
	punktfunk_identity_fingerprint(id, client_fp);
	pf_identity_fingerprint(host_id, host_fp);
	host_init(&h);
	host_start(&h);
	o = options(&h);
	o.identity = id;
	o.host_fingerprint = host_fp;
	assert_int_equal(punktfunk_connect(&o, &c, &why), 0);
	assert_true(h.peer.has_certificate);
	assert_memory_equal(h.peer.fingerprint, client_fp, 32);
	punktfunk_connection_close(c, 0);

	c = NULL;
	o.host_fingerprint = client_fp;
	assert_int_equal(punktfunk_connect(&o, &c, &why), PUNKTFUNK_EACCES);
	assert_null(c);
	assert_non_null(strstr(why.text, "certificate"));
	punktfunk_identity_free(id);
	host_stop(&h);
	assert_int_equal(h.hellos, 1);
}

/* ---- ends ---- */

static void the_client_learns_that_the_host_went(void **state)
{
	PunktfunkFrame f = { .struct_size = sizeof(f) };
	PunktfunkAudio a = { .struct_size = sizeof(a) };
	PunktfunkEvent e = { .struct_size = sizeof(e) };
	struct pollfd fd;
	PunktfunkConnection *c;
	struct host h;

	host_init(&h);
	host_start(&h);
	c = client_open(&h);
	assert_true(wait_count(&h, &h.started, 1));
	host_stop(&h);
	e = next_event(c, PUNKTFUNK_EVENT_CLOSED);
	assert_int_equal(e.a, 0);
	assert_int_equal(punktfunk_connection_next_event(c, &e, 0), PUNKTFUNK_EPIPE);
	assert_int_equal(punktfunk_connection_next_frame(c, &f, PATIENCE_MS), PUNKTFUNK_EPIPE);
	assert_int_equal(punktfunk_connection_next_audio(c, &a, PATIENCE_MS), PUNKTFUNK_EPIPE);
	assert_int_equal(punktfunk_request_keyframe(c), PUNKTFUNK_EPIPE);
	fd = (struct pollfd){ .fd = punktfunk_connection_fd(c), .events = POLLIN };
	assert_int_equal(poll(&fd, 1, 0), 1);
	punktfunk_connection_close(c, 0);
}

static void a_typed_end_reaches_the_client(void **state)
{
	PunktfunkConnection *c;
	PunktfunkEvent e;
	struct host h;

	host_init(&h);
	host_start(&h);
	c = client_open(&h);
	assert_true(wait_count(&h, &h.started, 1));
	pf_host_session_close(h.sessions[0], PUNKTFUNK_CLOSE_APP_EXITED, "the game ended");
	e = next_event(c, PUNKTFUNK_EVENT_CLOSED);
	assert_int_equal(e.a, PUNKTFUNK_CLOSE_APP_EXITED);
	assert_string_equal(e.text, "the game ended");
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

/* In a process of its own, so that it can be killed. */
static void client_process(int ports, int ready)
{
	PunktfunkConnectOptions o = { .struct_size = sizeof(o),
		.host = "127.0.0.1",
		.width = 640,
		.height = 480,
		.refresh_hz = 60,
		.timeout_ms = PATIENCE_MS };
	PunktfunkConnection *c;

	if (read(ports, &o.port, sizeof(o.port)) != sizeof(o.port) ||
		punktfunk_connect(&o, &c, NULL) != 0 || write(ready, "", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

static void a_killed_client_is_lost_after_the_idle_time(void **state)
{
	int ports[2], ready[2], status;
	struct host h;
	uint16_t port;
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ports), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		client_process(ports[0], ready[1]);
	host_init(&h);
	h.params.idle_ms = 1000;
	host_start(&h);
	port = pf_listener_port(h.l);
	assert_int_equal(write(ports[1], &port, sizeof(port)), sizeof(port));
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_true(wait_count(&h, &h.started, 1));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(wait_count(&h, &h.closed, 1));
	assert_int_equal(h.close_code, 0xffffffff);
	host_stop(&h);
	for (unsigned i = 0; i < 2; i++) {
		close(ports[i]);
		close(ready[i]);
	}
}

static void nobody_there_has_a_clear_message(void **state)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnectOptions o = { .struct_size = sizeof(o),
		.host = "127.0.0.1",
		.width = 640,
		.height = 480,
		.refresh_hz = 60,
		.timeout_ms = 2500 };
	socklen_t len = sizeof(in4);
	PunktfunkConnection *c = NULL;

	assert_int_equal(bind(fd, (struct sockaddr *)&in4, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in4, &len), 0);
	o.port = ntohs(in4.sin_port);
	/* A port that swallows everything. */
	assert_int_equal(punktfunk_connect(&o, &c, &why), PUNKTFUNK_ETIMEDOUT);
	assert_non_null(strstr(why.text, "firewall"));
	close(fd);
	/* A port with nobody behind it. */
	assert_int_equal(punktfunk_connect(&o, &c, &why), PUNKTFUNK_ECONNREFUSED);
	assert_non_null(strstr(why.text, "nothing listens"));
	o.host = "no-such-host.invalid";
	assert_int_equal(punktfunk_connect(&o, &c, &why), PUNKTFUNK_EHOSTUNREACH);
	assert_non_null(strstr(why.text, "no-such-host.invalid"));
	assert_null(c);
}

/* ---- many ---- */

struct one_of_many {
	struct host *h;
	pthread_t thread;
	int failed;
};

static void *one_client(void *arg)
{
	struct one_of_many *me = arg;
	PunktfunkConnectOptions o = options(me->h);
	PunktfunkConnection *c;

	me->failed = punktfunk_connect(&o, &c, NULL);
	if (me->failed)
		return NULL;
	for (unsigned i = 0; i < 5 && !me->failed; i++) {
		PunktfunkFrame f = { .struct_size = sizeof(f) };

		me->failed = punktfunk_connection_next_frame(c, &f, PATIENCE_MS);
	}
	punktfunk_connection_close(c, 0);
	return NULL;
}

static void twenty_sessions_at_once(void **state)
{
	enum { N = 20 };
	struct one_of_many many[N] = { 0 };
	static uint8_t au[3000];
	struct host h;

	host_init(&h);
	host_start(&h);
	for (unsigned i = 0; i < N; i++) {
		many[i].h = &h;
		assert_int_equal(pthread_create(&many[i].thread, NULL, one_client, &many[i]), 0);
	}
	assert_true(wait_count(&h, &h.started, N));
	for (unsigned f = 0; f < 5; f++) {
		for (unsigned i = 0; i < N; i++) {
			struct pf_frame_stamps t = { .capture_ns = pf_clock_mono_ns() };

			assert_int_equal(
				pf_host_session_submit(h.sessions[i], au, sizeof(au), 0, &t), 0);
		}
		usleep(20 * 1000);
	}
	for (unsigned i = 0; i < N; i++) {
		pthread_join(many[i].thread, NULL);
		assert_int_equal(many[i].failed, 0);
	}
	assert_true(wait_count(&h, &h.closed, N));
	host_stop(&h);
}

/* ---- the border ---- */

static void old_callers_get_what_they_know(void **state)
{
	struct {
		PunktfunkConnectionInfo info;
		uint8_t guard[16];
	} small;
	PunktfunkConnection *c;
	struct host h;

	host_init(&h);
	host_start(&h);
	c = client_open(&h);
	memset(&small, 0xee, sizeof(small));
	small.info.struct_size = offsetof(PunktfunkConnectionInfo, bitrate_kbps);
	assert_int_equal(punktfunk_connection_info(c, &small.info), 0);
	assert_int_equal(small.info.struct_size, offsetof(PunktfunkConnectionInfo, bitrate_kbps));
	assert_int_equal(small.info.width, 1280);
	assert_int_equal(small.info.bitrate_kbps, 0xeeeeeeee);
	small.info.struct_size = 0;
	assert_int_equal(punktfunk_connection_info(c, &small.info), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_connection_info(NULL, &small.info), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_connect(NULL, &c, NULL), PUNKTFUNK_EINVAL);
	punktfunk_connection_close(c, 0);
	punktfunk_connection_close(NULL, 0);
	host_stop(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_client_is_lost_after_the_idle_time),
		cmocka_unit_test(a_session_carries_everything),
		cmocka_unit_test(a_copy_of_sound_mends_one_loss),
		cmocka_unit_test(chacha_is_for_clients_without_aes),
		cmocka_unit_test(wishes_reach_the_host_and_are_answered),
		cmocka_unit_test(a_refusal_says_why),
		cmocka_unit_test(a_decision_may_come_later),
		cmocka_unit_test(a_full_host_is_busy),
		cmocka_unit_test(fingerprints_are_checked_both_ways),
		cmocka_unit_test(the_client_learns_that_the_host_went),
		cmocka_unit_test(a_typed_end_reaches_the_client),
		cmocka_unit_test(nobody_there_has_a_clear_message),
		cmocka_unit_test(twenty_sessions_at_once),
		cmocka_unit_test(old_callers_get_what_they_know),
	};
	int failed;

	if (pf_identity_generate(&host_id, "host", NULL) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pf_identity_unref(host_id);
	return failed;
}
