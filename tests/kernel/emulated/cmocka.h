/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* cmocka.h - as much of cmocka as the tests of core/fec use, for machines that
 * are only emulated here and have no libcmocka: the same tests, in one process
 * that ends at the first failure. */
#pragma once
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*test_func)(void **state);
	int (*setup_func)(void **state);
	int (*teardown_func)(void **state);
	void *initial_state;
};

static jmp_buf skip_to;

#define cmocka_unit_test(f)                                                                        \
	{                                                                                          \
#f, f, NULL, NULL, NULL                                                            \
	}

#define check(ok, what)                                                                            \
	do {                                                                                       \
		if (!(ok)) {                                                                       \
			printf("not ok - %s:%d: %s\n", __FILE__, __LINE__, what);                  \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)
#define assert_true(x)		     check(x, #x)
#define assert_false(x)		     check(!(x), "not " #x)
#define assert_null(x)		     check((x) == NULL, #x " is null")
#define assert_non_null(x)	     check((x) != NULL, #x)
#define assert_int_equal(a, b)	     check((long long)(a) == (long long)(b), #a " == " #b)
#define assert_ptr_equal(a, b)	     check((a) == (b), #a " == " #b)
#define assert_string_equal(a, b)    check(!strcmp(a, b), #a " == " #b)
#define assert_memory_equal(a, b, n) check(!memcmp(a, b, n), #a " == " #b)
#define print_message		     printf
#define skip()			     longjmp(skip_to, 1)

static inline int run_tests(const char *group, const struct CMUnitTest *tests, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		void *state = tests[i].initial_state;

		if (setjmp(skip_to)) {
			printf("ok - %s: %s # SKIP\n", group, tests[i].name);
			continue;
		}
		tests[i].test_func(&state);
		printf("ok - %s: %s\n", group, tests[i].name);
	}
	return 0;
}

#define cmocka_run_group_tests_name(group, tests, setup, teardown)                                 \
	run_tests(group, tests, sizeof(tests) / sizeof(tests[0]))
#define _cmocka_run_group_tests(group, tests, count, setup, teardown) run_tests(group, tests, count)
