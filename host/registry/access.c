/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/registry/access.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "core/wire/pf1_handshake.h"

static const struct {
	const char *name;
	uint32_t bits;
} grant_names[] = {
	{ "all", PF_GRANT_ALL },
	{ "none", 0 },
	{ "gamepad", PF_GRANT_GAMEPAD },
	{ "pointer", PF_GRANT_POINTER },
	{ "keyboard", PF_GRANT_KEYBOARD },
	{ "clipboard", PF_GRANT_CLIPBOARD },
	{ "microphone", PF_GRANT_MICROPHONE },
	{ "launch", PF_GRANT_LAUNCH },
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Length of the fingerprint's text, or 0. */
static size_t parse_fingerprint(uint8_t out[32], const char *text)
{
	const char *p = text;

	for (unsigned i = 0; i < 32; i++) {
		int high, low;

		if (i && *p == ':')
			p++;
		high = hex_digit(p[0]);
		low = high < 0 ? -1 : hex_digit(p[1]);
		if (low < 0)
			return 0;
		out[i] = (uint8_t)(high << 4 | low);
		p += 2;
	}
	return (size_t)(p - text);
}

static bool parse_grants(uint32_t *out, const char *text, size_t len)
{
	uint32_t bits = 0;

	while (len) {
		const char *comma = memchr(text, ',', len);
		size_t n = comma ? (size_t)(comma - text) : len;
		size_t i, count = sizeof(grant_names) / sizeof(grant_names[0]);

		for (i = 0; i < count; i++)
			if (strlen(grant_names[i].name) == n &&
				!memcmp(grant_names[i].name, text, n))
				break;
		if (i == count)
			return false;
		bits |= grant_names[i].bits;
		n += comma != NULL;
		text += n;
		len -= n;
	}
	*out = bits;
	return true;
}

int pf_access_parse_line(struct pf_access_entry *out, const char *line, struct pf_reason *why)
{
	struct pf_access_entry e = { .grants = PF_GRANT_ALL };
	const char *p = line + strspn(line, " \t\r");
	size_t n;

	if (!*p || *p == '#')
		return 0;
	n = parse_fingerprint(e.fingerprint, p);
	if (!n || (p[n] && !strchr(" \t\r#", p[n])))
		return pf_reason_set(
			why, -EINVAL, "a line begins with a fingerprint of 64 hex digits");
	p += n;
	p += strspn(p, " \t\r");
	n = strcspn(p, " \t\r#");
	if (n && !parse_grants(&e.grants, p, n))
		return pf_reason_set(why, -EINVAL,
			"\"%.*s\" is no list of grants (all, none, gamepad, pointer, keyboard, "
			"clipboard, microphone, launch); a label follows a #",
			n > 40 ? 40 : (int)n, p);
	p += n;
	p += strspn(p, " \t\r");
	if (*p && *p != '#')
		return pf_reason_set(why, -EINVAL,
			"more than a fingerprint and grants; a label "
			"follows a #");
	if (*p == '#') {
		p++;
		p += strspn(p, " \t\r");
		snprintf(e.label, sizeof(e.label), "%.64s", p);
		n = strlen(e.label);
		while (n && strchr(" \t\r", e.label[n - 1]))
			e.label[--n] = 0;
	}
	*out = e;
	return 1;
}

/* Where a walk through the file stands. */
struct walk {
	const uint8_t *text;
	size_t len;
	unsigned line;
};

/* The next line: 1 with a client in *e, 0 without, -EINVAL with the words, -ENOENT at
 * the end. */
static int next_line(struct walk *w, struct pf_access_entry *e, struct pf_reason *why)
{
	const uint8_t *end = memchr(w->text, '\n', w->len);
	size_t n = end ? (size_t)(end - w->text) : w->len;
	size_t used = end ? n + 1 : n;
	const uint8_t *text = w->text;
	char line[512];

	if (!w->len)
		return -ENOENT;
	w->line++;
	w->text += used;
	w->len -= used;
	if (n >= sizeof(line) || memchr(text, 0, n))
		return pf_reason_set(why, -EINVAL, "the line is too long or no text");
	memcpy(line, text, n);
	line[n] = 0;
	return pf_access_parse_line(e, line, why);
}

int pf_access_find(struct pf_access_entry *out, const uint8_t *text, size_t len,
	const uint8_t fingerprint[32], void (*bad)(void *user, unsigned line, const char *text),
	void *user)
{
	struct walk w = { text, len, 0 };
	struct pf_access_entry e;
	struct pf_reason why = { 0 };
	int r;

	while ((r = next_line(&w, &e, &why)) != -ENOENT) {
		if (r < 0 && bad)
			bad(user, w.line, why.text);
		if (r > 0 && !memcmp(e.fingerprint, fingerprint, 32)) {
			*out = e;
			return 0;
		}
	}
	return -ENOENT;
}

void pf_access_each(const uint8_t *text, size_t len,
	void (*fn)(void *user, unsigned line, const struct pf_access_entry *e), void *user)
{
	struct walk w = { text, len, 0 };
	struct pf_access_entry e;
	int r;

	while ((r = next_line(&w, &e, NULL)) != -ENOENT)
		if (r > 0)
			fn(user, w.line, &e);
}

int pf_access_grants_parse(uint32_t *out, const char *text, struct pf_reason *why)
{
	if (*text && parse_grants(out, text, strlen(text)))
		return 0;
	return pf_reason_set(why, -EINVAL,
		"\"%.40s\" is no list of grants (all, none, gamepad, pointer, keyboard, "
		"clipboard, microphone, launch)",
		text);
}

void pf_access_grants_format(uint32_t grants, char out[PF_ACCESS_GRANTS_BYTES])
{
	size_t len = 0;

	*out = 0;
	if (grants == PF_GRANT_ALL || !grants) {
		strcpy(out, grants ? "all" : "none");
		return;
	}
	for (size_t i = 0; i < sizeof(grant_names) / sizeof(grant_names[0]); i++)
		if (grant_names[i].bits && grant_names[i].bits != PF_GRANT_ALL &&
			grants & grant_names[i].bits)
			len += (size_t)snprintf(out + len, PF_ACCESS_GRANTS_BYTES - len, "%s%s",
				len ? "," : "", grant_names[i].name);
}

int pf_access_fingerprint_parse(uint8_t out[32], const char *text)
{
	uint8_t fp[32];
	size_t n = parse_fingerprint(fp, text);

	if (!n || text[n])
		return -EINVAL;
	memcpy(out, fp, sizeof(fp));
	return 0;
}

void pf_access_format(const uint8_t fingerprint[32], char out[65])
{
	for (unsigned i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", fingerprint[i]);
}
