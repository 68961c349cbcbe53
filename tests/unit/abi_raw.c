/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The ABI's raw calls through the shared library, as callers of another age. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "punktfunk_core.h"

static void open_pair(int fd[2])
{
	struct sockaddr_in a[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		socklen_t len = sizeof(a[i]);

		a[i].sin_family = AF_INET;
		a[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		assert_int_equal(bind(fd[i], (struct sockaddr *)&a[i], len), 0);
		assert_int_equal(getsockname(fd[i], (struct sockaddr *)&a[i], &len), 0);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(connect(fd[i], (struct sockaddr *)&a[!i], sizeof(a[i])), 0);
}

static PunktfunkSession *open_session(uint8_t role, int fd)
{
	PunktfunkSessionConfig c = {
		.struct_size = sizeof(c),
		.role = role,
		.fec_percent = 10,
		.socket_fd = fd,
	};
	PunktfunkSession *s = NULL;

	assert_int_equal(punktfunk_session_new(&c, &s, NULL), PUNKTFUNK_OK);
	assert_non_null(s);
	return s;
}

static void structs_of_any_age_work(void **state)
{
	struct {
		PunktfunkStats s;
		uint64_t newer[4];
	} big;
	PunktfunkStats small;
	PunktfunkFrame f;
	PunktfunkSession *host, *client;
	int fd[2];

	open_pair(fd);
	host = open_session(PUNKTFUNK_ROLE_HOST, fd[0]);
	client = open_session(PUNKTFUNK_ROLE_CLIENT, fd[1]);
	assert_int_equal(punktfunk_host_submit_frame(
				 host, (const uint8_t *)"abc", 3, 42, PUNKTFUNK_FRAME_VIDEO),
		0);

	/* a frame struct that ends before first_unix_ns */
	memset(&f, 0xaa, sizeof(f));
	f.struct_size = offsetof(PunktfunkFrame, first_unix_ns);
	assert_int_equal(punktfunk_client_poll_frame(client, &f, 5000), 0);
	assert_int_equal(f.struct_size, offsetof(PunktfunkFrame, first_unix_ns));
	assert_int_equal(f.size, 3);
	assert_memory_equal(f.data, "abc", 3);
	assert_true(f.pts_unix_ns == 42);
	assert_true(f.first_unix_ns == 0xaaaaaaaaaaaaaaaa); /* beyond its end: untouched */
	f.struct_size = sizeof(f);
	assert_int_equal(punktfunk_client_poll_frame(client, &f, 0), PUNKTFUNK_EAGAIN);

	memset(&small, 0xaa, sizeof(small));
	small.struct_size = offsetof(PunktfunkStats, frames_dropped);
	assert_int_equal(punktfunk_session_stats(client, &small), 0);
	assert_true(small.frames == 1);
	assert_true(small.frames_dropped == 0xaaaaaaaaaaaaaaaa);

	/* and one of a caller newer than the library; the frame can be here before the
	 * sender has counted its last parity packet */
	for (unsigned i = 0; i < 500; i++) {
		memset(&big, 0xaa, sizeof(big));
		big.s.struct_size = sizeof(big);
		assert_int_equal(punktfunk_session_stats(host, &big.s), 0);
		if (big.s.packets >= 3)
			break;
		usleep(10000);
	}
	assert_int_equal(big.s.struct_size, sizeof(big));
	assert_true(big.s.frames == 1 && big.s.packets >= 3);
	for (unsigned i = 0; i < 4; i++)
		assert_true(big.newer[i] == 0);
	punktfunk_session_free(host);
	punktfunk_session_free(client);
	close(fd[0]);
	close(fd[1]);
}

static void bad_calls_are_refused(void **state)
{
	PunktfunkSessionConfig c = { .struct_size = sizeof(c), .socket_fd = -1 };
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkStats st = { 0 };
	PunktfunkSession *s = NULL, *host;
	PunktfunkFrame f = { .struct_size = sizeof(f) };
	int fd[2];

	assert_int_equal(punktfunk_session_new(NULL, &s, &why), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_session_new(&c, NULL, &why), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_session_new(&c, &s, &why), PUNKTFUNK_EINVAL);
	assert_null(s);
	assert_int_equal(why.code, PUNKTFUNK_EINVAL);
	assert_non_null(strstr(why.text, "socket_fd"));
	c.struct_size = 0;
	assert_int_equal(punktfunk_session_new(&c, &s, NULL), PUNKTFUNK_EINVAL);

	open_pair(fd);
	host = open_session(PUNKTFUNK_ROLE_HOST, fd[0]);
	assert_int_equal(punktfunk_host_submit_frame(NULL, NULL, 0, 0, 0), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_host_submit_frame(host, NULL, 5, 0, 0), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_host_submit_frame(host, (uint8_t *)&c, (size_t)64 << 20, 0, 0),
		PUNKTFUNK_EMSGSIZE);
	assert_int_equal(punktfunk_client_poll_frame(host, &f, 0), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_client_poll_frame(NULL, &f, 0), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_session_stats(host, &st), PUNKTFUNK_EINVAL); /* no size */
	assert_int_equal(punktfunk_session_stats(host, NULL), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_session_send_input(NULL, NULL), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_set_input_callback(NULL, NULL, NULL), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_set_input_callback(host, NULL, NULL), PUNKTFUNK_EINVAL);
	punktfunk_session_free(host);
	punktfunk_session_free(NULL);
	close(fd[0]);
	close(fd[1]);
}

static void codes_have_words(void **state)
{
	static const int32_t codes[] = { PUNKTFUNK_OK, PUNKTFUNK_EIO, PUNKTFUNK_EAGAIN,
		PUNKTFUNK_ENOMEM, PUNKTFUNK_EACCES, PUNKTFUNK_EBUSY, PUNKTFUNK_EINVAL,
		PUNKTFUNK_EPIPE, PUNKTFUNK_EPROTO, PUNKTFUNK_EMSGSIZE, PUNKTFUNK_ENOTSUP,
		PUNKTFUNK_EADDRINUSE, PUNKTFUNK_ETIMEDOUT, PUNKTFUNK_ECONNREFUSED,
		PUNKTFUNK_EHOSTUNREACH };
	const char *unknown = punktfunk_strerror(-12345);

	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_string_not_equal(punktfunk_strerror(codes[i]), unknown);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(
				punktfunk_strerror(codes[i]), punktfunk_strerror(codes[j]));
	}
}

static void an_identity_is_made_once_and_read_again(void **state)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkIdentity *id[2] = { NULL };
	char dir[] = "/tmp/pf-abi-XXXXXX", path[64], bad[64];
	uint8_t fp[2][32];
	struct stat st;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/id.pem", dir);
	snprintf(bad, sizeof(bad), "%s/none/id.pem", dir);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(punktfunk_identity_open(path, &id[i], &why), 0);
		punktfunk_identity_fingerprint(id[i], fp[i]);
	}
	assert_memory_equal(fp[0], fp[1], 32);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	punktfunk_identity_free(id[0]);
	punktfunk_identity_free(id[1]);
	punktfunk_identity_free(NULL);

	id[0] = NULL;
	assert_true(punktfunk_identity_open(bad, &id[0], &why) < 0);
	assert_non_null(strstr(why.text, bad));
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("no key", f);
	fclose(f);
	assert_true(punktfunk_identity_open(path, &id[0], &why) < 0);
	assert_int_equal(why.code, PUNKTFUNK_EIO); /* EBADMSG within */
	assert_non_null(strstr(why.text, path));
	assert_null(id[0]);
	assert_int_equal(punktfunk_identity_open(path, NULL, &why), PUNKTFUNK_EINVAL);
	unlink(path);
	rmdir(dir);
}

static void the_library_says_what_it_is(void **state)
{
	char text[64], small[4];

	assert_int_equal(punktfunk_abi_version(), PUNKTFUNK_ABI_VERSION);
	assert_ptr_equal(punktfunk_cpu_features(text, sizeof(text)), text);
	memset(small, 'x', sizeof(small));
	punktfunk_cpu_features(small, sizeof(small));
	assert_true(memchr(small, 0, sizeof(small)) != NULL);
	assert_int_equal(strncmp(text, small, strlen(small)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structs_of_any_age_work),
		cmocka_unit_test(bad_calls_are_refused),
		cmocka_unit_test(codes_have_words),
		cmocka_unit_test(an_identity_is_made_once_and_read_again),
		cmocka_unit_test(the_library_says_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
