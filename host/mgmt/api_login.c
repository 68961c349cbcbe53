/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_login.c - logging in to the web console and its password. */
#include "host/mgmt/login_jobs.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crypto/secret.h"
#include "host/mgmt/api_impl.h"
#include "host/mgmt/feed.h"
#include "host/mgmt/password.h"
#include "host/sys/worker.h"

#define ATTRIBUTES "; Path=/; Secure; HttpOnly; SameSite=Strict"

/* One password that is looked at, by a worker. */
struct login_job {
	struct pf_job job;
	struct pf_login_jobs *jobs;
	struct pf_mgmt *mgmt;
	struct pf_mgmt_later *later; /* NULL = free */
	bool change, needs_old;
	uint64_t epoch;
	char address[64];
	char old[PF_MGMT_PASSWORD_MAX + 1], new[PF_MGMT_PASSWORD_MAX + 1];
	int result;
	struct pf_reason why;
};

struct pf_login_jobs {
	struct pf_logins *logins;
	struct login_job slots[PF_LOGIN_JOBS];
};

int pf_login_jobs_create(struct pf_login_jobs **out, struct pf_logins *logins)
{
	struct pf_login_jobs *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->logins = logins;
	for (size_t i = 0; i < PF_LOGIN_JOBS; i++)
		j->slots[i].jobs = j;
	*out = j;
	return 0;
}

void pf_login_jobs_destroy(struct pf_login_jobs *j)
{
	pf_secret_free(j, sizeof(*j));
}

static struct pf_logins *logins_of(struct pf_mgmt_op *c)
{
	if (c->p->login_jobs)
		return c->p->login_jobs->logins;
	pf_mgmt_fail(c, 409, "this host has no log-in");
	return NULL;
}

/* ---- a password is looked at ---- */

static void work(struct pf_job *job)
{
	struct login_job *j = (struct login_job *)job;
	const char *path = pf_logins_password_path(j->jobs->logins);

	j->result = 0;
	/* Before it is read: what is read may only be newer. */
	j->epoch = pf_logins_epoch(j->jobs->logins);
	if (j->needs_old)
		j->result = pf_mgmt_password_check(path, j->old, strlen(j->old), &j->why);
	if (!j->result && j->change)
		j->result = pf_mgmt_password_set(path, j->new, strlen(j->new), &j->why);
}

static void tell_failure(struct login_job *j)
{
	if (j->result == -EACCES) {
		pf_log(PF_LOG_WARN, "mgmt", "a wrong password for the console from %s", j->address);
		pf_mgmt_later_fail(j->later, j->change ? 403 : 401, j->why.text);
	} else if (j->result == -ENOENT || j->result == -EPERM || j->result == -EBADMSG) {
		pf_log(PF_LOG_WARN, "mgmt", "nobody can log in to the console: %s", j->why.text);
		pf_mgmt_later_fail(j->later, 409, j->why.text);
	} else {
		pf_log(PF_LOG_ERROR, "mgmt", "the console's password: %s", j->why.text);
		pf_mgmt_later_fail(j->later, 500, j->why.text);
	}
}

static void log_in(struct login_job *j)
{
	char cookie[PF_LOGIN_TOKEN_BYTES];
	struct pf_mgmt_answer a = { .status = 200 };
	struct pf_login login;
	int r = pf_logins_open(j->jobs->logins, j->epoch, pf_clock_mono_ns(), cookie, &login);

	if (r) {
		pf_mgmt_later_fail(j->later, r == -ESTALE ? 401 : 500,
			r == -ESTALE ? "the password was changed just now"
				     : "the system has no random bytes");
		return;
	}
	pf_logins_forgive(j->jobs->logins, j->address);
	pf_log(PF_LOG_INFO, "mgmt", "a browser at %s logged in", j->address);
	snprintf(a.cookie, sizeof(a.cookie), PF_LOGIN_COOKIE "=%s" ATTRIBUTES, cookie);
	a.body = json_pack("{s:s}", "csrf", login.csrf);
	if (!a.body)
		pf_mgmt_answer_error(&a, 500, "out of memory");
	j->later->done(j->later, &a);
	pf_secret_wipe(cookie, sizeof(cookie));
	pf_secret_wipe(&login, sizeof(login));
	pf_secret_wipe(&a, sizeof(a));
}

static void done(struct pf_job *job)
{
	struct login_job *j = (struct login_job *)job;

	if (j->result)
		tell_failure(j);
	else if (!j->change)
		log_in(j);
	else {
		pf_log(PF_LOG_INFO, "mgmt", "the console's password was changed");
		pf_logins_forgive(j->jobs->logins, j->address);
		if (j->mgmt)
			pf_sse_recheck(pf_mgmt_feed(j->mgmt)->sse);
		pf_mgmt_later_reply(j->later, 204, NULL);
	}
	pf_secret_wipe(j->old, sizeof(j->old));
	pf_secret_wipe(j->new, sizeof(j->new));
	j->later = NULL;
}

