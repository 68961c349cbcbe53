/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The whole host but its command line, and clients through the public interface,
 * in one process over loopback: pattern display, x264, null sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crypto/identity.h"
#include "host/native/native.h"
#include "host/registry/access.h"
#include "host/sys/files.h"
#include "host/sys/rundir.h"
#include "punktfunk_core.h"

#define ENDED_MAX 32

struct fixture {
	char *dir;
	char allowed[PF_PATH_BYTES], paired[128];
	struct pf_config config;
	const char *display;
	struct pf_loop *loop;
	struct pf_workers *workers;
	struct pf_desks *desks;
	struct pf_native *native;
	struct pf_identity *identity;
	struct pf_clients *clients;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	struct pf_session_report ended[ENDED_MAX]; /* under lock */
	unsigned ended_count;
};

static void quiet(void *user, enum pf_log_level level, const char *topic, const char *text)
{
	if (getenv("PF_TEST_VERBOSE"))
		fprintf(stderr, "# %s: %s\n", topic, text);
}

static int make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	pf_log_set(quiet, NULL, PF_LOG_INFO);
	assert_int_equal(pf_rundir_create("/tmp", "pf-native-", &f->dir, NULL), 0);
	setenv("XDG_RUNTIME_DIR", f->dir, 1);
	snprintf(f->allowed, sizeof(f->allowed), "%s/allowed_clients", f->dir);
	pthread_mutex_init(&f->lock, NULL);
	pf_config_init(&f->config);
	f->config.port = 0;
	strcpy(f->config.bind_address, "127.0.0.1");
	f->config.trust_on_first_use = true;
	f->config.display_backend = PF_CONFIG_DISPLAY_PATTERN;
	f->display = "pattern";
	strcpy(f->config.audio_options, "tone-hz=440");
	*state = f;
	return 0;
}

static void on_ended(void *user, const struct pf_session_report *r)
{
	struct fixture *f = user;

	pthread_mutex_lock(&f->lock);
	if (f->ended_count < ENDED_MAX)
		f->ended[f->ended_count++] = *r;
	pthread_mutex_unlock(&f->lock);
}

static void *run_loop(void *arg)
{
	struct fixture *f = arg;

	assert_int_equal(pf_loop_run(f->loop), 7);
	return NULL;
}

static void serve(struct fixture *f)
{
	struct pf_native_params p = { 0 };
	struct pf_reason why = { 0 };

	assert_int_equal(pf_identity_generate(&f->identity, "punktfunk-host", &why), 0);
	assert_int_equal(pf_loop_create(&f->loop), 0);
	assert_int_equal(pf_workers_create(&f->workers, f->loop), 0);
	assert_int_equal(pf_desks_create(&f->desks,
				 &(struct pf_desks_params){
					 .loop = f->loop,
					 .workers = f->workers,
					 .config = &f->config,
					 .display = pf_display_find(f->display),
					 .audio = pf_audio_find("null"),
				 }),
		0);
	p.loop = f->loop;
	p.workers = f->workers;
	p.desks = f->desks;
	p.config = &f->config;
	p.identity = f->identity;
	p.allowed_path = f->allowed;
	snprintf(f->paired, sizeof(f->paired), "%s/clients.json", f->dir);
	if (pf_clients_open(&f->clients, f->paired, f->workers, &why))
		fail_msg("%s", why.text);
	pf_clients_run(f->clients, f->loop);
	p.clients = f->clients;
	p.ended = on_ended;
	p.user = f;
	if (pf_encoders_find(&p.encoders, f->config.encoder, f->config.software_codecs, &why)) {
		print_message("no encoder: %s\n", why.text);
		skip();
	}
	if (pf_native_create(&f->native, &p, &why))
		fail_msg("%s", why.text);
	assert_int_equal(pthread_create(&f->thread, NULL, run_loop, f), 0);
	f->running = true;
}

static void desks_gone(void *user)
{
	pf_loop_quit(((struct fixture *)user)->loop, 7);
}

static void sessions_gone(void *user)
{
	struct fixture *f = user;

	pf_desks_shutdown(f->desks, desks_gone, f);
}

