/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/display/survey.h"
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/registry/config.h"

struct waiter {
	void (*fn)(void *user, const struct pf_display_row *rows, unsigned count);
	void *user;
};

struct pf_display_survey {
	struct pf_workers *workers;
	const struct pf_config *config;
	struct pf_job job;
	bool runs;
	struct waiter waiters[PF_DISPLAY_WAITERS];
	unsigned waiting;
	/* The job's while it runs. */
	struct pf_display_row rows[PF_DISPLAY_ROWS];
	unsigned count;
	char socket[PF_CONFIG_TEXT_BYTES];
	bool xwayland;
};

static struct pf_display_survey *of_job(struct pf_job *job)
{
	return (struct pf_display_survey *)((char *)job - offsetof(struct pf_display_survey, job));
}

static void work(struct pf_job *job)
{
	const struct pf_display_ops *const *list = pf_display_backends();
	struct pf_display_survey *s = of_job(job);
	const struct pf_display_params p = {
		.mode = { 1280, 720, 60000 },
		.session_socket = *s->socket ? s->socket : NULL,
		.xwayland = s->xwayland,
	};

	for (s->count = 0; s->count < PF_DISPLAY_ROWS && list[s->count]; s->count++) {
		struct pf_display_row *r = &s->rows[s->count];

		*r = (struct pf_display_row){ .ops = list[s->count] };
		r->usable = !r->ops->probe(&p, &r->why);
	}
}

static void done(struct pf_job *job)
{
	struct pf_display_survey *s = of_job(job);
	struct waiter waiters[PF_DISPLAY_WAITERS];
	unsigned n = s->waiting;

	/* Who asks from now on wants newer rows. */
	memcpy(waiters, s->waiters, n * sizeof(*waiters));
	s->waiting = 0;
	s->runs = false;
	for (unsigned i = 0; i < n; i++)
		waiters[i].fn(waiters[i].user, s->rows, s->count);
}

int pf_display_survey_create(
	struct pf_display_survey **out, struct pf_workers *workers, const struct pf_config *config)
{
	struct pf_display_survey *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->workers = workers;
	s->config = config;
	s->job.work = work;
	s->job.done = done;
	*out = s;
	return 0;
}

void pf_display_survey_destroy(struct pf_display_survey *s)
{
	assert(!s || !s->runs);
	free(s);
}

int pf_display_survey_ask(struct pf_display_survey *s,
	void (*fn)(void *user, const struct pf_display_row *rows, unsigned count), void *user)
{
	if (s->waiting == PF_DISPLAY_WAITERS)
		return -EBUSY;
	s->waiters[s->waiting++] = (struct waiter){ fn, user };
	if (s->runs)
		return 0;
	s->runs = true;
	/* The settings are the loop's. */
	snprintf(s->socket, sizeof(s->socket), "%s", s->config->session_socket);
	s->xwayland = s->config->xwayland;
	pf_workers_submit(s->workers, &s->job);
	return 0;
}
