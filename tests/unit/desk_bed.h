/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* desk_bed.h - a desk manager on the null back ends, and who holds its desks; for
 * the tests of host/desk. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/desk/desk.h"
#include "host/sys/rundir.h"

struct holder {
	struct pf_desk *desk;
	unsigned ready, failed, taken, died, app_ended;
	struct pf_reason why;
	uint64_t ready_ns;
};

struct fixture {
	char *dir; /* XDG_RUNTIME_DIR */
	struct pf_loop *loop;
	struct pf_workers *workers;
	struct pf_config config;
	struct pf_desks_params params;
	struct pf_desks *desks;
	bool shut;
};

static void on_ready(void *user, const struct pf_reason *why)
{
	struct holder *h = user;

	if (why) {
		h->failed++;
		h->why = *why;
		h->desk = NULL;
	} else {
		h->ready++;
		h->ready_ns = pf_clock_mono_ns();
	}
}

static void on_taken(void *user)
{
	((struct holder *)user)->taken++;
}

static void on_died(void *user, const struct pf_reason *why)
{
	struct holder *h = user;

	h->died++;
	h->why = *why;
}

static void on_app_ended(void *user, const struct pf_reason *why)
{
	struct holder *h = user;

	h->app_ended++;
	if (why)
		h->why = *why;
}

static const struct pf_desk_events events = { on_ready, on_taken, on_died, on_app_ended };

static void quiet(void *user, enum pf_log_level level, const char *topic, const char *text) {}

static int make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	pf_log_set(quiet, NULL, PF_LOG_WARN);
	assert_int_equal(pf_rundir_create("/tmp", "pf-desk-", &f->dir, NULL), 0);
	setenv("XDG_RUNTIME_DIR", f->dir, 1);
	assert_int_equal(pf_loop_create(&f->loop), 0);
	assert_int_equal(pf_workers_create(&f->workers, f->loop), 0);
	pf_config_init(&f->config);
	f->config.spare_desk = false;
	f->params = (struct pf_desks_params){
		.loop = f->loop,
		.workers = f->workers,
		.config = &f->config,
		.display = pf_display_find("null"),
		.audio = pf_audio_find("null"),
	};
	*state = f;
	return 0;
}

static void on_shut(void *user)
{
	((struct fixture *)user)->shut = true;
}

static void turn(struct fixture *f)
{
	assert_true(sd_event_run(pf_loop_event(f->loop), 5000) >= 0);
}

/* Runs the loop until `expr` holds, at most 20 s. */
#define UNTIL(f, expr)                                                                             \
	do {                                                                                       \
		uint64_t end_ns = pf_clock_mono_ns() + 20 * PF_NS_PER_S;                           \
		while (!(expr) && pf_clock_mono_ns() < end_ns)                                     \
			turn(f);                                                                   \
		if (!(expr))                                                                       \
			fail_msg("waited in vain for %s", #expr);                                  \
	} while (0)

static void run_for_ms(struct fixture *f, unsigned ms)
{
	uint64_t end_ns = pf_clock_mono_ns() + ms * PF_NS_PER_MS;

	while (pf_clock_mono_ns() < end_ns)
		turn(f);
}

static unsigned runtime_entries(struct fixture *f)
{
	DIR *d = opendir(f->dir);
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void shut(struct fixture *f)
{
	f->shut = false;
	pf_desks_shutdown(f->desks, on_shut, f);
	UNTIL(f, f->shut);
	assert_int_equal(pf_desks_count(f->desks), 0);
	pf_desks_destroy(f->desks);
	f->desks = NULL;
	assert_int_equal(runtime_entries(f), 0);
}

static int drop(void **state)
{
	struct fixture *f = *state;

	if (f->desks)
		shut(f);
	pf_workers_destroy(f->workers);
	pf_loop_destroy(f->loop);
	(void)pf_rundir_remove(f->dir);
	free(f->dir);
	free(f);
	return 0;
}

static void open_desks(struct fixture *f)
{
	assert_int_equal(pf_desks_create(&f->desks, &f->params), 0);
}

static struct pf_desk_request request(uint8_t who)
{
	struct pf_desk_request rq = {
		.known = who != 0, .mode = { 1280, 720, 60000 }, .audio_channels = 2
	};

	memset(rq.key, who, 32);
	return rq;
}

static int acquire(struct fixture *f, struct holder *h, uint8_t who)
{
	struct pf_desk_request rq = request(who);
	struct pf_reason why = { 0 };

	memset(h, 0, sizeof(*h));
	return pf_desk_acquire(&h->desk, f->desks, &rq, &events, h, &why);
}
