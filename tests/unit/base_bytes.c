/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/base/bytes.h"

static void reads_what_was_written(void **state)
{
	uint8_t buf[32];
	struct pf_writer w = pf_writer(buf, sizeof(buf));
	struct pf_reader r;

	pf_wr_u8(&w, 0x12);
	pf_wr_u16le(&w, 0x3456);
	pf_wr_u32be(&w, 0x789abcde);
	pf_wr_u64le(&w, 0x0123456789abcdef);
	assert_false(w.err);
	assert_int_equal(w.len, 15);
	assert_int_equal(buf[1], 0x56);
	assert_int_equal(buf[3], 0x78);

	r = pf_reader(buf, w.len);
	assert_int_equal(pf_rd_u8(&r), 0x12);
	assert_int_equal(pf_rd_u16le(&r), 0x3456);
	assert_int_equal(pf_rd_u32be(&r), 0x789abcde);
	assert_true(pf_rd_u64le(&r) == 0x0123456789abcdef);
	assert_false(r.err);
	assert_int_equal(r.left, 0);
}

static void read_error_sticks(void **state)
{
	uint8_t buf[3] = { 1, 2, 3 };
	struct pf_reader r = pf_reader(buf, sizeof(buf));

	assert_int_equal(pf_rd_u32le(&r), 0);
	assert_true(r.err);
	/* The bytes are there, but the reader has failed already. */
	assert_int_equal(pf_rd_u8(&r), 0);
	assert_null(pf_rd_bytes(&r, 0));
}

static void write_error_sticks(void **state)
{
	uint8_t buf[4] = { 0 };
	struct pf_writer w = pf_writer(buf, 3);

	pf_wr_u32le(&w, 0xffffffff);
	assert_true(w.err);
	pf_wr_u8(&w, 1);
	assert_int_equal(w.len, 0);
	assert_int_equal(buf[0], 0);
}

static void huge_length_is_refused(void **state)
{
	uint8_t buf[4] = { 0 };
	struct pf_reader r = pf_reader(buf, sizeof(buf));
	struct pf_writer w = pf_writer(buf, sizeof(buf));

	assert_null(pf_rd_bytes(&r, SIZE_MAX));
	assert_null(pf_wr_room(&w, SIZE_MAX));
	assert_true(r.err && w.err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_written),
		cmocka_unit_test(read_error_sticks),
		cmocka_unit_test(write_error_sticks),
		cmocka_unit_test(huge_length_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
