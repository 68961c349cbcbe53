/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/registry/apps.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/base/log.h"
#include "core/crypto/hash.h"
#include "host/registry/art.h"
#include "host/registry/json_file.h"
#include "host/sys/files.h"

#define FILE_VERSION	   1
#define NEW_FILE_MODE	   0600 /* the environment of an app may hold secrets */
#define EXIT_TIMEOUT_MS	   5000
#define EXIT_TIMEOUT_MAX_S 60

/* What the file was when it was read. */
struct stamp {
	bool exists;
	ino_t inode;
	off_t size;
	struct timespec changed;
	mode_t mode;
};

struct pf_apps {
	char *path;
	char *art_dir; /* NULL = pictures are not kept */
	struct stamp stamp;
	struct pf_app *desktop;
	struct pf_app *list[PF_APPS_MAX];
	unsigned count;
	unsigned errors;
	char first_error[200]; /* with file and line */
};

static const char *const exits[] = { [PF_APP_EXIT_END] = "end", [PF_APP_EXIT_STAY] = "stay" };

struct pf_app *pf_app_ref(struct pf_app *app)
{
	__atomic_fetch_add(&app->refs, 1, __ATOMIC_RELAXED);
	return app;
}

void pf_app_unref(struct pf_app *app)
{
	if (!app || __atomic_fetch_sub(&app->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	free(app->command);
	free(app->workdir);
	free(app->image);
	for (unsigned i = 0; i < app->env_count; i++)
		free(app->env[i]);
	free(app->env);
	for (unsigned i = 0; i < app->prep_count; i++) {
		free(app->prep[i].do_command);
		free(app->prep[i].undo_command);
	}
	free(app->prep);
	free(app);
}

/* ---- fields ---- */

static bool has_controls(const char *s, bool lines)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && !(lines && (*s == '\n' || *s == '\t'))) ||
			*s == 0x7f)
			return true;
	return false;
}

static int bad(struct pf_reason *why, const char *key, const char *words)
{
	return pf_reason_set(why, -EINVAL, "\"%.40s\" %s", key, words);
}

static int take_copy(char **out, const char *text, struct pf_reason *why)
{
	char *copy = strdup(text);

	if (!copy)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	free(*out);
	*out = copy;
	return 0;
}

static int take_text(char **out, const char *key, const json_t *v, struct pf_reason *why)
{
	const char *s = json_string_value(v);

	if (!s || strlen(s) >= PF_APP_TEXT_BYTES || has_controls(s, true))
		return bad(why, key, "must be text of at most 4095 bytes");
	return take_copy(out, s, why);
}

static int take_path(char **out, const char *key, const json_t *v, struct pf_reason *why)
{
	const char *s = json_string_value(v);

	if (!s || strlen(s) >= PF_APP_TEXT_BYTES || has_controls(s, false) || (*s && *s != '/'))
		return bad(why, key, "must be an absolute path or empty");
	return take_copy(out, s, why);
}

static int take_title(struct pf_app *app, const json_t *v, struct pf_reason *why)
{
	const char *s = json_string_value(v);

	if (!s || !*s || strlen(s) >= PF_APP_TITLE_BYTES || has_controls(s, false))
		return bad(why, "title", "must be one line of 1 to 128 bytes");
	strcpy(app->title, s);
	return 0;
}

static bool is_variable(const char *s)
{
	for (const char *p = s; *p; p++)
		if (!(*p == '_' || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
			    (p > s && *p >= '0' && *p <= '9')))
			return false;
	return *s;
}

static int take_env(struct pf_app *app, const json_t *v, struct pf_reason *why)
{
	size_t count = json_object_size(v);
	const char *name;
	json_t *value;

	if (!json_is_object(v) || count > PF_APP_ENV_MAX)
		return bad(why, "env", "must be an object of at most 64 variables");
	app->env = calloc(count ? count : 1, sizeof(*app->env));
	if (!app->env)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	json_object_foreach((json_t *)v, name, value)
	{
		const char *s = json_string_value(value);

		if (!is_variable(name))
			return bad(why, name, "is no name for a variable of \"env\"");
		if (!s || strlen(name) + strlen(s) + 2 > PF_APP_TEXT_BYTES || has_controls(s, true))
			return bad(why, name, "in \"env\" must be text of at most 4 KB");
		if (asprintf(&app->env[app->env_count], "%s=%s", name, s) < 0)
			return pf_reason_set(why, -ENOMEM, "out of memory");
		app->env_count++;
	}
	return 0;
}

