/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/script.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clients/probe/clip.h"

#define NS_PER_MS    1000000ull
#define TYPE_STEP_NS (30 * NS_PER_MS)
#define VK_SHIFT     0xa0

static int add(
	struct pf_script *s, uint64_t at_ns, uint8_t kind, uint32_t code, int32_t x, int32_t y)
{
	struct pf_script_event *e;

	if (s->count >= PF_SCRIPT_MAX)
		return -E2BIG;
	if (s->count == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;

		e = realloc(s->events, cap * sizeof(*e));
		if (!e)
			return -ENOMEM;
		s->events = e;
		s->cap = cap;
	}
	e = &s->events[s->count];
	*e = (struct pf_script_event){ .at_ns = at_ns,
		.order = (uint32_t)s->count,
		.input = { .struct_size = sizeof(e->input),
			.kind = kind,
			.code = code,
			.x = x,
			.y = y } };
	s->count++;
	return 0;
}

static int tap(struct pf_script *s, uint64_t at_ns, uint32_t key, bool shift)
{
	int r = 0;

	if (shift)
		r = add(s, at_ns, PUNKTFUNK_INPUT_KEY_DOWN, VK_SHIFT, 0, 0);
	if (!r)
		r = add(s, at_ns, PUNKTFUNK_INPUT_KEY_DOWN, key, 0, 0);
	if (!r)
		r = add(s, at_ns + 5 * NS_PER_MS, PUNKTFUNK_INPUT_KEY_UP, key, 0, 0);
	if (!r && shift)
		r = add(s, at_ns + 5 * NS_PER_MS, PUNKTFUNK_INPUT_KEY_UP, VK_SHIFT, 0, 0);
	return r;
}

/* The virtual key of a character on a US layout; 0 = none. */
static uint32_t key_of(uint32_t c, bool *shift)
{
	static const char plain[] = ";=,-./`[\\]'";
	static const char shifted[] = ":+<_>?~{|}\"";
	static const uint8_t oem[] = { 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf, 0xc0, 0xdb, 0xdc, 0xdd,
		0xde };
	static const char digits[] = ")!@#$%^&*(";
	const char *p;

	*shift = false;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 'A';
	if ((c >= '0' && c <= '9') || c == ' ')
		return c;
	if (c == '\n')
		return 0x0d;
	if (c == '\t')
		return 0x09;
	if (!c || c > 126)
		return 0;
	p = strchr(plain, (int)c);
	if (p)
		return oem[p - plain];
	*shift = true;
	if (c >= 'A' && c <= 'Z')
		return c;
	p = strchr(shifted, (int)c);
	if (p)
		return oem[p - shifted];
	p = strchr(digits, (int)c);
	return p ? (uint32_t)('0' + (p - digits)) : 0;
}

