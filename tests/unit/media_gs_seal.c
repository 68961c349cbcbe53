/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Vectors: OpenSSL's AES-GCM through python3-cryptography. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/media/gs_seal.h"
#include "tests/unit/hex.h"

#define KEY	"202122232425262728292a2b2c2d2e2f"
#define IDR	"0203 0200 0000"
#define IDR_0	"0100 1a00 00000000 1d0e4b5dddafb597e2078fe66d286591 dd86b91930ed"
#define START_1 "0100 1900 01000000 708112c534bd604839b8f20d23ad7fc8 6684b85224"
#define IDR_FAR "0100 1a00 04030201 f77bc92e25d44670a8038b68beef22dd 447cb2f02838"
#define TERM_0	"0100 1c00 00000000 3457b300b8c8e39b19240bd29e8afcba 38680b25453d0bbb"
#define OLD_0	"0100 1a00 00000000 494d48f36572770325fb2006eb13ed4a c9c034c67b69"
#define OLD_258 "0100 1a00 02010000 38b370ddae7ec2f310126be6a7c3dd21 824f59614770"

struct ends {
	struct pf_gs_ctl_seal client, host;
};

static void open_ends(struct ends *e, enum pf_gs_scheme scheme)
{
	uint8_t key[16];

	hex_bytes(KEY, key, sizeof(key));
	assert_int_equal(pf_gs_ctl_seal_init(&e->client, key, PF_GS_FROM_CLIENT, scheme), 0);
	assert_int_equal(pf_gs_ctl_seal_init(&e->host, key, PF_GS_FROM_HOST, scheme), 0);
}

static void close_ends(struct ends *e)
{
	static const struct pf_gs_ctl_seal wiped;

	pf_gs_ctl_seal_finish(&e->client);
	pf_gs_ctl_seal_finish(&e->host);
	assert_memory_equal(&e->client, &wiped, sizeof(wiped));
	pf_gs_ctl_seal_finish(&e->host);
}

static void check_seals(struct pf_gs_ctl_seal *s, const char *msg_hex, const char *packet_hex)
{
	uint8_t msg[64], want[64], got[64];
	size_t len = hex_bytes(msg_hex, msg, sizeof(msg));
	size_t want_len = hex_bytes(packet_hex, want, sizeof(want));

	/* No room: nothing is used up. */
	assert_int_equal(pf_gs_ctl_seal(s, msg, len, got, want_len - 1), -ENOBUFS);
	assert_int_equal(pf_gs_ctl_seal(s, msg, len, got, sizeof(got)), want_len);
	assert_memory_equal(got, want, want_len);
}

static int open_hex(struct pf_gs_ctl_seal *s, const char *packet_hex, uint8_t *out)
{
	uint8_t packet[64];
	size_t len = hex_bytes(packet_hex, packet, sizeof(packet));

	return pf_gs_ctl_open(s, packet, len, out);
}

static void control_v2_vectors(void **state)
{
	uint8_t out[PF_GS_CTL_MSG_MAX], want[16];
	struct ends e;

	open_ends(&e, PF_GS_SCHEME_V2);
	check_seals(&e.client, IDR, IDR_0);
	check_seals(&e.client, "0703 0100 00", START_1);
	e.client.next = 0x01020304;
	check_seals(&e.client, IDR, IDR_FAR);
	check_seals(&e.host, "0901 0400 80030023", TERM_0);

	assert_int_equal(open_hex(&e.host, IDR_0, out), 6);
	hex_bytes(IDR, want, sizeof(want));
	assert_memory_equal(out, want, 6);
	assert_int_equal(open_hex(&e.client, TERM_0, out), 8);
	hex_bytes("0901 0400 80030023", want, sizeof(want));
	assert_memory_equal(out, want, 8);
	close_ends(&e);
}

