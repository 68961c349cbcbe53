/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wake.h - makes a poll() return, from any thread.
 *
 * Reference-counted, so that a late signal after its loop is gone is harmless.
 * Signals before the loop looks fold into one. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

struct pf_wake {
	atomic_uint refs;
	atomic_bool pending;
	int fd; /* the loop polls it for reading */
};

/** 0, -ENOMEM, -EMFILE... */
int pf_wake_create(struct pf_wake **out);
struct pf_wake *pf_wake_ref(struct pf_wake *w);
/** Accepts NULL. */
void pf_wake_unref(struct pf_wake *w);
/** Any thread; no lock, no allocation. */
void pf_wake_signal(struct pf_wake *w);
/** The loop, before it looks for work. */
void pf_wake_drain(struct pf_wake *w);
