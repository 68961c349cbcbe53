/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "tools/impair/relay.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define SEED 11

/* A host with two ports, a relay before it on 127.0.0.2 and the relay's thread. */
struct bed {
	struct pf_relay *relay;
	int host[2];
	int stop_fd;
	pthread_t thread;
	bool running;
};

static void *run(void *arg)
{
	struct bed *b = arg;

	return (void *)(intptr_t)pf_relay_run(b->relay, b->stop_fd);
}

static void resume(struct bed *b)
{
	assert_int_equal(pthread_create(&b->thread, NULL, run, b), 0);
	b->running = true;
}

static int udp(const char *ip, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	a.sin_addr.s_addr = htonl(!strcmp(ip, "127.0.0.1") ? 0x7f000001 : 0x7f000002);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static int client_of(const struct bed *b, unsigned map)
{
	const union pf_impair_addr *a = pf_relay_listen_addr(b->relay, map);
	int fd = udp("127.0.0.1", 0);

	assert_int_equal(connect(fd, &a->sa, pf_impair_addr_bytes(a)), 0);
	return fd;
}

static void start(struct bed *b, const struct pf_impair_rules *down, bool only_second)
{
	struct pf_impair_options o;
	struct pf_reason why = { 0 };
	char map[2][64];
	const char *const argv[] = { "pf-impair", "--map", map[0], "--map", map[1] };

	memset(b, 0, sizeof(*b));
	for (int i = 0; i < 2; i++) {
		b->host[i] = udp("127.0.0.1", 0);
		snprintf(map[i], sizeof(map[i]), "127.0.0.2:0=127.0.0.1:%u", port_of(b->host[i]));
	}
	assert_int_equal(pf_impair_options_parse(&o, 5, (char *const *)argv, &why), 0);
	o.rules[PF_IMPAIR_DOWN] = *down;
	o.maps[0].rough = !only_second;
	o.seed = SEED;
	b->stop_fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pf_relay_open(&b->relay, &o, &why), 0);
	resume(b);
}

static void halt(struct bed *b)
{
	uint64_t one = 1;
	void *r;

	if (!b->running)
		return;
	assert_int_equal(write(b->stop_fd, &one, sizeof(one)), sizeof(one));
	pthread_join(b->thread, &r);
	assert_int_equal((intptr_t)r, 0);
	assert_int_equal(read(b->stop_fd, &one, sizeof(one)), sizeof(one));
	b->running = false;
}

static void finish(struct bed *b)
{
	halt(b);
	pf_relay_close(&b->relay);
	close(b->host[0]);
	close(b->host[1]);
	close(b->stop_fd);
}

/* Bytes of the next datagram, or -1 after `ms`. */
static ssize_t take(int fd, void *buf, size_t cap, struct sockaddr_in *from, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	socklen_t len = sizeof(*from);

	if (poll(&p, 1, ms) != 1)
		return -1;
	return recvfrom(fd, buf, cap, 0, (struct sockaddr *)from, from ? &len : NULL);
}

/* The client's first datagram makes the flow; gives the relay's address to answer to. */
static struct sockaddr_in introduce(struct bed *b, unsigned map, int client)
{
	struct sockaddr_in from;
	char buf[16];

	assert_int_equal(send(client, "hello", 5, 0), 5);
	assert_int_equal(take(b->host[map], buf, sizeof(buf), &from, 5000), 5);
	assert_memory_equal(buf, "hello", 5);
	return from;
}

static void answer(
	struct bed *b, unsigned map, const struct sockaddr_in *to, const void *p, size_t n)
{
	assert_int_equal(
		sendto(b->host[map], p, n, 0, (const struct sockaddr *)to, sizeof(*to)), n);
}

static void each_client_has_its_own_way_back(void **state)
{
	struct pf_impair_rules none = { 0 };
	struct sockaddr_in via[4];
	struct bed b;
	int client[4];
	char buf[16];

	start(&b, &none, false);
	for (unsigned i = 0; i < 4; i++) {
		client[i] = client_of(&b, i / 2);
		via[i] = introduce(&b, i / 2, client[i]);
		/* One source address towards the host, on every map. */
		assert_int_equal(ntohl(via[i].sin_addr.s_addr), 0x7f000002);
	}
	assert_int_not_equal(via[0].sin_port, via[1].sin_port);
	for (char i = 3; i >= 0; i--)
		answer(&b, (unsigned)i / 2, &via[(int)i], &i, 1);
	for (char i = 0; i < 4; i++) {
		assert_int_equal(take(client[(int)i], buf, sizeof(buf), NULL, 5000), 1);
		assert_int_equal(buf[0], i);
		close(client[(int)i]);
	}
	finish(&b);
}

