/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* mgmt.h - the management API: HTTPS on a thread of its own, answers from the
 * control loop.
 *
 * The HTTP thread reads, limits and authorises a request; what passes is handed to the
 * control loop, where it is answered, while its connection sleeps. All hooks run
 * on the control loop. openapi.yaml beside this is the contract. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/crypto/identity.h"
#include "host/native/native.h"
#include "host/registry/apps.h"
#include "host/registry/clients.h"
#include "host/sys/loop.h"

struct pf_config;
struct pf_desks;
struct pf_diagnostics;
struct pf_display_survey;
struct pf_encoders;
struct pf_gamestream;
struct pf_logbook;
struct pf_login_jobs;
struct pf_mgmt;
struct pf_settings;
struct pf_workers;

/* A client that waits for the operator to enter its PIN. */
struct pf_mgmt_pair {
	uint32_t id; /* never 0; not used again soon */
	enum pf_client_plane plane;
	char address[64];
	char name[PF_CLIENT_NAME_BYTES]; /* what it calls itself: not to be trusted */
	uint8_t fingerprint[32];	 /* of the certificate that would be trusted */
	uint32_t age_s;
	bool has_pin; /* the PIN was given, the exchange runs */
};

/* What other parts provide; NULL where none does. */
struct pf_mgmt_hooks {
	/* Adds what the host is and does to a JSON object. */
	void (*status)(void *user, struct json_t *status);
	/* Calls fn for each request that waits. */
	void (*pair_each)(void *user, void (*fn)(void *fn_user, const struct pf_mgmt_pair *pair),
		void *fn_user);
	/* Hands a PIN to request `id`, 0 = the only one. 0 when it was taken, which does
	 * not mean that it was right; -ENOENT when no such request waits, -EEXIST when
	 * several do and id is 0, -EALREADY when it has one, -EINVAL for a PIN of a wrong
	 * form, -EKEYREJECTED when it was used before; with the words. */
	int (*pair_pin)(void *user, uint32_t id, const char *pin, struct pf_reason *why);
	/* Pairing by PIN on the native plane: as pf_native_arm, pf_native_disarm,
	 * pf_native_pairing. */
	int (*arm)(void *user, const struct pf_arming *a, uint32_t ttl_s);
	void (*disarm)(void *user);
	void (*pairing)(void *user, struct pf_native_pairing *out);
	/* Approval of unknown clients there: as pf_native_each_knock, pf_native_approve,
	 * pf_native_deny. */
	void (*knock_each)(
		void *user, void (*fn)(void *fn_user, const struct pf_knock *k), void *fn_user);
	int (*approve)(void *user, uint32_t id, const char *name, uint32_t grants,
		int64_t expires_s, struct pf_client *out, struct pf_reason *why);
	int (*deny)(void *user, uint32_t id, struct pf_reason *why);
	void *user;
};

struct pf_mgmt_params {
	struct pf_loop *loop;
	const char *bind_address; /* numeric, IPv4 or IPv6 */
	uint16_t port;		  /* 0 = any free one */
	const struct pf_identity *identity;
	const char *token;	   /* opens everything, from this machine alone */
	const char *password_path; /* file of the console's password; NULL = no log-in */
	const char *allowed_path;  /* the operator's file of clients; listed, never changed */
	struct pf_clients *clients;
	struct pf_apps *apps;
	/* What operations act on; each may be NULL. */
	struct pf_workers *workers;
	const struct pf_config *config;
	struct pf_settings *settings;
	struct pf_desks *desks;
	struct pf_native *native;
	struct pf_gamestream *gamestream;
	struct pf_logbook *logbook;
	const char *state_dir;		  /* where recordings are kept; NULL = nowhere */
	struct pf_login_jobs *login_jobs; /* pf_mgmt_create sets it */
	/* What the host is. */
	const char *hostname, *user, *host_id; /* NULL or "" = not known */
	const struct pf_encoders *encoders;    /* may be NULL */
	struct pf_display_survey *displays;    /* may be NULL */
	struct pf_diagnostics *diagnostics;    /* may be NULL */
	struct pf_mgmt_hooks hooks;
};

/** Opens the port and starts the thread. -EADDRINUSE etc. with the words, -ENOSYS
 * when the build has no HTTP server. Pointers are borrowed until destroy, but
 * bind_address, token and password_path, which are copied. */
int pf_mgmt_create(
	struct pf_mgmt **out, const struct pf_mgmt_params *params, struct pf_reason *why);
uint16_t pf_mgmt_port(const struct pf_mgmt *m);
/** Answers what waits with 503, closes all connections and ends the thread. Control
 * loop. May be called twice. */
void pf_mgmt_stop(struct pf_mgmt *m);
/** After workers and loop were destroyed, as they may hold what it owns. Accepts NULL. */
void pf_mgmt_destroy(struct pf_mgmt *m);
