/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/doctor/doctor.h"
#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "host/cmd/cmd.h"
#include "host/mgmt/endpoint.h"
#include "host/registry/json_file.h"
#include "host/sys/files.h"
#include "host/sys/user.h"

/* Names the descriptor by which root hands on what it saw, across the becoming of the
 * user. */
#define FACTS_ENV "PF_DOCTOR_FACTS"

struct words {
	char text[512], command[PF_PATH_BYTES + 64], file[PF_PATH_BYTES];
};

/* ---- what the checks are told ---- */

static void pass_facts(void)
{
	json_t *facts = pf_doctor_facts();
	int fd = memfd_create("pf-facts", 0);
	char name[16];

	if (facts && fd >= 0 && !json_dumpfd(facts, fd, JSON_COMPACT)) {
		snprintf(name, sizeof(name), "%d", fd);
		setenv(FACTS_ENV, name, 1);
	}
	json_decref(facts);
}

static json_t *take_facts(void)
{
	const char *name = getenv(FACTS_ENV);
	int fd = name ? atoi(name) : -1;
	json_t *facts = NULL;

	if (fd > 2 && lseek(fd, 0, SEEK_SET) == 0) {
		facts = json_loadfd(fd, 0, NULL);
		close(fd);
	}
	unsetenv(FACTS_ENV);
	return facts;
}

/* Keeps the first error; the line in the way is what the command takes out. */
static void note_error(void *user, bool is_error, const char *file, unsigned line, const char *text)
{
	struct words *w = user;

	if (!is_error || *w->text)
		return;
	if (file && line) {
		snprintf(w->text, sizeof(w->text), "%.200s:%u: %.200s", file, line, text);
		snprintf(w->command, sizeof(w->command), "sed -i '%us/^/# /' '%s'", line, file);
	} else {
		snprintf(w->text, sizeof(w->text), "%.400s", text);
	}
}

/* The settings file that has the last word. */
static void last_file(char *out, size_t cap, const char *dir)
{
	char pattern[PF_PATH_BYTES + 32];
	glob_t g;

	snprintf(out, cap, "%.4080s/host.conf", dir);
	snprintf(pattern, sizeof(pattern), "%s/host.conf.d/*.conf", dir);
	if (glob(pattern, 0, NULL, &g))
		return;
	snprintf(out, cap, "%s", g.gl_pathv[g.gl_pathc - 1]);
	globfree(&g);
}

static void load(struct pf_config *c, const struct pf_options *o, struct words *w)
{
	const struct pf_config_sink sink = { .report = note_error, .user = w };
	char dir[PF_PATH_BYTES] = "";
	struct pf_reason why = { 0 };

	if (o->config_file)
		snprintf(w->file, sizeof(w->file), "%s", o->config_file);
	else if (!pf_dir_path(PF_DIR_CONFIG, dir, sizeof(dir), NULL))
		last_file(w->file, sizeof(w->file), dir);
	else
		snprintf(w->file, sizeof(w->file), "host.conf");
	pf_config_init(c);
	if (o->config_file || !pf_dir_path(PF_DIR_CONFIG, dir, sizeof(dir), NULL))
		(void)pf_config_load(c, dir, o->config_file, &sink);
	for (unsigned i = 0; i < o->setting_count; i++)
		if (pf_config_set(c, o->settings[2 * i], o->settings[2 * i + 1], &why))
			note_error(w, true, NULL, 0, why.text);
	if (!*w->text && c->bitrate_default_kbps > c->bitrate_max_kbps) {
		snprintf(w->text, sizeof(w->text),
			"bitrate_default_kbps (%u) is above bitrate_max_kbps (%u)",
			c->bitrate_default_kbps, c->bitrate_max_kbps);
		snprintf(w->command, sizeof(w->command), "echo 'bitrate_default_kbps = %u' >>'%s'",
			c->bitrate_max_kbps, w->file);
	}
}

static int64_t running_host(void)
{
	struct pf_mgmt_endpoint e;
	char dir[PF_PATH_BYTES];

	if (pf_dir_path(PF_DIR_STATE, dir, sizeof(dir), NULL) ||
		pf_mgmt_endpoint_read(&e, dir, NULL) || e.pid <= 0 || kill((pid_t)e.pid, 0))
		return 0;
	return e.pid;
}

/* ---- telling ---- */

static const char *member(const json_t *check, const char *key)
{
	return json_string_value(json_object_get(check, key)) ?: "";
}

