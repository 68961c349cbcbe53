/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* seat.h - counts what the seat sends to our window. One thread. */
#pragma once
#include "host/wayland/conn.h"
#include "tools/pattern/report.h"

struct pf_seat {
	struct pf_report *report;
	struct wl_seat *seat;
	struct wl_keyboard *keyboard;
	struct wl_pointer *pointer;
	struct xkb_context *xkb;
	struct xkb_keymap *keymap;
	struct xkb_state *state;
};

/** Follows the compositor's seat; without one it just counts nothing. */
void pf_seat_open(struct pf_seat *s, struct pf_wl *wl, struct pf_report *report);
void pf_seat_close(struct pf_seat *s);
