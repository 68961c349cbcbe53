/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/doctor/doctor.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "host/doctor/check.h"

/* Most of a check's time is waiting for others. */
#define AT_ONCE	     4
#define CHECKS_MAX   96
#define ANSWER_BYTES (64 << 10) /* of one check */

static const struct {
	const char *name;
	const struct pf_check *checks;
} areas[] = {
	{ "display", pf_checks_display },
	{ "devices", pf_checks_devices },
	{ "sound", pf_checks_sound },
	{ "encoder", pf_checks_encoder },
	{ "network", pf_checks_network },
	{ "system", pf_checks_system },
	{ "trust", pf_checks_trust },
};
#define AREAS (sizeof(areas) / sizeof(areas[0]))

static const char *const states[] = { "ok", "warn", "fail", "skip" };

struct pf_exam {
	const struct pf_doctor_params *p;
	const struct pf_check *check;
	const char *area;
	int fd; /* where findings go: one JSON object a line */
};

struct slot {
	struct pf_exam exam;
	pid_t pid; /* 0 = not started, -1 = ended */
	uint64_t deadline_ns;
	char *text;
	size_t len;
	bool late;
	json_t *findings;
};

const char *const *pf_doctor_areas(void)
{
	static const char *const names[] = { "display", "devices", "sound", "encoder", "network",
		"system", "trust", NULL };

	return names;
}

const struct pf_doctor_params *pf_exam_params(const struct pf_exam *x)
{
	return x->p;
}

const struct pf_config *pf_exam_config(const struct pf_exam *x)
{
	return x->p->config;
}

/* What comes from programs, files and the environment may be no UTF-8. */
static json_t *text_json(const char *text)
{
	char clean[4096];

	if (!text)
		return json_null();
	(void)pf_utf8_repair(clean, sizeof(clean), text, strlen(text));
	return json_string(clean);
}

static json_t *finding(const struct pf_exam *x, const char *id, const char *title,
	enum pf_doctor_state state, const char *cause, const char *remedy, const char *command)
{
	json_t *o = json_pack("{s:o, s:s, s:s, s:s}", "id", json_sprintf("%s.%s", x->area, id),
		"area", x->area, "state", states[state], "title", title);

	if (o && (json_object_set_new(o, "cause", text_json(cause)) ||
			 json_object_set_new(o, "remedy", text_json(remedy)) ||
			 json_object_set_new(o, "command", text_json(command)))) {
		json_decref(o);
		o = NULL;
	}
	return o;
}

void pf_say_of(struct pf_exam *x, const char *id, const char *title, enum pf_doctor_state state,
	const char *cause, const char *remedy, const char *command)
{
	json_t *o = finding(x, id, title, state, cause, remedy, command);
	char *line = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	if (line)
		(void)!dprintf(x->fd, "%s\n", line);
	free(line);
	json_decref(o);
}

void pf_say(struct pf_exam *x, enum pf_doctor_state state, const char *cause, const char *remedy,
	const char *command)
{
	pf_say_of(x, x->check->id, x->check->title, state, cause, remedy, command);
}

static _Noreturn void run_check(struct pf_exam *x, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* Drivers and libraries talk on these. */
	if (null >= 0) {
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		(void)dup2(null, 2);
	}
	x->check->run(x, x->check->arg);
	_exit(0);
}

static int start(struct slot *s)
{
	pid_t parent = getpid();
	int p[2];

	if (pipe2(p, O_CLOEXEC))
		return -errno;
	s->exam.fd = p[1];
	s->pid = fork();
	if (!s->pid)
		run_check(&s->exam, parent);
	close(p[1]);
	if (s->pid < 0) {
		s->pid = 0;
		close(p[0]);
		return -errno;
	}
	s->exam.fd = p[0];
	s->deadline_ns = pf_clock_mono_ns() + s->exam.check->limit_ms * PF_NS_PER_MS;
	return 0;
}

static void add(struct slot *s, enum pf_doctor_state state, const char *cause, const char *remedy,
	const char *command)
{
	const struct pf_check *c = s->exam.check;

	json_array_append_new(
		s->findings, finding(&s->exam, c->id, c->title, state, cause, remedy, command));
}

