/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/audio.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/ring.h"
#include "core/net/udp.h"
#include "host/audio/opus.h"
#include "host/audio/sound.h"

#define MOVES 8 /* on their way to the sound thread, which looks at each packet */

struct move {
	int fd; /* the socket to use from now on, or -1: */
	struct sockaddr_storage peer;
};

struct pf_gs_audio {
	struct pf_sound *sound;
	struct pf_ring moves;
	bool bound; /* control loop */
	_Atomic uint64_t packets, datagrams, bytes, errors, first_ns;
	/* sound thread */
	int fd; /* -1 before the first */
	struct pf_gs_audio_packer packer;
};

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void use_socket(struct pf_gs_audio *a, int fd)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = fd;
}

/* One call for a block's last packet and its parity: sending is the larger half of
 * what sound costs. */
static void send_all(struct pf_gs_audio *a, const struct pf_gs_audio_datagrams *d)
{
	struct mmsghdr msgs[sizeof(d->at) / sizeof(d->at[0])] = { 0 };
	struct iovec parts[sizeof(d->at) / sizeof(d->at[0])];

	for (unsigned i = 0; i < d->count; i++) {
		parts[i] = (struct iovec){ (void *)d->at[i].data, d->at[i].len };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	for (unsigned i = 0; i < d->count;) {
		int n = sendmmsg(a->fd, msgs + i, d->count - i, MSG_DONTWAIT | MSG_NOSIGNAL);

		/* What the kernel does not take, an ICMP error among it, is lost. */
		if (n <= 0) {
			count(&a->errors, 1);
			i++;
			continue;
		}
		for (int k = 0; k < n; k++)
			count(&a->bytes, d->at[i++].len);
		count(&a->datagrams, (uint64_t)n);
	}
}

/* The sound thread. */
static void on_packet(void *user, const struct pf_sound_packet *packet)
{
	struct pf_gs_audio *a = user;
	struct pf_gs_audio_datagrams d;
	struct move m;

	while (pf_ring_take(&a->moves, &m)) {
		if (m.fd >= 0)
			use_socket(a, m.fd);
		else if (pf_udp_connect(a->fd, &m.peer))
			count(&a->errors, 1);
	}
	if (a->fd < 0)
		return;
	if (pf_gs_audio_packer_put(&a->packer, packet->data, packet->len, &d)) {
		count(&a->errors, 1);
		return;
	}
	if (!atomic_load_explicit(&a->first_ns, memory_order_relaxed))
		atomic_store_explicit(&a->first_ns, pf_clock_mono_ns(), memory_order_relaxed);
	count(&a->packets, 1);
	send_all(a, &d);
}

int pf_gs_audio_open(
	struct pf_gs_audio **out, const struct pf_gs_audio_options *o, struct pf_reason *why)
{
	struct pf_opus_config opus;
	struct pf_sound_params sound = { .opus = &opus, .steady = true, .on_packet = on_packet };
	struct pf_gs_audio *a;
	int r = pf_opus_gamestream(&opus, o->channels, o->high_quality, o->wire.packet_ms, why);

	if (r)
		return r;
	a = calloc(1, sizeof(*a));
	if (!a)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	a->fd = -1;
	r = pf_gs_audio_packer_init(&a->packer, &o->wire);
	if (r) {
		pf_reason_set(why, r, "sound packets of %u ms are not possible", o->wire.packet_ms);
		goto fail;
	}
	r = pf_ring_init(&a->moves, MOVES, sizeof(struct move));
	if (r) {
		pf_reason_set(why, r, "out of memory");
		goto fail;
	}
	sound.user = a;
	r = pf_sound_open(&a->sound, &sound, why);
	if (r)
		goto fail;
	pf_log(PF_LOG_INFO, "gamestream", "%s: sound of %u channels, %u kbit/s, %u ms packets%s%s",
		o->name, o->channels, opus.kbps, o->wire.packet_ms,
		o->wire.encrypt ? ", encrypted" : "",
		o->play_at_host
			? "; it is not played at the host, since a private desk has no speakers"
			: "");
	*out = a;
	return 0;
fail:
	pf_gs_audio_close(&a);
	return r;
}

void pf_gs_audio_close(struct pf_gs_audio **audio)
{
	struct pf_gs_audio *a = *audio;
	struct move m;

	if (!a)
		return;
	pf_sound_close(&a->sound);
	while (a->moves.slots && pf_ring_take(&a->moves, &m))
		if (m.fd >= 0)
			use_socket(a, m.fd);
	pf_ring_finish(&a->moves);
	use_socket(a, -1);
	pf_gs_audio_packer_finish(&a->packer);
	free(a);
	*audio = NULL;
}

int pf_gs_audio_set_socket(struct pf_gs_audio *a, int fd)
{
	const struct move m = { .fd = fd };

	pf_udp_shrink_receive(fd);
	if (!pf_ring_put(&a->moves, &m)) {
		close(fd);
		return -EAGAIN;
	}
	a->bound = true;
	return 0;
}

int pf_gs_audio_set_peer(struct pf_gs_audio *a, const struct sockaddr_storage *peer)
{
	const struct move m = { .fd = -1, .peer = *peer };

	if (!a->bound)
		return -ENOTCONN;
	return pf_ring_put(&a->moves, &m) ? 0 : -EAGAIN;
}

void pf_gs_audio_pcm(void *user, const float *pcm, unsigned channels, uint64_t capture_ns)
{
	struct pf_gs_audio *a = user;

	pf_sound_push(a->sound, pcm, channels, capture_ns);
}

void pf_gs_audio_get_stats(const struct pf_gs_audio *a, struct pf_gs_audio_stats *out)
{
	struct pf_sound_stats s;

	pf_sound_get_stats(a->sound, &s);
	out->packets = atomic_load_explicit(&a->packets, memory_order_relaxed);
	out->datagrams = atomic_load_explicit(&a->datagrams, memory_order_relaxed);
	out->bytes = atomic_load_explicit(&a->bytes, memory_order_relaxed);
	out->errors = atomic_load_explicit(&a->errors, memory_order_relaxed);
	out->first_ns = atomic_load_explicit(&a->first_ns, memory_order_relaxed);
	out->filled = s.filled;
	out->lost = s.refused + s.late;
	out->encode_ns = s.encode_ns;
}
