/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/pads/uhid.h"
#include <errno.h>
#include <linux/input.h>
#include <linux/uhid.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/pads/node.h"
#include "host/pads/uhid_watch.h"

enum {
	VENDOR_SONY = 0x054c,
	HID_VERSION = 0x0100,
	EVENTS_AT_ONCE = 32, /* what the kernel queues */
	MOTION_HZ = 100,
	/* While the driver probes, reports are dropped and nodes come and get their
	 * rights: the state is sent again and nodes are looked for, often at first. */
	SETTLE_FAST = 60,
	SETTLE_TRIES = 110,
	SETTLE_FAST_MS = 5,
	SETTLE_SLOW_MS = 100,
	/* SDL 2 takes a pad that sends nothing within 16 ms of its opening for one that
	 * sends the short reports only. */
	GREET_MS = 100,
	GREET_EVERY_MS = 4,
	/* After 500 ms without a report SDL writes one with each frame of the game. */
	READ_EVERY_MS = 200,
	/* Programs that look what a node is open it for a moment. */
	MOTION_MS = 50,
	/* Where opens cannot be seen the pad greets all the time. */
	BLIND_EVERY_MS = 12,
};

struct uhid {
	struct pf_pad_device base;
	const struct pf_uhid_model *model;
	void (*feedback)(void *user, const struct pf_pad_feedback *fb);
	void *user;
	uint8_t pad;
	uint8_t mac[6];
	int fd;
	int claim; /* socket that holds the address, see choose_mac() */

	struct pf_uhid_state state;
	uint8_t next_contact;
	uint8_t sent[PF_UHID_REPORT_BYTES]; /* the last report but its counters */
	uint32_t seq;
	uint64_t born_ns;

	struct pf_uhid_watch watch;
	unsigned settle; /* tries made */
	uint64_t settle_ns;
	uint64_t greet_ns, greet_until_ns; /* 0 = not greeting */
	bool opened;			   /* by the driver */
	bool blind;			   /* nobody's opens can be seen */
	bool calibrated;		   /* a reader of hidraw asked for the calibration */

	struct pf_uhid_output told; /* what the feedback knows; led: of any colour yet */
	bool motion;
	uint64_t motion_ns; /* when a change of mind counts; 0 = none */
};

static struct uhid *cast(struct pf_pad_device *d)
{
	return (struct uhid *)d;
}

static void schedule(struct uhid *u)
{
	const uint64_t times[] = { u->settle_ns, u->greet_ns, u->motion_ns };

	u->base.due_ns = 0;
	for (int i = 0; i < 3; i++)
		if (times[i] && (!u->base.due_ns || times[i] < u->base.due_ns))
			u->base.due_ns = times[i];
}

static void stamp(struct uhid *u, uint8_t report[PF_UHID_REPORT_BYTES], uint64_t now_ns)
{
	enum { BODY = PF_UHID_REPORT_BYTES - 4 };

	/* SDL holds the light back while the clock says that the pad is 3.4 s old. */
	u->model->stamp(report, u->seq++, now_ns - u->born_ns + 4 * PF_NS_PER_S);
	pf_uhid_put32(report + BODY, pf_uhid_crc(0xa1, report, BODY));
}

static void send_report(struct uhid *u, uint64_t now_ns)
{
	struct {
		uint32_t type;
		uint16_t size;
		uint8_t data[PF_UHID_REPORT_BYTES];
	} __attribute__((packed)) ev = { UHID_INPUT2, PF_UHID_REPORT_BYTES, { 0 } };

	memcpy(ev.data, u->sent, sizeof(ev.data));
	stamp(u, ev.data, now_ns);
	/* Refused before the driver is there: the next one, at most 5 ms later, has it. */
	if (write(u->fd, &ev, sizeof(ev)) < 0)
		return;
}

static void update(struct uhid *u)
{
	uint8_t report[PF_UHID_REPORT_BYTES] = { 0 };

	u->model->input(report, &u->state);
	if (!memcmp(report, u->sent, sizeof(report)))
		return;
	memcpy(u->sent, report, sizeof(report));
	send_report(u, pf_clock_mono_ns());
}

static void greet(struct uhid *u)
{
	uint64_t now = pf_clock_mono_ns();

	send_report(u, now);
	u->greet_ns = now + GREET_EVERY_MS * PF_NS_PER_MS;
	u->greet_until_ns = now + GREET_MS * PF_NS_PER_MS;
	schedule(u);
}

