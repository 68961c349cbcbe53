/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/gs_control.h"
#include <errno.h>
#include "core/base/bytes.h"
#include "core/wire/gs_input.h"

#define PING_WORD	    4  /* what clients send in front of the zeros */
#define LOSS_INTERVAL_MS    50 /* the client's fixed values */
#define LOSS_UNKNOWN_1	    1000
#define LOSS_UNKNOWN_2	    0x14
#define TERMINATION_OLD_LEN 2 /* u16 LE reason */

/* Lengths of the payload. */
static const struct {
	enum pf_gs_origin origin;
	uint16_t type;
	uint16_t min, max;
	const char *name;
} rows[PF_GS_CTL_KINDS] = {
	[PF_GS_CTL_IDR_REQUEST] = { PF_GS_FROM_CLIENT, 0x0302, 2, 2, "key frame request" },
	[PF_GS_CTL_START] = { PF_GS_FROM_CLIENT, 0x0307, 1, 1, "start" },
	[PF_GS_CTL_PING] = { PF_GS_FROM_CLIENT, 0x0200, 8, 8, "ping" },
	[PF_GS_CTL_INVALIDATE] = { PF_GS_FROM_CLIENT, 0x0301, 24, 24, "invalidation" },
	[PF_GS_CTL_LTR_ACK] = { PF_GS_FROM_CLIENT, 0x0350, 8, 8, "long-term reference ack" },
	[PF_GS_CTL_FEC_STATUS] = { PF_GS_FROM_CLIENT, 0x5502, 21, 21, "fec status" },
	[PF_GS_CTL_LOSS_STATS] = { PF_GS_FROM_CLIENT, 0x0201, 32, 32, "loss statistics" },
	[PF_GS_CTL_INPUT] = { PF_GS_FROM_CLIENT, 0x0206, PF_GS_INPUT_HEAD_BYTES,
		PF_GS_CTL_MSG_MAX - PF_GS_CTL_HEAD_BYTES, "input" },
	[PF_GS_CTL_RUMBLE] = { PF_GS_FROM_HOST, 0x010b, 10, 10, "rumble" },
	[PF_GS_CTL_TRIGGER_RUMBLE] = { PF_GS_FROM_HOST, 0x5500, 6, 6, "trigger rumble" },
	[PF_GS_CTL_MOTION_REQUEST] = { PF_GS_FROM_HOST, 0x5501, 5, 5, "motion request" },
	[PF_GS_CTL_LED] = { PF_GS_FROM_HOST, 0x5502, 5, 5, "led" },
	[PF_GS_CTL_ADAPTIVE_TRIGGERS] = { PF_GS_FROM_HOST, 0x5503, 25, 25, "adaptive triggers" },
	[PF_GS_CTL_HDR] = { PF_GS_FROM_HOST, 0x010e, 27, 27, "hdr mode" },
	[PF_GS_CTL_TERMINATION] = { PF_GS_FROM_HOST, 0x0109, TERMINATION_OLD_LEN, 4,
		"termination" },
};

int pf_gs_ctl_fec_lost(const struct pf_gs_ctl *m)
{
	const int total = m->fec_status.data_total + m->fec_status.parity_total;
	const int got = m->fec_status.data_received + m->fec_status.parity_received;
	const int before = m->fec_status.missing_before_highest;

	if (got > total || before > total - got)
		return -EPROTO;
	return got >= m->fec_status.data_total ? before : total - got;
}

enum pf_gs_origin pf_gs_ctl_origin(enum pf_gs_ctl_kind kind)
{
	return rows[kind].origin;
}

const char *pf_gs_ctl_kind_to_string(enum pf_gs_ctl_kind kind)
{
	return (unsigned)kind < PF_GS_CTL_KINDS ? rows[kind].name : "?";
}

