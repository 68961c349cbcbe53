/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Desks as the operator sees them: list, states, release, word of changes. */
#include <errno.h>
#include <stdio.h>
#include "host/registry/apps.h"
#include "tests/unit/desk_bed.h"

struct seen {
	unsigned count;
	struct pf_desk_info d[4];
	char client[4][65];
};

struct told {
	struct fixture *f;
	unsigned changes, games;
	int playing;
	unsigned game_desk;
};

static void look(void *user, const struct pf_desk_info *d)
{
	struct seen *s = user;

	assert_true(s->count < 4);
	snprintf(s->client[s->count], sizeof(s->client[0]), "%s", d->client_name);
	s->d[s->count++] = *d;
}

static struct seen list(struct fixture *f)
{
	struct seen s = { 0 };

	pf_desks_each(f->desks, look, &s);
	return s;
}

static const struct pf_desk_info *only(struct fixture *f, struct seen *s)
{
	*s = list(f);
	assert_int_equal(s->count, 1);
	return &s->d[0];
}

static bool state_is(struct fixture *f, unsigned i, enum pf_desk_state state)
{
	struct seen s = list(f);

	return s.count > i && s.d[i].state == state;
}

static void on_changed(void *user)
{
	((struct told *)user)->changes++;
}

static void on_game(void *user, const struct pf_desk_info *d, bool started)
{
	struct told *t = user;

	t->games++;
	t->playing += started ? 1 : -1;
	t->game_desk = d->id;
	assert_non_null(d->app);
}

static void watch(struct fixture *f, struct told *t)
{
	*t = (struct told){ .f = f };
	pf_desks_watch(f->desks,
		&(struct pf_desks_watch){ .changed = on_changed, .game = on_game, .user = t });
}

static int release(struct fixture *f, unsigned id)
{
	struct pf_reason why = { 0 };
	int r = pf_desks_release(f->desks, id, &why);

	assert_int_equal(!r, !*why.text);
	return r;
}

static void a_desk_says_what_it_is(void **state)
{
	struct fixture *f = *state;
	struct pf_desk_request rq = request(7);
	struct pf_reason why = { 0 };
	const struct pf_desk_info *d;
	struct holder h = { 0 };
	struct seen s;
	unsigned id;

	f->config.desk_keep_alive_s = 3600;
	open_desks(f);
	assert_int_equal(list(f).count, 0);
	assert_int_equal(release(f, 1), -ENOENT);
	rq.client_name = "Sofa";
	assert_int_equal(pf_desk_acquire(&h.desk, f->desks, &rq, &events, &h, &why), 0);
	d = only(f, &s);
	id = d->id;
	assert_int_equal(d->state, PF_DESK_IS_OPENING);
	assert_int_equal(release(f, id), -EBUSY);
	UNTIL(f, h.ready);
	d = only(f, &s);
	assert_int_equal(d->id, id);
	assert_int_equal(d->state, PF_DESK_IS_LIVE);
	assert_string_equal(pf_desk_state_name(d->state), "live");
	assert_string_equal(s.client[0], "Sofa");
	assert_true(d->known);
	assert_memory_equal(d->key, rq.key, 32);
	assert_int_equal(d->mode.width, 1280);
	assert_null(d->app);
	assert_int_equal(d->left_s, 0);
	assert_int_equal(release(f, id), -EBUSY);
	pf_desk_release(h.desk, &h, false);
	d = only(f, &s);
	assert_int_equal(d->state, PF_DESK_IS_KEPT);
	assert_in_range(d->left_s, 3500, 3600);
	assert_int_equal(release(f, id + 1), -ENOENT);
	assert_int_equal(release(f, id), 0);
	assert_int_equal(only(f, &s)->state, PF_DESK_IS_CLOSING);
	assert_int_equal(release(f, id), -ENOENT); /* is on its way */
	/* Its client comes back before it is gone: to another one. */
	assert_int_equal(acquire(f, &h, 7), 0);
	UNTIL(f, h.ready);
	UNTIL(f, list(f).count == 1);
	assert_int_not_equal(only(f, &s)->id, id);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !list(f).count);
}

static void a_taken_desk_is_not_released_under_its_new_holder(void **state)
{
	struct fixture *f = *state;
	struct holder old, new;
	struct seen s;

	open_desks(f);
	assert_int_equal(acquire(f, &old, 1), 0);
	UNTIL(f, old.ready);
	assert_int_equal(acquire(f, &new, 1), 0);
	assert_int_equal(old.taken, 1);
	assert_int_equal(release(f, only(f, &s)->id), -EBUSY);
	pf_desk_release(old.desk, &old, false);
	UNTIL(f, new.ready);
	assert_int_equal(release(f, only(f, &s)->id), -EBUSY);
	pf_desk_release(new.desk, &new, true);
}

