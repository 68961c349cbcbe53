/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include "core/base/clock.h"
#include "host/doctor/check.h"

#define LIMIT_US 2000000
#define DBUS	 "org.freedesktop.DBus"

sd_bus *pf_bus(bool system, const char **why)
{
	const uint64_t deadline_us = pf_clock_mono_ns() / 1000 + LIMIT_US;
	sd_bus *bus = NULL;
	int r = system ? sd_bus_open_system(&bus) : sd_bus_open_user(&bus);

	if (r >= 0)
		r = sd_bus_set_method_call_timeout(bus, LIMIT_US);
	/* Opening begins the greeting only, which waits long for a bus that is mute. */
	while (r >= 0 && (r = sd_bus_is_ready(bus)) == 0) {
		uint64_t now_us = pf_clock_mono_ns() / 1000;

		r = now_us < deadline_us ? sd_bus_wait(bus, deadline_us - now_us) : -ETIMEDOUT;
		while (r >= 0 && (r = sd_bus_process(bus, NULL)) > 0)
			;
	}
	if (r > 0)
		return bus;
	*why = strerror(-r);
	sd_bus_close_unref(bus);
	return NULL;
}

bool pf_bus_has(sd_bus *bus, const char *name)
{
	sd_bus_message *m = NULL;
	int has = 0;

	if (sd_bus_call_method(bus, DBUS, "/org/freedesktop/DBus", DBUS, "NameHasOwner", NULL, &m,
		    "s", name) < 0)
		return false;
	(void)sd_bus_message_read(m, "b", &has);
	sd_bus_message_unref(m);
	return has;
}

bool pf_bus_starts(sd_bus *bus, const char *name)
{
	char **names = NULL;
	bool found = false;

	if (sd_bus_list_names(bus, NULL, &names) < 0)
		return false;
	for (char **n = names; n && *n; n++)
		found |= !strcmp(*n, name);
	return found;
}
