/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* conn.h - one connection to a compositor.
 *
 * Knows the globals and follows the outputs; binds the rest on request. Every
 * wait has a time-out: a hung compositor must not hang the host. A connection
 * belongs to one thread at a time; only pf_wl_open may be called anywhere. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <wayland-client.h>
#include "core/base/reason.h"
#include "host/frame.h"

#define PF_WL_OUTPUTS 16
#define PF_WL_GLOBALS 256

struct pf_wl_output {
	struct pf_wl *wl;
	struct wl_output *proxy; /* NULL = unused slot */
	uint32_t global;
	char name[64];	      /* empty below wl_output version 4 */
	struct pf_rect rect;  /* place in the layout, size of the current mode */
	uint32_t refresh_mhz; /* of the current mode, 0 = unknown */
	bool complete;	      /* the compositor said `done` */
};

struct pf_wl_global {
	uint32_t name, version; /* version 0 = gone */
	char interface[48];
};

struct pf_wl {
	struct wl_display *display;
	struct wl_registry *registry;
	struct pf_wl_output outputs[PF_WL_OUTPUTS];
	struct pf_wl_global globals[PF_WL_GLOBALS];
	unsigned global_count;
	pid_t peer; /* the compositor's process */
};

/** A bare connection to the socket (absolute path) and the process behind it, or
 * a negative errno with the words. */
int pf_wl_connect(const char *socket, pid_t *peer, struct pf_reason *why);
/** Connects to the socket (absolute path) and learns globals and outputs.
 * -ENOENT, -ECONNREFUSED, -ETIMEDOUT, ... with the words. */
int pf_wl_open(struct pf_wl **out, const char *socket, unsigned timeout_ms, struct pf_reason *why);
/** Accepts NULL. Objects bound by the caller must be destroyed before. */
void pf_wl_close(struct pf_wl *wl);
/** Binds a global at the lower of its and `version`. NULL if it is not there or
 * older than `min_version`. */
void *pf_wl_bind(struct pf_wl *wl, const struct wl_interface *interface, uint32_t min_version,
	uint32_t version);
/** True while the compositor offers a global of that interface. */
bool pf_wl_has(const struct pf_wl *wl, const char *interface);
/** The complete output of that name; the first complete one if `name` is NULL.
 * NULL if there is none. */
struct pf_wl_output *pf_wl_find_output(struct pf_wl *wl, const char *name);
/** Waits until all requests so far were answered. -ETIMEDOUT, -EPIPE. */
int pf_wl_roundtrip(struct pf_wl *wl, unsigned timeout_ms);

/** Waits until the named output has that size and rate. -ETIMEDOUT, -EPIPE, with
 * the words. */
int pf_wl_await_mode(struct pf_wl *wl, const char *name, uint32_t width, uint32_t height,
	uint32_t refresh_mhz, unsigned timeout_ms, struct pf_reason *why);

/** Waits until everything queued is sent. A compositor that reads too slowly fills
 * the socket, and libwayland ends the connection if a request then finds no room:
 * call this at least every PF_WL_BURST requests. -ETIMEDOUT, -EPIPE. */
int pf_wl_flush(struct pf_wl *wl, unsigned timeout_ms);
#define PF_WL_BURST 64 /* requests of up to 40 bytes in libwayland's 4 KiB */

#define PF_WL_EXTRA 1 /* the extra descriptor is readable */
/** Sends what is queued, waits for events or `extra_fd` (-1 = none) at most
 * `timeout_ms` (-1 = for ever), and dispatches. PF_WL_EXTRA or 0; -EPIPE when
 * the compositor is gone, -EPROTO when it refused what we sent. */
int pf_wl_wait(struct pf_wl *wl, int extra_fd, int timeout_ms);
