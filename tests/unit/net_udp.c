/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/net/os_linux.h"
#include "core/net/udp.h"
#include "tests/unit/udp_pair.h"

static unsigned receive_all(struct pf_udp_rx *rx, int fd, struct pf_udp_packet *out, unsigned want,
	uint8_t (*copy)[2048])
{
	unsigned got = 0;

	while (got < want) {
		struct pf_udp_packet p[16];
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int n = pf_udp_receive(rx, p, 16);

		assert_true(n >= 0);
		for (int i = 0; i < n; i++, got++) {
			assert_true(got < want && p[i].len <= 2048);
			memcpy(copy[got], p[i].data, p[i].len);
			out[got].len = p[i].len;
		}
		if (!n && poll(&pfd, 1, 2000) <= 0)
			break;
	}
	return got;
}

/* `stride` above `bytes` forces one message per packet. */
static void train_arrives(size_t bytes, size_t stride, unsigned count, bool gso)
{
	uint8_t *buf = malloc(stride * count);
	static struct pf_udp_packet got[256];
	static uint8_t copy[256][2048];
	struct pf_udp_rx *rx;
	struct pf_udp_tx tx;
	int fd[2];

	assert_non_null(buf);
	for (size_t i = 0; i < stride * count; i++)
		buf[i] = (uint8_t)(i * 31 + i / stride);
	udp_pair(fd);
	pf_udp_tx_init(&tx, fd[0]);
	tx.no_gso = !gso;
	assert_int_equal(pf_udp_rx_create(&rx, fd[1]), 0);
	assert_int_equal(pf_udp_send_train(&tx, buf, bytes, stride, count), count);
	assert_int_equal(receive_all(rx, fd[1], got, count, copy), count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(got[i].len, bytes);
		assert_memory_equal(copy[i], buf + i * stride, bytes);
	}
	if (gso && !tx.no_gso && stride == bytes)
		assert_true(tx.calls <= count / pf_udp_train_max(bytes) + 1);
	pf_udp_rx_destroy(rx);
	close(fd[0]);
	close(fd[1]);
	free(buf);
}

static void trains_arrive_in_order(void **state)
{
	train_arrives(1472, 1472, 1, true);
	train_arrives(1472, 1472, 2, true);
	train_arrives(1472, 1472, 100, true);
	train_arrives(576, 576, 100, true);
	train_arrives(1472, 1472, 100, false);
	train_arrives(1472, 1480, 70, true);
}

/* The last packet of a train may be shorter, in one call or in several. */
static void a_train_ends_short(void **state)
{
	static uint8_t buf[100 * 1400], copy[256][2048];
	static struct pf_udp_packet got[256];

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 7 + i / 1400);
	for (int gso = 0; gso < 2; gso++)
		for (unsigned count = 1; count <= 100; count += count < 3 ? 1 : 97) {
			struct pf_udp_rx *rx;
			struct pf_udp_tx tx;
			int fd[2];

			udp_pair(fd);
			pf_udp_tx_init(&tx, fd[0]);
			tx.no_gso = !gso;
			assert_int_equal(pf_udp_rx_create(&rx, fd[1]), 0);
			assert_int_equal(
				pf_udp_send_train_cut(&tx, buf, 1400, 1400, count, 33), count);
			assert_int_equal(receive_all(rx, fd[1], got, count, copy), count);
			for (unsigned i = 0; i < count; i++) {
				assert_int_equal(got[i].len, i + 1 < count ? 1400 : 33);
				assert_memory_equal(copy[i], buf + i * 1400, got[i].len);
			}
			pf_udp_rx_destroy(rx);
			close(fd[0]);
			close(fd[1]);
		}
}

static void train_lengths(void **state)
{
	assert_int_equal(pf_udp_train_max(1472), 44);
	assert_int_equal(pf_udp_train_max(576), 64);
	assert_int_equal(pf_udp_train_max(9216), 7);
}

/* The kernel answers a segmented send that it cannot do with an error; trains
 * must come through all the same. A segment above the MTU is such a case. */
static void a_refused_offload_falls_back(void **state)
{
	static uint8_t buf[4][70000 / 4];
	struct pf_udp_tx tx;
	int fd[2], off = IP_PMTUDISC_DONT;

	udp_pair(fd);
	/* SO_NO_CHECK makes the kernel refuse segmentation with EIO. */
	assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_NO_CHECK, &(int){ 1 }, sizeof(int)), 0);
	assert_int_equal(setsockopt(fd[0], IPPROTO_IP, IP_MTU_DISCOVER, &off, sizeof(off)), 0);
	pf_udp_tx_init(&tx, fd[0]);
	assert_int_equal(pf_udp_send_train(&tx, buf[0], 1400, 1400, 8), 8);
	assert_true(tx.no_gso);
	for (unsigned i = 0; i < 8; i++) {
		struct pollfd p = { .fd = fd[1], .events = POLLIN };
		uint8_t one[2000];

		assert_int_equal(poll(&p, 1, 2000), 1);
		assert_int_equal(recv(fd[1], one, sizeof(one), 0), 1400);
	}
	close(fd[0]);
	close(fd[1]);
}

