/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/pf1_control.h"
#include <errno.h>
#include "core/base/bytes.h"
#include "core/base/utf8.h"

#define MAGIC	    "PKFc"
#define FIELDS_MAX  5
#define LAUNCH_LAST 5

enum field_type {
	END,
	BOOL,
	U8,
	U16,
	U32,
	U64,
	RAW32, /* 32 bytes */
};

struct field {
	enum field_type type;
	size_t at; /* in struct pf_ctl */
};

struct row {
	enum pf_ctl_type type;
	const char *name;
	struct field fields[FIELDS_MAX]; /* fixed body in wire order */
	/* Reads or writes what follows the fixed fields; NULL = nothing may. */
	void (*read_tail)(struct pf_ctl *m, struct pf_reader *r);
	int (*write_tail)(const struct pf_ctl *m, struct pf_writer *w);
};

#define F(type, member)                                                                            \
	{                                                                                          \
		type, offsetof(struct pf_ctl, member)                                              \
	}

static void fail(struct pf_reader *r)
{
	r->err = true;
}

static void read_bytes(struct pf_reader *r, struct pf_ctl_bytes *out, size_t len, size_t max)
{
	if (len > max)
		fail(r);
	out->p = pf_rd_bytes(r, len);
	out->len = r->err ? 0 : len;
}

/* Text that goes on the wire: cut at a character boundary. */
static size_t text_len(const struct pf_ctl_bytes *b, size_t max)
{
	return pf_utf8_cut(b->p, b->len, max);
}

static void read_bitrate_changed(struct pf_ctl *m, struct pf_reader *r)
{
	m->bitrate_changed.has_reason = r->left > 0;
	if (r->left)
		m->bitrate_changed.reason = pf_rd_u8(r);
}

static int write_bitrate_changed(const struct pf_ctl *m, struct pf_writer *w)
{
	if (m->bitrate_changed.has_reason)
		pf_wr_u8(w, m->bitrate_changed.reason);
	return 0;
}

static void read_pair_request(struct pf_ctl *m, struct pf_reader *r)
{
	read_bytes(r, &m->pair_request.name, pf_rd_u8(r), PF_CTL_NAME_MAX);
	read_bytes(r, &m->pair_request.spake, pf_rd_u16le(r), UINT16_MAX);
	m->pair_request.key = (struct pf_ctl_bytes){ 0 };
	if (r->left)
		read_bytes(r, &m->pair_request.key, pf_rd_u16le(r), UINT16_MAX);
}

static int write_pair_request(const struct pf_ctl *m, struct pf_writer *w)
{
	size_t name_len = text_len(&m->pair_request.name, PF_CTL_NAME_MAX);

	if (m->pair_request.spake.len > UINT16_MAX || m->pair_request.key.len > UINT16_MAX)
		return -EINVAL;
	pf_wr_u8(w, (uint8_t)name_len);
	pf_wr_bytes(w, m->pair_request.name.p, name_len);
	pf_wr_u16le(w, (uint16_t)m->pair_request.spake.len);
	pf_wr_bytes(w, m->pair_request.spake.p, m->pair_request.spake.len);
	if (m->pair_request.key.len) {
		pf_wr_u16le(w, (uint16_t)m->pair_request.key.len);
		pf_wr_bytes(w, m->pair_request.key.p, m->pair_request.key.len);
	}
	return 0;
}

static void read_pair_challenge(struct pf_ctl *m, struct pf_reader *r)
{
	read_bytes(r, &m->pair_challenge.spake, pf_rd_u16le(r), UINT16_MAX);
	pf_rd_copy(r, m->pair_challenge.confirm, sizeof(m->pair_challenge.confirm));
}

static int write_pair_challenge(const struct pf_ctl *m, struct pf_writer *w)
{
	if (m->pair_challenge.spake.len > UINT16_MAX)
		return -EINVAL;
	pf_wr_u16le(w, (uint16_t)m->pair_challenge.spake.len);
	pf_wr_bytes(w, m->pair_challenge.spake.p, m->pair_challenge.spake.len);
	pf_wr_bytes(w, m->pair_challenge.confirm, sizeof(m->pair_challenge.confirm));
	return 0;
}

static void read_refused(struct pf_ctl *m, struct pf_reader *r)
{
	read_bytes(r, &m->refused.reason, pf_rd_u16le(r), PF_CTL_REASON_MAX);
}

