/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* input.h - a client's pointer and keyboard inside its desk.
 *
 * One device set per desk, on an input thread of its own. Events come in as the
 * wire says them (punktfunk1.md 9). What is held down when the set closes, or
 * when release_all is called, is released: no key sticks. */
#pragma once
#include <stdint.h>
#include "core/base/reason.h"
#include "host/display/display.h"

/* An input event as on the wire: kinds 0..16. */
struct pf_input_event {
	uint8_t kind;
	uint32_t code;
	int32_t x, y;
	uint32_t flags;
};

struct pf_input_params {
	const struct pf_input_target *target; /* borrowed for open only */
	const char *keymap_layout;	      /* xkb layout, NULL = "us" */
	/* The backend's own "key=value,key=value", or NULL (input/backends.h). */
	const char *options;
};

struct pf_input;

struct pf_input_ops {
	const char *name;
	uint32_t target_kinds; /* bit per pf_input_kind */
	/* Mandatory. Devices exist when it returns, so applications started after it
	 * see them. */
	int (*open)(
		struct pf_input **out, const struct pf_input_params *params, struct pf_reason *why);
	/* Mandatory. Releases what is held, accepts NULL and half-built. */
	void (*close)(struct pf_input *in);
	/* Mandatory. Copies the event into the device's ring and wakes its thread;
	 * full ring = dropped and counted. Any one thread. 0 or -EAGAIN. */
	int (*post)(struct pf_input *in, const struct pf_input_event *ev);
	/* Mandatory. As post, for "everything up". */
	void (*release_all)(struct pf_input *in);
};

struct pf_input {
	const struct pf_input_ops *ops;
};

const struct pf_input_ops *const *pf_input_backends(void);
const struct pf_input_ops *pf_input_for(enum pf_input_kind kind);
