/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* display.h - a virtual output of exactly the client's mode.
 *
 * open() makes the output and says where its picture can be taken (source) and
 * where input goes (input target); capture and input open from these two alone,
 * each on a connection of its own. A display lives as long as its desk. All
 * calls on the control loop's worker: open may block for some 100 ms. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "host/frame.h"

struct pf_mode {
	uint32_t width, height; /* pixels */
	uint32_t refresh_mhz;	/* thousandths of Hz */
};

static inline bool pf_mode_equal(const struct pf_mode *a, const struct pf_mode *b)
{
	return a->width == b->width && a->height == b->height && a->refresh_mhz == b->refresh_mhz;
}

enum pf_source_kind {
	PF_SOURCE_NONE,
	PF_SOURCE_WAYLAND,  /* wayland_socket + output_name */
	PF_SOURCE_PIPEWIRE, /* pipewire_fd + node */
	PF_SOURCE_PATTERN,  /* nothing: the capture draws the picture itself */
};

/* Where capture takes the picture from. Strings are absolute socket paths or
 * names, owned by the display. */
struct pf_source {
	enum pf_source_kind kind;
	const char *wayland_socket; /* absolute path */
	const char *output_name;    /* wl_output name, e.g. "HEADLESS-1" */
	int pipewire_fd;
	uint32_t node;
	struct pf_mode mode; /* what the source must deliver */
	/* "key=value,..." for the null and pattern captures (capture/backends.h), or
	 * NULL. */
	const char *options;
};

enum pf_input_kind {
	PF_INPUT_NONE,
	PF_INPUT_WAYLAND, /* wayland_socket + output_name */
	PF_INPUT_DBUS,	  /* session path + stream */
	PF_INPUT_EIS,	  /* fd */
};

/* Where input goes. */
struct pf_input_target {
	enum pf_input_kind kind;
	const char *wayland_socket;
	const char *output_name;
	const char *dbus_path;
	const char *stream;
	int eis_fd;
	struct pf_rect rect; /* the output in the layout */
};

struct pf_display_params {
	struct pf_mode mode;
	/* Private 0700 XDG_RUNTIME_DIR of the desk (absolute path); backends that
	 * start a compositor put its sockets there. */
	const char *runtime_dir;
	const char *log_dir; /* where children's output goes, NULL = /dev/null */
	/* Backends that attach to the user's own session: its Wayland socket, or
	 * NULL to look in the environment. */
	const char *session_socket;
	bool xwayland;
	/* The backend's own "key=value,key=value", or NULL. See its header. */
	const char *options;
};

struct pf_display;

struct pf_display_ops {
	const char *name;
	/* Mandatory. Says whether open could work here: 0, or a negative errno with
	 * the words (e.g. the package to install). Cheap, no side effects. */
	int (*probe)(const struct pf_display_params *params, struct pf_reason *why);
	/* Mandatory. On failure leaves *out alone and fills why. */
	int (*open)(struct pf_display **out, const struct pf_display_params *params,
		struct pf_reason *why);
	/* Mandatory. Accepts NULL and half-built objects; all children are gone after. */
	void (*close)(struct pf_display *d);
	/* Optional: NULL means the caller reopens. Changes the mode in place; the
	 * source's mode follows only when the output really has it. */
	int (*set_mode)(struct pf_display *d, const struct pf_mode *mode, struct pf_reason *why);
	/* Mandatory. Borrowed until close or set_mode. */
	const struct pf_source *(*source)(struct pf_display *d);
	const struct pf_input_target *(*input_target)(struct pf_display *d);
	/* Optional: environment (NULL-ended "K=V" list, owned by the display) that
	 * an application needs to appear on this display. */
	const char *const *(*app_env)(struct pf_display *d);
	/* Optional: its compositor reads the kernel's input devices, and from now on what
	 * touches such a one touches this output. NULL: it reads none. */
	int (*map_device)(struct pf_display *d, uint16_t vendor, uint16_t product, const char *name,
		struct pf_reason *why);
	/* Optional: a descriptor that becomes readable when the display died. */
	int (*death_fd)(struct pf_display *d);
	/* Optional: whoever has it can be opened before anyone asks, as nothing of it
	 * shows anywhere. At rest it uses no processor, death_fd still tells, and only
	 * memory_kib, rest(false) and close may be called. Any thread, does not block. */
	void (*rest)(struct pf_display *d, bool rest);
	/* Optional: what it takes besides the host's own memory; 0 = not known. */
	uint64_t (*memory_kib)(struct pf_display *d);
};

struct pf_display {
	const struct pf_display_ops *ops;
};

/** NULL-ended, best first: take the first whose probe says 0, but "null" and
 * "pattern" only by name. */
const struct pf_display_ops *const *pf_display_backends(void);
/** The named backend, or NULL. */
const struct pf_display_ops *pf_display_find(const char *name);
/** Rounds a client's mode to what displays make: sizes even and 2..16384,
 * refresh 1..1000 Hz. 0, or -EINVAL with the words. */
int pf_mode_check(struct pf_mode *mode, struct pf_reason *why);
