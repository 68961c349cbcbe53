/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/wake.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/net/os_linux.h"

int pf_wake_create(struct pf_wake **out)
{
	struct pf_wake *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	err = pf_wake_open(&w->fd);
	if (err) {
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
	close(w->fd);
	free(w);
}

void pf_wake_signal(struct pf_wake *w)
{
	if (!atomic_exchange(&w->pending, true))
		pf_wake_set(w->fd);
}

void pf_wake_drain(struct pf_wake *w)
{
	pf_wake_clear(w->fd);
	/* After the clear: a signal in between sets again, at worst once too often. */
	atomic_store(&w->pending, false);
}
