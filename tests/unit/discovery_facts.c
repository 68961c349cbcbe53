/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/discovery/facts.h"
#include "host/sys/files.h"
#include "host/sys/rundir.h"

static void put(const char *dir, const char *name, const char *text)
{
	char path[512], *slash;

	assert_true((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) < sizeof(path));
	slash = strrchr(path, '/');
	*slash = 0;
	assert_int_equal(pf_mkdirs(path, 0700), 0);
	*slash = '/';
	assert_int_equal(pf_file_replace(path, 0600, text, strlen(text), NULL), 0);
}

static void card(
	const char *dir, const char *name, const char *type, const char *mac, const char *wakeup)
{
	char path[128];

	snprintf(path, sizeof(path), "net/%s/type", name);
	put(dir, path, type);
	snprintf(path, sizeof(path), "net/%s/address", name);
	put(dir, path, mac);
	snprintf(path, sizeof(path), "net/%s/device/power/wakeup", name);
	if (wakeup)
		put(dir, path, wakeup);
}

static void cards_that_wake_the_routed_one_first(void **state)
{
	char *dir, net[512], routes[512], out[PF_FACTS_MACS_BYTES];

	assert_int_equal(pf_rundir_create("/tmp", "pf-test-", &dir, NULL), 0);
	snprintf(net, sizeof(net), "%s/net", dir);
	snprintf(routes, sizeof(routes), "%s/route", dir);
	pf_facts_macs(out, net, routes);
	assert_string_equal(out, "");

	card(dir, "enp3s0", "1\n", "aa:bb:cc:00:00:03\n", "enabled\n");
	card(dir, "enp2s0", "1\n", "aa:bb:cc:00:00:02\n", "enabled\n");
	card(dir, "wlan0", "1\n", "aa:bb:cc:00:00:04\n", "enabled\n");
	card(dir, "enp9s0", "1\n", "aa:bb:cc:00:00:09\n", "disabled\n");
	card(dir, "br0", "1\n", "aa:bb:cc:00:00:0a\n", NULL);
	card(dir, "lo", "772\n", "00:00:00:00:00:00\n", "enabled\n");
	card(dir, "odd0", "1\n", "none\n", "enabled\n");
	pf_facts_macs(out, net, routes);
	assert_string_equal(out, "aa:bb:cc:00:00:02,aa:bb:cc:00:00:03,aa:bb:cc:00:00:04");

	put(dir, "route",
		"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
		"wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
		"enp3s0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
		"enp2s0\t0001A8C0\t00000000\t0001\t0\t0\t50\t00FFFFFF\t0\t0\t0\n");
	pf_facts_macs(out, net, routes);
	assert_string_equal(out, "aa:bb:cc:00:00:03,aa:bb:cc:00:00:02,aa:bb:cc:00:00:04");

	for (unsigned i = 0; i < 20; i++) {
		char name[16], mac[24];

		snprintf(name, sizeof(name), "x%u", i);
		snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x\n", i);
		card(dir, name, "1\n", mac, "enabled\n");
	}
	pf_facts_macs(out, net, routes);
	assert_int_equal(strlen(out), 8 * 18 - 1);
	assert_int_equal(pf_rundir_remove(dir), 0);
	free(dir);
}

static void chain_of_the_system(void **state)
{
	static const char *const rows[][2] = {
		{ "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n", "linux/debian" },
		{ "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "linux/debian/ubuntu/linuxmint" },
		{ "ID_LIKE=fedora\nID='bazzite'\n", "linux/fedora/bazzite" },
		{ "ID=\"a/b\"\nID_LIKE=\"x,y arch\"\n", "linux/arch" },
		{ "ID=\n", "linux" },
		{ "nothing of use", "linux" },
	};
	char *dir, path[512], out[PF_FACTS_OS_BYTES];

	assert_int_equal(pf_rundir_create("/tmp", "pf-test-", &dir, NULL), 0);
	snprintf(path, sizeof(path), "%s/os-release", dir);
	pf_facts_os(out, path);
	assert_string_equal(out, "linux");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(dir, "os-release", rows[i][0]);
		pf_facts_os(out, path);
		assert_string_equal(out, rows[i][1]);
	}
	assert_int_equal(pf_rundir_remove(dir), 0);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cards_that_wake_the_routed_one_first),
		cmocka_unit_test(chain_of_the_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
