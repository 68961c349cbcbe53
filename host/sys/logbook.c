/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/sys/logbook.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"

struct pf_logbook {
	pthread_mutex_t lock;
	struct pf_log_line lines[PF_LOGBOOK_LINES]; /* by number */
	uint64_t first, next; /* numbers: the oldest kept, one behind the newest */
	uint64_t counts[PF_LOG_DEBUG + 1];
	struct pf_loop *loop; /* of the watcher, while it waits */
	struct pf_loop_item *item;
};

int pf_logbook_create(struct pf_logbook **out)
{
	struct pf_logbook *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	pthread_mutex_init(&b->lock, NULL);
	/* Above the numbers of the process before, at a thousand lines a second. */
	b->first = b->next = pf_clock_unix_ns() / PF_NS_PER_MS;
	*out = b;
	return 0;
}

void pf_logbook_destroy(struct pf_logbook *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static void copy(char *to, size_t cap, const char *from)
{
	size_t len = strnlen(from, cap - 1);

	memcpy(to, from, len);
	to[len] = 0;
}

void pf_logbook_add(
	struct pf_logbook *b, enum pf_log_level level, const char *topic, const char *text)
{
	uint64_t now_ns = pf_clock_unix_ns();
	struct pf_loop_item *item;
	struct pf_log_line *line;
	struct pf_loop *loop;

	pthread_mutex_lock(&b->lock);
	line = &b->lines[b->next % PF_LOGBOOK_LINES];
	line->id = b->next++;
	line->unix_ns = now_ns;
	line->level = level;
	copy(line->topic, sizeof(line->topic), topic);
	copy(line->text, sizeof(line->text), text);
	if (b->next - b->first > PF_LOGBOOK_LINES)
		b->first++;
	b->counts[level]++;
	loop = b->loop;
	item = b->item;
	b->loop = NULL;
	/* Under the lock, so that who ends the watch waits for it. */
	if (loop)
		pf_loop_post_item(loop, item);
	pthread_mutex_unlock(&b->lock);
}

void pf_logbook_watch(struct pf_logbook *b, struct pf_loop *loop, struct pf_loop_item *item)
{
	pthread_mutex_lock(&b->lock);
	b->loop = loop;
	b->item = item;
	pthread_mutex_unlock(&b->lock);
}

void pf_logbook_read(struct pf_logbook *b, uint64_t after, enum pf_log_level level,
	struct pf_log_line *out, size_t max, struct pf_logbook_range *found)
{
	uint64_t from;
	size_t n = 0;

	pthread_mutex_lock(&b->lock);
	found->newest = b->next - 1;
	found->missed = after && after < b->first && b->first - after - 1 < b->next
				? b->first - after - 1
				: 0;
	/* A number that is not known yet is none of ours. */
	from = !after || after < b->first || after >= b->next ? b->first : after + 1;
	if (!after) {
		size_t left = max;

		/* Backwards, as far as `max` lines of the level reach. */
		for (from = b->next; from > b->first && left; from--)
			left -= b->lines[(from - 1) % PF_LOGBOOK_LINES].level <= level;
	}
	for (; from < b->next && n < max; from++)
		if (b->lines[from % PF_LOGBOOK_LINES].level <= level)
			out[n++] = b->lines[from % PF_LOGBOOK_LINES];
	pthread_mutex_unlock(&b->lock);
	found->count = n;
}

void pf_logbook_count(struct pf_logbook *b, uint64_t out[PF_LOG_DEBUG + 1])
{
	pthread_mutex_lock(&b->lock);
	memcpy(out, b->counts, sizeof(b->counts));
	pthread_mutex_unlock(&b->lock);
}
