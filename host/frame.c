/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/frame.h"
#include <assert.h>
#include <stddef.h>

struct pf_frame *pf_frame_ref(struct pf_frame *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

void pf_frame_unref(struct pf_frame **fp)
{
	struct pf_frame *f = *fp;
	int before;

	*fp = NULL;
	if (!f)
		return;
	before = atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel);
	assert(before > 0);
	if (before == 1 && f->release)
		f->release(f);
}
