/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/sys/worker.h"
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

struct pf_workers {
	struct pf_loop *loop;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct pf_job *first, **last; /* under lock, as all below */
	pthread_t threads[PF_WORKERS_MAX];
	unsigned thread_count, idle, queued;
	bool stop;
	unsigned pending; /* control loop's */
};

static void run_done(struct pf_loop_item *item)
{
	struct pf_job *job = (struct pf_job *)((char *)item - offsetof(struct pf_job, item));

	job->pool->pending--;
	job->done(job);
}

static void *worker_main(void *arg)
{
	struct pf_workers *w = arg;

	pthread_setname_np(pthread_self(), "pf-worker");
	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct pf_job *job = w->first;

		if (!job) {
			if (w->stop)
				break;
			w->idle++;
			pthread_cond_wait(&w->more, &w->lock);
			w->idle--;
			continue;
		}
		w->first = job->next;
		if (!w->first)
			w->last = &w->first;
		w->queued--;
		pthread_mutex_unlock(&w->lock);
		job->work(job);
		job->item.run = run_done;
		pf_loop_post_item(w->loop, &job->item);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Under lock. */
static int add_thread(struct pf_workers *w)
{
	int r;

	if (w->thread_count == PF_WORKERS_MAX)
		return -EAGAIN;
	r = pthread_create(&w->threads[w->thread_count], NULL, worker_main, w);
	if (r)
		return -r;
	w->thread_count++;
	return 0;
}

int pf_workers_create(struct pf_workers **out, struct pf_loop *loop)
{
	struct pf_workers *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->loop = loop;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	pthread_mutex_lock(&w->lock);
	r = add_thread(w);
	pthread_mutex_unlock(&w->lock);
	if (r) {
		pf_workers_destroy(w);
		return r;
	}
	*out = w;
	return 0;
}

void pf_workers_destroy(struct pf_workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->thread_count; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void pf_workers_submit(struct pf_workers *w, struct pf_job *job)
{
	job->pool = w;
	w->pending++;
	job->next = NULL;
	pthread_mutex_lock(&w->lock);
	*w->last = job;
	w->last = &job->next;
	w->queued++;
	/* Waking workers count as idle until they run, so compare with the queue. */
	if (w->queued > w->idle)
		(void)add_thread(w);
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
}

unsigned pf_workers_pending(const struct pf_workers *w)
{
	return w->pending;
}
