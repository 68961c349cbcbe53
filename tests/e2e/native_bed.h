/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* native_bed.h - the whole host but its command line, in the test's process, and
 * clients through the public interface: pattern display, x264, null sound. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
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

#define ENDED_MAX 128

struct fixture {
	char *dir;
	char allowed[PF_PATH_BYTES], paired[128], catalogue[128];
	struct pf_config config;
	const char *display;
	const struct pf_display_ops *display_ops; /* instead of the one of that name */
	const struct pf_pads_backends *pads;
	struct pf_loop *loop;
	struct pf_workers *workers;
	struct pf_desks *desks;
	struct pf_native *native;
	struct pf_identity *identity;
	struct pf_clients *clients;
	struct pf_apps *apps; /* of the folder's apps.json */
	pthread_t thread;
	bool running;
	unsigned knocks_per_address;
	uint64_t knock_wait_ns;
	unsigned (*elsewhere)(void *user);
	pthread_mutex_t lock;
	struct pf_session_report ended[ENDED_MAX]; /* under lock */
	unsigned ended_count;
};

static inline void quiet(void *user, enum pf_log_level level, const char *topic, const char *text)
{
	if (getenv("PF_TEST_VERBOSE"))
		fprintf(stderr, "# %s: %s\n", topic, text);
}

static inline int make(void **state)
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
	f->knock_wait_ns = 200 * PF_NS_PER_MS;
	f->config.display_backend = PF_CONFIG_DISPLAY_PATTERN;
	f->display = "pattern";
	strcpy(f->config.audio_options, "tone-hz=440");
	*state = f;
	return 0;
}

static inline void on_ended(void *user, const struct pf_session_report *r)
{
	struct fixture *f = user;

	pthread_mutex_lock(&f->lock);
	if (f->ended_count < ENDED_MAX)
		f->ended[f->ended_count++] = *r;
	pthread_mutex_unlock(&f->lock);
}

static inline void *run_loop(void *arg)
{
	struct fixture *f = arg;

	assert_int_equal(pf_loop_run(f->loop), 7);
	return NULL;
}

static inline void serve(struct fixture *f)
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
					 .display = f->display_ops ? f->display_ops
								   : pf_display_find(f->display),
					 .pads = f->pads,
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
	snprintf(f->catalogue, sizeof(f->catalogue), "%s/apps.json", f->dir);
	if (pf_apps_open(&f->apps, f->catalogue, &why))
		fail_msg("%s", why.text);
	p.apps = f->apps;
	p.knocks_per_address = f->knocks_per_address;
	p.knock_wait_ns = f->knock_wait_ns;
	p.elsewhere = f->elsewhere;
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

static inline void desks_gone(void *user)
{
	pf_loop_quit(((struct fixture *)user)->loop, 7);
}

static inline void sessions_gone(void *user)
{
	struct fixture *f = user;

	pf_desks_shutdown(f->desks, desks_gone, f);
}

static inline void shut(void *user, void *msg)
{
	struct fixture *f = user;

	pf_native_shutdown(f->native, sessions_gone, f);
}

static inline void stop(struct fixture *f)
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
	pf_apps_close(f->apps);
	f->apps = NULL;
	pf_identity_unref(f->identity);
	f->clients = NULL;
	f->desks = NULL;
	f->workers = NULL;
	f->loop = NULL;
	f->identity = NULL;
}

static inline int drop(void **state)
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

static inline PunktfunkConnectOptions options(struct fixture *f, const PunktfunkIdentity *id)
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

static inline PunktfunkConnection *connect_as(struct fixture *f, const PunktfunkIdentity *id)
{
	PunktfunkConnectOptions o = options(f, id);
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnection *c;

	if (punktfunk_connect(&o, &c, &why))
		fail_msg("connect: %s", why.text);
	return c;
}

static inline PunktfunkIdentity *new_identity(void)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkIdentity *id;

	assert_int_equal(punktfunk_identity_open(NULL, &id, &why), 0);
	return id;
}

/* Receives until `n` frames came; flags of the last one. */
static inline uint32_t take_frames(PunktfunkConnection *c, unsigned n)
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
static inline PunktfunkEvent take_event(PunktfunkConnection *c, uint32_t type)
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

static inline struct pf_session_report ended(struct fixture *f, unsigned number)
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

static inline void refused(
	struct fixture *f, const PunktfunkIdentity *id, uint32_t code, const char *word)
{
	PunktfunkConnectOptions o = options(f, id);
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnection *c;

	assert_true(punktfunk_connect(&o, &c, &why) < 0);
	assert_int_equal(why.close_code, code);
	if (!strstr(why.text, word))
		fail_msg("\"%s\" does not say \"%s\"", why.text, word);
}

/* Runs fn on the loop, where the registry belongs, and waits for it. */
struct errand {
	struct fixture *f;
	struct pf_client client;
	int (*fn)(struct fixture *f, const struct pf_client *client);
	int result;
	sem_t done;
};

static inline void run_errand(void *user, void *msg)
{
	struct errand *e = user;

	e->result = e->fn(e->f, &e->client);
	sem_post(&e->done);
}

static inline int on_loop(struct fixture *f, const struct pf_client *client,
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

static inline int add_client(struct fixture *f, const struct pf_client *client)
{
	return pf_clients_add(f->clients, client, NULL);
}

static inline int remove_client(struct fixture *f, const struct pf_client *client)
{
	return pf_clients_remove(f->clients, client->plane, client->fingerprint, NULL);
}
