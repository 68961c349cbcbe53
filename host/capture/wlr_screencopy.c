/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The compositor writes the picture into memory of ours: ask for a frame, learn
 * the size it will have, offer a buffer with copy_with_damage, and get `ready`
 * at the first commit that changes something. The next frame is asked for before
 * the present one is handed on, so that no commit is missed for its consumer.
 *
 * `cursor` can only add the pointer: headless outputs of wlroots 0.15 have no
 * cursor plane and show it in every picture.
 *
 * Around a mode change one picture may still have the old size: consumers look
 * at the frame, not at the mode. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/capture/backends.h"
#include "host/wayland/conn.h"
#include "host/wayland/wlr_protocols.h"

/* One being written, one in the mailbox, one or two with the encoder, and room
 * for a hand-over. Made when first needed. */
#define POOL_BUFFERS	6
#define OPEN_TIMEOUT_MS 10000
#define RETRY_MS	5
/* A mode change fails a few copies; this many in a row (1 s) is an error. */
#define FAILURES_MAX 200

enum buffer_state {
	BUFFER_FREE,
	BUFFER_COPYING,
	BUFFER_OUT, /* with the consumer */
};

struct buffer {
	struct pf_frame frame; /* first: release finds the buffer by it */
	struct pool *pool;
	_Atomic int state; /* enum buffer_state */
	struct wl_buffer *proxy;
	uint8_t *map;
	size_t bytes;
	uint32_t width, height, stride, format;
};

/* Outlives the capture while frames are out. */
struct pool {
	_Atomic int refs; /* the capture, and each frame that is out */
	_Atomic bool starving;
	int wake;
	struct buffer buffers[POOL_BUFFERS];
};

enum capture_state {
	CAPTURE_ASKED,	  /* a frame object awaits its size */
	CAPTURE_STARVING, /* size known, no free buffer */
	CAPTURE_COPYING,
	CAPTURE_RETRY, /* failed, a pause before the next */
};

struct screencopy {
	struct pf_capture base;
	struct pf_capture_params params;
	char output_name[64];
	struct pf_wl *wl;
	struct wl_shm *shm;
	struct pf_screencopy_manager *manager;
	struct pool *pool;
	pthread_t thread;
	bool started; /* the thread is */
	_Atomic bool stop, refresh;

	/* Of the thread (of open, before it). */
	enum capture_state state;
	struct pf_screencopy_frame *frame;
	struct buffer *target;
	bool full;  /* copy even if nothing changed */
	bool sized; /* width ... format hold */
	bool named; /* all buffer kinds were named: a copy may be asked */
	uint32_t width, height, stride, format; /* of the coming picture */
	uint32_t flags;
	unsigned damage_count;
	struct pf_rect damage[PF_FRAME_DAMAGE];
	bool damage_overflow;
	unsigned failures;
	uint64_t seq;
	int error;
	const char *error_text;
};

static void pool_unref(struct pool *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (int i = 0; i < POOL_BUFFERS; i++)
		if (p->buffers[i].map)
			munmap(p->buffers[i].map, p->buffers[i].bytes);
	if (p->wake >= 0)
		close(p->wake);
	free(p);
}

static void wake(struct pool *p)
{
	const uint64_t one = 1;
	ssize_t n = write(p->wake, &one, sizeof(one));

	(void)n; /* full = it is awake */
}

static void release_frame(struct pf_frame *f)
{
	struct buffer *b = (struct buffer *)f;
	struct pool *p = b->pool;

	/* Pairs with starve(): either it sees the buffer or we see the flag. */
	atomic_store(&b->state, BUFFER_FREE);
	if (atomic_load(&p->starving))
		wake(p);
	pool_unref(p);
}

static struct pool *pool_create(void)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	atomic_init(&p->refs, 1);
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (int i = 0; i < POOL_BUFFERS; i++)
		p->buffers[i].pool = p;
	if (p->wake >= 0)
		return p;
	pool_unref(p);
	return NULL;
}

