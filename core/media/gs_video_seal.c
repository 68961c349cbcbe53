/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/gs_video_seal.h"
#include <string.h>
#include "core/crypto/secret.h"

int pf_gs_video_seal_init(struct pf_gs_video_seal *s, const uint8_t key[PF_AES128_KEY_BYTES])
{
	memset(s, 0, sizeof(*s));
	return pf_aead_create(&s->aead, PF_AEAD_AES128_GCM, key, PF_AES128_KEY_BYTES, NULL);
}

void pf_gs_video_seal_finish(struct pf_gs_video_seal *s)
{
	pf_aead_free(s->aead);
	pf_secret_wipe(s, sizeof(*s));
}

int pf_gs_video_seal_packets(struct pf_gs_video_seal *s, uint32_t frame_index, const uint8_t *plain,
	uint32_t bytes, unsigned count, uint8_t *out)
{
	while (count) {
		unsigned n = count < PF_GS_VIDEO_BATCH ? count : PF_GS_VIDEO_BATCH;
		int err;

		for (unsigned i = 0; i < n; i++) {
			struct pf_gs_prefix p = { s->counter++, frame_index };

			pf_gs_prefix_build(&p, out);
			s->jobs[i] = (struct pf_aead_job){
				.nonce = out + PF_GS_PREFIX_NONCE,
				.in = plain,
				.out = out + PF_GS_PREFIX_BYTES,
				.len = bytes,
				.tag = out + PF_GS_PREFIX_TAG,
			};
			plain += bytes;
			out += PF_GS_PREFIX_BYTES + bytes;
		}
		err = pf_aead_seal(s->aead, s->jobs, n);
		if (err)
			return err;
		count -= n;
	}
	return 0;
}
