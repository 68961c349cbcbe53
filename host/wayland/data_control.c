/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/wayland/data_control.h"
#include <stddef.h>

/* Signatures: s string, h fd, o object, n new object, ? nullable. */

enum { MANAGER_CREATE_SOURCE, MANAGER_GET_DEVICE, MANAGER_DESTROY };
enum { DEVICE_SET_SELECTION, DEVICE_DESTROY, DEVICE_SET_PRIMARY };
enum { SOURCE_OFFER, SOURCE_DESTROY };
enum { OFFER_RECEIVE, OFFER_DESTROY };

static const struct wl_interface *plain[2];

/* Of wlr-data-control, version 2 added what concerns the primary selection, and
 * nothing else: at version 1 that part of the tables stays unused. */
#define FAMILY(id, prefix)                                                                         \
	static const struct wl_interface id##_source, id##_offer, id##_device;                     \
	static const struct wl_interface *id##_create_types[] = { &id##_source };                  \
	static const struct wl_interface *id##_get_types[] = { &id##_device, &wl_seat_interface }; \
	static const struct wl_interface *id##_source_types[] = { &id##_source };                  \
	static const struct wl_interface *id##_offer_types[] = { &id##_offer };                    \
	static const struct wl_message id##_manager_requests[] = {                                 \
		[MANAGER_CREATE_SOURCE] = { "create_data_source", "n", id##_create_types },        \
		[MANAGER_GET_DEVICE] = { "get_data_device", "no", id##_get_types },                \
		[MANAGER_DESTROY] = { "destroy", "", plain },                                      \
	};                                                                                         \
	static const struct wl_interface id##_manager = { prefix "_manager_v1", 1, 3,              \
		id##_manager_requests, 0, NULL };                                                  \
	static const struct wl_message id##_device_requests[] = {                                  \
		[DEVICE_SET_SELECTION] = { "set_selection", "?o", id##_source_types },             \
		[DEVICE_DESTROY] = { "destroy", "", plain },                                       \
		[DEVICE_SET_PRIMARY] = { "set_primary_selection", "?o", id##_source_types },       \
	};                                                                                         \
	static const struct wl_message id##_device_events[] = {                                    \
		{ "data_offer", "n", id##_offer_types },                                           \
		{ "selection", "?o", id##_offer_types },                                           \
		{ "finished", "", plain },                                                         \
		{ "primary_selection", "?o", id##_offer_types },                                   \
	};                                                                                         \
	static const struct wl_interface id##_device = { prefix "_device_v1", 1, 3,                \
		id##_device_requests, 4, id##_device_events };                                     \
	static const struct wl_message id##_source_requests[] = {                                  \
		[SOURCE_OFFER] = { "offer", "s", plain },                                          \
		[SOURCE_DESTROY] = { "destroy", "", plain },                                       \
	};                                                                                         \
	static const struct wl_message id##_source_events[] = {                                    \
		{ "send", "sh", plain },                                                           \
		{ "cancelled", "", plain },                                                        \
	};                                                                                         \
	static const struct wl_interface id##_source = { prefix "_source_v1", 1, 2,                \
		id##_source_requests, 2, id##_source_events };                                     \
	static const struct wl_message id##_offer_requests[] = {                                   \
		[OFFER_RECEIVE] = { "receive", "sh", plain },                                      \
		[OFFER_DESTROY] = { "destroy", "", plain },                                        \
	};                                                                                         \
	static const struct wl_message id##_offer_events[] = { { "offer", "s", plain } };          \
	static const struct wl_interface id##_offer = { prefix "_offer_v1", 1, 2,                  \
		id##_offer_requests, 1, id##_offer_events };

FAMILY(ext, "ext_data_control")
FAMILY(wlr, "zwlr_data_control")

/* Proxies are opaque to us: the named types only keep callers apart. */
#define PROXY(obj) ((struct wl_proxy *)(obj))
#define SEND(obj, op, flags, ...)                                                                  \
	wl_proxy_marshal_flags(PROXY(obj), op, NULL, 1, flags, ##__VA_ARGS__)
#define MAKE(obj, op, interface, ...)                                                              \
	((void *)wl_proxy_marshal_flags(PROXY(obj), op, interface, 1, 0, __VA_ARGS__))

static bool is_ext(const struct pf_data_manager *m)
{
	return wl_proxy_get_user_data((struct wl_proxy *)m) == &ext_manager;
}

struct pf_data_manager *pf_data_manager_bind(struct pf_wl *wl)
{
	const struct wl_interface *which = &ext_manager;
	void *m = pf_wl_bind(wl, which, 1, 1);

	if (!m) {
		which = &wlr_manager;
		m = pf_wl_bind(wl, which, 1, 1);
	}
	/* Which of the two it is, for what is made from it. */
	if (m)
		wl_proxy_set_user_data(m, (void *)which);
	return m;
}

void pf_data_manager_destroy(struct pf_data_manager *m)
{
	SEND(m, MANAGER_DESTROY, WL_MARSHAL_FLAG_DESTROY);
}

struct pf_data_device *pf_data_device_get(struct pf_data_manager *m, struct wl_seat *seat,
	const struct pf_data_device_listener *listener, void *user)
{
	struct pf_data_device *d =
		MAKE(m, MANAGER_GET_DEVICE, is_ext(m) ? &ext_device : &wlr_device, NULL, seat);

	if (d)
		wl_proxy_add_listener(PROXY(d), (void (**)(void))listener, user);
	return d;
}

struct pf_data_source *pf_data_source_create(
	struct pf_data_manager *m, const struct pf_data_source_listener *listener, void *user)
{
	struct pf_data_source *s =
		MAKE(m, MANAGER_CREATE_SOURCE, is_ext(m) ? &ext_source : &wlr_source, NULL);

	if (s)
		wl_proxy_add_listener(PROXY(s), (void (**)(void))listener, user);
	return s;
}

void pf_data_source_offer(struct pf_data_source *s, const char *mime)
{
	SEND(s, SOURCE_OFFER, 0, mime);
}

void pf_data_source_destroy(struct pf_data_source *s)
{
	SEND(s, SOURCE_DESTROY, WL_MARSHAL_FLAG_DESTROY);
}

void pf_data_device_set_selection(struct pf_data_device *d, struct pf_data_source *s)
{
	SEND(d, DEVICE_SET_SELECTION, 0, s);
}

void pf_data_device_destroy(struct pf_data_device *d)
{
	SEND(d, DEVICE_DESTROY, WL_MARSHAL_FLAG_DESTROY);
}

void pf_data_offer_listen(
	struct pf_data_offer *o, const struct pf_data_offer_listener *listener, void *user)
{
	wl_proxy_add_listener(PROXY(o), (void (**)(void))listener, user);
}

void pf_data_offer_receive(struct pf_data_offer *o, const char *mime, int fd)
{
	SEND(o, OFFER_RECEIVE, 0, mime, fd);
}

void pf_data_offer_destroy(struct pf_data_offer *o)
{
	SEND(o, OFFER_DESTROY, WL_MARSHAL_FLAG_DESTROY);
}
