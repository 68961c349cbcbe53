/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* data_control.h - the clipboard of a seat, for programs without a window.
 *
 * Two protocols of one shape, ext-data-control 1 and its forerunner wlr-data-control
 * 1, that no Debian 12 package ships: descriptions for libwayland, written from the
 * protocols' facts, and one thin call per request that we use. The primary
 * selection is left alone. Calls run on the thread that owns the connection. */
#pragma once
#include <stdint.h>
#include "host/wayland/conn.h"

struct pf_data_manager;
struct pf_data_device;
struct pf_data_source;
struct pf_data_offer;

/* In the order of the wire: each struct is a dispatch table. Every slot is
 * mandatory. */
struct pf_data_device_listener {
	/* A new offer, whose formats follow before it is named by one of the next. */
	void (*data_offer)(void *user, struct pf_data_device *d, struct pf_data_offer *o);
	/* NULL = the clipboard is empty. The one before is to be destroyed. */
	void (*selection)(void *user, struct pf_data_device *d, struct pf_data_offer *o);
	void (*finished)(void *user, struct pf_data_device *d);
	void (*primary_selection)(void *user, struct pf_data_device *d, struct pf_data_offer *o);
};

struct pf_data_offer_listener {
	void (*offer)(void *user, struct pf_data_offer *o, const char *mime);
};

struct pf_data_source_listener {
	/* Somebody wants it; `fd` is the receiver's to close. */
	void (*send)(void *user, struct pf_data_source *s, const char *mime, int32_t fd);
	/* Another one took its place. */
	void (*cancelled)(void *user, struct pf_data_source *s);
};

/** The better of the two protocols that the compositor has, or NULL. */
struct pf_data_manager *pf_data_manager_bind(struct pf_wl *wl);
void pf_data_manager_destroy(struct pf_data_manager *m);
/** The next four: NULL = no memory. */
struct pf_data_device *pf_data_device_get(struct pf_data_manager *m, struct wl_seat *seat,
	const struct pf_data_device_listener *listener, void *user);
struct pf_data_source *pf_data_source_create(
	struct pf_data_manager *m, const struct pf_data_source_listener *listener, void *user);
/** Only before set_selection. */
void pf_data_source_offer(struct pf_data_source *s, const char *mime);
void pf_data_source_destroy(struct pf_data_source *s);
void pf_data_device_set_selection(struct pf_data_device *d, struct pf_data_source *s);
void pf_data_device_destroy(struct pf_data_device *d);
void pf_data_offer_listen(
	struct pf_data_offer *o, const struct pf_data_offer_listener *listener, void *user);
/** The data comes into `fd`, which stays the caller's. */
void pf_data_offer_receive(struct pf_data_offer *o, const char *mime, int fd);
void pf_data_offer_destroy(struct pf_data_offer *o);
