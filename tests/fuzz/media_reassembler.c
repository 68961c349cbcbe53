/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The reassembler under an authentic but hostile sender. The input is a script
 * of steps: packets whose header fields it chooses, time, frames given back out
 * of order. Whatever comes, memory stays under the bound, frames under theirs,
 * and what comes out can be read to its end. Hooks in the allocators say what the
 * memory is: the reassembler's own count must agree with them. */
#include <stdbool.h>
#include <string.h>
#include "core/base/bytes.h"
#include "core/media/assembly.h"
#include "core/media/packetizer.h"
#include "core/media/reassembler.h"
#include "core/wire/pf1_media.h"
#include "tests/fuzz/fuzz.h"
#ifdef PF_FUZZ_COUNT
#include "tests/fuzz/alloc_count.h"
#endif

#define FRAME_MAX PF_FRAME_BYTES_MIN
#define HELD	  4

struct run {
	struct pf_reassembler *r;
	struct pf_assembled *held[HELD];
	uint64_t now_ns;
	uint32_t frame; /* indexes are steps from here */
	uint64_t taken;
	int64_t own_bytes, own_blocks; /* of the heap, before the first packet */
};

#ifdef PF_FUZZ_COUNT
/* Once nothing waits to be taken: heap = what it had at first + frames that we hold +
 * what it says it uses. */
static void check_heap(const struct run *run, const struct pf_reassembler_stats *s)
{
	int64_t bytes = alloc_count_bytes() - run->own_bytes;
	int64_t blocks = alloc_count_blocks() - run->own_blocks;

	if (s->frames != run->taken)
		return;
	for (unsigned i = 0; i < HELD; i++) {
		const struct pf_assembly *a = (const struct pf_assembly *)run->held[i];

		if (a)
			bytes -= (int64_t)(sizeof(*a) + a->data.cap + a->blocks.cap + a->bits.cap +
					   a->parity.cap + a->parity_ref.cap);
	}
	FUZZ_CHECK(bytes >= (int64_t)s->memory_bytes);
	FUZZ_CHECK(bytes - blocks * ALLOC_SLACK <= (int64_t)s->memory_bytes);
	FUZZ_CHECK(bytes - blocks * ALLOC_SLACK <= 4ll * FRAME_MAX);
}
#endif

static void check(struct run *run)
{
	const struct pf_reassembler_stats *s = pf_reassembler_stats(run->r);

	FUZZ_CHECK(s->memory_bytes <= 4ull * FRAME_MAX);
	FUZZ_CHECK(s->memory_peak_bytes <= 4ull * FRAME_MAX);
#ifdef PF_FUZZ_COUNT
	check_heap(run, s);
#endif
}

static void take_frames(struct run *run, unsigned keep)
{
	struct pf_assembled *f;

	while ((f = pf_reassembler_take(run->r))) {
		struct pf_assembled **place = &run->held[keep % HELD];
		volatile uint8_t sum = 0;

		run->taken++;
		FUZZ_CHECK(f->len <= FRAME_MAX);
		for (uint32_t i = 0; i < f->len; i++)
			sum = (uint8_t)(sum ^ f->data[i]);
		if (*place)
			pf_reassembler_release(run->r, *place);
		*place = f;
	}
}

/* As the receiver does it: opened into memory that is lent, if any, where one of
 * eight turns out to be forged. */
static void push(struct run *run, const uint8_t *packet, size_t len, unsigned chance)
{
	uint8_t spare[PF_MEDIA_HDR_BYTES + 2048];
	uint8_t *lent = pf_reassembler_lend(run->r, chance & 3, len);

	if (!lent) {
		pf_reassembler_push(run->r, packet, len, run->now_ns);
		return;
	}
	FUZZ_CHECK(len <= sizeof(spare));
	memcpy(lent, packet, len);
	pf_reassembler_settle(run->r, (chance & 28) != 0, spare, run->now_ns);
	if (chance & 32)
		pf_reassembler_step(run->r);
}