static void tell(struct uhid *u, struct pf_pad_feedback *fb)
{
	fb->pad = u->pad;
	u->feedback(u->user, fb);
}

static bool motion_wanted(const struct uhid *u)
{
	return u->blind ? u->opened : u->watch.motion.readers || u->calibrated;
}

static void consider_motion(struct uhid *u)
{
	if (motion_wanted(u) == u->motion)
		u->motion_ns = 0;
	else if (!u->motion_ns)
		u->motion_ns = pf_clock_mono_ns() + MOTION_MS * PF_NS_PER_MS;
	schedule(u);
}

static void tell_motion(struct uhid *u)
{
	u->motion_ns = 0;
	u->motion = motion_wanted(u);
	if (!u->motion) {
		memset(u->state.gyro, 0, sizeof(u->state.gyro)); /* no later reader turns by it */
		update(u);
	}
	for (int gyro = 0; gyro < 2; gyro++)
		tell(u, &(struct pf_pad_feedback){ .kind = PF_PAD_FB_MOTION,
				.motion = { .gyro = gyro, .rate_hz = u->motion ? MOTION_HZ : 0 } });
}

static void tell_rumble(struct uhid *u, uint8_t strong, uint8_t weak)
{
	if (u->told.strong == strong && u->told.weak == weak)
		return;
	u->told.strong = strong;
	u->told.weak = weak;
	tell(u, &(struct pf_pad_feedback){ .kind = PF_PAD_FB_RUMBLE,
			.rumble = { .low = strong * 257, .high = weak * 257 } });
}

static void tell_triggers(struct uhid *u, const struct pf_uhid_output *o)
{
	struct pf_pad_feedback fb = { .kind = PF_PAD_FB_TRIGGERS };
	size_t len = sizeof(o->left_effect);

	fb.triggers.set_left = o->left && memcmp(u->told.left_effect, o->left_effect, len) != 0;
	fb.triggers.set_right = o->right && memcmp(u->told.right_effect, o->right_effect, len) != 0;
	if (fb.triggers.set_left)
		memcpy(u->told.left_effect, o->left_effect, len);
	if (fb.triggers.set_right)
		memcpy(u->told.right_effect, o->right_effect, len);
	memcpy(fb.triggers.left, u->told.left_effect, len);
	memcpy(fb.triggers.right, u->told.right_effect, len);
	if (fb.triggers.set_left || fb.triggers.set_right)
		tell(u, &fb);
}

static void take_output(struct uhid *u, const uint8_t *report, size_t len)
{
	struct pf_uhid_output o = { 0 };

	if (u->model->output(&o, report, len))
		return;
	if (o.rumble)
		tell_rumble(u, o.strong, o.weak);
	if (o.led && (!u->told.led || memcmp(u->told.rgb, o.rgb, 3) != 0)) {
		u->told.led = true;
		memcpy(u->told.rgb, o.rgb, 3);
		tell(u, &(struct pf_pad_feedback){
				.kind = PF_PAD_FB_LED, .led = { o.rgb[0], o.rgb[1], o.rgb[2] } });
	}
	if (o.player && (!u->told.player || u->told.players != o.players)) {
		u->told.player = true;
		u->told.players = o.players;
		tell(u, &(struct pf_pad_feedback){ .kind = PF_PAD_FB_PLAYER, .player = o.players });
	}
	tell_triggers(u, &o);
}

static void take_watch(struct uhid *u)
{
	unsigned before = u->watch.hidraw.readers;

	if (pf_uhid_watch_read(&u->watch))
		greet(u);
	if (u->watch.lost) {
		/* The driver of all pads had it until its own one was loaded. */
		u->watch.lost = false;
		u->settle = 0;
		u->settle_ns = pf_clock_mono_ns();
	}
	if (before && !u->watch.hidraw.readers) {
		/* The last one is gone, perhaps killed in the middle of an effect. */
		u->calibrated = false;
		tell_rumble(u, 0, 0);
	}
	consider_motion(u);
}

/* The drivers ask once, before they make the sensors' node; SDL and others ask when
 * a program turns the sensors on. */
static void take_calibration(struct uhid *u)
{
	take_watch(u);
	if (!u->watch.hidraw.readers && u->watch.motion.wd < 0)
		return;
	if (!u->watch.hidraw.readers)
		u->watch.hidraw.readers = 1; /* opened before we looked */
	u->calibrated = true;
	consider_motion(u);
}

