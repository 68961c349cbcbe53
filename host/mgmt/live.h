/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* live.h - what the sessions of both planes do, in figures of the last second.
 *
 * Sampled from counters that the streams keep anyway; nothing here touches a hot
 * thread. Private to host/mgmt; control loop. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct pf_gamestream;
struct pf_live;
struct pf_native;

/* How often to sample; figures are of the time since the sample before. */
#define PF_LIVE_NS (1000 * 1000000ull)

int pf_live_create(struct pf_live **out);
/** Accepts NULL. */
void pf_live_destroy(struct pf_live *l);
/** Takes a new sample; planes may be NULL. The caller's reference: the object of
 * stats/live, or NULL when out of memory. */
json_t *pf_live_sample(struct pf_live *l, struct pf_native *n, struct pf_gamestream *g);
/** The newest sample, without sessions when there was none: the caller's reference. */
json_t *pf_live_newest(const struct pf_live *l);
/** Sessions in the newest sample. */
unsigned pf_live_count(const struct pf_live *l);
/** Unix time as "2026-01-31T12:00:00.123Z". */
void pf_live_time(uint64_t unix_ns, char out[32]);