static void loss_follows_the_model_on_the_rough_map_only(void **state)
{
	enum { N = 2000 };
	struct pf_impair_rules rules = { .loss = 0.1 };
	struct pf_relay_stats s;
	struct pf_impair_path twin;
	struct pf_impair_fate fate;
	struct bed b;

	start(&b, &rules, true);
	for (unsigned map = 0; map < 2; map++) {
		int client = client_of(&b, map);
		struct sockaddr_in via = introduce(&b, map, client);
		uint32_t got, lost = 0;

		/* Flow 0 of this map, downwards: the stream that the relay names so. */
		pf_impair_path_init(
			&twin, &rules, SEED, (uint64_t)map << 32 | (uint64_t)PF_IMPAIR_DOWN);
		for (uint32_t i = 0; i < N; i++) {
			pf_impair_decide(&twin, NULL, 1, sizeof(i), &fate);
			answer(&b, map, &via, &i, sizeof(i));
			if (map == 1 && !fate.copies) {
				lost++;
				continue;
			}
			assert_int_equal(take(client, &got, sizeof(got), NULL, 5000), sizeof(got));
			assert_int_equal(got, i);
		}
		halt(&b);
		pf_relay_map_stats(b.relay, map, PF_IMPAIR_DOWN, &s);
		assert_int_equal(s.received, N);
		assert_int_equal(s.received_bytes, N * 4);
		assert_int_equal(s.forwarded, N - lost);
		assert_int_equal(s.dropped[PF_IMPAIR_LOSS], lost);
		assert_int_equal(s.reordered + s.duplicated + s.overflow + s.failed, 0);
		assert_int_equal(map ? lost > 0 : lost == 0, 1);
		resume(&b);
		close(client);
	}
	finish(&b);
}

static void delay_is_kept_and_the_own_share_measured(void **state)
{
	struct pf_impair_rules rules = { .delay_ns = 20 * PF_NS_PER_MS };
	struct sockaddr_in via;
	struct bed b;
	int client;
	uint64_t sent, got;

	start(&b, &rules, false);
	client = client_of(&b, 0);
	via = introduce(&b, 0, client);
	for (int i = 0; i < 10; i++) {
		sent = pf_clock_mono_ns();
		answer(&b, 0, &via, &sent, sizeof(sent));
		assert_int_equal(take(client, &got, sizeof(got), NULL, 5000), sizeof(got));
		assert_int_equal(got, sent);
		assert_true(pf_clock_mono_ns() - sent >= 20 * PF_NS_PER_MS);
	}
	halt(&b);
	/* The asked-for 20 ms are not the relay's own: its median stays far below. */
	assert_true(pf_relay_added_ns(b.relay, 0.5) < 15 * PF_NS_PER_MS);
	assert_true(pf_relay_added_ns(b.relay, 1) > 0);
	close(client);
	finish(&b);
}

static void held_ones_come_late_and_twins_twice(void **state)
{
	enum { N = 150 };
	struct pf_impair_rules rules = {
		.reorder = 0.2, .reorder_ns = 30 * PF_NS_PER_MS, .duplicate = 0.2
	};
	unsigned seen[N] = { 0 }, twice = 0, late = 0;
	struct pf_relay_stats s;
	struct sockaddr_in via;
	uint32_t v, highest = 0;
	struct bed b;
	int client;

	start(&b, &rules, false);
	client = client_of(&b, 0);
	via = introduce(&b, 0, client);
	for (v = 0; v < N; v++)
		answer(&b, 0, &via, &v, sizeof(v));
	while (take(client, &v, sizeof(v), NULL, 1000) == sizeof(v)) {
		assert_true(v < N);
		twice += seen[v]++ == 1;
		late += v < highest;
		highest = v > highest ? v : highest;
	}
	for (v = 0; v < N; v++)
		assert_in_range(seen[v], 1, 2);
	halt(&b);
	pf_relay_map_stats(b.relay, 0, PF_IMPAIR_DOWN, &s);
	assert_int_equal(s.duplicated, twice);
	assert_int_equal(s.reordered, late);
	assert_true(late > 0 && twice > 0);
	close(client);
	finish(&b);
}

