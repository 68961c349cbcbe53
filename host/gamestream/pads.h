/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pads.h - gamepads, touch and pen of one Moonlight client (gamestream.md 7):
 * its input becomes events for the desk's devices, what programs tell these becomes
 * messages to the client.
 *
 * Knows what the client said of each pad. The devices are the desk's and outlive
 * this: a new session of the client finds those of the one before. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/wire/gs_control.h"
#include "core/wire/gs_input.h"
#include "host/pads/pads.h"

/* How long the state of another pad may be late: each travels on a channel of its
 * own, so one that knows nothing of a new pad may arrive after it. */
#define PF_GS_PADS_LATE_NS 2000000000ull

struct pf_gs_pads {
	/* Set by the owner. */
	uint32_t setting; /* pf_config_gamepad */
	unsigned can;	  /* pf_pads_can */
	bool screen;	  /* touch and pen reach what the client sees */
	/* To the devices: 0, -EAGAIN (full: comes again), or another error. */
	int (*post)(void *user, const struct pf_pad_event *ev);
	/* This client plays the pad from now on: it should hear all that holds. */
	void (*again)(void *user, unsigned pad);
	void *user;

	uint16_t there; /* pads with a device; at first those of a session before */

	uint16_t ours; /* of these, what this client spoke of */
	uint16_t told; /* an arrival said what it is */
	uint16_t late_states, late_leaves;
	uint16_t rumbling, rumbling_triggers; /* what the client believes */
	bool mute;			      /* it wants no rumble */
	bool pen_known;
	struct pf_pen pen; /* where it was */
	uint64_t first_ns;
	struct {
		enum pf_pad_kind kind;
		uint8_t type;	       /* pf_gs_pad_type */
		uint16_t capabilities; /* pf_gs_pad_cap */
		uint64_t since_ns;
		struct pf_pad_state state;
	} pad[PF_PADS_MAX];
};

/** What DESCRIBE may promise: pf_gs_feature bits. */
uint32_t pf_gs_pads_features(unsigned can, bool screen);
/** Which device stands for a pad: the setting, or what shows most of what it has. */
enum pf_pad_kind pf_gs_pads_kind(
	uint32_t setting, unsigned can, uint8_t type, uint16_t capabilities);
/** Takes one of the kinds touch, pen, haptics and pads; others are ignored. */
void pf_gs_pads_input(struct pf_gs_pads *p, const struct pf_gs_input *in, uint64_t now_ns);
/** Posts what found the devices busy. */
void pf_gs_pads_flush(struct pf_gs_pads *p);
/** Fingers and pen up. Makes touch screen and pen if they are not there: what comes
 * with the first touch comes too late for it. */
void pf_gs_pads_lift(struct pf_gs_pads *p);
/** The client may not play pads any more: they leave. */
void pf_gs_pads_revoke(struct pf_gs_pads *p);
/** Pads whose feedback this client can hear. */
uint16_t pf_gs_pads_listening(const struct pf_gs_pads *p);
/** The message that says `fb`; false when the client's pad has no such thing. */
bool pf_gs_pads_message(
	struct pf_gs_pads *p, const struct pf_pad_feedback *fb, struct pf_gs_ctl *out);
/** One of the pads that the client believes to rumble, and the message to stop it;
 * false: none (any more). */
bool pf_gs_pads_hush(struct pf_gs_pads *p, struct pf_gs_ctl *out);
