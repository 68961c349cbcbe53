/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* fuzz.h - what every fuzz target includes.
 *
 * A target defines LLVMFuzzerTestOneInput and returns 0. Broken promises of the
 * code under test go through FUZZ_CHECK, not assert, so that they count in every
 * build. See tests/fuzz/meson.build for how targets are built. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(cond)                                                                           \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)