static void buffer_drop(struct buffer *b)
{
	if (b->proxy)
		wl_buffer_destroy(b->proxy);
	if (b->map)
		munmap(b->map, b->bytes);
	b->proxy = NULL;
	b->map = NULL;
}

static int buffer_make(struct screencopy *c, struct buffer *b)
{
	struct wl_shm_pool *shm_pool;
	int fd;

	buffer_drop(b);
	b->bytes = (size_t)c->stride * c->height;
	fd = memfd_create("punktfunk-capture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)b->bytes) < 0) {
		close(fd);
		return -ENOSPC;
	}
	b->map = mmap(NULL, b->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b->map == MAP_FAILED) {
		b->map = NULL;
		close(fd);
		return -ENOMEM;
	}
	shm_pool = wl_shm_create_pool(c->shm, fd, (int32_t)b->bytes);
	close(fd);
	if (shm_pool) {
		b->proxy = wl_shm_pool_create_buffer(shm_pool, 0, (int32_t)c->width,
			(int32_t)c->height, (int32_t)c->stride, c->format);
		wl_shm_pool_destroy(shm_pool);
	}
	if (!b->proxy)
		return -ENOMEM;
	b->width = c->width;
	b->height = c->height;
	b->stride = c->stride;
	b->format = c->format;
	return 0;
}

static bool fits(const struct screencopy *c, const struct buffer *b)
{
	return b->proxy && b->width == c->width && b->height == c->height &&
	       b->stride == c->stride && b->format == c->format;
}

/* A free buffer for the coming picture; NULL = all are out (error unset) or none
 * could be made (error set). */
static struct buffer *take_buffer(struct screencopy *c)
{
	struct buffer *spare = NULL;
	int r;

	for (int i = 0; i < POOL_BUFFERS; i++) {
		struct buffer *b = &c->pool->buffers[i];

		if (atomic_load(&b->state) != BUFFER_FREE)
			continue;
		if (fits(c, b))
			return b;
		if (!spare)
			spare = b;
	}
	if (!spare)
		return NULL;
	r = buffer_make(c, spare);
	if (!r)
		return spare;
	c->error = r;
	c->error_text = "no shared memory for the picture";
	return NULL;
}

static const struct pf_screencopy_frame_listener frame_listener;

static void drop_frame(struct screencopy *c)
{
	if (c->frame)
		pf_screencopy_frame_destroy(c->frame);
	c->frame = NULL;
	if (c->target)
		atomic_store(&c->target->state, BUFFER_FREE);
	c->target = NULL;
}

static void ask(struct screencopy *c)
{
	struct pf_wl_output *o = pf_wl_find_output(c->wl, c->output_name);

	if (!o) {
		c->error = -ENODEV;
		c->error_text = "the output went away";
		return;
	}
	c->sized = c->named = false;
	c->flags = 0;
	c->damage_count = 0;
	c->damage_overflow = false;
	c->frame =
		pf_screencopy_capture(c->manager, c->params.cursor, o->proxy, &frame_listener, c);
	if (!c->frame) {
		c->error = -ENOMEM;
		c->error_text = "out of memory";
	}
	c->state = CAPTURE_ASKED;
}

static void copy(struct screencopy *c, struct buffer *b)
{
	atomic_store(&b->state, BUFFER_COPYING);
	c->target = b;
	if (c->full)
		pf_screencopy_frame_copy(c->frame, b->proxy);
	else
		pf_screencopy_frame_copy_with_damage(c->frame, b->proxy);
	c->state = CAPTURE_COPYING;
}

/* The size is known: goes on when a buffer is free, else when one comes back. */
static void offer_buffer(struct screencopy *c)
{
	struct buffer *b;

	if (!c->started)
		return;
	b = take_buffer(c);
	if (!b && !c->error) {
		c->state = CAPTURE_STARVING;
		atomic_store(&c->pool->starving, true);
		b = take_buffer(c); /* one may have come back in between */
	}
	if (!b)
		return;
	atomic_store(&c->pool->starving, false);
	copy(c, b);
}

