/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/wake.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int pf_wake_create(struct pf_wake **out)
{
	struct pf_wake *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	if (pipe2(w->fds, O_NONBLOCK | O_CLOEXEC) < 0) {
		int err = -errno;

		free(w);
		return err;
	}
	atomic_init(&w->refs, 1);
	*out = w;
	return 0;
}

struct pf_wake *pf_wake_ref(struct pf_wake *w)
{
	atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
	return w;
}

void pf_wake_unref(struct pf_wake *w)
{
	if (!w || atomic_fetch_sub(&w->refs, 1) != 1)
		return;
	close(w->fds[0]);
	close(w->fds[1]);
	free(w);
}

void pf_wake_signal(struct pf_wake *w)
{
	ssize_t n;

	if (atomic_exchange(&w->pending, true))
		return;
	do
		n = write(w->fds[1], "", 1);
	while (n < 0 && errno == EINTR);
}

void pf_wake_drain(struct pf_wake *w)
{
	char buf[16];

	while (read(w->fds[0], buf, sizeof(buf)) > 0)
		;
	/* After the read: a signal in between writes again, at worst once too often. */
	atomic_store(&w->pending, false);
}
