/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* vm.h - what the suites of the virtual machine share: a set of pads whose feedback
 * is recorded, and the device nodes that the kernel made of it.
 *
 * A guest on an emulated processor is slow: waits are long, and end early. Every
 * call fails the test when what it waits for does not come. */
#pragma once
#include <linux/input.h>
#include <pthread.h>
#include "host/pads/pads.h"

#define VM_WAIT_MS 10000

struct vm_set {
	struct pf_pads *pads;
	pthread_mutex_t lock;
	unsigned count;
	struct {
		struct pf_pad_feedback fb;
		uint64_t at_ns;
	} heard[256];
	unsigned next; /* the first that vm_feedback did not look at yet */
};

/** One at a time. */
struct vm_set *vm_open(const char *client);
void vm_close(struct vm_set *s);
void vm_arrive(struct vm_set *s, uint8_t pad, enum pf_pad_kind kind);
void vm_post(struct vm_set *s, struct pf_pad_event ev);
void vm_state(struct vm_set *s, uint8_t pad, struct pf_pad_state state);

/** The next feedback of that kind and pad that is not yet looked at; those before it
 * are passed over. */
struct pf_pad_feedback vm_feedback(struct vm_set *s, enum pf_pad_feedback_kind kind, uint8_t pad);

/** Opens the event node whose phys it is, for reading and writing, not blocking.
 * `name` (of 64 bytes, or NULL) gets its path. */
int vm_node(const char *phys, char *name);
/** Whether a node of that phys is there now. */
bool vm_there(const char *phys);
void vm_wait_gone(const char *phys);
/** The next event that is no SYN or MSC; type 0 after `wait_ms` without any. */
struct input_event vm_event(int fd, int wait_ms);
/** That the next events are `type, code, value` thrice and so on, up to type 0. */
void vm_expect(int fd, const int *rows);
#define VM_EXPECT(fd, ...) vm_expect(fd, (const int[]){ __VA_ARGS__, 0 })
/** That no event comes. */
void vm_quiet(int fd);
