/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/net/sender.h"
#include "tools/linerate/linerate.h"

#define MAX_FRAME_BYTES (64u << 20)
/* 50 ms at 2.5 Gbit/s, what the kernel counts beside the bytes included. */
#define BUFFER_BYTES (32u << 20)

const char *pf_linerate_help(void)
{
	return "usage: pf-linerate receive --at ADDR:PORT --control PATH [options]\n"
	       "       pf-linerate send --to ADDR:PORT --control PATH [options]\n"
	       "Streams made-up frames from the real sender to the real receiver (punktfunk/1)\n"
	       "and checks every byte. PATH is a Unix socket between the two: loss reports and\n"
	       "requests take it, the frames do not. Start the receiver first; each prints one\n"
	       "JSON object.\n"
	       "\n"
	       "  --control PATH           both ends give the same\n"
	       "  --report FILE            instead of standard output\n"
	       "  --buffer BYTES           of the socket, beyond the system's limit where the "
	       "user\n"
	       "                           may (32M; a Linux without sysctl net.core.rmem_max "
	       "set:\n"
	       "                           212992)\n"
	       "\n"
	       "receive:\n"
	       "  --at ADDR:PORT           where the packets come in\n"
	       "  --arrivals FILE          log each packet that came: its number on the wire and\n"
	       "                           the monotonic ns, two u64 each. Takes packets one by\n"
	       "                           one, so not for full rate\n"
	       "\n"
	       "send:\n"
	       "  --to ADDR:PORT           the receiver, or pf-impair before it\n"
	       "  --mbit N                 of the frames, parity not counted (1400)\n"
	       "  --fps N                  (240)\n"
	       "  --seconds N              (10)\n"
	       "  --keyframe BYTES:SECONDS size and distance of keyframes (5000000:2; 0:0 = none)\n"
	       "  --fixed                  all other frames of one size; else 1/4 to 5/2 of the "
	       "mean\n"
	       "  --fec N                  parity in percent, pinned (default: adaptive)\n"
	       "  --shard BYTES            even (1408)\n"
	       "  --delivery NAME          capped, burst or smooth (capped)\n"
	       "  --seed N                 sizes and bytes of the frames (1)\n";
}

/* "1.2.3.4:9778" */
static bool parse_address(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_in *a = (struct sockaddr_in *)out;
	const char *colon = strrchr(text, ':');
	char ip[INET_ADDRSTRLEN], *end;
	unsigned long port;

	memset(out, 0, sizeof(*out));
	if (!colon || (size_t)(colon - text) >= sizeof(ip))
		return false;
	memcpy(ip, text, (size_t)(colon - text));
	ip[colon - text] = 0;
	port = strtoul(colon + 1, &end, 10);
	if (inet_pton(AF_INET, ip, &a->sin_addr) != 1 || *end || end == colon + 1 ||
		port > UINT16_MAX)
		return false;
	a->sin_family = AF_INET;
	a->sin_port = htons((uint16_t)port);
	return true;
}

static bool parse_number(const char *text, double min, double max, double *out)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !isfinite(v) || v < min || v > max)
		return false;
	*out = v;
	return true;
}

static bool parse_keyframe(struct pf_linerate_options *o, const char *text)
{
	char *end;
	double bytes = strtod(text, &end);

	if (end == text || *end != ':' || !(bytes >= 0) || bytes > MAX_FRAME_BYTES)
		return false;
	o->keyframe_bytes = (uint32_t)bytes;
	return parse_number(end + 1, 0, 1e4, &o->keyframe_seconds);
}

static bool parse_delivery(struct pf_linerate_options *o, const char *text)
{
	for (unsigned d = 0; d < PF_DELIVERIES; d++) {
		if (strcmp(text, pf_delivery_name(d)))
			continue;
		o->delivery = d;
		return true;
	}
	return false;
}

enum {
	OPT_ADDRESS = 256,
	OPT_CONTROL,
	OPT_REPORT,
	OPT_BUFFER,
	OPT_ARRIVALS,
	OPT_MBIT,
	OPT_FPS,
	OPT_SECONDS,
	OPT_KEYFRAME,
	OPT_FIXED,
	OPT_FEC,
	OPT_SHARD,
	OPT_DELIVERY,
	OPT_SEED,
};

