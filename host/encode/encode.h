/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* encode.h - pictures to access units.
 *
 * An encoder belongs to one encode thread. It is synchronous and holds nothing
 * back: one picture in, one access unit out. It converts pixels itself, so the
 * time of both steps is its to report.
 *
 * H.264 and HEVC come as Annex B, a start code of four bytes first; an IDR brings
 * its parameter sets and little else before its first slice, which begins within
 * PF_ENCODER_LEAD_BYTES. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/wire/pf1_handshake.h" /* pf_codec */
#include "host/frame.h"

#define PF_ENCODER_LEAD_BYTES 256

/* What a picture is made of. */
enum pf_encoder_shape {
	PF_SHAPE_420,
	PF_SHAPE_444,
	PF_SHAPE_420_10, /* 10 bits a sample */
	PF_SHAPE_444_10,
	PF_SHAPES,
};

struct pf_encoder_params {
	enum pf_codec codec;
	enum pf_encoder_shape shape;
	uint32_t width, height;
	uint32_t fps_mhz; /* thousandths of Hz */
	uint32_t bitrate_kbps;
	struct pf_colour colour;
	unsigned slices;     /* at least so many, where the encoder can; 0 = its choice */
	unsigned references; /* pictures that one may refer to, at most; 0 = its choice */
	unsigned threads;    /* 0 = the backend's choice */
	const char *preset;  /* backend's word for speed, NULL = its fastest fit; the
				null encoder reads its faults from it (null.c) */
};

/* What encode() gives back, valid until the next call on the encoder. */
struct pf_packet {
	const uint8_t *data;
	size_t size; /* not 0: an encoder that holds pictures back does not pass its probe */
	bool idr;    /* decodable on its own, parameter sets in band */
	uint64_t convert_ns; /* time spent converting pixels */
	uint64_t encode_ns;  /* time spent in the encoder proper */
};

enum pf_encode_flags {
	/* This picture must be an IDR. Its frame may be of another capture than the one
	 * before: its damage counts for nothing. */
	PF_ENCODE_IDR = 1 << 0,
};

struct pf_encoder;

struct pf_encoder_ops {
	const char *name;
	uint32_t codecs; /* pf_codec bits it may open */
	uint32_t shapes; /* 1 << pf_encoder_shape beside PF_SHAPE_420, which all make */
	uint32_t memory; /* pf_mem_kind bits it takes */
	bool hardware;
	bool slow;	/* costs a processor much: only where a setting names its codec */
	bool synthetic; /* makes no real pictures: only by its name */
	/* Mandatory. On failure leaves *out alone and fills why. The only proof that
	 * an encoder works here is that it opened and encoded a small picture. */
	int (*open)(struct pf_encoder **out, const struct pf_encoder_params *params,
		struct pf_reason *why);
	/* Mandatory. Accepts NULL and half-built objects. */
	void (*close)(struct pf_encoder *enc);
	/* Mandatory. Borrows `in` for the call. in's size must be the encoder's. */
	int (*encode)(struct pf_encoder *enc, const struct pf_frame *in, uint32_t flags,
		struct pf_packet *out);
	/* Optional: NULL means the caller reopens instead. */
	int (*set_bitrate)(struct pf_encoder *enc, uint32_t kbps);
	/* Optional: make the next pictures independent of the frames with numbers
	 * first..last (this encoder's count from 0). NULL or failure = ask an IDR. */
	int (*invalidate)(struct pf_encoder *enc, uint64_t first, uint64_t last);
};

struct pf_encoder {
	const struct pf_encoder_ops *ops;
};

/** NULL-ended, best first. */
const struct pf_encoder_ops *const *pf_encoder_backends(void);
const struct pf_encoder_ops *pf_encoder_find(const char *name);
/** Does `ops` work here? Opens it for a small picture and encodes one. 0, or a
 * negative errno with the words. Takes milliseconds, up to seconds for hardware. */
int pf_encoder_probe(const struct pf_encoder_ops *ops, enum pf_codec codec, struct pf_reason *why);
/** The same of pictures of one shape. */
int pf_encoder_probe_shape(const struct pf_encoder_ops *ops, enum pf_codec codec,
	enum pf_encoder_shape shape, struct pf_reason *why);
/** "4:4:4, 10 bit" and the like; "4:2:0" for the plain one. */
const char *pf_encoder_shape_name(enum pf_encoder_shape shape);
/** Opens the best backend that really works for `params`: `name` NULL or "auto"
 * tries all but slow and synthetic ones, else just that one. Hardware is probed
 * first. -ENOENT for an unknown name, -ENODEV when none works; `why` then names
 * what each one said. */
int pf_encoder_open(struct pf_encoder **out, const char *name,
	const struct pf_encoder_params *params, struct pf_reason *why);

/* What encodes here, found once by trying: per codec (H.264, HEVC, AV1) a backend
 * or NULL, and the shapes that it really encoded (1 << pf_encoder_shape). */
struct pf_encoders {
	const struct pf_encoder_ops *by_codec[3];
	uint32_t shapes[3];
};

/** Finds the encoders that work. `setting` NULL or "auto": hardware for every
 * codec, software for the codecs (pf_codec bits) in `software`. Else the one of
 * that name makes what it can, and software the rest of `software`. Opens each,
 * which takes milliseconds, up to seconds for hardware. -ENODEV with the words
 * when there is none, or the one named does not work. */
int pf_encoders_find(
	struct pf_encoders *out, const char *setting, uint32_t software, struct pf_reason *why);
