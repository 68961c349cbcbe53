/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Frame numbers run through a window of slots: [base, newest] are awaited or in
 * flight, slots behind base remember how a frame ended. base moves on when a
 * newer frame's arrival makes the oldest one too old, so base is never more
 * than PF_FRAME_LOST_INDEXES behind newest and one slot serves one frame. */
#include "core/media/reassembler.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/bytes.h"
#include "core/media/assembly.h"
#include "core/media/packetizer.h"

#define SLOTS	     128u /* a power of two above PF_FRAME_LOST_INDEXES */
#define REBUILT_KEPT 4096u

enum slot_state {
	SLOT_UNSEEN,
	SLOT_FLIGHT,
	SLOT_DONE,
	SLOT_LOST,
};

struct slot {
	enum slot_state state;
	uint32_t index;
	uint32_t rebuilt_from; /* its first entry of the rebuilt ring, if any */
	bool rebuilt;
	uint64_t pts_ns;
	struct pf_assembly *f; /* while in flight */
};

/* A data shard that parity gave back; its original may still come. */
struct rebuilt {
	uint32_t frame;
	uint16_t block, shard;
};

/* The newest packet that passed all checks: most packets are of the same block. */
struct newest {
	bool valid;
	uint8_t raw[PF_MEDIA_HDR_BYTES];
	struct pf_media_hdr h;
	struct pf_geometry g;
};

/* Memory of a frame lent for a packet to be opened into. */
struct loan {
	uint8_t *at; /* header, then the shard at its place; NULL = none */
	uint32_t shard;
	uint8_t under[PF_MEDIA_HDR_BYTES]; /* what the header covers */
};

struct pf_reassembler {
	struct pf_geometry_limits limits;
	struct pf_assembly_store store;
	struct pf_reassembler_stats stats;

	bool started;
	uint32_t base, newest;
	uint64_t newest_pts_ns;
	struct slot slots[SLOTS];
	unsigned chunked; /* chunk-aligned frames in flight */
	struct newest newest_packet;
	struct loan loan;
	struct pf_assembly *ready, **ready_end;

	struct rebuilt rebuilt[REBUILT_KEPT];
	uint32_t rebuilt_head;

	uint32_t lost_pending, lost_newest;
	uint64_t window_received, window_recovered, window_late;
	bool window_lost;
};

/* --- frames and slots --- */

static struct slot *slot_of(struct pf_reassembler *r, uint32_t index)
{
	return &r->slots[index % SLOTS];
}

static bool slot_is(const struct slot *s, uint32_t index)
{
	return s->state != SLOT_UNSEEN && s->index == index;
}

static bool is_chunked(const struct pf_assembly *f)
{
	return f->pub.user_flags & PF_USER_CHUNK_ALIGNED;
}

/* A frame is over; what it was keeps standing in its slot. */
static struct pf_assembly *leave_flight(
	struct pf_reassembler *r, struct slot *s, enum slot_state state)
{
	struct pf_assembly *f = s->f;

	r->chunked -= is_chunked(f);
	s->state = state;
	s->f = NULL;
	return f;
}

static void count_lost(struct pf_reassembler *r, uint32_t count, uint32_t newest)
{
	r->stats.frames_lost += count;
	r->lost_pending += count;
	r->lost_newest = newest;
	r->window_lost = true;
}

/* Gives up a frame in flight, or one that was never seen. */
static void lose(struct pf_reassembler *r, uint32_t index)
{
	struct slot *s = slot_of(r, index);

	if (slot_is(s, index))
		pf_assembly_put(&r->store, leave_flight(r, s, SLOT_LOST));
	else
		*s = (struct slot){ .state = SLOT_LOST, .index = index };
	count_lost(r, 1, index);
}

static bool resolved(struct pf_reassembler *r, uint32_t index)
{
	const struct slot *s = slot_of(r, index);

	return slot_is(s, index) && s->state != SLOT_FLIGHT;
}

static bool too_old(const struct pf_reassembler *r, uint64_t pts_ns)
{
	return r->newest_pts_ns > pts_ns && r->newest_pts_ns - pts_ns > PF_FRAME_LOST_NS;
}