static void shut(void *user, void *msg)
{
	struct fixture *f = user;

	pf_native_shutdown(f->native, sessions_gone, f);
}

static void stop(struct fixture *f)
{
	if (f->running) {
		assert_int_equal(pf_loop_post(f->loop, shut, f, NULL, 0), 0);
		pthread_join(f->thread, NULL);
	}
	f->running = false;
	pf_native_destroy(f->native);
	f->native = NULL;
	if (f->desks)
		pf_desks_destroy(f->desks);
	pf_workers_destroy(f->workers);
	if (f->clients)
		pf_clients_run(f->clients, NULL);
	pf_loop_destroy(f->loop);
	pf_clients_close(f->clients);
	pf_identity_unref(f->identity);
	f->clients = NULL;
	f->desks = NULL;
	f->workers = NULL;
	f->loop = NULL;
	f->identity = NULL;
}

static int drop(void **state)
{
	struct fixture *f = *state;

	stop(f);
	(void)pf_rundir_remove(f->dir);
	free(f->dir);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return 0;
}

/* ---- clients ---- */

static PunktfunkConnectOptions options(struct fixture *f, const PunktfunkIdentity *id)
{
	return (PunktfunkConnectOptions){
		.struct_size = sizeof(PunktfunkConnectOptions),
		.port = pf_native_port(f->native),
		.host = "127.0.0.1",
		.identity = id,
		.name = "test",
		.width = 640,
		.height = 360,
		.refresh_hz = 60,
		.bitrate_kbps = 4000,
		.timeout_ms = 15000,
	};
}

static PunktfunkConnection *connect_as(struct fixture *f, const PunktfunkIdentity *id)
{
	PunktfunkConnectOptions o = options(f, id);
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnection *c;

	if (punktfunk_connect(&o, &c, &why))
		fail_msg("connect: %s", why.text);
	return c;
}

static PunktfunkIdentity *new_identity(void)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkIdentity *id;

	assert_int_equal(punktfunk_identity_open(NULL, &id, &why), 0);
	return id;
}

/* Receives until `n` frames came; flags of the last one. */
static uint32_t take_frames(PunktfunkConnection *c, unsigned n)
{
	PunktfunkFrame frame = { .struct_size = sizeof(frame) };
	uint64_t end_ns = pf_clock_mono_ns() + 20 * PF_NS_PER_S;

	while (n) {
		int r = punktfunk_connection_next_frame(c, &frame, 1000);

		if (!r) {
			assert_true(frame.size > 0);
			n--;
		} else if (r != PUNKTFUNK_EAGAIN || pf_clock_mono_ns() > end_ns) {
			fail_msg("no frame: %d, %u to go", r, n);
		}
	}
	return frame.flags;
}

/* The next event of `type`; fails after 10 s. */
static PunktfunkEvent take_event(PunktfunkConnection *c, uint32_t type)
{
	PunktfunkEvent e = { .struct_size = sizeof(e) };
	uint64_t end_ns = pf_clock_mono_ns() + 10 * PF_NS_PER_S;

	while (pf_clock_mono_ns() < end_ns) {
		int r = punktfunk_connection_next_event(c, &e, 500);

		if (!r && e.type == type)
			return e;
		if (r && r != PUNKTFUNK_EAGAIN)
			break;
	}
	fail_msg("no event %u", type);
	return e;
}

static struct pf_session_report ended(struct fixture *f, unsigned number)
{
	struct pf_session_report r;

	for (unsigned i = 0; i < 20000; i++) {
		pthread_mutex_lock(&f->lock);
		if (f->ended_count >= number) {
			r = f->ended[number - 1];
			pthread_mutex_unlock(&f->lock);
			return r;
		}
		pthread_mutex_unlock(&f->lock);
		usleep(1000);
	}
	fail_msg("session %u did not end", number);
	abort();
}

