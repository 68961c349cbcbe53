/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Desks on the null back ends: every stage, every way to come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/desk/desk.h"
#include "host/registry/apps.h"
#include "host/sys/rundir.h"
#include "tests/unit/desk_bed.h"

static void opens_and_ends(void **state)
{
	struct fixture *f = *state;
	struct pf_input_event ev = { 0 };
	struct holder h;

	open_desks(f);
	assert_int_equal(acquire(f, &h, 1), 0);
	assert_int_equal(h.ready, 0); /* never from within the call */
	UNTIL(f, h.ready);
	assert_int_equal(pf_desk_source(h.desk)->mode.width, 1280);
	assert_int_equal(pf_desk_mode(h.desk)->height, 720);
	assert_int_equal(runtime_entries(f), 1);
	assert_int_equal(pf_desk_input(h.desk, &ev), -ENODEV); /* null takes none */
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !pf_desks_count(f->desks));
	assert_int_equal(runtime_entries(f), 0);
	assert_int_equal(h.ready, 1);
	assert_int_equal(h.taken + h.died + h.failed, 0);
}

static void every_stage_can_fail(void **state)
{
	struct fixture *f = *state;
	struct holder h;

	assert_int_equal(pf_desk_stage_count(), 4);
	strcpy(f->config.session_command, "exec sleep 100");
	for (unsigned n = 1; n <= 4; n++) {
		f->params.fail_stage = n;
		open_desks(f);
		if (n == 1) {
			assert_int_equal(acquire(f, &h, 1), -ECANCELED);
		} else if (n < 4) {
			assert_int_equal(acquire(f, &h, 1), 0);
			/* Without input there is a picture, though not for long. */
			UNTIL(f, n == 2 ? h.failed : h.died);
			assert_int_equal(h.ready, n == 3);
			assert_int_equal(h.why.code, -ECANCELED);
			assert_non_null(strstr(h.why.text, pf_desk_stage_name(n)));
			if (n == 3)
				pf_desk_release(h.desk, &h, false);
			UNTIL(f, !pf_desks_count(f->desks));
		} else {
			/* A desk without its program is still a desk. */
			assert_int_equal(acquire(f, &h, 1), 0);
			UNTIL(f, h.ready);
			run_for_ms(f, 300);
			assert_int_equal(h.failed, 0);
			pf_desk_release(h.desk, &h, false);
		}
		shut(f);
	}
}

static void a_display_that_fails_inside_is_told(void **state)
{
	struct fixture *f = *state;
	struct holder h;

	open_desks(f);
	for (unsigned n = 1; n <= 3; n++) {
		snprintf(f->config.display_options, PF_CONFIG_TEXT_BYTES, "fail-open=%u", n);
		assert_int_equal(acquire(f, &h, 1), 0);
		UNTIL(f, h.failed);
		assert_non_null(strstr(h.why.text, "null display"));
		UNTIL(f, !pf_desks_count(f->desks));
	}
}

static void sound_neither_stops_nor_delays_the_picture(void **state)
{
	struct fixture *f = *state;
	struct holder h;
	uint64_t start_ns;

	open_desks(f);
	strcpy(f->config.audio_options, "fail-open=1");
	assert_int_equal(acquire(f, &h, 1), 0);
	UNTIL(f, h.ready);
	pf_desk_release(h.desk, &h, true);
	strcpy(f->config.audio_options, "delay-ms=1500");
	start_ns = pf_clock_mono_ns();
	assert_int_equal(acquire(f, &h, 1), 0);
	UNTIL(f, h.ready);
	assert_true(h.ready_ns - start_ns < 1200 * PF_NS_PER_MS);
	/* The end waits for the sound that is still opening. */
	pf_desk_shown(h.desk);
	run_for_ms(f, 100);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !pf_desks_count(f->desks));
	assert_true(pf_clock_mono_ns() - start_ns > 1400 * PF_NS_PER_MS);
}

static void count_pcm(void *user, const float *pcm, unsigned channels, uint64_t capture_ns)
{
	assert_int_equal(channels, 2);
	atomic_fetch_add((_Atomic unsigned *)user, 1);
}

