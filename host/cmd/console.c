/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <jansson.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "core/crypto/secret.h"
#include "host/cmd/api.h"
#include "host/mgmt/endpoint.h"
#include "host/mgmt/password.h"
#include "host/registry/access.h"
#include "host/sys/files.h"

static void add_url(json_t *urls, const char *address, uint16_t port)
{
	bool v6 = strchr(address, ':') != NULL;

	(void)json_array_append_new(urls,
		json_sprintf("https://%s%s%s:%u/", v6 ? "[" : "", address, v6 ? "]" : "", port));
}

/* Those that the network can reach, unless it listens on one alone. */
static void add_addresses(json_t *urls, const struct pf_mgmt_endpoint *e)
{
	bool any6 = !strcmp(e->bind, "::"), any = any6 || !strcmp(e->bind, "0.0.0.0");
	struct ifaddrs *list = NULL;
	char text[64];

	if (!any) {
		if (strcmp(e->bind, "127.0.0.1") && strcmp(e->bind, "::1") && *e->bind)
			add_url(urls, e->bind, e->port);
		return;
	}
	if (getifaddrs(&list))
		return;
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
		bool v6 = family == AF_INET6;

		if ((family != AF_INET && !(v6 && any6)) || i->ifa_flags & IFF_LOOPBACK)
			continue;
		/* What names an interface no browser takes. */
		if (v6 && IN6_IS_ADDR_LINKLOCAL(&((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr))
			continue;
		if (!getnameinfo(i->ifa_addr,
			    v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in), text,
			    sizeof(text), NULL, 0, NI_NUMERICHOST))
			add_url(urls, text, e->port);
	}
	freeifaddrs(list);
}

static json_t *urls_of(const struct pf_mgmt_endpoint *e)
{
	json_t *urls = json_array();

	if (!urls)
		return NULL;
	if (!strcmp(e->address, "127.0.0.1") || !strcmp(e->address, "::1"))
		(void)json_array_append_new(urls, json_sprintf("https://localhost:%u/", e->port));
	add_addresses(urls, e);
	return urls;
}

static void show(const json_t *urls, const struct pf_mgmt_endpoint *e, const char *password)
{
	char fp[65];
	size_t i;
	json_t *url;

	json_array_foreach(urls, i, url) printf("%s\n", json_string_value(url));
	if (*password)
		printf("password: %s\nIt is shown this once.\n", password);
	else
		printf("The password is set; punktfunk-host console --new-password makes another, "
		       "which logs everybody out.\n");
	if (!json_array_size(urls)) {
		printf("No host with a management API runs now; start one: punktfunk-host serve\n");
		return;
	}
	pf_access_format(e->fingerprint, fp);
	printf("The certificate is the host's own, so browsers warn of it. Its SHA-256: %s\n", fp);
}

static int show_json(json_t *urls, const struct pf_mgmt_endpoint *e, const char *password)
{
	json_t *o = json_pack("{s:O, s:o}", "urls", urls, "password",
		*password ? json_string(password) : json_null());
	char fp[65];

	pf_access_format(e->fingerprint, fp);
	if (!o ||
		(json_array_size(urls) && json_object_set_new(o, "fingerprint", json_string(fp)))) {
		json_decref(o);
		pf_complain("out of memory");
		return PF_EXIT_FAILURE;
	}
	json_dumpf(o, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(o);
	return PF_EXIT_OK;
}

/* Makes a password where none is or a new one is asked for. */
static int make_password(
	const char *dir, bool new, char out[PF_MGMT_PASSWORD_NEW_BYTES], struct pf_reason *why)
{
	char path[PF_PATH_BYTES + 32];

	*out = 0;
	snprintf(path, sizeof(path), "%s/" PF_MGMT_PASSWORD_FILE, dir);
	if (!new && !access(path, F_OK))
		return 0;
	if (pf_mgmt_password_make(out))
		return pf_reason_set(why, -EIO, "the system has no random bytes");
	return pf_mgmt_password_set(path, out, strlen(out), why);
}

int pf_cmd_console(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *new = NULL, *json = NULL;
	const struct pf_option extra[] = {
		{ "--new-password", NULL,
			"Make a new password and print it; all browsers are logged out.", &new },
		{ "--json", NULL, "Print a JSON object.", &json },
		{ 0 },
	};
	char dir[PF_PATH_BYTES], password[PF_MGMT_PASSWORD_NEW_BYTES] = "";
	struct pf_options o = { .extra = extra };
	struct pf_mgmt_endpoint e = { 0 };
	struct pf_reason why = { 0 };
	json_t *urls = NULL;
	int r = PF_EXIT_OK;

	if (!pf_api_begin(&o, cmd, "[--new-password] [--json]", argc, argv, &r))
		goto out;
	if (pf_dir_make(PF_DIR_STATE, dir, sizeof(dir), &why) ||
		make_password(dir, new != NULL, password, &why)) {
		pf_complain("%s", why.text);
		r = PF_EXIT_STATE;
		goto out;
	}
	urls = pf_mgmt_endpoint_read(&e, dir, NULL) ? json_array() : urls_of(&e);
	if (!urls) {
		pf_complain("out of memory");
		r = PF_EXIT_FAILURE;
	} else if (json) {
		r = show_json(urls, &e, password);
	} else {
		show(urls, &e, password);
	}
out:
	json_decref(urls);
	pf_secret_wipe(password, sizeof(password));
	pf_options_finish(&o);
	return r;
}
