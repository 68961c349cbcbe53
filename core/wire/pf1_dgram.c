/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/pf1_dgram.h"
#include <errno.h>
#include "core/base/bytes.h"
#include "core/wire/pf1_handshake.h"

#define KEY_FLAG_INTERNAL 0x80000000u /* meant for use inside a host */
#define CURSOR_VISIBLE	  1
#define CURSOR_RELATIVE	  2
#define PAD_AUDIO_HEAD	  14 /* pad, kind, seq, pts */

static bool input_is_valid(const struct pf_dgram *d)
{
	switch (d->input.kind) {
	case PF_INPUT_PAD_BUTTON:
	case PF_INPUT_PAD_AXIS:
	case PF_INPUT_PAD_SNAPSHOT:
	case PF_INPUT_PAD_REMOVED:
	case PF_INPUT_PAD_ARRIVED:
		return (d->input.flags & 0xff) < PF_PADS_MAX;
	default:
		return d->input.kind <= PF_INPUT_TEXT;
	}
}

/* Fewest bytes after the tag of a kind whose rest is handed on as it is. */
static size_t raw_min(enum pf_dgram_tag tag)
{
	return tag == PF_DGRAM_HDR_META	   ? PF_HDR_META_BYTES
	       : tag == PF_DGRAM_PAD_AUDIO ? PAD_AUDIO_HEAD
					   : 1;
}

int pf_dgram_parse(struct pf_dgram *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	struct pf_dgram d;
	uint8_t flags;

	memset(&d, 0, sizeof(d));
	d.tag = pf_rd_u8(&r);
	switch (d.tag) {
	case PF_DGRAM_INPUT:
		d.input.kind = pf_rd_u8(&r);
		d.input.code = pf_rd_u32le(&r);
		d.input.x = (int32_t)pf_rd_u32le(&r);
		d.input.y = (int32_t)pf_rd_u32le(&r);
		d.input.flags = pf_rd_u32le(&r);
		if (d.input.kind == PF_INPUT_KEY_DOWN || d.input.kind == PF_INPUT_KEY_UP)
			d.input.flags &= ~KEY_FLAG_INTERNAL;
		if (!input_is_valid(&d))
			return -EPROTO;
		break;
	case PF_DGRAM_AUDIO:
	case PF_DGRAM_MIC:
	case PF_DGRAM_PCM:
		d.audio.seq = pf_rd_u32le(&r);
		d.audio.pts_ns = pf_rd_u64le(&r);
		d.audio.len = r.left;
		d.audio.data = pf_rd_bytes(&r, r.left);
		break;
	case PF_DGRAM_AUDIO_REDUNDANT:
		d.redundant.seq = pf_rd_u32le(&r);
		d.redundant.pts_ns = pf_rd_u64le(&r);
		d.redundant.primary_len = pf_rd_u16le(&r);
		d.redundant.primary = pf_rd_bytes(&r, d.redundant.primary_len);
		d.redundant.previous_len = r.left;
		d.redundant.previous = pf_rd_bytes(&r, r.left);
		break;
	case PF_DGRAM_RUMBLE:
		d.rumble.pad = pf_rd_u16le(&r);
		d.rumble.low = pf_rd_u16le(&r);
		d.rumble.high = pf_rd_u16le(&r);
		if (d.rumble.pad >= PF_PADS_MAX)
			return -EPROTO;
		if (r.left >= 3) {
			d.rumble.has_lease = true;
			d.rumble.seq = pf_rd_u8(&r);
			d.rumble.ttl_ms = pf_rd_u16le(&r);
			if (r.left >= 4) {
				d.rumble.left_trigger = pf_rd_u16le(&r);
				d.rumble.right_trigger = pf_rd_u16le(&r);
			}
		}
		break;
	case PF_DGRAM_HOST_TIMING:
		d.timing.pts_ns = pf_rd_u64le(&r);
		d.timing.host_us = pf_rd_u32le(&r);
		if (r.left >= 12) {
			d.timing.has_stages = true;
			d.timing.queue_us = pf_rd_u32le(&r);
			d.timing.encode_us = pf_rd_u32le(&r);
			d.timing.pace_us = pf_rd_u32le(&r);
			if (r.left >= 4)
				d.timing.applied_phase_ns = (int32_t)pf_rd_u32le(&r);
		}
		break;
	case PF_DGRAM_CURSOR_STATE:
		d.cursor.serial = pf_rd_u32le(&r);
		flags = pf_rd_u8(&r);
		d.cursor.visible = flags & CURSOR_VISIBLE;
		d.cursor.relative = flags & CURSOR_RELATIVE;
		d.cursor.x = (int32_t)pf_rd_u32le(&r);
		d.cursor.y = (int32_t)pf_rd_u32le(&r);
		break;
	case PF_DGRAM_RICH_INPUT:
	case PF_DGRAM_HID_OUTPUT:
	case PF_DGRAM_HDR_META:
	case PF_DGRAM_PAD_AUDIO:
		if (r.left < raw_min(d.tag))
			return -EPROTO;
		d.raw.len = r.left;
		d.raw.data = pf_rd_bytes(&r, r.left);
		break;
	default:
		return -EPROTO;
	}
	if (r.err)
		return -EPROTO;
	*out = d;
	return 0;
}

