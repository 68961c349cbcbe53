/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* clients.h - the paired clients of both planes.
 *
 * A client is known by plane and certificate fingerprint. The list lives in one
 * JSON file (mode 0600) that a person can read, replaced whole and atomically at
 * each change: add, update and remove have reached the disk when they return. When a client
 * was last seen is written on a worker, at most once a minute.
 *
 * One writer: the control loop of the one process that holds the file's lock. The
 * file allowed_clients (access.h) stays beside this: a list that only the operator writes,
 * for the native plane, read at each connection and first; who is in neither is
 * not let in. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

#define PF_CLIENTS_MAX	     256
#define PF_CLIENT_NAME_BYTES 65 /* with its zero */

struct pf_clients;
struct pf_loop;
struct pf_workers;

enum pf_client_plane {
	PF_PLANE_NATIVE,
	PF_PLANE_GAMESTREAM,
};

struct pf_client { /* plain data */
	enum pf_client_plane plane;
	uint8_t fingerprint[32];	 /* SHA-256 of the certificate's DER */
	char name[PF_CLIENT_NAME_BYTES]; /* UTF-8 without control characters */
	uint32_t grants;		 /* PF_GRANT_* */
	int64_t paired_s;		 /* Unix time */
	int64_t seen_s;			 /* Unix time, 0 = never */
	int64_t expires_s;		 /* Unix time, 0 = never */
};

enum pf_client_change {
	PF_CLIENT_ADDED,
	PF_CLIENT_UPDATED, /* name, grants or expiry */
	PF_CLIENT_REMOVED,
	PF_CLIENT_EXPIRED, /* its time ran out; it is still listed */
};

/** Reads the file, if there is one, and takes its lock. -EBUSY when another host
 * holds it, -EBADMSG with file and line when it is damaged (it is never dropped),
 * others from the disk. `workers` may be NULL: then all is written at once. */
int pf_clients_open(struct pf_clients **out, const char *path, struct pf_workers *workers,
	struct pf_reason *why);
/** Writes what is not yet written. After workers and loop were destroyed. Accepts
 * NULL. */
void pf_clients_close(struct pf_clients *c);

/** The client, valid until the next change, or NULL. One past its expiry is not
 * found. */
const struct pf_client *pf_clients_find(
	const struct pf_clients *c, enum pf_client_plane plane, const uint8_t fingerprint[32]);
/** As pf_clients_find, but also one past its expiry. */
const struct pf_client *pf_clients_entry(
	const struct pf_clients *c, enum pf_client_plane plane, const uint8_t fingerprint[32]);
unsigned pf_clients_count(const struct pf_clients *c);
/** Calls fn for each, in order of pairing; fn must not change the list. */
void pf_clients_each(const struct pf_clients *c,
	void (*fn)(void *user, const struct pf_client *client), void *user);
/** Adds a client, or replaces the one of the same plane and fingerprint. The name
 * is repaired to fit. -ENOSPC when the list is full; when writing fails nothing
 * has changed. */
int pf_clients_add(struct pf_clients *c, const struct pf_client *client, struct pf_reason *why);
/** Changes name, grants and expiry of a client to those of `client`. -ENOENT. */
int pf_clients_update(struct pf_clients *c, const struct pf_client *client, struct pf_reason *why);
/** -ENOENT when there is no such client. Watchers hear of it before it returns. */
int pf_clients_remove(struct pf_clients *c, enum pf_client_plane plane,
	const uint8_t fingerprint[32], struct pf_reason *why);
/** Notes that a client is here now. Cannot fail: a name without entry is ignored,
 * a full disk costs the date only. */
void pf_clients_seen(
	struct pf_clients *c, enum pf_client_plane plane, const uint8_t fingerprint[32]);

/* Tells a plane of changes, so that it ends the sessions of a client that was
 * removed and enforces new grants at once. Embed it. */
struct pf_clients_watch {
	void (*changed)(struct pf_clients_watch *w, enum pf_client_change change,
		const struct pf_client *client);
	struct pf_clients_watch *next; /* the list's */
};
void pf_clients_watch(struct pf_clients *c, struct pf_clients_watch *w);
void pf_clients_unwatch(struct pf_clients *c, struct pf_clients_watch *w);
/** From now on watchers hear of access that runs out, on the loop; NULL: no more,
 * before the loop is destroyed. */
void pf_clients_run(struct pf_clients *c, struct pf_loop *loop);

/** "native", "gamestream". */
const char *pf_client_plane_to_string(enum pf_client_plane plane);
/** 0, or -EINVAL when `text` names no plane. */
int pf_client_plane_parse(enum pf_client_plane *out, const char *text);
