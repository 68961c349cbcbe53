/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* backends.h - the rows of capture.c's registry. */
#pragma once
#include "host/capture/capture.h"

/* A wlroots compositor's output, into shared memory. */
extern const struct pf_capture_ops wlr_screencopy_capture_ops;
/* A moving picture with the clock strip (docs/clock-strip.md), drawn by a thread
 * of its own at the mode's rate. Knobs in the source's options:
 *   scene=box       (default) a box over a still background, small damage
 *   scene=scroll    all of it moves, 4 right and 2 down a picture
 *   scene=noise     every pixel new in every picture
 *   scene=isolated  the box moves after random gaps of 40 to 250 ms
 *   scene=still     one picture, then nothing
 *   seed=N          of the random gaps and the noise
 *   fail-at=N       on_error instead of picture N (from 0) */
extern const struct pf_capture_ops pattern_capture_ops;
/* Plain grey pictures. Knobs in the source's options:
 *   fail-open=1     open fails
 *   frames=N        only so many pictures, then silence
 *   fail-at=N       on_error instead of picture N (from 0)
 *   dmabuf=1        frames claim to be dmabufs: one file of zeros, no pixels */
extern const struct pf_capture_ops null_capture_ops;
