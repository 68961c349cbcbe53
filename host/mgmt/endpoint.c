/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/endpoint.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/base/log.h"
#include "core/crypto/secret.h"
#include "host/registry/access.h"
#include "host/registry/json_file.h"
#include "host/sys/files.h"

#define FILE_BYTES 4096
#define PATH_BYTES (PF_PATH_BYTES + 16)

static void path_of(char out[PATH_BYTES], const char *dir, const char *name)
{
	snprintf(out, PATH_BYTES, "%s/%s", dir, name);
}

int pf_mgmt_token_read(char out[PF_MGMT_TOKEN_BYTES], const char *dir, struct pf_reason *why)
{
	char path[PATH_BYTES];
	uint8_t *text;
	size_t len;
	int r;

	path_of(path, dir, "mgmt-token");
	r = pf_file_read(path, FILE_BYTES, &text, &len, why);
	if (r)
		return r;
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (len == PF_MGMT_TOKEN_BYTES - 1 &&
		strspn((char *)text, "0123456789abcdef") == PF_MGMT_TOKEN_BYTES - 1) {
		memcpy(out, text, len);
		out[len] = 0;
	} else {
		r = pf_reason_set(why, -EBADMSG,
			"%.150s holds no token; remove it and start the host again", path);
	}
	pf_secret_wipe(text, len);
	free(text);
	return r;
}

int pf_mgmt_token_open(char out[PF_MGMT_TOKEN_BYTES], const char *dir, struct pf_reason *why)
{
	char path[PATH_BYTES], text[PF_MGMT_TOKEN_BYTES + 1];
	uint8_t random[32];
	struct stat st;
	int r;

	path_of(path, dir, "mgmt-token");
	if (!stat(path, &st)) {
		if (st.st_uid == geteuid() && !(st.st_mode & 077) &&
			!pf_mgmt_token_read(out, dir, NULL))
			return 0;
		pf_log(PF_LOG_WARN, "mgmt", "%s was damaged or open to others and is made anew",
			path);
	}
	if (pf_random_bytes(random, sizeof(random)))
		return pf_reason_set(why, -EIO, "the system gives no random bytes");
	pf_access_format(random, text); /* 64 hex digits */
	memcpy(out, text, PF_MGMT_TOKEN_BYTES);
	memcpy(text + PF_MGMT_TOKEN_BYTES - 1, "\n", 2);
	r = pf_file_replace(path, 0600, text, PF_MGMT_TOKEN_BYTES, why);
	pf_secret_wipe(random, sizeof(random));
	pf_secret_wipe(text, sizeof(text));
	return r;
}

int pf_mgmt_endpoint_write(const char *dir, const struct pf_mgmt_endpoint *e, struct pf_reason *why)
{
	char path[PATH_BYTES], fp[65];
	char *text;
	json_t *o;
	int r;

	path_of(path, dir, "mgmt.json");
	pf_access_format(e->fingerprint, fp);
	o = json_pack("{s:s, s:s, s:i, s:s, s:I}", "address", e->address, "bind", e->bind, "port",
		(int)e->port, "fingerprint", fp, "pid", (json_int_t)e->pid);
	text = o ? pf_json_text(o) : NULL;
	json_decref(o);
	if (!text)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	r = pf_file_replace(path, 0600, text, strlen(text), why);
	free(text);
	return r;
}

int pf_mgmt_endpoint_read(struct pf_mgmt_endpoint *out, const char *dir, struct pf_reason *why)
{
	struct pf_mgmt_endpoint e = { 0 };
	char path[PATH_BYTES];
	const char *address = NULL, *bind = "", *fp = NULL;
	json_int_t port = 0, pid = 0;
	json_t *o = NULL;
	uint8_t *text;
	size_t len;
	int r;

	path_of(path, dir, "mgmt.json");
	r = pf_file_read(path, FILE_BYTES, &text, &len, why);
	if (r)
		return r;
	r = pf_json_parse(&o, (char *)text, len, NULL, NULL);
	if (r ||
		json_unpack(o, "{s:s, s?s, s:I, s:s, s:I}", "address", &address, "bind", &bind,
			"port", &port, "fingerprint", &fp, "pid", &pid) ||
		strlen(address) >= sizeof(e.address) || strlen(bind) >= sizeof(e.bind) ||
		port < 1 || port > 65535 || pf_access_fingerprint_parse(e.fingerprint, fp)) {
		r = pf_reason_set(why, -EBADMSG,
			"%.150s is damaged; start the host again to have it written anew", path);
	} else {
		strcpy(e.address, address);
		strcpy(e.bind, bind);
		e.port = (uint16_t)port;
		e.pid = pid;
		*out = e;
	}
	json_decref(o);
	free(text);
	return r;
}

void pf_mgmt_endpoint_remove(const char *dir)
{
	char path[PATH_BYTES];

	path_of(path, dir, "mgmt.json");
	(void)unlink(path);
}