static void too_often(struct pf_mgmt_op *c, unsigned wait_s)
{
	char words[80];

	snprintf(words, sizeof(words), "too many tries: the next is possible in %u s", wait_s);
	pf_mgmt_fail(c, 429, words);
	c->a->retry_after_s = wait_s;
}

/* NULL after a failure. The caller fills in what it is about and hands it over. */
static struct login_job *begin(struct pf_mgmt_op *c)
{
	const struct pf_mgmt_call *call = c->call;
	struct pf_logins *logins = logins_of(c);
	struct login_job *j = NULL;
	unsigned wait_s;

	if (!logins)
		return NULL;
	for (size_t i = 0; i < PF_LOGIN_JOBS && !j; i++)
		if (!c->p->login_jobs->slots[i].later)
			j = &c->p->login_jobs->slots[i];
	if (!j || !c->p->workers) {
		pf_mgmt_fail(c, 503, "too many passwords are looked at just now");
		c->a->retry_after_s = 1;
		return NULL;
	}
	wait_s = call->lane == PF_MGMT_LANE_ADMIN
			 ? 0
			 : pf_logins_try(
				   logins, call->address, call->from_loopback, pf_clock_mono_ns());
	if (wait_s) {
		too_often(c, wait_s);
		return NULL;
	}
	j->later = pf_mgmt_defer(c);
	if (!j->later)
		return NULL;
	snprintf(j->address, sizeof(j->address), "%s", call->address ? call->address : "");
	j->mgmt = call->mgmt;
	j->job.work = work;
	j->job.done = done;
	j->why = (struct pf_reason){ 0 };
	return j;
}

/* ---- operations ---- */

static void get_login(struct pf_mgmt_op *c)
{
	const struct pf_login *login = c->call->login;
	struct pf_logins *logins = logins_of(c);
	json_t *o;

	if (!logins)
		return;
	o = json_pack("{s:b, s:b}", "signed_in", login != NULL, "password_set",
		pf_logins_has_password(logins));
	if (o && login && json_object_set_new(o, "csrf", json_string(login->csrf))) {
		json_decref(o);
		o = NULL;
	}
	pf_mgmt_reply(c, 200, o);
}

/* Text of the body that fits a slot; NULL after a failure. */
static const char *password_field(struct pf_mgmt_op *c, const char *name)
{
	const char *s = json_string_value(json_object_get(c->body, name));
	char words[80];

	if (s && *s && strlen(s) <= PF_MGMT_PASSWORD_MAX)
		return s;
	snprintf(words, sizeof(words), "\"%s\" must be text of 1 to %d bytes", name,
		PF_MGMT_PASSWORD_MAX);
	pf_mgmt_fail(c, 400, words);
	return NULL;
}

static void post_login(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { "password", NULL };
	const char *password;
	struct login_job *j;

	if (!pf_mgmt_only_fields(c, fields))
		return;
	password = password_field(c, "password");
	if (!password)
		return;
	if (c->p->login_jobs && !pf_logins_has_password(c->p->login_jobs->logins)) {
		pf_mgmt_fail(c, 409,
			"no password is set; on the host, as its user, run: punktfunk-host "
			"console");
		return;
	}
	j = begin(c);
	if (!j)
		return;
	j->change = false;
	j->needs_old = true;
	strcpy(j->old, password);
	pf_workers_submit(c->p->workers, &j->job);
}

static void delete_login(struct pf_mgmt_op *c)
{
	struct pf_logins *logins = logins_of(c);
	struct pf_feed *feed = pf_mgmt_feed(c->call->mgmt);

	if (!logins)
		return;
	if (c->call->login)
		pf_logins_close(logins, c->call->login->id);
	if (feed)
		pf_sse_recheck(feed->sse);
	c->a->status = 204;
	strcpy(c->a->cookie, PF_LOGIN_COOKIE "=" ATTRIBUTES "; Max-Age=0");
}

static void put_password(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { "old", "new", NULL };
	bool admin = c->call->lane == PF_MGMT_LANE_ADMIN;
	const char *old = "", *new;
	struct pf_reason why = { 0 };
	struct login_job *j;

	if (!pf_mgmt_only_fields(c, fields))
		return;
	if (!admin || json_object_get(c->body, "old"))
		old = password_field(c, "old");
	new = old ? password_field(c, "new") : NULL;
	if (!new)
		return;
	if (!pf_mgmt_password_fits(new, strlen(new), &why)) {
		pf_mgmt_fail(c, 400, why.text);
		return;
	}
	j = begin(c);
	if (!j)
		return;
	j->change = true;
	j->needs_old = *old != 0;
	strcpy(j->old, old);
	strcpy(j->new, new);
	pf_workers_submit(c->p->workers, &j->job);
}

const struct pf_mgmt_route pf_mgmt_login_routes[] = {
	{ { "login" }, 1, "GET, POST, DELETE", .open = true, .open_post = true, .get = get_login,
		.post = post_login, .remove = delete_login },
	{ { "login", "password" }, 2, "PUT", .put = put_password },
	{ { 0 } },
};
