/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/ticker.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"

static void *run(void *arg)
{
	struct pf_ticker *t = arg;
	uint64_t now = pf_clock_mono_ns(), next = t->tick(t->user, now, false);

	while (!atomic_load(&t->stop)) {
		struct pollfd fd = { .fd = t->wake, .events = POLLIN };
		struct timespec wait = { 0 };
		bool poked;
		uint64_t count;

		now = pf_clock_mono_ns();
		if (next > now) {
			wait.tv_sec = (time_t)((next - now) / PF_NS_PER_S);
			wait.tv_nsec = (long)((next - now) % PF_NS_PER_S);
		}
		if (ppoll(&fd, 1, next ? &wait : NULL, NULL) > 0 &&
			read(t->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
			break;
		if (atomic_load(&t->stop))
			break;
		poked = atomic_exchange(&t->poked, false);
		now = pf_clock_mono_ns();
		if (poked || (next && now >= next))
			next = t->tick(t->user, now, poked);
	}
	return NULL;
}

int pf_ticker_start(
	struct pf_ticker *t, uint64_t (*tick)(void *user, uint64_t now_ns, bool poked), void *user)
{
	int err;

	memset(t, 0, sizeof(*t));
	t->tick = tick;
	t->user = user;
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake < 0)
		return -errno;
	err = pthread_create(&t->thread, NULL, run, t);
	if (err) {
		close(t->wake);
		return -err;
	}
	t->running = true;
	return 0;
}

static void wake(struct pf_ticker *t)
{
	uint64_t one = 1;
	ssize_t n = write(t->wake, &one, sizeof(one)); /* full = already awake */

	(void)n;
}

void pf_ticker_stop(struct pf_ticker *t)
{
	if (!t->running)
		return;
	atomic_store(&t->stop, true);
	wake(t);
	pthread_join(t->thread, NULL);
	close(t->wake);
	t->running = false;
}

void pf_ticker_poke(struct pf_ticker *t)
{
	atomic_store(&t->poked, true);
	wake(t);
}