/* The base frame's pts; of one never seen that of the next one seen. */
static uint64_t base_pts(struct pf_reassembler *r)
{
	for (uint32_t i = r->base; i != r->newest; i++) {
		const struct slot *s = slot_of(r, i);

		if (slot_is(s, i) && s->state != SLOT_LOST)
			return s->pts_ns;
	}
	return r->newest_pts_ns;
}

static void expire(struct pf_reassembler *r)
{
	if (r->newest - r->base >= SLOTS) {
		/* A leap: what lies beyond the slots was never seen. */
		uint32_t beyond = r->base + SLOTS, end = r->newest - PF_FRAME_LOST_INDEXES;

		for (uint32_t i = r->base; i != beyond && i != end; i++)
			if (!resolved(r, i))
				lose(r, i);
		if ((int32_t)(end - beyond) > 0)
			count_lost(r, end - beyond, end - 1);
		r->base = end;
	}
	while (r->base != r->newest) {
		if (!resolved(r, r->base)) {
			if (r->newest - r->base <= PF_FRAME_LOST_INDEXES &&
				!too_old(r, base_pts(r)))
				return;
			lose(r, r->base);
		}
		r->base++;
	}
}

/* Gives up the oldest frame in flight but `keep`'s, for its memory. */
static bool evict(struct pf_reassembler *r, const struct slot *keep)
{
	for (uint32_t i = r->base; i != r->newest + 1; i++) {
		const struct slot *s = slot_of(r, i);

		if (s == keep || s->state != SLOT_FLIGHT || s->index != i)
			continue;
		lose(r, i);
		return true;
	}
	return false;
}

static bool start_frame(struct pf_reassembler *r, struct slot *s, const struct pf_media_hdr *h,
	const struct pf_geometry *g, uint64_t now_ns)
{
	struct pf_assembly *f;

	while (!(f = pf_assembly_get(&r->store, h, g)))
		if (!evict(r, s))
			return false;
	f->pub.first_ns = now_ns;
	*s = (struct slot){
		.state = SLOT_FLIGHT,
		.index = h->frame_index,
		.pts_ns = h->pts_ns,
		.f = f,
	};
	r->chunked += is_chunked(f);
	return true;
}

static void deliver(struct pf_reassembler *r, struct slot *s, uint64_t now_ns)
{
	struct pf_assembly *f = leave_flight(r, s, SLOT_DONE);

	f->pub.data = f->data.p;
	f->pub.done_ns = now_ns;
	pf_assembly_lend(&r->store, f);
	r->stats.frames++;
	r->stats.frames_repaired += f->pub.shards_recovered > 0;
	f->next = NULL;
	*r->ready_end = f;
	r->ready_end = &f->next;
}

/* --- rebuilt and late shards --- */

static void note_rebuilt(struct pf_reassembler *r, struct slot *s, uint32_t block, uint32_t shard)
{
	if (!s->rebuilt) {
		s->rebuilt = true;
		s->rebuilt_from = r->rebuilt_head;
	}
	r->rebuilt[r->rebuilt_head++ % REBUILT_KEPT] = (struct rebuilt){
		.frame = s->index,
		.block = (uint16_t)block,
		.shard = (uint16_t)shard,
	};
	r->stats.shards_recovered++;
	r->window_recovered++;
}

/* An original came behind its reconstruction: it was late, not lost. */
static bool note_late(
	struct pf_reassembler *r, const struct slot *s, uint32_t block, uint32_t shard)
{
	uint32_t i = s->rebuilt_from;

	if (!s->rebuilt)
		return false;
	if (r->rebuilt_head - i > REBUILT_KEPT)
		i = r->rebuilt_head - REBUILT_KEPT;
	for (; i != r->rebuilt_head; i++) {
		struct rebuilt *e = &r->rebuilt[i % REBUILT_KEPT];

		if (e->frame == s->index && e->block == block && e->shard == shard) {
			e->shard = UINT16_MAX; /* no shard has this number */
			r->stats.shards_late++;
			r->window_late++;
			return true;
		}
	}
	return false;
}

/* --- packets --- */

static void count_packet(struct pf_reassembler *r, const struct pf_media_hdr *h)
{
	r->stats.packets++;
	r->stats.packets_parity += h->shard_index >= h->data_shards;
	r->window_received++;
}

