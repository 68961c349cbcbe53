/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* backends.h - the display backends, for the registry in display.c only. */
#pragma once
#include "host/display/display.h"

/* A private sway child per display. */
extern const struct pf_display_ops wlroots_display_ops;
/* The user's own running sway or other wlroots compositor. */
extern const struct pf_display_ops session_display_ops;
/* No picture at all, with fault knobs. Options, all optional:
 *   fail-open=N   open fails at its step N (1..3)
 *   delay-ms=N    open takes that long
 *   fail-mode=1   set_mode fails
 *   die-ms=N      death_fd becomes readable so long after open */
extern const struct pf_display_ops null_display_ops;
/* No compositor: the pattern capture draws the picture. Its options go to the
 * source (host/capture/backends.h). */
extern const struct pf_display_ops pattern_display_ops;