static void answer_get(struct uhid *u, const struct uhid_get_report_req *req)
{
	struct {
		uint32_t type;
		uint32_t id;
		uint16_t err;
		uint16_t size;
		uint8_t data[PF_UHID_REPORT_BYTES];
	} __attribute__((packed)) ev = { .type = UHID_GET_REPORT_REPLY, .id = req->id };

	if (req->rtype == UHID_FEATURE_REPORT)
		ev.size = (uint16_t)u->model->feature(ev.data, req->rnum, u->mac);
	else if (req->rtype == UHID_INPUT_REPORT && req->rnum == u->sent[0]) {
		memcpy(ev.data, u->sent, sizeof(ev.data));
		stamp(u, ev.data, pf_clock_mono_ns());
		ev.size = sizeof(ev.data);
	}
	ev.err = ev.size ? 0 : EIO;
	if (write(u->fd, &ev, sizeof(ev)) < 0)
		return; /* it timed out or the asker is gone */
	if (ev.size && req->rtype == UHID_FEATURE_REPORT && req->rnum == u->model->calibration)
		take_calibration(u);
}

static void answer_set(struct uhid *u, const struct uhid_set_report_req *req, size_t size)
{
	struct {
		uint32_t type;
		uint32_t id;
		uint16_t err;
	} __attribute__((packed)) ev = { UHID_SET_REPORT_REPLY, req->id, 0 };

	/* Some games give a pad up that refuses their feature reports; none of them has
	 * an effect that a client could show. */
	if (req->rtype == UHID_OUTPUT_REPORT)
		take_output(u, req->data, size);
	if (write(u->fd, &ev, sizeof(ev)) < 0)
		return; /* it timed out or the asker is gone */
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* `ev` is zero behind what was read. */
static void take_event(struct uhid *u, const struct uhid_event *ev)
{
	switch (ev->type) {
	case UHID_OPEN:
	case UHID_CLOSE:
	case UHID_STOP:
		u->opened = ev->type == UHID_OPEN;
		if (u->opened)
			greet(u);
		consider_motion(u);
		break;
	case UHID_OUTPUT:
		take_output(
			u, ev->u.output.data, least(ev->u.output.size, sizeof(ev->u.output.data)));
		break;
	case UHID_GET_REPORT:
		answer_get(u, &ev->u.get_report);
		break;
	case UHID_SET_REPORT:
		answer_set(u, &ev->u.set_report,
			least(ev->u.set_report.size, sizeof(ev->u.set_report.data)));
		break;
	default:
		break;
	}
}

static void uhid_readable(struct pf_pad_device *d)
{
	struct uhid *u = cast(d);
	struct uhid_event ev;

	take_watch(u);
	for (int i = 0; i < EVENTS_AT_ONCE; i++) {
		ssize_t n = read(u->fd, &ev, sizeof(ev));

		if (n < (ssize_t)sizeof(ev.type)) {
			if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
				epoll_ctl(u->base.fd, EPOLL_CTL_DEL, u->fd, NULL);
			return;
		}
		memset((char *)&ev + n, 0, sizeof(ev) - (size_t)n);
		take_event(u, &ev);
	}
}

static void uhid_state(struct pf_pad_device *d, const struct pf_pad_state *s)
{
	cast(d)->state.pad = *s;
	update(cast(d));
}

static uint16_t point(float v, uint16_t size)
{
	float max = (float)(size - 1);

	return v >= 1.0f ? (uint16_t)max : v > 0.0f ? (uint16_t)(v * max + 0.5f) : 0;
}

static void uhid_touch(struct pf_pad_device *d, uint8_t surface, const struct pf_touch *t)
{
	struct uhid *u = cast(d);
	struct pf_uhid_finger *f = NULL, *spare = NULL;
	bool touches = t->phase == PF_TOUCH_DOWN || t->phase == PF_TOUCH_MOVE;

	if (surface)
		return;
	for (int i = 1; i >= 0; i--) {
		struct pf_uhid_finger *x = &u->state.fingers[i];

		if (t->phase == PF_TOUCH_CANCEL_ALL)
			x->down = false;
		else if (x->down && x->id == t->id)
			f = x;
		else if (!x->down)
			spare = x;
	}
	if (touches && !f && spare) {
		f = spare;
		f->id = t->id;
		f->down = true;
		f->contact = u->next_contact++ & 0x7f;
	}
	if (f && touches) {
		f->x = point(t->x, PF_UHID_TOUCH_WIDTH);
		f->y = point(t->y, u->model->touch_height);
	} else if (f && t->phase != PF_TOUCH_HOVER) {
		f->down = false;
	}
	update(u);
}

static int16_t raw(float v, float scale)
{
	v *= scale;
	if (v != v)
		return 0;
	if (v >= 32767.0f)
		return INT16_MAX;
	if (v <= -32768.0f)
		return INT16_MIN;
	return (int16_t)(v + (v < 0 ? -0.5f : 0.5f));
}

static void uhid_motion(struct pf_pad_device *d, bool gyro, float x, float y, float z)
{
	struct uhid *u = cast(d);
	int16_t *to = gyro ? u->state.gyro : u->state.accel;
	float scale = gyro ? PF_UHID_GYRO_PER_DEG_S : PF_UHID_ACCEL_PER_G / 9.80665f;

	to[0] = raw(x, scale);
	to[1] = raw(y, scale);
	to[2] = raw(z, scale);
	update(u);
}

static void uhid_battery(struct pf_pad_device *d, enum pf_pad_battery state, uint8_t percent)
{
	struct uhid *u = cast(d);

	u->state.battery = state;
	u->state.percent = percent;
	update(u);
}

static void uhid_release(struct pf_pad_device *d)
{
	struct uhid *u = cast(d);

	memset(&u->state.pad, 0, sizeof(u->state.pad));
	memset(u->state.gyro, 0, sizeof(u->state.gyro)); /* else it turns on */
	u->state.fingers[0].down = u->state.fingers[1].down = false;
	update(u);
}

static bool watched(const struct pf_uhid_node *n)
{
	return n->wd >= 0 || n->err == EACCES || n->err == EPERM;
}

static void settle(struct uhid *u, uint64_t now_ns)
{
	if (pf_uhid_watch_attach(&u->watch) && u->watch.hidraw.wd >= 0)
		greet(u);
	else
		send_report(u, now_ns);
	if (++u->settle < SETTLE_TRIES) {
		u->settle_ns =
			now_ns +
			(u->settle < SETTLE_FAST ? SETTLE_FAST_MS : SETTLE_SLOW_MS) * PF_NS_PER_MS;
		return;
	}
	u->settle_ns = 0;
	/* A node that we may not read is read by no program of this user. */
	u->blind = !watched(&u->watch.hidraw);
	consider_motion(u);
	if (u->blind && u->opened)
		greet(u);
}

/* Somebody may read. */
static bool greets(const struct uhid *u)
{
	return u->blind ? u->opened : u->watch.hidraw.readers > 0;
}

static uint64_t greet_every_ns(const struct uhid *u, uint64_t now_ns)
{
	unsigned ms = u->blind			   ? BLIND_EVERY_MS
		      : now_ns < u->greet_until_ns ? GREET_EVERY_MS
						   : READ_EVERY_MS;

	return ms * PF_NS_PER_MS;
}

static void uhid_tick(struct pf_pad_device *d, uint64_t now_ns)
{
	struct uhid *u = cast(d);

	if (u->greet_ns && now_ns >= u->greet_ns) {
		send_report(u, now_ns);
		u->greet_ns = greets(u) || now_ns < u->greet_until_ns
				      ? now_ns + greet_every_ns(u, now_ns)
				      : 0;
	}
	if (u->settle_ns && now_ns >= u->settle_ns)
		settle(u, now_ns);
	if (u->motion_ns && now_ns >= u->motion_ns)
		tell_motion(u);
	schedule(u);
}

/* The drivers refuse a second pad of the same address; the same one each time lets
 * programs that keep settings per pad know it again. A socket's name claims it among
 * all hosts of this machine. */
static bool claim(struct uhid *u, const char *mac)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "punktfunk/pad/%s", mac);
	bool taken;

	u->claim = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (u->claim < 0 || !bind(u->claim, (struct sockaddr *)&addr,
				    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)))
		return true;
	taken = errno == EADDRINUSE;
	close(u->claim);
	u->claim = -1;
	return !taken;
}