static void complete_block(
	struct pf_reassembler *r, struct slot *s, const struct pf_media_hdr *h, uint64_t now_ns)
{
	uint32_t i = 0;

	for (; (i = pf_assembly_missing(s->f, h->block_index, i)) < h->data_shards; i++)
		note_rebuilt(r, s, h->block_index, i);
	pf_assembly_complete(&r->store, s->f, h->block_index);
	if (!pf_assembly_whole(s->f))
		return;
	/* Slices may leave a hole between blocks that are not neighbours. */
	if (pf_assembly_tiles(s->f))
		deliver(r, s, now_ns);
	else
		lose(r, s->index);
}

static int place(struct pf_reassembler *r, struct slot *s, const struct pf_media_hdr *h,
	const struct pf_geometry *g, const uint8_t *shard, uint64_t now_ns)
{
	int step;

	do
		step = pf_assembly_add(&r->store, s->f, h, g, shard);
	while (step == -ENOMEM && evict(r, s));
	if (step == -EBADMSG)
		lose(r, s->index);
	if (step < 0)
		return step == -ENOMEM ? step : -EPROTO;
	if (step == PF_ASSEMBLY_DUPLICATE) {
		r->stats.duplicates++;
		return 0;
	}
	count_packet(r, h);
	if (step == PF_ASSEMBLY_SPARE && h->shard_index < h->data_shards)
		note_late(r, s, h->block_index, h->shard_index);
	if (step == PF_ASSEMBLY_BLOCK)
		complete_block(r, s, h, now_ns);
	return 0;
}

/* A packet of a frame that came out already. */
static void after_done(struct pf_reassembler *r, const struct slot *s, const struct pf_media_hdr *h)
{
	if (h->shard_index < h->data_shards && !note_late(r, s, h->block_index, h->shard_index)) {
		r->stats.duplicates++;
		return;
	}
	count_packet(r, h);
}

/* Moves the window on for the packet's frame; false if that frame is history. */
static bool admit(struct pf_reassembler *r, const struct pf_media_hdr *h)
{
	uint32_t index = h->frame_index;
	const struct slot *s = slot_of(r, index);

	if (!r->started) {
		r->started = true;
		/* Joined in the middle: what came before is not lost. */
		r->base = index <= PF_FRAME_LOST_INDEXES ? 0 : index;
		r->newest = index;
		r->newest_pts_ns = h->pts_ns;
		return true;
	}
	if ((int32_t)(index - r->newest) > 0) {
		r->newest = index;
		r->newest_pts_ns = h->pts_ns;
		expire(r);
		return true;
	}
	if (slot_is(s, index))
		return s->state != SLOT_LOST;
	return (int32_t)(index - r->base) >= 0 && !too_old(r, h->pts_ns);
}

/* Offsets in a header (punktfunk1.md 10.3). */
#define AT_STREAM_SEQ  12
#define AT_FRAME_BYTES 16
#define AT_SHARD_INDEX 32
#define AT_SHARD_BYTES 34
#define AT_VERSION     37

/* A header that differs from the newest one in nothing that was checked but the
 * shard's number. */
static bool same_block(const struct newest *n, const uint8_t *raw)
{
	return n->valid && !memcmp(raw, n->raw, AT_STREAM_SEQ) &&
	       !memcmp(raw + AT_FRAME_BYTES, n->raw + AT_FRAME_BYTES,
		       AT_SHARD_INDEX - AT_FRAME_BYTES) &&
	       !memcmp(raw + AT_SHARD_BYTES, n->raw + AT_SHARD_BYTES, AT_VERSION - AT_SHARD_BYTES);
}

static bool read_same(struct newest *n, const uint8_t *raw, size_t shard_len)
{
	struct pf_reader rd = pf_reader(raw + AT_SHARD_INDEX, 2);
	uint16_t shard;

	if (shard_len < n->h.shard_bytes || !same_block(n, raw))
		return false;
	shard = pf_rd_u16le(&rd);
	if (shard >= n->h.data_shards + n->h.recovery_shards)
		return false;
	n->h.shard_index = shard;
	return true;
}

