/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>
#include "core/net/udp.h"
#include "host/doctor/check.h"
#include "host/doctor/firewall.h"
#include "host/doctor/holders.h"
#include "host/sys/spawn.h"
#include "pf_config.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define AVAHI	  "org.freedesktop.Avahi"
#define LOW_BYTES (1 << 20) /* a large key frame fits */

/* ---- ports ---- */

static int make_address(
	const char *text, uint16_t port, struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*len = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return -EINVAL;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	*len = sizeof(*v6);
	return 0;
}

/* Takes the port as the host would, for a moment. */
static int try_port(const char *address, bool tcp, uint16_t port)
{
	struct sockaddr_storage a;
	socklen_t len;
	int r = make_address(address, port, &a, &len), s;

	if (r)
		return r;
	s = socket(a.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	if (tcp)
		(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	r = bind(s, (struct sockaddr *)&a, len) ? -errno : 0;
	close(s);
	return r;
}

/* All ports that one setting stands for. */
struct port {
	const char *id, *title, *key;
	const char *address;
	uint16_t base; /* what the setting says */
	uint16_t ports[8];
	bool tcp[8];
	unsigned count;
};

static bool is_host(const struct pf_exam *x, const struct pf_holder *h)
{
	int64_t pid = pf_exam_params(x)->host_pid;

	if (!h->pid)
		return pid && h->uid == geteuid();
	return (pid && h->pid == pid) ||
	       (h->uid == geteuid() && !strcmp(h->name, "punktfunk-host"));
}

static const char *user_name(uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	return pw ? pf_text("%s", pw->pw_name) : pf_text("%u", (unsigned)uid);
}

/* A base for which every port is free. */
static unsigned free_base(const struct port *p)
{
	for (unsigned base = p->base + 20u; base < p->base + 2000u && base < 65500; base += 20) {
		bool all = true;

		for (unsigned i = 0; i < p->count && all; i++)
			all = !try_port(
				p->address, p->tcp[i], (uint16_t)(p->ports[i] - p->base + base));
		if (all)
			return base;
	}
	return 0;
}

static void say_port(struct pf_exam *x, const struct port *p)
{
	const char *taken = "", *own = "", *words = "";
	int refused = 0;
	bool sunshine = false;

	for (unsigned i = 0; i < p->count; i++) {
		const char *name = pf_text("%s %u", p->tcp[i] ? "TCP" : "UDP", p->ports[i]);
		int r = try_port(p->address, p->tcp[i], p->ports[i]);
		struct pf_holder h = { 0 };

		words = pf_text("%s%s%s", words, *words ? ", " : "", name);
		if (!r || r == -EADDRNOTAVAIL || r == -EINVAL || r == -EAFNOSUPPORT)
			continue; /* the address is another check's */
		if (r != -EADDRINUSE) {
			refused = r;
		} else if (!pf_port_holder(&h, p->tcp[i], p->ports[i], pf_exam_params(x)->facts)) {
			taken = pf_text("%s%s%s by nobody who can be seen", taken,
				*taken ? ", " : "", name);
		} else if (is_host(x, &h)) {
			own = pf_text(
				"%u", (unsigned)(h.pid ? h.pid : pf_exam_params(x)->host_pid));
		} else {
			sunshine |= !strncmp(h.name, "sunshine", 8);
			taken = pf_text("%s%s%s by %s", taken, *taken ? ", " : "", name,
				h.pid ? pf_text("%s (process %d, user %s)", h.name, (int)h.pid,
						user_name(h.uid))
				      : pf_text("a process of user %s", user_name(h.uid)));
		}
	}
	if (*taken)
		pf_say_of(x, p->id, p->title, PF_DOCTOR_FAIL, pf_text("taken: %s", taken),
			sunshine ? "Sunshine serves the same clients: end it, or take other ports."
				 : "End that program, or take another port.",
			pf_set_command(x, p->key, pf_text("%u", free_base(p))));
	else if (refused == -EACCES)
		pf_say_of(x, p->id, p->title, PF_DOCTOR_FAIL,
			pf_text("%s: ports this low are the system's (%s)", words,
				strerror(-refused)),
			"Take a port above 1023, or let users open it.",
			pf_text("sudo sysctl net.ipv4.ip_unprivileged_port_start=%u", p->ports[0]));
	else if (refused)
		pf_say_of(x, p->id, p->title, PF_DOCTOR_FAIL,
			pf_text("%s: %s", words, strerror(-refused)), NULL, NULL);
	else if (*own)
		pf_say_of(x, p->id, p->title, PF_DOCTOR_OK,
			pf_text("%s: the running host (process %s) has it", words, own), NULL,
			NULL);
	else
		pf_say_of(x, p->id, p->title, PF_DOCTOR_OK, pf_text("%s: free", words), NULL, NULL);
}

static void add_port(struct port *p, bool tcp, uint32_t port)
{
	p->ports[p->count] = (uint16_t)port;
	p->tcp[p->count++] = tcp;
}

static void check_ports(struct pf_exam *x, const char *arg)
{
	const struct pf_config *c = pf_exam_config(x);
	struct port native = { "port", "Port of punktfunk clients", "port", c->bind_address,
		(uint16_t)c->port, { 0 }, { 0 }, 0 };
	struct port data = { "data_port", "Port of the video", "data_port", c->bind_address,
		(uint16_t)c->data_port, { 0 }, { 0 }, 0 };
	struct port mgmt = { "mgmt_port", "Port of console and command line", "mgmt_port",
		c->mgmt_bind, (uint16_t)c->mgmt_port, { 0 }, { 0 }, 0 };
	struct port moonlight = { "gamestream_port", "Ports of Moonlight clients",
		"gamestream_port", c->bind_address, (uint16_t)c->gamestream_port, { 0 }, { 0 }, 0 };

	if (c->port) {
		add_port(&native, false, c->port);
		say_port(x, &native);
	}
	if (c->data_port) {
		add_port(&data, false, c->data_port);
		say_port(x, &data);
	}
	if (c->mgmt && c->mgmt_port) {
		add_port(&mgmt, true, c->mgmt_port);
		say_port(x, &mgmt);
	}
	if (c->gamestream && c->gamestream_port) {
		/* As gamestream.md 1.1 has them. */
		if (c->gamestream_port > 5)
			add_port(&moonlight, true, c->gamestream_port - 5);
		add_port(&moonlight, true, c->gamestream_port);
		add_port(&moonlight, true, c->gamestream_port + 21);
		for (unsigned i = 9; i <= 11; i++)
			add_port(&moonlight, false, c->gamestream_port + i);
		say_port(x, &moonlight);
	}
	if (!c->port && !c->data_port && !(c->mgmt && c->mgmt_port) &&
		!(c->gamestream && c->gamestream_port))
		pf_say(x, PF_DOCTOR_SKIP, "the settings name no port: any free one is taken", NULL,
			NULL);
}

/* ---- addresses ---- */

static void say_bind(struct pf_exam *x, const char *id, const char *title, const char *key,
	const char *address, const char *otherwise, bool tcp)
{
	int r = try_port(address, tcp, 0);

	if (r == -EINVAL)
		pf_say_of(x, id, title, PF_DOCTOR_FAIL,
			pf_text("%s is \"%s\", which is no IPv4 or IPv6 address", key, address),
			"Give a numeric address.", pf_set_command(x, key, otherwise));
	else if (r)
		pf_say_of(x, id, title, PF_DOCTOR_FAIL,
			pf_text("%s is %s, which this machine does not have (%s)", key, address,
				strerror(-r)),
			"Addresses change, with DHCP at each start: listen on all of them.",
			pf_set_command(x, key, otherwise));
	else if (!tcp && pf_is_loopback(address))
		pf_say_of(x, id, title, PF_DOCTOR_WARN,
			pf_text("%s is %s: only clients on this machine reach it", key, address),
			"Listen on all addresses.", pf_set_command(x, key, otherwise));
	else
		pf_say_of(
			x, id, title, PF_DOCTOR_OK, pf_text("%s is %s", key, address), NULL, NULL);
}

static void check_bind(struct pf_exam *x, const char *arg)
{
	const struct pf_config *c = pf_exam_config(x);
	struct in_addr v4;

	say_bind(x, "bind", "Address for clients", "bind_address", c->bind_address, "0.0.0.0",
		false);
	if (c->mgmt)
		say_bind(x, "mgmt_bind", "Address of the console", "mgmt_bind", c->mgmt_bind,
			"127.0.0.1", true);
	if (c->gamestream && inet_pton(AF_INET, c->bind_address, &v4) != 1)
		pf_say_of(x, "bind_gamestream", "Address for Moonlight clients", PF_DOCTOR_FAIL,
			pf_text("GameStream needs an IPv4 address, but bind_address is %s",
				c->bind_address),
			"Listen on all IPv4 addresses.",
			pf_set_command(x, "bind_address", "0.0.0.0"));
}

static void check_interfaces(struct pf_exam *x, const char *arg)
{
	const char *with = "", *down = NULL, *bare = NULL;
	struct ifaddrs *list = NULL;

	if (pf_is_loopback(pf_exam_config(x)->bind_address)) {
		pf_say(x, PF_DOCTOR_SKIP, "the host serves this machine alone", NULL, NULL);
		return;
	}
	(void)getifaddrs(&list);
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		char address[64] = "";

		if (i->ifa_flags & IFF_LOOPBACK)
			continue;
		if (!(i->ifa_flags & IFF_UP)) {
			down = i->ifa_name;
		} else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET) {
			inet_ntop(AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, address,
				sizeof(address));
			with = pf_text("%s%s%s %s", with, *with ? ", " : "", i->ifa_name, address);
		} else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6) {
			const struct in6_addr *v6 =
				&((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr;

			if (IN6_IS_ADDR_LINKLOCAL(v6))
				continue;
			inet_ntop(AF_INET6, v6, address, sizeof(address));
			with = pf_text("%s%s%s %s", with, *with ? ", " : "", i->ifa_name, address);
		} else {
			bare = i->ifa_name;
		}
	}
	if (*with)
		pf_say(x, PF_DOCTOR_OK, with, NULL, NULL);
	else if (bare)
		pf_say(x, PF_DOCTOR_FAIL, pf_text("%s is up, but has no address", bare),
			"Ask the network for one.",
			pf_program_exists("nmcli")
				? pf_text("nmcli device connect %s", pf_quote(bare))
				: pf_text("sudo dhclient %s", pf_quote(bare)));
	else if (down)
		pf_say(x, PF_DOCTOR_FAIL, pf_text("no network: %s is switched off", down),
			"Switch it on.", pf_text("sudo ip link set %s up", pf_quote(down)));
	else
		pf_say(x, PF_DOCTOR_FAIL, "no network: this machine has none but its loopback",
			"A driver, firmware or cable is missing, or a container was given no "
			"network.",
			NULL);
}

/* ---- what the kernel grants ---- */

static int granted(int fd, int name)
{
	int v = 0;
	socklen_t len = sizeof(v);

	(void)getsockopt(fd, SOL_SOCKET, name, &v, &len);
	return v / 2; /* the kernel doubles it */
}

static void check_buffers(struct pf_exam *x, const char *arg)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), tx, rx;

	if (fd < 0) {
		pf_say(x, PF_DOCTOR_FAIL, pf_text("no UDP socket: %s", strerror(errno)), NULL,
			NULL);
		return;
	}
	pf_udp_grow_buffers(fd);
	tx = granted(fd, SO_SNDBUF);
	rx = granted(fd, SO_RCVBUF);
	close(fd);
	if (tx < LOW_BYTES || rx < LOW_BYTES)
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("the system limits the buffers of a socket to %d KiB for sending "
				"and %d KiB for receiving: bursts of large pictures wait or are "
				"lost",
				tx >> 10, rx >> 10),
			"Raise both limits to 8 MiB.",
			"printf 'net.core.wmem_max=8388608\\nnet.core.rmem_max=8388608\\n' | sudo "
			"tee /etc/sysctl.d/60-punktfunk.conf && sudo sysctl -p "
			"/etc/sysctl.d/60-punktfunk.conf");
	else
		pf_say(x, PF_DOCTOR_OK,
			pf_text("%d KiB for sending, %d KiB for receiving", tx >> 10, rx >> 10),
			NULL, NULL);
}

