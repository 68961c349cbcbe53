/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/seal.h"
#include <errno.h>
#include <string.h>
#include "core/base/bytes.h"
#include "core/crypto/secret.h"

int pf_seal_init(struct pf_seal *s, const struct pf_media_keys *keys, enum pf_direction dir)
{
	size_t key_len = keys->alg == PF_AEAD_AES128_GCM ? 16 : 32;

	memset(s, 0, sizeof(*s));
	memcpy(s->salt, keys->salt, sizeof(s->salt));
	s->salt[0] = (uint8_t)((s->salt[0] & 0x7f) | dir << 7);
	return pf_aead_create(&s->aead, keys->alg, keys->key, key_len, NULL);
}

void pf_seal_finish(struct pf_seal *s)
{
	pf_aead_free(s->aead);
	pf_secret_wipe(s, sizeof(*s));
}

/* Job `i` covers the `plain` bytes at `in`, which end up behind the sequence number at
 * `packet`. */
static void set_job(struct pf_seal *s, unsigned i, uint8_t *packet, const uint8_t *in, size_t plain)
{
	memcpy(s->nonces[i], s->salt, sizeof(s->salt));
	memcpy(s->nonces[i] + sizeof(s->salt), packet, PF_SEAL_SEQ_BYTES);
	s->jobs[i] = (struct pf_aead_job){
		.nonce = s->nonces[i],
		.aad = packet,
		.aad_len = PF_SEAL_SEQ_BYTES,
		.in = in,
		.out = packet + PF_SEAL_SEQ_BYTES,
		.len = plain,
		.tag = packet + PF_SEAL_SEQ_BYTES + plain,
	};
}

int pf_seal_packets(
	struct pf_seal *s, uint8_t *base, uint32_t stride, uint32_t plain_bytes, unsigned count)
{
	return pf_seal_packets_from(s, base, stride, base, plain_bytes, count);
}

int pf_seal_packets_from(struct pf_seal *s, uint8_t *base, uint32_t stride, const uint8_t *plain,
	uint32_t plain_bytes, unsigned count)
{
	while (count) {
		unsigned n = count < PF_SEAL_BATCH ? count : PF_SEAL_BATCH;
		int err;

		for (unsigned i = 0; i < n; i++, base += stride, plain += stride) {
			struct pf_writer w = pf_writer(base, PF_SEAL_SEQ_BYTES);

			pf_wr_u64be(&w, s->seq++);
			set_job(s, i, base, plain + PF_SEAL_SEQ_BYTES, plain_bytes);
		}
		err = pf_aead_seal(s->aead, s->jobs, n);
		if (err)
			return err;
		count -= n;
	}
	return 0;
}

unsigned pf_seal_open(struct pf_seal *s, struct pf_sealed *packets, unsigned count)
{
	unsigned opened = 0;

	while (count) {
		struct pf_sealed *of_job[PF_SEAL_BATCH];
		unsigned n = 0;

		for (; count && n < PF_SEAL_BATCH; packets++, count--) {
			struct pf_reader rd;

			packets->result = -EMSGSIZE;
			if (packets->len < PF_SEAL_OVERHEAD || packets->len > PF_DATAGRAM_MAX)
				continue;
			rd = pf_reader(packets->data, packets->len);
			packets->seq = pf_rd_u64be(&rd);
			set_job(s, n, packets->data, packets->data + PF_SEAL_SEQ_BYTES,
				packets->len - PF_SEAL_OVERHEAD);
			of_job[n++] = packets;
		}
		if (!n)
			continue;
		pf_aead_open(s->aead, s->jobs, n);
		for (unsigned i = 0; i < n; i++) {
			of_job[i]->result = s->jobs[i].result;
			opened += !s->jobs[i].result;
		}
	}
	return opened;
}

int pf_seal_open_at(struct pf_seal *s, struct pf_sealed *packet, uint8_t *out)
{
	uint8_t nonce[PF_AEAD_NONCE_BYTES];
	struct pf_aead_job job;
	struct pf_reader rd;

	packet->result = -EMSGSIZE;
	if (packet->len < PF_SEAL_OVERHEAD || packet->len > PF_DATAGRAM_MAX)
		return packet->result;
	rd = pf_reader(packet->data, packet->len);
	packet->seq = pf_rd_u64be(&rd);
	memcpy(nonce, s->salt, sizeof(s->salt));
	memcpy(nonce + sizeof(s->salt), packet->data, PF_SEAL_SEQ_BYTES);
	job = (struct pf_aead_job){
		.nonce = nonce,
		.aad = packet->data,
		.aad_len = PF_SEAL_SEQ_BYTES,
		.in = packet->data + PF_SEAL_SEQ_BYTES,
		.out = out,
		.len = packet->len - PF_SEAL_OVERHEAD,
		.tag = packet->data + packet->len - PF_SEAL_TAG_BYTES,
	};
	pf_aead_open(s->aead, &job, 1);
	packet->result = job.result;
	return job.result;
}