int pf_dgram_build(const struct pf_dgram *d, uint8_t *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);

	pf_wr_u8(&w, (uint8_t)d->tag);
	switch (d->tag) {
	case PF_DGRAM_INPUT:
		if (!input_is_valid(d))
			return -EINVAL;
		pf_wr_u8(&w, d->input.kind);
		pf_wr_u32le(&w, d->input.code);
		pf_wr_u32le(&w, (uint32_t)d->input.x);
		pf_wr_u32le(&w, (uint32_t)d->input.y);
		pf_wr_u32le(&w, d->input.flags);
		break;
	case PF_DGRAM_AUDIO:
	case PF_DGRAM_MIC:
	case PF_DGRAM_PCM:
		pf_wr_u32le(&w, d->audio.seq);
		pf_wr_u64le(&w, d->audio.pts_ns);
		pf_wr_bytes(&w, d->audio.data, d->audio.len);
		break;
	case PF_DGRAM_AUDIO_REDUNDANT:
		if (d->redundant.primary_len > UINT16_MAX)
			return -EINVAL;
		pf_wr_u32le(&w, d->redundant.seq);
		pf_wr_u64le(&w, d->redundant.pts_ns);
		pf_wr_u16le(&w, (uint16_t)d->redundant.primary_len);
		pf_wr_bytes(&w, d->redundant.primary, d->redundant.primary_len);
		pf_wr_bytes(&w, d->redundant.previous, d->redundant.previous_len);
		break;
	case PF_DGRAM_RUMBLE:
		if (d->rumble.pad >= PF_PADS_MAX)
			return -EINVAL;
		pf_wr_u16le(&w, d->rumble.pad);
		pf_wr_u16le(&w, d->rumble.low);
		pf_wr_u16le(&w, d->rumble.high);
		if (d->rumble.has_lease) {
			pf_wr_u8(&w, d->rumble.seq);
			pf_wr_u16le(&w, d->rumble.ttl_ms);
			pf_wr_u16le(&w, d->rumble.left_trigger);
			pf_wr_u16le(&w, d->rumble.right_trigger);
		}
		break;
	case PF_DGRAM_HOST_TIMING:
		pf_wr_u64le(&w, d->timing.pts_ns);
		pf_wr_u32le(&w, d->timing.host_us);
		if (d->timing.has_stages) {
			pf_wr_u32le(&w, d->timing.queue_us);
			pf_wr_u32le(&w, d->timing.encode_us);
			pf_wr_u32le(&w, d->timing.pace_us);
			pf_wr_u32le(&w, (uint32_t)d->timing.applied_phase_ns);
		}
		break;
	case PF_DGRAM_CURSOR_STATE:
		pf_wr_u32le(&w, d->cursor.serial);
		pf_wr_u8(&w, (d->cursor.visible ? CURSOR_VISIBLE : 0) |
				     (d->cursor.relative ? CURSOR_RELATIVE : 0));
		pf_wr_u32le(&w, (uint32_t)d->cursor.x);
		pf_wr_u32le(&w, (uint32_t)d->cursor.y);
		break;
	case PF_DGRAM_RICH_INPUT:
	case PF_DGRAM_HID_OUTPUT:
	case PF_DGRAM_HDR_META:
	case PF_DGRAM_PAD_AUDIO:
		if (d->raw.len < raw_min(d->tag))
			return -EINVAL;
		pf_wr_bytes(&w, d->raw.data, d->raw.len);
		break;
	default:
		return -EINVAL;
	}
	return w.err ? -ENOBUFS : (int)w.len;
}

const char *pf_dgram_tag_to_string(uint8_t tag)
{
	static const char *const names[] = { "input", "audio", "rumble", "microphone", "rich-input",
		"hid-output", "hdr-metadata", "host-timing", "cursor-state", "pad-audio",
		"audio-redundant", "audio-pcm" };

	return tag >= PF_DGRAM_INPUT && tag <= PF_DGRAM_PCM ? names[tag - PF_DGRAM_INPUT] : "?";
}
