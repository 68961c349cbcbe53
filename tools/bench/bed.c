/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/bench/bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/udp.h"

/* Of linux/if_tun.h since 6.2. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* Several frames of small packets, each of which costs the kernel 2 KiB and more. */
#define RECEIVE_BYTES (64 << 20)

static int here(void)
{
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static bool run(const char *command)
{
	return system(command) == 0;
}

/* A device that takes what it is given and is never read: its queue fills, then
 * all is dropped. */
static int open_tun(const char *name, bool segments)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	unsigned offload = TUN_F_CSUM | (segments ? TUN_F_USO4 | TUN_F_USO6 : 0);
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd >= 0 && (ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETOFFLOAD, offload) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int say(char *why, unsigned cap, const char *what)
{
	snprintf(why, cap, "%s%s%s", what, errno ? ": " : "", errno ? strerror(errno) : "");
	return -1;
}

/* In the sender's namespace when it returns, successful or not. */
static int build(struct pf_bench_bed *bed, char *why, unsigned cap)
{
	char command[160];

	errno = 0;
	if (unshare(CLONE_NEWNET) || (bed->receiver = here()) < 0 || unshare(CLONE_NEWNET) ||
		(bed->sender = here()) < 0)
		return say(why, cap, "no network namespaces");
	if (!run("command -v ip >/dev/null"))
		return say(why, cap, "no ip command: install iproute2");
	snprintf(command, sizeof(command),
		"ip link add pfb0 type veth peer name pfb1 && ip link set pfb1 netns "
		"/proc/%d/fd/%d",
		getpid(), bed->receiver);
	if (!run(command))
		return say(why, cap, "no veth devices");
	if (!run("ip addr add 10.98.0.1/24 dev pfb0 && ip link set pfb0 up") ||
		setns(bed->receiver, CLONE_NEWNET) ||
		!run("ip addr add 10.98.0.2/24 dev pfb1 && ip link set pfb1 up") ||
		setns(bed->sender, CLONE_NEWNET))
		return say(why, cap, "cannot set up the veth pair");
	errno = 0;
	bed->tun[0] = open_tun("pfd0", true);
	bed->tun[1] = open_tun("pfd1", false);
	if (bed->tun[0] < 0 || bed->tun[1] < 0)
		return say(why, cap, "no tun device with segmentation (Linux 6.2)");
	if (!run("ip addr add 10.98.1.1/24 dev pfd0 && ip link set pfd0 up") ||
		!run("ip addr add 10.98.2.1/24 dev pfd1 && ip link set pfd1 up"))
		return say(why, cap, "cannot set up the tun devices");
	return 0;
}

/* True once something can be read; what it is does not matter. */
static bool came(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t buf[2048];

	return poll(&p, 1, 20) > 0 && read(fd, buf, sizeof(buf)) > 0;
}

/* A link that was just set up throws packets away for up to a second. */
static bool passes(struct pf_bench_bed *bed, enum pf_bench_way way)
{
	bool good = false;
	int tx, rx;

	if (pf_bench_bed_sockets(bed, way, &tx, &rx))
		return false;
	for (unsigned i = 0; i < 150 && !good; i++)
		good = send(tx, "", 1, MSG_NOSIGNAL) == 1 &&
		       came(rx >= 0 ? rx : bed->tun[way == PF_BENCH_DEVICE_SOFT]);
	close(tx);
	if (rx >= 0)
		close(rx);
	return good;
}

int pf_bench_bed_open(struct pf_bench_bed *bed, char *why, unsigned cap)
{
	int err;

	*bed = (struct pf_bench_bed){ here(), -1, -1, { -1, -1 } };
	if (bed->home < 0)
		return say(why, cap, "no network namespaces");
	err = build(bed, why, cap);
	if (setns(bed->home, CLONE_NEWNET))
		err = say(why, cap, "cannot come back from a namespace");
	errno = 0;
	for (int way = PF_BENCH_VETH; way <= PF_BENCH_DEVICE_SOFT && !err; way++)
		if (!passes(bed, (enum pf_bench_way)way))
			err = say(why, cap, "packets do not pass between the namespaces");
	if (err)
		pf_bench_bed_close(bed);
	return err;
}

void pf_bench_bed_close(struct pf_bench_bed *bed)
{
	int fds[] = { bed->home, bed->sender, bed->receiver, bed->tun[0], bed->tun[1] };

	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*bed = (struct pf_bench_bed){ -1, -1, -1, { -1, -1 } };
}

static int connect_to(int fd, const char *address, uint16_t port)
{
	struct sockaddr_storage peer = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&peer;

	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	inet_pton(AF_INET, address, &v4->sin_addr);
	return pf_udp_connect(fd, &peer);
}

int pf_bench_bed_sockets(struct pf_bench_bed *bed, enum pf_bench_way way, int *tx, int *rx)
{
	static const char *const sinks[] = { "10.98.0.2", "10.98.1.2", "10.98.2.2" };
	int err = 0, t = -1, r = -1;

	if (way == PF_BENCH_VETH) {
		if (setns(bed->receiver, CLONE_NEWNET))
			return -errno;
		err = pf_udp_open(NULL, 0, &r);
		if (!err && setsockopt(r, SOL_SOCKET, SO_RCVBUFFORCE, &(int){ RECEIVE_BYTES },
				    sizeof(int)))
			err = -errno;
	}
	if (!err && setns(bed->sender, CLONE_NEWNET))
		err = -errno;
	if (!err)
		err = pf_udp_open(NULL, 0, &t);
	if (!err)
		err = connect_to(t, sinks[way], r < 0 ? 9 : pf_udp_port(r));
	if (setns(bed->home, CLONE_NEWNET) && !err)
		err = -errno;
	if (err) {
		close(t);
		close(r);
		return err;
	}
	*tx = t;
	*rx = r;
	return 0;
}