static int write_refused(const struct pf_ctl *m, struct pf_writer *w)
{
	size_t len = text_len(&m->refused.reason, PF_CTL_REASON_MAX);

	pf_wr_u16le(w, (uint16_t)len);
	pf_wr_bytes(w, m->refused.reason.p, len);
	return 0;
}

/* The tail counts only when complete; anything behind it is ignored. */
static void read_probe_result(struct pf_ctl *m, struct pf_reader *r)
{
	m->probe_result.has_tail = r->left >= 8;
	if (m->probe_result.has_tail) {
		m->probe_result.wire_packets = pf_rd_u32le(r);
		m->probe_result.send_dropped = pf_rd_u32le(r);
	}
	r->left = 0;
}

static int write_probe_result(const struct pf_ctl *m, struct pf_writer *w)
{
	if (m->probe_result.has_tail) {
		pf_wr_u32le(w, m->probe_result.wire_packets);
		pf_wr_u32le(w, m->probe_result.send_dropped);
	}
	return 0;
}

static void read_phase(struct pf_ctl *m, struct pf_reader *r)
{
	m->phase.coherence_milli = r->left ? pf_rd_u16le(r) : PF_PHASE_ABSENT;
}

static int write_phase(const struct pf_ctl *m, struct pf_writer *w)
{
	if (m->phase.coherence_milli != PF_PHASE_ABSENT)
		pf_wr_u16le(w, m->phase.coherence_milli);
	return 0;
}

static void read_clip_offer(struct pf_ctl *m, struct pf_reader *r)
{
	if (m->clip_offer.count > PF_CLIP_FORMATS_MAX)
		fail(r);
	for (unsigned i = 0; !r->err && i < m->clip_offer.count; i++) {
		read_bytes(r, &m->clip_offer.formats[i].mime, pf_rd_u8(r), PF_CLIP_MIME_MAX);
		m->clip_offer.formats[i].size_hint = pf_rd_u64le(r);
	}
}

static int write_mime(struct pf_writer *w, const struct pf_ctl_bytes *mime)
{
	if (mime->len > PF_CLIP_MIME_MAX)
		return -EINVAL;
	pf_wr_u8(w, (uint8_t)mime->len);
	pf_wr_bytes(w, mime->p, mime->len);
	return 0;
}

static int write_clip_offer(const struct pf_ctl *m, struct pf_writer *w)
{
	if (m->clip_offer.count > PF_CLIP_FORMATS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < m->clip_offer.count; i++) {
		if (write_mime(w, &m->clip_offer.formats[i].mime))
			return -EINVAL;
		pf_wr_u64le(w, m->clip_offer.formats[i].size_hint);
	}
	return 0;
}

static void read_clip_fetch(struct pf_ctl *m, struct pf_reader *r)
{
	read_bytes(r, &m->clip_fetch.mime, pf_rd_u8(r), PF_CLIP_MIME_MAX);
}

static int write_clip_fetch(const struct pf_ctl *m, struct pf_writer *w)
{
	return write_mime(w, &m->clip_fetch.mime);
}

/* Bytes of the picture, or 0 when a side is out of range. */
static size_t cursor_bytes(const struct pf_ctl *m)
{
	uint16_t w = m->cursor_shape.w, h = m->cursor_shape.h;

	if (w > PF_CURSOR_SIDE_MAX || h > PF_CURSOR_SIDE_MAX)
		return 0;
	return (size_t)w * h * 4;
}

static void read_cursor_shape(struct pf_ctl *m, struct pf_reader *r)
{
	size_t len = cursor_bytes(m);

	if (!len)
		fail(r);
	read_bytes(r, &m->cursor_shape.rgba, len, len);
}

static int write_cursor_shape(const struct pf_ctl *m, struct pf_writer *w)
{
	size_t len = cursor_bytes(m);

	if (!len || m->cursor_shape.rgba.len != len)
		return -EINVAL;
	pf_wr_bytes(w, m->cursor_shape.rgba.p, len);
	return 0;
}

static void read_launch_outcome(struct pf_ctl *m, struct pf_reader *r)
{
	if (m->launch_outcome.kind > LAUNCH_LAST)
		m->launch_outcome.kind = 0;
	read_bytes(r, &m->launch_outcome.message, pf_rd_u8(r), PF_CTL_MESSAGE_MAX);
}

static int write_launch_outcome(const struct pf_ctl *m, struct pf_writer *w)
{
	size_t len = text_len(&m->launch_outcome.message, PF_CTL_MESSAGE_MAX);

	pf_wr_u8(w, (uint8_t)len);
	pf_wr_bytes(w, m->launch_outcome.message.p, len);
	return 0;
}