static void sound_goes_to_whom_it_belongs(void **state)
{
	struct fixture *f = *state;
	_Atomic unsigned blocks = 0;
	struct holder h;
	unsigned before;

	strcpy(f->config.audio_options, "tone-hz=440");
	open_desks(f);
	assert_int_equal(acquire(f, &h, 1), 0);
	pf_desk_set_pcm(h.desk, count_pcm, &blocks);
	UNTIL(f, h.ready && atomic_load(&blocks) > 5);
	pf_desk_release(h.desk, &h, false);
	before = atomic_load(&blocks);
	run_for_ms(f, 50);
	assert_int_equal(atomic_load(&blocks), before);
}

static void count_pull(void *user, float *pcm, unsigned samples)
{
	memset(pcm, 0, samples * sizeof(*pcm));
	atomic_fetch_add((_Atomic unsigned *)user, 1);
}

static void a_microphone_is_its_holders(void **state)
{
	struct fixture *f = *state;
	_Atomic unsigned first = 0, second = 0;
	struct holder h[2];
	unsigned before;

	/* It may come before the sound. */
	strcpy(f->config.audio_options, "delay-ms=300");
	open_desks(f);
	assert_int_equal(acquire(f, &h[0], 1), 0);
	pf_desk_open_mic(h[0].desk, "Ann's phone", count_pull, &first);
	UNTIL(f, atomic_load(&first) > 5);
	/* Somebody else's to remove. */
	pf_desk_close_mic(h[0].desk, &second);
	before = atomic_load(&first);
	UNTIL(f, atomic_load(&first) > before + 5);
	/* The same client again: the first is not asked any more, the second is. */
	assert_int_equal(acquire(f, &h[1], 1), 0);
	assert_int_equal(h[0].taken, 1);
	before = atomic_load(&first);
	pf_desk_open_mic(h[1].desk, "Ann's phone", count_pull, &second);
	pf_desk_close_mic(h[0].desk, &first);
	pf_desk_release(h[0].desk, &h[0], false);
	UNTIL(f, atomic_load(&second) > 5);
	pf_desk_close_mic(h[1].desk, &second);
	assert_int_equal(atomic_load(&first), before);
	before = atomic_load(&second);
	run_for_ms(f, 50);
	assert_int_equal(atomic_load(&second), before);
	/* Release takes it along. */
	pf_desk_open_mic(h[1].desk, NULL, count_pull, &second);
	UNTIL(f, atomic_load(&second) > before + 5);
	pf_desk_release(h[1].desk, &h[1], false);
	before = atomic_load(&second);
	run_for_ms(f, 50);
	assert_int_equal(atomic_load(&second), before);
}

static void a_microphone_outlives_its_sound(void **state)
{
	struct fixture *f = *state;
	_Atomic unsigned pulls = 0;
	struct holder h;

	/* Ten blocks of each of four sounds. */
	strcpy(f->config.audio_options, "die-ms=50");
	open_desks(f);
	assert_int_equal(acquire(f, &h, 1), 0);
	pf_desk_open_mic(h.desk, "Ann's phone", count_pull, &pulls);
	UNTIL(f, atomic_load(&pulls) > 15);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !pf_desks_count(f->desks));
}

struct log_lines {
	_Atomic unsigned again, away, others;
};

static void count_lines(void *user, enum pf_log_level level, const char *topic, const char *text)
{
	struct log_lines *l = user;

	atomic_fetch_add(strstr(text, "starts again") ? &l->again
			 : strstr(text, "stays away") ? &l->away
						      : &l->others,
		1);
}

static _Atomic unsigned opened;

/* The null sound, whose second opening fails. */
static int open_unless_second(
	struct pf_audio **out, const struct pf_audio_params *params, struct pf_reason *why)
{
	if (atomic_fetch_add(&opened, 1) == 1)
		return pf_reason_set(why, -EIO, "the second opening fails");
	return pf_audio_find("null")->open(out, params, why);
}

