/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The control loop and the worker pool that posts to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/sys/loop.h"
#include "host/sys/worker.h"

#define POSTS 2000u

struct poster {
	struct pf_loop *loop;
	unsigned number;
	unsigned next; /* loop thread: what must come next */
	unsigned *done;
};

static void take(void *user, void *msg)
{
	struct poster *p = user;
	unsigned v = *(unsigned *)msg;

	assert_int_equal(v, p->next);
	p->next++;
	if (p->next == POSTS && ++*p->done == 3)
		pf_loop_quit(p->loop, 42);
}

static void *post_all(void *arg)
{
	struct poster *p = arg;

	for (unsigned i = 0; i < POSTS; i++)
		assert_int_equal(pf_loop_post(p->loop, take, p, &i, sizeof(i)), 0);
	return NULL;
}

static void posts_keep_their_order(void **state)
{
	struct poster p[3];
	pthread_t t[3];
	struct pf_loop *l;
	unsigned done = 0;

	assert_int_equal(pf_loop_create(&l), 0);
	for (unsigned i = 0; i < 3; i++) {
		p[i] = (struct poster){ .loop = l, .number = i, .done = &done };
		assert_int_equal(pthread_create(&t[i], NULL, post_all, &p[i]), 0);
	}
	assert_int_equal(pf_loop_run(l), 42);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	/* What nobody ran is freed. */
	assert_int_equal(pf_loop_post(l, take, p, &done, sizeof(done)), 0);
	pf_loop_destroy(l);
	pf_loop_destroy(NULL);
}

struct timers {
	struct pf_loop *loop;
	struct pf_timer *first, *second, *never;
	uint64_t first_ns, start_ns;
};

static void on_never(void *user)
{
	fail();
}

static void on_second(void *user)
{
	struct timers *t = user;

	pf_timer_stop(&t->second); /* from its own callback */
	pf_loop_quit(t->loop, 1);
}

static void on_first(void *user)
{
	struct timers *t = user;

	t->first_ns = pf_clock_mono_ns();
	pf_timer_stop(&t->never);
}

static void timers_run_once_and_stop(void **state)
{
	struct timers t = { 0 };

	assert_int_equal(pf_loop_create(&t.loop), 0);
	t.start_ns = pf_clock_mono_ns();
	assert_int_equal(pf_timer_start(&t.second, t.loop, 40 * PF_NS_PER_MS, on_second, &t), 0);
	assert_int_equal(pf_timer_start(&t.never, t.loop, 30 * PF_NS_PER_MS, on_never, &t), 0);
	assert_int_equal(pf_timer_start(&t.first, t.loop, 5 * PF_NS_PER_MS, on_first, &t), 0);
	assert_int_equal(pf_loop_run(t.loop), 1);
	assert_true(t.first_ns - t.start_ns >= 4 * PF_NS_PER_MS);
	pf_timer_stop(&t.first);
	pf_timer_stop(&t.first);
	pf_loop_destroy(t.loop);
}

#define JOBS 40

struct counted_job {
	struct pf_job job;
	pthread_t ran_on;
	bool worked;
};

static struct {
	struct pf_loop *loop;
	struct pf_workers *pool;
	struct counted_job jobs[JOBS];
	_Atomic int together;
	unsigned done, again;
} pool_test;

static void work(struct pf_job *job)
{
	struct counted_job *j = (struct counted_job *)job;

	j->ran_on = pthread_self();
	j->worked = true;
}

static void done(struct pf_job *job)
{
	struct counted_job *j = (struct counted_job *)job;

	assert_true(j->worked);
	assert_false(pthread_equal(j->ran_on, pthread_self()));
	if (pool_test.again) {
		pool_test.again--;
		pf_workers_submit(pool_test.pool, job);
		return;
	}
	if (++pool_test.done == JOBS)
		pf_loop_quit(pool_test.loop, 0);
}

static void every_job_works_then_is_done(void **state)
{
	pool_test.again = 10;
	assert_int_equal(pf_loop_create(&pool_test.loop), 0);
	assert_int_equal(pf_workers_create(&pool_test.pool, pool_test.loop), 0);
	for (unsigned i = 0; i < JOBS; i++) {
		pool_test.jobs[i].job.work = work;
		pool_test.jobs[i].job.done = done;
		pf_workers_submit(pool_test.pool, &pool_test.jobs[i].job);
	}
	assert_int_equal(pf_loop_run(pool_test.loop), 0);
	pf_workers_destroy(pool_test.pool);
	pf_loop_destroy(pool_test.loop);
	pf_workers_destroy(NULL);
}

/* Two jobs that each wait for the other must not share one thread. */
static void meet(struct pf_job *job)
{
	atomic_fetch_add(&pool_test.together, 1);
	for (unsigned i = 0; i < 5000 && atomic_load(&pool_test.together) < 2; i++)
		usleep(1000);
}

static void met(struct pf_job *job)
{
	if (++pool_test.done == 2)
		pf_loop_quit(pool_test.loop, 0);
}

static void a_blocked_job_holds_up_no_other(void **state)
{
	struct pf_job a = { .work = meet, .done = met }, b = a;

	pool_test.done = 0;
	atomic_store(&pool_test.together, 0);
	assert_int_equal(pf_loop_create(&pool_test.loop), 0);
	assert_int_equal(pf_workers_create(&pool_test.pool, pool_test.loop), 0);
	pf_workers_submit(pool_test.pool, &a);
	pf_workers_submit(pool_test.pool, &b);
	assert_int_equal(pf_loop_run(pool_test.loop), 0);
	assert_int_equal(atomic_load(&pool_test.together), 2);
	pf_workers_destroy(pool_test.pool);
	pf_loop_destroy(pool_test.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posts_keep_their_order),
		cmocka_unit_test(timers_run_once_and_stop),
		cmocka_unit_test(every_job_works_then_is_done),
		cmocka_unit_test(a_blocked_job_holds_up_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
