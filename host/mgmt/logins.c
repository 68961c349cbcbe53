/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/logins.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/base/clock.h"
#include "core/crypto/hash.h"
#include "core/crypto/secret.h"
#include "host/mgmt/throttle.h"
#include "host/registry/access.h"
#include "host/sys/files.h"

static const struct pf_rate each = { PF_LOGIN_BURST, PF_LOGIN_REFILL_S *PF_NS_PER_S };
static const struct pf_rate all = { PF_LOGIN_ALL_BURST, PF_LOGIN_ALL_S *PF_NS_PER_S };

struct entry {
	uint64_t id; /* 0 = free */
	uint8_t key[32];
	char csrf[PF_LOGIN_TOKEN_BYTES];
	uint64_t since_ns, used_ns;
};

struct pf_logins {
	char path[PF_PATH_BYTES + 32];
	pthread_mutex_t lock;
	/* Under lock. */
	struct entry entries[PF_LOGINS_MAX];
	struct pf_throttle addresses;
	uint64_t all_full_ns;
	uint64_t last_id, epoch;
	struct stat file; /* of the password; all 0 = none */
};

int pf_logins_create(struct pf_logins **out, const char *password_path)
{
	struct pf_logins *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	snprintf(l->path, sizeof(l->path), "%s", password_path);
	pthread_mutex_init(&l->lock, NULL);
	l->epoch = 1;
	*out = l;
	return 0;
}

void pf_logins_destroy(struct pf_logins *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	pf_secret_free(l, sizeof(*l));
}

const char *pf_logins_password_path(const struct pf_logins *l)
{
	return l->path;
}

/* Ends all log-ins when the password's file is another. Under lock. */
static void look_at_file(struct pf_logins *l)
{
	struct stat st;

	if (stat(l->path, &st))
		memset(&st, 0, sizeof(st));
	if (st.st_ino == l->file.st_ino && st.st_dev == l->file.st_dev &&
		st.st_size == l->file.st_size && st.st_mode == l->file.st_mode &&
		st.st_mtim.tv_sec == l->file.st_mtim.tv_sec &&
		st.st_mtim.tv_nsec == l->file.st_mtim.tv_nsec)
		return;
	l->file = st;
	l->epoch++;
	pf_secret_wipe(l->entries, sizeof(l->entries));
}

bool pf_logins_has_password(struct pf_logins *l)
{
	bool has;

	pthread_mutex_lock(&l->lock);
	look_at_file(l);
	has = l->file.st_ino != 0;
	pthread_mutex_unlock(&l->lock);
	return has;
}

uint64_t pf_logins_epoch(struct pf_logins *l)
{
	uint64_t epoch;

	pthread_mutex_lock(&l->lock);
	look_at_file(l);
	epoch = l->epoch;
	pthread_mutex_unlock(&l->lock);
	return epoch;
}

/* ---- log-ins ---- */

static bool is_over(const struct entry *e, uint64_t now_ns)
{
	return now_ns - e->since_ns >= PF_LOGIN_AGE_S * PF_NS_PER_S ||
	       now_ns - e->used_ns >= PF_LOGIN_IDLE_S * PF_NS_PER_S;
}

/* The place of a new one: a free one, else that of the one unused for longest. */
static struct entry *make_room(struct pf_logins *l, uint64_t now_ns)
{
	struct entry *best = &l->entries[0];

	for (size_t i = 0; i < PF_LOGINS_MAX; i++) {
		struct entry *e = &l->entries[i];

		if (!e->id || is_over(e, now_ns))
			return e;
		if (e->used_ns < best->used_ns)
			best = e;
	}
	return best;
}

static void key_of(uint8_t out[32], const char cookie[PF_LOGIN_TOKEN_BYTES])
{
	pf_sha256(cookie, PF_LOGIN_TOKEN_BYTES - 1, out);
}

int pf_logins_open(struct pf_logins *l, uint64_t epoch, uint64_t now_ns,
	char cookie[PF_LOGIN_TOKEN_BYTES], struct pf_login *out)
{
	uint8_t random[64];
	struct entry *e;
	int r = 0;

	if (pf_random_bytes(random, sizeof(random)))
		return -EIO;
	pf_access_format(random, cookie); /* 64 hex digits */
	pthread_mutex_lock(&l->lock);
	look_at_file(l);
	if (epoch != l->epoch) {
		r = -ESTALE;
	} else {
		e = make_room(l, now_ns);
		*e = (struct entry){ .id = ++l->last_id, .since_ns = now_ns, .used_ns = now_ns };
		key_of(e->key, cookie);
		pf_access_format(random + 32, e->csrf);
		out->id = e->id;
		memcpy(out->csrf, e->csrf, sizeof(out->csrf));
	}
	pthread_mutex_unlock(&l->lock);
	pf_secret_wipe(random, sizeof(random));
	return r;
}