static bool loopback_is_up(void)
{
	struct ifaddrs *list = NULL;
	bool up = false;

	(void)getifaddrs(&list);
	for (struct ifaddrs *i = list; i; i = i->ifa_next)
		up |= (i->ifa_flags & (IFF_LOOPBACK | IFF_UP)) == (IFF_LOOPBACK | IFF_UP);
	freeifaddrs(list);
	return up;
}

/* Three packets in one call, and all three arrive. */
static int try_gso(void)
{
	int tx = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rx = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = 0;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(to);
	static char packets[3 * 1200];

	if (tx < 0 || rx < 0 || bind(rx, (struct sockaddr *)&to, len) ||
		getsockname(rx, (struct sockaddr *)&to, &len) ||
		setsockopt(tx, IPPROTO_UDP, UDP_SEGMENT, &(int){ 1200 }, sizeof(int)) ||
		sendto(tx, packets, sizeof(packets), 0, (struct sockaddr *)&to, len) < 0)
		r = -errno;
	for (unsigned i = 0; i < 3 && !r; i++) {
		struct pollfd p = { .fd = rx, .events = POLLIN };

		if (poll(&p, 1, 1000) != 1 || recv(rx, packets, sizeof(packets), 0) != 1200)
			r = -EIO;
	}
	if (tx >= 0)
		close(tx);
	if (rx >= 0)
		close(rx);
	return r;
}

