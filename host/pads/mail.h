/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* mail.h - what programs tell gamepads, on its way to whoever speaks to the client.
 *
 * Keeps the newest of each kind for each pad: whoever reads slowly misses what was
 * in between, never the last word. What was read stays known, so that a client
 * that comes back can hear it again. Any thread; one reader. */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "host/pads/pads.h"

#define PF_PAD_MAIL_SLOTS (PF_PAD_FB_MOTION + 2) /* both sensors have one */

struct pf_pad_mail {
	pthread_mutex_t lock;
	bool called; /* the reader is told and has not come yet */
	uint16_t known[PF_PAD_MAIL_SLOTS], unread[PF_PAD_MAIL_SLOTS]; /* a bit per pad */
	struct pf_pad_feedback latest[PF_PADS_MAX][PF_PAD_MAIL_SLOTS];
};

void pf_pad_mail_init(struct pf_pad_mail *m);
void pf_pad_mail_finish(struct pf_pad_mail *m);
/** Replaces what is known. True: call the reader, who is not on his way. */
bool pf_pad_mail_put(struct pf_pad_mail *m, const struct pf_pad_feedback *fb);
/** The reader came: the next news call him again. */
void pf_pad_mail_come(struct pf_pad_mail *m);
/** One of those unread, of the pads in the mask. False: there is none. */
bool pf_pad_mail_take(struct pf_pad_mail *m, uint16_t pads, struct pf_pad_feedback *out);
/** All that is known of a pad is unread. */
void pf_pad_mail_again(struct pf_pad_mail *m, unsigned pad);
/** The pad is gone, or another one. */
void pf_pad_mail_forget(struct pf_pad_mail *m, unsigned pad);
