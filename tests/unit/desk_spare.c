/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The desk that is made before anyone asks. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/registry/apps.h"
#include "tests/unit/desk_bed.h"

#define DELAY_MS 50

/* The null display, counted. */
static struct pf_display_ops counted;
static _Atomic unsigned opens, set_modes;
static _Atomic int resting;

static int count_open(
	struct pf_display **out, const struct pf_display_params *params, struct pf_reason *why)
{
	int r = pf_display_find("null")->open(out, params, why);

	opens++;
	if (!r)
		(*out)->ops = &counted;
	return r;
}

static int count_set_mode(struct pf_display *d, const struct pf_mode *mode, struct pf_reason *why)
{
	set_modes++;
	return pf_display_find("null")->set_mode(d, mode, why);
}

static void count_rest(struct pf_display *d, bool rest)
{
	resting += rest ? 1 : -1;
	pf_display_find("null")->rest(d, rest);
}

static int make_spare_bed(void **state)
{
	struct fixture *f;
	int r = make(state);

	f = *state;
	counted = *pf_display_find("null");
	counted.open = count_open;
	counted.set_mode = count_set_mode;
	counted.rest = count_rest;
	opens = set_modes = 0;
	resting = 0;
	f->config.spare_desk = true;
	f->params.display = &counted;
	f->params.spare_delay_ms = DELAY_MS;
	return r;
}

static bool has_spare(struct fixture *f)
{
	struct pf_desk_spare s;

	pf_desks_spare(f->desks, &s);
	return s.ready;
}

static void waits_at_rest_and_is_adopted(void **state)
{
	struct fixture *f = *state;
	struct pf_desk_spare spare;
	struct holder h, second;

	open_desks(f);
	assert_false(has_spare(f));
	UNTIL(f, has_spare(f));
	run_for_ms(f, 3 * DELAY_MS);
	pf_desks_spare(f->desks, &spare);
	assert_true(spare.wanted);
	assert_int_equal(spare.mode.width, 1920);
	assert_int_equal(pf_desks_count(f->desks), 1);
	assert_int_equal(opens, 1);
	assert_int_equal(resting, 1);
	/* It is nobody's: a client of the key zero has no desk either. */
	assert_false(pf_desks_has(f->desks, request(0).key));

	assert_int_equal(acquire(f, &h, 7), 0);
	assert_int_equal(h.ready, 0);
	assert_int_equal(pf_desk_origin(h.desk), PF_DESK_SPARE);
	assert_false(has_spare(f));
	assert_true(pf_desks_has(f->desks, request(7).key));
	UNTIL(f, h.ready);
	assert_int_equal(resting, 0);
	/* The same display in the mode that was asked for. */
	assert_int_equal(opens, 1);
	assert_int_equal(set_modes, 1);
	assert_int_equal(pf_desk_mode(h.desk)->width, 1280);
	assert_int_equal(pf_desk_source(h.desk)->mode.height, 720);
	assert_int_equal(pf_desk_audio_channels(h.desk), 2);

	/* Whoever comes at once gets one of his own, and so do both go on. */
	assert_int_equal(acquire(f, &second, 8), 0);
	assert_int_equal(pf_desk_origin(second.desk), PF_DESK_NEW);
	assert_ptr_not_equal(second.desk, h.desk);
	UNTIL(f, second.ready);
	/* While someone streams, none is made. */
	run_for_ms(f, 4 * DELAY_MS);
	assert_int_equal(pf_desks_count(f->desks), 2);
	pf_desk_release(second.desk, &second, true);
	run_for_ms(f, 4 * DELAY_MS);
	assert_false(has_spare(f));
	/* The desk that waits for its client is no hindrance. */
	pf_desk_release(h.desk, &h, false);
	UNTIL(f, has_spare(f));
	assert_int_equal(opens, 3);
	pf_desks_spare(f->desks, &spare);
	assert_int_equal(spare.mode.width, 1280); /* as asked for last */

	assert_int_equal(acquire(f, &h, 7), 0);
	assert_int_equal(pf_desk_origin(h.desk), PF_DESK_KEPT);
	UNTIL(f, h.ready);
	assert_int_equal(pf_desks_count(f->desks), 2);
	/* Nothing to change: ready without a move of the display. */
	assert_int_equal(acquire(f, &second, 9), 0);
	assert_int_equal(pf_desk_origin(second.desk), PF_DESK_SPARE);
	UNTIL(f, second.ready);
	assert_int_equal(set_modes, 1);
	assert_int_equal(opens, 3);
	pf_desk_release(second.desk, &second, true);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, has_spare(f) && resting == 1);
	shut(f);
	assert_int_equal(resting, 0); /* awake to hear that it ends */
}

static void nothing_runs_in_it_until_it_is_given(void **state)
{
	struct fixture *f = *state;
	char mark[128];
	struct stat st;
	struct holder h;

	snprintf(mark, sizeof(mark), "%s-ran", f->dir);
	snprintf(
		f->config.session_command, PF_CONFIG_TEXT_BYTES, "touch %s; exec sleep 1000", mark);
	strcpy(f->config.audio_options, "fail-open=1"); /* would be told in the log */
	open_desks(f);
	UNTIL(f, has_spare(f));
	run_for_ms(f, 300);
	assert_int_equal(access(mark, F_OK), -1);
	assert_int_equal(acquire(f, &h, 1), 0);
	assert_int_equal(pf_desk_origin(h.desk), PF_DESK_SPARE);
	UNTIL(f, !stat(mark, &st));
	(void)unlink(mark);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !pf_desks_has(f->desks, request(1).key));
	/* Its successor runs nothing either. */
	UNTIL(f, has_spare(f));
	run_for_ms(f, 300);
	assert_int_equal(access(mark, F_OK), -1);
}