static void replays_and_reflections_are_refused(void **state)
{
	uint8_t out[PF_GS_CTL_MSG_MAX];
	struct ends e;

	open_ends(&e, PF_GS_SCHEME_V2);
	/* Channels reorder: the later one first. */
	assert_int_equal(open_hex(&e.host, START_1, out), 5);
	assert_int_equal(open_hex(&e.host, IDR_0, out), 6);
	assert_int_equal(open_hex(&e.host, START_1, out), -EEXIST);
	assert_int_equal(open_hex(&e.host, IDR_0, out), -EEXIST);
	/* What the host made is no message for the host. */
	close_ends(&e);
	open_ends(&e, PF_GS_SCHEME_V2);
	assert_int_equal(open_hex(&e.host, TERM_0, out), -EBADMSG);
	/* Behind the window nothing can be told apart. */
	assert_int_equal(open_hex(&e.host, IDR_FAR, out), 6);
	assert_int_equal(open_hex(&e.host, IDR_0, out), -EEXIST);
	close_ends(&e);
}

static bool is_newest(struct ends *e, const char *hex)
{
	uint8_t packet[64];
	size_t len = hex_bytes(hex, packet, sizeof(packet));

	return pf_gs_ctl_is_newest(&e->host, packet, len);
}

static void the_newest_is_told_without_opening_it(void **state)
{
	uint8_t out[PF_GS_CTL_MSG_MAX], packet[64];
	size_t len = hex_bytes(IDR_FAR, packet, sizeof(packet));
	struct ends e;

	open_ends(&e, PF_GS_SCHEME_V2);
	assert_true(is_newest(&e, IDR_0));
	assert_true(is_newest(&e, IDR_0));
	assert_int_equal(open_hex(&e.host, START_1, out), 5);
	/* Fresh, but made before: it may have been kept back by somebody. */
	assert_false(is_newest(&e, IDR_0));
	assert_false(is_newest(&e, START_1));
	assert_false(is_newest(&e, TERM_0));
	packet[len - 1] ^= 1;
	assert_false(pf_gs_ctl_is_newest(&e.host, packet, len));
	assert_false(pf_gs_ctl_is_newest(&e.host, packet, 3));
	assert_true(is_newest(&e, IDR_FAR));
	/* None of these moved the window. */
	assert_int_equal(open_hex(&e.host, IDR_0, out), 6);
	assert_int_equal(open_hex(&e.host, IDR_FAR, out), 6);
	close_ends(&e);
}

static void forgeries_move_nothing(void **state)
{
	uint8_t out[PF_GS_CTL_MSG_MAX], packet[64];
	size_t len = hex_bytes(IDR_FAR, packet, sizeof(packet));
	struct ends e;

	open_ends(&e, PF_GS_SCHEME_V2);
	for (size_t i = 4; i < len; i++) {
		packet[i] ^= 1;
		assert_int_equal(pf_gs_ctl_open(&e.host, packet, len, out), -EBADMSG);
		packet[i] ^= 1;
	}
	assert_int_equal(open_hex(&e.host, IDR_0, out), 6);
	assert_int_equal(pf_gs_ctl_open(&e.host, packet, len, out), 6);
	close_ends(&e);
}

static void frames_have_one_form(void **state)
{
	static uint8_t long_msg[PF_GS_CTL_MSG_MAX + 1], long_packet[PF_GS_CTL_PACKET_MAX + 1];
	uint8_t out[PF_GS_CTL_MSG_MAX], packet[64];
	size_t len = hex_bytes(IDR_0, packet, sizeof(packet));
	struct ends e;

	open_ends(&e, PF_GS_SCHEME_V2);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(pf_gs_ctl_open(&e.host, packet, n, out), -EPROTO);
	assert_int_equal(pf_gs_ctl_open(&e.host, packet, len + 1, out), -EPROTO);
	assert_int_equal(open_hex(&e.host,
				 "0200" /* type */ " 1a00 00000000"
				 "1d0e4b5dddafb597e2078fe66d286591 dd86b91930ed",
				 out),
		-EPROTO);
	/* Shorter than a message's head. */
	assert_int_equal(open_hex(&e.host,
				 "0100 1700 00000000 1d0e4b5dddafb597e2078fe66d286591 dd86b9", out),
		-EPROTO);
	/* The longest passes, one more does not. */
	assert_int_equal(pf_gs_ctl_seal(&e.client, long_msg, PF_GS_CTL_MSG_MAX, long_packet,
				 sizeof(long_packet)),
		PF_GS_CTL_PACKET_MAX);
	assert_int_equal(
		pf_gs_ctl_open(&e.host, long_packet, PF_GS_CTL_PACKET_MAX, out), PF_GS_CTL_MSG_MAX);
	assert_int_equal(pf_gs_ctl_seal(&e.client, long_msg, PF_GS_CTL_MSG_MAX + 1, long_packet,
				 sizeof(long_packet)),
		-EMSGSIZE);
	long_packet[2]++;
	assert_int_equal(
		pf_gs_ctl_open(&e.host, long_packet, PF_GS_CTL_PACKET_MAX + 1, out), -EPROTO);
	close_ends(&e);
}

