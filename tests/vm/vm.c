/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/vm/vm.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

static void feedback(void *user, const struct pf_pad_feedback *fb)
{
	struct vm_set *s = user;

	pthread_mutex_lock(&s->lock);
	if (s->count < 256) {
		s->heard[s->count].fb = *fb;
		s->heard[s->count].at_ns = pf_clock_mono_ns();
		s->count++;
	}
	pthread_mutex_unlock(&s->lock);
}

/* The one that is open: if a test fails, the next ends it. */
static struct vm_set *current;

struct vm_set *vm_open(const char *client)
{
	struct vm_set *s = calloc(1, sizeof(*s));
	struct pf_pads_params params = { .name = client, .feedback = feedback, .user = s };
	struct pf_reason why = { 0 };

	assert_non_null(s);
	if (current)
		vm_close(current);
	current = s;
	pthread_mutex_init(&s->lock, NULL);
	if (pf_pads_open(&s->pads, &params, &why))
		fail_msg("%s", why.text);
	return s;
}

void vm_close(struct vm_set *s)
{
	pf_pads_close(s->pads);
	pthread_mutex_destroy(&s->lock);
	current = NULL;
	free(s);
}

void vm_post(struct vm_set *s, struct pf_pad_event ev)
{
	assert_int_equal(pf_pads_post(s->pads, &ev), 0);
}

void vm_arrive(struct vm_set *s, uint8_t pad, enum pf_pad_kind kind)
{
	vm_post(s, (struct pf_pad_event){ .kind = PF_PAD_ARRIVE, .pad = pad, .arrive = kind });
}

void vm_state(struct vm_set *s, uint8_t pad, struct pf_pad_state state)
{
	vm_post(s, (struct pf_pad_event){ .kind = PF_PAD_STATE, .pad = pad, .state = state });
}

struct pf_pad_feedback vm_feedback(struct vm_set *s, enum pf_pad_feedback_kind kind, uint8_t pad)
{
	uint64_t until_ns = pf_clock_mono_ns() + VM_WAIT_MS * PF_NS_PER_MS;
	struct pf_pad_feedback fb;

	while (pf_clock_mono_ns() < until_ns) {
		pthread_mutex_lock(&s->lock);
		while (s->next < s->count) {
			fb = s->heard[s->next++].fb;
			if (fb.kind == kind && fb.pad == pad) {
				pthread_mutex_unlock(&s->lock);
				return fb;
			}
		}
		pthread_mutex_unlock(&s->lock);
		nap();
	}
	fail_msg("no feedback of kind %d for pad %u came", kind, pad);
	return (struct pf_pad_feedback){ 0 };
}

static int find(const char *phys, char *name)
{
	int found = -1;
	glob_t g;

	if (glob("/dev/input/event*", 0, NULL, &g))
		return -1;
	for (size_t i = 0; i < g.gl_pathc && found < 0; i++) {
		char is[128] = "";
		int fd = open(g.gl_pathv[i], O_RDWR | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (ioctl(fd, EVIOCGPHYS(sizeof(is)), is) > 0 && !strcmp(is, phys)) {
			if (name)
				snprintf(name, 64, "%s", g.gl_pathv[i]);
			found = fd;
		} else {
			close(fd);
		}
	}
	globfree(&g);
	return found;
}

int vm_node(const char *phys, char *name)
{
	for (int waited = 0; waited < VM_WAIT_MS; waited += 10) {
		int fd = find(phys, name);

		if (fd >= 0)
			return fd;
		nap();
	}
	fail_msg("no event node of %s", phys);
	return -1;
}

bool vm_there(const char *phys)
{
	int fd = find(phys, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void vm_wait_gone(const char *phys)
{
	for (int waited = 0; waited < VM_WAIT_MS && vm_there(phys); waited += 10)
		nap();
	assert_false(vm_there(phys));
}

struct input_event vm_event(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct input_event ev;

	for (;;) {
		ssize_t n = read(fd, &ev, sizeof(ev));

		if (n < 0 && errno != EAGAIN)
			fail_msg("read: %s", strerror(errno));
		if (n < 0 && poll(&p, 1, wait_ms) <= 0)
			return (struct input_event){ 0 };
		if (n == sizeof(ev) && ev.type != EV_SYN && ev.type != EV_MSC)
			return ev;
	}
}

void vm_expect(int fd, const int *rows)
{
	for (; rows[0]; rows += 3) {
		struct input_event ev = vm_event(fd, VM_WAIT_MS);

		if (ev.type != rows[0] || ev.code != rows[1] || ev.value != rows[2])
			fail_msg("type %u code %#x value %d came, awaited were %d %#x %d", ev.type,
				ev.code, ev.value, rows[0], rows[1], rows[2]);
	}
}

void vm_quiet(int fd)
{
	struct input_event ev = vm_event(fd, 200);

	if (ev.type)
		fail_msg("type %u code %#x value %d came, awaited was nothing", ev.type, ev.code,
			ev.value);
}