static void icmp_errors_are_ignored(void **state)
{
	uint8_t buf[4 * 600] = { 0 };
	struct pf_udp_packet p[4];
	struct pf_udp_rx *rx;
	struct pf_udp_tx tx;
	int fd[2];

	udp_pair(fd);
	close(fd[1]); /* nobody listens: each packet brings back an ICMP error */
	pf_udp_tx_init(&tx, fd[0]);
	assert_int_equal(pf_udp_rx_create(&rx, fd[0]), 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(pf_udp_send_train(&tx, buf, 600, 600, 4), 4);
		assert_int_equal(pf_udp_send_train(&tx, buf, 600, 600, 1), 1);
		assert_int_equal(pf_udp_receive(rx, p, 4), 0);
		assert_int_equal(pf_udp_punch(fd[0], NULL), 0);
	}
	pf_udp_rx_destroy(rx);
	close(fd[0]);
}

static void bad_addresses_are_refused(void **state)
{
	int fd = -1;

	assert_int_equal(pf_udp_open("no address", 0, &fd), -EINVAL);
	assert_int_equal(pf_udp_open("192.0.2.1", 0, &fd), -EADDRNOTAVAIL);
	assert_int_equal(fd, -1);
	assert_int_equal(pf_udp_open(NULL, 0, &fd), 0);
	assert_true(pf_udp_port(fd) > 0);
	close(fd);
}

static void addresses_compare_across_families(void **state)
{
	struct sockaddr_storage a = udp_loopback(1), b = udp_loopback(2), c = { 0 }, d = { 0 };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&c;

	assert_true(pf_udp_same_ip(&a, &b));
	((struct sockaddr_in *)&b)->sin_addr.s_addr = htonl(0x7f000002);
	assert_false(pf_udp_same_ip(&a, &b));
	v6->sin6_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6->sin6_addr), 1);
	assert_true(pf_udp_same_ip(&a, &c));
	assert_false(pf_udp_same_ip(&a, &d));
}

static void a_punch_from_the_right_address_counts(void **state)
{
	struct sockaddr_storage peer = udp_loopback(1), other, host, source;
	int host_fd, client_fd, wake;
	uint64_t now = pf_clock_mono_ns();

	assert_int_equal(pf_udp_open("127.0.0.1", 0, &host_fd), 0);
	assert_int_equal(pf_udp_open("127.0.0.1", 0, &client_fd), 0);
	assert_int_equal(pf_wake_open(&wake), 0);
	host = udp_loopback(pf_udp_port(host_fd));

	/* something else, then a punch */
	assert_int_equal(sendto(client_fd, "PFpunch", 7, 0, (struct sockaddr *)&host,
				 sizeof(struct sockaddr_in)),
		7);
	assert_int_equal(pf_udp_punch(client_fd, &host), 0);
	assert_int_equal(
		pf_udp_wait_punch(host_fd, wake, &peer, now + 5 * PF_NS_PER_S, &source), 0);
	assert_int_equal(ntohs(((struct sockaddr_in *)&source)->sin_port), pf_udp_port(client_fd));

	/* a punch from elsewhere */
	other = peer;
	((struct sockaddr_in *)&other)->sin_addr.s_addr = htonl(0x7f000009);
	assert_int_equal(pf_udp_punch(client_fd, &host), 0);
	now = pf_clock_mono_ns();
	assert_int_equal(pf_udp_wait_punch(host_fd, wake, &other, now + 30 * PF_NS_PER_MS, &source),
		-ETIMEDOUT);
	assert_true(pf_clock_mono_ns() >= now + 30 * PF_NS_PER_MS);

	pf_wake_set(wake);
	assert_int_equal(pf_udp_wait_punch(host_fd, wake, &peer, now + 60 * PF_NS_PER_S, &source),
		-ECANCELED);
	close(host_fd);
	close(client_fd);
	close(wake);
}

static void wakes_are_seen_once_cleared(void **state)
{
	struct pollfd p = { .events = POLLIN };

	assert_int_equal(pf_wake_open(&p.fd), 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	pf_wake_set(p.fd);
	pf_wake_set(p.fd);
	assert_int_equal(poll(&p, 1, 0), 1);
	pf_wake_clear(p.fd);
	assert_int_equal(poll(&p, 1, 0), 0);
	pf_wake_clear(p.fd);
	close(p.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trains_arrive_in_order),
		cmocka_unit_test(a_train_ends_short),
		cmocka_unit_test(train_lengths),
		cmocka_unit_test(a_refused_offload_falls_back),
		cmocka_unit_test(icmp_errors_are_ignored),
		cmocka_unit_test(bad_addresses_are_refused),
		cmocka_unit_test(addresses_compare_across_families),
		cmocka_unit_test(a_punch_from_the_right_address_counts),
		cmocka_unit_test(wakes_are_seen_once_cleared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