/* Whether all values are inside what the type allows. */
static bool is_valid(const struct pf_gs_ctl *m)
{
	switch (m->kind) {
	case PF_GS_CTL_INVALIDATE:
		return m->invalidate.first <= m->invalidate.last;
	case PF_GS_CTL_RUMBLE:
		return m->rumble.pad < PF_GS_PADS;
	case PF_GS_CTL_TRIGGER_RUMBLE:
		return m->trigger_rumble.pad < PF_GS_PADS;
	case PF_GS_CTL_MOTION_REQUEST:
		return m->motion_request.pad < PF_GS_PADS &&
		       (m->motion_request.type == PF_GS_MOTION_ACCEL ||
			       m->motion_request.type == PF_GS_MOTION_GYRO);
	case PF_GS_CTL_LED:
		return m->led.pad < PF_GS_PADS;
	case PF_GS_CTL_ADAPTIVE_TRIGGERS:
		return m->adaptive_triggers.pad < PF_GS_PADS;
	default:
		return true;
	}
}

static void read_fec_status(struct pf_gs_ctl *m, struct pf_reader *r)
{
	m->fec_status.frame = pf_rd_u32be(r);
	m->fec_status.highest_seq = pf_rd_u16be(r);
	m->fec_status.next_contiguous_seq = pf_rd_u16be(r);
	m->fec_status.missing_before_highest = pf_rd_u16be(r);
	m->fec_status.data_total = pf_rd_u16be(r);
	m->fec_status.parity_total = pf_rd_u16be(r);
	m->fec_status.data_received = pf_rd_u16be(r);
	m->fec_status.parity_received = pf_rd_u16be(r);
	m->fec_status.fec_percent = pf_rd_u8(r);
	m->fec_status.block = pf_rd_u8(r);
	m->fec_status.block_count = pf_rd_u8(r);
}

static void write_fec_status(const struct pf_gs_ctl *m, struct pf_writer *w)
{
	pf_wr_u32be(w, m->fec_status.frame);
	pf_wr_u16be(w, m->fec_status.highest_seq);
	pf_wr_u16be(w, m->fec_status.next_contiguous_seq);
	pf_wr_u16be(w, m->fec_status.missing_before_highest);
	pf_wr_u16be(w, m->fec_status.data_total);
	pf_wr_u16be(w, m->fec_status.parity_total);
	pf_wr_u16be(w, m->fec_status.data_received);
	pf_wr_u16be(w, m->fec_status.parity_received);
	pf_wr_u8(w, m->fec_status.fec_percent);
	pf_wr_u8(w, m->fec_status.block);
	pf_wr_u8(w, m->fec_status.block_count);
}

static void read_hdr(struct pf_gs_ctl *m, struct pf_reader *r)
{
	m->hdr.on = pf_rd_u8(r);
	for (unsigned i = 0; i < 6; i++)
		m->hdr.primaries[i / 2][i % 2] = pf_rd_u16le(r);
	m->hdr.white[0] = pf_rd_u16le(r);
	m->hdr.white[1] = pf_rd_u16le(r);
	m->hdr.max_luminance = pf_rd_u16le(r);
	m->hdr.min_luminance = pf_rd_u16le(r);
	m->hdr.max_cll = pf_rd_u16le(r);
	m->hdr.max_fall = pf_rd_u16le(r);
	m->hdr.max_full_frame = pf_rd_u16le(r);
}

static void write_hdr(const struct pf_gs_ctl *m, struct pf_writer *w)
{
	pf_wr_u8(w, m->hdr.on);
	for (unsigned i = 0; i < 6; i++)
		pf_wr_u16le(w, m->hdr.primaries[i / 2][i % 2]);
	pf_wr_u16le(w, m->hdr.white[0]);
	pf_wr_u16le(w, m->hdr.white[1]);
	pf_wr_u16le(w, m->hdr.max_luminance);
	pf_wr_u16le(w, m->hdr.min_luminance);
	pf_wr_u16le(w, m->hdr.max_cll);
	pf_wr_u16le(w, m->hdr.max_fall);
	pf_wr_u16le(w, m->hdr.max_full_frame);
}