/* 13 bytes of script make a packet; its payload does not matter. */
static void push_packet(struct run *run, struct pf_reader *rd)
{
	static uint8_t packet[PF_MEDIA_HDR_BYTES + 2048];
	struct pf_media_hdr h = { 0 };
	uint8_t flags;

	run->frame += (uint32_t)(int8_t)pf_rd_u8(rd);
	h.frame_index = run->frame;
	h.pts_ns = 1000000000ull + (run->frame & 0xffff) * 8000000ull;
	h.block_index = pf_rd_u8(rd);
	h.block_count = pf_rd_u8(rd);
	h.data_shards = pf_rd_u8(rd);
	h.recovery_shards = pf_rd_u8(rd);
	h.shard_index = pf_rd_u8(rd);
	h.frame_bytes = pf_rd_u16le(rd);
	h.frame_bytes |= (uint32_t)pf_rd_u8(rd) << 16;
	h.shard_bytes = (uint16_t)(2 * pf_rd_u8(rd));
	h.shard_bytes = (uint16_t)(h.shard_bytes + 512 * (pf_rd_u8(rd) & 3));
	flags = pf_rd_u8(rd);
	h.user_flags = flags;
	packet[sizeof(packet) - 1] = pf_rd_u8(rd);
	pf_media_hdr_build(&h, packet);
	push(run, packet, PF_MEDIA_HDR_BYTES + h.shard_bytes, packet[sizeof(packet) - 1]);
}

/* The same, but one frame of honest geometry, so that whole frames get through:
 * lost packets and order are the script's. */
static void push_honest(struct run *run, struct pf_reader *rd)
{
	static uint8_t packet[PF_MEDIA_HDR_BYTES + 64];
	uint32_t k = 1 + pf_rd_u8(rd) % 8, m = pf_rd_u8(rd) % 8;
	uint16_t arrive = pf_rd_u16le(rd);
	uint8_t flags = pf_rd_u8(rd);

	run->frame++;
	for (uint32_t i = 0; i < k + m; i++) {
		struct pf_media_hdr h = {
			.pts_ns = 1000000000ull + (run->frame & 0xffff) * 8000000ull,
			.frame_index = run->frame,
			.frame_bytes = k * 64 - flags % 64,
			.user_flags = PF_USER_VIDEO | (flags & PF_USER_CHUNK_ALIGNED),
			.block_count = 1,
			.data_shards = (uint16_t)k,
			.recovery_shards = (uint16_t)m,
			.shard_index = (uint16_t)(flags & 1 ? k + m - 1 - i : i),
			.shard_bytes = 64,
		};

		if (!(arrive >> i & 1))
			continue;
		pf_media_hdr_build(&h, packet);
		push(run, packet, sizeof(packet), 1 + (flags >> 1 & 62));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_reassembler_params params = { 64, 32, FRAME_MAX };
	struct pf_reader rd = pf_reader(data, size);
	struct run run = { .now_ns = 1, .frame = 10 };
	uint32_t newest;

#ifdef PF_FUZZ_COUNT
	alloc_count_begin();
#endif
	if (pf_reassembler_create(&run.r, &params))
		return 0;
#ifdef PF_FUZZ_COUNT
	run.own_bytes = alloc_count_bytes();
	run.own_blocks = alloc_count_blocks();
#endif
	while (rd.left && !rd.err) {
		uint8_t op = pf_rd_u8(&rd);

		switch (op & 7) {
		case 0:
		case 1:
		case 2:
		case 3:
			push_packet(&run, &rd);
			break;
		case 4:
			push_honest(&run, &rd);
			break;
		case 5:
			run.now_ns += pf_rd_u8(&rd) * 1000000ull;
			pf_reassembler_poll(run.r, run.now_ns);
			break;
		case 6:
			take_frames(&run, op >> 3);
			break;
		case 7:
			FUZZ_CHECK(pf_reassembler_loss_ppm(run.r) <= 1000000);
			pf_reassembler_take_lost(run.r, &newest);
			(void)pf_reassembler_deadline_ns(run.r);
			break;
		}
		check(&run);
	}
	take_frames(&run, 0);
	for (unsigned i = 0; i < HELD; i += 2) {
		if (run.held[i])
			pf_reassembler_release(run.r, run.held[i]);
		run.held[i] = NULL;
	}
	check(&run);
	pf_reassembler_destroy(run.r);
#ifdef PF_FUZZ_COUNT
	FUZZ_CHECK(!alloc_count_bytes() && !alloc_count_blocks());
	alloc_count_end();
#endif
	return 0;
}
