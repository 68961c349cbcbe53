/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/raw.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/net/udp.h"
#include "core/session/limits.h"
#include "core/session/public.h"
#include "core/session/raw_input.h"

#define DEFAULT_SHARD	1408
#define DEFAULT_BLOCK	4096
#define DEFAULT_KBPS	20000
#define DEFAULT_REFRESH 60
#define ADAPTIVE_CAP	10 /* percent of a full block, as a Welcome would say */

struct PunktfunkSession {
	struct pf_sender *sender; /* host */
	struct pf_receiver *receiver;
	struct pf_raw_rx *input; /* host */
	struct pf_raw_tx *input_out;
	int64_t unix_offset_ns;
};

static int take_socket(int fd, int *out, struct pf_reason *why)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int own;

	if (getpeername(fd, (struct sockaddr *)&peer, &len))
		return pf_reason_set(why, -EINVAL, "socket_fd must be a connected UDP socket: %s",
			strerror(errno));
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return pf_reason_set(
			why, -errno, "cannot duplicate the socket: %s", strerror(errno));
	pf_udp_grow_buffers(own);
	*out = own;
	return 0;
}

static int start_host(PunktfunkSession *s, const PunktfunkSessionConfig *c,
	const struct pf_media_keys *keys, int fd, struct pf_reason *why)
{
	struct pf_sender_params p = {
		.fd = fd,
		.keys = *keys,
		.shared_fd = true, /* input comes there */
		.direction = PF_FROM_HOST,
		.shard_bytes = c->shard_payload,
		.max_data_per_block = c->max_data_per_block,
		.fec_percent = c->fec_percent,
		.welcome_percent =
			c->fec_percent == PUNKTFUNK_FEC_ADAPTIVE ? ADAPTIVE_CAP : c->fec_percent,
		.max_frame_bytes = c->max_frame_bytes,
		.bitrate_kbps = c->bitrate_kbps,
	};
	int err = pf_raw_rx_create(&s->input, fd, keys);

	err = err ? pf_reason_set(why, err, "no input for the session: %s", strerror(-err))
		  : pf_sender_create(&s->sender, &p, why);
	pf_secret_wipe(&p.keys, sizeof(p.keys));
	return err;
}

static int start_client(PunktfunkSession *s, const PunktfunkSessionConfig *c,
	const struct pf_media_keys *keys, int fd, struct pf_reason *why)
{
	struct pf_receiver_params p = {
		.fd = fd,
		.keys = *keys,
		.direction = PF_FROM_HOST,
		.shard_bytes = c->shard_payload,
		.max_data_per_block = c->max_data_per_block,
		.max_frame_bytes = c->max_frame_bytes,
	};
	int err = pf_raw_tx_create(&s->input_out, fd, keys);

	err = err ? pf_reason_set(why, err, "no input for the session: %s", strerror(-err))
		  : pf_receiver_create(&s->receiver, &p, why);
	pf_secret_wipe(&p.keys, sizeof(p.keys));
	return err;
}

int pf_raw_create(
	PunktfunkSession **out, const PunktfunkSessionConfig *config, struct pf_reason *why)
{
	PunktfunkSessionConfig c = *config;
	struct pf_media_keys keys = { .alg = PF_AEAD_AES128_GCM };
	PunktfunkSession *s = NULL;
	int fd = -1, err;

	if (c.role > PUNKTFUNK_ROLE_CLIENT || c.cipher > PUNKTFUNK_CIPHER_CHACHA20_POLY1305) {
		err = pf_reason_set(
			why, -EINVAL, "role %u or cipher %u is unknown", c.role, c.cipher);
		goto done;
	}
	c.shard_payload = c.shard_payload ? c.shard_payload : DEFAULT_SHARD;
	c.max_data_per_block = c.max_data_per_block ? c.max_data_per_block : DEFAULT_BLOCK;
	c.bitrate_kbps = c.bitrate_kbps ? c.bitrate_kbps : DEFAULT_KBPS;
	c.refresh_hz = c.refresh_hz ? c.refresh_hz : DEFAULT_REFRESH;
	if (!c.max_frame_bytes)
		c.max_frame_bytes = pf_max_frame_bytes(c.bitrate_kbps, c.refresh_hz);
	if (c.cipher == PUNKTFUNK_CIPHER_CHACHA20_POLY1305)
		keys.alg = PF_AEAD_CHACHA20_POLY1305;
	memcpy(keys.key, c.key, sizeof(keys.key));
	memcpy(keys.salt, c.salt, sizeof(keys.salt));

	s = calloc(1, sizeof(*s));
	if (!s) {
		err = pf_reason_set(why, -ENOMEM, "no memory for a session");
		goto done;
	}
	s->unix_offset_ns = pf_clock_unix_offset_ns();
	err = take_socket(c.socket_fd, &fd, why);
	if (err)
		goto done;
	err = c.role == PUNKTFUNK_ROLE_HOST ? start_host(s, &c, &keys, fd, why)
					    : start_client(s, &c, &keys, fd, why);
	if (err)
		goto done;
	*out = s;
done:
	if (err && fd >= 0)
		close(fd);
	if (err)
		pf_raw_destroy(s);
	pf_secret_wipe(&keys, sizeof(keys));
	pf_secret_wipe(&c, sizeof(c));
	return err;
}

void pf_raw_destroy(PunktfunkSession *s)
{
	if (!s)
		return;
	pf_raw_rx_destroy(s->input);
	pf_raw_tx_destroy(s->input_out);
	pf_sender_destroy(s->sender);
	pf_receiver_destroy(s->receiver);
	free(s);
}

int pf_raw_submit(
	PunktfunkSession *s, const uint8_t *data, size_t size, uint64_t pts_unix_ns, uint32_t flags)
{
	struct pf_sender_frame f = {
		.data = data,
		.len = size,
		.pts_unix_ns = pts_unix_ns,
		.user_flags = flags,
	};
	int err;

	if (!s->sender || (size && !data))
		return -EINVAL;
	err = pf_sender_submit(s->sender, &f);
	return err == -EAGAIN ? -EBUSY : err;
}

int pf_raw_poll(PunktfunkSession *s, PunktfunkFrame *out, uint32_t timeout_ms)
{
	struct pf_received_frame f;
	int err;

	if (!s->receiver)
		return -EINVAL;
	err = pf_receiver_next(s->receiver, &f, timeout_ms);
	if (err)
		return err;
	pf_public_frame(&f, s->unix_offset_ns, out);
	return 0;
}

int pf_raw_send_input(PunktfunkSession *s, const PunktfunkInputEvent *e)
{
	return s->input_out ? pf_raw_tx_send(s->input_out, e) : -EINVAL;
}

int pf_raw_on_input(PunktfunkSession *s, PunktfunkInputCallback fn, void *user)
{
	return s->input && fn ? pf_raw_rx_start(s->input, fn, user) : -EINVAL;
}

void pf_raw_stats(PunktfunkSession *s, PunktfunkStats *out)
{
	if (s->sender)
		pf_public_sender_stats(s->sender, out);
	else
		pf_public_receiver_stats(s->receiver, out);
}
