/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/pacer.h"

void pf_pacer_begin(struct pf_pacer *p, uint64_t bytes, uint64_t now_ns)
{
	uint64_t head = bytes / 4 > PF_PACER_HEAD_BYTES ? bytes / 4 : PF_PACER_HEAD_BYTES;
	uint64_t rate_bps = p->rate_bps * 3, span_max_ns = PF_PACER_SPAN_MAX_NS;

	if (p->gentle && p->rate_bps) {
		head = p->rate_bps * PF_PACER_GENTLE_HEAD_MS / 8000;
		if (head < PF_PACER_GENTLE_HEAD_BYTES)
			head = PF_PACER_GENTLE_HEAD_BYTES;
		rate_bps = p->rate_bps + p->rate_bps / 4;
		span_max_ns = PF_PACER_GENTLE_SPAN_MAX_NS;
	}
	p->start_ns = now_ns;
	p->head_bytes = head < bytes ? head : bytes;
	p->rest_bytes = bytes - p->head_bytes;
	p->span_ns = 0;
	if (!p->rate_bps || !p->rest_bytes)
		return;
	/* Frames are far below 2 GiB, so bits times 10^9 fit. */
	p->span_ns = p->rest_bytes * 8 * 1000000000ull / rate_bps;
	if (p->span_ns > span_max_ns)
		p->span_ns = span_max_ns;
}

uint64_t pf_pacer_due_ns(const struct pf_pacer *p, uint64_t sent_bytes)
{
	uint64_t past_head;

	if (sent_bytes < p->head_bytes || !p->span_ns)
		return p->start_ns;
	past_head = sent_bytes - p->head_bytes;
	return p->start_ns + p->span_ns * past_head / p->rest_bytes;
}

uint32_t pf_pacer_train(const struct pf_pacer *p, uint64_t sent_bytes, uint32_t packet_bytes)
{
	uint32_t least = p->gentle ? PF_PACER_GENTLE_TRAIN_MIN : PF_PACER_TRAIN_MIN;
	uint64_t n;

	if (!p->span_ns)
		return PF_PACER_TRAIN_MAX;
	if (sent_bytes < p->head_bytes) {
		n = p->gentle ? (p->head_bytes - sent_bytes) / packet_bytes : PF_PACER_TRAIN_MAX;
		return n < 1 ? 1 : n < PF_PACER_TRAIN_MAX ? (uint32_t)n : PF_PACER_TRAIN_MAX;
	}
	n = p->rest_bytes * PF_PACER_SLEEP_MIN_NS / (p->span_ns * packet_bytes);
	if (n < least)
		return least;
	return n < PF_PACER_TRAIN_MAX ? (uint32_t)n : PF_PACER_TRAIN_MAX;
}
