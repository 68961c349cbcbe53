/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/gs_seal.h"
#include <errno.h>
#include <string.h>
#include "core/base/bytes.h"
#include "core/crypto/block.h"
#include "core/crypto/secret.h"

#define CTL_SEALED	 0x0001
#define CTL_LENGTH_EXTRA 20 /* sequence and tag, counted in the length */
#define RTSP_SEALED	 0x80000000u
#define OLD_NONCE_BYTES	 16

static enum pf_gs_origin other(enum pf_gs_origin o)
{
	return o == PF_GS_FROM_HOST ? PF_GS_FROM_CLIENT : PF_GS_FROM_HOST;
}

/* Sequence, zeros, who made it, which stream. */
static void make_nonce(
	uint8_t nonce[PF_AEAD_NONCE_BYTES], uint32_t seq, enum pf_gs_origin from, char stream)
{
	struct pf_writer w = pf_writer(nonce, PF_AEAD_NONCE_BYTES);

	pf_wr_u32le(&w, seq);
	pf_wr_le(&w, 0, 6);
	pf_wr_u8(&w, from == PF_GS_FROM_HOST ? 'H' : 'C');
	pf_wr_u8(&w, (uint8_t)stream);
}

int pf_gs_ctl_seal_init(struct pf_gs_ctl_seal *s, const uint8_t key[PF_AES128_KEY_BYTES],
	enum pf_gs_origin self, enum pf_gs_scheme scheme)
{
	memset(s, 0, sizeof(*s));
	s->self = self;
	s->scheme = scheme;
	pf_replay_init(&s->seen);
	if (scheme == PF_GS_SCHEME_OLD) {
		memcpy(s->key, key, sizeof(s->key));
		return 0;
	}
	return pf_aead_create(&s->aead, PF_AEAD_AES128_GCM, key, PF_AES128_KEY_BYTES, NULL);
}

void pf_gs_ctl_seal_finish(struct pf_gs_ctl_seal *s)
{
	pf_aead_free(s->aead);
	pf_secret_wipe(s, sizeof(*s));
}

int pf_gs_ctl_seal(
	struct pf_gs_ctl_seal *s, const uint8_t *msg, size_t len, uint8_t *out, size_t cap)
{
	struct pf_writer w = pf_writer(out, cap);
	uint8_t nonce[OLD_NONCE_BYTES] = { 0 };
	uint8_t *tag, *text;
	uint32_t seq;

	if (len > PF_GS_CTL_MSG_MAX)
		return -EMSGSIZE;
	if (s->next > UINT32_MAX)
		return -EOVERFLOW;
	seq = (uint32_t)s->next;
	pf_wr_u16le(&w, CTL_SEALED);
	pf_wr_u16le(&w, (uint16_t)(CTL_LENGTH_EXTRA + len));
	pf_wr_u32le(&w, seq);
	tag = pf_wr_room(&w, PF_AEAD_TAG_BYTES);
	text = pf_wr_room(&w, len);
	if (w.err)
		return -ENOBUFS;
	/* Used up even if sealing fails. */
	s->next++;
	if (s->scheme == PF_GS_SCHEME_OLD) {
		nonce[0] = (uint8_t)seq;
		pf_aes128_gcm16_seal(s->key, nonce, NULL, 0, msg, text, len, tag);
	} else {
		struct pf_aead_job job = {
			.nonce = nonce, .in = msg, .out = text, .len = len, .tag = tag
		};
		int err;

		make_nonce(nonce, seq, s->self, 'C');
		err = pf_aead_seal(s->aead, &job, 1);
		if (err)
			return err;
	}
	return (int)w.len;
}

/* Moves no window. */
static int open_packet(struct pf_gs_ctl_seal *s, const uint8_t *packet, size_t len,
	uint8_t out[PF_GS_CTL_MSG_MAX], uint32_t *seq_out)
{
	struct pf_reader r = pf_reader(packet, len);
	uint16_t type = pf_rd_u16le(&r);
	uint16_t length = pf_rd_u16le(&r);
	size_t rest = r.left;
	uint32_t seq = pf_rd_u32le(&r);
	uint8_t nonce[OLD_NONCE_BYTES] = { 0 };
	uint8_t tag[PF_AEAD_TAG_BYTES];
	int err;

	pf_rd_copy(&r, tag, sizeof(tag));
	if (r.err || type != CTL_SEALED || length != rest || r.left < PF_GS_CTL_HEAD_BYTES ||
		r.left > PF_GS_CTL_MSG_MAX)
		return -EPROTO;
	if (!pf_replay_fresh(&s->seen, seq))
		return -EEXIST;
	if (s->scheme == PF_GS_SCHEME_OLD) {
		nonce[0] = (uint8_t)seq;
		err = pf_aes128_gcm16_open(s->key, nonce, NULL, 0, r.p, out, r.left, tag);
	} else {
		struct pf_aead_job job = {
			.nonce = nonce, .in = r.p, .out = out, .len = r.left, .tag = tag
		};

		make_nonce(nonce, seq, other(s->self), 'C');
		err = pf_aead_open(s->aead, &job, 1);
	}
	if (err)
		return err;
	*seq_out = seq;
	return (int)r.left;
}

