/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/fuzz/alloc_count.h"
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);

static _Thread_local bool counting;
static _Thread_local int64_t bytes, blocks;

static void *came(void *p)
{
	if (p && counting) {
		bytes += (int64_t)malloc_usable_size(p);
		blocks++;
	}
	return p;
}

static void goes(void *p)
{
	if (p && counting) {
		bytes -= (int64_t)malloc_usable_size(p);
		blocks--;
	}
}

void *__wrap_malloc(size_t n)
{
	return came(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return came(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t n)
{
	int64_t was = p && counting ? (int64_t)malloc_usable_size(p) : 0;
	void *q = __real_realloc(p, n);

	if (!q)
		return NULL; /* the old block stays */
	if (p && counting) {
		bytes -= was;
		blocks--;
	}
	return came(q);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	return came(__real_aligned_alloc(align, n));
}

void __wrap_free(void *p)
{
	goes(p);
	__real_free(p);
}

void alloc_count_begin(void)
{
	bytes = blocks = 0;
	counting = true;
}

void alloc_count_end(void)
{
	counting = false;
}

int64_t alloc_count_bytes(void)
{
	return bytes;
}

int64_t alloc_count_blocks(void)
{
	return blocks;
}
