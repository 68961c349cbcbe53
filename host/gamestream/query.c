/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/query.h"
#include <errno.h>
#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes `len` bytes behind *used and ends them with a zero. What is decoded is
 * never longer, so text has room. */
static int decode(struct pf_gs_query *q, size_t *used, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int hi = len - i > 2 ? hex_value(s[i + 1]) : -1;
			int lo = hi >= 0 ? hex_value(s[i + 2]) : -1;

			if (lo < 0)
				return -EINVAL;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (!c)
			return -EINVAL;
		q->text[(*used)++] = c;
	}
	q->text[(*used)++] = 0;
	return 0;
}

static int add_arg(struct pf_gs_query *q, size_t *used, const char *s, size_t len)
{
	const char *eq = memchr(s, '=', len);
	size_t name_len = eq ? (size_t)(eq - s) : len;
	int r;

	if (q->count == PF_GS_QUERY_ARGS)
		return -E2BIG;
	q->args[q->count].name = (uint16_t)*used;
	r = decode(q, used, s, name_len);
	if (r)
		return r;
	/* Without '=' the value is the zero that ends the name. */
	q->args[q->count].value = (uint16_t)(eq ? *used : *used - 1);
	if (eq)
		r = decode(q, used, eq + 1, len - name_len - 1);
	if (!r)
		q->count++;
	return r;
}

int pf_gs_query_parse(struct pf_gs_query *out, const char *target, size_t len)
{
	const char *mark, *p, *end = target + len;
	size_t path_len, used = 0;

	out->count = 0;
	out->path[0] = 0;
	if (len > PF_GS_TARGET_MAX)
		return -EMSGSIZE;
	mark = memchr(target, '?', len);
	path_len = mark ? (size_t)(mark - target) : len;
	if (path_len >= sizeof(out->path))
		return -E2BIG;
	if (!path_len || target[0] != '/' || memchr(target, 0, path_len))
		return -EINVAL;
	memcpy(out->path, target, path_len);
	out->path[path_len] = 0;
	for (p = mark ? mark + 1 : end; p < end;) {
		const char *amp = memchr(p, '&', (size_t)(end - p));
		size_t n = (size_t)((amp ? amp : end) - p);
		int r = n ? add_arg(out, &used, p, n) : 0;

		if (r) {
			out->count = 0;
			return r;
		}
		p += n + !!amp;
	}
	return 0;
}

const char *pf_gs_query_get(const struct pf_gs_query *q, const char *name)
{
	for (unsigned i = 0; i < q->count; i++)
		if (!strcmp(q->text + q->args[i].name, name))
			return q->text + q->args[i].value;
	return NULL;
}

int pf_gs_query_number(
	const struct pf_gs_query *q, const char *name, int64_t min, int64_t max, int64_t *out)
{
	const char *s = pf_gs_query_get(q, name);
	bool negative;
	int64_t v = 0;

	if (!s)
		return -ENOENT;
	negative = *s == '-';
	s += negative;
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || v > (INT64_MAX - 9) / 10)
			return -EINVAL;
		v = v * 10 + (*s - '0');
	}
	if (negative)
		v = -v;
	if (v < min || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

int pf_gs_query_hex(
	const struct pf_gs_query *q, const char *name, uint8_t *out, size_t cap, size_t *len)
{
	const char *s = pf_gs_query_get(q, name);
	size_t digits;

	if (!s)
		return -ENOENT;
	digits = strlen(s);
	if (digits % 2)
		return -EINVAL;
	if (digits / 2 > cap)
		return -EMSGSIZE;
	for (size_t i = 0; i < digits; i++)
		if (hex_value(s[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < digits / 2; i++)
		out[i] = (uint8_t)(hex_value(s[2 * i]) << 4 | hex_value(s[2 * i + 1]));
	*len = digits / 2;
	return 0;
}
