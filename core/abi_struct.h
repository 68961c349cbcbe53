/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* abi_struct.h - structs that grow, on their way over the ABI's border.
 *
 * Both ends know a struct by its struct_size, its first member: what the shorter of
 * two has not is zero in the longer. Private to core/abi*.c. */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "core/base/reason.h"
#include "punktfunk_core.h"

/** Reads a caller's struct of perhaps another age: what it lacks is zero. False for
 * NULL and a size below that of struct_size. */
static inline bool take(void *own, size_t own_size, const void *theirs)
{
	uint32_t size;

	if (!theirs)
		return false;
	memcpy(&size, theirs, sizeof(size));
	if (size < sizeof(size))
		return false;
	memset(own, 0, own_size);
	memcpy(own, theirs, size < own_size ? size : own_size);
	return true;
}

/** Whether the caller's out struct can be written at all. */
static inline bool writable(const void *theirs)
{
	uint32_t size;

	if (!theirs)
		return false;
	memcpy(&size, theirs, sizeof(size));
	return size >= sizeof(size);
}

/** Writes as much of our struct as the caller's has room for; what a newer
 * caller has beyond it is zero. */
static inline void give(void *theirs, void *own, size_t own_size)
{
	uint32_t size;

	memcpy(&size, theirs, sizeof(size));
	memcpy(own, &size, sizeof(size));
	memcpy(theirs, own, size < own_size ? size : own_size);
	if (size > own_size)
		memset((uint8_t *)theirs + own_size, 0, size - own_size);
}

/** Whether `code` is 0, a count or one of the header's. */
bool pf_abi_knows(int32_t code);
/** A code that callers know for those that only we do. */
static inline int32_t public_code(int err)
{
	switch (err) {
	case -EALREADY:
		return PUNKTFUNK_EBUSY;
	case -ENOBUFS:
		return PUNKTFUNK_EMSGSIZE;
	case -EPERM:
		return PUNKTFUNK_EACCES;
	case -EPROTONOSUPPORT:
		return PUNKTFUNK_EPROTO;
	case -ENETUNREACH:
		return PUNKTFUNK_EHOSTUNREACH;
	default:
		return pf_abi_knows(err) ? err : PUNKTFUNK_EIO;
	}
}

/** Puts `err` into words if the caller wants any; returns it as callers know it. */
static inline int32_t give_reason(PunktfunkReason *theirs, int err, const struct pf_reason *why)
{
	PunktfunkReason own = { .code = public_code(err), .close_code = why->close };
	int32_t code = own.code;

	if (!writable(theirs))
		return code;
	snprintf(own.text, sizeof(own.text), "%s",
		why->text[0] ? why->text : punktfunk_strerror(code));
	give(theirs, &own, sizeof(own));
	return code;
}