static int take_prep(struct pf_app *app, const json_t *v, struct pf_reason *why)
{
	size_t count = json_array_size(v);

	if (!json_is_array(v) || count > PF_APP_PREP_MAX)
		return bad(
			why, "prep", "must be a list of at most 16 { \"do\": ..., \"undo\": ... }");
	app->prep = calloc(count ? count : 1, sizeof(*app->prep));
	if (!app->prep)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		struct pf_app_prep *p = &app->prep[app->prep_count];
		json_t *o = json_array_get(v, i), *value;
		const char *key;

		if (!json_is_object(o))
			return bad(why, "prep", "must list { \"do\": ..., \"undo\": ... }");
		app->prep_count++;
		if (take_copy(&p->do_command, "", why) || take_copy(&p->undo_command, "", why))
			return -ENOMEM;
		json_object_foreach(o, key, value)
		{
			bool undo = !strcmp(key, "undo");
			int r = undo || !strcmp(key, "do")
					? take_text(undo ? &p->undo_command : &p->do_command, key,
						  value, why)
					: bad(why, key, "means nothing in \"prep\"");

			if (r)
				return r;
		}
	}
	return 0;
}

static int take_number(uint32_t *out, const char *key, const json_t *v, int64_t min, int64_t max,
	struct pf_reason *why)
{
	int64_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < min || n > max)
		return pf_reason_set(why, -EINVAL,
			"\"%s\" must be a whole number from %lld to %lld", key, (long long)min,
			(long long)max);
	*out = (uint32_t)n;
	return 0;
}

static int take_exit(struct pf_app *app, const json_t *v, struct pf_reason *why)
{
	const char *s = json_string_value(v);

	for (unsigned i = 0; s && i < sizeof(exits) / sizeof(exits[0]); i++) {
		if (!strcmp(s, exits[i])) {
			app->exit_policy = (enum pf_app_exit)i;
			return 0;
		}
	}
	return bad(why, "on_exit", "must be \"end\" or \"stay\"");
}

/* -ENOENT for a field that means nothing. */
static int take_field(struct pf_app *app, const char *key, const json_t *v, struct pf_reason *why)
{
	uint32_t seconds = 0;
	int r;

	if (!strcmp(key, "id"))
		return take_number(&app->id, key, v, PF_APP_DESKTOP_ID + 1, INT32_MAX, why);
	if (!strcmp(key, "title"))
		return take_title(app, v, why);
	if (!strcmp(key, "command"))
		return take_text(&app->command, key, v, why);
	if (!strcmp(key, "workdir"))
		return take_path(&app->workdir, key, v, why);
	if (!strcmp(key, "image"))
		return take_path(&app->image, key, v, why);
	if (!strcmp(key, "env"))
		return take_env(app, v, why);
	if (!strcmp(key, "prep"))
		return take_prep(app, v, why);
	if (!strcmp(key, "on_exit"))
		return take_exit(app, v, why);
	if (!strcmp(key, "exit_timeout_s")) {
		r = take_number(&seconds, key, v, 0, EXIT_TIMEOUT_MAX_S, why);
		if (!r)
			app->exit_timeout_ms = seconds * 1000;
		return r;
	}
	if (!strcmp(key, "detached")) {
		if (!json_is_boolean(v))
			return bad(why, key, "must be true or false");
		app->detached = json_is_true(v);
		return 0;
	}
	return -ENOENT;
}

static struct pf_app *new_app(void)
{
	struct pf_app *app = calloc(1, sizeof(*app));

	if (!app)
		return NULL;
	app->refs = 1;
	app->exit_timeout_ms = EXIT_TIMEOUT_MS;
	if (take_copy(&app->command, "", NULL) || take_copy(&app->workdir, "", NULL) ||
		take_copy(&app->image, "", NULL)) {
		pf_app_unref(app);
		return NULL;
	}
	return app;
}

/* An entry of the fields of `o`; its id is 0 if none is given. A field that means
 * nothing is an error, or, if `unknown` is given, put there as a warning. */
