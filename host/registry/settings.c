/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/registry/settings.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/log.h"
#include "host/registry/json_file.h"
#include "host/sys/files.h"

#define FOLDER	     "host.conf.d/"
#define CONSOLE	     FOLDER PF_SETTINGS_CONSOLE_FILE
#define CONSOLE_MODE 0600

static const char head[] =
	"# Written by punktfunk-host: what was set in the web console, through the API or with\n"
	"# `punktfunk-host settings`. Comments are not kept. A file that comes later by name, and\n"
	"# the command line, win over it.\n";

struct pf_settings {
	struct pf_settings_params p;
	struct pf_settings_origin origins[PF_CONFIG_KEYS_MAX]; /* of what is in force */
	char path[PF_PATH_BYTES];			       /* "" = none */
	bool is_trying;					       /* a trial is under way */
};

/* What 90-console.conf holds: the keys in `has`, a bit for each place in the table. */
struct console {
	struct pf_config config;
	uint64_t has;
};

static const char *const sources[] = {
	[PF_SETTINGS_DEFAULT] = "default",
	[PF_SETTINGS_FILE] = "file",
	[PF_SETTINGS_CONSOLE] = "console",
	[PF_SETTINGS_COMMAND_LINE] = "command_line",
};

const char *pf_settings_source_to_string(enum pf_settings_source source)
{
	return sources[source];
}

static size_t place(const struct pf_config_key *key)
{
	size_t count;

	return (size_t)(key - pf_config_keys(&count));
}

const char *pf_settings_guard(const struct pf_config_key *key)
{
	static const struct {
		const char *name, *words;
	} rows[] = {
		{ "allowed_clients", "it names a file that lets clients in" },
		{ "bind_address", "it decides which networks reach the host" },
		{ "gamestream_plain_rtsp", "it takes protection away" },
		{ "session_command", "it runs a command" },
		{ "session_socket", "it names a file that the host opens" },
		{ "trust_on_first_use", "it lets everybody in" },
		{ "user", "it decides whose rights the host has" },
	};

	if (!strncmp(key->name, "mgmt", 4))
		return "it decides who reaches the management API, and how";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].name, key->name))
			return rows[i].words;
	return NULL;
}

/* ---- reading ---- */

struct reading {
	struct pf_settings_read *out;
	const struct pf_settings_from *from;
	const struct pf_config_sink *sink;
};

static void pass_report(
	void *user, bool is_error, const char *file, unsigned line, const char *text)
{
	const struct reading *r = user;

	if (r->sink && r->sink->report)
		r->sink->report(r->sink->user, is_error, file, line, text);
}

static void note_origin(
	void *user, const struct pf_config_key *key, const char *file, unsigned line)
{
	const struct reading *r = user;
	struct pf_settings_origin *o = &r->out->origins[place(key)];
	size_t n = r->from->dir ? strlen(r->from->dir) : 0;

	if (!r->from->file && n && !strncmp(file, r->from->dir, n) && file[n] == '/')
		file += n + 1;
	o->source =
		!r->from->file && !strcmp(file, CONSOLE) ? PF_SETTINGS_CONSOLE : PF_SETTINGS_FILE;
	o->line = line;
	snprintf(o->file, sizeof(o->file), "%s", file);
}

unsigned pf_settings_read(struct pf_settings_read *out, const struct pf_settings_from *from,
	const struct pf_config_instead *instead, const struct pf_config_sink *sink)
{
	struct reading r = { out, from, sink };
	const struct pf_config_sink own = {
		.report = pass_report, .taken = note_origin, .user = &r
	};
	struct pf_reason why = { 0 };
	unsigned errors = 0;

	memset(out, 0, sizeof(*out));
	pf_config_init(&out->config);
	if (from->dir || from->file)
		errors = pf_config_load_instead(&out->config, from->dir, from->file, instead, &own);
	for (unsigned i = 0; i < from->pair_count; i++) {
		const char *name = from->pairs[2 * i], *value = from->pairs[2 * i + 1];
		const struct pf_config_key *key = pf_config_find(name);

		if (pf_config_set(&out->config, name, value, &why)) {
			pass_report(&r, true, NULL, 0, why.text);
			errors++;
		} else {
			out->origins[place(key)] =
				(struct pf_settings_origin){ .source = PF_SETTINGS_COMMAND_LINE };
		}
	}
	if (!errors && pf_config_check(&out->config, &why)) {
		pass_report(&r, true, NULL, 0, why.text);
		errors++;
	}
	return errors;
}

static void note_has(void *user, const struct pf_config_key *key, const char *file, unsigned line)
{
	struct console *c = user;

	c->has |= UINT64_C(1) << place(key);
}