static void trains_arrive_as_single_datagrams(void **state)
{
	enum { SEGMENT = 1000, COUNT = 40, LAST = 123 };
	static char train[SEGMENT * COUNT + LAST], buf[2 * SEGMENT];
	struct pf_impair_rules rules = { 0 };
	int segment = SEGMENT;
	struct sockaddr_in via;
	struct bed b;
	int client;

	start(&b, &rules, false);
	client = client_of(&b, 0);
	via = introduce(&b, 0, client);
	for (size_t i = 0; i < sizeof(train); i++)
		train[i] = (char)(i / SEGMENT);
	if (setsockopt(b.host[0], IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment))) {
		finish(&b);
		close(client);
		print_message("needs a kernel with UDP_SEGMENT\n");
		skip();
	}
	answer(&b, 0, &via, train, sizeof(train));
	for (int i = 0; i <= COUNT; i++) {
		ssize_t n = take(client, buf, sizeof(buf), NULL, 5000);

		assert_int_equal(n, i < COUNT ? SEGMENT : LAST);
		for (ssize_t j = 0; j < n; j++)
			assert_int_equal(buf[j], i);
	}
	close(client);
	finish(&b);
}

static void empty_and_huge_datagrams_pass(void **state)
{
	static char big[65507], buf[65507];
	struct pf_impair_rules none = { 0 };
	struct sockaddr_in via;
	struct bed b;
	int client;

	start(&b, &none, false);
	client = client_of(&b, 0);
	via = introduce(&b, 0, client);
	memset(big, 7, sizeof(big));
	answer(&b, 0, &via, "", 0);
	assert_int_equal(take(client, buf, sizeof(buf), NULL, 5000), 0);
	answer(&b, 0, &via, big, sizeof(big));
	assert_int_equal(take(client, buf, sizeof(buf), NULL, 5000), sizeof(big));
	assert_memory_equal(big, buf, sizeof(big));
	close(client);
	finish(&b);
}

static void a_dead_host_does_not_stop_the_relay(void **state)
{
	struct pf_impair_rules none = { 0 };
	struct bed b;
	uint16_t port;
	int client;

	start(&b, &none, false);
	client = client_of(&b, 0);
	port = port_of(b.host[0]);
	close(b.host[0]);
	for (int i = 0; i < 20; i++)
		assert_int_equal(send(client, "x", 1, 0), 1);
	usleep(50000);
	b.host[0] = udp("127.0.0.1", port);
	introduce(&b, 0, client);
	close(client);
	finish(&b);
}

static void a_taken_port_is_named(void **state)
{
	struct pf_impair_options o;
	struct pf_reason why = { 0 };
	struct pf_relay *relay = NULL;
	int taken = udp("127.0.0.2", 0);
	char listen[64];
	const char *const argv[] = { "pf-impair", "--listen", listen, "--to", "127.0.0.1:1" };

	snprintf(listen, sizeof(listen), "127.0.0.2:%u", port_of(taken));
	assert_int_equal(pf_impair_options_parse(&o, 5, (char *const *)argv, &why), 0);
	assert_int_equal(pf_relay_open(&relay, &o, &why), -EADDRINUSE);
	assert_null(relay);
	assert_non_null(strstr(why.text, listen));
	close(taken);
}

static pid_t spawn_tool(const char *const argv[])
{
	char path[512];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/tools/impair/pf-impair", getenv("PF_BUILD_ROOT"));
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout))
			_exit(99);
		execv(path, (char *const *)argv);
		_exit(98);
	}
	return pid;
}

static void the_tool_reports_and_says_how_it_ended(void **state)
{
	char report[] = "/tmp/pf-impair-XXXXXX", text[8192] = "";
	int fd = mkstemp(report), status;
	pid_t pid;
	FILE *f;

	if (!getenv("PF_BUILD_ROOT"))
		skip();
	assert_true(fd >= 0);
	close(fd);
	pid = spawn_tool((const char *const[]){ "pf-impair", "--loss", "2", NULL });
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 2);
	pid = spawn_tool((const char *const[]){ "pf-impair", "--map", "127.0.0.2:0=127.0.0.1:9",
		"--seconds", "0.05", "--report", report, NULL });
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	f = fopen(report, "re");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	unlink(report);
	assert_non_null(strstr(text, "\"added_us\""));
	assert_non_null(strstr(text, "\"total\": {\"up\": {\"received\": 0,"));
	assert_non_null(strstr(text, "\"to\": \"127.0.0.1:9\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_client_has_its_own_way_back),
		cmocka_unit_test(loss_follows_the_model_on_the_rough_map_only),
		cmocka_unit_test(delay_is_kept_and_the_own_share_measured),
		cmocka_unit_test(held_ones_come_late_and_twins_twice),
		cmocka_unit_test(trains_arrive_as_single_datagrams),
		cmocka_unit_test(empty_and_huge_datagrams_pass),
		cmocka_unit_test(a_dead_host_does_not_stop_the_relay),
		cmocka_unit_test(a_taken_port_is_named),
		cmocka_unit_test(the_tool_reports_and_says_how_it_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
