/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* audio.h - the sound of one GameStream session (gamestream.md 5).
 *
 * Runs on a thread of its own from open to close: the desk's blocks become Opus
 * packets of equal size at an unbroken cadence, silence where the desk has none
 * (yet), and go out as soon as there is a socket. The control loop shares no lock
 * with it.
 *
 * A desk's applications play into a sink of its own, on a private server. The
 * user's default sink is never touched, so there is nothing to put back after the
 * session or after a crash, and localAudioPlayMode=1 (play at the host as well)
 * has nothing to act on: no speakers belong to a private desk. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "core/base/reason.h"
#include "core/media/gs_audio.h"

struct pf_gs_audio;

struct pf_gs_audio_options {
	const char *name;  /* for the log; copied */
	unsigned channels; /* what the client decodes: 2, 6, 8; the desk's are mixed to it */
	bool high_quality; /* AudioQuality=1, or stereo without the low-quality host */
	struct pf_gs_audio_params wire; /* packet_ms, encryption */
	bool play_at_host;		/* localAudioPlayMode=1: said once in the log */
};

struct pf_gs_audio_stats {
	uint64_t packets;   /* Opus packets that took a number */
	uint64_t datagrams; /* sent, parity included */
	uint64_t bytes;	    /* of these, UDP payload */
	uint64_t errors;    /* packets refused, datagrams and moves the kernel did not take */
	uint64_t filled;    /* blocks of silence put in */
	uint64_t lost;	    /* blocks of the desk that came too fast or too late */
	uint64_t encode_ns;
	uint64_t first_ns; /* monotonic time of the first datagram, 0 = none yet */
};

/** Starts the thread; nothing is sent yet. -EINVAL or another negative errno with
 * the words. */
int pf_gs_audio_open(
	struct pf_gs_audio **out, const struct pf_gs_audio_options *o, struct pf_reason *why);
/** Ends the thread and closes the socket. Nothing may push any more. Clears; accepts
 * NULL inside. */
void pf_gs_audio_close(struct pf_gs_audio **a);

/** Control loop. Sends through `fd`, a UDP socket connected to the client, from the
 * next packet on, which is due within one packet's time; the first has number 0,
 * later ones go on. Takes `fd` over, on failure too. -EAGAIN when moves come
 * faster than packets. */
int pf_gs_audio_set_socket(struct pf_gs_audio *a, int fd);
/** Control loop. Connects the socket to where a later ping came from, before the
 * next packet. -ENOTCONN before the first pf_gs_audio_set_socket, or -EAGAIN. */
int pf_gs_audio_set_peer(struct pf_gs_audio *a, const struct sockaddr_storage *peer);

/** For pf_desk_set_pcm, with the pf_gs_audio as `user`. */
void pf_gs_audio_pcm(void *user, const float *pcm, unsigned channels, uint64_t capture_ns);

/** Any thread. */
void pf_gs_audio_get_stats(const struct pf_gs_audio *a, struct pf_gs_audio_stats *out);