static void a_picture_and_its_sound_arrive(void **state)
{
	struct fixture *f = *state;
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	PunktfunkAudio audio = { .struct_size = sizeof(audio) };
	PunktfunkReason why = { .struct_size = sizeof(why) };
	struct pf_session_report r;
	PunktfunkConnectOptions o;
	PunktfunkConnection *c;
	uint8_t fp[32];
	uint32_t seq = 0;

	serve(f);
	o = options(f, NULL);
	o.name = "tv\n\x1b[2J\xc2\x9b"
		 "end"; /* would play tricks on a terminal */
	if (punktfunk_connect(&o, &c, &why))
		fail_msg("%s", why.text);
	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	assert_int_equal(info.width, 640);
	assert_int_equal(info.height, 360);
	assert_int_equal(info.refresh_hz, 60);
	assert_int_equal(info.codec, PUNKTFUNK_CODEC_H264);
	assert_int_equal(info.bitrate_kbps, 4000);
	assert_int_equal(info.color_primaries, 1);
	assert_int_equal(info.audio_channels, 2);
	pf_identity_fingerprint(f->identity, fp);
	assert_memory_equal(info.host_fingerprint, fp, 32);

	assert_int_equal(take_frames(c, 1), PUNKTFUNK_FRAME_VIDEO | PUNKTFUNK_FRAME_IDR);
	assert_int_equal(take_frames(c, 29), PUNKTFUNK_FRAME_VIDEO);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(punktfunk_connection_next_audio(c, &audio, 5000), 0);
		assert_true(audio.size > 10);
		assert_true(!i || audio.seq == seq + 1);
		seq = audio.seq;
	}
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	r = ended(f, 1);
	assert_int_equal(r.close_code, 0);
	assert_true(r.stream.submitted >= 30);
	assert_int_equal(r.stream.dropped, 0);
	assert_true(r.audio_packets >= 20);
	assert_true(r.first_sent_ns > r.hello_ns);
	assert_true(r.wire.packets > 30);
	assert_true(r.cpu_ms > 0);
	assert_string_equal(r.client, "");
	assert_string_equal(r.name, "tv??[2J??end");
}

static void the_client_asks_and_is_answered(void **state)
{
	struct fixture *f = *state;
	PunktfunkConnection *c;
	PunktfunkEvent e;
	uint32_t flags;

	serve(f);
	c = connect_as(f, NULL);
	take_frames(c, 10);
	assert_int_equal(punktfunk_request_bitrate(c, 100), 0);
	e = take_event(c, PUNKTFUNK_EVENT_BITRATE);
	assert_int_equal(e.a, 500); /* the least there is */
	assert_int_equal(punktfunk_request_bitrate(c, 2000), 0);
	e = take_event(c, PUNKTFUNK_EVENT_BITRATE);
	assert_int_equal(e.a, 2000);

	usleep(800000); /* past the cool-down of the first IDR */
	assert_int_equal(punktfunk_request_keyframe(c), 0);
	flags = 0;
	for (unsigned i = 0; i < 120 && !(flags & PUNKTFUNK_FRAME_IDR); i++)
		flags = take_frames(c, 1);
	assert_true(flags & PUNKTFUNK_FRAME_IDR);

	/* Another mode: announced, then an IDR, in the same session. */
	assert_int_equal(punktfunk_request_mode(c, 800, 450, 60), 0);
	e = take_event(c, PUNKTFUNK_EVENT_MODE);
	assert_int_equal(e.a, 800);
	assert_int_equal(e.b, 450);
	flags = 0;
	for (unsigned i = 0; i < 120 && !(flags & PUNKTFUNK_FRAME_IDR); i++)
		flags = take_frames(c, 1);
	assert_true(flags & PUNKTFUNK_FRAME_IDR);
	take_frames(c, 5);
	/* One that cannot be is answered with the one in force. */
	usleep(600000);
	assert_int_equal(punktfunk_request_mode(c, 9000, 450, 60), 0);
	e = take_event(c, PUNKTFUNK_EVENT_MODE);
	assert_int_equal(e.a, 800);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).width, 800);
}

