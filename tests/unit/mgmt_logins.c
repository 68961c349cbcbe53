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
#include "core/base/clock.h"
#include "core/crypto/password.h"
#include "host/mgmt/logins.h"
#include "host/mgmt/password.h"
#include "host/sys/files.h"

#define NOW (1000 * PF_NS_PER_S)

struct fixture {
	char dir[64], path[96];
	struct pf_logins *l;
};

static void write_file(struct fixture *f, const char *text)
{
	assert_int_equal(pf_file_replace(f->path, 0600, text, strlen(text), NULL), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/pf-logins-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/" PF_MGMT_PASSWORD_FILE, f->dir);
	write_file(f, "one");
	assert_int_equal(pf_logins_create(&f->l, f->path), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pf_logins_destroy(f->l);
	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* Logs in; the header that a browser then sends. */
static struct pf_login log_in(struct fixture *f, uint64_t now_ns, char header[160])
{
	char cookie[PF_LOGIN_TOKEN_BYTES];
	struct pf_login login;

	assert_int_equal(pf_logins_open(f->l, pf_logins_epoch(f->l), now_ns, cookie, &login), 0);
	snprintf(header, 160, PF_LOGIN_COOKIE "=%s", cookie);
	return login;
}

static void a_log_in_is_found_by_its_cookie(void **state)
{
	static const char *const none[] = { "", ";", "=", PF_LOGIN_COOKIE, PF_LOGIN_COOKIE "=",
		PF_LOGIN_COOKIE "=0", "__host-punktfunk=0", "a=b; c=d" };
	struct fixture *f = *state;
	struct pf_login one, two, found;
	char a[160], b[160], header[500];

	one = log_in(f, NOW, a);
	two = log_in(f, NOW, b);
	assert_true(one.id && one.id != two.id);
	assert_string_not_equal(one.csrf, two.csrf);
	assert_null(strstr(a, one.csrf));
	assert_true(pf_logins_find(f->l, a, NOW, &found));
	assert_int_equal(found.id, one.id);
	assert_string_equal(found.csrf, one.csrf);
	/* Beside others, also of its name. */
	snprintf(header, sizeof(header), "x=y;%s; " PF_LOGIN_COOKIE "=%064d; z=%s", b, 0, a);
	assert_true(pf_logins_find(f->l, header, NOW, &found));
	assert_int_equal(found.id, two.id);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(pf_logins_find(f->l, none[i], NOW, &found));
	assert_false(pf_logins_find(f->l, NULL, NOW, &found));
	a[strlen(a) - 1] ^= 1;
	assert_false(pf_logins_find(f->l, a, NOW, &found));
	snprintf(header, sizeof(header), "%s0", b);
	assert_false(pf_logins_find(f->l, header, NOW, &found));
	pf_logins_close(f->l, two.id);
	pf_logins_close(f->l, 0);
	assert_false(pf_logins_find(f->l, b, NOW, &found));
	assert_false(pf_logins_lives(f->l, two.id, NOW));
	assert_true(pf_logins_lives(f->l, one.id, NOW));
	assert_false(pf_logins_lives(f->l, 0, NOW));
}

static void it_ends_by_time(void **state)
{
	struct fixture *f = *state;
	uint64_t idle_ns = PF_LOGIN_IDLE_S * PF_NS_PER_S, age_ns = PF_LOGIN_AGE_S * PF_NS_PER_S;
	struct pf_login login, found;
	char a[160];
	uint64_t t;

	login = log_in(f, NOW, a);
	/* That it lives is no use of it. */
	assert_true(pf_logins_lives(f->l, login.id, NOW + idle_ns - 1));
	assert_false(pf_logins_lives(f->l, login.id, NOW + idle_ns));
	assert_false(pf_logins_find(f->l, a, NOW + idle_ns, &found));
	assert_false(pf_logins_find(f->l, a, NOW, &found)); /* gone for good */
	(void)log_in(f, NOW, a);
	for (t = NOW; t < NOW + age_ns; t += idle_ns / 2)
		assert_true(pf_logins_find(f->l, a, t, &found));
	assert_true(pf_logins_find(f->l, a, NOW + age_ns - 1, &found));
	assert_false(pf_logins_find(f->l, a, NOW + age_ns, &found));
}

static void they_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct pf_login found;
	char first[160], second[160], more[160];

	(void)log_in(f, NOW, first);
	(void)log_in(f, NOW + 1, second);
	assert_true(pf_logins_find(f->l, first, NOW + 2, &found));
	for (int i = 0; i < PF_LOGINS_MAX - 1; i++)
		(void)log_in(f, NOW + 3, more);
	/* The one that was not used for longest made room. */
	assert_false(pf_logins_find(f->l, second, NOW + 4, &found));
	assert_true(pf_logins_find(f->l, first, NOW + 4, &found));
}

static void another_password_ends_them(void **state)
{
	struct fixture *f = *state;
	uint64_t epoch = pf_logins_epoch(f->l);
	char a[160], cookie[PF_LOGIN_TOKEN_BYTES];
	struct pf_login login, found;

	login = log_in(f, NOW, a);
	assert_true(pf_logins_has_password(f->l));
	write_file(f, "two"); /* of the same length */
	assert_false(pf_logins_lives(f->l, login.id, NOW));
	assert_false(pf_logins_find(f->l, a, NOW, &found));
	/* Nor does who gave the old one get in now. */
	assert_int_equal(pf_logins_open(f->l, epoch, NOW, cookie, &login), -ESTALE);
	(void)log_in(f, NOW, a);
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_false(pf_logins_find(f->l, a, NOW, &found));
	(void)log_in(f, NOW, a);
	unlink(f->path);
	assert_false(pf_logins_has_password(f->l));
	assert_false(pf_logins_find(f->l, a, NOW, &found));
	write_file(f, "two");
	assert_false(pf_logins_find(f->l, a, NOW, &found));
}

static void tries_are_limited(void **state)
{
	struct fixture *f = *state;
	uint64_t refill_ns = PF_LOGIN_REFILL_S * PF_NS_PER_S;
	char address[64];
	unsigned taken = 0;

	for (int i = 0; i < PF_LOGIN_BURST; i++)
		assert_int_equal(pf_logins_try(f->l, "192.0.2.1", false, NOW), 0);
	assert_int_equal(pf_logins_try(f->l, "192.0.2.1", false, NOW), PF_LOGIN_REFILL_S);
	assert_int_equal(pf_logins_try(f->l, "192.0.2.1", false, NOW + refill_ns - 1), 1);
	assert_int_equal(pf_logins_try(f->l, "192.0.2.1", false, NOW + refill_ns), 0);
	assert_int_not_equal(pf_logins_try(f->l, "192.0.2.1", false, NOW + refill_ns), 0);
	pf_logins_forgive(f->l, "192.0.2.1");
	assert_int_equal(pf_logins_try(f->l, "192.0.2.1", false, NOW + refill_ns), 0);
	/* A network of IPv6 is one; no address is one. */
	for (int i = 0; i < PF_LOGIN_BURST; i++) {
		snprintf(address, sizeof(address), "2001:db8:1:2::%x", i);
		assert_int_equal(pf_logins_try(f->l, address, false, NOW), 0);
		assert_int_equal(pf_logins_try(f->l, NULL, false, NOW), 0);
	}
	assert_int_not_equal(pf_logins_try(f->l, "2001:db8:1:2:3::%eth0", false, NOW), 0);
	assert_int_not_equal(pf_logins_try(f->l, "?", false, NOW), 0);
	assert_int_equal(pf_logins_try(f->l, "2001:db8:1:3::1", false, NOW), 0);
	/* All together, from ever new addresses; this machine's own still may. */
	for (int i = 0; i < 1000; i++) {
		snprintf(address, sizeof(address), "10.0.%d.%d", i >> 8, i & 255);
		taken += !pf_logins_try(f->l, address, false, NOW + refill_ns);
	}
	assert_true(taken <= PF_LOGIN_ALL_BURST);
	assert_int_equal(pf_logins_try(f->l, "127.0.0.1", true, NOW + refill_ns), 0);
	assert_int_equal(pf_logins_try(f->l, "10.1.0.0", false,
				 NOW + refill_ns + PF_LOGIN_ALL_S * PF_NS_PER_S),
		0);
}

static void passwords_are_kept_as_hashes(void **state)
{
	struct fixture *f = *state;
	char one[PF_MGMT_PASSWORD_NEW_BYTES], two[PF_MGMT_PASSWORD_NEW_BYTES];
	struct pf_reason why = { 0 };
	struct stat st;

	assert_int_equal(pf_mgmt_password_make(one), 0);
	assert_int_equal(pf_mgmt_password_make(two), 0);
	assert_string_not_equal(one, two);
	assert_int_equal(strlen(one), PF_MGMT_PASSWORD_NEW_BYTES - 1);
	assert_true(pf_mgmt_password_fits(one, strlen(one), &why));
	assert_false(pf_mgmt_password_fits("1234567", 7, &why));
	assert_false(pf_mgmt_password_fits("12345678\xff", 9, &why));
	assert_int_equal(pf_mgmt_password_check(f->path, one, strlen(one), &why), -EBADMSG);
	assert_int_equal(pf_mgmt_password_set(f->path, one, strlen(one), &why), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(pf_mgmt_password_check(f->path, one, strlen(one), &why), 0);
	assert_int_equal(pf_mgmt_password_check(f->path, two, strlen(two), &why), -EACCES);
	assert_int_equal(pf_mgmt_password_check(f->path, one, strlen(one) - 1, &why), -EACCES);
	assert_int_equal(pf_mgmt_password_check(f->path, "", 0, &why), -EACCES);
	assert_int_equal(chmod(f->path, 0640), 0);
	assert_int_equal(pf_mgmt_password_check(f->path, one, strlen(one), &why), -EPERM);
	unlink(f->path);
	assert_int_equal(pf_mgmt_password_check(f->path, one, strlen(one), &why), -ENOENT);
	assert_non_null(strstr(why.text, "punktfunk-host console"));
}

/* A file that was tampered with neither passes nor costs more than ours. */
static void hashes_of_other_cost_are_refused(void **state)
{
	static const char *const bad[] = { "", "$", "$argon2id$", "plain",
		"$argon2i$v=19$m=65536,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=65536,t=4000000,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=65536,t=2,p=64$c2FsdHNhbHRzYWx0c2FsdA$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=99999999999999999999,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAA" };
	char hash[PF_PASSWORD_HASH_BYTES], lengthy[300];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pf_password_verify(bad[i], "x", 1), -EBADMSG);
	memset(lengthy, 'a', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = 0;
	assert_int_equal(pf_password_verify(lengthy, "x", 1), -EBADMSG);
	assert_int_equal(pf_password_hash(hash, "x", 1), 0);
	assert_int_equal(pf_password_verify(hash, "x", 1), 0);
	assert_int_equal(pf_password_verify(hash, "y", 1), -EACCES);
	hash[strlen(hash) - 2] ^= 1;
	assert_int_equal(pf_password_verify(hash, "x", 1), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_log_in_is_found_by_its_cookie, setup, teardown),
		cmocka_unit_test_setup_teardown(it_ends_by_time, setup, teardown),
		cmocka_unit_test_setup_teardown(they_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(another_password_ends_them, setup, teardown),
		cmocka_unit_test_setup_teardown(tries_are_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(passwords_are_kept_as_hashes, setup, teardown),
		cmocka_unit_test(hashes_of_other_cost_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