static void sound_that_ends_starts_again_so_often(void **state)
{
	static const struct pf_audio_ops ops = { .name = "second", .open = open_unless_second };
	struct fixture *f = *state;
	_Atomic unsigned blocks = 0;
	struct log_lines lines = { 0 };
	const struct pf_source *source;
	struct holder h;

	pf_log_set(count_lines, &lines, PF_LOG_WARN);
	strcpy(f->config.audio_options, "tone-hz=440,die-ms=50");
	f->params.audio = &ops;
	atomic_store(&opened, 0);
	open_desks(f);
	assert_int_equal(acquire(f, &h, 1), 0);
	pf_desk_set_pcm(h.desk, count_pcm, &blocks);
	UNTIL(f, h.ready);
	source = pf_desk_source(h.desk);
	UNTIL(f, atomic_load(&lines.away));
	run_for_ms(f, 100);
	assert_int_equal(atomic_load(&opened), 4);
	assert_int_equal(atomic_load(&lines.again), 3);
	assert_int_equal(atomic_load(&lines.away), 1);
	assert_int_equal(atomic_load(&lines.others), 0);
	/* Ten blocks of each that opened; of the first, what came after set_pcm. */
	assert_in_range(atomic_load(&blocks), 20, 30);
	/* No holder and no picture had to know. */
	assert_int_equal(h.ready, 1);
	assert_int_equal(h.taken + h.died + h.failed, 0);
	assert_ptr_equal(pf_desk_source(h.desk), source);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !pf_desks_count(f->desks));
	pf_log_set(quiet, NULL, PF_LOG_WARN);
}

static void who_comes_back_finds_the_same_desk(void **state)
{
	struct fixture *f = *state;
	struct holder a, b, c, d;
	struct pf_desk *first;

	open_desks(f);
	assert_int_equal(acquire(f, &a, 1), 0);
	UNTIL(f, a.ready);
	first = a.desk;
	pf_desk_release(a.desk, &a, false);
	run_for_ms(f, 20);
	assert_int_equal(pf_desks_count(f->desks), 1);
	assert_int_equal(acquire(f, &a, 1), 0);
	assert_ptr_equal(a.desk, first);
	UNTIL(f, a.ready);
	/* Never shared with someone else, and unknown ones share nothing at all. */
	assert_int_equal(acquire(f, &b, 2), 0);
	assert_int_equal(acquire(f, &c, 0), 0);
	assert_int_equal(acquire(f, &d, 0), 0);
	UNTIL(f, b.ready && c.ready && d.ready);
	assert_int_equal(pf_desks_count(f->desks), 4);
	pf_desk_release(c.desk, &c, false);
	UNTIL(f, pf_desks_count(f->desks) == 3); /* nobody can come back to it */
	pf_desk_release(d.desk, &d, false);
	pf_desk_release(a.desk, &a, false);
	pf_desk_release(b.desk, &b, true);
	UNTIL(f, pf_desks_count(f->desks) == 1);
}

static void a_desk_nobody_comes_back_to_ends(void **state)
{
	struct fixture *f = *state;
	struct holder h;

	open_desks(f);
	f->config.desk_keep_alive_s = 1;
	assert_int_equal(acquire(f, &h, 1), 0);
	UNTIL(f, h.ready);
	pf_desk_release(h.desk, &h, false);
	run_for_ms(f, 500);
	assert_int_equal(pf_desks_count(f->desks), 1);
	UNTIL(f, !pf_desks_count(f->desks));
	f->config.desk_keep_alive_s = 0;
	assert_int_equal(acquire(f, &h, 1), 0);
	pf_desk_release(h.desk, &h, false); /* even before it was ready */
	UNTIL(f, !pf_desks_count(f->desks));
	assert_int_equal(h.ready, 0);
}

static void count_drop(void *thing)
{
	atomic_fetch_add((_Atomic unsigned *)thing, 1);
}

