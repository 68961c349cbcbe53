/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/gs_audio.h"
#include <errno.h>
#include <string.h>
#include "core/crypto/secret.h"
#include "core/fec/gf8.h"

int pf_gs_audio_packer_init(struct pf_gs_audio_packer *p, const struct pf_gs_audio_params *params)
{
	if (params->packet_ms != 5 && params->packet_ms != 10)
		return -EINVAL;
	p->params = *params;
	p->count = 0;
	p->opus_bytes = 0;
	return 0;
}

void pf_gs_audio_packer_finish(struct pf_gs_audio_packer *p)
{
	pf_secret_wipe(&p->params, sizeof(p->params));
}

/* Returns the length of what was written. */
static size_t write_payload(
	const struct pf_gs_audio_packer *p, const uint8_t *opus, size_t len, uint8_t *out)
{
	const uint32_t number = p->params.key_id + (uint16_t)p->count;
	const uint8_t iv[PF_AES_BLOCK_BYTES] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16),
		(uint8_t)(number >> 8), (uint8_t)number };
	size_t n = len;

	if (!p->params.encrypt)
		memcpy(out, opus, len);
	else /* cannot fail: the room is for the longest packet and its padding */
		(void)pf_aes128_cbc_pad_encrypt(
			p->params.key, iv, opus, len, out, PF_GS_AUDIO_PAYLOAD_MAX, &n);
	return n;
}

static void add_parity(struct pf_gs_audio_packer *p, const struct pf_gs_audio_hdr *last,
	size_t payload_bytes, struct pf_gs_audio_datagrams *out)
{
	const uint8_t *data[PF_GF8_AUDIO_DATA];
	uint8_t *parity[PF_GF8_AUDIO_PARITY];

	for (unsigned i = 0; i < PF_GF8_AUDIO_DATA; i++)
		data[i] = p->data[i] + PF_GS_AUDIO_DATA_HDR_BYTES;
	for (unsigned j = 0; j < PF_GF8_AUDIO_PARITY; j++) {
		const struct pf_gs_audio_hdr h = {
			.parity = true,
			.seq = (uint16_t)(last->seq + 1 + j),
			.shard = (uint8_t)j,
			.base_seq = (uint16_t)(last->seq - 3),
			.base_time_ms = last->time_ms - 3 * p->params.packet_ms,
		};

		pf_gs_audio_hdr_build(&h, p->parity[j]);
		parity[j] = p->parity[j] + PF_GS_AUDIO_PARITY_HDR_BYTES;
		out->at[out->count].data = p->parity[j];
		out->at[out->count++].len = PF_GS_AUDIO_PARITY_HDR_BYTES + payload_bytes;
	}
	(void)pf_gf8_audio_encode(payload_bytes, data, parity); /* fails for 0 bytes only */
}

int pf_gs_audio_packer_put(struct pf_gs_audio_packer *p, const uint8_t *opus, size_t len,
	struct pf_gs_audio_datagrams *out)
{
	const struct pf_gs_audio_hdr h = {
		.seq = (uint16_t)p->count,
		.time_ms = p->count * p->params.packet_ms,
	};
	uint8_t *datagram = p->data[p->count % 4];
	size_t n;

	if (!len || len > PF_GS_AUDIO_OPUS_MAX || (p->opus_bytes && len != p->opus_bytes))
		return -EMSGSIZE;
	p->opus_bytes = len;
	pf_gs_audio_hdr_build(&h, datagram);
	n = write_payload(p, opus, len, datagram + PF_GS_AUDIO_DATA_HDR_BYTES);
	out->at[0].data = datagram;
	out->at[0].len = PF_GS_AUDIO_DATA_HDR_BYTES + n;
	out->count = 1;
	if (p->count % 4 == 3)
		add_parity(p, &h, n, out);
	p->count++;
	return 0;
}
