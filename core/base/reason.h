/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* reason.h - a negative errno with the words for it.
 *
 * A function that can fail for reasons a person must understand takes a
 * `struct pf_reason *` (may be NULL), fills it and returns the same code. The
 * text names cause and remedy; the one who decides logs it, once. */
#pragma once
#include <stdarg.h>
#include <stdint.h>

struct pf_reason {
	int code;	/* negative errno, 0 = none */
	uint32_t close; /* protocol close code where one applies, else 0 */
	char text[256]; /* UTF-8, terminated, cut if too long */
};

/** Fills `why` if not NULL and returns `code`. */
int pf_reason_set(struct pf_reason *why, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