static enum pf_pixel_format pixel_format(uint32_t shm_format)
{
	switch (shm_format) {
	case WL_SHM_FORMAT_XRGB8888:
	case WL_SHM_FORMAT_ARGB8888:
		return PF_PIXEL_BGRX;
	case WL_SHM_FORMAT_XBGR8888:
	case WL_SHM_FORMAT_ABGR8888:
		return PF_PIXEL_RGBX;
	default:
		return PF_PIXEL_NONE;
	}
}

static void on_buffer(void *user, struct pf_screencopy_frame *f, uint32_t format, uint32_t width,
	uint32_t height, uint32_t stride)
{
	struct screencopy *c = user;

	if (c->sized || pixel_format(format) == PF_PIXEL_NONE)
		return;
	if (!width || !height || width > 16384 || height > 16384 || stride < width * 4 ||
		stride > 4 * 16384 + 4096) {
		c->error = -EPROTO;
		c->error_text = "the compositor offers a picture of impossible size";
		return;
	}
	c->width = width;
	c->height = height;
	c->stride = stride;
	c->format = format;
	c->sized = true;
	if (wl_proxy_get_version((struct wl_proxy *)f) < 3) {
		c->named = true;
		offer_buffer(c);
	}
}

static void on_buffer_done(void *user, struct pf_screencopy_frame *f)
{
	struct screencopy *c = user;

	if (c->sized) {
		c->named = true;
		offer_buffer(c);
	} else if (!c->error) {
		c->error = -ENOTSUP;
		c->error_text = "the compositor offers no 32-bit RGB picture in shared memory";
	}
}

static void on_linux_dmabuf(
	void *user, struct pf_screencopy_frame *f, uint32_t format, uint32_t width, uint32_t height)
{
}

static void on_flags(void *user, struct pf_screencopy_frame *f, uint32_t flags)
{
	struct screencopy *c = user;

	c->flags = flags;
}

static void on_damage(void *user, struct pf_screencopy_frame *f, uint32_t x, uint32_t y,
	uint32_t width, uint32_t height)
{
	struct screencopy *c = user;

	if (x >= c->width || y >= c->height)
		return;
	if (width > c->width - x)
		width = c->width - x;
	if (height > c->height - y)
		height = c->height - y;
	if (c->damage_count == PF_FRAME_DAMAGE) {
		c->damage_overflow = true;
		return;
	}
	c->damage[c->damage_count++] =
		(struct pf_rect){ (int32_t)x, (int32_t)y, (int32_t)width, (int32_t)height };
}

/* GL renderers hand over the bottom row first. */
static void flip(struct buffer *b)
{
	uint32_t row[16384 + 1024];

	for (uint32_t y = 0; y < b->height / 2; y++) {
		uint8_t *top = b->map + (size_t)y * b->stride;
		uint8_t *bottom = b->map + (size_t)(b->height - 1 - y) * b->stride;
		const size_t n = (size_t)b->width * 4;

		memcpy(row, top, n);
		memcpy(top, bottom, n);
		memcpy(bottom, row, n);
	}
}

/* wlroots stamps the commit: the picture was complete then, though the copy to
 * us came after. A stamp of another clock is replaced by now. */
static uint64_t picture_time(uint32_t sec_hi, uint32_t sec_lo, uint32_t nsec)
{
	const uint64_t now = pf_clock_mono_ns(), sec = (uint64_t)sec_hi << 32 | sec_lo;
	uint64_t ns;

	if (sec > UINT64_MAX / PF_NS_PER_S - 1 || nsec >= PF_NS_PER_S)
		return now;
	ns = sec * PF_NS_PER_S + nsec;
	return ns > now || now - ns > PF_NS_PER_S ? now : ns;
}

