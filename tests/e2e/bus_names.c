/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Services that no test machine runs, on a private bus: logind, firewalld, the desktop
 * portal, Avahi's name. They answer what the doctor asks and no more.
 *
 * usage: bus_names BUS-ADDRESS WHAT...; WHAT: logind, logind-refuses, logind-suspends,
 * firewalld=PORT/PROTO,..., firewalld-denies, portal, avahi. Prints "ready" and serves until
 * ended. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

static const char *idle_action = "ignore", *open_ports = "";
static bool refuses, denies;

static int inhibit(sd_bus_message *m, void *user, sd_bus_error *error)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), r;

	if (refuses)
		return sd_bus_error_set(error, "org.freedesktop.DBus.Error.AccessDenied", "no");
	r = sd_bus_reply_method_return(m, "h", fd);
	close(fd);
	return r;
}

static int get_idle_action(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *user, sd_bus_error *error)
{
	return sd_bus_message_append(reply, "s", idle_action);
}

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *user, sd_bus_error *error)
{
	return sd_bus_message_append(reply, "u", 4);
}

static int default_zone(sd_bus_message *m, void *user, sd_bus_error *error)
{
	if (denies)
		return sd_bus_error_set(error, "org.freedesktop.DBus.Error.AccessDenied", "no");
	return sd_bus_reply_method_return(m, "s", "public");
}

static int query_port(sd_bus_message *m, void *user, sd_bus_error *error)
{
	const char *zone, *port, *protocol;
	char want[64];
	int r = sd_bus_message_read(m, "sss", &zone, &port, &protocol);

	if (r < 0)
		return r;
	snprintf(want, sizeof(want), "%s/%s,", port, protocol);
	return sd_bus_reply_method_return(m, "b", strstr(open_ports, want) != NULL);
}

static const sd_bus_vtable manager[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Inhibit", "ssss", "h", inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("IdleAction", "s", get_idle_action, 0, 0),
	SD_BUS_VTABLE_END,
};
static const sd_bus_vtable firewall[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("getDefaultZone", "", "s", default_zone, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};
static const sd_bus_vtable zone[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("queryPort", "sss", "b", query_port, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};
static const sd_bus_vtable screencast[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("version", "u", get_version, 0, 0),
	SD_BUS_VTABLE_END,
};

static int take(sd_bus *bus, const char *what)
{
	if (!strncmp(what, "logind", 6)) {
		refuses = !strcmp(what, "logind-refuses");
		if (!strcmp(what, "logind-suspends"))
			idle_action = "suspend";
		(void)sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/login1",
			"org.freedesktop.login1.Manager", manager, NULL);
		return sd_bus_request_name(bus, "org.freedesktop.login1", 0);
	}
	if (!strncmp(what, "firewalld", 9)) {
		denies = !strcmp(what, "firewalld-denies");
		open_ports = what[9] == '=' ? what + 10 : "";
		(void)sd_bus_add_object_vtable(bus, NULL, "/org/fedoraproject/FirewallD1",
			"org.fedoraproject.FirewallD1", firewall, NULL);
		(void)sd_bus_add_object_vtable(bus, NULL, "/org/fedoraproject/FirewallD1",
			"org.fedoraproject.FirewallD1.zone", zone, NULL);
		return sd_bus_request_name(bus, "org.fedoraproject.FirewallD1", 0);
	}
	if (!strcmp(what, "portal")) {
		(void)sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/portal/desktop",
			"org.freedesktop.portal.ScreenCast", screencast, NULL);
		return sd_bus_request_name(bus, "org.freedesktop.portal.Desktop", 0);
	}
	return sd_bus_request_name(bus, "org.freedesktop.Avahi", 0);
}

int main(int argc, char **argv)
{
	sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r < 0 || argc < 3 || sd_bus_set_address(bus, argv[1]) < 0 ||
		sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0)
		return 1;
	for (int i = 2; i < argc; i++)
		if (take(bus, argv[i]) < 0)
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;) {
		r = sd_bus_process(bus, NULL);
		if (r < 0)
			break;
		if (!r)
			(void)sd_bus_wait(bus, UINT64_MAX);
	}
	sd_bus_unref(bus);
	return 0;
}
