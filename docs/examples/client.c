/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* client.c - a client of a punktfunk host in one file and one thread.
 *
 * Connects to a host whose fingerprint it knows, moves the pointer, presses a key,
 * writes the video as it comes into a file (H.264, any player takes it), counts sound,
 * prints events and figures, and ends after some frames. Build it with
 *	cc client.c -lpunktfunk-core
 * and first let the host know the identity, for which it shows a PIN:
 *	client pair HOST PORT IDENTITY.pem PIN
 *	client stream HOST PORT IDENTITY.pem FINGERPRINT OUT.h264 FRAMES
 * Exit status 0 = paired, or all frames came. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "punktfunk_core.h"

static int fail(const char *what, const PunktfunkReason *why)
{
	fprintf(stderr, "client: %s: %s\n", what, why->text);
	return 1;
}

/* 64 hex digits -> 32 bytes. */
static int read_fingerprint(const char *text, uint8_t out[32])
{
	unsigned byte;

	if (strlen(text) != 64)
		return -1;
	for (int i = 0; i < 32; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return -1;
		out[i] = (uint8_t)byte;
	}
	return 0;
}

static int pair(const char *host, uint16_t port, const PunktfunkIdentity *id, const char *pin)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkPairOptions options = { .struct_size = sizeof(options),
		.host = host,
		.port = port,
		.identity = id,
		.pin = pin,
		.name = "example client" };
	uint8_t fingerprint[32];

	if (punktfunk_pair(&options, fingerprint, &why))
		return fail("pair", &why);
	for (int i = 0; i < 32; i++)
		printf("%02x", fingerprint[i]);
	puts("");
	return 0;
}

static void send_some_input(PunktfunkConnection *conn)
{
	/* Key codes are Windows virtual keys: 0x20 is the space bar. */
	PunktfunkInputEvent event = { .struct_size = sizeof(event) };

	event.kind = PUNKTFUNK_INPUT_MOUSE_RELATIVE;
	event.x = 10;
	event.y = -5;
	punktfunk_send_input(conn, &event);
	event.x = event.y = 0;
	event.code = 0x20;
	event.kind = PUNKTFUNK_INPUT_KEY_DOWN;
	punktfunk_send_input(conn, &event);
	event.kind = PUNKTFUNK_INPUT_KEY_UP;
	punktfunk_send_input(conn, &event);
}

struct counts {
	unsigned long frames, wanted, audio, timings;
};

/* Takes all that waits; nonzero once the connection is over. */
static int drain(PunktfunkConnection *conn, FILE *out, struct counts *n)
{
	PunktfunkFrame frame = { .struct_size = sizeof(frame) };
	PunktfunkAudio audio = { .struct_size = sizeof(audio) };
	PunktfunkEvent event = { .struct_size = sizeof(event) };

	/* A frame's data is borrowed until the next call for one. A decoder would get it
	 * here, and its result would go to punktfunk_report_decoded. */
	while (!punktfunk_connection_next_frame(conn, &frame, 0)) {
		if (fwrite(frame.data, 1, frame.size, out) != frame.size)
			return -1;
		/* Now the host is up; it does not hear what comes before. */
		if (!n->frames++)
			send_some_input(conn);
		if (n->frames >= n->wanted)
			return 1;
	}
	while (!punktfunk_connection_next_audio(conn, &audio, 0))
		n->audio++;
	while (!punktfunk_connection_next_event(conn, &event, 0)) {
		switch (event.type) {
		case PUNKTFUNK_EVENT_HOST_TIMING:
			n->timings++;
			break;
		case PUNKTFUNK_EVENT_MODE:
			printf("mode %ux%u@%u\n", event.a, event.b, event.c);
			break;
		case PUNKTFUNK_EVENT_CLOSED:
			printf("closed with 0x%x: %s\n", event.a, event.text);
			return 1;
		default:
			printf("event %u: %u %u %u\n", event.type, event.a, event.b, event.c);
		}
	}
	return 0;
}

static int stream(const char *host, uint16_t port, const PunktfunkIdentity *id,
	const char *fingerprint, const char *path, unsigned long wanted)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	PunktfunkStats stats = { .struct_size = sizeof(stats) };
	PunktfunkConnectOptions options = { .struct_size = sizeof(options),
		.host = host,
		.port = port,
		.identity = id,
		.name = "example client",
		.width = 1280,
		.height = 720,
		.refresh_hz = 60,
		.video_codecs = PUNKTFUNK_CODEC_H264 };
	struct counts n = { .wanted = wanted };
	PunktfunkConnection *conn;
	uint8_t pinned[32];
	struct pollfd fd;
	FILE *out;

	if (read_fingerprint(fingerprint, pinned)) {
		fprintf(stderr, "client: a fingerprint is 64 hex digits\n");
		return 1;
	}
	options.host_fingerprint = pinned;
	out = fopen(path, "wb");
	if (!out) {
		perror(path);
		return 1;
	}
	if (punktfunk_connect(&options, &conn, &why)) {
		fclose(out);
		return fail("connect", &why);
	}
	punktfunk_connection_info(conn, &info);
	printf("%ux%u@%u, %u kbit/s, round trip %.1f ms\n", info.width, info.height,
		info.refresh_hz, info.bitrate_kbps, (double)info.rtt_ns / 1e6);

	fd = (struct pollfd){ .fd = punktfunk_connection_fd(conn), .events = POLLIN };
	while (poll(&fd, 1, 10000) > 0)
		if (drain(conn, out, &n))
			break;
	punktfunk_connection_stats(conn, &stats);
	printf("frames %lu, lost %llu, repaired %llu; sound packets %lu; timings %lu\n", n.frames,
		(unsigned long long)stats.frames_dropped, (unsigned long long)stats.frames_repaired,
		n.audio, n.timings);
	punktfunk_connection_close(conn, PUNKTFUNK_CLOSE_QUIT);
	if (fclose(out)) {
		perror(path);
		return 1;
	}
	return n.frames >= wanted ? 0 : 1;
}

int main(int argc, char **argv)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkIdentity *id;
	int status = 2;

	if (argc < 6) {
		fprintf(stderr, "client pair HOST PORT IDENTITY PIN\n"
				"client stream HOST PORT IDENTITY FINGERPRINT OUT FRAMES\n");
		return status;
	}
	if (punktfunk_identity_open(argv[4], &id, &why))
		return fail("identity", &why);
	if (!strcmp(argv[1], "pair"))
		status = pair(argv[2], (uint16_t)atoi(argv[3]), id, argv[5]);
	else if (!strcmp(argv[1], "stream") && argc == 8)
		status = stream(argv[2], (uint16_t)atoi(argv[3]), id, argv[5], argv[6],
			strtoul(argv[7], NULL, 10));
	punktfunk_identity_free(id);
	return status;
}
