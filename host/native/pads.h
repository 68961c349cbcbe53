/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pads.h - gamepads, touch and pen of one native client (punktfunk1.md 8, 9): its
 * input becomes events for the desk's devices, what programs tell these becomes
 * messages to the client.
 *
 * Numbers, silence and leases are watched here. The devices are the desk's and outlive
 * this: a new session of the client finds those of the one before. One thread; the
 * caller supplies the monotonic time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/media/rumble_lease.h"
#include "core/wire/pf1_pads.h"
#include "host/input/input.h"
#include "host/pads/pads.h"

/* A pen that says nothing for so long is gone. */
#define PF_NATIVE_PEN_NS 200000000ull
/* Clients say each live pad every 100 ms: after this much of a session, a pad of the
 * one before that was not heard of is not there any more. */
#define PF_NATIVE_PADS_LATE_NS 2000000000ull

struct pf_native_pads {
	/* Set by the owner. */
	uint32_t setting;     /* pf_config_gamepad */
	unsigned can;	      /* pf_pads_can */
	bool screen;	      /* touch and pen reach what the client sees */
	uint8_t session_kind; /* pf_gamepad of the Hello */
	/* To the devices: 0 or an error; -EAGAIN: full, all is let go in its turn. */
	int (*post)(void *user, const struct pf_pad_event *ev);
	/* To the pointer, for fingers where no touch screen can be. */
	void (*pointer)(void *user, const struct pf_input_event *ev);
	/* This client plays the pad from now on: it should hear all that holds. */
	void (*again)(void *user, unsigned pad);
	void *user;

	uint16_t there; /* pads with a device; at first those of a session before */

	uint16_t ours;	      /* of these, what this client spoke of */
	uint16_t named;	      /* an arrival said the kind */
	uint16_t numbered;    /* a snapshot or removal said a number */
	uint16_t late_leaves; /* found the devices busy */
	uint64_t first_ns;    /* of the first snapshot */
	struct pf_native_pad {
		uint8_t wire_kind; /* as the arrival said */
		uint8_t seq;
		bool made; /* by us, of this kind: */
		enum pf_pad_kind kind;
		struct pf_pad_state state;
		uint32_t fingers, clicks; /* bit per finger and surface */
		/* What the client knows. */
		bool led_told, player_told, effect_told[2];
		uint8_t led[3], player, effect[2][PF_HID_TRIGGER];
		struct pf_rumble_level rumble;
	} pad[PF_PADS_MAX];
	struct pf_rumble_sender rumble;

	bool pen_numbered, pen_in, pen_down, eraser;
	uint16_t pen_seq;
	uint64_t pen_until_ns; /* 0 = it is not there */
	bool pointing;	       /* this finger is the pointer: */
	uint32_t finger;
};

/** Bits of pf_host_caps to promise. */
uint8_t pf_native_pads_caps(unsigned can, bool screen);
/** Which device stands for a pf_gamepad: the setting, the same, or the nearest. */
enum pf_pad_kind pf_native_pads_kind(uint32_t setting, unsigned can, uint8_t gamepad);
/** The pf_gamepad of such a device. */
uint8_t pf_native_pads_wire_kind(enum pf_pad_kind kind);
/** Takes one of the kinds 7 to 14; others are ignored. */
void pf_native_pads_input(
	struct pf_native_pads *p, const struct pf_input_event *ev, uint64_t now_ns);
void pf_native_pads_rich(struct pf_native_pads *p, const struct pf_rich *r, uint64_t now_ns);
/** Ends what is silent for too long. When to call next, for this and for the rumble;
 * UINT64_MAX = not. */
uint64_t pf_native_pads_tick(struct pf_native_pads *p, uint64_t now_ns);
/** Fingers and pen up. Makes touch screen and pen if they are not there: what comes
 * with the first touch comes too late for it. */
void pf_native_pads_lift(struct pf_native_pads *p);
/** The client may not play pads any more: they leave. */
void pf_native_pads_revoke(struct pf_native_pads *p);
/** Pads whose feedback this client can hear. */
uint16_t pf_native_pads_listening(const struct pf_native_pads *p);
/** Takes what a program said. Rumble goes to p->rumble; the rest gives 0 to 2 messages. */
unsigned pf_native_pads_feedback(struct pf_native_pads *p, const struct pf_pad_feedback *fb,
	struct pf_hid out[2], uint64_t now_ns);
