/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/clipboard/formats.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SECRET_HINT "x-kde-passwordManagerHint"
#define NAMES	    5

/* Best name first. */
static const struct {
	const char *wire;
	bool image;
	const char *names[NAMES];
} rows[] = {
	{ "text/plain;charset=utf-8", false,
		{ "text/plain;charset=utf-8", "UTF8_STRING", "text/plain", "TEXT", "STRING" } },
	{ "text/html", false, { "text/html" } },
	{ "text/rtf", false, { "text/rtf", "application/rtf" } },
	{ "image/png", true, { "image/png" } },
	{ "image/jpeg", true, { "image/jpeg", "image/jpg" } },
	{ "image/gif", true, { "image/gif" } },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *find_name(const struct pf_clip_local *l, const char *name)
{
	for (unsigned i = 0; i < l->count; i++)
		if (!strcasecmp(l->names[i], name))
			return l->names[i];
	return NULL;
}

static const char *pick(const struct pf_clip_local *l, size_t row)
{
	const char *found = NULL;

	for (unsigned i = 0; i < NAMES && rows[row].names[i] && !found; i++)
		found = find_name(l, rows[row].names[i]);
	return found;
}

const char *pf_clip_pick(const struct pf_clip_local *l, const char *wire)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].wire, wire))
			return pick(l, i);
	return NULL;
}

void pf_clip_to_wire(struct pf_clip_offer *out, const struct pf_clip_local *l, bool images)
{
	out->count = 0;
	/* Whatever the hint says: who sets it means a password. */
	if (find_name(l, SECRET_HINT))
		return;
	for (size_t i = 0; i < ROWS; i++) {
		struct pf_clip_format *f = &out->formats[out->count];

		if ((rows[i].image && !images) || !pick(l, i))
			continue;
		snprintf(f->mime, sizeof(f->mime), "%s", rows[i].wire);
		f->size_hint = 0;
		out->count++;
	}
}

void pf_clip_to_local(struct pf_clip_local *out, const struct pf_clip_offer *o, bool images)
{
	out->count = 0;
	for (size_t i = 0; i < ROWS; i++) {
		if ((rows[i].image && !images) || !pf_clip_offer_has(o, rows[i].wire))
			continue;
		for (unsigned k = 0; k < NAMES && rows[i].names[k]; k++)
			snprintf(out->names[out->count++], PF_CLIP_LOCAL_NAME, "%s",
				rows[i].names[k]);
	}
}

const char *pf_clip_wire_of(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		for (unsigned k = 0; k < NAMES && rows[i].names[k]; k++)
			if (!strcasecmp(rows[i].names[k], name))
				return rows[i].wire;
	return NULL;
}
