/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Trains over paths that do not take them, in a network of our own: a small MTU, a device
 * that can do nothing for us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/net/udp.h"
#include "tests/unit/udp_pair.h"

#define TRAIN 32u

static uint8_t buf[TRAIN * 1472];

static void set_address(int fd, struct ifreq *r, unsigned long what, const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	assert_int_equal(inet_pton(AF_INET, text, &a.sin_addr), 1);
	memcpy(&r->ifr_addr, &a, sizeof(a));
	assert_int_equal(ioctl(fd, what, r), 0);
}

/* `address` NULL: it has one. */
static void bring_up(const char *name, int mtu, const char *address)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };

	assert_true(fd >= 0);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (address) {
		set_address(fd, &r, SIOCSIFADDR, address);
		set_address(fd, &r, SIOCSIFNETMASK, "255.255.255.0");
	}
	r.ifr_mtu = mtu;
	assert_int_equal(ioctl(fd, SIOCSIFMTU, &r), 0);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &r), 0);
	r.ifr_flags |= IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
	close(fd);
}

/* How many packets of `bytes` wait there, each as it was sent. */
static unsigned take(int fd, size_t bytes)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t one[2048];
	unsigned n = 0;

	while (poll(&p, 1, n < TRAIN ? 500 : 0) == 1) {
		assert_int_equal(recv(fd, one, sizeof(one), 0), bytes);
		assert_true(n < TRAIN);
		assert_memory_equal(one, buf + n++ * bytes, bytes);
	}
	return n;
}

/* The kernel refuses a train of packets that it would have to cut, and only that. */
static void packets_above_the_mtu_go_one_by_one(void **state)
{
	struct pf_udp_tx tx;
	uint64_t calls;
	int fd[2];

	bring_up("lo", 1300, NULL);
	udp_pair(fd);
	pf_udp_tx_init(&tx, fd[0]);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pf_udp_send_train(&tx, buf, 1472, 1472, TRAIN), TRAIN);
		assert_int_equal(take(fd[1], 1472), TRAIN);
		assert_false(tx.no_gso);
		assert_int_equal(tx.gso_refuse, 1300 - 28 + 1);
	}
	/* one that was refused, and none any more */
	assert_int_equal(tx.calls, 3);
	/* Smaller shards (punktfunk1.md 13) get their trains. */
	calls = tx.calls;
	assert_int_equal(pf_udp_send_train(&tx, buf, 1272, 1272, TRAIN), TRAIN);
	assert_int_equal(take(fd[1], 1272), TRAIN);
	assert_int_equal(tx.calls, calls + 1);
	close(fd[0]);
	close(fd[1]);
}

/* Nor may the kernel cut them here: these are lost and counted, the smaller ones go on. */
static void packets_that_must_not_be_cut_are_lost(void **state)
{
	struct pf_udp_tx tx;
	int fd[2];

	bring_up("lo", 1300, NULL);
	udp_pair(fd);
	assert_int_equal(setsockopt(fd[0], IPPROTO_IP, IP_MTU_DISCOVER, &(int){ IP_PMTUDISC_DO },
				 sizeof(int)),
		0);
	pf_udp_tx_init(&tx, fd[0]);
	assert_int_equal(pf_udp_send_train(&tx, buf, 1472, 1472, TRAIN), 0);
	assert_false(tx.no_gso);
	assert_int_equal(pf_udp_send_train(&tx, buf, 1200, 1200, TRAIN), TRAIN);
	assert_int_equal(take(fd[1], 1200), TRAIN);
	close(fd[0]);
	close(fd[1]);
}

/* SO_NO_CHECK, tunnels of IPsec, kernels before 6.11 on devices without checksums: EIO, and
 * from then on plain messages, cut where they were. */
static void a_refusal_is_remembered(void **state)
{
	struct pf_udp_tx tx;
	uint64_t calls;
	int fd[2];

	bring_up("lo", 65536, NULL);
	udp_pair(fd);
	assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_NO_CHECK, &(int){ 1 }, sizeof(int)), 0);
	pf_udp_tx_init(&tx, fd[0]);
	assert_int_equal(pf_udp_send_train(&tx, buf, 1472, 1472, TRAIN), TRAIN);
	assert_int_equal(take(fd[1], 1472), TRAIN);
	assert_true(tx.no_gso);
	assert_int_equal(tx.gso_refuse, 0);
	calls = tx.calls;
	assert_int_equal(calls, 2);
	assert_int_equal(pf_udp_send_train(&tx, buf, 1472, 1472, TRAIN), TRAIN);
	assert_int_equal(take(fd[1], 1472), TRAIN);
	assert_int_equal(tx.calls, calls + 1);
	close(fd[0]);
	close(fd[1]);
}

/* A device without checksums, segmentation or anything: packets leave it whole and right,
 * cut by the kernel or by us. */
