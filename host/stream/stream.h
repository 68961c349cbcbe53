/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stream.h - one client's picture: capture, mailbox, encode, sink.
 *
 * The capture puts its newest picture into a mailbox of one; the encode thread
 * takes it as soon as the client's rate and the send ring allow, encodes it and
 * hands it to the sink. Nothing changes, nothing is encoded. A stream is
 * brought up in stages and torn down in exact reverse; start, attach and stop
 * block and are for a worker, one at a time. It may be stopped and started
 * again (another mode); its counters and frame numbers go on. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/session/listener.h"
#include "host/capture/capture.h"
#include "host/display/display.h"
#include "host/encode/encode.h"
#include "host/stream/meter.h"
#include "host/stream/parked.h"

/* Where access units go. All mandatory; encode thread, must not block. */
struct pf_stream_sink {
	/* As pf_host_session_submit: 0, -EPIPE (gone), else dropped (-EAGAIN: no room),
	 * which uses up a number of the wire all the same. */
	int (*submit)(void *user, const uint8_t *data, size_t len, uint32_t user_flags,
		const struct pf_frame_stamps *stamps);
	/* Frames not yet sent. */
	unsigned (*queued)(void *user);
	/* The encoder's rate is now `kbps`. */
	void (*set_bitrate)(void *user, uint32_t kbps);
};

struct pf_stream_params {
	enum pf_codec codec;
	enum pf_encoder_shape shape;
	struct pf_colour colour;
	uint32_t bitrate_kbps;
	const char *encoder; /* backend's name or NULL = auto; strings are copied */
	const char *preset;  /* NULL = the backend's choice */
	unsigned threads;    /* 0 = the backend's choice */
	unsigned slices;     /* as pf_encoder_params */
	unsigned references; /* as pf_encoder_params */
	bool cursor;
	unsigned repeats;
	uint32_t repeat_delay_ms;
	/* Between IDRs that the client asks for; sooner, the ask is older than the
	 * IDR. 0 = as punktfunk/1 has it (idr_gate.h). */
	uint32_t idr_cooldown_ms;
	const struct pf_capture_ops *capture; /* NULL = by the source's kind */
	struct pf_stream_sink sink;
	/* Any thread, once per start: the stream cannot go on. */
	void (*on_error)(void *user, int err, const char *text);
	/* The client cannot follow: pictures of another size than the mode's are fitted
	 * into one of its size (encode/fit.h). */
	bool fixed_size;
	/* Optional. Encode thread: the source changed its size by itself to that of
	 * `mode`, and the stream follows, or with fixed_size fits it in; then it is told
	 * the first size, too, if it is not the mode's. */
	void (*on_mode)(void *user, const struct pf_mode *mode);
	void *user;
	unsigned fail_stage; /* for tests: the stage (from 1) that fails; 0 = none */
};

struct pf_stream_stats {
	uint64_t captured;	/* pictures that the capture delivered */
	uint64_t skipped;	/* of these, replaced by a newer one before encode */
	uint64_t held_for_link; /* times that encode waited for the send ring */
	uint64_t encoded;
	uint64_t repeated; /* of these, pictures sent before */
	uint64_t idrs;	   /* of these */
	uint64_t submitted;
	uint64_t dropped; /* encoded, but the send ring was full */
	uint64_t bytes;
	uint64_t convert_encode_p50_ns, convert_encode_p99_ns;
	uint64_t convert_p50_ns, convert_p99_ns; /* of this, pixels */
	uint64_t capture_p50_ns, capture_p99_ns; /* picture complete -> with us */
	uint64_t queue_p50_ns, queue_p99_ns;	 /* with us -> encode starts */
	uint32_t bitrate_kbps;
	char encoder[32];  /* the backend in use */
	bool encoder_kept; /* another stream had opened it */
};

/* Durations of all pictures so far. */
struct pf_stream_meters {
	struct pf_meter capture;	/* picture complete -> with us */
	struct pf_meter queue;		/* with us -> encode starts */
	struct pf_meter convert;	/* pixels */
	struct pf_meter encode;		/* without that */
	struct pf_meter convert_encode; /* both */
};

struct pf_stream;

int pf_stream_create(struct pf_stream **out, const struct pf_stream_params *params);
/** Stops it if it runs (blocks). Accepts NULL. */
void pf_stream_destroy(struct pf_stream *s);

/** Worker. Opens the encoder for `mode` on the encode thread. On failure it is
 * stopped. */
int pf_stream_start(struct pf_stream *s, const struct pf_mode *mode, struct pf_reason *why);
/** Worker, after start. Opens the capture on `source` (borrowed for the call). On
 * failure it stays started. */
int pf_stream_attach(struct pf_stream *s, const struct pf_source *source, struct pf_reason *why);
/** Worker. Everything down, in reverse. Harmless when it is not up. */
void pf_stream_stop(struct pf_stream *s);
/** Worker. The same, but hands the encoder out for another stream. NULL when there
 * is none, or none that works. */
struct pf_parked *pf_stream_park(struct pf_stream *s);
/** Before start, which uses this encoder if it does what is asked, and closes it if
 * not. Takes it; NULL is none. */
void pf_stream_reuse(struct pf_stream *s, struct pf_parked *parked);

/** Any thread: the sink takes frames from now on; the first is sent at once. */
void pf_stream_play(struct pf_stream *s);
/** Any thread. The client asks for a keyframe, or lost frames first..last of
 * the wire's count. */
void pf_stream_keyframe(struct pf_stream *s);
void pf_stream_lost(struct pf_stream *s, uint32_t first, uint32_t last);
/** Any thread. The next picture is a keyframe, however new the last one is. */
void pf_stream_keyframe_now(struct pf_stream *s);
/** Any thread. Applied before the next picture. */
void pf_stream_set_bitrate(struct pf_stream *s, uint32_t kbps);
/** Any thread. */
void pf_stream_stats(const struct pf_stream *s, struct pf_stream_stats *out);
/** Any thread, as long as the stream lives. */
const struct pf_stream_meters *pf_stream_meters(const struct pf_stream *s);
/** Number of stages, and the name of stage 1..n. For tests and logs. */
unsigned pf_stream_stage_count(void);
const char *pf_stream_stage_name(unsigned stage);
