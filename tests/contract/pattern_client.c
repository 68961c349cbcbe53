/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "tests/contract/pattern_client.h"
#include "tests/contract/plain_user.h"

#define PATIENT_MS 20000

void pf_test_pattern_start(struct pf_test_pattern *p, struct pf_display *display, const char *dir,
	const char *const *args)
{
	char *tool = pf_test_tool(PF_TEST_PATTERN), log[300];
	const char *argv[12] = { tool, "--report", p->report };
	struct pf_reason why = { 0 };

	for (int i = 3; *args && i < 11; i++)
		argv[i] = *args++;
	assert_null(*args);
	snprintf(p->report, sizeof(p->report), "%s/report", dir);
	snprintf(log, sizeof(log), "%s/pattern.log", dir);
	if (pf_child_start(&p->child,
		    &(struct pf_child_params){
			    .argv = argv,
			    .env = display->ops->app_env(display),
			    .log_path = log,
			    .stdin_fd = -1,
			    .pass_fd = -1,
		    },
		    &why))
		fail_msg("%s", why.text);
	free(tool);
}

void pf_test_pattern_stop(struct pf_test_pattern *p)
{
	pf_child_stop(&p->child, 500);
}

double pf_test_number(const json_t *report, const char *key)
{
	const json_t *v = json_object_get(report, key);

	return json_is_boolean(v) ? json_is_true(v) : json_number_value(v);
}

json_t *pf_test_pattern_await(struct pf_test_pattern *p, const char *key, double least)
{
	double last = -1;

	for (int ms = 0; ms < PATIENT_MS; ms += 10) {
		const struct timespec pause = { .tv_nsec = 10000000 };
		json_t *r = json_load_file(p->report, 0, NULL);

		if (r) {
			last = pf_test_number(r, key);
			if (last >= least)
				return r;
			json_decref(r);
		}
		nanosleep(&pause, NULL);
	}
	fail_msg("%s is %g, not %g", key, last, least);
	return NULL;
}
