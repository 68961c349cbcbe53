/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/cidmap.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct pf_cid_entry {
	struct pf_cid_entry *next;
	void *owner;
	uint8_t len;
	uint8_t cid[PF_CID_MAX];
};

void pf_cidmap_init(struct pf_cidmap *m, uint64_t seed)
{
	*m = (struct pf_cidmap){ .seed = seed };
}

void pf_cidmap_finish(struct pf_cidmap *m)
{
	for (size_t i = 0; i < PF_CIDMAP_SLOTS; i++) {
		while (m->slots[i]) {
			struct pf_cid_entry *e = m->slots[i];

			m->slots[i] = e->next;
			free(e);
		}
	}
	m->count = 0;
}

/* FNV-1a from a secret start: the table is small and the number of entries
 * bounded, so a chain costs little even to one who guesses the seed. */
static size_t slot_of(const struct pf_cidmap *m, const uint8_t *cid, size_t len)
{
	uint64_t h = m->seed ^ 0xcbf29ce484222325ull;

	for (size_t i = 0; i < len; i++)
		h = (h ^ cid[i]) * 0x100000001b3ull;
	h ^= h >> 32;
	return (size_t)(h % PF_CIDMAP_SLOTS);
}

static struct pf_cid_entry **find(const struct pf_cidmap *m, const uint8_t *cid, size_t len)
{
	struct pf_cid_entry **p = (struct pf_cid_entry **)&m->slots[slot_of(m, cid, len)];

	while (*p && ((*p)->len != len || memcmp((*p)->cid, cid, len) != 0))
		p = &(*p)->next;
	return p;
}

int pf_cidmap_add(struct pf_cidmap *m, const uint8_t *cid, size_t len, void *owner)
{
	struct pf_cid_entry *e, **p;

	if (!len || len > PF_CID_MAX)
		return -EINVAL;
	p = find(m, cid, len);
	if (*p)
		return (*p)->owner == owner ? 0 : -EEXIST;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->owner = owner;
	e->len = (uint8_t)len;
	memcpy(e->cid, cid, len);
	*p = e;
	m->count++;
	return 0;
}

void *pf_cidmap_find(const struct pf_cidmap *m, const uint8_t *cid, size_t len)
{
	struct pf_cid_entry *e;

	if (!len || len > PF_CID_MAX)
		return NULL;
	e = *find(m, cid, len);
	return e ? e->owner : NULL;
}

static void drop(struct pf_cidmap *m, struct pf_cid_entry **p)
{
	struct pf_cid_entry *e = *p;

	*p = e->next;
	free(e);
	m->count--;
}

void pf_cidmap_remove(struct pf_cidmap *m, const uint8_t *cid, size_t len)
{
	struct pf_cid_entry **p;

	if (!len || len > PF_CID_MAX)
		return;
	p = find(m, cid, len);
	if (*p)
		drop(m, p);
}

void pf_cidmap_remove_owner(struct pf_cidmap *m, const void *owner)
{
	for (size_t i = 0; i < PF_CIDMAP_SLOTS; i++) {
		struct pf_cid_entry **p = &m->slots[i];

		while (*p) {
			if ((*p)->owner == owner)
				drop(m, p);
			else
				p = &(*p)->next;
		}
	}
}