/* Into the frame that its header names. */
static int sort_in(
	struct pf_reassembler *r, struct newest *n, const uint8_t *shard, uint64_t now_ns)
{
	struct slot *s = slot_of(r, n->h.frame_index);
	bool fresh = !slot_is(s, n->h.frame_index);
	int err;

	if (!fresh && s->state == SLOT_DONE) {
		after_done(r, s, &n->h);
		return 0;
	}
	if (fresh && !start_frame(r, s, &n->h, &n->g, now_ns))
		return -ENOMEM;
	err = place(r, s, &n->h, &n->g, shard, now_ns);
	if (err == -EPROTO)
		r->stats.invalid++;
	return err;
}

static int push(struct pf_reassembler *r, const uint8_t *raw, const uint8_t *shard,
	size_t shard_len, uint64_t now_ns)
{
	struct newest *n = &r->newest_packet;

	if (read_same(n, raw, shard_len)) {
		const struct slot *s = slot_of(r, n->h.frame_index);

		/* Admitted before, and not given up since. */
		if (slot_is(s, n->h.frame_index) && s->state != SLOT_LOST)
			return sort_in(r, n, shard, now_ns);
	}
	n->valid = false;
	if (pf_media_hdr_parse(&n->h, raw, PF_MEDIA_HDR_BYTES) ||
		pf_geometry_check(&r->limits, &n->h, shard_len, &n->g)) {
		r->stats.invalid++;
		return -EPROTO;
	}
	if ((n->h.user_flags & (PF_USER_PROBE | PF_USER_VIDEO)) == PF_USER_PROBE) {
		r->stats.probe_packets++;
		r->stats.probe_bytes += PF_MEDIA_HDR_BYTES + shard_len;
		return 0;
	}
	if (!admit(r, &n->h)) {
		r->stats.stale++;
		return 0;
	}
	memcpy(n->raw, raw, PF_MEDIA_HDR_BYTES);
	n->valid = true;
	return sort_in(r, n, shard, now_ns);
}

int pf_reassembler_push(struct pf_reassembler *r, const uint8_t *plain, size_t len, uint64_t now_ns)
{
	if (len < PF_MEDIA_HDR_BYTES) {
		r->stats.invalid++;
		return -EPROTO;
	}
	return push(r, plain, plain + PF_MEDIA_HDR_BYTES, len - PF_MEDIA_HDR_BYTES, now_ns);
}

uint8_t *pf_reassembler_lend(struct pf_reassembler *r, uint64_t ahead, size_t plain_len)
{
	const struct newest *n = &r->newest_packet;
	const struct slot *s = slot_of(r, n->h.frame_index);
	struct loan *l = &r->loan;
	uint8_t *at;

	if (!n->valid || plain_len != PF_MEDIA_HDR_BYTES + (size_t)n->h.shard_bytes ||
		ahead >= n->h.data_shards)
		return NULL;
	if (!slot_is(s, n->h.frame_index) || s->state != SLOT_FLIGHT ||
		s->f->shard_bytes != n->h.shard_bytes)
		return NULL;
	l->shard = n->h.shard_index + (uint32_t)ahead;
	at = pf_assembly_place(s->f, n->h.block_index, l->shard);
	if (!at || at - s->f->data.p < PF_MEDIA_HDR_BYTES)
		return NULL;
	l->at = at - PF_MEDIA_HDR_BYTES;
	memcpy(l->under, l->at, PF_MEDIA_HDR_BYTES);
	return l->at;
}

int pf_reassembler_settle(struct pf_reassembler *r, bool opened, uint8_t *spare, uint64_t now_ns)
{
	const struct newest *n = &r->newest_packet;
	struct loan *l = &r->loan;
	uint8_t raw[PF_MEDIA_HDR_BYTES], *shard = l->at + PF_MEDIA_HDR_BYTES;
	struct pf_reader rd = pf_reader(raw + AT_SHARD_INDEX, 2);
	size_t len = n->h.shard_bytes;

	memcpy(raw, l->at, PF_MEDIA_HDR_BYTES);
	memcpy(l->at, l->under, PF_MEDIA_HDR_BYTES);
	l->at = NULL;
	if (!opened)
		return 0;
	if (same_block(n, raw) && pf_rd_u16le(&rd) == l->shard)
		return push(r, raw, shard, len, now_ns);
	/* Its place may be that of another packet, and its frame go for this one. */
	memcpy(spare, shard, len);
	return push(r, raw, spare, len, now_ns);
}

