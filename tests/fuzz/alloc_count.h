/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* alloc_count.h - what a fuzz target's thread holds of the heap, by hooks in the
 * allocators (wrapped at link time) and not by the word of the code under test. */
#pragma once
#include <stdint.h>

/** Forgets what was counted and counts from here on, on this thread. */
void alloc_count_begin(void);
void alloc_count_end(void);
/** Live since begin. An allocator may give up to ALLOC_SLACK more than was asked. */
int64_t alloc_count_bytes(void);
int64_t alloc_count_blocks(void);

#define ALLOC_SLACK 24