static int from_json(struct pf_app **out, const json_t *o, char unknown[64], struct pf_reason *why)
{
	struct pf_app *app;
	const char *key;
	json_t *v;
	int r = 0;

	if (!json_is_object(o))
		return pf_reason_set(why, -EINVAL, "an app must be an object, { ... }");
	app = new_app();
	if (!app)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	json_object_foreach((json_t *)o, key, v)
	{
		if (json_is_null(v)) /* as if it were not there */
			continue;
		r = take_field(app, key, v, why);
		if (r == -ENOENT && unknown) {
			snprintf(unknown, 64, "%.63s", key);
			r = 0;
		} else if (r == -ENOENT) {
			r = pf_reason_set(why, -EINVAL, "there is no field \"%.40s\"", key);
		}
		if (r)
			goto fail;
	}
	if (!*app->title) {
		r = pf_reason_set(why, -EINVAL, "\"title\" is missing");
		goto fail;
	}
	*out = app;
	return 0;
fail:
	pf_app_unref(app);
	return r;
}

json_t *pf_app_to_json(const struct pf_app *app)
{
	json_t *env = json_object(), *prep = json_array(), *o = NULL;

	for (unsigned i = 0; i < app->env_count; i++) {
		const char *equals = strchr(app->env[i], '=');
		char name[PF_APP_TEXT_BYTES];

		snprintf(name, sizeof(name), "%.*s", (int)(equals - app->env[i]), app->env[i]);
		if (json_object_set_new(env, name, json_string(equals + 1)))
			goto out;
	}
	for (unsigned i = 0; i < app->prep_count; i++)
		if (json_array_append_new(
			    prep, json_pack("{s:s, s:s}", "do", app->prep[i].do_command, "undo",
					  app->prep[i].undo_command)))
			goto out;
	o = json_pack("{s:I, s:s, s:s, s:s, s:O, s:O, s:s, s:b, s:s, s:I}", "id",
		(json_int_t)app->id, "title", app->title, "command", app->command, "workdir",
		app->workdir, "env", env, "prep", prep, "image", app->image, "detached",
		app->detached, "on_exit", exits[app->exit_policy], "exit_timeout_s",
		(json_int_t)(app->exit_timeout_ms / 1000));
out:
	json_decref(env);
	json_decref(prep);
	return o;
}

/* ---- the file ---- */

static struct pf_app *of_id(struct pf_app *const *list, unsigned count, uint32_t id)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i]->id == id)
			return list[i];
	return NULL;
}

/* A number that stays as long as the title does. */
static uint32_t id_of_title(struct pf_app *const *list, unsigned count, const char *title)
{
	uint32_t id = 0;

	/* Ends: each round gives another number, far more than there are entries. */
	for (uint32_t round = 0; id <= PF_APP_DESKTOP_ID || of_id(list, count, id); round++) {
		const uint8_t salt[4] = { (uint8_t)round, (uint8_t)(round >> 8) };
		const struct pf_hash_part parts[] = { { title, strlen(title) },
			{ salt, sizeof(salt) } };
		uint8_t h[PF_SHA256_BYTES];

		pf_sha256_parts(parts, 2, h);
		id = ((uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3]) &
		     INT32_MAX;
	}
	return id;
}

struct reader {
	const struct pf_apps_sink *sink;
	const char *text;
	size_t len;
	unsigned errors;
};

static void report(struct reader *r, bool is_error, unsigned line, const char *words)
{
	r->errors += is_error;
	if (r->sink && r->sink->report)
		r->sink->report(r->sink->user, is_error, line, words);
}

static void report_entry(struct reader *r, bool is_error, size_t index, const char *words)
{
	report(r, is_error, pf_json_line_of(r->text, r->len, "apps", index), words);
}

unsigned pf_apps_parse(struct pf_app *list[PF_APPS_MAX], const char *text, size_t len,
	const struct pf_apps_sink *sink, unsigned *errors)
{
	struct reader r = { .sink = sink, .text = text, .len = len };
	struct pf_reason why = { 0 };
	unsigned line = 1, count = 0;
	json_t *o = NULL, *apps, *item;
	size_t i;

	if (pf_json_parse(&o, text, len, &line, &why)) {
		report(&r, true, line, why.text);
		goto out;
	}
	apps = json_object_get(o, "apps");
	if (!json_is_array(apps) ||
		json_integer_value(json_object_get(o, "version")) != FILE_VERSION) {
		report(&r, true, 1, "the file must hold \"version\": 1 and a list \"apps\"");
		goto out;
	}
	json_array_foreach(apps, i, item)
	{
		struct pf_app *app = NULL;
		char unknown[64] = "", words[128];

		if (count == PF_APPS_MAX) {
			report_entry(&r, true, i, "this app is one too many; 256 are the most");
			break;
		}
		if (from_json(&app, item, unknown, &why)) {
			report_entry(&r, true, i, why.text);
			continue;
		}
		if (*unknown) {
			snprintf(words, sizeof(words), "unknown field \"%s\" is ignored", unknown);
			report_entry(&r, false, i, words);
		}
		if (app->id && of_id(list, count, app->id)) {
			report_entry(&r, true, i, "another app has this \"id\"");
			pf_app_unref(app);
			continue;
		}
		list[count++] = app;
	}
	/* After all that were given, so that these keep theirs. */
	for (i = 0; i < count; i++)
		if (!list[i]->id)
			list[i]->id = id_of_title(list, count, list[i]->title);
out:
	json_decref(o);
	*errors = r.errors;
	return count;
}