static void a_plain_device_sees_plain_packets(void **state)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	struct sockaddr_storage peer = { 0 };
	struct sockaddr_in *to = (struct sockaddr_in *)&peer;
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), fd;
	struct pf_udp_tx tx;
	unsigned n = 0;

	if (tun < 0 || ioctl(tun, TUNSETIFF, &r)) {
		print_message("# no tun device here: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(ioctl(tun, TUNSETOFFLOAD, 0ul), 0);
	bring_up(r.ifr_name, 1500, "10.93.0.1");
	assert_int_equal(pf_udp_open("10.93.0.1", 0, &fd), 0);
	to->sin_family = AF_INET;
	to->sin_port = htons(9);
	assert_int_equal(inet_pton(AF_INET, "10.93.0.2", &to->sin_addr), 1);
	assert_int_equal(pf_udp_connect(fd, &peer), 0);
	pf_udp_tx_init(&tx, fd);
	assert_int_equal(pf_udp_send_train(&tx, buf, 1472, 1472, TRAIN), TRAIN);
	while (n < TRAIN) {
		struct pollfd p = { .fd = tun, .events = POLLIN };
		uint8_t packet[2048];
		ssize_t len;

		assert_int_equal(poll(&p, 1, 5000), 1);
		len = read(tun, packet, sizeof(packet));
		assert_true(len >= 20);
		if (packet[0] >> 4 != 4 || packet[9] != IPPROTO_UDP)
			continue; /* the system's own talk */
		assert_int_equal(len, 1500);
		assert_memory_equal(packet + 28, buf + n++ * 1472, 1472);
	}
	print_message("# trains are cut by %s\n", tx.no_gso ? "us" : "the kernel");
	assert_int_equal(tx.calls, tx.no_gso ? 2 : 1);
	close(fd);
	close(tun);
}

static void send_one(int from, const struct sockaddr_storage *to, socklen_t len)
{
	assert_int_equal(sendto(from, "x", 1, 0, (const struct sockaddr *)to, len), 1);
}

/* What the packet carried, as the other end sees it. */
static int seen_tos(int fd, int level, int type)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char control[256], data[8];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };

	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(recvmsg(fd, &m, 0), 1);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		int tos = 0;

		if (c->cmsg_level != level || c->cmsg_type != type)
			continue;
		/* IP_TOS comes as a byte, IPV6_TCLASS as an int. */
		memcpy(&tos, CMSG_DATA(c), level == IPPROTO_IP ? 1 : sizeof(tos));
		return tos;
	}
	return -1;
}

static int asked_tos(int fd, int level, int type)
{
	socklen_t len = sizeof(int);
	int tos = -1;

	assert_int_equal(getsockopt(fd, level, type, &tos, &len), 0);
	return tos;
}

static void packets_carry_the_class(void **state)
{
	static const unsigned classes[] = { 34, 46, 40, 0 };
	struct sockaddr_storage a4, a6 = { 0 };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a6;
	int fd[2], six[2];

	bring_up("lo", 65536, NULL);
	udp_pair(fd);
	a4 = udp_loopback(pf_udp_port(fd[1]));
	assert_int_equal(setsockopt(fd[1], IPPROTO_IP, IP_RECVTOS, &(int){ 1 }, sizeof(int)), 0);
	for (unsigned i = 0; i < 4; i++) {
		pf_udp_set_dscp(fd[0], classes[i]);
		assert_int_equal(asked_tos(fd[0], IPPROTO_IP, IP_TOS), classes[i] << 2);
		send_one(fd[0], &a4, sizeof(struct sockaddr_in));
		assert_int_equal(seen_tos(fd[1], IPPROTO_IP, IP_TOS), classes[i] << 2);
	}
	close(fd[0]);
	close(fd[1]);
	if (pf_udp_open("::1", 0, &six[0])) {
		print_message("# no IPv6 here\n");
		return;
	}
	assert_int_equal(pf_udp_open("::1", 0, &six[1]), 0);
	v6->sin6_family = AF_INET6;
	v6->sin6_addr = in6addr_loopback;
	v6->sin6_port = htons(pf_udp_port(six[1]));
	assert_int_equal(
		setsockopt(six[1], IPPROTO_IPV6, IPV6_RECVTCLASS, &(int){ 1 }, sizeof(int)), 0);
	for (unsigned i = 0; i < 4; i++) {
		pf_udp_set_dscp(six[0], classes[i]);
		assert_int_equal(asked_tos(six[0], IPPROTO_IPV6, IPV6_TCLASS), classes[i] << 2);
		send_one(six[0], &a6, sizeof(struct sockaddr_in6));
		assert_int_equal(seen_tos(six[1], IPPROTO_IPV6, IPV6_TCLASS), classes[i] << 2);
	}
	close(six[0]);
	close(six[1]);
	/* A dual socket marks what it sends to IPv4, too. */
	assert_int_equal(pf_udp_open("::", 0, &six[0]), 0);
	assert_int_equal(pf_udp_open("127.0.0.1", 0, &fd[1]), 0);
	assert_int_equal(setsockopt(fd[1], IPPROTO_IP, IP_RECVTOS, &(int){ 1 }, sizeof(int)), 0);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6->sin6_addr), 1);
	v6->sin6_port = htons(pf_udp_port(fd[1]));
	pf_udp_set_dscp(six[0], 46);
	send_one(six[0], &a6, sizeof(struct sockaddr_in6));
	assert_int_equal(seen_tos(fd[1], IPPROTO_IP, IP_TOS), 46 << 2);
	close(six[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_above_the_mtu_go_one_by_one),
		cmocka_unit_test(packets_that_must_not_be_cut_are_lost),
		cmocka_unit_test(a_refusal_is_remembered),
		cmocka_unit_test(a_plain_device_sees_plain_packets),
		cmocka_unit_test(packets_carry_the_class),
	};

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		printf("1..0 # SKIP no network namespace may be made here: %s\n", strerror(errno));
		return 0;
	}
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 31 + i / 1472);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
