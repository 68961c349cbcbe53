/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/xml.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "core/base/utf8.h"

/* Longest text of one element, in bytes before escaping. */
#define TEXT_MAX 8192

static void put(struct pf_gs_xml *x, const char *s, size_t len)
{
	if (x->err || len > x->cap - x->len) {
		x->err = true;
		return;
	}
	memcpy(x->buf + x->len, s, len);
	x->len += len;
}

static void put_str(struct pf_gs_xml *x, const char *s)
{
	put(x, s, strlen(s));
}

/* U+FFFE and U+FFFF are UTF-8 but not XML. */
static bool is_noncharacter(const char *s)
{
	return !memcmp(s, "\xef\xbf\xbe", 3) || !memcmp(s, "\xef\xbf\xbf", 3);
}

static void put_escaped(struct pf_gs_xml *x, const char *text)
{
	char clean[TEXT_MAX + 1];
	size_t len = pf_utf8_repair(clean, sizeof(clean), text, strlen(text));

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)clean[i];

		if (c == '&') {
			put_str(x, "&amp;");
		} else if (c == '<') {
			put_str(x, "&lt;");
		} else if (c == '>') {
			put_str(x, "&gt;");
		} else if (c == '"') {
			put_str(x, "&quot;");
		} else if (c < 0x20 || c == 0x7f) {
			put_str(x, "\xef\xbf\xbd");
		} else if (c == 0xef && len - i >= 3 && is_noncharacter(clean + i)) {
			put_str(x, "\xef\xbf\xbd");
			i += 2;
		} else {
			put(x, clean + i, 1);
		}
	}
}

void pf_gs_xml_begin(
	struct pf_gs_xml *x, char *buf, size_t cap, uint32_t status, const char *message)
{
	char number[16];

	*x = (struct pf_gs_xml){ .buf = buf, .cap = cap };
	put_str(x, "<?xml version=\"1.0\" encoding=\"utf-8\"?><root status_code=\"");
	snprintf(number, sizeof(number), "%" PRIu32, status);
	put_str(x, number);
	if (message) {
		put_str(x, "\" status_message=\"");
		put_escaped(x, message);
	}
	put_str(x, "\">");
}

void pf_gs_xml_open(struct pf_gs_xml *x, const char *name)
{
	put_str(x, "<");
	put_str(x, name);
	put_str(x, ">");
}

void pf_gs_xml_close(struct pf_gs_xml *x, const char *name)
{
	put_str(x, "</");
	put_str(x, name);
	put_str(x, ">");
}

void pf_gs_xml_text(struct pf_gs_xml *x, const char *name, const char *text)
{
	pf_gs_xml_open(x, name);
	put_escaped(x, text);
	pf_gs_xml_close(x, name);
}

void pf_gs_xml_number(struct pf_gs_xml *x, const char *name, int64_t value)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRId64, value);
	pf_gs_xml_text(x, name, number);
}

int pf_gs_xml_end(struct pf_gs_xml *x, size_t *len)
{
	pf_gs_xml_close(x, "root");
	if (x->err)
		return -ENOBUFS;
	*len = x->len;
	return 0;
}