/* What files and programs are called may hold anything. */
static void print_clean(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		putchar((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
}

static void print_wrapped(const char *indent, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column && column + 1 + n > 88) {
			putchar('\n');
			column = 0;
		}
		fputs(column ? " " : indent, stdout);
		print_clean(text, n);
		column += n + (column > 0);
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void print_check(const json_t *check, bool colour)
{
	static const struct {
		const char *state, *on;
	} colours[] = { { "ok", "\033[32m" }, { "warn", "\033[33m" }, { "fail", "\033[1;31m" },
		{ "skip", "\033[2m" } };
	const char *state = member(check, "state"), *on = "", *off = "";

	for (size_t i = 0; colour && i < sizeof(colours) / sizeof(colours[0]); i++) {
		if (!strcmp(colours[i].state, state)) {
			on = colours[i].on;
			off = "\033[0m";
		}
	}
	printf("  %s%-4s%s  %s\n", on, state, off, member(check, "title"));
	print_wrapped("          ", member(check, "cause"));
	if (*member(check, "remedy"))
		print_wrapped("          ", member(check, "remedy"));
	if (*member(check, "command")) {
		fputs("          $ ", stdout);
		print_clean(member(check, "command"), strlen(member(check, "command")));
		putchar('\n');
	}
}

static void print_checks(const json_t *checks)
{
	const bool colour = isatty(1) && !getenv("NO_COLOR") && getenv("TERM") &&
			    strcmp(getenv("TERM"), "dumb") != 0;
	const char *area = "";
	unsigned counts[3] = { 0 };
	const json_t *c;
	size_t i;

	json_array_foreach(checks, i, c)
	{
		if (strcmp(area, member(c, "area"))) {
			printf("%s%s\n", i ? "\n" : "", member(c, "area"));
			area = member(c, "area");
		}
		print_check(c, colour);
		counts[0] += !strcmp(member(c, "state"), "ok");
		counts[1] += !strcmp(member(c, "state"), "warn");
		counts[2] += !strcmp(member(c, "state"), "fail");
	}
	printf("\n%u in order, %u to look at, %u in the way\n", counts[0], counts[1], counts[2]);
}

static bool any_failed(const json_t *checks)
{
	const json_t *c;
	size_t i;

	json_array_foreach(checks, i, c)
	{
		if (!strcmp(member(c, "state"), "fail"))
			return true;
	}
	return false;
}

static bool is_area(const char *name)
{
	const char *const *a = pf_doctor_areas();

	while (*a && strcmp(*a, name))
		a++;
	return *a;
}

static int diagnose(const struct pf_options *o, const char *only, const char *user_error, bool json,
	json_t *facts)
{
	json_t *checks = json_array(), *answer;
	struct words *w = calloc(1, sizeof(*w));
	struct pf_config c;
	char at[32];
	int r;

	if (!checks || !w) {
		pf_complain("out of memory");
		return PF_EXIT_FAILURE;
	}
	load(&c, o, w);
	r = pf_doctor_run(&(struct pf_doctor_params){ .config = &c,
				  .config_file = w->file,
				  .settings_error = *w->text ? w->text : NULL,
				  .settings_command = *w->command ? w->command : NULL,
				  .user_error = user_error,
				  .host_pid = running_host(),
				  .only = only,
				  .facts = facts },
		checks);
	free(w);
	if (r) {
		pf_complain("cannot run the checks: %s", strerror(-r));
		json_decref(checks);
		return PF_EXIT_FAILURE;
	}
	r = any_failed(checks) ? PF_EXIT_FAILURE : PF_EXIT_OK;
	if (json) {
		pf_json_time(time(NULL), at);
		answer = json_pack("{s:s, s:O}", "at", at, "checks", checks);
		if (!answer || json_dumpf(answer, stdout, JSON_INDENT(2)) || puts("") < 0)
			r = PF_EXIT_FAILURE;
		json_decref(answer);
	} else {
		print_checks(checks);
	}
	json_decref(checks);
	return r;
}

int pf_cmd_doctor(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *json = NULL, *only = NULL;
	const struct pf_option extra[] = {
		{ "--json", NULL, "Print the findings as one JSON object.", &json },
		{ "--only", "AREA",
			"Look at one area: display, devices, sound, encoder, network, system or "
			"trust.",
			&only },
		{ 0 },
	};
	struct pf_options o = { .extra = extra };
	struct pf_reason why = { 0 };
	int r = pf_options_parse(&o, argc, argv);
	struct pf_config c;
	json_t *facts;

	if (!r && o.help) {
		pf_options_help(cmd, extra);
	} else if (!r && only && !is_area(only)) {
		pf_complain("there is no area \"%s\"; see punktfunk-host doctor --help", only);
		r = PF_EXIT_USAGE;
	} else if (!r) {
		if (!geteuid()) {
			pass_facts();
			(void)pf_load_settings(&c, &o, true);
			(void)pf_user_become(c.user, pf_program_argv, &why);
		}
		facts = take_facts();
		r = diagnose(&o, only, why.code ? why.text : NULL, json, facts);
		json_decref(facts);
	}
	pf_options_finish(&o);
	return r;
}