static void choose_mac(struct uhid *u, const char *name, char text[18])
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (const char *p = name; *p; p++)
		h = (h ^ (uint8_t)*p) * 0x100000001b3u;
	h = (h ^ u->pad) * 0x100000001b3u;
	h = (h ^ u->model->product) * 0x100000001b3u;
	for (int tries = 0; tries < 64; tries++) {
		h = (h ^ 0xff) * 0x100000001b3u;
		for (int i = 0; i < 6; i++)
			u->mac[i] = (uint8_t)(h >> (8 * i + 8));
		u->mac[0] = (uint8_t)((u->mac[0] & 0xfc) | 0x02); /* given locally */
		snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", u->mac[0], u->mac[1], u->mac[2],
			u->mac[3], u->mac[4], u->mac[5]);
		if (claim(u, text))
			return;
	}
}

static int create(struct uhid *u, const char *name, char mac[18])
{
	struct uhid_event ev = { .type = UHID_CREATE2 };
	struct uhid_create2_req *c = &ev.u.create2;
	char part[16];

	choose_mac(u, name, mac);
	snprintf((char *)c->name, sizeof(c->name), "%s", u->model->name);
	snprintf(part, sizeof(part), "pad%u", u->pad + 1u);
	pf_pad_node_phys((char *)c->phys, sizeof(c->phys), name, part);
	memcpy(c->uniq, mac, 18);
	c->rd_size = (uint16_t)u->model->descriptor_len;
	memcpy(c->rd_data, u->model->descriptor, u->model->descriptor_len);
	c->bus = BUS_BLUETOOTH;
	c->vendor = VENDOR_SONY;
	c->product = u->model->product;
	c->version = HID_VERSION;
	return write(u->fd, &ev, sizeof(ev)) < 0 ? -errno : 0;
}