static bool take(struct pf_linerate_options *o, int c)
{
	double v;

	switch (c) {
	case OPT_ADDRESS:
		return parse_address(optarg, &o->address);
	case OPT_CONTROL:
		o->control = optarg;
		return true;
	case OPT_REPORT:
		o->report = optarg;
		return true;
	case OPT_BUFFER:
		if (!parse_number(optarg, 1, 1 << 30, &v))
			return false;
		o->buffer_bytes = (uint32_t)v;
		return true;
	case OPT_ARRIVALS:
		o->arrivals = optarg;
		return true;
	case OPT_MBIT:
		if (!parse_number(optarg, 0.001, 1e5, &v))
			return false;
		o->bps = (uint64_t)(v * 1e6);
		return true;
	case OPT_FPS:
		if (!parse_number(optarg, 1, 10000, &v))
			return false;
		o->fps = (uint32_t)v;
		return true;
	case OPT_SECONDS:
		return parse_number(optarg, 0.01, 1e5, &o->seconds);
	case OPT_KEYFRAME:
		return parse_keyframe(o, optarg);
	case OPT_FIXED:
		o->fixed = true;
		return true;
	case OPT_FEC:
		if (!parse_number(optarg, 0, 90, &v))
			return false;
		o->fec_percent = (uint8_t)v;
		return true;
	case OPT_SHARD:
		if (!parse_number(optarg, PF_SHARD_MIN, PF_SHARD_MAX, &v) || (unsigned)v % 2)
			return false;
		o->shard_bytes = (uint16_t)v;
		return true;
	case OPT_DELIVERY:
		return parse_delivery(o, optarg);
	case OPT_SEED:
		if (!parse_number(optarg, 0, 1e15, &v))
			return false;
		o->seed = (uint64_t)v;
		return true;
	default:
		return false;
	}
}

int pf_linerate_parse(
	struct pf_linerate_options *o, int argc, char *const *argv, struct pf_reason *why)
{
	static const struct option sends[] = {
		{ "to", required_argument, NULL, OPT_ADDRESS },
		{ "control", required_argument, NULL, OPT_CONTROL },
		{ "report", required_argument, NULL, OPT_REPORT },
		{ "buffer", required_argument, NULL, OPT_BUFFER },
		{ "mbit", required_argument, NULL, OPT_MBIT },
		{ "fps", required_argument, NULL, OPT_FPS },
		{ "seconds", required_argument, NULL, OPT_SECONDS },
		{ "keyframe", required_argument, NULL, OPT_KEYFRAME },
		{ "fixed", no_argument, NULL, OPT_FIXED },
		{ "fec", required_argument, NULL, OPT_FEC },
		{ "shard", required_argument, NULL, OPT_SHARD },
		{ "delivery", required_argument, NULL, OPT_DELIVERY },
		{ "seed", required_argument, NULL, OPT_SEED },
		{ 0 },
	};
	static const struct option receives[] = {
		{ "at", required_argument, NULL, OPT_ADDRESS },
		{ "control", required_argument, NULL, OPT_CONTROL },
		{ "report", required_argument, NULL, OPT_REPORT },
		{ "buffer", required_argument, NULL, OPT_BUFFER },
		{ "arrivals", required_argument, NULL, OPT_ARRIVALS },
		{ 0 },
	};
	int c;

	*o = (struct pf_linerate_options){ .bps = 1400000000,
		.fps = 240,
		.seconds = 10,
		.keyframe_bytes = 5000000,
		.keyframe_seconds = 2,
		.seed = 1,
		.fec_percent = PF_FEC_ADAPTIVE,
		.shard_bytes = 1408,
		.buffer_bytes = BUFFER_BYTES };
	if (argc < 2 || !strcmp(argv[1], "--help")) {
		o->help = argc >= 2;
		return o->help ? 0 : pf_reason_set(why, -EINVAL, "which role? See --help");
	}
	o->sends = !strcmp(argv[1], "send");
	if (!o->sends && strcmp(argv[1], "receive"))
		return pf_reason_set(why, -EINVAL, "%s: no such role, see --help", argv[1]);
	optind = 0;
	opterr = 0;
	argc--;
	argv++;
	while ((c = getopt_long(argc, argv, "+", o->sends ? sends : receives, NULL)) != -1) {
		if (c == '?')
			return pf_reason_set(why, -EINVAL,
				"%s: unknown option or value missing, see --help",
				argv[optind - 1]);
		if (!take(o, c))
			return pf_reason_set(
				why, -EINVAL, "%s: not understood, see --help", optarg);
	}
	if (optind < argc)
		return pf_reason_set(why, -EINVAL, "%s: unexpected, see --help", argv[optind]);
	if (!o->address.ss_family || !o->control)
		return pf_reason_set(
			why, -EINVAL, "give --%s and --control", o->sends ? "to" : "at");
	return 0;
}
