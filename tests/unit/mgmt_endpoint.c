/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/base/log.h"
#include "host/mgmt/endpoint.h"
#include "host/sys/files.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

struct fixture {
	char dir[64], token[96], endpoint[96];
};

static void no_log(void *user, enum pf_log_level level, const char *topic, const char *text) {}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	pf_log_set(no_log, NULL, PF_LOG_ERROR);
	strcpy(f->dir, "/tmp/pf-endpoint-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->token, sizeof(f->token), "%s/mgmt-token", f->dir);
	snprintf(f->endpoint, sizeof(f->endpoint), "%s/mgmt.json", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->token);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void a_token_stays_unless_others_could_read_it(void **state)
{
	struct fixture *f = *state;
	char a[PF_MGMT_TOKEN_BYTES], b[PF_MGMT_TOKEN_BYTES], c[PF_MGMT_TOKEN_BYTES];

	umask(0);
	assert_int_equal(pf_mgmt_token_read(a, f->dir, NULL), -ENOENT);
	assert_int_equal(pf_mgmt_token_open(a, f->dir, NULL), 0);
	assert_int_equal(strlen(a), 64);
	assert_int_equal(mode_of(f->token), 0600);
	assert_int_equal(pf_mgmt_token_open(b, f->dir, NULL), 0);
	assert_string_equal(a, b);
	assert_int_equal(pf_mgmt_token_read(b, f->dir, NULL), 0);
	assert_string_equal(a, b);

	assert_int_equal(chmod(f->token, 0640), 0);
	assert_int_equal(pf_mgmt_token_open(b, f->dir, NULL), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(mode_of(f->token), 0600);
	assert_int_equal(pf_file_replace(f->token, 0600, "short\n", 6, NULL), 0);
	assert_int_equal(pf_mgmt_token_read(c, f->dir, NULL), -EBADMSG);
	assert_int_equal(pf_mgmt_token_open(c, f->dir, NULL), 0);
	assert_string_not_equal(c, b);
}

static void tells_where_the_host_is(void **state)
{
	static const char *const bad[] = { "", "{}", "[]",
		"{\"address\": \"127.0.0.1\", \"port\": 0, \"fingerprint\": \"00\", \"pid\": 1}",
		"{\"address\": \"127.0.0.1\", \"port\": 65536, \"fingerprint\": \"" ZEROS
		"\", \"pid\": 1}" };
	struct fixture *f = *state;
	struct pf_mgmt_endpoint e = { .address = "::1", .port = 47990, .pid = 42 }, got = { 0 };

	memset(e.fingerprint, 0xab, 32);
	assert_int_equal(pf_mgmt_endpoint_read(&got, f->dir, NULL), -ENOENT);
	assert_int_equal(pf_mgmt_endpoint_write(f->dir, &e, NULL), 0);
	assert_int_equal(mode_of(f->endpoint), 0600);
	assert_int_equal(pf_mgmt_endpoint_read(&got, f->dir, NULL), 0);
	assert_string_equal(got.address, "::1");
	assert_int_equal(got.port, 47990);
	assert_int_equal(got.pid, 42);
	assert_memory_equal(got.fingerprint, e.fingerprint, 32);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pf_reason why = { 0 };

		assert_int_equal(
			pf_file_replace(f->endpoint, 0600, bad[i], strlen(bad[i]), NULL), 0);
		assert_int_equal(pf_mgmt_endpoint_read(&got, f->dir, &why), -EBADMSG);
		assert_non_null(strstr(why.text, "mgmt.json"));
	}
	pf_mgmt_endpoint_remove(f->dir);
	pf_mgmt_endpoint_remove(f->dir);
	assert_int_equal(pf_mgmt_endpoint_read(&got, f->dir, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_token_stays_unless_others_could_read_it, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_where_the_host_is, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
