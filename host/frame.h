/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* frame.h - one captured picture on its way to the encoder.
 *
 * Reference-counted because capture, mailbox and encoder hold it at different
 * times. The producer fills it once, before it hands it over; after that it is
 * read-only. The last unref calls `release`, on whatever thread that happens,
 * which gives the buffer back to its pool. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum pf_mem_kind {
	PF_MEM_CPU = 1 << 0,	/* planes[] are readable memory */
	PF_MEM_DMABUF = 1 << 1, /* fds[] with offsets, strides and modifier */
	PF_MEM_GPU = 1 << 2,	/* handle is the encoder's own */
};

enum pf_pixel_format {
	PF_PIXEL_NONE,
	PF_PIXEL_BGRX, /* bytes B, G, R, X in memory: DRM XRGB8888 on little endian */
	PF_PIXEL_RGBX, /* bytes R, G, B, X */
	PF_PIXEL_I420,
	PF_PIXEL_NV12,
	/* Of the encoder's side alone: 4:4:4, and 10 bits in the low end of 16. */
	PF_PIXEL_I444,
	PF_PIXEL_I420_10,
	PF_PIXEL_I444_10,
};

struct pf_rect {
	int32_t x, y, w, h;
};

/* ITU-T H.273 code points. */
struct pf_colour {
	uint8_t primaries, transfer, matrix;
	bool full_range;
};
#define PF_COLOUR_BT709 ((struct pf_colour){ 1, 1, 1, false })
#define PF_COLOUR_BT601 ((struct pf_colour){ 6, 6, 6, false })

struct pf_cursor {
	bool visible;
	int32_t x, y; /* hotspot in pixels of the output */
	uint32_t serial;
};

#define PF_FRAME_PLANES 4
#define PF_FRAME_DAMAGE 16

struct pf_frame {
	_Atomic int refs;
	enum pf_mem_kind kind;
	enum pf_pixel_format format;
	uint32_t width, height; /* pixels */
	struct pf_colour colour;
	unsigned plane_count;
	uint8_t *planes[PF_FRAME_PLANES];  /* PF_MEM_CPU */
	uint32_t strides[PF_FRAME_PLANES]; /* bytes */
	int fds[PF_FRAME_PLANES];	   /* PF_MEM_DMABUF, owned by the pool */
	uint32_t offsets[PF_FRAME_PLANES];
	uint64_t modifier;
	void *handle;	       /* PF_MEM_GPU */
	unsigned damage_count; /* 0 = everything may have changed */
	struct pf_rect damage[PF_FRAME_DAMAGE];
	uint64_t capture_ns; /* monotonic: when the picture was complete */
	uint64_t taken_ns;   /* the stream's: when the capture handed it over */
	uint64_t seq;	     /* of the capture, gaps = pictures not taken */
	struct pf_cursor cursor;
	int acquire_fence; /* sync_file to wait for before reading, -1 = none */
	void (*release)(struct pf_frame *f);
	void *user; /* the producer's */
};

/** Another reference to `f`, returned for convenience. */
struct pf_frame *pf_frame_ref(struct pf_frame *f);
/** Drops *f and clears it; the last one calls release. Accepts NULL inside. */
void pf_frame_unref(struct pf_frame **f);