static void a_mode_that_fails_gives_way_to_the_old_one(void **state)
{
	struct fixture *f = *state;
	PunktfunkConnection *c;
	uint32_t flags = 0;

	strcpy(f->config.encoder, "null");
	strcpy(f->config.encoder_preset, "max-width=640");
	serve(f);
	c = connect_as(f, NULL);
	take_frames(c, 2);
	assert_int_equal(punktfunk_request_mode(c, 800, 450, 60), 0);
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_MODE).a, 800); /* too early */
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_MODE).a, 640); /* put right */
	for (unsigned i = 0; i < 60 && !(flags & PUNKTFUNK_FRAME_IDR); i++)
		flags = take_frames(c, 1);
	assert_true(flags & PUNKTFUNK_FRAME_IDR);
	take_frames(c, 5);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).width, 640);
	assert_int_equal(ended(f, 1).close_code, 0);
}

static void refused(struct fixture *f, const PunktfunkIdentity *id, uint32_t code, const char *word)
{
	PunktfunkConnectOptions o = options(f, id);
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnection *c;

	assert_true(punktfunk_connect(&o, &c, &why) < 0);
	assert_int_equal(why.close_code, code);
	if (!strstr(why.text, word))
		fail_msg("\"%s\" does not say \"%s\"", why.text, word);
}

static void only_the_listed_may_connect(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity(), *b = new_identity();
	PunktfunkConnection *c;
	uint8_t fp[32];
	char line[128], hex[65];

	f->config.trust_on_first_use = false;
	serve(f);
	punktfunk_identity_fingerprint(a, fp);
	pf_access_format(fp, hex);
	refused(f, NULL, PUNKTFUNK_CLOSE_IDENTITY_REQUIRED, "certificate");
	refused(f, a, PUNKTFUNK_CLOSE_DENIED, hex); /* says what to write where */
	snprintf(line, sizeof(line), "# clients\n%s pointer # a\n", hex);
	assert_int_equal(pf_file_replace(f->allowed, 0600, line, strlen(line), NULL), 0);
	c = connect_as(f, a); /* no restart needed */
	take_frames(c, 1);
	refused(f, b, PUNKTFUNK_CLOSE_DENIED, "allowed_clients");
	/* Grants count: this one may not type. */
	for (unsigned i = 0; i < 3; i++) {
		PunktfunkInputEvent ev = {
			.struct_size = sizeof(ev), .kind = PUNKTFUNK_INPUT_KEY_DOWN, .code = 'A'
		};

		assert_int_equal(punktfunk_send_input(c, &ev), 0);
	}
	take_frames(c, 10);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).input_denied, 3);
	assert_string_equal(ended(f, 1).client, hex);
	punktfunk_identity_free(a);
	punktfunk_identity_free(b);
}

/* Runs fn on the loop, where the registry belongs, and waits for it. */
struct errand {
	struct fixture *f;
	struct pf_client client;
	int (*fn)(struct fixture *f, const struct pf_client *client);
	int result;
	sem_t done;
};

static void run_errand(void *user, void *msg)
{
	struct errand *e = user;

	e->result = e->fn(e->f, &e->client);
	sem_post(&e->done);
}

static int on_loop(struct fixture *f, const struct pf_client *client,
	int (*fn)(struct fixture *f, const struct pf_client *client))
{
	struct errand e = { .f = f, .client = *client, .fn = fn };

	sem_init(&e.done, 0, 0);
	assert_int_equal(pf_loop_post(f->loop, run_errand, &e, NULL, 0), 0);
	while (sem_wait(&e.done))
		;
	sem_destroy(&e.done);
	return e.result;
}

static int add_client(struct fixture *f, const struct pf_client *client)
{
	return pf_clients_add(f->clients, client, NULL);
}

static int remove_client(struct fixture *f, const struct pf_client *client)
{
	return pf_clients_remove(f->clients, client->plane, client->fingerprint, NULL);
}

