/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* logins.h - who is logged in to the web console, and how often one may try.
 *
 * A log-in is a random cookie, known here by its SHA-256, and a token against forged
 * requests. It lives in memory only, until it was idle or is old for too long, is closed
 * or pushed out by newer ones, or the password's file is another. Any thread; the lock is
 * held for microseconds and one stat. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_LOGINS_MAX	     64
#define PF_LOGIN_TOKEN_BYTES 65 /* 64 hex digits and a zero */
#define PF_LOGIN_COOKIE	     "__Host-punktfunk"
#define PF_LOGIN_IDLE_S	     (8 * 3600)
#define PF_LOGIN_AGE_S	     (7 * 24 * 3600)
#define PF_LOGIN_BURST	     5	/* tries of one address at once */
#define PF_LOGIN_REFILL_S    12 /* one more each */
#define PF_LOGIN_ALL_BURST   30 /* of all addresses but this machine's */
#define PF_LOGIN_ALL_S	     2
#define PF_LOGIN_JOBS	     2 /* hashes at a time, 64 MiB each */

struct pf_logins;

struct pf_login {
	uint64_t id; /* never 0 */
	char csrf[PF_LOGIN_TOKEN_BYTES];
};

/** `password_path` is copied. 0 or -ENOMEM. */
int pf_logins_create(struct pf_logins **out, const char *password_path);
/** Accepts NULL. */
void pf_logins_destroy(struct pf_logins *l);
const char *pf_logins_password_path(const struct pf_logins *l);
bool pf_logins_has_password(struct pf_logins *l);

/** Changes with the password's file, before a check of it reads the new one. */
uint64_t pf_logins_epoch(struct pf_logins *l);
/** A new log-in for who gave the password of `epoch`. 0, -ESTALE when it is another by
 * now, -EIO without random bytes. The caller wipes the cookie. */
int pf_logins_open(struct pf_logins *l, uint64_t epoch, uint64_t now_ns,
	char cookie[PF_LOGIN_TOKEN_BYTES], struct pf_login *out);
/** Whether the header Cookie holds a log-in, which counts as used now. */
bool pf_logins_find(
	struct pf_logins *l, const char *cookie_header, uint64_t now_ns, struct pf_login *out);
/** Whether the log-in is still there; does not count as use. */
bool pf_logins_lives(struct pf_logins *l, uint64_t id, uint64_t now_ns);
void pf_logins_close(struct pf_logins *l, uint64_t id);

/** Takes one try of `address` (NULL = unknown). 0, or the seconds to wait. */
unsigned pf_logins_try(
	struct pf_logins *l, const char *address, bool from_loopback, uint64_t now_ns);
/** The try was right: the address has all of its tries again. */
void pf_logins_forgive(struct pf_logins *l, const char *address);