static struct stamp stamp_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return (struct stamp){ .mode = NEW_FILE_MODE };
	return (struct stamp){ .exists = true,
		.inode = st.st_ino,
		.size = st.st_size,
		.changed = st.st_mtim,
		.mode = st.st_mode & 0777 };
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->exists == b->exists && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static void on_report(void *user, bool is_error, unsigned line, const char *text)
{
	struct pf_apps *a = user;

	if (is_error && !*a->first_error)
		snprintf(a->first_error, sizeof(a->first_error), "%.90s:%u: %.90s", a->path, line,
			text);
	pf_log(is_error ? PF_LOG_ERROR : PF_LOG_WARN, "apps", "%s:%u: %s", a->path, line, text);
}

static void drop_list(struct pf_apps *a)
{
	for (unsigned i = 0; i < a->count; i++)
		pf_app_unref(a->list[i]);
	a->count = 0;
}

/* Reads the file if it is not what it was. */
static void refresh(struct pf_apps *a)
{
	const struct pf_apps_sink sink = { on_report, a };
	struct stamp now = stamp_of(a->path);
	struct pf_reason why = { 0 };
	uint8_t *text;
	size_t len;
	int r;

	if (same_stamp(&now, &a->stamp))
		return;
	a->stamp = now;
	a->errors = 0;
	*a->first_error = 0;
	r = pf_file_read(a->path, PF_APPS_FILE_BYTES, &text, &len, &why);
	if (r && r != -ENOENT) {
		/* What was read before goes on to serve. */
		a->errors = 1;
		snprintf(a->first_error, sizeof(a->first_error), "%.199s", why.text);
		pf_log(PF_LOG_ERROR, "apps", "%s", why.text);
		return;
	}
	drop_list(a);
	if (!r) {
		a->count = pf_apps_parse(a->list, (const char *)text, len, &sink, &a->errors);
		free(text);
	}
}

int pf_apps_open(struct pf_apps **out, const char *path, struct pf_reason *why)
{
	struct pf_apps *a = calloc(1, sizeof(*a));

	if (!a)
		goto fail;
	a->stamp.mode = NEW_FILE_MODE;
	a->path = strdup(path);
	a->desktop = new_app();
	if (!a->path || !a->desktop)
		goto fail;
	a->desktop->id = PF_APP_DESKTOP_ID;
	a->desktop->exit_policy = PF_APP_EXIT_STAY;
	strcpy(a->desktop->title, "Desktop");
	refresh(a);
	*out = a;
	return 0;
fail:
	pf_apps_close(a);
	return pf_reason_set(why, -ENOMEM, "out of memory");
}

void pf_apps_close(struct pf_apps *a)
{
	if (!a)
		return;
	drop_list(a);
	pf_app_unref(a->desktop);
	free(a->path);
	free(a->art_dir);
	free(a);
}

int pf_apps_keep_art(struct pf_apps *a, const char *dir)
{
	char *copy = strdup(dir);

	if (!copy)
		return -ENOMEM;
	free(a->art_dir);
	a->art_dir = copy;
	return 0;
}

const char *pf_apps_art_dir(const struct pf_apps *a)
{
	return a->art_dir;
}

void pf_apps_each(struct pf_apps *a, void (*fn)(void *user, struct pf_app *app), void *user)
{
	refresh(a);
	fn(user, a->desktop);
	for (unsigned i = 0; i < a->count; i++)
		fn(user, a->list[i]);
}

struct pf_app *pf_apps_find(struct pf_apps *a, uint32_t id)
{
	struct pf_app *app;

	refresh(a);
	app = id == PF_APP_DESKTOP_ID ? a->desktop : of_id(a->list, a->count, id);
	return app ? pf_app_ref(app) : NULL;
}

/* ---- changes ---- */