static int read_console(const struct pf_settings *s, struct console *c, struct pf_reason *why)
{
	const struct pf_config_sink sink = { .taken = note_has, .user = c };
	uint8_t *text;
	size_t len;
	int r = -ENOENT;

	memset(c, 0, sizeof(*c));
	pf_config_init(&c->config);
	if (*s->path)
		r = pf_file_read(s->path, PF_CONFIG_FILE_BYTES, &text, &len, why);
	if (r)
		return r == -ENOENT ? 0 : r;
	/* What is wrong in it is told by who reads all. */
	(void)pf_config_parse(&c->config, s->path, text, len, &sink);
	free(text);
	return 0;
}

/* The first error, with its place. */
struct first {
	struct pf_reason *why;
	const char *dir;
};

static void note_first(void *user, bool is_error, const char *file, unsigned line, const char *text)
{
	const struct first *f = user;
	size_t n = f->dir ? strlen(f->dir) : 0;

	if (!is_error || f->why->code)
		return;
	if (file && n && !strncmp(file, f->dir, n) && file[n] == '/')
		file += n + 1;
	if (file && line)
		pf_reason_set(f->why, -EBADMSG, "%.80s:%u: %.150s", file, line, text);
	else
		pf_reason_set(f->why, -EBADMSG, "%.250s", text);
}

static int read_quietly(const struct pf_settings *s, struct pf_settings_read *out,
	const struct pf_config_instead *instead, struct pf_reason *why)
{
	struct first f = { why, s->p.from.dir };
	const struct pf_config_sink sink = { .report = note_first, .user = &f };

	why->code = 0;
	return pf_settings_read(out, &s->p.from, instead, &sink) ? -EBADMSG : 0;
}

/* ---- in force ---- */

static bool same(
	const struct pf_config *a, const struct pf_config *b, const struct pf_config_key *key)
{
	char x[PF_CONFIG_TEXT_BYTES], y[PF_CONFIG_TEXT_BYTES];

	pf_config_format(a, key, x, sizeof(x));
	pf_config_format(b, key, y, sizeof(y));
	return !strcmp(x, y);
}

static void stays(void *user, const char *key)
{
	pf_log(PF_LOG_WARN, "serve", "the new value of %s takes effect at the next start", key);
}

static void put_in_force(struct pf_settings *s, const struct pf_settings_read *next)
{
	size_t count;
	const struct pf_config_key *keys = pf_config_keys(&count);

	pf_config_adopt(s->p.config, &next->config, stays, NULL);
	for (size_t i = 0; i < count; i++)
		if (same(s->p.config, &next->config, &keys[i]))
			s->origins[i] = next->origins[i];
	if (s->p.applied)
		s->p.applied(s->p.user);
}

int pf_settings_create(struct pf_settings **out, const struct pf_settings_params *params)
{
	struct pf_settings *s = calloc(1, sizeof(*s));
	struct pf_settings_read *now = calloc(1, sizeof(*now));
	const struct pf_settings_from *from = &params->from;
	struct pf_reason why = { 0 };

	if (!s || !now) {
		free(s);
		free(now);
		return -ENOMEM;
	}
	s->p = *params;
	if (!from->file && from->dir &&
		(size_t)snprintf(s->path, sizeof(s->path), "%s/" CONSOLE, from->dir) >=
			sizeof(s->path))
		*s->path = 0;
	if (!read_quietly(s, now, NULL, &why))
		memcpy(s->origins, now->origins, sizeof(s->origins));
	free(now);
	*out = s;
	return 0;
}

void pf_settings_destroy(struct pf_settings *s)
{
	free(s);
}

static void log_report(void *user, bool is_error, const char *file, unsigned line, const char *text)
{
	enum pf_log_level level = is_error ? PF_LOG_ERROR : PF_LOG_WARN;

	if (file && line)
		pf_log(level, "serve", "%s:%u: %s", file, line, text);
	else
		pf_log(level, "serve", "%s", text);
}

int pf_settings_reload(struct pf_settings *s)
{
	const struct pf_config_sink sink = { .report = log_report };
	struct pf_settings_read next;

	if (pf_settings_read(&next, &s->p.from, NULL, &sink)) {
		pf_log(PF_LOG_ERROR, "serve", "the settings stay as they were");
		return -EBADMSG;
	}
	put_in_force(s, &next);
	pf_log(PF_LOG_INFO, "serve", "settings read anew");
	return 0;
}

/* ---- looking ---- */

