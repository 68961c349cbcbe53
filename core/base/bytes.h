/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bytes.h - reads and writes wire bytes with one error flag.
 *
 * A reader or writer never touches memory outside its buffer. The first access
 * that does not fit sets `err`; from then on reads give 0 and writes do
 * nothing, so a parser checks once at its end. Plain data, no ownership: the
 * buffer must outlive the reader or writer. Any thread, one at a time. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pf_reader {
	const uint8_t *p;
	size_t left; /* bytes not yet read */
	bool err;    /* sticky: something did not fit */
};

struct pf_writer {
	uint8_t *buf;
	size_t cap;
	size_t len; /* bytes written so far */
	bool err;   /* sticky: something did not fit */
};

static inline struct pf_reader pf_reader(const void *buf, size_t len)
{
	return (struct pf_reader){ .p = buf, .left = len };
}

static inline struct pf_writer pf_writer(void *buf, size_t cap)
{
	return (struct pf_writer){ .buf = buf, .cap = cap };
}

/** Borrowed pointer to the next `n` bytes, or NULL (and err) if there are fewer. */
static inline const uint8_t *pf_rd_bytes(struct pf_reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->err || n > r->left) {
		r->err = true;
		return NULL;
	}
	if (n) {
		r->p += n;
		r->left -= n;
	}
	return p;
}

/** Copies `n` bytes to `out`; zeros (and err) if there are fewer. */
static inline void pf_rd_copy(struct pf_reader *r, void *out, size_t n)
{
	const uint8_t *p = pf_rd_bytes(r, n);

	if (r->err)
		memset(out, 0, n);
	else if (n)
		memcpy(out, p, n);
}

static inline uint64_t pf_rd_le(struct pf_reader *r, unsigned n)
{
	const uint8_t *p = pf_rd_bytes(r, n);
	uint64_t v = 0;

	for (unsigned i = 0; p && i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static inline uint64_t pf_rd_be(struct pf_reader *r, unsigned n)
{
	const uint8_t *p = pf_rd_bytes(r, n);
	uint64_t v = 0;

	for (unsigned i = 0; p && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static inline uint8_t pf_rd_u8(struct pf_reader *r)
{
	return (uint8_t)pf_rd_le(r, 1);
}
static inline uint16_t pf_rd_u16le(struct pf_reader *r)
{
	return (uint16_t)pf_rd_le(r, 2);
}
static inline uint32_t pf_rd_u32le(struct pf_reader *r)
{
	return (uint32_t)pf_rd_le(r, 4);
}
static inline uint64_t pf_rd_u64le(struct pf_reader *r)
{
	return pf_rd_le(r, 8);
}
static inline uint16_t pf_rd_u16be(struct pf_reader *r)
{
	return (uint16_t)pf_rd_be(r, 2);
}
static inline uint32_t pf_rd_u32be(struct pf_reader *r)
{
	return (uint32_t)pf_rd_be(r, 4);
}
static inline uint64_t pf_rd_u64be(struct pf_reader *r)
{
	return pf_rd_be(r, 8);
}

/** Room for `n` bytes that the caller fills, or NULL (and err). */
static inline uint8_t *pf_wr_room(struct pf_writer *w, size_t n)
{
	uint8_t *p;

	if (w->err || n > w->cap - w->len) {
		w->err = true;
		return NULL;
	}
	p = w->buf + w->len;
	w->len += n;
	return p;
}

static inline void pf_wr_bytes(struct pf_writer *w, const void *src, size_t n)
{
	uint8_t *p = pf_wr_room(w, n);

	if (p && n)
		memcpy(p, src, n);
}

/** Formatted text of at most 1023 bytes, without its zero; err above that. */
__attribute__((format(printf, 2, 3))) void pf_wr_printf(struct pf_writer *w, const char *fmt, ...);

static inline void pf_wr_le(struct pf_writer *w, uint64_t v, unsigned n)
{
	uint8_t *p = pf_wr_room(w, n);

	for (unsigned i = 0; p && i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void pf_wr_be(struct pf_writer *w, uint64_t v, unsigned n)
{
	uint8_t *p = pf_wr_room(w, n);

	for (unsigned i = 0; p && i < n; i++)
		p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static inline void pf_wr_u8(struct pf_writer *w, uint8_t v)
{
	pf_wr_le(w, v, 1);
}
static inline void pf_wr_u16le(struct pf_writer *w, uint16_t v)
{
	pf_wr_le(w, v, 2);
}
static inline void pf_wr_u32le(struct pf_writer *w, uint32_t v)
{
	pf_wr_le(w, v, 4);
}
static inline void pf_wr_u64le(struct pf_writer *w, uint64_t v)
{
	pf_wr_le(w, v, 8);
}
static inline void pf_wr_u16be(struct pf_writer *w, uint16_t v)
{
	pf_wr_be(w, v, 2);
}
static inline void pf_wr_u32be(struct pf_writer *w, uint32_t v)
{
	pf_wr_be(w, v, 4);
}
static inline void pf_wr_u64be(struct pf_writer *w, uint64_t v)
{
	pf_wr_be(w, v, 8);
}
