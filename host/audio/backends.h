/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* backends.h - the audio backends, for the registry in audio.c only. */
#pragma once
#include "host/audio/audio.h"

/* A private PipeWire per desk that serves PulseAudio applications too. */
extern const struct pf_audio_ops pf_pipewire_audio_ops;
/* No sound system at all, with fault knobs. Options, all optional:
 *   tone-hz=N     plays a sine instead of nothing; N + 100 on the next channel, ...
 *   fail-open=N   open fails at its step N (1..2)
 *   delay-ms=N    open takes that long
 *   gap-every=N   every N-th block is missing
 *   die-ms=N      on_error so long after open
 *   mic-loop=1    plays what a microphone says instead of a tone, on every channel;
 *                 without one nothing */
extern const struct pf_audio_ops pf_null_audio_ops;
