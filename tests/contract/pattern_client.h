/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pattern_client.h - pf-pattern inside the display under test.
 *
 * Its report says what a client there sees and gets. Failures end the cmocka
 * test. The tool must be among those named to pf_test_become_user. */
#pragma once
#include <jansson.h>
#include "host/display/display.h"
#include "host/sys/spawn.h"

#define PF_TEST_PATTERN "tools/pattern/pf-pattern"

struct pf_test_pattern {
	struct pf_child *child;
	char report[300];
};

/** Starts it with up to eight arguments (NULL-ended); logs go to `dir`. */
void pf_test_pattern_start(struct pf_test_pattern *p, struct pf_display *display, const char *dir,
	const char *const *args);
/** Accepts a zeroed one. */
void pf_test_pattern_stop(struct pf_test_pattern *p);
/** The report once `key` has reached `least`; to be freed. */
json_t *pf_test_pattern_await(struct pf_test_pattern *p, const char *key, double least);
/** A number or truth value of a report. */
double pf_test_number(const json_t *report, const char *key);
