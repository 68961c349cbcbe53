/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/linerate/linerate.h"
#include "tools/linerate/link.h"

static struct pf_content_rules rules_of(uint64_t bps)
{
	struct pf_content_rules r = {
		.seed = 7, .fps = 240, .keyframe_bytes = 100000, .keyframe_every = 480
	};

	assert_int_equal(pf_content_mean(&r, bps), 0);
	return r;
}

static void the_rate_is_kept_with_mixed_sizes_and_keyframes(void **state)
{
	struct pf_content_rules r = rules_of(40000000);
	size_t len, least = SIZE_MAX, most = 0;
	struct pf_content c;
	uint64_t sum = 0;

	assert_int_equal(pf_content_init(&c, &r), 0);
	for (uint32_t i = 0; i < 4800; i++) {
		bool keyframe = pf_content_due_keyframe(&c, i);

		pf_content_frame(&c, i, keyframe, &len);
		sum += len;
		if (keyframe) {
			assert_int_equal(len, r.keyframe_bytes);
			continue;
		}
		least = len < least ? len : least;
		most = len > most ? len : most;
	}
	assert_in_range(sum * 8 / 20, 39000000, 41000000);
	assert_true(least < r.mean_bytes / 3 && most > 2 * r.mean_bytes);
	assert_true(most <= pf_content_max_bytes(&r));
	pf_content_finish(&c);
}

static void keyframes_beyond_the_rate_are_refused(void **state)
{
	struct pf_content_rules r = {
		.fps = 240, .keyframe_bytes = 5000000, .keyframe_every = 480
	};

	assert_int_equal(pf_content_mean(&r, 15000000), -EINVAL);
}

static void any_change_of_a_frame_is_seen(void **state)
{
	struct pf_content_rules r = rules_of(40000000), other = r;
	struct pf_content c, d;
	size_t len;
	const uint8_t *p;
	uint8_t *copy;

	other.seed++;
	assert_int_equal(pf_content_init(&c, &r), 0);
	assert_int_equal(pf_content_init(&d, &other), 0);
	p = pf_content_frame(&c, 5, false, &len);
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, p, len);
	assert_true(pf_content_is(&c, 5, false, copy, len));
	assert_false(pf_content_is(&c, 5, false, copy, len - 1));
	assert_false(pf_content_is(&c, 5, true, copy, len));
	assert_false(pf_content_is(&d, 5, false, copy, len));
	copy[len - 1] ^= 1;
	assert_false(pf_content_is(&c, 5, false, copy, len));
	free(copy);
	pf_content_finish(&c);
	pf_content_finish(&d);
}

static void what_was_said_before_the_end_still_arrives(void **state)
{
	char dir[] = "/tmp/pf-linerate-XXXXXX", path[64];
	struct pf_link_message m = { .kind = PF_LINK_LOSS, .loss_ppm = 3 };
	pid_t pid;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/link", dir);
	assert_int_equal(pf_link_connect(path, 0), -ENOENT);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		fd = pf_link_connect(path, 10000);
		/* One message for us stays unread. */
		m.kind = PF_LINK_END;
		if (fd < 0 || pf_link_receive(fd, &(struct pf_link_message){ 0 }, 10000) ||
			pf_link_send(fd, &m))
			_exit(1);
		poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 10000);
		_exit(0);
	}
	fd = pf_link_accept(path, 10000);
	assert_true(fd >= 0);
	assert_int_equal(pf_link_receive(fd, &m, 0), -EAGAIN);
	assert_int_equal(pf_link_send(fd, &m), 0);
	assert_int_equal(pf_link_send(fd, &m), 0);
	assert_int_equal(pf_link_receive(fd, &m, 10000), 0);
	assert_int_equal(m.kind, PF_LINK_END);
	assert_int_equal(m.loss_ppm, 3);
	assert_int_equal(pf_link_receive(fd, &m, 10000), -EPIPE);
	close(fd);
	assert_int_equal(rmdir(dir), 0);
}

static void the_command_line_is_checked(void **state)
{
	static const char *const bad[][7] = {
		{ "x" },
		{ "x", "relay" },
		{ "x", "send", "--control", "c" },
		{ "x", "send", "--to", "127.0.0.1", "--control", "c" },
		{ "x", "send", "--to", "127.0.0.1:1", "--control", "c", "more" },
		{ "x", "send", "--to", "127.0.0.1:1", "--shard", "1407" },
		{ "x", "send", "--to", "127.0.0.1:1", "--keyframe", "5" },
		{ "x", "receive", "--at", "127.0.0.1:1", "--mbit", "5" },
	};
	static const char *const good[] = { "x", "send", "--to", "127.0.0.1:9", "--control", "c",
		"--mbit", "2.5", "--keyframe", "7000:0.5" };
	struct pf_linerate_options o;
	struct pf_reason why;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int argc = 0;

		while (argc < 7 && bad[i][argc])
			argc++;
		why.text[0] = 0;
		assert_int_equal(pf_linerate_parse(&o, argc, (char *const *)bad[i], &why), -EINVAL);
		assert_true(why.text[0]);
	}
	assert_int_equal(pf_linerate_parse(&o, 10, (char *const *)good, &why), 0);
	assert_true(o.sends);
	assert_int_equal(o.bps, 2500000);
	assert_int_equal(o.keyframe_bytes, 7000);
	assert_true(o.keyframe_seconds == 0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rate_is_kept_with_mixed_sizes_and_keyframes),
		cmocka_unit_test(keyframes_beyond_the_rate_are_refused),
		cmocka_unit_test(any_change_of_a_frame_is_seen),
		cmocka_unit_test(what_was_said_before_the_end_still_arrives),
		cmocka_unit_test(the_command_line_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