static void what_changes_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct holder a, b;
	struct told t;

	f->config.desk_keep_alive_s = 3600;
	open_desks(f);
	watch(f, &t);
	run_for_ms(f, 20);
	assert_int_equal(t.changes, 0);
	assert_int_equal(acquire(f, &a, 1), 0);
	assert_int_equal(t.changes, 0); /* never from within the call */
	UNTIL(f, a.ready && t.changes);
	UNTIL(f, state_is(f, 0, PF_DESK_IS_LIVE));
	pf_desk_shown(a.desk);
	run_for_ms(f, 100); /* input, sound */
	/* It is there, it is live; nothing else is news. */
	assert_in_range(t.changes, 1, 2);
	t.changes = 0;
	assert_int_equal(acquire(f, &b, 2), 0);
	UNTIL(f, b.ready && t.changes);
	t.changes = 0;
	pf_desk_set_mode(b.desk, &(struct pf_mode){ 640, 480, 60000 });
	UNTIL(f, b.ready == 2 && t.changes);
	t.changes = 0;
	pf_desk_release(b.desk, &b, false);
	UNTIL(f, t.changes);
	assert_true(state_is(f, 1, PF_DESK_IS_KEPT));
	t.changes = 0;
	assert_int_equal(release(f, 2), 0);
	UNTIL(f, list(f).count == 1 && t.changes);
	run_for_ms(f, 20);
	pf_desks_watch(f->desks, NULL);
	t.changes = 0;
	pf_desk_release(a.desk, &a, true);
	UNTIL(f, !list(f).count);
	assert_int_equal(t.changes + t.games, 0);
}

static void games_start_and_end(void **state)
{
	struct fixture *f = *state;
	char stays[] = "exec sleep 1000", ends[] = "exit 0", workdir[] = "/tmp", none[] = "";
	struct pf_app a = { .id = 7,
		.title = "Game",
		.command = stays,
		.workdir = workdir,
		.image = none,
		.exit_timeout_ms = 1000,
		.refs = 1 };
	struct pf_desk_request rq = request(1);
	struct pf_reason why = { 0 };
	struct holder h = { 0 };
	struct told t;
	struct seen s;

	f->config.desk_keep_alive_s = 3600;
	rq.app = &a;
	open_desks(f);
	watch(f, &t);
	assert_int_equal(pf_desk_acquire(&h.desk, f->desks, &rq, &events, &h, &why), 0);
	UNTIL(f, h.ready);
	pf_desk_shown(h.desk);
	UNTIL(f, t.games);
	assert_int_equal(t.playing, 1);
	assert_ptr_equal(only(f, &s)->app, &a);
	assert_int_equal(t.game_desk, s.d[0].id);
	/* It goes on while its client is away. */
	pf_desk_release(h.desk, &h, false);
	UNTIL(f, state_is(f, 0, PF_DESK_IS_KEPT));
	assert_int_equal(t.games, 1);
	assert_int_equal(release(f, s.d[0].id), 0);
	UNTIL(f, !list(f).count);
	assert_int_equal(t.games, 2);
	assert_int_equal(t.playing, 0);
	/* One that ends by itself is told then, and once. */
	a.command = ends;
	a.exit_policy = PF_APP_EXIT_STAY;
	assert_int_equal(pf_desk_acquire(&h.desk, f->desks, &rq, &events, &h, &why), 0);
	UNTIL(f, t.games == 4);
	assert_int_equal(t.playing, 0);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, !list(f).count);
	assert_int_equal(t.games, 4);
	assert_int_equal(a.refs, 1);
}

static void a_released_spare_stays_away_until_somebody_comes(void **state)
{
	struct fixture *f = *state;
	struct holder h;
	struct told t;
	struct seen s;

	f->config.spare_desk = true;
	f->params.spare_delay_ms = 30;
	f->config.desk_keep_alive_s = 0;
	open_desks(f);
	watch(f, &t);
	UNTIL(f, state_is(f, 0, PF_DESK_IS_SPARE) && t.changes);
	assert_false(only(f, &s)->known);
	assert_int_equal(release(f, s.d[0].id), 0);
	UNTIL(f, !list(f).count);
	run_for_ms(f, 150);
	assert_int_equal(list(f).count, 0);
	assert_int_equal(acquire(f, &h, 1), 0);
	UNTIL(f, h.ready);
	pf_desk_release(h.desk, &h, true);
	UNTIL(f, state_is(f, 0, PF_DESK_IS_SPARE));
	/* Or until the settings say so again. */
	assert_int_equal(release(f, only(f, &s)->id), 0);
	UNTIL(f, !list(f).count);
	pf_desks_reload(f->desks);
	UNTIL(f, state_is(f, 0, PF_DESK_IS_SPARE));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		T(a_desk_says_what_it_is),
		T(a_taken_desk_is_not_released_under_its_new_holder),
		T(what_changes_is_told_once),
		T(games_start_and_end),
		T(a_released_spare_stays_away_until_somebody_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
