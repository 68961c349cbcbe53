/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* alloc_fail.c - turns a fuzz target into one whose memory runs out.
 *
 * The first input byte b decides: allocation number b & 127 of the run fails,
 * with the high bit set all later ones too; the rest goes to the target, whose
 * LLVMFuzzerTestOneInput is renamed to fuzz_target by the build. The allocators
 * are wrapped at link time, so calls made inside shared libraries stay whole.
 * The target runs on the thread that called; other threads never see a failure. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#undef LLVMFuzzerTestOneInput
#include "tests/fuzz/fuzz.h"

int fuzz_target(const uint8_t *data, size_t size);

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t n);
int __real_posix_memalign(void **p, size_t align, size_t n);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t n);
int __wrap_posix_memalign(void **p, size_t align, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static _Thread_local bool armed, keep_failing;
static _Thread_local unsigned left; /* allocations that still succeed */

static bool fails(void)
{
	if (!armed)
		return false;
	if (left) {
		left--;
		return false;
	}
	armed = keep_failing;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	return fails() ? NULL : __real_aligned_alloc(align, n);
}

int __wrap_posix_memalign(void **p, size_t align, size_t n)
{
	return fails() ? ENOMEM : __real_posix_memalign(p, align, n);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	left = data[0] & 127;
	keep_failing = data[0] & 128;
	armed = true;
	fuzz_target(data + 1, size - 1);
	armed = false;
	return 0;
}
