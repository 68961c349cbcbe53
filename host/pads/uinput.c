/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/pads/uinput.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "host/pads/node.h"

static int set_bits(int fd, const struct pf_uinput_desc *d)
{
	if (d->property >= 0 && ioctl(fd, UI_SET_PROPBIT, d->property))
		return -errno;
	if (ioctl(fd, UI_SET_EVBIT, EV_KEY))
		return -errno;
	for (const uint16_t *k = d->keys; *k; k++)
		if (ioctl(fd, UI_SET_KEYBIT, *k))
			return -errno;
	if (ioctl(fd, UI_SET_EVBIT, EV_ABS))
		return -errno;
	for (const struct pf_uinput_axis *a = d->axes; a->min || a->max; a++) {
		struct uinput_abs_setup s = {
			.code = a->code,
			.absinfo = {
				.minimum = a->min,
				.maximum = a->max,
				.fuzz = a->fuzz,
				.flat = a->flat,
				.resolution = a->resolution,
			},
		};

		if (ioctl(fd, UI_ABS_SETUP, &s))
			return -errno;
	}
	if (d->effects && ioctl(fd, UI_SET_EVBIT, EV_FF))
		return -errno;
	for (const uint16_t *f = d->effects; f && *f; f++)
		if (ioctl(fd, UI_SET_FFBIT, *f))
			return -errno;
	return 0;
}

int pf_uinput_open(struct pf_uinput *u, const struct pf_uinput_desc *desc, const char *client,
	const char *part, struct pf_reason *why)
{
	struct uinput_setup setup = { .id = desc->id, .ff_effects_max = desc->effects_max };
	char phys[64];
	int r;

	u->count = 0;
	u->fd = pf_pad_node_open("/dev/uinput", "uinput", why);
	if (u->fd < 0) {
		r = u->fd;
		u->fd = -1;
		return r;
	}
	pf_pad_node_phys(phys, sizeof(phys), client, part);
	snprintf(setup.name, sizeof(setup.name), "%s", desc->name);
	r = set_bits(u->fd, desc);
	if (!r && (ioctl(u->fd, UI_SET_PHYS, phys) || ioctl(u->fd, UI_DEV_SETUP, &setup) ||
			  ioctl(u->fd, UI_DEV_CREATE)))
		r = -errno;
	if (r) {
		close(u->fd);
		u->fd = -1;
		return pf_reason_set(why, r, "uinput refused \"%s\": %s", desc->name, strerror(-r));
	}
	return 0;
}

void pf_uinput_close(struct pf_uinput *u)
{
	if (u->fd < 0)
		return;
	(void)ioctl(u->fd, UI_DEV_DESTROY);
	close(u->fd);
	u->fd = -1;
}

void pf_uinput_add(struct pf_uinput *u, uint16_t type, uint16_t code, int32_t value)
{
	if (u->count == PF_UINPUT_BATCH - 1)
		pf_uinput_send(u);
	u->batch[u->count++] = (struct input_event){ .type = type, .code = code, .value = value };
}

int32_t pf_uinput_scale(float unit, int32_t max)
{
	if (!(unit > 0))
		return 0;
	return unit < 1 ? (int32_t)(unit * (float)max + 0.5f) : max;
}

void pf_uinput_send(struct pf_uinput *u)
{
	ssize_t n;

	if (!u->count)
		return;
	u->batch[u->count++] = (struct input_event){ .type = EV_SYN, .code = SYN_REPORT };
	/* The kernel takes a whole frame at once; it refuses only after a destroy. */
	n = write(u->fd, u->batch, u->count * sizeof(u->batch[0]));
	(void)n;
	u->count = 0;
}

void pf_uinput_discard(struct pf_uinput *u)
{
	struct input_event ev[16];

	while (read(u->fd, ev, sizeof(ev)) > 0)
		;
}