/* Writes the catalogue with list[at] being `app`, or without it when NULL. */
static int save(struct pf_apps *a, unsigned at, const struct pf_app *app, struct pf_reason *why)
{
	json_t *list = json_array(), *o;
	unsigned count = at < a->count ? a->count : a->count + 1;
	char *text = NULL;
	int r = 0;

	for (unsigned i = 0; i < count && !r; i++) {
		const struct pf_app *e = i == at ? app : a->list[i];

		if (e)
			r = json_array_append_new(list, pf_app_to_json(e));
	}
	o = r ? NULL : json_pack("{s:i, s:O}", "version", FILE_VERSION, "apps", list);
	if (o)
		text = pf_json_text(o);
	json_decref(o);
	json_decref(list);
	if (!text)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	if (strlen(text) > PF_APPS_FILE_BYTES)
		r = pf_reason_set(why, -ENOSPC, "the catalogue would be larger than %u KB",
			PF_APPS_FILE_BYTES / 1024);
	else
		r = pf_json_write(a->path, a->stamp.mode, text, why);
	if (!r)
		a->stamp = stamp_of(a->path);
	free(text);
	return r;
}

static int may_change(struct pf_apps *a, struct pf_reason *why)
{
	refresh(a);
	if (a->errors)
		return pf_reason_set(why, -EBADMSG, "%s; mend the file first", a->first_error);
	return 0;
}

static int index_of(struct pf_apps *a, uint32_t id, struct pf_reason *why)
{
	if (id == PF_APP_DESKTOP_ID)
		return pf_reason_set(why, -EPERM, "Desktop is built in and cannot be changed");
	for (unsigned i = 0; i < a->count; i++)
		if (a->list[i]->id == id)
			return (int)i;
	return pf_reason_set(why, -ENOENT, "there is no app with the id %u", id);
}

static void drop_art(const struct pf_apps *a, uint32_t id)
{
	struct pf_reason why = { 0 };
	int r = a->art_dir ? pf_art_remove(a->art_dir, id, &why) : 0;

	if (r && r != -ENOENT)
		pf_log(PF_LOG_WARN, "apps", "%s", why.text);
}

int pf_apps_add(struct pf_apps *a, const json_t *fields, uint32_t *id, struct pf_reason *why)
{
	struct pf_app *app = NULL;
	int r = may_change(a, why);

	if (!r)
		r = from_json(&app, fields, NULL, why);
	if (!r && a->count == PF_APPS_MAX)
		r = pf_reason_set(why, -ENOSPC, "%u apps are the most", PF_APPS_MAX);
	if (!r && app->id)
		r = pf_reason_set(why, -EINVAL, "the host chooses the \"id\"");
	if (!r) {
		app->id = id_of_title(a->list, a->count, app->title);
		drop_art(a, app->id); /* of an app of this title that was removed by hand */
		r = save(a, a->count, app, why);
	}
	if (r) {
		pf_app_unref(app);
		return r;
	}
	a->list[a->count++] = app;
	*id = app->id;
	return 0;
}

int pf_apps_edit(struct pf_apps *a, uint32_t id, const json_t *fields, struct pf_reason *why)
{
	struct pf_app *app = NULL;
	json_t *o = NULL;
	int r = may_change(a, why), i;

	if (r)
		return r;
	i = index_of(a, id, why);
	if (i < 0)
		return i;
	if (!json_is_object(fields))
		return pf_reason_set(why, -EINVAL, "an app must be an object, { ... }");
	o = pf_app_to_json(a->list[i]);
	if (!o || json_object_update(o, (json_t *)fields))
		r = pf_reason_set(why, -ENOMEM, "out of memory");
	if (!r)
		r = from_json(&app, o, NULL, why);
	if (!r && app->id != id)
		r = pf_reason_set(why, -EINVAL, "the \"id\" cannot be changed");
	if (!r)
		r = save(a, (unsigned)i, app, why);
	json_decref(o);
	if (r) {
		pf_app_unref(app);
		return r;
	}
	pf_app_unref(a->list[i]);
	a->list[i] = app;
	return 0;
}

int pf_apps_remove(struct pf_apps *a, uint32_t id, struct pf_reason *why)
{
	int r = may_change(a, why), i;

	if (r)
		return r;
	i = index_of(a, id, why);
	if (i < 0)
		return i;
	r = save(a, (unsigned)i, NULL, why);
	if (r)
		return r;
	drop_art(a, id);
	pf_app_unref(a->list[i]);
	a->count--;
	memmove(&a->list[i], &a->list[i + 1], (a->count - (unsigned)i) * sizeof(a->list[0]));
	return 0;
}