static void what_a_holder_parks_is_for_the_next(void **state)
{
	struct fixture *f = *state;
	_Atomic unsigned drops = 0;
	struct holder a, b;

	open_desks(f);
	assert_int_equal(acquire(f, &a, 1), 0);
	UNTIL(f, a.ready);
	assert_null(pf_desk_unpark(a.desk));
	assert_true(pf_desk_park(a.desk, &a, &drops, count_drop));
	assert_false(pf_desk_park(a.desk, &a, &drops, count_drop)); /* one thing */
	pf_desk_release(a.desk, &a, false);
	assert_int_equal(acquire(f, &b, 1), 0);
	assert_ptr_equal(pf_desk_unpark(b.desk), &drops);
	assert_null(pf_desk_unpark(b.desk));
	/* Who lost the desk parks nothing. */
	assert_int_equal(acquire(f, &a, 1), 0);
	assert_int_equal(b.taken, 1);
	assert_false(pf_desk_park(b.desk, &b, &drops, count_drop));
	pf_desk_release(b.desk, &b, false);
	UNTIL(f, a.ready);
	/* Nobody comes: it ends with the desk. */
	assert_true(pf_desk_park(a.desk, &a, &drops, count_drop));
	assert_int_equal(drops, 0);
	pf_desk_release(a.desk, &a, true);
	UNTIL(f, !pf_desks_count(f->desks));
	assert_int_equal(drops, 1);
}

static void the_newer_connection_takes_over(void **state)
{
	struct fixture *f = *state;
	struct holder old, new;

	open_desks(f);
	assert_int_equal(acquire(f, &old, 1), 0);
	UNTIL(f, old.ready);
	assert_int_equal(acquire(f, &new, 1), 0);
	assert_int_equal(old.taken, 1);
	assert_ptr_equal(old.desk, new.desk);
	run_for_ms(f, 50);
	assert_int_equal(new.ready, 0); /* the old one still captures */
	pf_desk_release(old.desk, &old, true);
	UNTIL(f, new.ready);
	assert_int_equal(pf_desks_count(f->desks), 1);
	pf_desk_release(new.desk, &new, true);
}

static void nobody_comes_back_to_a_desk_that_is_to_end(void **state)
{
	struct fixture *f = *state;
	struct holder old, new;
	uint8_t key[32];

	memset(key, 1, sizeof(key));
	f->config.desk_keep_alive_s = 3600;
	open_desks(f);
	assert_false(pf_desks_end(f->desks, key));
	assert_int_equal(acquire(f, &old, 1), 0);
	UNTIL(f, old.ready);
	/* Its holder takes a while to stop; its client is back before. */
	assert_true(pf_desks_end(f->desks, key));
	assert_false(pf_desks_has(f->desks, key));
	assert_int_equal(acquire(f, &new, 1), 0);
	assert_ptr_not_equal(new.desk, old.desk);
	UNTIL(f, new.ready);
	assert_int_equal(old.taken, 0);
	pf_desk_release(old.desk, &old, false);
	UNTIL(f, pf_desks_count(f->desks) == 1);
	assert_true(pf_desks_has(f->desks, key));
	pf_desk_release(new.desk, &new, false);
	assert_true(pf_desks_end(f->desks, key));
	UNTIL(f, !pf_desks_count(f->desks));
}

static void modes_change_in_place_or_by_reopening(void **state)
{
	struct fixture *f = *state;
	const struct pf_mode big = { 1920, 1080, 120000 }, small = { 640, 480, 60000 };
	struct holder h;

	open_desks(f);
	assert_int_equal(acquire(f, &h, 1), 0);
	UNTIL(f, h.ready == 1);
	pf_desk_set_mode(h.desk, &big);
	UNTIL(f, h.ready == 2);
	assert_int_equal(pf_desk_source(h.desk)->mode.width, 1920);
	/* The same one again is answered, too. */
	pf_desk_set_mode(h.desk, &big);
	UNTIL(f, h.ready == 3);
	/* Coming back with another mode. */
	pf_desk_release(h.desk, &h, false);
	assert_int_equal(acquire(f, &h, 1), 0);
	UNTIL(f, h.ready == 1);
	assert_int_equal(pf_desk_source(h.desk)->mode.width, 1280);
	pf_desk_release(h.desk, &h, true);

	strcpy(f->config.display_options, "fail-mode=1");
	assert_int_equal(acquire(f, &h, 2), 0);
	UNTIL(f, h.ready == 1);
	pf_desk_set_mode(h.desk, &small);
	UNTIL(f, h.ready == 2);
	assert_int_equal(pf_desk_mode(h.desk)->width, 640);
	assert_int_equal(pf_desk_source(h.desk)->mode.width, 640);
	pf_desk_release(h.desk, &h, true);
}