static void read_adaptive(struct pf_gs_ctl *m, struct pf_reader *r)
{
	m->adaptive_triggers.pad = pf_rd_u16le(r);
	m->adaptive_triggers.flags = pf_rd_u8(r);
	m->adaptive_triggers.left_type = pf_rd_u8(r);
	m->adaptive_triggers.right_type = pf_rd_u8(r);
	pf_rd_copy(r, m->adaptive_triggers.left, sizeof(m->adaptive_triggers.left));
	pf_rd_copy(r, m->adaptive_triggers.right, sizeof(m->adaptive_triggers.right));
}

static void write_adaptive(const struct pf_gs_ctl *m, struct pf_writer *w)
{
	pf_wr_u16le(w, m->adaptive_triggers.pad);
	pf_wr_u8(w, m->adaptive_triggers.flags);
	pf_wr_u8(w, m->adaptive_triggers.left_type);
	pf_wr_u8(w, m->adaptive_triggers.right_type);
	pf_wr_bytes(w, m->adaptive_triggers.left, sizeof(m->adaptive_triggers.left));
	pf_wr_bytes(w, m->adaptive_triggers.right, sizeof(m->adaptive_triggers.right));
}

static void read_payload(struct pf_gs_ctl *m, struct pf_reader *r)
{
	switch (m->kind) {
	case PF_GS_CTL_INVALIDATE:
		m->invalidate.first = pf_rd_u32le(r);
		pf_rd_bytes(r, 4);
		m->invalidate.last = pf_rd_u32le(r);
		break;
	case PF_GS_CTL_LTR_ACK:
		m->ltr_ack.frame = pf_rd_u32le(r);
		break;
	case PF_GS_CTL_FEC_STATUS:
		read_fec_status(m, r);
		break;
	case PF_GS_CTL_LOSS_STATS:
		pf_rd_bytes(r, 12);
		m->loss_stats.last_good_frame = pf_rd_u64le(r);
		break;
	case PF_GS_CTL_INPUT:
		m->input.len = r->left;
		m->input.data = pf_rd_bytes(r, r->left);
		break;
	case PF_GS_CTL_RUMBLE:
		pf_rd_bytes(r, 4);
		m->rumble.pad = pf_rd_u16le(r);
		m->rumble.low = pf_rd_u16le(r);
		m->rumble.high = pf_rd_u16le(r);
		break;
	case PF_GS_CTL_TRIGGER_RUMBLE:
		m->trigger_rumble.pad = pf_rd_u16le(r);
		m->trigger_rumble.left = pf_rd_u16le(r);
		m->trigger_rumble.right = pf_rd_u16le(r);
		break;
	case PF_GS_CTL_MOTION_REQUEST:
		m->motion_request.pad = pf_rd_u16le(r);
		m->motion_request.rate_hz = pf_rd_u16le(r);
		m->motion_request.type = pf_rd_u8(r);
		break;
	case PF_GS_CTL_LED:
		m->led.pad = pf_rd_u16le(r);
		m->led.r = pf_rd_u8(r);
		m->led.g = pf_rd_u8(r);
		m->led.b = pf_rd_u8(r);
		break;
	case PF_GS_CTL_ADAPTIVE_TRIGGERS:
		read_adaptive(m, r);
		break;
	case PF_GS_CTL_HDR:
		read_hdr(m, r);
		break;
	case PF_GS_CTL_TERMINATION:
		m->termination.code = r->left < 4 ? pf_rd_u16le(r) : pf_rd_u32be(r);
		break;
	default:
		break;
	}
}