/* Why 90-console.conf does not decide about a key whose value comes from `o`. */
static bool is_fixed(
	const struct pf_settings *s, const struct pf_settings_origin *o, char *words, size_t cap)
{
	*words = 0;
	if (s->p.from.file)
		snprintf(words, cap,
			"the host was started with --config %.150s and reads no other "
			"file",
			s->p.from.file);
	else if (!*s->path)
		snprintf(words, cap, "neither XDG_CONFIG_HOME nor HOME says where settings are");
	else if (o->source == PF_SETTINGS_COMMAND_LINE)
		snprintf(words, cap, "the command line of the host says it");
	/* The order of the files is that of strcmp; host.conf comes first. */
	else if (o->source == PF_SETTINGS_FILE && strcmp(o->file, CONSOLE) > 0)
		snprintf(words, cap, "%s:%u says it, which comes after " PF_SETTINGS_CONSOLE_FILE,
			o->file, o->line);
	return *words;
}

int pf_settings_each(struct pf_settings *s,
	void (*fn)(void *user, const struct pf_settings_item *item), void *user,
	struct pf_reason *problem)
{
	struct pf_settings_read next;
	struct console console;
	int r = read_quietly(s, &next, NULL, problem);
	size_t count;
	const struct pf_config_key *keys = pf_config_keys(&count);

	if (read_console(s, &console, NULL))
		console.has = 0;
	for (size_t i = 0; i < count; i++) {
		char value[PF_CONFIG_TEXT_BYTES];
		struct pf_settings_item item = { .key = &keys[i],
			.origin = &s->origins[i],
			.now = s->p.config,
			.later = r ? &s->origins[i] : &next.origins[i] };

		if (!r && !same(s->p.config, &next.config, &keys[i]))
			item.next = &next.config;
		if (console.has >> i & 1) {
			pf_config_format(&console.config, &keys[i], value, sizeof(value));
			item.console = value;
		}
		(void)is_fixed(s, item.later, item.fixed, sizeof(item.fixed));
		fn(user, &item);
	}
	return r;
}

/* ---- changing ---- */

static const struct pf_config_key *exact(const char *name)
{
	const struct pf_config_key *key = pf_config_find(name);

	return key && !strcmp(key->name, name) ? key : NULL;
}

static bool has_outer_blanks(const char *s)
{
	size_t n = strlen(s);

	return n && (strchr(" \t", s[0]) || strchr(" \t", s[n - 1]));
}

/* What is wrong with a change by itself. */
static int check_change(struct pf_settings_change *c, struct console *console, bool guarded)
{
	const struct pf_config_key *key = exact(c->name);
	const char *guard;
	uint64_t bit;

	if (!key)
		return pf_reason_set(&c->why, -EINVAL, "there is no setting \"%.60s\"", c->name);
	guard = guarded ? NULL : pf_settings_guard(key);
	if (guard)
		return pf_reason_set(&c->why, -EACCES,
			"%s can only be changed on the host's own machine, in host.conf or with "
			"`punktfunk-host settings`: %s",
			key->name, guard);
	bit = UINT64_C(1) << place(key);
	if (!c->value) {
		console->has &= ~bit;
		return 0;
	}
	if (has_outer_blanks(c->value))
		return pf_reason_set(
			&c->why, -EINVAL, "%s cannot begin or end with a blank", key->name);
	console->has |= bit;
	return pf_config_set(&console->config, key->name, c->value, &c->why);
}

static bool begins_with_key(const char *words, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(words, name, n) && words[n] == ':';
}

/* Gives the words of what is wrong with all together to the change whose name they begin
 * with, else to those that they name, else to the first. */
static int blame(
	struct pf_settings_change *changes, unsigned count, int code, const struct pf_reason *words)
{
	struct pf_settings_change *one = NULL;
	unsigned hits = 0;

	for (unsigned i = 0; i < count && !one; i++)
		if (begins_with_key(words->text, changes[i].name))
			one = &changes[i];
	for (unsigned i = 0; i < count && !one; i++) {
		if (!strstr(words->text, changes[i].name))
			continue;
		pf_reason_set(&changes[i].why, code, "%s", words->text);
		hits++;
	}
	if (!hits)
		pf_reason_set(one ? &one->why : &changes[0].why, code, "%s", words->text);
	return code;
}

static char *console_text(const struct console *c, size_t *len)
{
	char *text = NULL, value[PF_CONFIG_TEXT_BYTES];
	size_t count;
	const struct pf_config_key *keys = pf_config_keys(&count);
	FILE *out = open_memstream(&text, len);
	bool failed;

	if (!out)
		return NULL;
	fputs(head, out);
	for (size_t i = 0; i < count; i++) {
		if (!(c->has >> i & 1))
			continue;
		pf_config_format(&c->config, &keys[i], value, sizeof(value));
		fprintf(out, "%s = %s\n", keys[i].name, value);
	}
	failed = ferror(out);
	if (fclose(out) || failed) {
		free(text);
		return NULL;
	}
	return text;
}