static unsigned pad_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d))) {
		char path[300], name[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
		f = fopen(path, "r");
		n += f && fgets(name, sizeof(name), f) && !strcmp(name, "pf-pads\n");
		if (f)
			fclose(f);
	}
	closedir(d);
	return n;
}

static void gamepads_outlive_display_and_session(void **state)
{
	struct fixture *f = *state;
	const struct pf_pad_event arrive = { .kind = PF_PAD_ARRIVE, .pad = 2 },
				  leave = { .kind = PF_PAD_LEAVE, .pad = 2 };
	const struct pf_mode small = { 640, 480, 60000 };
	struct pf_pad_feedback fb;
	struct holder h, other;

	open_desks(f);
	strcpy(f->config.display_options, "fail-mode=1");
	assert_int_equal(acquire(f, &h, 1), 0);
	assert_int_equal(acquire(f, &other, 2), 0);
	UNTIL(f, h.ready && other.ready);
	assert_int_equal(pf_desk_pads(h.desk), 0);
	assert_false(pf_desk_pad_feedback(h.desk, 0xffff, &fb));
	assert_int_equal(pf_desk_pad(h.desk, &arrive), 0);
	UNTIL(f, pad_threads() == 1);
	pf_desk_set_mode(h.desk, &small); /* by a display of its own */
	UNTIL(f, h.ready == 2);
	assert_int_equal(pf_desk_pads(h.desk), 1 << 2);
	assert_int_equal(pf_desk_pads(other.desk), 0);
	pf_desk_release(h.desk, &h, false);
	run_for_ms(f, 20);
	assert_int_equal(acquire(f, &h, 1), 0);
	UNTIL(f, h.ready == 1);
	assert_int_equal(pf_desk_pads(h.desk), 1 << 2);
	assert_int_equal(pad_threads(), 1);
	assert_int_equal(pf_desk_pad(h.desk, &leave), 0);
	assert_int_equal(pf_desk_pads(h.desk), 0);
	assert_int_equal(pf_desk_pad(h.desk, &arrive), 0);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, pf_desks_count(f->desks) == 1);
	assert_int_equal(pad_threads(), 0);
	pf_desk_release(other.desk, &other, true);
}

static void a_display_that_dies_takes_its_desk_along(void **state)
{
	struct fixture *f = *state;
	struct holder h;

	strcpy(f->config.display_options, "die-ms=100");
	open_desks(f);
	assert_int_equal(acquire(f, &h, 1), 0);
	UNTIL(f, h.died);
	assert_int_equal(h.ready, 1);
	assert_int_equal(pf_desks_count(f->desks), 1); /* until it is let go */
	pf_desk_release(h.desk, &h, false);
	UNTIL(f, !pf_desks_count(f->desks));
}

static pid_t read_pid(const char *path)
{
	FILE *in = fopen(path, "r");
	int pid = 0;

	if (in && fscanf(in, "%d", &pid) != 1)
		pid = 0;
	if (in)
		fclose(in);
	return pid;
}

static void the_program_lives_as_long_as_the_desk(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct holder h;
	pid_t pid;

	snprintf(path, sizeof(path), "/tmp/pf-desk-pid-%d", (int)getpid());
	snprintf(f->config.session_command, PF_CONFIG_TEXT_BYTES,
		"echo $$ >%s.new; mv %s.new %s; exec sleep 1000", path, path, path);
	open_desks(f);
	assert_int_equal(acquire(f, &h, 1), 0);
	UNTIL(f, read_pid(path));
	pid = read_pid(path);
	assert_int_equal(kill(pid, 0), 0);
	assert_true(h.ready); /* the picture does not wait for it */
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !pf_desks_count(f->desks));
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	(void)unlink(path);
}