static void write_payload(const struct pf_gs_ctl *m, struct pf_writer *w)
{
	switch (m->kind) {
	case PF_GS_CTL_IDR_REQUEST:
		pf_wr_u16le(w, 0);
		break;
	case PF_GS_CTL_START:
		pf_wr_u8(w, 0);
		break;
	case PF_GS_CTL_PING:
		pf_wr_u64le(w, PING_WORD);
		break;
	case PF_GS_CTL_INVALIDATE:
		pf_wr_u64le(w, m->invalidate.first);
		pf_wr_u64le(w, m->invalidate.last);
		pf_wr_u64le(w, 0);
		break;
	case PF_GS_CTL_LTR_ACK:
		pf_wr_u64le(w, m->ltr_ack.frame);
		break;
	case PF_GS_CTL_FEC_STATUS:
		write_fec_status(m, w);
		break;
	case PF_GS_CTL_LOSS_STATS:
		pf_wr_u32le(w, 0);
		pf_wr_u32le(w, LOSS_INTERVAL_MS);
		pf_wr_u32le(w, LOSS_UNKNOWN_1);
		pf_wr_u64le(w, m->loss_stats.last_good_frame);
		pf_wr_u64le(w, 0);
		pf_wr_u32le(w, LOSS_UNKNOWN_2);
		break;
	case PF_GS_CTL_INPUT:
		pf_wr_bytes(w, m->input.data, m->input.len);
		break;
	case PF_GS_CTL_RUMBLE:
		pf_wr_u32le(w, 0);
		pf_wr_u16le(w, m->rumble.pad);
		pf_wr_u16le(w, m->rumble.low);
		pf_wr_u16le(w, m->rumble.high);
		break;
	case PF_GS_CTL_TRIGGER_RUMBLE:
		pf_wr_u16le(w, m->trigger_rumble.pad);
		pf_wr_u16le(w, m->trigger_rumble.left);
		pf_wr_u16le(w, m->trigger_rumble.right);
		break;
	case PF_GS_CTL_MOTION_REQUEST:
		pf_wr_u16le(w, m->motion_request.pad);
		pf_wr_u16le(w, m->motion_request.rate_hz);
		pf_wr_u8(w, m->motion_request.type);
		break;
	case PF_GS_CTL_LED:
		pf_wr_u16le(w, m->led.pad);
		pf_wr_u8(w, m->led.r);
		pf_wr_u8(w, m->led.g);
		pf_wr_u8(w, m->led.b);
		break;
	case PF_GS_CTL_ADAPTIVE_TRIGGERS:
		write_adaptive(m, w);
		break;
	case PF_GS_CTL_HDR:
		write_hdr(m, w);
		break;
	case PF_GS_CTL_TERMINATION:
		pf_wr_u32be(w, m->termination.code);
		break;
	default:
		break;
	}
}

static int kind_of(enum pf_gs_origin origin, uint16_t type)
{
	for (int k = 0; k < PF_GS_CTL_KINDS; k++)
		if (rows[k].type == type && rows[k].origin == origin)
			return k;
	return -1;
}

int pf_gs_ctl_parse(struct pf_gs_ctl *out, enum pf_gs_origin origin, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	uint16_t type = pf_rd_u16le(&r);
	uint16_t payload = pf_rd_u16le(&r);
	struct pf_gs_ctl m;
	int kind;

	if (r.err || payload != r.left)
		return -EPROTO;
	kind = kind_of(origin, type);
	if (kind < 0)
		return -ENOTSUP;
	if (payload < rows[kind].min || payload > rows[kind].max)
		return -EPROTO;
	if (kind == PF_GS_CTL_TERMINATION && payload == 3)
		return -EPROTO;
	memset(&m, 0, sizeof(m));
	m.kind = (enum pf_gs_ctl_kind)kind;
	read_payload(&m, &r);
	if (r.err || !is_valid(&m))
		return -EPROTO;
	*out = m;
	return 0;
}

int pf_gs_ctl_build(const struct pf_gs_ctl *m, uint8_t *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);
	size_t payload;

	if ((unsigned)m->kind >= PF_GS_CTL_KINDS || !is_valid(m))
		return -EINVAL;
	payload = m->kind == PF_GS_CTL_INPUT ? m->input.len : rows[m->kind].max;
	if (payload < rows[m->kind].min || payload > rows[m->kind].max)
		return -EINVAL;
	pf_wr_u16le(&w, rows[m->kind].type);
	pf_wr_u16le(&w, (uint16_t)payload);
	write_payload(m, &w);
	return w.err ? -ENOBUFS : (int)w.len;
}
