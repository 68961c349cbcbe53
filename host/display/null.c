/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "host/display/backends.h"
#include "host/sys/knobs.h"

struct null_display {
	struct pf_display base;
	struct pf_source source;
	struct pf_input_target target;
	char *options;
	bool fail_mode;
	_Atomic bool resting;
	int death; /* a timer */
};

static struct timespec from_ms(unsigned long ms)
{
	return (struct timespec){ .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };
}

static int null_probe(const struct pf_display_params *params, struct pf_reason *why)
{
	return 0;
}

static void null_close(struct pf_display *display)
{
	struct null_display *d = (struct null_display *)display;

	if (!d)
		return;
	if (d->death >= 0)
		close(d->death);
	free(d->options);
	free(d);
}

static int null_open(
	struct pf_display **out, const struct pf_display_params *params, struct pf_reason *why)
{
	const unsigned long fail = pf_knob_number(params->options, "fail-open", 0);
	const struct timespec delay = from_ms(pf_knob_number(params->options, "delay-ms", 0));
	struct itimerspec die = { .it_value =
					  from_ms(pf_knob_number(params->options, "die-ms", 0)) };
	struct pf_mode mode = params->mode;
	struct null_display *d;
	int r = pf_mode_check(&mode, why);

	if (r)
		return r;
	nanosleep(&delay, NULL);
	if (fail == 1)
		return pf_reason_set(why, -EIO, "the null display failed at step 1, as asked");
	d = calloc(1, sizeof(*d));
	if (!d)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	d->base.ops = &null_display_ops;
	d->death = -1;
	d->options = strdup(params->options ? params->options : "");
	if (!d->options) {
		r = pf_reason_set(why, -ENOMEM, "out of memory");
		goto fail;
	}
	if (fail == 2) {
		r = pf_reason_set(why, -EIO, "the null display failed at step 2, as asked");
		goto fail;
	}
	d->death = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->death < 0 || timerfd_settime(d->death, 0, &die, NULL) < 0) {
		r = pf_reason_set(why, -errno, "cannot make a timer: %s", strerror(errno));
		goto fail;
	}
	if (fail == 3) {
		r = pf_reason_set(why, -EIO, "the null display failed at step 3, as asked");
		goto fail;
	}
	d->fail_mode = pf_knob_number(params->options, "fail-mode", 0) != 0;
	d->source = (struct pf_source){
		.kind = PF_SOURCE_NONE, .pipewire_fd = -1, .mode = mode, .options = d->options
	};
	d->target = (struct pf_input_target){ .kind = PF_INPUT_NONE,
		.eis_fd = -1,
		.rect = { 0, 0, (int32_t)mode.width, (int32_t)mode.height } };
	*out = &d->base;
	return 0;
fail:
	null_close(&d->base);
	return r;
}

static int null_set_mode(
	struct pf_display *display, const struct pf_mode *mode, struct pf_reason *why)
{
	struct null_display *d = (struct null_display *)display;
	struct pf_mode m = *mode;
	int r = pf_mode_check(&m, why);

	if (r)
		return r;
	if (atomic_load(&d->resting))
		return pf_reason_set(why, -EBUSY, "the null display is at rest");
	if (d->fail_mode)
		return pf_reason_set(why, -EIO, "the null display keeps its mode, as asked");
	d->source.mode = m;
	d->target.rect.w = (int32_t)m.width;
	d->target.rect.h = (int32_t)m.height;
	return 0;
}

static const struct pf_source *null_source(struct pf_display *display)
{
	return &((struct null_display *)display)->source;
}

static const struct pf_input_target *null_input_target(struct pf_display *display)
{
	return &((struct null_display *)display)->target;
}

static int null_death_fd(struct pf_display *display)
{
	return ((struct null_display *)display)->death;
}

static void null_rest(struct pf_display *display, bool rest)
{
	atomic_store(&((struct null_display *)display)->resting, rest);
}

const struct pf_display_ops null_display_ops = {
	.name = "null",
	.probe = null_probe,
	.open = null_open,
	.close = null_close,
	.set_mode = null_set_mode,
	.source = null_source,
	.input_target = null_input_target,
	.death_fd = null_death_fd,
	.rest = null_rest,
};
