/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/password.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/base/utf8.h"
#include "core/crypto/password.h"
#include "core/crypto/secret.h"
#include "host/sys/files.h"

#define GROUPS	    4
#define GROUP_CHARS 5
#define FILE_BYTES  256
#define MEND	    "punktfunk-host console --new-password"

_Static_assert(GROUPS *(GROUP_CHARS + 1) == PF_MGMT_PASSWORD_NEW_BYTES, "a made one fits");

int pf_mgmt_password_make(char out[PF_MGMT_PASSWORD_NEW_BYTES])
{
	static const char digits[] = "23456789abcdefghijkmnpqrstuvwxyz";
	uint8_t random[GROUPS * GROUP_CHARS];
	char *p = out;

	_Static_assert(sizeof(digits) == 33, "five bits each");
	if (pf_random_bytes(random, sizeof(random)))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++) {
		if (i && i % GROUP_CHARS == 0)
			*p++ = '-';
		*p++ = digits[random[i] & 31];
	}
	*p = 0;
	pf_secret_wipe(random, sizeof(random));
	return 0;
}

bool pf_mgmt_password_fits(const char *password, size_t len, struct pf_reason *why)
{
	if (len >= PF_MGMT_PASSWORD_MIN && len <= PF_MGMT_PASSWORD_MAX &&
		pf_utf8_valid(password, len))
		return true;
	(void)pf_reason_set(why, -EINVAL, "a password has %d to %d bytes", PF_MGMT_PASSWORD_MIN,
		PF_MGMT_PASSWORD_MAX);
	return false;
}

int pf_mgmt_password_set(const char *path, const char *password, size_t len, struct pf_reason *why)
{
	char text[PF_PASSWORD_HASH_BYTES + 1];

	if (pf_password_hash(text, password, len))
		return pf_reason_set(why, -ENOMEM, "no memory for the hash of the password");
	strcat(text, "\n");
	return pf_file_replace(path, 0600, text, strlen(text), why);
}

int pf_mgmt_password_check(
	const char *path, const char *password, size_t len, struct pf_reason *why)
{
	struct stat st;
	uint8_t *text;
	size_t n;
	int r;

	if (stat(path, &st))
		return errno == ENOENT
			       ? pf_reason_set(why, -ENOENT,
					 "no password is set; set one: punktfunk-host "
					 "console")
			       : pf_reason_set(why, -errno, "%.150s: %s", path, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return pf_reason_set(why, -EPERM,
			"%.120s is open to others than the host's user; make a new one: " MEND,
			path);
	r = pf_file_read(path, FILE_BYTES, &text, &n, why);
	if (r)
		return r;
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = 0;
	r = pf_password_verify((char *)text, password, len);
	free(text);
	if (r == -EBADMSG)
		return pf_reason_set(why, r, "%.120s is damaged; make a new one: " MEND, path);
	return r ? pf_reason_set(why, r, "the password is wrong") : 0;
}