static void describe(struct screencopy *c, struct buffer *b, uint64_t capture_ns)
{
	struct pf_frame *f = &b->frame;

	memset(f, 0, sizeof(*f));
	atomic_init(&f->refs, 1);
	f->kind = PF_MEM_CPU;
	f->format = pixel_format(b->format);
	f->width = b->width;
	f->height = b->height;
	f->colour = PF_COLOUR_BT709;
	f->colour.full_range = true;
	f->plane_count = 1;
	f->planes[0] = b->map;
	f->strides[0] = b->stride;
	for (int i = 0; i < PF_FRAME_PLANES; i++)
		f->fds[i] = -1;
	if (!c->full && !c->damage_overflow && !(c->flags & PF_SCREENCOPY_Y_INVERT)) {
		f->damage_count = c->damage_count;
		memcpy(f->damage, c->damage, c->damage_count * sizeof(*c->damage));
	}
	f->capture_ns = capture_ns;
	f->seq = c->seq++;
	f->acquire_fence = -1;
	f->release = release_frame;
}

static void on_ready(
	void *user, struct pf_screencopy_frame *f, uint32_t sec_hi, uint32_t sec_lo, uint32_t nsec)
{
	struct screencopy *c = user;
	struct buffer *b = c->target;

	if (!b)
		return;
	if (c->flags & PF_SCREENCOPY_Y_INVERT)
		flip(b);
	describe(c, b, picture_time(sec_hi, sec_lo, nsec));
	atomic_store(&b->state, BUFFER_OUT);
	atomic_fetch_add_explicit(&c->pool->refs, 1, memory_order_relaxed);
	c->target = NULL;
	c->full = false;
	c->failures = 0;
	drop_frame(c);
	/* Before the compositor is woken, which may take this processor. */
	c->params.on_frame(c->params.user, &b->frame);
	ask(c);
	wl_display_flush(c->wl->display);
}

static void on_failed(void *user, struct pf_screencopy_frame *f)
{
	struct screencopy *c = user;

	drop_frame(c);
	c->full = true;
	c->state = CAPTURE_RETRY;
	if (++c->failures > FAILURES_MAX) {
		c->error = -EIO;
		c->error_text = "the compositor fails every copy of its output";
	}
}

static const struct pf_screencopy_frame_listener frame_listener = {
	.buffer = on_buffer,
	.flags = on_flags,
	.ready = on_ready,
	.failed = on_failed,
	.damage = on_damage,
	.linux_dmabuf = on_linux_dmabuf,
	.buffer_done = on_buffer_done,
};

/* A pending copy_with_damage may wait for ever: starts over with a plain copy. */
static void start_over(struct screencopy *c)
{
	if (c->full)
		return;
	c->full = true;
	if (c->state != CAPTURE_COPYING)
		return;
	drop_frame(c);
	ask(c);
}

static void *run(void *arg)
{
	struct screencopy *c = arg;

	pthread_setname_np(pthread_self(), "pf-capture");
	if (c->named)
		offer_buffer(c);
	while (!c->error) {
		int r = pf_wl_wait(c->wl, c->pool->wake, c->state == CAPTURE_RETRY ? RETRY_MS : -1);
		uint64_t count;

		if (atomic_load(&c->stop))
			return NULL;
		if (r < 0) {
			c->error = r;
			c->error_text = r == -EPROTO ? "the compositor refused a request"
						     : "the compositor went away";
			break;
		}
		if (r & PF_WL_EXTRA) {
			ssize_t n = read(c->pool->wake, &count, sizeof(count));

			(void)n;
		}
		if (atomic_exchange(&c->refresh, false))
			start_over(c);
		if (c->state == CAPTURE_RETRY && !c->error)
			ask(c);
		else if (c->state == CAPTURE_STARVING)
			offer_buffer(c);
	}
	c->params.on_error(c->params.user, c->error, c->error_text);
	return NULL;
}