/* gamestream.md 11 row 7, here for punktfunk/1: unpaired means gone. */
static void row7_who_is_unpaired_is_gone_at_once(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	PunktfunkInputEvent key = {
		.struct_size = sizeof(key), .kind = PUNKTFUNK_INPUT_KEY_DOWN, .code = 'A'
	};
	struct pf_client client = { .grants = PF_GRANT_ALL, .name = "sofa" };
	PunktfunkConnection *c;

	f->config.trust_on_first_use = false;
	serve(f);
	punktfunk_identity_fingerprint(a, client.fingerprint);
	/* Paired on the other plane it is nobody here. */
	client.plane = PF_PLANE_GAMESTREAM;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	refused(f, a, PUNKTFUNK_CLOSE_DENIED, "not allowed");
	client.plane = PF_PLANE_NATIVE;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	c = connect_as(f, a);
	take_frames(c, 2);
	assert_int_equal(punktfunk_send_input(c, &key), 0);
	take_frames(c, 10);
	client.grants = PF_GRANT_POINTER;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	assert_int_equal(punktfunk_send_input(c, &key), 0);
	take_frames(c, 10);
	assert_int_equal(on_loop(f, &client, remove_client), 0);
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_CLOSED).a, PUNKTFUNK_CLOSE_DENIED);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).input_denied, 1); /* the second alone */
	refused(f, a, PUNKTFUNK_CLOSE_DENIED, "not allowed");
	punktfunk_identity_free(a);
}

static void access_that_runs_out_ends_the_session(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	struct pf_client client = { .grants = PF_GRANT_ALL, .name = "guest" };
	PunktfunkConnection *c;

	f->config.trust_on_first_use = false;
	serve(f);
	punktfunk_identity_fingerprint(a, client.fingerprint);
	client.plane = PF_PLANE_NATIVE;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	c = connect_as(f, a);
	take_frames(c, 2);
	client.expires_s = time(NULL) + 2;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	take_frames(c, 2);
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_CLOSED).a, PUNKTFUNK_CLOSE_DENIED);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_string_equal(ended(f, 1).close_text, "its access has run out");
	refused(f, a, PUNKTFUNK_CLOSE_DENIED, "not allowed");
	punktfunk_identity_free(a);
}

static void what_cannot_be_is_refused_with_words(void **state)
{
	struct fixture *f = *state;
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnectOptions o;
	PunktfunkConnection *c, *d;

	f->config.max_sessions = 1;
	serve(f);
	o = options(f, NULL);
	o.width = 10000;
	assert_true(punktfunk_connect(&o, &c, &why) < 0);
	assert_int_equal(why.close_code, PUNKTFUNK_CLOSE_SETUP_FAILED);
	assert_non_null(strstr(why.text, "8192"));
	o = options(f, NULL);
	o.video_codecs = PUNKTFUNK_CODEC_AV1;
	assert_true(punktfunk_connect(&o, &c, &why) < 0);
	assert_int_equal(why.close_code, PUNKTFUNK_CLOSE_SETUP_FAILED);
	assert_non_null(strstr(why.text, "codec"));
	c = connect_as(f, NULL);
	take_frames(c, 1);
	refused(f, NULL, PUNKTFUNK_CLOSE_BUSY, "max_sessions");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	(void)ended(f, 1);
	d = connect_as(f, NULL); /* the place is free again */
	take_frames(d, 1);
	punktfunk_connection_close(d, PUNKTFUNK_CLOSE_NORMAL);
}

static void the_same_client_gets_its_desk_back(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity(), *b = new_identity();
	PunktfunkConnection *c, *d, *e;
	PunktfunkEvent ev;

	f->config.max_sessions = 2;
	serve(f);
	c = connect_as(f, a);
	take_frames(c, 2);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	(void)ended(f, 1);
	c = connect_as(f, a);
	take_frames(c, 2);
	/* Two at once: each its own desk. */
	d = connect_as(f, b);
	take_frames(d, 2);
	take_frames(c, 2);
	/* The same identity once more takes over, though all places are taken. */
	e = connect_as(f, a);
	take_frames(e, 2);
	ev = take_event(c, PUNKTFUNK_EVENT_CLOSED);
	assert_int_equal(ev.a, 0x66);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	(void)ended(f, 2);
	take_frames(e, 5);
	punktfunk_connection_close(e, PUNKTFUNK_CLOSE_QUIT);
	assert_int_equal(ended(f, 3).close_code, PUNKTFUNK_CLOSE_QUIT);
	/* It quit: the next time everything is new. */
	c = connect_as(f, a);
	take_frames(c, 2);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	punktfunk_connection_close(d, PUNKTFUNK_CLOSE_NORMAL);
	assert_string_equal(ended(f, 1).desk, "desk 1");
	assert_string_equal(ended(f, 2).desk, "desk 1");
	assert_string_equal(ended(f, 3).desk, "desk 1");
	for (unsigned i = 4; i <= 5; i++) {
		struct pf_session_report r = ended(f, i);
		uint8_t fp[32];
		char hex[65];

		punktfunk_identity_fingerprint(a, fp);
		pf_access_format(fp, hex);
		assert_string_equal(r.desk, strcmp(r.client, hex) ? "desk 2" : "desk 3");
	}
	punktfunk_identity_free(a);
	punktfunk_identity_free(b);
}