static void check_gso(struct pf_exam *x, const char *arg)
{
	int r = loopback_is_up() ? try_gso() : -ENETDOWN;

	if (r == -ENETDOWN)
		pf_say(x, PF_DOCTOR_FAIL,
			"the loopback is switched off: console and command line reach no host",
			"Switch it on.", "sudo ip link set lo up");
	else if (r)
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("the kernel does not send several packets in one call "
				"(UDP_SEGMENT: "
				"%s): high bit rates cost more processor time",
				strerror(-r)),
			"Linux 4.18 and newer can; some sandboxes forbid it.",
			"sudo apt-get install linux-image-amd64");
	else
		pf_say(x, PF_DOCTOR_OK, "many packets leave in one call (UDP_SEGMENT)", NULL, NULL);
}

/* ---- mDNS ---- */

static const char *start_command(const char *service)
{
	return pf_exists("/run/systemd/system") ? pf_text("sudo systemctl enable --now %s", service)
						: pf_text("sudo service %s start", service);
}

static void check_mdns(struct pf_exam *x, const char *arg)
{
	static const char lost[] =
		"Clients do not find this host by themselves: their users type its "
		"address.";
	const char *why = "";
	sd_bus *bus;

	if (!pf_exam_config(x)->discovery) {
		pf_say(x, PF_DOCTOR_SKIP, "the setting discovery is off", NULL, NULL);
		return;
	}
#ifndef PF_HAVE_AVAHI
	pf_say(x, PF_DOCTOR_WARN, "this build has no mDNS", lost,
		"sudo apt-get install libavahi-client-dev");
	return;
#endif
	if (!pf_exists("/usr/sbin/avahi-daemon") && !pf_program_exists("avahi-daemon")) {
		pf_say(x, PF_DOCTOR_WARN, "no mDNS: avahi-daemon is not installed", lost,
			"sudo apt-get install avahi-daemon");
		return;
	}
	bus = pf_bus(true, &why);
	if (!bus)
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("no mDNS: the system's D-Bus does not answer (%s), by which "
				"avahi-daemon is asked",
				why),
			lost,
			pf_program_exists("dbus-daemon") ? start_command("dbus")
							 : "sudo apt-get install dbus");
	else if (!pf_bus_has(bus, AVAHI))
		pf_say(x, PF_DOCTOR_WARN, "no mDNS: avahi-daemon is installed, but does not run",
			lost, start_command("avahi-daemon"));
	else
		pf_say(x, PF_DOCTOR_OK, "avahi-daemon runs", NULL, NULL);
}

const struct pf_check pf_checks_network[] = {
	{ "interfaces", "Network interfaces", check_interfaces, .limit_ms = 5000 },
	{ "bind", "Address for clients", check_bind, .limit_ms = 5000 },
	{ "port", "Ports", check_ports, .limit_ms = 15000 },
	{ "firewall", "Firewall", pf_check_firewall, .limit_ms = 15000 },
	{ "mdns", "Being found (mDNS)", check_mdns, .limit_ms = 4000,
		.hang_cause = "no mDNS: the system's D-Bus does not answer",
		.hang_command = "sudo systemctl restart avahi-daemon" },
	{ "buffers", "Socket buffers", check_buffers, .limit_ms = 5000 },
	{ "gso", "Packets in one call (GSO)", check_gso, .limit_ms = 8000 },
	{ 0 },
};