static void screencopy_close(struct pf_capture *capture)
{
	struct screencopy *c = (struct screencopy *)capture;

	if (!c)
		return;
	if (c->started) {
		atomic_store(&c->stop, true);
		wake(c->pool);
		pthread_join(c->thread, NULL);
	}
	drop_frame(c);
	for (int i = 0; c->pool && i < POOL_BUFFERS; i++) {
		struct buffer *b = &c->pool->buffers[i];

		if (b->proxy)
			wl_buffer_destroy(b->proxy);
		b->proxy = NULL;
	}
	if (c->manager)
		pf_screencopy_manager_destroy(c->manager);
	if (c->shm)
		wl_shm_destroy(c->shm);
	pf_wl_close(c->wl);
	pool_unref(c->pool);
	free(c);
}

/* Waits for the first size, so that open fails where the source is none. */
static int await_size(struct screencopy *c, struct pf_reason *why)
{
	const uint64_t deadline = pf_clock_mono_ns() + OPEN_TIMEOUT_MS * PF_NS_PER_MS;

	ask(c);
	while (!c->error && !c->named) {
		int r = pf_wl_wait(c->wl, -1, 100);

		if (r < 0)
			return pf_reason_set(why, r, "the compositor went away");
		if (pf_clock_mono_ns() > deadline)
			return pf_reason_set(why, -ETIMEDOUT,
				"the compositor does not answer a capture request");
		if (c->state == CAPTURE_RETRY && !c->error)
			ask(c);
	}
	return c->error ? pf_reason_set(why, c->error, "%s", c->error_text) : 0;
}

static int screencopy_open(
	struct pf_capture **out, const struct pf_capture_params *params, struct pf_reason *why)
{
	const struct pf_source *s = params->source;
	struct screencopy *c;
	int r;

	if (s->kind != PF_SOURCE_WAYLAND)
		return pf_reason_set(why, -EINVAL, "wlr-screencopy needs a Wayland source");
	c = calloc(1, sizeof(*c));
	if (!c)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	c->base.ops = &wlr_screencopy_capture_ops;
	c->params = *params;
	c->params.source = NULL;
	c->full = true;
	snprintf(c->output_name, sizeof(c->output_name), "%s", s->output_name);
	r = -ENOMEM;
	c->pool = pool_create();
	if (!c->pool) {
		pf_reason_set(why, r, "out of memory");
		goto fail;
	}
	r = pf_wl_open(&c->wl, s->wayland_socket, OPEN_TIMEOUT_MS, why);
	if (r)
		goto fail;
	c->shm = pf_wl_bind(c->wl, &wl_shm_interface, 1, 1);
	c->manager = pf_wl_bind(c->wl, &pf_screencopy_manager_interface, 2, 3);
	if (!c->shm || !c->manager) {
		r = pf_reason_set(why, -ENOTSUP,
			"the compositor lacks wlr-screencopy version 2: sway or labwc have it");
		goto fail;
	}
	r = await_size(c, why);
	if (r)
		goto fail;
	c->started = true;
	r = -pthread_create(&c->thread, NULL, run, c);
	if (r) {
		c->started = false;
		pf_reason_set(why, r, "cannot start the capture thread: %s", strerror(-r));
		goto fail;
	}
	*out = &c->base;
	return 0;
fail:
	screencopy_close(&c->base);
	return r;
}

static void screencopy_refresh(struct pf_capture *capture)
{
	struct screencopy *c = (struct screencopy *)capture;

	atomic_store(&c->refresh, true);
	wake(c->pool);
}

const struct pf_capture_ops wlr_screencopy_capture_ops = {
	.name = "wlr-screencopy",
	.source_kinds = 1u << PF_SOURCE_WAYLAND,
	.memory = PF_MEM_CPU,
	.open = screencopy_open,
	.close = screencopy_close,
	.refresh = screencopy_refresh,
};
