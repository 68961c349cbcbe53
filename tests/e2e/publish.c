/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Publishes what it is told until standard input ends, for tests/e2e/discovery.py.
 * usage: publish NAME TYPE PORT [KEY=VALUE...] */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "host/discovery/discovery.h"

int main(int argc, char **argv)
{
	struct pf_discovery_service s[2];
	struct pf_discovery *d = NULL;
	struct pf_reason why = { 0 };
	char name[PF_DISCOVERY_NAME_BYTES], c;

	if (argc < 4)
		return 2;
	pf_discovery_name(name, argv[1]);
	s[0] = (struct pf_discovery_service){ argv[2], (uint16_t)atoi(argv[3]), NULL };
	s[1] = (struct pf_discovery_service){ "_punktfunk._udp", 4242,
		(const char *const *)argv + 4 };
	if (pf_discovery_create(&d, name, s, 2, &why)) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	while (read(0, &c, 1) > 0)
		;
	pf_discovery_destroy(d);
	return 0;
}
