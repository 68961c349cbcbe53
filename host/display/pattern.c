/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host/display/backends.h"
#include "host/sys/knobs.h"

struct pattern_display {
	struct pf_display base;
	struct pf_source source;
	struct pf_input_target target;
	char *options;
};

static int pattern_probe(const struct pf_display_params *params, struct pf_reason *why)
{
	return 0;
}

static void pattern_close(struct pf_display *display)
{
	struct pattern_display *d = (struct pattern_display *)display;

	if (!d)
		return;
	free(d->options);
	free(d);
}

/* With "width=W,height=H" a screen that has a size of its own. */
static void take_mode(struct pattern_display *d, const struct pf_mode *asked)
{
	struct pf_mode own = { (uint32_t)pf_knob_number(d->options, "width", asked->width),
		(uint32_t)pf_knob_number(d->options, "height", asked->height), asked->refresh_mhz };
	const struct pf_mode *mode = pf_mode_check(&own, NULL) ? asked : &own;

	d->source.mode = *mode;
	d->target.rect = (struct pf_rect){ 0, 0, (int32_t)mode->width, (int32_t)mode->height };
}

static int pattern_open(
	struct pf_display **out, const struct pf_display_params *params, struct pf_reason *why)
{
	struct pf_mode mode = params->mode;
	struct pattern_display *d;
	int r = pf_mode_check(&mode, why);

	if (r)
		return r;
	d = calloc(1, sizeof(*d));
	if (!d)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	d->base.ops = &pattern_display_ops;
	d->options = strdup(params->options ? params->options : "");
	if (!d->options) {
		pattern_close(&d->base);
		return pf_reason_set(why, -ENOMEM, "out of memory");
	}
	d->source = (struct pf_source){
		.kind = PF_SOURCE_PATTERN, .pipewire_fd = -1, .options = d->options
	};
	d->target = (struct pf_input_target){ .kind = PF_INPUT_NONE, .eis_fd = -1 };
	take_mode(d, &mode);
	*out = &d->base;
	return 0;
}

static int pattern_set_mode(
	struct pf_display *display, const struct pf_mode *mode, struct pf_reason *why)
{
	struct pf_mode m = *mode;
	int r = pf_mode_check(&m, why);

	if (r)
		return r;
	take_mode((struct pattern_display *)display, &m);
	return 0;
}

static const struct pf_source *pattern_source(struct pf_display *display)
{
	return &((struct pattern_display *)display)->source;
}

static const struct pf_input_target *pattern_input_target(struct pf_display *display)
{
	return &((struct pattern_display *)display)->target;
}

const struct pf_display_ops pattern_display_ops = {
	.name = "pattern",
	.probe = pattern_probe,
	.open = pattern_open,
	.close = pattern_close,
	.set_mode = pattern_set_mode,
	.source = pattern_source,
	.input_target = pattern_input_target,
};
