/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* utf8.h - checks, cuts and repairs UTF-8 text of bounded length.
 *
 * Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. Pure,
 * any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Whether `len` bytes are valid UTF-8. A zero byte is a character like others. */
bool pf_utf8_valid(const void *s, size_t len);
/** Length of the longest prefix of at most `max` bytes that ends at a character
 * boundary of `s`. */
size_t pf_utf8_cut(const void *s, size_t len, size_t max);
/** Copies text into `out` (cap > 0), ended by zero and cut at a boundary: each
 * maximal malformed part, and each zero byte, becomes U+FFFD. Returns the length
 * written without the zero. */
size_t pf_utf8_repair(char *out, size_t cap, const void *s, size_t len);
/** As repair, and fit for a log line and a terminal: control characters, those of
 * U+0080 to U+009F included, become question marks. */
size_t pf_utf8_printable(char *out, size_t cap, const void *s, size_t len);
/** The character that `len` > 0 bytes begin with, in *code; its length, or 0 if it
 * is malformed. */
size_t pf_utf8_decode(const void *s, size_t len, uint32_t *code);
