/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pads_impl.h - a set with devices of the caller's choice: for pads.c and its test. */
#pragma once
#include "host/pads/device.h"

struct pf_pads_backends {
	const struct pf_pad_device_ops *const *pads; /* ends with NULL */
	const struct pf_pad_device_ops *screen, *pen;
};

/** As pf_pads_open; `backends` outlives the set. */
int pf_pads_open_with(struct pf_pads **out, const struct pf_pads_params *params,
	const struct pf_pads_backends *backends, struct pf_reason *why);