/* Text for a catalogue's entry, which owns its own. */
#define S(text) ((char *)(text))

/* An app made by hand; it lives as long as the test. */
static struct pf_app app(const char *command, struct pf_app_prep *prep, unsigned prep_count)
{
	return (struct pf_app){ .id = 7,
		.title = "Game",
		.command = S(command),
		.workdir = S("/"),
		.image = S(""),
		.prep = prep,
		.prep_count = prep_count,
		.exit_policy = PF_APP_EXIT_END,
		.exit_timeout_ms = 2000,
		.refs = 1000 };
}

static int launch(struct fixture *f, struct holder *h, struct pf_app *a)
{
	struct pf_desk_request rq = request(1);

	memset(h, 0, sizeof(*h));
	rq.app = a;
	return pf_desk_acquire(&h->desk, f->desks, &rq, &events, h, &h->why);
}

static void expect_text(const char *path, const char *want)
{
	char got[256] = "";
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	assert_true(fread(got, 1, sizeof(got) - 1, in) < sizeof(got));
	fclose(in);
	assert_string_equal(got, want);
}

static void an_app_runs_between_its_commands(void **state)
{
	struct fixture *f = *state;
	char path[64], var[96], *env[] = { var };
	struct pf_app_prep prep[2] = {
		{ S("echo do1 >>$OUT"), S("echo undo1 >>$OUT") },
		{ S("echo do2 >>$OUT"), S("echo undo2 >>$OUT") },
	};
	struct pf_app a = app("echo run $PWD >>$OUT; : >$OUT.up; exec sleep 1000", prep, 2);
	char up[80];
	struct holder h;

	snprintf(path, sizeof(path), "/tmp/pf-desk-app-%d", (int)getpid());
	snprintf(up, sizeof(up), "%s.up", path);
	snprintf(var, sizeof(var), "OUT=%s", path);
	a.env = env;
	a.env_count = 1;
	open_desks(f);
	assert_int_equal(launch(f, &h, &a), 0);
	UNTIL(f, !access(up, F_OK));
	expect_text(path, "do1\ndo2\nrun /\n");
	/* Whoever comes back finds it running. */
	pf_desk_release(h.desk, &h, false);
	assert_int_equal(launch(f, &h, &a), 0);
	UNTIL(f, h.ready);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !pf_desks_count(f->desks));
	expect_text(path, "do1\ndo2\nrun /\nundo2\nundo1\n");
	assert_int_equal(h.app_ended, 0);
	(void)unlink(path);
	(void)unlink(up);
}

static void an_app_that_ends_ends_the_session(void **state)
{
	struct fixture *f = *state;
	struct pf_app a = app("exit 0", NULL, 0);
	struct holder h;

	open_desks(f);
	assert_int_equal(launch(f, &h, &a), 0);
	UNTIL(f, h.app_ended);
	assert_int_equal(h.why.code, 0);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !pf_desks_count(f->desks));
	/* With nobody there, the desk ends by itself. */
	a.command = S("sleep 0.3");
	assert_int_equal(launch(f, &h, &a), 0);
	UNTIL(f, h.ready);
	pf_desk_release(h.desk, &h, false);
	UNTIL(f, !pf_desks_count(f->desks));
	/* Or the app says that the desk goes on without it. */
	a.command = S("exit 0");
	a.exit_policy = PF_APP_EXIT_STAY;
	assert_int_equal(launch(f, &h, &a), 0);
	UNTIL(f, h.ready);
	for (unsigned i = 0; i < 20; i++)
		assert_true(sd_event_run(pf_loop_event(f->loop), 20000) >= 0);
	assert_int_equal(h.app_ended, 0);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !pf_desks_count(f->desks)); /* it reads the app to its end */
}

