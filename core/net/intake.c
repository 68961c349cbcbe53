/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/net/intake.h"
#include <errno.h>
#include <string.h>
#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/wire/pf1_media.h"

static void count_refused(struct pf_intake *in, int result)
{
	if (result == -EMSGSIZE)
		in->bad_length++;
	else
		in->forged++;
}

static void take_packet(struct pf_intake *in, const struct pf_udp_packet *p)
{
	struct pf_sealed sealed = { .data = p->data, .len = p->len };
	uint8_t *plain = p->data + PF_SEAL_SEQ_BYTES, *lent;
	struct pf_reader rd = pf_reader(p->data, p->len);
	uint64_t seq = pf_rd_u64be(&rd);
	uint32_t plain_len = p->len - PF_SEAL_OVERHEAD;
	bool fresh;

	in->bytes += p->len;
	if (p->len < PF_SEAL_OVERHEAD) {
		in->bad_length++;
		return;
	}
	/* No time for what the window refuses anyway; forged packets are not told apart
	 * from replayed ones here. */
	if (!pf_replay_fresh(&in->replay, seq)) {
		in->replayed++;
		return;
	}
	lent = pf_reassembler_lend(in->reassembler, seq - in->pushed_seq, plain_len);
	if (pf_seal_open_at(&in->seal, &sealed, lent ? lent : plain))
		count_refused(in, sealed.result);
	fresh = !sealed.result && pf_replay_accept(&in->replay, seq);
	if (lent)
		pf_reassembler_settle(
			in->reassembler, fresh, plain + PF_MEDIA_HDR_BYTES, in->read_ns);
	else if (fresh)
		pf_reassembler_push(in->reassembler, plain, plain_len, in->read_ns);
	if (fresh)
		in->pushed_seq = seq;
}

int pf_intake_step(struct pf_intake *in)
{
	if (in->next == in->count) {
		int n = pf_udp_receive(in->rx, in->packets, PF_INTAKE_BATCH);

		in->next = in->count = 0;
		if (n < 0)
			return n;
		if (!n)
			return pf_reassembler_step(in->reassembler);
		in->count = (unsigned)n;
		in->read_ns = pf_clock_mono_ns();
	}
	do
		take_packet(in, &in->packets[in->next++]);
	while (in->next < in->count && !pf_reassembler_ready(in->reassembler));
	return 1;
}

int pf_intake_init(struct pf_intake *in, int fd, const struct pf_media_keys *keys,
	enum pf_direction direction, const struct pf_reassembler_params *params)
{
	int err;

	*in = (struct pf_intake){ 0 };
	pf_replay_init(&in->replay);
	pf_arrival_init(&in->arrival);
	err = pf_reassembler_create(&in->reassembler, params);
	if (!err)
		err = pf_seal_init(&in->seal, keys, direction);
	if (!err)
		err = pf_udp_rx_create(&in->rx, fd);
	return err;
}

void pf_intake_finish(struct pf_intake *in)
{
	pf_udp_rx_destroy(in->rx);
	pf_seal_finish(&in->seal);
	pf_reassembler_destroy(in->reassembler);
	*in = (struct pf_intake){ 0 };
}