static void uhid_close(struct pf_pad_device *d)
{
	struct uhid *u = cast(d);

	if (!u)
		return;
	pf_uhid_watch_finish(&u->watch);
	close(u->fd); /* which removes the device */
	if (u->base.fd >= 0)
		close(u->base.fd);
	if (u->claim >= 0)
		close(u->claim);
	free(u);
}

int pf_uhid_open(struct pf_pad_device **out, const struct pf_pad_device_params *params, int fd,
	const struct pf_uhid_paths *paths, struct pf_reason *why)
{
	const struct pf_uhid_model *model =
		params->kind == PF_PAD_DUALSENSE ? &pf_uhid_dualsense : &pf_uhid_ds4;
	struct uhid *u = calloc(1, sizeof(*u));
	struct epoll_event ev = { .events = EPOLLIN };
	char mac[18] = "";
	int r = -ENOMEM;

	if (!u) {
		close(fd);
		return pf_reason_set(why, -ENOMEM, "no memory for a pad");
	}
	u->base = (struct pf_pad_device){ .ops = &pf_uhid_pad_ops, .fd = -1 };
	u->model = model;
	u->feedback = params->feedback;
	u->user = params->user;
	u->pad = params->pad;
	u->fd = fd;
	u->claim = u->watch.fd = -1;
	u->state.percent = 255;
	u->state.accel[1] = PF_UHID_ACCEL_PER_G; /* lies on a table */
	model->input(u->sent, &u->state);
	u->born_ns = u->settle_ns = pf_clock_mono_ns();
	schedule(u);

	u->base.fd = epoll_create1(EPOLL_CLOEXEC);
	if (u->base.fd < 0 || epoll_ctl(u->base.fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		r = pf_reason_set(why, -errno, "cannot wait for a pad: %s", strerror(errno));
		goto fail;
	}
	r = create(u, params->name ? params->name : "", mac);
	if (r) {
		pf_reason_set(why, r, "the kernel refuses a %s: %s", model->name, strerror(-r));
		goto fail;
	}
	/* Without it the pad is blind, see settle(). */
	if (!pf_uhid_watch_init(&u->watch, mac, paths))
		epoll_ctl(u->base.fd, EPOLL_CTL_ADD, u->watch.fd, &ev);
	*out = &u->base;
	return 0;
fail:
	uhid_close(&u->base);
	return r;
}

static int uhid_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	struct pf_reason *why)
{
	int fd = pf_pad_node_open("/dev/uhid", "uhid", why);

	return fd < 0 ? fd : pf_uhid_open(out, params, fd, &(struct pf_uhid_paths){ 0 }, why);
}

const struct pf_pad_device_ops pf_uhid_pad_ops = {
	.name = "uhid",
	.kinds = 1u << PF_PAD_DUALSHOCK4 | 1u << PF_PAD_DUALSENSE,
	.open = uhid_open,
	.close = uhid_close,
	.readable = uhid_readable,
	.state = uhid_state,
	.touch = uhid_touch,
	.motion = uhid_motion,
	.battery = uhid_battery,
	.release = uhid_release,
	.tick = uhid_tick,
};
