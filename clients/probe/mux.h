/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* mux.h - the stream as it came into an MP4 file, without transcoding.
 *
 * Video may come on one thread and sound on another: a lock inside. Times are
 * the host's, so picture and sound stay together. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pf_mux;

/** The file begins with the first IDR. -errno. */
int pf_mux_open(struct pf_mux **out, const char *path, unsigned codec, uint32_t width,
	uint32_t height, unsigned channels);
/** Finishes the file. Accepts NULL. -EIO when something could not be written,
 * -ENODATA when no IDR ever came. */
int pf_mux_close(struct pf_mux *m);
void pf_mux_video(struct pf_mux *m, const uint8_t *data, size_t size, uint64_t pts_ns, bool idr);
void pf_mux_audio(struct pf_mux *m, const uint8_t *opus, size_t size, uint64_t pts_ns);
