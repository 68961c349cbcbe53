/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The gamepads of a desk. They belong to the desk, not to the display under it nor
 * to a session: a game that loses its pad seldom takes it back, and both a changed
 * mode and a client that comes back would cost it. */
#include <errno.h>
#include <stdlib.h>
#include "core/base/log.h"
#include "host/desk/desk_impl.h"
#include "host/pads/mail.h"
#include "host/pads/pads_impl.h"

struct pf_desk_pads {
	struct pf_desk *desk;
	struct pf_pads *set; /* NULL: it could not be made, which was said */
	struct pf_pad_mail mail;
	struct pf_loop_item item;
	uint16_t there;
	int error;
};

static void news(struct pf_loop_item *item)
{
	struct pf_desk_pads *p =
		(struct pf_desk_pads *)((char *)item - offsetof(struct pf_desk_pads, item));
	struct pf_desk *d = p->desk;

	pf_pad_mail_come(&p->mail);
	if (d->events && d->events->pad_feedback)
		d->events->pad_feedback(d->user);
}

/* On the set's thread. */
static void on_feedback(void *user, const struct pf_pad_feedback *fb)
{
	struct pf_desk_pads *p = user;

	if (pf_pad_mail_put(&p->mail, fb))
		pf_loop_post_item(p->desk->m->params.loop, &p->item);
}

static int open_pads(struct pf_desk *d)
{
	struct pf_desk_pads *p = calloc(1, sizeof(*p));
	struct pf_pads_params params = {
		.name = d->client_name,
		.feedback = on_feedback,
		.user = p,
	};
	struct pf_reason why = { 0 };

	if (!p)
		return -ENOMEM;
	p->desk = d;
	p->item.run = news;
	pf_pad_mail_init(&p->mail);
	p->error = d->m->params.pads ? pf_pads_open_with(&p->set, &params, d->m->params.pads, &why)
				     : pf_pads_open(&p->set, &params, &why);
	if (p->error)
		pf_log(PF_LOG_WARN, "desk", "%s: no gamepads: %s", d->name, why.text);
	d->pads = p;
	return 0;
}

int pf_desk_pad(struct pf_desk *d, const struct pf_pad_event *ev)
{
	const uint16_t bit = (uint16_t)(1u << ev->pad % PF_PADS_MAX);
	struct pf_desk_pads *p;
	int r;

	if (d->ending)
		return -ENODEV;
	r = d->pads ? 0 : open_pads(d);
	if (r)
		return r;
	p = d->pads;
	/* What was told to another pad of this number; the new one may speak at once. */
	if (!(p->there & bit))
		pf_pad_mail_forget(&p->mail, ev->pad);
	r = p->error ? p->error : pf_pads_post(p->set, ev);
	if (r)
		return r;
	if (ev->kind == PF_PAD_LEAVE)
		p->there &= (uint16_t)~bit;
	else if (ev->kind == PF_PAD_ARRIVE || ev->kind == PF_PAD_STATE)
		p->there |= bit;
	return 0;
}

bool pf_desks_read_devices(const struct pf_desks *m)
{
	return m->params.display->map_device;
}

unsigned pf_desks_pads_can(const struct pf_desks *m)
{
	return m->params.pads ? PF_PADS_CAN_UINPUT | PF_PADS_CAN_UHID : pf_pads_can(NULL);
}

uint16_t pf_desk_pads(const struct pf_desk *d)
{
	return d->pads ? d->pads->there : 0;
}

bool pf_desk_pad_feedback(struct pf_desk *d, uint16_t pads, struct pf_pad_feedback *out)
{
	return d->pads && pf_pad_mail_take(&d->pads->mail, pads, out);
}

void pf_desk_pad_again(struct pf_desk *d, unsigned pad)
{
	if (d->pads)
		pf_pad_mail_again(&d->pads->mail, pad);
}

void pf_desk_pads_release(struct pf_desk *d)
{
	const struct pf_pad_event up = { .kind = PF_PAD_RELEASE_ALL };

	if (d->pads && d->pads->set && !d->ending)
		(void)pf_pads_post(d->pads->set, &up);
}

void pf_desk_pads_close(struct pf_desk *d)
{
	if (!d->pads)
		return;
	pf_pads_close(d->pads->set);
	d->pads->set = NULL;
}

void pf_desk_pads_free(struct pf_desk *d)
{
	if (!d->pads)
		return;
	pf_pad_mail_finish(&d->pads->mail);
	free(d->pads);
}
