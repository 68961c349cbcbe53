/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* none.c - a build without Wayland has no clipboard to share. */
#include <errno.h>
#include <stdlib.h>
#include "host/clipboard/clipboard.h"

int pf_clipboard_open(struct pf_clipboard **out, const char *socket,
	const struct pf_clipboard_events *events, void *user, struct pf_reason *why)
{
	return pf_reason_set(why, -ENOTSUP, "this build has no Wayland and so no clipboard");
}

void pf_clipboard_close(struct pf_clipboard *c) {}

void pf_clipboard_offer(struct pf_clipboard *c, const struct pf_clip_local *l) {}

void pf_clipboard_read(struct pf_clipboard *c, uint32_t id, uint32_t serial, const char *name) {}

void pf_clipboard_cancel(struct pf_clipboard *c, uint32_t id) {}

void pf_clipboard_give(struct pf_clipboard *c, uint32_t gift, uint8_t *data, size_t len)
{
	free(data);
}
