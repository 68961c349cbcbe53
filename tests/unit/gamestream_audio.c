/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A client of the test's own on the loopback: headers by hand, libopus behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <opus_multistream.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/audio/backends.h"
#include "host/gamestream/audio.h"
#include "tests/unit/audio_tone.h"
#include "tests/unit/udp_pair.h"

#define SECOND 48000

static const uint8_t identity[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };

static struct client {
	unsigned ms, channels;
	bool encrypt;
	uint32_t key_id;
	uint8_t key[16];
	size_t payload; /* of every datagram */
	int fd;
	OpusMSDecoder *dec;
	uint32_t data, parity; /* datagrams so far */
	uint64_t first_ns, last_ns;
	float pcm[4 * SECOND * 8];
	unsigned samples;
} client;

static uint32_t be(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static void take_data(struct client *c, const uint8_t *p, size_t len)
{
	const uint32_t n = c->key_id + c->data;
	const uint8_t iv[16] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
		(uint8_t)n };
	uint8_t opus[1400];
	size_t opus_len = len - 12;
	int got;

	assert_int_equal(c->data % 4 ? 0 : c->parity, c->data % 4 ? 0 : c->data / 2);
	assert_int_equal(be(p + 2, 2), c->data & 0xffff);
	assert_int_equal(be(p + 4, 4), c->data * c->ms);
	assert_int_equal(be(p + 8, 4), 0);
	assert_int_equal(len, 12 + c->payload);
	memcpy(opus, p + 12, opus_len);
	if (c->encrypt)
		assert_int_equal(
			pf_aes128_cbc_pad_decrypt(c->key, iv, p + 12, len - 12, opus, &opus_len),
			0);
	assert_true(c->samples + 48 * c->ms <= 4 * SECOND);
	got = opus_multistream_decode_float(c->dec, opus, (int)opus_len,
		c->pcm + c->samples * c->channels, (int)(48 * c->ms), 0);
	assert_int_equal(got, 48 * c->ms);
	c->samples += 48 * c->ms;
	c->data++;
	c->last_ns = pf_clock_mono_ns();
	if (!c->first_ns)
		c->first_ns = c->last_ns;
}

static void take_parity(struct client *c, const uint8_t *p, size_t len)
{
	assert_int_equal(c->data % 4, 0); /* behind the fourth, at once */
	assert_int_equal(p[12], c->parity & 1);
	assert_int_equal(be(p + 14, 2), (c->data - 4) & 0xffff);
	assert_int_equal(be(p + 16, 4), (c->data - 4) * c->ms);
	assert_int_equal(len, 24 + c->payload);
	c->parity++;
}

/* Takes datagrams until there are so many data packets. */
static void receive(struct client *c, uint32_t data)
{
	while (c->data < data) {
		uint8_t p[2000];
		const ssize_t n = recv(c->fd, p, sizeof(p), 0);

		if (n < 0)
			fail_msg("packet %u did not come: %s", c->data, strerror(errno));
		assert_true(n >= 12);
		if (be(p, 2) == 0x8061)
			take_data(c, p, (size_t)n);
		else
			take_parity(c, p, (size_t)(be(p, 2) == 0x807f ? n : 0));
	}
}

