/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/session/raw.h"
#include "tests/unit/udp_pair.h"

static PunktfunkSessionConfig config(uint8_t role, int fd)
{
	PunktfunkSessionConfig c = {
		.struct_size = sizeof(c),
		.role = role,
		.fec_percent = PUNKTFUNK_FEC_ADAPTIVE,
		.salt = { 1, 2, 3, 4 },
		.socket_fd = fd,
	};

	for (unsigned i = 0; i < sizeof(c.key); i++)
		c.key[i] = (uint8_t)(i * 5);
	return c;
}

static void frames_cross(uint8_t cipher)
{
	static uint8_t data[200000];
	PunktfunkSession *host, *client;
	PunktfunkSessionConfig hc, cc;
	PunktfunkStats hs, cs;
	PunktfunkFrame f;
	int fd[2];

	udp_pair(fd);
	hc = config(PUNKTFUNK_ROLE_HOST, fd[0]);
	cc = config(PUNKTFUNK_ROLE_CLIENT, fd[1]);
	hc.cipher = cc.cipher = cipher;
	assert_int_equal(pf_raw_create(&host, &hc, NULL), 0);
	assert_int_equal(pf_raw_create(&client, &cc, NULL), 0);
	/* both duplicated theirs */
	close(fd[0]);
	close(fd[1]);
	assert_int_equal(pf_raw_poll(client, &f, 0), -EAGAIN);
	for (uint32_t i = 0; i < 40; i++) {
		size_t size = i * 4999u;
		uint64_t now = pf_clock_unix_ns();

		memset(data, (int)i, size);
		assert_int_equal(
			pf_raw_submit(host, size ? data : NULL, size, now, PUNKTFUNK_FRAME_VIDEO),
			0);
		assert_int_equal(pf_raw_poll(client, &f, 5000), 0);
		assert_int_equal(f.frame_index, i);
		assert_int_equal(f.size, size);
		assert_true(!size || !memcmp(f.data, data, size));
		assert_int_equal(f.flags, PUNKTFUNK_FRAME_VIDEO);
		assert_true(f.pts_unix_ns == now);
		/* 1 ms for the two clocks being read one after another */
		assert_true(f.first_unix_ns + PF_NS_PER_MS >= now);
		assert_true(f.completed_unix_ns >= f.first_unix_ns);
	}
	assert_int_equal(pf_raw_submit(host, data, (8u << 20) + 1, 0, 0), -EMSGSIZE);
	/* the client is told of the hole that it left */
	assert_int_equal(pf_raw_submit(host, data, 9, 0, PUNKTFUNK_FRAME_VIDEO), 0);
	assert_int_equal(pf_raw_poll(client, &f, 5000), 0);
	assert_int_equal(f.frame_index, 41);
	assert_int_equal(f.flags, PUNKTFUNK_FRAME_VIDEO | PUNKTFUNK_FRAME_HOLD);
	assert_int_equal(pf_raw_submit(host, NULL, 1, 0, 0), -EINVAL);
	assert_int_equal(pf_raw_submit(client, data, 1, 0, 0), -EINVAL);
	assert_int_equal(pf_raw_poll(host, &f, 0), -EINVAL);
	pf_raw_stats(host, &hs);
	pf_raw_stats(client, &cs);
	assert_true(hs.frames == 42 && hs.frames_dropped == 1);
	assert_true(hs.packets > 40 && hs.bytes == hs.packets * 1472);
	assert_int_equal(hs.loss_ppm, 20000);
	assert_true(cs.frames == 41 && cs.frames_dropped == 0 && cs.packets_forged == 0);
	pf_raw_destroy(host);
	pf_raw_destroy(client);
}

static void frames_cross_under_each_cipher(void **state)
{
	frames_cross(PUNKTFUNK_CIPHER_AES128_GCM);
	frames_cross(PUNKTFUNK_CIPHER_CHACHA20_POLY1305);
}

static void bad_configurations_say_why(void **state)
{
	int fd[2], loose;

	udp_pair(fd);
	assert_int_equal(pf_udp_open("127.0.0.1", 0, &loose), 0);
	for (unsigned i = 0; i < 7; i++) {
		PunktfunkSessionConfig c = config(i % 2, fd[0]);
		struct pf_reason why = { 0 };
		PunktfunkSession *s = NULL;

		switch (i) {
		case 0:
			c.role = 2;
			break;
		case 1:
			c.cipher = 2;
			break;
		case 2:
			c.fec_percent = 91;
			break;
		case 3:
			c.shard_payload = 65535;
			break;
		case 4:
			c.shard_payload = 100;
			break;
		case 5:
			c.socket_fd = loose;
			break;
		case 6:
			c.socket_fd = -1;
			break;
		}
		assert_int_equal(pf_raw_create(&s, &c, &why), -EINVAL);
		assert_null(s);
		assert_true(why.text[0] != 0);
	}
	close(fd[0]);
	close(fd[1]);
	close(loose);
	pf_raw_destroy(NULL);
}

