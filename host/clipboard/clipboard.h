/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* clipboard.h - the clipboard of a desk: what its programs offer, and an offer of
 * ours to them.
 *
 * One thread with a connection of its own to the compositor; calls copy what they
 * are given and hand it to that thread. Events come on it, and must not call
 * pf_clipboard_close. An offer of ours is never told as one of a program's. Data is
 * pulled when somebody asks, at most PF_CLIPBOARD_BYTES_MAX a time within a minute. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "host/clipboard/formats.h"

#define PF_CLIPBOARD_BYTES_MAX (64u << 20)
#define PF_CLIPBOARD_READS     4 /* at once; more fail */
#define PF_CLIPBOARD_GIFTS     8

struct pf_clipboard;

/* Every slot is mandatory. */
struct pf_clipboard_events {
	/* Once, first: it works (NULL), or why not. In the second case, and when the
	 * compositor goes away later (then a second time), nothing follows. */
	void (*state)(void *user, const struct pf_reason *why);
	/* A program offers this; count 0 = the clipboard is empty. */
	void (*selection)(void *user, uint32_t serial, const struct pf_clip_local *l);
	/* A program wants our offer as `name`: pf_clipboard_give is due. */
	void (*wanted)(void *user, uint32_t gift, const char *name);
	/* pf_clipboard_read is over: 0 and `data`, the receiver's to free; -ESTALE, -EBUSY,
	 * -EMSGSIZE, -ETIMEDOUT, -ECANCELED, ... */
	void (*read)(void *user, uint32_t id, int result, uint8_t *data, size_t len);
};

/** Starts; `state` follows. `socket` is the compositor's (absolute path), copied. */
int pf_clipboard_open(struct pf_clipboard **out, const char *socket,
	const struct pf_clipboard_events *events, void *user, struct pf_reason *why);
/** No event comes once it returns. May block for some 100 ms. Accepts NULL. */
void pf_clipboard_close(struct pf_clipboard *c);

/* Any thread; without memory for it, a call is as if it had failed later. */

/** Takes the clipboard with these names; count 0 gives it back if it is ours. */
void pf_clipboard_offer(struct pf_clipboard *c, const struct pf_clip_local *l);
/** Reads the selection `serial` as `name`; `id` is the caller's name for it. */
void pf_clipboard_read(struct pf_clipboard *c, uint32_t id, uint32_t serial, const char *name);
void pf_clipboard_cancel(struct pf_clipboard *c, uint32_t id);
/** What was wanted; takes `data` over, NULL = there is none. */
void pf_clipboard_give(struct pf_clipboard *c, uint32_t gift, uint8_t *data, size_t len);
