/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* report.h - what the pattern client drew and received, as JSON.
 *
 * Written whole by rename, while it runs and at its end, so that a test may read
 * it at any time. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_REPORT_TEXT 4096
#define PF_REPORT_KEYS 512

struct pf_report {
	uint64_t frames_drawn;
	uint32_t width, height; /* of the surface */
	char output[64];	/* that shows it */
	uint32_t mode_width, mode_height, mode_mhz;
	bool keyboard_focus, pointer_focus;
	uint64_t keys_pressed, keys_released, buttons_pressed, buttons_released, motions, scrolls;
	uint32_t mods;		     /* effective, of the keyboard's last modifiers event */
	double pointer_x, pointer_y; /* surface coordinates, the last */
	double scroll_x, scroll_y;   /* sums of axis values, +y down */
	int64_t steps_x, steps_y;    /* sums of discrete steps, +y down */
	uint32_t last_button;
	char text[PF_REPORT_TEXT]; /* UTF-8 of the keys pressed, as the keymap says */
	unsigned text_bytes;
	struct {
		uint32_t code; /* evdev */
		bool pressed;
	} keys[PF_REPORT_KEYS]; /* the first ones */
	unsigned key_count;
};

/** Events that came from the seat, of any kind. */
uint64_t pf_report_input_events(const struct pf_report *r);
/** Writes the file; 0 or a negative errno. */
int pf_report_write(const struct pf_report *r, const char *path);