/* One UTF-8 scalar; bytes that are none give U+FFFD. */
static uint32_t next_scalar(const uint8_t **p, const uint8_t *end)
{
	uint32_t c = *(*p)++;
	unsigned more = c >= 0xf0 && c < 0xf8 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	if (c < 0x80)
		return c;
	if (c >= 0xf8 || !more || (size_t)(end - *p) < more)
		return 0xfffd;
	c &= 0x3fu >> more;
	while (more--) {
		if ((**p & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (*(*p)++ & 0x3f);
	}
	return c;
}

static int type(struct pf_script *s, uint64_t at_ns, uint64_t step_ns, const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + len;
	int r = 0;

	for (; p < end && !r; at_ns += step_ns) {
		uint32_t c = next_scalar(&p, end), key;
		bool shift;

		if (c == '\\' && p < end) {
			c = *p++;
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
		}
		key = key_of(c, &shift);
		r = key ? tap(s, at_ns, key, shift) : add(s, at_ns, PUNKTFUNK_INPUT_TEXT, c, 0, 0);
	}
	return r;
}

int pf_script_type(struct pf_script *s, uint64_t at_ns, uint64_t step_ns, const char *text)
{
	return type(s, at_ns, step_ns, text, strlen(text));
}

int pf_script_circle(struct pf_script *s, uint64_t at_ns, uint64_t span_ns, uint64_t step_ns,
	uint32_t width, uint32_t height)
{
	int r = 0;

	for (uint64_t t = 0; t < span_ns && !r; t += step_ns) {
		double turn = 2 * acos(-1) * (double)t / 2e9; /* once in two seconds */

		r = add(s, at_ns + t, PUNKTFUNK_INPUT_MOUSE_ABSOLUTE, 0,
			(int32_t)(width * (0.5 + 0.3 * cos(turn))),
			(int32_t)(height * (0.5 + 0.3 * sin(turn))));
	}
	return r;
}

/* "down" 1, "up" 2, `both` 3, else 0. */
static int direction(const char *word, const char *both)
{
	return !strcmp(word, "down") ? 1 : !strcmp(word, "up") ? 2 : !strcmp(word, both) ? 3 : 0;
}

/* Wishes; 1 = the line is none. */
static int parse_wish(struct pf_script *s, uint64_t at_ns, const char *verb, const char *line)
{
	struct pf_script_event e = { 0 };
	int end = 0, r;

	if (!strcmp(verb, "mode")) {
		e.what = PF_SCRIPT_MODE;
		if (sscanf(line, "%5ux%5u@%4u %n", &e.width, &e.height, &e.refresh_hz, &end) != 3)
			return -EINVAL;
	} else if (!strcmp(verb, "bitrate")) {
		e.what = PF_SCRIPT_BITRATE;
		if (sscanf(line, "%8u %n", &e.kbps, &end) != 1)
			return -EINVAL;
	} else if (!strcmp(verb, "keyframe")) {
		e.what = PF_SCRIPT_KEYFRAME;
	} else if (!strcmp(verb, "clip")) {
		e.what = PF_SCRIPT_CLIP;
		if (!pf_probe_clip_check(line))
			return -EINVAL;
		e.words = strdup(line);
		if (!e.words)
			return -ENOMEM;
		end = (int)strlen(line);
	} else {
		e.what = PF_SCRIPT_PAD;
		r = pf_pads_parse(&e.pad, verb, line);
		if (r)
			return r;
		end = (int)strlen(line);
	}
	if (line[end])
		return -EINVAL;
	r = add(s, at_ns, 0, 0, 0, 0);
	if (r)
		free(e.words);
	if (!r) {
		struct pf_script_event *last = &s->events[s->count - 1];

		e.at_ns = last->at_ns;
		e.order = last->order;
		*last = e;
	}
	return r;
}

static int parse_line(struct pf_script *s, const char *line)
{
	char verb[16], a[16], b[16];
	unsigned long long ms;
	uint64_t at;
	int rest = 0, n = 0, r = 0, dir;
	long x, y = 0;
	char *end;

	if (sscanf(line, "%llu %15s %n", &ms, verb, &rest) < 2 || !rest || ms > 86400000)
		return -EINVAL;
	at = ms * NS_PER_MS;
	line += rest;
	r = parse_wish(s, at, verb, line);
	if (r != 1)
		return r;
	r = 0;
	if (!strcmp(verb, "text"))
		return type(s, at, TYPE_STEP_NS, line, strlen(line));
	n = sscanf(line, "%15s %15s %n", a, b, &rest);
	if (n < 1)
		return -EINVAL;
	x = strtol(a, &end, 0);
	if (*end || x < INT32_MIN || x > INT32_MAX)
		return -EINVAL;
	if (!strcmp(verb, "click") && n == 1) {
		r = add(s, at, PUNKTFUNK_INPUT_BUTTON_DOWN, (uint32_t)x, 0, 0);
		return r ? r
			 : add(s, at + 20 * NS_PER_MS, PUNKTFUNK_INPUT_BUTTON_UP, (uint32_t)x, 0,
				   0);
	}
	if (!strcmp(verb, "scroll") && n == 1)
		return add(s, at, PUNKTFUNK_INPUT_SCROLL, 0, (int32_t)x, 0);
	if (n < 2)
		return -EINVAL;
	if (!strcmp(verb, "key") || !strcmp(verb, "button")) {
		bool key = verb[0] == 'k';

		dir = direction(b, key ? "tap" : "click");
		if (!dir || x < 0)
			return -EINVAL;
		if (dir & 1)
			r = add(s, at, key ? PUNKTFUNK_INPUT_KEY_DOWN : PUNKTFUNK_INPUT_BUTTON_DOWN,
				(uint32_t)x, 0, 0);
		if (!r && dir & 2)
			r = add(s, dir == 3 ? at + 20 * NS_PER_MS : at,
				key ? PUNKTFUNK_INPUT_KEY_UP : PUNKTFUNK_INPUT_BUTTON_UP,
				(uint32_t)x, 0, 0);
		return r;
	}
	y = strtol(b, &end, 0);
	if (*end || y < INT32_MIN || y > INT32_MAX)
		return -EINVAL;
	if (!strcmp(verb, "move"))
		return add(s, at, PUNKTFUNK_INPUT_MOUSE_ABSOLUTE, 0, (int32_t)x, (int32_t)y);
	if (!strcmp(verb, "rel"))
		return add(s, at, PUNKTFUNK_INPUT_MOUSE_RELATIVE, 0, (int32_t)x, (int32_t)y);
	if (!strcmp(verb, "scroll")) {
		r = add(s, at, PUNKTFUNK_INPUT_SCROLL, 0, (int32_t)x, 0);
		return r ? r : add(s, at, PUNKTFUNK_INPUT_SCROLL, 1, (int32_t)y, 0);
	}
	return -EINVAL;
}

int pf_script_parse(struct pf_script *s, const char *text, size_t len, unsigned *line)
{
	*line = 0;
	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl ? (size_t)(nl - text) : len;
		char one[512];
		size_t used;
		int r;

		++*line;
		if (n >= sizeof(one) || memchr(text, '\0', n))
			return -EINVAL;
		memcpy(one, text, n);
		one[n] = '\0';
		text += n + (nl != NULL);
		len -= n + (nl != NULL);
		used = strspn(one, " \t\r");
		if (one[used] == '#' || !one[used])
			continue;
		while (n && one[n - 1] == '\r')
			one[--n] = '\0';
		r = parse_line(s, one + used);
		if (r)
			return r;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct pf_script_event *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

void pf_script_sort(struct pf_script *s)
{
	if (s->count)
		qsort(s->events, s->count, sizeof(*s->events), compare);
}

void pf_script_finish(struct pf_script *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->events[i].words);
	free(s->events);
	memset(s, 0, sizeof(*s));
}