static void a_picture_that_stands_still_costs_nothing(void **state)
{
	struct fixture *f = *state;
	PunktfunkFrame frame = { .struct_size = sizeof(frame) };
	PunktfunkConnection *c;
	struct pf_session_report r;

	strcpy(f->config.display_options, "scene=still");
	f->config.audio = false;
	serve(f);
	c = connect_as(f, NULL);
	take_frames(c, 3);
	/* Longer than the idle time-out of the connection: silence does not end it. */
	assert_int_equal(punktfunk_connection_next_frame(c, &frame, 9000), PUNKTFUNK_EAGAIN);
	usleep(100000);
	assert_int_equal(punktfunk_request_keyframe(c), 0);
	assert_true(take_frames(c, 1) & PUNKTFUNK_FRAME_IDR);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	r = ended(f, 1);
	assert_int_equal(r.stream.encoded, 4);
	assert_int_equal(r.audio_packets, 0);
}

static void a_host_that_stops_says_so(void **state)
{
	struct fixture *f = *state;
	PunktfunkConnection *c;
	PunktfunkEvent e;

	serve(f);
	c = connect_as(f, NULL);
	take_frames(c, 2);
	stop(f);
	e = take_event(c, PUNKTFUNK_EVENT_CLOSED);
	assert_int_equal(e.a, PUNKTFUNK_CLOSE_NORMAL);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(f->ended_count, 1);
}

static void a_desk_that_fails_closes_with_its_words(void **state)
{
	struct fixture *f = *state;
	PunktfunkConnectOptions o;
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnection *c;

	strcpy(f->config.display_options, "fail-at=5");
	serve(f);
	o = options(f, NULL);
	/* It breaks while it streams. */
	assert_int_equal(punktfunk_connect(&o, &c, &why), 0);
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_CLOSED).a, PUNKTFUNK_CLOSE_SETUP_FAILED);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).close_code, PUNKTFUNK_CLOSE_SETUP_FAILED);
}

static void a_display_that_does_not_open_is_told(void **state)
{
	struct fixture *f = *state;
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnectOptions o;
	PunktfunkConnection *c;
	PunktfunkEvent e;

	f->display = "null";
	strcpy(f->config.display_options, "fail-open=1,delay-ms=50");
	serve(f);
	o = options(f, NULL);
	/* The Welcome does not wait for the display, so either may come first. */
	if (punktfunk_connect(&o, &c, &why)) {
		assert_int_equal(why.close_code, PUNKTFUNK_CLOSE_SETUP_FAILED);
		assert_non_null(strstr(why.text, "null display"));
	} else {
		e = take_event(c, PUNKTFUNK_EVENT_CLOSED);
		assert_int_equal(e.a, PUNKTFUNK_CLOSE_SETUP_FAILED);
		assert_non_null(strstr(e.text, "null display"));
		punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	}
	assert_int_equal(ended(f, 1).close_code, PUNKTFUNK_CLOSE_SETUP_FAILED);
	assert_int_equal(ended(f, 1).stream.encoded, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		T(a_picture_and_its_sound_arrive),
		T(the_client_asks_and_is_answered),
		T(a_mode_that_fails_gives_way_to_the_old_one),
		T(only_the_listed_may_connect),
		T(row7_who_is_unpaired_is_gone_at_once),
		T(access_that_runs_out_ends_the_session),
		T(what_cannot_be_is_refused_with_words),
		T(the_same_client_gets_its_desk_back),
		T(a_picture_that_stands_still_costs_nothing),
		T(a_host_that_stops_says_so),
		T(a_desk_that_fails_closes_with_its_words),
		T(a_display_that_does_not_open_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
