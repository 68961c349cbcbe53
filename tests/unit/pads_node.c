/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/pads/node.h"
#include "host/pads/pads.h"

static void a_missing_node_names_the_module(void **state)
{
	struct pf_reason why = { 0 };

	assert_int_equal(pf_pad_node_open("/nonexistent/uhid", "uhid", &why), -ENOENT);
	assert_non_null(strstr(why.text, "/nonexistent/uhid"));
	assert_non_null(strstr(why.text, "modprobe uhid"));
}

static void a_closed_node_names_the_rule(void **state)
{
	char path[] = "/tmp/pf-node-XXXXXX";
	struct pf_reason why = { 0 };
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(chmod(path, 0), 0);
	/* Root may open everything. */
	assert_true(getuid() || !seteuid(65534));
	r = pf_pad_node_open(path, "uinput", &why);
	assert_true(getuid() || !seteuid(0));
	unlink(path);
	assert_int_equal(r, -EACCES);
	assert_non_null(strstr(why.text, "60-punktfunk.rules"));
}

static void it_does_not_block(void **state)
{
	char path[] = "/tmp/pf-node-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	close(fd);
	r = pf_pad_node_open(path, "uinput", NULL);
	assert_true(r >= 0);
	assert_true(fcntl(r, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(r, F_GETFD) & FD_CLOEXEC);
	close(r);
	unlink(path);
}

static void what_can_be_agrees_with_the_nodes(void **state)
{
	struct pf_reason why;
	unsigned can = pf_pads_can(&why), want = 0;

	want |= access("/dev/uinput", R_OK | W_OK) ? 0 : PF_PADS_CAN_UINPUT;
	want |= access("/dev/uhid", R_OK | W_OK) ? 0 : PF_PADS_CAN_UHID;
	assert_int_equal(can, want);
	assert_int_equal(why.code == 0, can == 3);
	assert_int_equal(strstr(why.text, "/dev/uinput") == NULL, can & PF_PADS_CAN_UINPUT);
	assert_int_equal(strstr(why.text, "/dev/uhid") == NULL, (can & PF_PADS_CAN_UHID) != 0);
	assert_int_equal(pf_pads_can(NULL), can);
}

static void phys_has_three_parts(void **state)
{
	char phys[64];

	pf_pad_node_phys(phys, sizeof(phys), "a/b", "pad2");
	assert_string_equal(phys, "punktfunk/a_b/pad2");
	pf_pad_node_phys(phys, sizeof(phys),
		"a name that is longer than any that a person would choose for it", "pad16");
	assert_string_equal(phys, "punktfunk/a name that is longer than any that a p/pad16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_node_names_the_module),
		cmocka_unit_test(a_closed_node_names_the_rule),
		cmocka_unit_test(it_does_not_block),
		cmocka_unit_test(what_can_be_agrees_with_the_nodes),
		cmocka_unit_test(phys_has_three_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
