/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* window.h - a Wayland window with three shared-memory buffers.
 *
 * Three, because a compositor may hold two. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/wayland/conn.h"
#include "tools/pattern/picture.h"
#include "tools/pattern/report.h"

#define PF_WINDOW_BUFFERS 3

struct pf_window_params {
	const char *output;	/* full screen there; NULL = the compositor's choice */
	uint32_t width, height; /* no larger than this and not full screen; 0 = full screen */
	enum pf_content content;
};

struct pf_window_buffer {
	struct wl_buffer *proxy;
	uint32_t *px;
	size_t bytes;
	bool busy;  /* the compositor's */
	bool drawn; /* px holds frame `number` */
	uint32_t number;
};

struct pf_window {
	struct pf_wl *wl;
	struct pf_window_params params;
	struct pf_report *report;
	struct pf_pattern picture;
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	struct xdg_wm_base *wm_base;
	struct wl_surface *surface;
	struct xdg_surface *xdg_surface;
	struct xdg_toplevel *toplevel;
	struct wl_callback *callback; /* pending frame callback */
	struct wl_output *on;	      /* last entered */
	struct pf_window_buffer buffers[PF_WINDOW_BUFFERS];
	uint32_t want_width, want_height; /* of the configure under way */
	uint32_t number;		  /* of the next frame */
	bool configured, resized, closed, may_draw;
};

/** Makes the window on an open connection; 0 or a negative errno with the words. */
int pf_window_open(struct pf_window *w, struct pf_wl *wl, const struct pf_window_params *params,
	struct pf_report *report, struct pf_reason *why);
void pf_window_close(struct pf_window *w);
/** Draws and commits the next frame; false if all buffers are held. */
bool pf_window_draw(struct pf_window *w);
/** Copies what the output says about its mode into the report. */
void pf_window_report_mode(struct pf_window *w);