int pf_gs_ctl_open(
	struct pf_gs_ctl_seal *s, const uint8_t *packet, size_t len, uint8_t out[PF_GS_CTL_MSG_MAX])
{
	uint32_t seq;
	int n = open_packet(s, packet, len, out, &seq);

	if (n >= 0)
		pf_replay_accept(&s->seen, seq);
	return n;
}

bool pf_gs_ctl_is_newest(struct pf_gs_ctl_seal *s, const uint8_t *packet, size_t len)
{
	uint8_t text[PF_GS_CTL_MSG_MAX];
	uint32_t seq;
	int n = open_packet(s, packet, len, text, &seq);

	if (n > 0)
		pf_secret_wipe(text, (size_t)n);
	return n >= 0 && (!s->seen.any || seq > s->seen.highest);
}

int pf_gs_rtsp_seal_init(
	struct pf_gs_rtsp_seal *s, const uint8_t key[PF_AES128_KEY_BYTES], enum pf_gs_origin self)
{
	memset(s, 0, sizeof(*s));
	s->self = self;
	s->next = 1;
	return pf_aead_create(&s->aead, PF_AEAD_AES128_GCM, key, PF_AES128_KEY_BYTES, NULL);
}

void pf_gs_rtsp_seal_finish(struct pf_gs_rtsp_seal *s)
{
	pf_aead_free(s->aead);
	pf_secret_wipe(s, sizeof(*s));
}

int pf_gs_rtsp_seal(
	struct pf_gs_rtsp_seal *s, const void *msg, size_t len, uint8_t *out, size_t cap)
{
	struct pf_writer w = pf_writer(out, cap);
	uint8_t nonce[PF_AEAD_NONCE_BYTES];
	struct pf_aead_job job = { .nonce = nonce, .in = msg, .len = len };
	int err;

	if (!len || len > PF_GS_RTSP_MAX)
		return -EMSGSIZE;
	if (s->next > UINT32_MAX)
		return -EOVERFLOW;
	pf_wr_u32be(&w, RTSP_SEALED | (uint32_t)len);
	pf_wr_u32be(&w, (uint32_t)s->next);
	job.tag = pf_wr_room(&w, PF_AEAD_TAG_BYTES);
	job.out = pf_wr_room(&w, len);
	if (w.err)
		return -ENOBUFS;
	make_nonce(nonce, (uint32_t)s->next++, s->self, 'R');
	err = pf_aead_seal(s->aead, &job, 1);
	return err ? err : (int)w.len;
}

int pf_gs_rtsp_open(
	struct pf_gs_rtsp_seal *s, const uint8_t *packet, size_t len, void *out, size_t cap)
{
	struct pf_reader r = pf_reader(packet, len);
	uint8_t nonce[PF_AEAD_NONCE_BYTES], tag[PF_AEAD_TAG_BYTES];
	struct pf_aead_job job = { .nonce = nonce, .out = out, .tag = tag };
	int total = pf_gs_rtsp_sealed_bytes(packet, len);
	uint32_t seq;
	int err;

	if (total < 0 || (size_t)total != len)
		return -EPROTO;
	pf_rd_u32be(&r);
	seq = pf_rd_u32be(&r);
	pf_rd_copy(&r, tag, sizeof(tag));
	if (r.left > cap)
		return -ENOBUFS;
	job.in = r.p;
	job.len = r.left;
	make_nonce(nonce, seq, other(s->self), 'R');
	err = pf_aead_open(s->aead, &job, 1);
	if (err)
		return err;
	/* After the tag: a host tries the keys of several launches. */
	if (seq <= s->last) {
		pf_secret_wipe(out, r.left);
		return -EEXIST;
	}
	s->last = seq;
	return (int)r.left;
}
