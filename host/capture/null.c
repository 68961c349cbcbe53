/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/capture/backends.h"
#include "host/capture/pool.h"
#include "host/capture/ticker.h"
#include "host/sys/knobs.h"

#define POOL_FRAMES 4

struct null_capture {
	struct pf_capture base;
	struct pf_capture_params params;
	struct pf_frame_pool *pool;
	struct pf_ticker ticker;
	uint64_t period_ns, start_ns;
	uint64_t seq;
	uint64_t frames, fail_at;
	bool dmabuf, failed;
	int fd; /* the fake dmabuf, shared by all frames */
};

static uint64_t null_tick(void *user, uint64_t now_ns, bool poked)
{
	struct null_capture *n = user;
	uint64_t seq = n->seq++;
	struct pf_frame *f;

	if (n->failed)
		return 0;
	if (seq == n->fail_at) {
		n->failed = true;
		n->params.on_error(n->params.user, -EIO, "the null capture was told to fail");
		return 0;
	}
	f = pf_frame_pool_take(n->pool);
	if (f) {
		f->seq = seq;
		f->capture_ns = now_ns;
		memset(f->planes[0], (int)(64 + seq % 128), (size_t)f->strides[0] * f->height);
		if (n->dmabuf) {
			f->kind = PF_MEM_DMABUF;
			f->planes[0] = NULL;
			f->fds[0] = n->fd;
		}
		n->params.on_frame(n->params.user, f);
	}
	if (seq + 1 >= n->frames)
		return 0;
	return n->start_ns + ((now_ns - n->start_ns) / n->period_ns + 1) * n->period_ns;
}

static void null_close(struct pf_capture *c)
{
	struct null_capture *n = (struct null_capture *)c;

	if (!n)
		return;
	pf_ticker_stop(&n->ticker);
	pf_frame_pool_close(n->pool);
	if (n->fd >= 0)
		close(n->fd);
	free(n);
}

static int null_open(
	struct pf_capture **out, const struct pf_capture_params *params, struct pf_reason *why)
{
	const struct pf_source *source = params->source;
	const char *knobs = source->options;
	struct pf_mode mode = source->mode;
	struct null_capture *n;
	int err = pf_mode_check(&mode, why);

	if (err)
		return err;
	if (pf_knob_number(knobs, "fail-open", 0))
		return pf_reason_set(why, -EIO, "the null capture was told to fail");
	n = calloc(1, sizeof(*n));
	if (!n)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	n->base.ops = &null_capture_ops;
	n->params = *params;
	n->params.source = NULL;
	n->fd = -1;
	n->frames = pf_knob_number(knobs, "frames", UINT64_MAX);
	n->fail_at = pf_knob_number(knobs, "fail-at", UINT64_MAX);
	n->dmabuf = pf_knob_number(knobs, "dmabuf", 0) != 0;
	n->period_ns = PF_NS_PER_S * 1000 / mode.refresh_mhz;
	if (n->dmabuf) {
		n->fd = memfd_create("punktfunk-fake-dmabuf", MFD_CLOEXEC);
		if (n->fd < 0 || ftruncate(n->fd, 4 * (off_t)mode.width * mode.height) < 0) {
			err = pf_reason_set(why, -errno, "no memory file: %s", strerror(errno));
			goto fail;
		}
	}
	err = pf_frame_pool_create(&n->pool, mode.width, mode.height, POOL_FRAMES);
	if (err) {
		pf_reason_set(why, err, "out of memory");
		goto fail;
	}
	n->start_ns = pf_clock_mono_ns();
	err = pf_ticker_start(&n->ticker, null_tick, n);
	if (err) {
		pf_reason_set(why, err, "cannot start a thread: %s", strerror(-err));
		goto fail;
	}
	*out = &n->base;
	return 0;
fail:
	null_close(&n->base);
	return err;
}

static void null_refresh(struct pf_capture *c)
{
	pf_ticker_poke(&((struct null_capture *)c)->ticker);
}

const struct pf_capture_ops null_capture_ops = {
	.name = "null",
	.source_kinds = 1u << PF_SOURCE_NONE,
	.memory = PF_MEM_CPU,
	.open = null_open,
	.close = null_close,
	.refresh = null_refresh,
};
