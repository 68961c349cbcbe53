/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/discovery/discovery.h"
#include <stdbool.h>
#include <string.h>

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-';
}

void pf_discovery_name(char out[PF_DISCOVERY_NAME_BYTES], const char *hostname)
{
	size_t len = 0;

	for (; *hostname && len < PF_DISCOVERY_NAME_BYTES - 1; hostname++) {
		char c = *hostname == ' ' ? '-' : *hostname;

		if (!plain(c))
			break;
		out[len++] = c;
	}
	out[len] = 0;
	if (!len)
		strcpy(out, "punktfunk");
}
