/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pads.h - gamepads, fingers and a pen, as a script has them, and what pads are told.
 *
 *     pad N arrive KIND                           a number, or xbox360 xboxone dualsense ds4
 *     pad N state BUTTONS [LT RT LX LY RX RY]     0x1000 is A; 0-255; -32768-32767
 *     pad N touch FINGER X Y | lift FINGER        0-1 of its surface
 *     pad N motion GX GY GZ AX AY AZ              degrees a second, g
 *     pad N leave
 *     touch ID down|move|up X Y                   pixels of the video
 *     pen over|down|out X Y [PRESSURE [eraser]]   0-1 of the video; 0-1
 * Plain data: the input thread acts, the event thread hears. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "punktfunk_core.h"

#define PF_PROBE_PADS 16

struct pf_pad_act {
	enum {
		PF_ACT_ARRIVE,
		PF_ACT_STATE,
		PF_ACT_TOUCH,
		PF_ACT_MOTION,
		PF_ACT_LEAVE,
		PF_ACT_FINGER,
		PF_ACT_PEN,
	} what;
	uint32_t pad, gamepad;
	union {
		PunktfunkPadState state;
		PunktfunkPadTouch touch;
		PunktfunkPadMotion motion;
		PunktfunkInputEvent finger;
		PunktfunkPenSample pen;
	};
};

/* What pads were told. */
struct pf_pads_heard {
	struct {
		unsigned rumbles, lights, players, effects, reports;
		uint16_t rumble[4]; /* now: low, high, left and right trigger */
		uint16_t rumble_max[4];
		uint32_t light;
		uint8_t player;
		uint8_t effect_len[2], effect[2][11]; /* L2, R2 */
	} pad[PF_PROBE_PADS];
};

/** A line behind its verb. 0, 1: it is none of ours, or -EINVAL. */
int pf_pads_parse(struct pf_pad_act *out, const char *verb, const char *words);
/** Does it, for a video of that size; the library's answer. */
int pf_pads_do(
	const struct pf_pad_act *a, PunktfunkConnection *conn, uint32_t width, uint32_t height);
/** Takes events of pads, ignores others. */
void pf_pads_event(struct pf_pads_heard *h, const PunktfunkEvent *e);
/** A JSON array of the pads that were told something. */
void pf_pads_json(const struct pf_pads_heard *h, FILE *out);
/** A line for each of them. */
void pf_pads_print(const struct pf_pads_heard *h, FILE *out);