static void a_failed_preparation_is_undone(void **state)
{
	struct fixture *f = *state;
	char path[64], var[96], *env[] = { var };
	struct pf_app_prep prep[3] = {
		{ S("echo do1 >>$OUT"), S("echo undo1 >>$OUT") },
		{ S("exit 3"), S("echo undo2 >>$OUT") },
		{ S("echo do3 >>$OUT"), S("echo undo3 >>$OUT") },
	};
	struct pf_app a = app("echo run >>$OUT", prep, 3);
	struct holder h;

	snprintf(path, sizeof(path), "/tmp/pf-desk-prep-%d", (int)getpid());
	snprintf(var, sizeof(var), "OUT=%s", path);
	a.env = env;
	a.env_count = 1;
	open_desks(f);
	assert_int_equal(launch(f, &h, &a), 0);
	UNTIL(f, h.app_ended);
	assert_non_null(strstr(h.why.text, "status 3"));
	expect_text(path, "do1\nundo1\n");
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !pf_desks_count(f->desks));
	(void)unlink(path);
}

static void what_a_killed_host_left_is_swept(void **state)
{
	struct fixture *f = *state;
	char path[300], lock[320];
	struct holder h;
	FILE *out;

	snprintf(path, sizeof(path), "%s/punktfunk-dead00", f->dir);
	snprintf(lock, sizeof(lock), "%s/lock", path);
	assert_int_equal(mkdir(path, 0700), 0);
	out = fopen(lock, "w");
	assert_non_null(out);
	fclose(out);
	snprintf(path, sizeof(path), "%s/punktfunk-young0", f->dir); /* not locked yet */
	assert_int_equal(mkdir(path, 0700), 0);
	open_desks(f);
	assert_int_equal(runtime_entries(f), 1);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(acquire(f, &h, 1), 0);
	UNTIL(f, h.ready);
	/* Another host of the same user leaves a desk that lives alone. */
	{
		struct pf_desks *other;

		assert_int_equal(pf_desks_create(&other, &f->params), 0);
		assert_int_equal(runtime_entries(f), 1);
		pf_desks_destroy(other);
	}
	pf_desk_release(h.desk, &h, true);
}

static void a_shutdown_ends_desks_in_every_state(void **state)
{
	struct fixture *f = *state;
	struct pf_reason why = { 0 };
	struct pf_desk_request rq = request(9);
	struct pf_desk *d;
	struct holder a, b;

	open_desks(f);
	assert_int_equal(acquire(f, &a, 1), 0);
	UNTIL(f, a.ready);
	pf_desk_release(a.desk, &a, false); /* waits */
	strcpy(f->config.display_options, "delay-ms=200");
	assert_int_equal(acquire(f, &b, 2), 0);
	pf_desk_release(b.desk, &b, false); /* opens */
	pf_desks_shutdown(f->desks, on_shut, f);
	assert_int_equal(pf_desk_acquire(&d, f->desks, &rq, &events, &a, &why), -ESHUTDOWN);
	UNTIL(f, f->shut);
	assert_int_equal(runtime_entries(f), 0);
	pf_desks_destroy(f->desks);
	f->desks = NULL;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		T(opens_and_ends),
		T(every_stage_can_fail),
		T(a_display_that_fails_inside_is_told),
		T(sound_neither_stops_nor_delays_the_picture),
		T(sound_goes_to_whom_it_belongs),
		T(a_microphone_is_its_holders),
		T(a_microphone_outlives_its_sound),
		T(sound_that_ends_starts_again_so_often),
		T(who_comes_back_finds_the_same_desk),
		T(a_desk_nobody_comes_back_to_ends),
		T(what_a_holder_parks_is_for_the_next),
		T(the_newer_connection_takes_over),
		T(nobody_comes_back_to_a_desk_that_is_to_end),
		T(modes_change_in_place_or_by_reopening),
		T(gamepads_outlive_display_and_session),
		T(a_display_that_dies_takes_its_desk_along),
		T(the_program_lives_as_long_as_the_desk),
		T(an_app_runs_between_its_commands),
		T(an_app_that_ends_ends_the_session),
		T(a_failed_preparation_is_undone),
		T(what_a_killed_host_left_is_swept),
		T(a_shutdown_ends_desks_in_every_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
