/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The app catalogue: every entry taken keeps its promises, and what is written of
 * it reads the same. Seeds begin with a blank, which the variant whose memory runs
 * out takes for its own. */
#include <jansson.h>
#include <string.h>
#include "host/registry/apps.h"
#include "tests/fuzz/fuzz.h"

static void bad(void *user, bool is_error, unsigned line, const char *text)
{
	FUZZ_CHECK(line > 0 && *text);
	*(unsigned *)user += is_error;
}

static void again(const struct pf_app *app)
{
	json_t *o = pf_app_to_json(app), *file;
	struct pf_app *list[PF_APPS_MAX];
	unsigned errors = 0, n;
	char *text;

	if (!o) /* no memory */
		return;
	file = json_pack("{s:i, s:[o]}", "version", 1, "apps", o);
	text = json_dumps(file, 0);
	json_decref(file);
	n = pf_apps_parse(list, text, strlen(text), NULL, &errors);
#ifndef PF_FUZZ_ALLOC
	FUZZ_CHECK(n == 1 && !errors);
	FUZZ_CHECK(list[0]->id == app->id && !strcmp(list[0]->title, app->title));
	FUZZ_CHECK(!strcmp(list[0]->command, app->command));
	FUZZ_CHECK(list[0]->env_count == app->env_count);
	FUZZ_CHECK(list[0]->prep_count == app->prep_count);
#endif
	while (n)
		pf_app_unref(list[--n]);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned told = 0, errors = 0, n;
	const struct pf_apps_sink sink = { bad, &told };
	struct pf_app *list[PF_APPS_MAX];

	n = pf_apps_parse(list, (const char *)data, size, &sink, &errors);
	FUZZ_CHECK(n <= PF_APPS_MAX && told == errors);
	for (unsigned i = 0; i < n; i++) {
		const struct pf_app *app = list[i];

		FUZZ_CHECK(app->id > PF_APP_DESKTOP_ID && app->id <= INT32_MAX);
		FUZZ_CHECK(*app->title && strlen(app->title) < PF_APP_TITLE_BYTES);
		FUZZ_CHECK(strlen(app->command) < PF_APP_TEXT_BYTES);
		FUZZ_CHECK(!*app->workdir || *app->workdir == '/');
		FUZZ_CHECK(!*app->image || *app->image == '/');
		FUZZ_CHECK(app->env_count <= PF_APP_ENV_MAX);
		FUZZ_CHECK(app->prep_count <= PF_APP_PREP_MAX);
		for (unsigned k = 0; k < app->env_count; k++)
			FUZZ_CHECK(strchr(app->env[k], '=') > app->env[k]);
		for (unsigned k = 0; k < i; k++)
			FUZZ_CHECK(list[k]->id != app->id);
		if (i < 2)
			again(app);
	}
	while (n)
		pf_app_unref(list[--n]);
	return 0;
}