/* Its process ended or was ended: what it said, and how it ended if not in order. */
static void collect(struct slot *s)
{
	const struct pf_check *c = s->exam.check;
	char *line = s->text, *end;
	char words[128];
	int status = 0;

	close(s->exam.fd);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	s->pid = -1;
	for (; line && (end = memchr(line, '\n', s->len - (size_t)(line - s->text))) != NULL;
		line = end + 1) {
		json_t *o = json_loadb(line, (size_t)(end - line), 0, NULL);

		if (o)
			json_array_append_new(s->findings, o);
	}
	free(s->text);
	s->text = NULL;
	if (s->late) {
		snprintf(words, sizeof(words), "the check did not end within %u s",
			c->limit_ms / 1000);
		add(s, PF_DOCTOR_FAIL, c->hang_cause ? c->hang_cause : words,
			"Something that it asked does not answer.", c->hang_command);
	} else if (WIFSIGNALED(status)) {
		snprintf(words, sizeof(words), "the check crashed (signal %d): %s",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
		add(s, PF_DOCTOR_FAIL, words,
			"A driver or library that it loads is broken; update the system.",
			"sudo apt-get update && sudo apt-get upgrade");
	} else if (WEXITSTATUS(status)) {
		snprintf(words, sizeof(words), "the check itself failed (status %d)",
			WEXITSTATUS(status));
		add(s, PF_DOCTOR_FAIL, words, "That is an error of ours: please report it.", NULL);
	}
}

/* False when it has ended. */
static bool hear(struct slot *s)
{
	char *grown = realloc(s->text, s->len + 4096 + 1);
	ssize_t n;

	if (!grown)
		return false;
	s->text = grown;
	n = read(s->exam.fd, s->text + s->len, 4096);
	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0 || s->len + (size_t)n > ANSWER_BYTES)
		return false;
	s->len += (size_t)n;
	return true;
}

/* Waits until one of those that run says something or is too late. */
static void wait_some(struct slot *slots, unsigned count, unsigned *running)
{
	struct pollfd fds[AT_ONCE];
	struct slot *who[AT_ONCE];
	uint64_t now = pf_clock_mono_ns(), first = UINT64_MAX;
	unsigned n = 0;

	for (unsigned i = 0; i < count && n < AT_ONCE; i++) {
		if (slots[i].pid <= 0)
			continue;
		who[n] = &slots[i];
		fds[n++] = (struct pollfd){ .fd = slots[i].exam.fd, .events = POLLIN };
		if (slots[i].deadline_ns < first)
			first = slots[i].deadline_ns;
	}
	(void)poll(fds, n, first > now ? (int)((first - now) / PF_NS_PER_MS) + 1 : 0);
	now = pf_clock_mono_ns();
	for (unsigned i = 0; i < n; i++) {
		if (fds[i].revents && !hear(who[i])) {
			kill(who[i]->pid, SIGKILL);
			collect(who[i]);
			--*running;
		} else if (now >= who[i]->deadline_ns) {
			/* Only itself: what it started has guards that see it go. */
			who[i]->late = true;
			kill(who[i]->pid, SIGKILL);
			collect(who[i]);
			--*running;
		}
	}
}

static unsigned select_checks(struct slot *slots, const struct pf_doctor_params *p)
{
	unsigned count = 0;

	for (size_t a = 0; a < AREAS; a++) {
		if (p->only && strcmp(p->only, areas[a].name))
			continue;
		for (const struct pf_check *c = areas[a].checks; c->id; c++) {
			if (count < CHECKS_MAX)
				slots[count++].exam = (struct pf_exam){
					.p = p, .check = c, .area = areas[a].name, .fd = -1
				};
		}
	}
	return count;
}

int pf_doctor_run(const struct pf_doctor_params *p, json_t *out)
{
	struct slot *slots = calloc(CHECKS_MAX, sizeof(*slots));
	unsigned count, next = 0, running = 0;
	int r = 0;

	if (!slots)
		return -ENOMEM;
	count = select_checks(slots, p);
	if (!count)
		r = -ENOENT;
	for (unsigned i = 0; i < count; i++) {
		slots[i].findings = json_array();
		if (!slots[i].findings)
			r = -ENOMEM;
	}
	while (!r && (running || next < count)) {
		if (next < count && running < AT_ONCE) {
			r = start(&slots[next]);
			next += !r;
			running += !r;
			continue;
		}
		wait_some(slots, count, &running);
	}
	for (unsigned i = 0; i < count; i++) {
		if (slots[i].pid > 0) {
			kill(slots[i].pid, SIGKILL);
			collect(&slots[i]);
		}
		if (!r && json_array_extend(out, slots[i].findings))
			r = -ENOMEM;
		json_decref(slots[i].findings);
	}
	free(slots);
	return r;
}