static void no_sequence_is_used_twice(void **state)
{
	uint8_t msg[6] = { 2, 3, 2, 0 }, out[64];
	struct ends e;

	open_ends(&e, PF_GS_SCHEME_V2);
	e.client.next = UINT32_MAX;
	assert_int_equal(pf_gs_ctl_seal(&e.client, msg, 6, out, sizeof(out)), 30);
	assert_memory_equal(out + 4, "\xff\xff\xff\xff", 4);
	assert_int_equal(pf_gs_ctl_seal(&e.client, msg, 6, out, sizeof(out)), -EOVERFLOW);
	assert_int_equal(pf_gs_ctl_seal(&e.client, msg, 6, out, sizeof(out)), -EOVERFLOW);
	close_ends(&e);
}

static void the_old_scheme_only_where_asked(void **state)
{
	uint8_t out[PF_GS_CTL_MSG_MAX];
	struct ends e;

	open_ends(&e, PF_GS_SCHEME_V2);
	assert_int_equal(open_hex(&e.host, OLD_0, out), -EBADMSG);
	close_ends(&e);
	open_ends(&e, PF_GS_SCHEME_OLD);
	assert_int_equal(open_hex(&e.host, IDR_0, out), -EBADMSG);
	check_seals(&e.client, IDR, OLD_0);
	e.client.next = 0x102;
	check_seals(&e.client, IDR, OLD_258);
	assert_int_equal(open_hex(&e.host, OLD_0, out), 6);
	assert_int_equal(open_hex(&e.host, OLD_258, out), 6);
	assert_int_equal(open_hex(&e.host, OLD_0, out), -EEXIST);
	close_ends(&e);
}

static const char options[] = "OPTIONS rtspenc://10.0.0.2:48010 RTSP/1.0\r\nCSeq: 1\r\n\r\n";
static const char options_sealed[] =
	"80000036 00000001 c6311eb90db8b1c7bd51a33c64ab88b7"
	"b52bc9b2e40d7440fd2428368fa010bf3116540f66a3b9bd8c15b7ffa866940a34b9a77a1b74b95561a33e08"
	"300fb7783d581cebce9c";
static const char ok[] = "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n";
static const char ok_sealed[] = "8000001c 00000001 ef9efdbcb0ffc92740bb01702e359bed"
				"4ca3a26f3c7a38c4e5d523f4483cbcb434e882520f842b415f7e4fb4";

static void rtsp_vectors(void **state)
{
	struct pf_gs_rtsp_seal client, host;
	uint8_t key[16], packet[128], want[128];
	char text[128];
	size_t len;

	hex_bytes(KEY, key, sizeof(key));
	assert_int_equal(pf_gs_rtsp_seal_init(&client, key, PF_GS_FROM_CLIENT), 0);
	assert_int_equal(pf_gs_rtsp_seal_init(&host, key, PF_GS_FROM_HOST), 0);
	len = hex_bytes(options_sealed, want, sizeof(want));
	assert_int_equal(
		pf_gs_rtsp_seal(&client, options, strlen(options), packet, len - 1), -ENOBUFS);
	assert_int_equal(
		pf_gs_rtsp_seal(&client, options, strlen(options), packet, sizeof(packet)), len);
	assert_memory_equal(packet, want, len);
	assert_int_equal(pf_gs_rtsp_sealed_bytes(packet, 4), len);
	assert_int_equal(pf_gs_rtsp_open(&host, packet, len, text, strlen(options) - 1), -ENOBUFS);
	assert_int_equal(pf_gs_rtsp_open(&host, packet, len, text, sizeof(text)), strlen(options));
	assert_memory_equal(text, options, strlen(options));
	/* Each message once, and the numbers grow. */
	assert_int_equal(pf_gs_rtsp_open(&host, packet, len, text, sizeof(text)), -EEXIST);
	assert_int_equal(text[0], 0);
	assert_int_equal(
		pf_gs_rtsp_seal(&client, options, strlen(options), packet, sizeof(packet)), len);
	assert_int_equal(pf_gs_rtsp_open(&host, packet, len, text, sizeof(text)), strlen(options));

	len = hex_bytes(ok_sealed, want, sizeof(want));
	assert_int_equal(pf_gs_rtsp_seal(&host, ok, strlen(ok), packet, sizeof(packet)), len);
	assert_memory_equal(packet, want, len);
	assert_int_equal(pf_gs_rtsp_open(&host, packet, len, text, sizeof(text)), -EBADMSG);
	assert_int_equal(pf_gs_rtsp_open(&client, packet, len, text, sizeof(text)), strlen(ok));
	pf_gs_rtsp_seal_finish(&client);
	pf_gs_rtsp_seal_finish(&host);
	pf_gs_rtsp_seal_finish(&host);
}