/* Under lock. Compares with all, whichever it is. */
static struct entry *find_key(struct pf_logins *l, const uint8_t key[32])
{
	struct entry *found = NULL;

	for (size_t i = 0; i < PF_LOGINS_MAX; i++) {
		struct entry *e = &l->entries[i];
		bool equal = pf_secret_equal(e->key, key, sizeof(e->key));

		if (equal && e->id)
			found = e;
	}
	return found;
}

/* The next value of our cookie in *header, which moves on. */
static const char *next_cookie(const char **header, size_t *len)
{
	static const char name[] = PF_LOGIN_COOKIE "=";

	while (**header) {
		const char *s = *header + strspn(*header, "; ");
		size_t n = strcspn(s, ";");

		*header = s + n;
		if (n >= sizeof(name) - 1 && !strncmp(s, name, sizeof(name) - 1)) {
			*len = n - (sizeof(name) - 1);
			return s + sizeof(name) - 1;
		}
	}
	return NULL;
}

bool pf_logins_find(
	struct pf_logins *l, const char *cookie_header, uint64_t now_ns, struct pf_login *out)
{
	struct entry *e = NULL;
	const char *value;
	uint8_t key[32];
	size_t len;

	if (!cookie_header)
		return false;
	pthread_mutex_lock(&l->lock);
	look_at_file(l);
	/* More than one may come: other pages of this name may have set theirs. */
	while (!e && (value = next_cookie(&cookie_header, &len))) {
		if (len != PF_LOGIN_TOKEN_BYTES - 1)
			continue;
		key_of(key, value);
		e = find_key(l, key);
		if (e && is_over(e, now_ns)) {
			pf_secret_wipe(e, sizeof(*e));
			e = NULL;
		}
	}
	if (e) {
		e->used_ns = now_ns;
		out->id = e->id;
		memcpy(out->csrf, e->csrf, sizeof(out->csrf));
	}
	pthread_mutex_unlock(&l->lock);
	return e != NULL;
}

static struct entry *find_id(struct pf_logins *l, uint64_t id)
{
	for (size_t i = 0; i < PF_LOGINS_MAX; i++)
		if (l->entries[i].id == id)
			return &l->entries[i];
	return NULL;
}

bool pf_logins_lives(struct pf_logins *l, uint64_t id, uint64_t now_ns)
{
	struct entry *e;
	bool lives;

	if (!id)
		return false;
	pthread_mutex_lock(&l->lock);
	look_at_file(l);
	e = find_id(l, id);
	lives = e && !is_over(e, now_ns);
	pthread_mutex_unlock(&l->lock);
	return lives;
}

void pf_logins_close(struct pf_logins *l, uint64_t id)
{
	struct entry *e;

	if (!id)
		return;
	pthread_mutex_lock(&l->lock);
	e = find_id(l, id);
	if (e)
		pf_secret_wipe(e, sizeof(*e));
	pthread_mutex_unlock(&l->lock);
}

/* ---- tries ---- */

unsigned pf_logins_try(
	struct pf_logins *l, const char *address, bool from_loopback, uint64_t now_ns)
{
	uint64_t wait_ns, all_ns = 0, *full_ns;
	uint8_t key[16];

	pf_throttle_key_text(key, address);
	pthread_mutex_lock(&l->lock);
	full_ns = pf_throttle_bucket(&l->addresses, key);
	wait_ns = pf_bucket_wait(*full_ns, each, now_ns);
	/* A flood from outside does not keep this machine's user out. */
	if (!from_loopback)
		all_ns = pf_bucket_wait(l->all_full_ns, all, now_ns);
	if (all_ns > wait_ns)
		wait_ns = all_ns;
	if (!wait_ns) {
		*full_ns = pf_bucket_take(*full_ns, each, now_ns);
		if (!from_loopback)
			l->all_full_ns = pf_bucket_take(l->all_full_ns, all, now_ns);
	}
	pthread_mutex_unlock(&l->lock);
	return (unsigned)((wait_ns + PF_NS_PER_S - 1) / PF_NS_PER_S);
}

void pf_logins_forgive(struct pf_logins *l, const char *address)
{
	uint8_t key[16];

	pf_throttle_key_text(key, address);
	pthread_mutex_lock(&l->lock);
	*pf_throttle_bucket(&l->addresses, key) = 0;
	pthread_mutex_unlock(&l->lock);
}