static const struct row rows[] = {
	{ PF_CTL_RECONFIGURE, "reconfigure",
		{ F(U32, reconfigure.width), F(U32, reconfigure.height),
			F(U32, reconfigure.refresh_hz) } },
	{ PF_CTL_RECONFIGURED, "reconfigured",
		{ F(BOOL, reconfigured.accepted), F(U32, reconfigured.mode.width),
			F(U32, reconfigured.mode.height), F(U32, reconfigured.mode.refresh_hz) } },
	{ PF_CTL_REQUEST_KEYFRAME, "request-keyframe", { { END } } },
	{ PF_CTL_LOSS_REPORT, "loss-report", { F(U32, loss_ppm) } },
	{ PF_CTL_SET_BITRATE, "set-bitrate", { F(U32, kbps) } },
	{ PF_CTL_BITRATE_CHANGED, "bitrate-changed", { F(U32, bitrate_changed.kbps) },
		read_bitrate_changed, write_bitrate_changed },
	{ PF_CTL_RFI_REQUEST, "rfi-request", { F(U32, rfi.first), F(U32, rfi.last) } },
	{ PF_CTL_SHARD_PAYLOAD_CHANGED, "shard-payload-changed", { F(U16, shard_payload) } },
	{ PF_CTL_SHARD_PAYLOAD_ACK, "shard-payload-ack", { F(U16, shard_payload) } },
	{ PF_CTL_PIPELINE_GAP, "pipeline-gap", { F(U32, gap_ms) } },
	{ PF_CTL_DELIVERY_REPORT, "delivery-report", { F(U64, delivered_packets) } },
	{ PF_CTL_LINK_REPORT, "link-report", { F(U32, proven_kbps) } },
	{ PF_CTL_SET_DELIVERY, "set-delivery", { F(U8, delivery.profile) } },
	{ PF_CTL_DELIVERY_CHANGED, "delivery-changed",
		{ F(U8, delivery.profile), F(U8, delivery.forced) } },
	{ PF_CTL_HOST_FACTS, "host-facts",
		{ F(U8, host_facts.iface_kind), F(U32, host_facts.link_mbps),
			F(U32, host_facts.sndbuf_kb), F(U8, host_facts.forced_profile) } },
	{ PF_CTL_PAIR_REQUEST, "pair-request", { { END } }, read_pair_request, write_pair_request },
	{ PF_CTL_PAIR_CHALLENGE, "pair-challenge", { { END } }, read_pair_challenge,
		write_pair_challenge },
	{ PF_CTL_PAIR_PROOF, "pair-proof", { F(RAW32, pair_proof) } },
	{ PF_CTL_PAIR_RESULT, "pair-result", { F(BOOL, pair_ok) } },
	{ PF_CTL_REFUSED, "refused", { F(U32, refused.code) }, read_refused, write_refused },
	{ PF_CTL_PROBE_REQUEST, "probe-request",
		{ F(U32, probe_request.target_kbps), F(U32, probe_request.duration_ms) } },
	{ PF_CTL_PROBE_RESULT, "probe-result",
		{ F(U64, probe_result.bytes), F(U32, probe_result.packets),
			F(U32, probe_result.duration_ms) },
		read_probe_result, write_probe_result },
	{ PF_CTL_PROBE_SHAPED, "probe-shaped",
		{ F(U32, probe_shaped.target_kbps), F(U32, probe_shaped.duration_ms),
			F(U16, probe_shaped.burst_hz), F(U32, probe_shaped.group_bytes),
			F(U32, probe_shaped.group_rate) } },
	{ PF_CTL_CLOCK_PROBE, "clock-probe", { F(U64, clock_t1) } },
	{ PF_CTL_CLOCK_ECHO, "clock-echo",
		{ F(U64, clock_echo.t1), F(U64, clock_echo.t2), F(U64, clock_echo.t3) } },
	{ PF_CTL_PHASE_REPORT, "phase-report",
		{ F(U64, phase.latch_ns), F(U32, phase.period_ns), F(U32, phase.uncertainty_ns),
			F(U32, phase.arrival_lead_ns) },
		read_phase, write_phase },
	{ PF_CTL_CLIP_CONTROL, "clip-control",
		{ F(BOOL, clip_control.enabled), F(U8, clip_control.flags) } },
	{ PF_CTL_CLIP_STATE, "clip-state",
		{ F(BOOL, clip_state.enabled), F(U8, clip_state.policy),
			F(U8, clip_state.reason) } },
	{ PF_CTL_CLIP_OFFER, "clip-offer", { F(U32, clip_offer.seq), F(U8, clip_offer.count) },
		read_clip_offer, write_clip_offer },
	{ PF_CTL_CLIP_FETCH, "clip-fetch",
		{ F(U32, clip_fetch.seq), F(U32, clip_fetch.file_index) }, read_clip_fetch,
		write_clip_fetch },
	{ PF_CTL_CLIP_FETCH_HDR, "clip-fetch-header",
		{ F(U8, clip_fetch_hdr.status), F(U64, clip_fetch_hdr.total) } },
	{ PF_CTL_CURSOR_SHAPE, "cursor-shape",
		{ F(U32, cursor_shape.serial), F(U16, cursor_shape.w), F(U16, cursor_shape.h),
			F(U16, cursor_shape.hot_x), F(U16, cursor_shape.hot_y) },
		read_cursor_shape, write_cursor_shape },
	{ PF_CTL_CURSOR_RENDER_MODE, "cursor-render-mode", { F(BOOL, client_draws) } },
	{ PF_CTL_ACCESS_UPDATE, "access-update",
		{ F(U32, access.grants), F(U32, access.remaining_s) } },
	{ PF_CTL_AUDIO_STATE, "audio-state", { F(BOOL, audio_muted) } },
	{ PF_CTL_LAUNCH_OUTCOME, "launch-outcome", { F(U8, launch_outcome.kind) },
		read_launch_outcome, write_launch_outcome },
	{ PF_CTL_PAD_SLOTS, "pad-slots", { F(U16, pad_slots) } },
};