static bool are_same(const struct pf_config *a, const struct pf_config *b)
{
	char x[PF_CONFIG_TEXT_BYTES], y[PF_CONFIG_TEXT_BYTES];
	size_t count;
	const struct pf_config_key *keys = pf_config_keys(&count);

	for (size_t i = 0; i < count; i++) {
		pf_config_format(a, &keys[i], x, sizeof(x));
		pf_config_format(b, &keys[i], y, sizeof(y));
		if (strcmp(x, y) != 0)
			return false;
	}
	return true;
}

/* Whether the host would start so: 0, -EBUSY with the words, or with a trial also
 * -EINPROGRESS and -EAGAIN. */
static int check_start(struct pf_settings *s, const struct pf_config *before,
	const struct pf_config *next, struct pf_settings_trial *t, struct pf_reason *why)
{
	if (!s->p.check)
		return 0;
	if (!t || !s->p.is_slow || !s->p.is_slow(before, next))
		return s->p.check(s->p.config, before, next, why) ? -EBUSY : 0;
	if (t->is_done && are_same(&t->before, before) && are_same(&t->next, next))
		return t->verdict ? pf_reason_set(why, -EBUSY, "%s", t->why.text) : 0;
	if (s->is_trying && !t->is_mine)
		return pf_reason_set(why, -EAGAIN,
			"another change is being tried just now: try again in a moment");
	*t = (struct pf_settings_trial){ .now = *s->p.config,
		.before = *before,
		.next = *next,
		.check = s->p.check,
		.is_mine = true };
	s->is_trying = true;
	return -EINPROGRESS;
}

/* Whether all sources with the new text are in order and follow each change. */
static int check_together(struct pf_settings *s, const struct pf_config *before,
	struct pf_settings_read *next, const char *text, size_t len,
	struct pf_settings_change *changes, unsigned count, struct pf_settings_trial *trial)
{
	const struct pf_config_instead instead = { PF_SETTINGS_CONSOLE_FILE, text, len };
	struct pf_reason why = { 0 };
	int r = 0;

	if (read_quietly(s, next, &instead, &why))
		return blame(changes, count, -EINVAL, &why);
	for (unsigned i = 0; i < count; i++) {
		char words[256];

		if (changes[i].value && is_fixed(s, &next->origins[place(exact(changes[i].name))],
						words, sizeof(words)))
			r = pf_reason_set(&changes[i].why, -EEXIST,
				"%s cannot be changed here: %.200s", changes[i].name, words);
	}
	if (!r)
		r = check_start(s, before, &next->config, trial, &why);
	if (r == -EBUSY || r == -EAGAIN)
		(void)blame(changes, count, r, &why);
	return r;
}

/* The words of the first change that has some. */
static int first_of(const struct pf_settings_change *changes, unsigned count, struct pf_reason *why)
{
	for (unsigned i = 0; i < count; i++)
		if (changes[i].why.code)
			return pf_reason_set(why, changes[i].why.code, "%s", changes[i].why.text);
	return 0;
}

static int change(struct pf_settings *s, struct pf_settings_change *changes, unsigned count,
	bool guarded, struct pf_settings_trial *trial, struct pf_reason *why)
{
	struct pf_settings_read before, next;
	struct console console;
	struct pf_reason one = { 0 };
	char *text = NULL;
	size_t len;
	int r;

	for (unsigned i = 0; i < count; i++)
		changes[i].why.code = 0;
	if (!count)
		return 0;
	if (read_quietly(s, &before, NULL, &one))
		return pf_reason_set(why, -EBADMSG, "%.200s; mend the file first", one.text);
	r = read_console(s, &console, why);
	if (r)
		return -EBADMSG;
	for (unsigned i = 0; i < count; i++)
		(void)check_change(&changes[i], &console, guarded);
	r = first_of(changes, count, why);
	if (r)
		return r;
	text = console_text(&console, &len);
	if (!text)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	r = check_together(s, &before.config, &next, text, len, changes, count, trial);
	if (!r && *s->path)
		r = pf_json_write(s->path, CONSOLE_MODE, text, why);
	else if (r && r != -EINPROGRESS)
		r = first_of(changes, count, why);
	free(text);
	if (!r)
		put_in_force(s, &next);
	return r;
}

int pf_settings_change(struct pf_settings *s, struct pf_settings_change *changes, unsigned count,
	bool guarded, struct pf_settings_trial *trial, struct pf_reason *why)
{
	int r = change(s, changes, count, guarded, trial, why);

	if (trial && r != -EINPROGRESS)
		pf_settings_trial_give_up(s, trial);
	return r;
}

void pf_settings_trial_run(struct pf_settings_trial *t)
{
	t->verdict = t->check(&t->now, &t->before, &t->next, &t->why);
	t->is_done = true;
}

void pf_settings_trial_give_up(struct pf_settings *s, struct pf_settings_trial *t)
{
	if (t->is_mine)
		s->is_trying = false;
	t->is_mine = t->is_done = false;
}
