/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/password.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "$argon2id$"

_Static_assert(PF_PASSWORD_HASH_BYTES >= crypto_pwhash_STRBYTES, "the hash fits");

int pf_password_hash(char out[PF_PASSWORD_HASH_BYTES], const char *password, size_t len)
{
	if (sodium_init() < 0 ||
		crypto_pwhash_str_alg(out, password, len, crypto_pwhash_OPSLIMIT_INTERACTIVE,
			crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13))
		return -ENOMEM;
	return 0;
}

/* What a hash asks for is no more than ours does: its file cannot make the check costly. */
static int is_ours(const char *hash)
{
	unsigned long long memory_kib = 0, passes = 0;
	unsigned lanes = 0;

	return strlen(hash) < crypto_pwhash_STRBYTES && !strncmp(hash, PREFIX, strlen(PREFIX)) &&
	       sscanf(hash, "$argon2id$v=19$m=%9llu,t=%9llu,p=%3u$", &memory_kib, &passes,
		       &lanes) == 3 &&
	       memory_kib <= crypto_pwhash_MEMLIMIT_INTERACTIVE / 1024 &&
	       passes <= crypto_pwhash_OPSLIMIT_INTERACTIVE && lanes == 1;
}

int pf_password_verify(const char *hash, const char *password, size_t len)
{
	if (sodium_init() < 0 || !is_ours(hash))
		return -EBADMSG;
	return crypto_pwhash_str_verify(hash, password, len) ? -EACCES : 0;
}