static void an_unknown_client_leaves_it_for_good(void **state)
{
	struct fixture *f = *state;
	struct holder h;

	open_desks(f);
	UNTIL(f, has_spare(f));
	assert_int_equal(acquire(f, &h, 0), 0);
	assert_int_equal(pf_desk_origin(h.desk), PF_DESK_SPARE);
	UNTIL(f, h.ready);
	f->config.spare_desk = false;
	pf_desk_release(h.desk, &h, false);
	UNTIL(f, !pf_desks_count(f->desks)); /* nobody can come back to it */
}

static void its_failures_hurt_nobody(void **state)
{
	struct fixture *f = *state;
	struct holder h;

	strcpy(f->config.display_options, "fail-open=1");
	open_desks(f);
	UNTIL(f, opens == 1);
	UNTIL(f, !pf_desks_count(f->desks));
	/* Not again at once. */
	run_for_ms(f, 6 * DELAY_MS);
	assert_int_equal(opens, 1);
	assert_false(has_spare(f));
	*f->config.display_options = 0;
	assert_int_equal(acquire(f, &h, 1), 0);
	assert_int_equal(pf_desk_origin(h.desk), PF_DESK_NEW);
	UNTIL(f, h.ready);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !pf_desks_count(f->desks));
	run_for_ms(f, 6 * DELAY_MS);
	assert_int_equal(opens, 2);
	/* New settings, new luck. */
	pf_desks_reload(f->desks);
	UNTIL(f, has_spare(f));
}

static void one_that_dies_is_not_given_away(void **state)
{
	struct fixture *f = *state;
	struct holder h;

	strcpy(f->config.display_options, "die-ms=1500");
	open_desks(f);
	UNTIL(f, has_spare(f));
	UNTIL(f, !pf_desks_count(f->desks));
	assert_int_equal(opens, 1);
	assert_int_equal(acquire(f, &h, 1), 0);
	assert_int_equal(pf_desk_origin(h.desk), PF_DESK_NEW);
	UNTIL(f, h.ready);
	assert_int_equal(h.died, 0);
	pf_desk_release(h.desk, &h, true);
}

static void one_that_still_opens_is_passed_over(void **state)
{
	struct fixture *f = *state;
	struct holder h;

	strcpy(f->config.display_options, "delay-ms=1200");
	open_desks(f);
	UNTIL(f, pf_desks_count(f->desks) == 1);
	assert_int_equal(acquire(f, &h, 1), 0);
	assert_int_equal(pf_desk_origin(h.desk), PF_DESK_NEW);
	UNTIL(f, h.ready && has_spare(f));
	assert_int_equal(opens, 2);
	pf_desk_release(h.desk, &h, true);
}

static void follows_the_settings(void **state)
{
	struct fixture *f = *state;
	struct holder h;

	open_desks(f);
	UNTIL(f, has_spare(f));
	strcpy(f->config.keyboard_layout, "de");
	assert_int_equal(acquire(f, &h, 1), 0);
	assert_int_equal(pf_desk_origin(h.desk), PF_DESK_NEW);
	UNTIL(f, h.ready);
	pf_desk_release(h.desk, &h, true);
	/* One of the old settings makes room for one of the new. */
	UNTIL(f, opens == 3 && has_spare(f));
	assert_int_equal(pf_desks_count(f->desks), 1);
	assert_int_equal(acquire(f, &h, 1), 0);
	assert_int_equal(pf_desk_origin(h.desk), PF_DESK_SPARE);
	UNTIL(f, h.ready);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, has_spare(f));
	f->config.spare_desk = false;
	pf_desks_reload(f->desks);
	UNTIL(f, !pf_desks_count(f->desks));
	run_for_ms(f, 4 * DELAY_MS);
	assert_int_equal(pf_desks_count(f->desks), 0);
}

static void not_where_a_display_cannot_rest(void **state)
{
	struct fixture *f = *state;
	struct pf_desk_spare s;

	counted.rest = NULL;
	open_desks(f);
	run_for_ms(f, 6 * DELAY_MS);
	pf_desks_spare(f->desks, &s);
	assert_false(s.wanted || s.ready);
	assert_int_equal(opens, 0);
}

static void its_logs_become_the_clients(void **state)
{
	struct fixture *f = *state;
	char root[128], spare[160], mine[160];
	struct holder h;
	FILE *out;

	snprintf(root, sizeof(root), "%s-logs", f->dir);
	snprintf(spare, sizeof(spare), "%s/spare/sway.log", root);
	snprintf(mine, sizeof(mine), "%s/05050505/sway.log", root);
	f->params.log_root = root;
	open_desks(f);
	UNTIL(f, has_spare(f));
	out = fopen(spare, "w");
	assert_non_null(out);
	fclose(out);
	assert_int_equal(acquire(f, &h, 5), 0);
	assert_int_equal(access(spare, F_OK), -1);
	assert_int_equal(access(mine, F_OK), 0);
	UNTIL(f, h.ready);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, has_spare(f));
	/* What a client's desk before it wrote is gone. */
	assert_int_equal(acquire(f, &h, 5), 0);
	assert_int_equal(access(mine, F_OK), -1);
	UNTIL(f, h.ready);
	pf_desk_release(h.desk, &h, true);
	shut(f);
	assert_int_equal(pf_rundir_remove(root), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_spare_bed, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(waits_at_rest_and_is_adopted),
		TEST(nothing_runs_in_it_until_it_is_given),
		TEST(an_unknown_client_leaves_it_for_good),
		TEST(its_failures_hurt_nobody),
		TEST(one_that_dies_is_not_given_away),
		TEST(one_that_still_opens_is_passed_over),
		TEST(follows_the_settings),
		TEST(not_where_a_display_cannot_rest),
		TEST(its_logs_become_the_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