/* --- out --- */

bool pf_reassembler_step(struct pf_reassembler *r)
{
	return pf_assembly_step(&r->store);
}

bool pf_reassembler_ready(const struct pf_reassembler *r)
{
	return r->ready;
}

struct pf_assembled *pf_reassembler_take(struct pf_reassembler *r)
{
	struct pf_assembly *f = r->ready;

	if (!f)
		return NULL;
	r->ready = f->next;
	if (!r->ready)
		r->ready_end = &r->ready;
	return &f->pub;
}

void pf_reassembler_release(struct pf_reassembler *r, struct pf_assembled *pub)
{
	pf_assembly_return(&r->store, (struct pf_assembly *)pub);
}

static bool may_be_partial(const struct pf_reassembler *r, const struct slot *s)
{
	return s->state == SLOT_FLIGHT && s->index != r->newest && s->f->sized && is_chunked(s->f);
}

void pf_reassembler_poll(struct pf_reassembler *r, uint64_t now_ns)
{
	if (!r->chunked)
		return;
	for (uint32_t i = r->base; i != r->newest; i++) {
		struct slot *s = slot_of(r, i);

		if (s->index != i || !may_be_partial(r, s) ||
			now_ns - s->f->pub.first_ns < PF_FRAME_PARTIAL_NS ||
			!pf_assembly_patch(s->f))
			continue;
		s->f->pub.partial = true;
		deliver(r, s, now_ns);
	}
}

uint64_t pf_reassembler_deadline_ns(const struct pf_reassembler *r)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; r->chunked && i < SLOTS; i++) {
		const struct slot *s = &r->slots[i];

		if (may_be_partial(r, s) && s->f->pub.first_ns + PF_FRAME_PARTIAL_NS < first)
			first = s->f->pub.first_ns + PF_FRAME_PARTIAL_NS;
	}
	return first;
}

uint32_t pf_reassembler_take_lost(struct pf_reassembler *r, uint32_t *newest)
{
	uint32_t n = r->lost_pending;

	if (n)
		*newest = r->lost_newest;
	r->lost_pending = 0;
	return n;
}

uint32_t pf_reassembler_loss_ppm(struct pf_reassembler *r)
{
	uint64_t lost = 0, all, ppm = 0;

	if (r->window_recovered > r->window_late)
		lost = r->window_recovered - r->window_late;
	all = r->window_received + lost;
	if (all)
		ppm = lost * 1000000 / all;
	if (r->window_lost)
		ppm += PF_FRAME_LOST_PPM;
	r->window_received = 0;
	r->window_recovered = 0;
	r->window_late = 0;
	r->window_lost = false;
	return ppm < 1000000 ? (uint32_t)ppm : 1000000;
}

const struct pf_reassembler_stats *pf_reassembler_stats(struct pf_reassembler *r)
{
	r->stats.memory_bytes = r->store.bytes;
	r->stats.memory_peak_bytes = r->store.peak_bytes;
	return &r->stats;
}

/* --- life --- */

int pf_reassembler_create(struct pf_reassembler **out, const struct pf_reassembler_params *params)
{
	struct pf_reassembler *r;

	if (!params->shard_bytes || params->shard_bytes > PF_SHARD_MAX ||
		!params->max_data_per_block || params->max_data_per_block > PF_BLOCK_DATA_MAX ||
		params->max_frame_bytes < PF_FRAME_BYTES_MIN ||
		params->max_frame_bytes > PF_FRAME_BYTES_LIMIT)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->limits = (struct pf_geometry_limits){
		.shard_bytes = params->shard_bytes,
		.max_data_per_block = params->max_data_per_block,
		.max_frame_bytes = params->max_frame_bytes,
	};
	r->ready_end = &r->ready;
	if (pf_assembly_store_init(&r->store, &r->limits)) {
		pf_reassembler_destroy(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void pf_reassembler_destroy(struct pf_reassembler *r)
{
	if (!r)
		return;
	pf_assembly_store_finish(&r->store);
	free(r);
}