struct heard {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned count;
	PunktfunkInputEvent event[8];
};

static void on_input(void *user, const PunktfunkInputEvent *e)
{
	struct heard *h = user;

	pthread_mutex_lock(&h->lock);
	assert_true(h->count < 8);
	h->event[h->count++] = *e;
	pthread_cond_signal(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static void wait_heard(struct heard *h, unsigned count)
{
	pthread_mutex_lock(&h->lock);
	while (h->count < count) /* the test's time limit is the patience */
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

/* Between the two stands the test, which spoils and repeats. */
static void input_crosses_once(void **state)
{
	struct heard h = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
	PunktfunkInputEvent e = { .kind = PUNKTFUNK_INPUT_MOUSE_RELATIVE, .x = -3, .y = 7 };
	PunktfunkSession *host, *client;
	PunktfunkSessionConfig hc, cc;
	int near[2], far[2];
	uint8_t packet[256], spoilt[256];
	ssize_t len;

	udp_pair(near);
	udp_pair(far);
	hc = config(PUNKTFUNK_ROLE_HOST, far[1]);
	cc = config(PUNKTFUNK_ROLE_CLIENT, near[0]);
	assert_int_equal(pf_raw_create(&host, &hc, NULL), 0);
	assert_int_equal(pf_raw_create(&client, &cc, NULL), 0);
	assert_int_equal(pf_raw_on_input(host, NULL, NULL), -EINVAL);
	assert_int_equal(pf_raw_on_input(client, on_input, &h), -EINVAL);
	assert_int_equal(pf_raw_send_input(host, &e), -EINVAL);
	assert_int_equal(pf_raw_on_input(host, on_input, &h), 0);
	assert_int_equal(pf_raw_on_input(host, on_input, &h), -EBUSY);

	assert_int_equal(pf_raw_send_input(client, &e), 0);
	len = recv(near[1], packet, sizeof(packet), 0);
	assert_true(len > 24);
	/* Short, foreign, spoilt, of the other direction: nothing is heard. */
	assert_int_equal(send(far[0], packet, 5, 0), 5);
	assert_int_equal(send(far[0], packet, 24, 0), 24);
	memcpy(spoilt, packet, sizeof(spoilt));
	spoilt[len - 1] ^= 1;
	assert_int_equal(send(far[0], spoilt, (size_t)len, 0), len);
	/* The same one twice is one. */
	assert_int_equal(send(far[0], packet, (size_t)len, 0), len);
	assert_int_equal(send(far[0], packet, (size_t)len, 0), len);
	e = (PunktfunkInputEvent){ .kind = PUNKTFUNK_INPUT_KEY_DOWN, .code = 0x41 };
	assert_int_equal(pf_raw_send_input(client, &e), 0);
	len = recv(near[1], packet, sizeof(packet), 0);
	assert_int_equal(send(far[0], packet, (size_t)len, 0), len);
	wait_heard(&h, 2);
	assert_int_equal(h.event[0].kind, PUNKTFUNK_INPUT_MOUSE_RELATIVE);
	assert_int_equal(h.event[0].x, -3);
	assert_int_equal(h.event[0].y, 7);
	assert_int_equal(h.event[1].kind, PUNKTFUNK_INPUT_KEY_DOWN);
	assert_int_equal(h.event[1].code, 0x41);

	e.kind = 200;
	assert_int_equal(pf_raw_send_input(client, &e), -EINVAL);
	/* Nobody there any more: as good as lost. */
	close(near[1]);
	e.kind = PUNKTFUNK_INPUT_KEY_UP;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pf_raw_send_input(client, &e), 0);
	pf_raw_destroy(host);
	pf_raw_destroy(client);
	assert_int_equal(h.count, 2);
	close(near[0]);
	close(far[0]);
	close(far[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_cross_under_each_cipher),
		cmocka_unit_test(input_crosses_once),
		cmocka_unit_test(bad_configurations_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
