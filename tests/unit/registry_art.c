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
#include "host/registry/art.h"
#include "host/sys/files.h"
#include "host/sys/rundir.h"

static const uint8_t png[] = "\x89PNG\r\n\x1a\n picture";
static const uint8_t jpeg[] = "\xff\xd8\xff picture";

static void first_bytes_say_what_it_is(void **state)
{
	static const char webp[] = "RIFF....WEBPVP8 ";

	assert_string_equal(pf_art_type(png, sizeof(png)), "image/png");
	assert_string_equal(pf_art_type(jpeg, sizeof(jpeg)), "image/jpeg");
	assert_string_equal(pf_art_type((const uint8_t *)webp, sizeof(webp)), "image/webp");
	assert_null(pf_art_type((const uint8_t *)"<svg>", 5));
	/* Each cut copy, in memory of its own size. */
	for (size_t n = 0; n < sizeof(webp); n++) {
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, webp, n);
		assert_int_equal(pf_art_type(cut, n) != NULL, n > 12);
		memcpy(cut, png, n);
		assert_int_equal(pf_art_type(cut, n) != NULL, n > 8);
		free(cut);
	}
}

static void the_one_kept_comes_before_the_file(void **state)
{
	char *dir, image[PF_PATH_BYTES], art[PF_PATH_BYTES];
	struct pf_app app = { .id = 7, .image = image };
	struct pf_reason why;
	uint8_t *data;
	const char *type;
	size_t len;

	assert_int_equal(pf_rundir_create("/tmp", "pf-art-", &dir, NULL), 0);
	snprintf(art, sizeof(art), "%s/art", dir);
	snprintf(image, sizeof(image), "%s/image", dir);
	assert_int_equal(pf_art_read(art, &app, &data, &len, &type, &why), -ENOENT);
	assert_int_equal(pf_file_replace(image, 0600, "text", 4, NULL), 0);
	assert_int_equal(pf_art_read(art, &app, &data, &len, &type, &why), -EINVAL);
	assert_int_equal(pf_file_replace(image, 0600, png, sizeof(png), NULL), 0);
	assert_int_equal(pf_art_read(NULL, &app, &data, &len, &type, &why), 0);
	assert_string_equal(type, "image/png");
	free(data);
	assert_int_equal(pf_art_write(art, 7, (const uint8_t *)"text", 4, &why), -EINVAL);
	assert_int_equal(pf_art_write(art, 7, png, PF_ART_BYTES + 1, &why), -EFBIG);
	assert_false(pf_art_is_kept(art, 7));
	assert_int_equal(pf_art_write(art, 7, jpeg, sizeof(jpeg), &why), 0);
	assert_true(pf_art_is_kept(art, 7));
	assert_int_equal(pf_art_read(art, &app, &data, &len, &type, &why), 0);
	assert_string_equal(type, "image/jpeg");
	assert_int_equal(len, sizeof(jpeg));
	assert_memory_equal(data, jpeg, len);
	free(data);
	assert_int_equal(pf_art_remove(art, 7, &why), 0);
	assert_int_equal(pf_art_remove(art, 7, &why), -ENOENT);
	*image = 0;
	assert_int_equal(pf_art_read(art, &app, &data, &len, &type, &why), -ENOENT);
	(void)pf_rundir_remove(dir);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_bytes_say_what_it_is),
		cmocka_unit_test(the_one_kept_comes_before_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
