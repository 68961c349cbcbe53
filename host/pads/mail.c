/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/pads/mail.h"
#include <string.h>

void pf_pad_mail_init(struct pf_pad_mail *m)
{
	memset(m, 0, sizeof(*m));
	pthread_mutex_init(&m->lock, NULL);
}

void pf_pad_mail_finish(struct pf_pad_mail *m)
{
	pthread_mutex_destroy(&m->lock);
}

static unsigned slot_of(const struct pf_pad_feedback *fb)
{
	return fb->kind + (fb->kind == PF_PAD_FB_MOTION && fb->motion.gyro);
}

/* Effects of the side that the newer one leaves alone stay. */
static void keep_sides(struct pf_pad_feedback *now, const struct pf_pad_feedback *before)
{
	if (!now->triggers.set_left && before->triggers.set_left) {
		now->triggers.set_left = true;
		memcpy(now->triggers.left, before->triggers.left, sizeof(now->triggers.left));
	}
	if (!now->triggers.set_right && before->triggers.set_right) {
		now->triggers.set_right = true;
		memcpy(now->triggers.right, before->triggers.right, sizeof(now->triggers.right));
	}
}

bool pf_pad_mail_put(struct pf_pad_mail *m, const struct pf_pad_feedback *fb)
{
	struct pf_pad_feedback copy = *fb;
	const unsigned slot = slot_of(fb);
	bool call;

	if (fb->pad >= PF_PADS_MAX || slot >= PF_PAD_MAIL_SLOTS)
		return false;
	pthread_mutex_lock(&m->lock);
	if (fb->kind == PF_PAD_FB_TRIGGERS && m->known[slot] >> fb->pad & 1)
		keep_sides(&copy, &m->latest[fb->pad][slot]);
	m->latest[fb->pad][slot] = copy;
	m->known[slot] |= (uint16_t)(1u << fb->pad);
	m->unread[slot] |= (uint16_t)(1u << fb->pad);
	call = !m->called;
	m->called = true;
	pthread_mutex_unlock(&m->lock);
	return call;
}

void pf_pad_mail_come(struct pf_pad_mail *m)
{
	pthread_mutex_lock(&m->lock);
	m->called = false;
	pthread_mutex_unlock(&m->lock);
}

bool pf_pad_mail_take(struct pf_pad_mail *m, uint16_t pads, struct pf_pad_feedback *out)
{
	bool found = false;

	pthread_mutex_lock(&m->lock);
	for (unsigned slot = 0; slot < PF_PAD_MAIL_SLOTS && !found; slot++) {
		const unsigned of = m->unread[slot] & pads;

		if (!of)
			continue;
		*out = m->latest[__builtin_ctz(of)][slot];
		m->unread[slot] &= (uint16_t) ~(of & -of);
		found = true;
	}
	pthread_mutex_unlock(&m->lock);
	return found;
}

void pf_pad_mail_again(struct pf_pad_mail *m, unsigned pad)
{
	pthread_mutex_lock(&m->lock);
	for (unsigned slot = 0; slot < PF_PAD_MAIL_SLOTS; slot++)
		m->unread[slot] |= m->known[slot] & (uint16_t)(1u << pad);
	pthread_mutex_unlock(&m->lock);
}

void pf_pad_mail_forget(struct pf_pad_mail *m, unsigned pad)
{
	pthread_mutex_lock(&m->lock);
	for (unsigned slot = 0; slot < PF_PAD_MAIL_SLOTS; slot++) {
		m->known[slot] &= (uint16_t) ~(1u << pad);
		m->unread[slot] &= (uint16_t) ~(1u << pad);
	}
	pthread_mutex_unlock(&m->lock);
}
