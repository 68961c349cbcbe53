/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* uhid_watch.h - who reads a pad of ours: opens and closes of the nodes that the
 * kernel made of it, its hidraw node and the event node of its motion sensors.
 *
 * The drivers of these pads keep the device itself open for good, so UHID_OPEN
 * says nothing of programs; inotify on the nodes does. It needs no right but to
 * read the node. Equal events that come before the first one is read are one, so
 * two programs that open a node within some 50 us count as one. */
#pragma once
#include <stdbool.h>
#include "host/pads/uhid.h"

struct pf_uhid_watch {
	int fd; /* inotify; becomes readable */
	char uniq[18];
	struct pf_uhid_paths paths;
	struct pf_uhid_node {
		int wd;		  /* below 0: not watched yet */
		int err;	  /* why not */
		unsigned readers; /* as far as seen */
	} hidraw, motion;
	bool lost; /* one that was watched is gone; the caller clears it */
};

/** For the device whose input devices have that `uniq`. 0 or -errno of inotify. */
int pf_uhid_watch_init(
	struct pf_uhid_watch *w, const char *uniq, const struct pf_uhid_paths *paths);
void pf_uhid_watch_finish(struct pf_uhid_watch *w);
/** Looks for nodes that are not watched yet; true if one was found. */
bool pf_uhid_watch_attach(struct pf_uhid_watch *w);
/** Takes what inotify has; true if hidraw was opened. A node goes when another driver
 * takes the device, and that one makes its own. */
bool pf_uhid_watch_read(struct pf_uhid_watch *w);