static int receiving_socket(void)
{
	const struct timeval limit = { .tv_sec = 20 };
	int fd;

	assert_int_equal(pf_udp_open("127.0.0.1", 0, &fd), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	return fd;
}

static int connected_to(int client_fd)
{
	const struct sockaddr_storage to = udp_loopback(pf_udp_port(client_fd));
	int fd;

	assert_int_equal(pf_udp_open("127.0.0.1", 0, &fd), 0);
	assert_int_equal(pf_udp_connect(fd, &to), 0);
	return fd;
}

static struct pf_gs_audio *start(struct client *c, unsigned channels, int streams, int coupled,
	bool high, unsigned ms, bool encrypt, unsigned kbps)
{
	struct pf_gs_audio_options o = {
		.name = "test",
		.channels = channels,
		.high_quality = high,
		.wire = { .packet_ms = ms, .encrypt = encrypt, .key_id = 0xfffffff0 },
		.play_at_host = true,
	};
	struct pf_gs_audio *a = NULL;
	int r;

	memset(c, 0, sizeof(*c));
	memset(o.wire.key, 0x5c, sizeof(o.wire.key));
	memcpy(c->key, o.wire.key, sizeof(c->key));
	c->ms = ms;
	c->channels = channels;
	c->encrypt = encrypt;
	c->key_id = o.wire.key_id;
	c->payload = kbps * ms / 8;
	if (encrypt)
		c->payload += 16 - c->payload % 16;
	c->fd = receiving_socket();
	c->dec = opus_multistream_decoder_create(
		48000, (int)channels, streams, coupled, identity, &r);
	assert_int_equal(r, OPUS_OK);
	assert_int_equal(pf_gs_audio_open(&a, &o, NULL), 0);
	return a;
}

static void end(struct client *c, struct pf_gs_audio **a)
{
	pf_gs_audio_close(a);
	assert_null(*a);
	opus_multistream_decoder_destroy(c->dec);
	close(c->fd);
}

static double loudest(const struct client *c, unsigned from)
{
	double most = 0;

	for (unsigned i = from * c->channels; i < c->samples * c->channels; i++)
		most = fmax(most, fabs(c->pcm[i]));
	return most;
}

/* Mean over half a second in windows of 50 ms: a stall of the machine may tear the
 * tone, and its halves would cancel each other. */
static double level(const struct client *c, unsigned channel, unsigned from, double hz)
{
	double sum = 0;

	for (unsigned i = 0; i < 10; i++)
		sum += tone_level(c->pcm + (from + i * SECOND / 20) * c->channels + channel,
			SECOND / 20, c->channels, hz);
	return sum / 10;
}

static struct pf_audio *desk_sound(struct pf_gs_audio *a, unsigned channels, const char *options)
{
	const struct pf_audio_params p = {
		.channels = channels, .on_pcm = pf_gs_audio_pcm, .user = a, .options = options
	};
	struct pf_audio *audio = NULL;

	assert_int_equal(pf_null_audio_ops.open(&audio, &p, NULL), 0);
	return audio;
}

static void silence_first_then_the_desk_without_a_seam(void **state)
{
	struct client *c = &client;
	struct pf_gs_audio *a = start(c, 2, 1, 1, true, 5, true, 512);
	struct pf_gs_audio_stats st;
	struct pf_audio *desk;
	uint64_t asked_ns;
	unsigned from;

	usleep(30000); /* no number is used up before there is somebody */
	asked_ns = pf_clock_mono_ns();
	assert_int_equal(pf_gs_audio_set_socket(a, connected_to(c->fd)), 0);
	receive(c, 40);
	print_message("# first packet %llu us after the socket\n",
		(unsigned long long)(c->first_ns - asked_ns) / 1000);
	assert_true(c->first_ns - asked_ns < 2 * PF_NS_PER_S);
	/* 39 intervals, not half as long: packets after a stall follow close on each other. */
	assert_true(c->last_ns - c->first_ns >= 20 * 5 * PF_NS_PER_MS);
	assert_true(loudest(c, 0) < 1e-4);
	desk = desk_sound(a, 2, "tone-hz=600");
	from = c->samples + SECOND / 4;
	receive(c, 240);
	desk->ops->close(desk);
	assert_float_equal(level(c, 0, from, 600), 0.5, 0.1);
	assert_float_equal(level(c, 1, from, 700), 0.5, 0.1);
	assert_true(level(c, 0, from, 700) < 0.1);
	/* It ends: silence again, at the same cadence. */
	receive(c, 300);
	from = c->samples;
	receive(c, 320);
	assert_true(loudest(c, from) < 1e-3);
	pf_gs_audio_get_stats(a, &st);
	assert_in_range(st.packets, 320, 400);
	assert_in_range(st.datagrams, st.packets * 3 / 2 - 2, st.packets * 3 / 2 + 2);
	assert_in_range(
		st.bytes, st.datagrams * (12 + c->payload), st.datagrams * (24 + c->payload));
	assert_int_equal(st.errors, 0);
	assert_in_range(st.filled, 100, 400);
	end(c, &a);
}

static void every_layout_arrives(void **state)
{
	static const struct {
		unsigned channels;
		bool high;
		int streams, coupled;
		unsigned ms, kbps;
	} rows[] = {
		{ 2, false, 1, 1, 10, 96 },
		{ 6, false, 4, 2, 5, 256 },
		{ 6, true, 6, 0, 10, 1100 },
		{ 8, false, 5, 3, 10, 450 },
		{ 8, true, 8, 0, 5, 2048 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client *c = &client;
		struct pf_gs_audio *a = start(c, rows[i].channels, rows[i].streams, rows[i].coupled,
			rows[i].high, rows[i].ms, i & 1, rows[i].kbps);
		struct pf_audio *desk = desk_sound(a, rows[i].channels, "tone-hz=500");

		assert_int_equal(pf_gs_audio_set_socket(a, connected_to(c->fd)), 0);
		receive(c, 900 / rows[i].ms);
		desk->ops->close(desk);
		for (unsigned ch = 0; ch < rows[i].channels; ch++)
			assert_float_equal(level(c, ch, SECOND * 3 / 10, 500 + 100 * ch), 0.5, 0.2);
		end(c, &a);
	}
}

static void a_desk_of_eight_is_heard_by_a_client_of_two(void **state)
{
	struct client *c = &client;
	struct pf_gs_audio *a = start(c, 2, 1, 1, true, 5, false, 512);
	struct pf_audio *desk = desk_sound(a, 8, "tone-hz=500");
	const unsigned from = SECOND * 3 / 10;

	assert_int_equal(pf_gs_audio_set_socket(a, connected_to(c->fd)), 0);
	receive(c, 180);
	desk->ops->close(desk);
	/* Clipped now and then, since five tones are summed. */
	assert_float_equal(level(c, 0, from, 500), 0.5, 0.12); /* FL */
	assert_true(level(c, 1, from, 500) < 0.1);
	assert_float_equal(level(c, 1, from, 600), 0.5, 0.12); /* FR */
	assert_float_equal(level(c, 0, from, 700), 0.35, 0.1); /* FC */
	assert_float_equal(level(c, 1, from, 700), 0.35, 0.1);
	assert_true(level(c, 0, from, 800) < 0.1);		 /* LFE */
	assert_float_equal(level(c, 0, from, 900), 0.25, 0.08);	 /* RL */
	assert_float_equal(level(c, 1, from, 1200), 0.25, 0.08); /* SR */
	end(c, &a);
}

static void numbers_go_on_when_the_client_moves(void **state)
{
	struct client *c = &client;
	struct pf_gs_audio *a = start(c, 2, 1, 1, false, 5, false, 96);
	struct sockaddr_storage to = udp_loopback(1);
	const int first = c->fd;
	uint8_t p[1400];
	int fd[2];

	assert_int_equal(pf_gs_audio_set_peer(a, &to), -ENOTCONN);
	assert_int_equal(pf_gs_audio_set_socket(a, connected_to(c->fd)), 0);
	receive(c, 6);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t seq;

		fd[i] = receiving_socket();
		to = udp_loopback(pf_udp_port(fd[i]));
		if (i)
			assert_int_equal(pf_gs_audio_set_socket(a, connected_to(fd[i])), 0);
		else
			assert_int_equal(pf_gs_audio_set_peer(a, &to), 0);
		/* What was on its way went to the old place. */
		do {
			assert_true(recv(fd[i], p, sizeof(p), 0) > 0);
			seq = be(p + 2, 2);
		} while (p[1] != 97);
		assert_true(seq >= c->data);
		assert_int_equal(be(p + 4, 4), seq * 5);
		c->data = seq + 1;
		c->parity = c->data / 4 * 2;
		c->fd = fd[i];
		receive(c, seq + 12);
	}
	end(c, &a);
	close(first);
	close(fd[0]);
}

static void odd_parameters_are_refused(void **state)
{
	struct pf_gs_audio_options o = { .name = "test", .channels = 2, .wire.packet_ms = 20 };
	struct pf_gs_audio *a = NULL;
	struct pf_reason why = { 0 };

	assert_int_equal(pf_gs_audio_open(&a, &o, &why), -EINVAL);
	assert_int_not_equal(why.text[0], 0);
	o.wire.packet_ms = 5;
	o.channels = 3;
	assert_int_equal(pf_gs_audio_open(&a, &o, &why), -EINVAL);
	assert_null(a);
	pf_gs_audio_close(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_first_then_the_desk_without_a_seam),
		cmocka_unit_test(every_layout_arrives),
		cmocka_unit_test(a_desk_of_eight_is_heard_by_a_client_of_two),
		cmocka_unit_test(numbers_go_on_when_the_client_moves),
		cmocka_unit_test(odd_parameters_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
