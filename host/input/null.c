/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "host/input/backends.h"
#include "host/sys/knobs.h"

struct null_input {
	struct pf_input base;
	pthread_mutex_t lock;
	struct pf_null_input_counts counts;
	uint8_t keys[256];
	uint8_t buttons[256];
	unsigned long full_after, posted;
};

static int null_open(
	struct pf_input **out, const struct pf_input_params *params, struct pf_reason *why)
{
	struct null_input *in;

	if (pf_knob_number(params->options, "fail-open", 0))
		return pf_reason_set(why, -EIO, "the null input failed, as asked");
	in = calloc(1, sizeof(*in));
	if (!in)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	in->base.ops = &null_input_ops;
	in->full_after = pf_knob_number(params->options, "full-after", ~0ul);
	pthread_mutex_init(&in->lock, NULL);
	*out = &in->base;
	return 0;
}

static void null_close(struct pf_input *input)
{
	struct null_input *in = (struct null_input *)input;

	if (!in)
		return;
	pthread_mutex_destroy(&in->lock);
	free(in);
}

static void hold(uint8_t *held, unsigned *count, uint32_t code, bool down)
{
	uint8_t *h = &held[code & 0xff];

	if (down && !*h)
		++*count;
	else if (!down && *h)
		--*count;
	*h = down;
}

static int null_post(struct pf_input *input, const struct pf_input_event *ev)
{
	struct null_input *in = (struct null_input *)input;
	struct pf_null_input_counts *c = &in->counts;
	int r = 0;

	pthread_mutex_lock(&in->lock);
	if (in->posted++ >= in->full_after) {
		c->dropped++;
		r = -EAGAIN;
	} else if (ev->kind >= PF_INPUT_KINDS) {
		c->unknown++;
	} else {
		c->kinds[ev->kind]++;
		if (ev->kind <= 1)
			hold(in->keys, &c->keys_held, ev->code, ev->kind == 0);
		else if (ev->kind == 4 || ev->kind == 5)
			hold(in->buttons, &c->buttons_held, ev->code, ev->kind == 4);
	}
	pthread_mutex_unlock(&in->lock);
	return r;
}

static void null_release_all(struct pf_input *input)
{
	struct null_input *in = (struct null_input *)input;

	pthread_mutex_lock(&in->lock);
	memset(in->keys, 0, sizeof(in->keys));
	memset(in->buttons, 0, sizeof(in->buttons));
	in->counts.keys_held = in->counts.buttons_held = 0;
	in->counts.releases++;
	pthread_mutex_unlock(&in->lock);
}

void pf_null_input_counts(struct pf_input *input, struct pf_null_input_counts *out)
{
	struct null_input *in = (struct null_input *)input;

	pthread_mutex_lock(&in->lock);
	*out = in->counts;
	pthread_mutex_unlock(&in->lock);
}

const struct pf_input_ops null_input_ops = {
	.name = "null",
	.target_kinds = 1u << PF_INPUT_NONE,
	.open = null_open,
	.close = null_close,
	.post = null_post,
	.release_all = null_release_all,
};
