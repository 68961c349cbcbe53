/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/cmd/publish.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "core/base/log.h"
#include "host/discovery/facts.h"

#define TXT_MAX	  8    /* seven keys and the NULL */
#define TXT_BYTES 192u /* "mac=" and eight addresses, the longest, fit */

struct txt {
	char text[TXT_MAX][TXT_BYTES];
	const char *list[TXT_MAX];
	unsigned count;
};

static bool is_loopback(const char *address)
{
	return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

static void add(struct txt *t, const char *key, const char *value)
{
	if (!*value)
		return;
	snprintf(t->text[t->count], TXT_BYTES, "%s=%s", key, value);
	t->list[t->count] = t->text[t->count];
	t->count++;
}

/* punktfunk1.md 16. */
static void make_txt(struct txt *t, const struct pf_publish_params *p)
{
	char macs[PF_FACTS_MACS_BYTES], os[PF_FACTS_OS_BYTES], mgmt[8] = "";

	/* One that answers this machine only helps nobody. */
	if (p->mgmt_port && !is_loopback(p->config->mgmt_bind))
		snprintf(mgmt, sizeof(mgmt), "%u", p->mgmt_port);
	pf_facts_macs(macs, "/sys/class/net", "/proc/net/route");
	pf_facts_os(os, "/etc/os-release");
	add(t, "proto", "punktfunk/1");
	add(t, "fp", p->fingerprint);
	add(t, "pair", p->config->trust_on_first_use ? "optional" : "required");
	add(t, "id", p->id);
	add(t, "mgmt", mgmt);
	add(t, "mac", macs);
	add(t, "os", os);
}

void pf_publish(struct pf_discovery **out, const struct pf_publish_params *p)
{
	struct pf_discovery_service services[2];
	char name[PF_DISCOVERY_NAME_BYTES];
	struct pf_reason why = { 0 };
	struct txt txt = { 0 };
	unsigned count = 0;

	if (!p->config->discovery || is_loopback(p->config->bind_address))
		return;
	if (p->gamestream_port && p->config->gamestream_port)
		services[count++] =
			(struct pf_discovery_service){ "_nvstream._tcp", p->gamestream_port, NULL };
	if (p->native_port && p->config->port) {
		make_txt(&txt, p);
		services[count++] = (struct pf_discovery_service){ "_punktfunk._udp",
			p->native_port, txt.list };
	}
	if (!count)
		return;
	pf_discovery_name(name, p->hostname);
	if (pf_discovery_create(out, name, services, count, &why))
		pf_log(PF_LOG_INFO, "serve", "%s", why.text);
}
