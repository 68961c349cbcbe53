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
#include "host/mgmt/assets.h"
#include "host/sys/files.h"

struct fixture {
	char dir[64];
};

static void put(struct fixture *f, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(pf_file_replace(path, 0600, text, strlen(text), NULL), 0);
}

static void make_folder(struct fixture *f, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/pf-assets-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void what_is_there_is_found(void **state)
{
	static const char *const none[] = { "/app.js", "/assets/app.js.gz", "/.hidden.js",
		"/link.js", "/assets/../index.html", "//index.html", "index.html", "/%69ndex.html",
		"/a b.js", "/INDEX.HTML", "/notes.md", "/assets/fifo.js", "" };
	struct fixture *f = *state;
	struct pf_assets *a;
	const struct pf_asset *index, *app;
	char path[256], target[256];

	put(f, "index.html", "<!doctype html>");
	make_folder(f, "assets");
	put(f, "assets/app.js", "export {}");
	put(f, "assets/app.js.gz", "packed");
	put(f, ".hidden.js", "x");
	put(f, "a b.js", "x");
	put(f, "notes.md", "x");
	snprintf(path, sizeof(path), "%s/link.js", f->dir);
	snprintf(target, sizeof(target), "%s/index.html", f->dir);
	assert_int_equal(symlink(target, path), 0);
	snprintf(path, sizeof(path), "%s/assets/fifo.js", f->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pf_assets_load(&a, f->dir, NULL), 0);
	assert_int_equal(pf_assets_count(a), 2);
	index = pf_assets_find(a, "/index.html");
	assert_non_null(index);
	assert_false(index->immutable);
	assert_int_equal(index->gz_len, 0);
	assert_string_equal(index->type, "text/html; charset=utf-8");
	app = pf_assets_find(a, "/assets/app.js");
	assert_true(app->immutable);
	assert_int_equal(app->len, 9);
	assert_memory_equal(app->data, "export {}", 9);
	assert_memory_equal(app->gz, "packed", 6);
	assert_string_not_equal(app->etag, index->etag);
	assert_string_not_equal(app->etag, app->gz_etag);
	/* Pages of the console are all one file. */
	assert_ptr_equal(pf_assets_find(a, "/"), index);
	assert_ptr_equal(pf_assets_find(a, "/devices"), index);
	assert_ptr_equal(pf_assets_find(a, "/stats/recordings/7"), index);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_null(pf_assets_find(a, none[i]));
	assert_null(pf_assets_find(NULL, "/"));
	/* It stays what it was when the files change. */
	put(f, "assets/app.js", "evil");
	assert_memory_equal(pf_assets_find(a, "/assets/app.js")->data, "export {}", 9);
	pf_assets_free(a);
}

static void what_does_not_fit_is_named(void **state)
{
	struct fixture *f = *state;
	struct pf_reason why = { 0 };
	struct pf_assets *a = NULL;
	char name[32], path[256];

	assert_int_equal(pf_assets_load(&a, "/nonexistent", &why), -ENOENT);
	assert_non_null(strstr(why.text, "/nonexistent"));
	assert_int_equal(pf_assets_load(&a, f->dir, &why), -ENOENT); /* no index.html */
	put(f, "index.html", "x");
	assert_int_equal(pf_assets_load(&a, f->dir, &why), 0);
	pf_assets_free(a);
	a = NULL;
	put(f, "large.js", "");
	snprintf(path, sizeof(path), "%s/large.js", f->dir);
	assert_int_equal(truncate(path, PF_ASSETS_BYTES + 1), 0);
	assert_int_equal(pf_assets_load(&a, f->dir, &why), -EFBIG);
	unlink(path);
	for (unsigned i = 0; i < PF_ASSETS_MAX; i++) {
		snprintf(name, sizeof(name), "f%u.js", i);
		put(f, name, "x");
	}
	assert_int_equal(pf_assets_load(&a, f->dir, &why), -EFBIG);
	assert_null(a);
}

static void encodings_are_read(void **state)
{
	static const char *const yes[] = { "gzip", "br, gzip", "GZIP;q=0.5", "gzip;q=1, br",
		"deflate,gzip ;q=0.1" };
	static const char *const no[] = { "", "br", "gzipped", "x-gzip", "gzip;q=0", "*", "gzi" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(pf_assets_takes_gzip(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(pf_assets_takes_gzip(no[i]));
	assert_false(pf_assets_takes_gzip(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_there_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_named, setup, teardown),
		cmocka_unit_test(encodings_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
