/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* uinput.h - makes one input device of the kernel and writes its events.
 *
 * Events are collected and leave as one frame, ended by SYN_REPORT. One thread;
 * the descriptor does not block. */
#pragma once
#include <linux/uinput.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

struct pf_uinput_axis {
	uint16_t code;
	int32_t min, max, fuzz, flat, resolution;
};

/* The lists end with 0 resp. with an axis whose min and max are 0. */
struct pf_uinput_desc {
	const char *name;
	struct input_id id;
	int property; /* INPUT_PROP_, or -1 */
	const uint16_t *keys;
	const struct pf_uinput_axis *axes;
	const uint16_t *effects; /* FF_; NULL = none */
	uint32_t effects_max;
};

#define PF_UINPUT_BATCH 128

struct pf_uinput {
	int fd;
	uint32_t count;
	struct input_event batch[PF_UINPUT_BATCH];
};

/** `client` and `part` ("pad1") go into its `phys`. 0, or -errno with cause and
 * remedy; then u->fd is -1. */
int pf_uinput_open(struct pf_uinput *u, const struct pf_uinput_desc *desc, const char *client,
	const char *part, struct pf_reason *why);
/** Removes the device; what it held is let go. Accepts fd -1. */
void pf_uinput_close(struct pf_uinput *u);
void pf_uinput_add(struct pf_uinput *u, uint16_t type, uint16_t code, int32_t value);
/** 0-1 as 0-max; beyond is clamped, what is no number becomes 0. */
int32_t pf_uinput_scale(float unit, int32_t max);
/** Sends what was added, if anything. */
void pf_uinput_send(struct pf_uinput *u);
/** Takes what the kernel says to a device that has nothing to answer. */
void pf_uinput_discard(struct pf_uinput *u);
