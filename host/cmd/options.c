/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/cmd/cmd.h"
#include "host/sys/files.h"
#include "host/sys/user.h"

char **pf_program_argv;

void pf_complain(const char *fmt, ...)
{
	va_list ap;

	fputs("punktfunk-host: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static const struct pf_option *find_extra(const struct pf_options *o, const char *name, size_t len)
{
	for (const struct pf_option *e = o->extra; e && e->name; e++)
		if (strlen(e->name) == len && !memcmp(e->name, name, len))
			return e;
	return NULL;
}

static int add_setting(struct pf_options *o, const char *key, size_t key_len, const char *value)
{
	char **grown = realloc(o->settings, (o->setting_count + 1) * 2 * sizeof(char *));

	if (!grown)
		return -ENOMEM;
	o->settings = grown;
	grown[2 * o->setting_count] = strndup(key, key_len);
	grown[2 * o->setting_count + 1] = strdup(value);
	o->setting_count++;
	return 0;
}

/* The value of the option at argv[*i]: behind its "=", else the next word. */
static const char *take_value(int argc, char **argv, int *i)
{
	const char *equals = strchr(argv[*i], '=');

	if (equals)
		return equals + 1;
	if (*i + 1 < argc)
		return argv[++*i];
	pf_complain("%s needs a value; see punktfunk-host %s --help", argv[*i], argv[0]);
	return NULL;
}

static int take_setting(struct pf_options *o, int argc, char **argv, int *i)
{
	const char *word = argv[*i];
	size_t len = strcspn(word, "=");
	char name[64];
	const struct pf_config_key *key;
	const char *value;

	snprintf(name, sizeof(name), "%.*s", (int)(len > 2 ? len - 2 : 0), word + 2);
	key = pf_config_find(name);
	if (!key) {
		pf_complain("unknown option %s; see punktfunk-host %s --help", word, argv[0]);
		return PF_EXIT_USAGE;
	}
	/* "--xwayland" alone means yes. */
	if (key->type == PF_CONFIG_BOOL)
		value = word[len] ? word + len + 1 : "yes";
	else
		value = take_value(argc, argv, i);
	if (!value)
		return PF_EXIT_USAGE;
	return add_setting(o, key->name, strlen(key->name), value) ? PF_EXIT_FAILURE : PF_EXIT_OK;
}

static int take_set(struct pf_options *o, int argc, char **argv, int *i)
{
	const char *value = !strncmp(argv[*i], "--set=", 6) ? argv[*i] + 6 : NULL, *equals;

	if (!value && *i + 1 < argc)
		value = argv[++*i];
	equals = value ? strchr(value, '=') : NULL;
	if (!equals) {
		pf_complain("--set needs KEY=VALUE");
		return PF_EXIT_USAGE;
	}
	return add_setting(o, value, (size_t)(equals - value), equals + 1) ? PF_EXIT_FAILURE
									   : PF_EXIT_OK;
}

int pf_options_parse(struct pf_options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		size_t len = strcspn(argv[i], "=");
		const struct pf_option *e = find_extra(o, argv[i], len);
		int r = PF_EXIT_OK;

		if (e && e->value) {
			*e->store = take_value(argc, argv, &i);
			r = *e->store ? PF_EXIT_OK : PF_EXIT_USAGE;
		} else if (e) {
			*e->store = "";
		} else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			o->help = true;
		} else if (len == 8 && !memcmp(argv[i], "--config", 8)) {
			o->config_file = take_value(argc, argv, &i);
			r = o->config_file ? PF_EXIT_OK : PF_EXIT_USAGE;
		} else if (len == 5 && !memcmp(argv[i], "--set", 5)) {
			r = take_set(o, argc, argv, &i);
		} else if (!strncmp(argv[i], "--", 2)) {
			r = take_setting(o, argc, argv, &i);
		} else if (o->words && o->word_count < o->words_max) {
			o->words[o->word_count++] = argv[i];
		} else {
			pf_complain("%s takes no \"%s\"; see punktfunk-host %s --help", argv[0],
				argv[i], argv[0]);
			r = PF_EXIT_USAGE;
		}
		if (r)
			return r;
	}
	return PF_EXIT_OK;
}

void pf_options_finish(struct pf_options *o)
{
	for (unsigned i = 0; i < 2 * o->setting_count; i++)
		free(o->settings[i]);
	free(o->settings);
	o->settings = NULL;
	o->setting_count = 0;
}

static void write_extra(const struct pf_option *extra)
{
	for (const struct pf_option *e = extra; e && e->name; e++)
		printf("  %s%s%s\n        %s\n", e->name, e->value ? " " : "",
			e->value ? e->value : "", e->help);
}

void pf_options_help_short(
	const struct pf_cmd *cmd, const char *usage, const struct pf_option *extra)
{
	printf("usage: punktfunk-host %s %s\n\n%s\n\noptions:\n", cmd->name, usage, cmd->summary);
	write_extra(extra);
	printf("  --user NAME\n        As root: the user that the host runs as.\n");
}

void pf_options_help(const struct pf_cmd *cmd, const struct pf_option *extra)
{
	printf("usage: punktfunk-host %s [options]\n\n%s\n\noptions:\n", cmd->name, cmd->summary);
	write_extra(extra);
	printf("  --config FILE\n        Read this file instead of host.conf and host.conf.d/.\n"
	       "  --set KEY=VALUE\n        Set any of the keys below.\n"
	       "\nsettings, by their key as an option:\n");
	pf_config_write_help(stdout);
}

static void report(void *user, bool is_error, const char *file, unsigned line, const char *text)
{
	const char *kind = is_error ? "error" : "warning";

	if (file && line)
		pf_complain("%s:%u: %s: %s", file, line, kind, text);
	else
		pf_complain("%s: %s", kind, text);
}

void pf_settings_sources(
	struct pf_settings_from *from, char dir[PF_PATH_BYTES], const struct pf_options *o)
{
	*from = (struct pf_settings_from){
		.file = o->config_file, .pairs = o->settings, .pair_count = o->setting_count
	};
	/* Without a home there are no files, and nothing to say about it. */
	if (!pf_dir_path(PF_DIR_CONFIG, dir, PF_PATH_BYTES, NULL))
		from->dir = dir;
}

int pf_load_settings(struct pf_config *c, const struct pf_options *o, bool quiet)
{
	const struct pf_config_sink sink = { .report = quiet ? NULL : report };
	struct pf_settings_from from;
	struct pf_settings_read read;
	char dir[PF_PATH_BYTES];
	unsigned errors;

	pf_settings_sources(&from, dir, o);
	errors = pf_settings_read(&read, &from, NULL, &sink);
	*c = read.config;
	return errors ? PF_EXIT_CONFIG : PF_EXIT_OK;
}

int pf_leave_root(const struct pf_options *o)
{
	struct pf_reason why = { 0 };
	struct pf_config c;

	/* Errors are told by the one that comes after. */
	(void)pf_load_settings(&c, o, true);
	if (!pf_user_become(c.user, pf_program_argv, &why))
		return PF_EXIT_OK;
	pf_complain("%s", why.text);
	return PF_EXIT_USER;
}