static const struct row *find_row(unsigned type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((unsigned)rows[i].type == type)
			return &rows[i];
	}
	return NULL;
}

static void read_field(struct pf_reader *r, enum field_type type, void *at)
{
	switch (type) {
	case BOOL:
		*(bool *)at = pf_rd_u8(r) != 0;
		break;
	case U8:
		*(uint8_t *)at = pf_rd_u8(r);
		break;
	case U16:
		*(uint16_t *)at = pf_rd_u16le(r);
		break;
	case U32:
		*(uint32_t *)at = pf_rd_u32le(r);
		break;
	case U64:
		*(uint64_t *)at = pf_rd_u64le(r);
		break;
	case RAW32:
		pf_rd_copy(r, at, 32);
		break;
	case END:
		break;
	}
}

static void write_field(struct pf_writer *w, enum field_type type, const void *at)
{
	switch (type) {
	case BOOL:
		pf_wr_u8(w, *(const bool *)at);
		break;
	case U8:
		pf_wr_u8(w, *(const uint8_t *)at);
		break;
	case U16:
		pf_wr_u16le(w, *(const uint16_t *)at);
		break;
	case U32:
		pf_wr_u32le(w, *(const uint32_t *)at);
		break;
	case U64:
		pf_wr_u64le(w, *(const uint64_t *)at);
		break;
	case RAW32:
		pf_wr_bytes(w, at, 32);
		break;
	case END:
		break;
	}
}

int pf_ctl_parse(struct pf_ctl *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	const uint8_t *magic = pf_rd_bytes(&r, 4);
	const struct row *row;
	struct pf_ctl m;

	if (!magic || memcmp(magic, MAGIC, 4) != 0)
		return -EBADMSG;
	row = find_row(pf_rd_u8(&r));
	if (!row)
		return -EPROTO;
	memset(&m, 0, sizeof(m));
	m.type = row->type;
	for (int i = 0; i < FIELDS_MAX && row->fields[i].type; i++)
		read_field(&r, row->fields[i].type, (char *)&m + row->fields[i].at);
	if (row->read_tail && !r.err)
		row->read_tail(&m, &r);
	if (r.err || r.left)
		return -EPROTO;
	*out = m;
	return 0;
}

int pf_ctl_build(const struct pf_ctl *m, uint8_t *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);
	const struct row *row = find_row(m->type);

	if (!row)
		return -EINVAL;
	pf_wr_bytes(&w, MAGIC, 4);
	pf_wr_u8(&w, (uint8_t)row->type);
	for (int i = 0; i < FIELDS_MAX && row->fields[i].type; i++)
		write_field(&w, row->fields[i].type, (const char *)m + row->fields[i].at);
	if (row->write_tail && row->write_tail(m, &w))
		return -EINVAL;
	return w.err ? -ENOBUFS : (int)w.len;
}

const char *pf_ctl_type_to_string(uint8_t type)
{
	const struct row *row = find_row(type);

	return row ? row->name : "?";
}
