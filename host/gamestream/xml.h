/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* xml.h - writes the XML answers of the GameStream plane.
 *
 * No white space between tags: one client's parser fails on it (gamestream.md
 * 2.1). Text is repaired to UTF-8 and escaped; characters that XML 1.0 has not
 * become U+FFFD. Bounded by the caller's buffer with a sticky error, as in
 * bytes.h. Plain data, any thread, one at a time. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pf_gs_xml {
	char *buf;
	size_t cap;
	size_t len;
	bool err; /* sticky: something did not fit */
};

/** Starts <root status_code="..">; `message` (may be NULL) becomes status_message. */
void pf_gs_xml_begin(
	struct pf_gs_xml *x, char *buf, size_t cap, uint32_t status, const char *message);
/** Opens and closes an element; `name` is ours, not input. */
void pf_gs_xml_open(struct pf_gs_xml *x, const char *name);
void pf_gs_xml_close(struct pf_gs_xml *x, const char *name);
/** <name>text</name>. Input may be anything. */
void pf_gs_xml_text(struct pf_gs_xml *x, const char *name, const char *text);
void pf_gs_xml_number(struct pf_gs_xml *x, const char *name, int64_t value);
/** Ends the root. 0 and the document's length in *len, or -ENOBUFS. */
int pf_gs_xml_end(struct pf_gs_xml *x, size_t *len);