static void rtsp_refusals(void **state)
{
	static char long_text[PF_GS_RTSP_MAX + 1];
	static uint8_t long_packet[PF_GS_RTSP_PACKET_MAX + 1];
	struct pf_gs_rtsp_seal client, host;
	uint8_t key[16], packet[128];
	char text[128];
	size_t len = hex_bytes(options_sealed, packet, sizeof(packet));

	hex_bytes(KEY, key, sizeof(key));
	assert_int_equal(pf_gs_rtsp_seal_init(&client, key, PF_GS_FROM_CLIENT), 0);
	key[15] ^= 1;
	assert_int_equal(pf_gs_rtsp_seal_init(&host, key, PF_GS_FROM_HOST), 0);
	assert_int_equal(pf_gs_rtsp_open(&host, packet, len, text, sizeof(text)), -EBADMSG);
	pf_gs_rtsp_seal_finish(&host);
	key[15] ^= 1;
	assert_int_equal(pf_gs_rtsp_seal_init(&host, key, PF_GS_FROM_HOST), 0);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(pf_gs_rtsp_open(&host, packet, n, text, sizeof(text)), -EPROTO);
	assert_int_equal(pf_gs_rtsp_open(&host, packet, len + 1, text, sizeof(text)), -EPROTO);
	for (size_t i = 4; i < len; i++) {
		packet[i] ^= 0x10;
		assert_int_equal(pf_gs_rtsp_open(&host, packet, len, text, sizeof(text)), -EBADMSG);
		packet[i] ^= 0x10;
	}
	assert_int_equal(pf_gs_rtsp_open(&host, packet, len, text, sizeof(text)), strlen(options));

	assert_int_equal(pf_gs_rtsp_seal(&client, "", 0, packet, sizeof(packet)), -EMSGSIZE);
	assert_int_equal(pf_gs_rtsp_seal(&client, long_text, PF_GS_RTSP_MAX + 1, long_packet,
				 sizeof(long_packet)),
		-EMSGSIZE);
	assert_int_equal(pf_gs_rtsp_seal(&client, long_text, PF_GS_RTSP_MAX, long_packet,
				 sizeof(long_packet)),
		PF_GS_RTSP_PACKET_MAX);
	client.next = UINT32_MAX;
	assert_true(pf_gs_rtsp_seal(&client, ok, strlen(ok), packet, sizeof(packet)) > 0);
	assert_int_equal(
		pf_gs_rtsp_seal(&client, ok, strlen(ok), packet, sizeof(packet)), -EOVERFLOW);
	pf_gs_rtsp_seal_finish(&client);
	pf_gs_rtsp_seal_finish(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_v2_vectors),
		cmocka_unit_test(replays_and_reflections_are_refused),
		cmocka_unit_test(the_newest_is_told_without_opening_it),
		cmocka_unit_test(forgeries_move_nothing),
		cmocka_unit_test(frames_have_one_form),
		cmocka_unit_test(no_sequence_is_used_twice),
		cmocka_unit_test(the_old_scheme_only_where_asked),
		cmocka_unit_test(rtsp_vectors),
		cmocka_unit_test(rtsp_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
