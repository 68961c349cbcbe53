/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/audio.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/log.h"
#include "core/net/udp.h"
#include "host/audio/opus.h"
#include "host/audio/sound.h"

struct pf_gs_audio {
	struct pf_sound *sound;
	_Atomic int fd; /* -1 before the first; its number then stays */
	_Atomic uint64_t packets, datagrams, bytes, errors;
	struct pf_gs_audio_packer packer; /* sound thread */
};

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* The sound thread. */
static void on_packet(void *user, const struct pf_sound_packet *packet)
{
	struct pf_gs_audio *a = user;
	const int fd = atomic_load_explicit(&a->fd, memory_order_acquire);
	struct pf_gs_audio_datagrams d;

	if (fd < 0)
		return;
	if (pf_gs_audio_packer_put(&a->packer, packet->data, packet->len, &d)) {
		count(&a->errors, 1);
		return;
	}
	count(&a->packets, 1);
	for (unsigned i = 0; i < d.count; i++) {
		if (send(fd, d.at[i].data, d.at[i].len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			count(&a->errors, 1);
			continue;
		}
		count(&a->datagrams, 1);
		count(&a->bytes, d.at[i].len);
	}
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
	atomic_init(&a->fd, -1);
	r = pf_gs_audio_packer_init(&a->packer, &o->wire);
	if (r) {
		pf_reason_set(why, r, "sound packets of %u ms are not possible", o->wire.packet_ms);
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

	if (!a)
		return;
	pf_sound_close(&a->sound);
	pf_gs_audio_packer_finish(&a->packer);
	if (atomic_load(&a->fd) >= 0)
		close(atomic_load(&a->fd));
	free(a);
	*audio = NULL;
}

int pf_gs_audio_set_socket(struct pf_gs_audio *a, int fd)
{
	const int before = atomic_load(&a->fd);
	int r = 0;

	pf_udp_shrink_receive(fd);
	if (before < 0) {
		atomic_store_explicit(&a->fd, fd, memory_order_release);
		return 0;
	}
	/* The sound thread may be sending on the old one: its number stays valid. */
	if (dup3(fd, before, O_CLOEXEC) < 0)
		r = -errno;
	close(fd);
	return r;
}

int pf_gs_audio_set_peer(struct pf_gs_audio *a, const struct sockaddr_storage *peer)
{
	const int fd = atomic_load(&a->fd);

	return fd < 0 ? -ENOTCONN : pf_udp_connect(fd, peer);
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
	out->filled = s.filled;
	out->lost = s.refused + s.late;
	out->encode_ns = s.encode_ns;
}
