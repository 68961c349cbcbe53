/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* backends.h - the rows of encode.c's registry, and what they share. */
#pragma once
#include "host/encode/encode.h"

extern const struct pf_encoder_ops nvenc_encoder_ops;
extern const struct pf_encoder_ops vaapi_encoder_ops;
extern const struct pf_encoder_ops x264_encoder_ops;
extern const struct pf_encoder_ops openh264_encoder_ops;
extern const struct pf_encoder_ops x265_encoder_ops;
extern const struct pf_encoder_ops aom_encoder_ops;
extern const struct pf_encoder_ops null_encoder_ops;

/* The rate controller's buffer, in frames at the mean rate: what a key frame may
 * take of the link at once. On pictures that nothing compresses x264 then uses
 * 80 % of the rate (73 % with 1.5, and 95 % with 3, where a new scene would queue
 * up before the pacer). */
#define PF_ENCODER_VBV_FRAMES 2

/** Threads for a software encoder: params' wish, else enough for the pixel rate
 * within the machine's processors. */
unsigned pf_encoder_threads(const struct pf_encoder_params *params);
/** Size of the rate controller's buffer in bits for `kbps`. */
uint32_t pf_encoder_vbv_bits(const struct pf_encoder_params *params, uint32_t kbps);
