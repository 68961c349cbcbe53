/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/options.h"
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "clients/probe/known.h"
#include "punktfunk_core.h"

enum kind { FLAG, TEXT, NUMBER, SECONDS, MODE, CODEC, CHANNELS, FINGERPRINT, TONES };

struct option {
	const char *name, *arg, *help;
	enum kind kind;
	size_t offset;
	double low, high;  /* NUMBER, SECONDS */
	size_t bytes;	   /* NUMBER: of the field */
	unsigned commands; /* beside connect */
	bool not_connect;
};

/* A host waits 180 s for a person; more leaves the last word to it. */
#define REQUEST_SECONDS 190
/* Answers come within one; the question is asked twice. */
#define DISCOVER_SECONDS 2

#define AT(field)  offsetof(struct pf_probe_options, field)
#define NUM(field) AT(field), .bytes = sizeof(((struct pf_probe_options *)0)->field)

#define BENCH (PF_PROBE_CMD_BENCH_CONNECT | PF_PROBE_CMD_BENCH_MODE)
/* A session of their own, and nothing else. */
#define SESSION (PF_PROBE_CMD_SPEED | BENCH)

static const struct option table[] = {
	{ "--mode", "WxH@HZ", "picture to ask for (1280x720@60)", MODE, AT(width),
		.commands = SESSION },
	{ "--bitrate", "KBPS", "video rate to ask for", NUMBER, NUM(bitrate_kbps), .low = 1,
		.high = 8000000, .commands = SESSION },
	{ "--codec", "NAME", "h264 (default), hevc or av1", CODEC, .commands = SESSION },
	{ "--audio-channels", "N", "2 (default), 6 or 8", CHANNELS },
	{ "--seconds", "N", "stop so long after the first picture", SECONDS, AT(seconds),
		.low = 0.1, .high = 864000 },
	{ "--frames", "N", "stop after so many frames", NUMBER, NUM(frames), .low = 1,
		.high = 1e12 },
	{ "--timeout", "N", "seconds to wait for hosts and for a picture (10; discover: 2)",
		SECONDS, AT(timeout), .low = 0.1, .high = 600,
		.commands = PF_PROBE_CMD_PAIR | PF_PROBE_CMD_REQUEST | SESSION |
			    PF_PROBE_CMD_DISCOVER },
	{ "--pin", "DIGITS", "pair: the PIN that the host shows", TEXT, AT(pin),
		.commands = PF_PROBE_CMD_PAIR, .not_connect = true },
	{ "--pin-fingerprint", "HEX", "accept only the host with this SHA-256", FINGERPRINT,
		.commands = PF_PROBE_CMD_REQUEST | SESSION },
	{ "--trust-first", NULL, "accept any host and print its fingerprint", FLAG, AT(trust_first),
		.commands = PF_PROBE_CMD_REQUEST | SESSION },
	{ "--identity", "FILE", "our key and certificate, made when missing", TEXT, AT(identity),
		.commands = PF_PROBE_CMD_PAIR | PF_PROBE_CMD_REQUEST | SESSION },
	{ "--name", "TEXT", "how the host shall call us", TEXT, AT(name),
		.commands = PF_PROBE_CMD_PAIR | PF_PROBE_CMD_REQUEST | SESSION },
	{ "--launch", "ID", "entry of the host's library to start", TEXT, AT(launch) },
	{ "--quit", NULL, "at the end, let the host drop the desktop", FLAG, AT(quit),
		.commands = SESSION },
	{ "--no-audio-copies", NULL, "have each frame of sound sent once only", FLAG,
		AT(no_audio_copies) },
	{ "--skip-held", NULL, "after a loss, take no frame that cannot be shown", FLAG,
		AT(skip_held) },
	{ "--even-out", NULL, "let frames wait up to one interval, to come evenly", FLAG,
		AT(even_out) },
	{ "--dump", "FILE", "write the access units as they came", TEXT, AT(dump) },
	{ "--mp4", "FILE", "write video and sound as they came", TEXT, AT(mp4) },
	{ "--wav", "FILE", "write the decoded sound", TEXT, AT(wav) },
	{ "--png", "FILE", "write a decoded picture: the last one, or", TEXT, AT(png) },
	{ "--png-at", "N", "the one N seconds after the first", SECONDS, AT(png_at), .low = 0,
		.high = 864000 },
	{ "--type", "TEXT", "type this, a second after the first picture", TEXT, AT(type) },
	{ "--pointer-path", NULL, "move the pointer round and round", FLAG, AT(pointer_path) },
	{ "--input-script", "FILE", "send the input written there", TEXT, AT(input_script) },
	{ "--mic-tone", "HZ", "speak: send this tone as from a microphone", SECONDS, AT(mic_tone),
		.low = 50, .high = 12000 },
	{ "--expect-content", NULL, "wait for a picture that is not of one colour", FLAG,
		AT(expect_content) },
	{ "--verify", NULL, "fail unless the pictures are what they should be", FLAG, AT(verify) },
	{ "--max-not-shown", "N", "with --verify: fail when more frames are missing", NUMBER,
		NUM(max_not_shown), .low = 0, .high = 1e12 },
	{ "--expect-tone", "HZ[,HZ...]", "fail unless these rule the first channels", TONES,
		.low = 50, .high = 12000 },
	{ "--reject-tone", "HZ", "fail when this tone is in the sound", SECONDS, AT(reject_tone),
		.low = 50, .high = 12000 },
	{ "--target", "KBPS", "speed-test: filler to send (2000000)", NUMBER, NUM(target_kbps),
		.low = 1, .high = 10000000, .commands = PF_PROBE_CMD_SPEED, .not_connect = true },
	{ "--duration", "MS", "speed-test: how long (800)", NUMBER, NUM(duration_ms), .low = 1,
		.high = 5000, .commands = PF_PROBE_CMD_SPEED, .not_connect = true },
	{ "--rounds", "N", "bench-...: how often (12)", NUMBER, NUM(rounds), .low = 1, .high = 1000,
		.commands = BENCH, .not_connect = true },
	{ "--pause", "N", "bench-...: seconds between the rounds", SECONDS, AT(pause), .low = 0,
		.high = 600, .commands = BENCH, .not_connect = true },
	{ "--reconnect", NULL, "bench-connect: come back to the desktop left before", FLAG,
		AT(reconnect), .commands = PF_PROBE_CMD_BENCH_CONNECT, .not_connect = true },
	{ "--to", "WxH@HZ", "bench-mode: the other mode (1024x768@60)", MODE, AT(to_width),
		.commands = PF_PROBE_CMD_BENCH_MODE, .not_connect = true },
	{ "--json", NULL, "print the report as JSON", FLAG, AT(json),
		.commands = PF_PROBE_CMD_PAIR | PF_PROBE_CMD_REQUEST | SESSION |
			    PF_PROBE_CMD_DISCOVER },
	{ "--quiet", NULL, "print nothing but errors", FLAG, AT(quiet),
		.commands = PF_PROBE_CMD_PAIR | PF_PROBE_CMD_REQUEST | SESSION |
			    PF_PROBE_CMD_DISCOVER },
};

void pf_probe_options_help(FILE *out)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct option *o = &table[i];
		char left[40];

		snprintf(left, sizeof(left), "%s%s%s", o->name, o->arg ? " " : "",
			o->arg ? o->arg : "");
		fprintf(out, "  %-24s %s\n", left, o->help);
	}
}

/* Width, height and rate follow each other. */
static int take_mode(uint32_t *field, const char *text)
{
	unsigned w, h, hz;
	int end = 0;

	if (sscanf(text, "%5ux%5u@%4u%n", &w, &h, &hz, &end) != 3 || text[end] || !w || !h || !hz)
		return -1;
	field[0] = w;
	field[1] = h;
	field[2] = hz;
	return 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* 64 digits, with or without colons. */
static int take_fingerprint(struct pf_probe_options *o, const char *text)
{
	unsigned n = 0;

	for (; *text; text++) {
		if (*text == ':')
			continue;
		if (!isxdigit((unsigned char)*text) || n == 64)
			return -1;
		if (n % 2)
			o->fingerprint[n / 2] |= (uint8_t)hex_digit(*text);
		else
			o->fingerprint[n / 2] = (uint8_t)(hex_digit(*text) << 4);
		n++;
	}
	o->pinned = n == 64;
	return n == 64 ? 0 : -1;
}

static int take_number(const struct option *opt, void *field, const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= opt->low && v <= opt->high))
		return -1;
	if (opt->kind == SECONDS)
		*(double *)field = v;
	else if (opt->bytes == 4)
		*(uint32_t *)field = (uint32_t)v;
	else
		*(uint64_t *)field = (uint64_t)v;
	return 0;
}

static int take_tones(struct pf_probe_options *o, const struct option *opt, const char *text)
{
	unsigned n = 0;
	char *end;

	do {
		double hz = strtod(text, &end);

		if (n == 8 || end == text || !(hz >= opt->low && hz <= opt->high))
			return -1;
		o->expect_tone[n++] = hz;
		text = end + 1;
	} while (*end == ',');
	return *end ? -1 : 0;
}

static int take(struct pf_probe_options *o, const struct option *opt, const char *text)
{
	void *field = (char *)o + opt->offset;

	switch (opt->kind) {
	case FLAG:
		*(bool *)field = true;
		return 0;
	case TEXT:
		*(const char **)field = text;
		return 0;
	case MODE:
		return take_mode(field, text);
	case FINGERPRINT:
		return take_fingerprint(o, text);
	case CODEC:
		o->codec = !strcmp(text, "h264")   ? PUNKTFUNK_CODEC_H264
			   : !strcmp(text, "hevc") ? PUNKTFUNK_CODEC_HEVC
			   : !strcmp(text, "av1")  ? PUNKTFUNK_CODEC_AV1
						   : 0;
		return o->codec ? 0 : -1;
	case TONES:
		return take_tones(o, opt, text);
	case CHANNELS:
		o->channels = (uint8_t)(strlen(text) == 1 ? text[0] - '0' : 0);
		return o->channels == 2 || o->channels == 6 || o->channels == 8 ? 0 : -1;
	default:
		return take_number(opt, field, text);
	}
}

/* HOST, HOST:PORT, ADDRESS6, [ADDRESS6]:PORT */
static int take_host(struct pf_probe_options *o, const char *text)
{
	const char *colon = strrchr(text, ':'), *close = strrchr(text, ']');
	size_t len = strlen(text);
	unsigned long port = 0;
	char *end;

	if (colon && (close ? colon > close : strchr(text, ':') == colon)) {
		port = strtoul(colon + 1, &end, 10);
		if (!isdigit((unsigned char)colon[1]) || *end || !port || port > 65535)
			return -1;
		len = (size_t)(colon - text);
	}
	if (text[0] == '[') {
		if (!close || text + len != close + 1)
			return -1;
		text++;
		len -= 2;
	}
	if (!len || len >= sizeof(o->host))
		return -1;
	memcpy(o->host, text, len);
	o->host[len] = '\0';
	o->port = (uint16_t)port;
	return 0;
}

static const struct option *find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strlen(table[i].name) == len && !memcmp(table[i].name, name, len))
			return &table[i];
	return NULL;
}

static const char *command_name(enum pf_probe_command command)
{
	return command == PF_PROBE_CMD_PAIR	       ? "pair"
	       : command == PF_PROBE_CMD_REQUEST       ? "request"
	       : command == PF_PROBE_CMD_SPEED	       ? "speed-test"
	       : command == PF_PROBE_CMD_DISCOVER      ? "discover"
	       : command == PF_PROBE_CMD_BENCH_CONNECT ? "bench-connect"
	       : command == PF_PROBE_CMD_BENCH_MODE    ? "bench-mode"
						       : "connect";
}

static bool takes(const struct option *opt, enum pf_probe_command command)
{
	return command == PF_PROBE_CMD_CONNECT ? !opt->not_connect : opt->commands & command;
}

/* What pairing made and keeps. */
static bool take_own_identity(struct pf_probe_options *o)
{
	if (o->identity)
		return true;
	if (pf_known_path(o->own_identity, sizeof(o->own_identity), "identity.pem"))
		return false;
	o->identity = o->own_identity;
	return true;
}

/* pair and request. */
static int check_stranger(struct pf_probe_options *o, FILE *err)
{
	if (!o->pin && o->command == PF_PROBE_CMD_PAIR)
		return fputs("punktfunk-probe: pair needs --pin DIGITS, as the host shows them: "
			     "punktfunk-host arm\n",
			       err),
		       -1;
	if (!take_own_identity(o))
		return fputs("punktfunk-probe: no place for our key: set HOME or XDG_DATA_HOME, or "
			     "name one with --identity FILE\n",
			       err),
		       -1;
	return 0;
}

static int check(struct pf_probe_options *o, FILE *err)
{
	if (o->json && o->quiet)
		return fputs("punktfunk-probe: --json and --quiet exclude each other\n", err), -1;
	if (o->command == PF_PROBE_CMD_DISCOVER)
		return o->host[0]
		       ? fputs("punktfunk-probe: discover asks all hosts; name none\n", err),
		       -1 : 0;
	if (!o->host[0]) {
		fprintf(err, "punktfunk-probe: %s needs a host: %s HOST[:PORT]\n",
			command_name(o->command), command_name(o->command));
		return -1;
	}
	if (o->command == PF_PROBE_CMD_PAIR)
		return check_stranger(o, err);
	if (o->command == PF_PROBE_CMD_REQUEST && check_stranger(o, err))
		return -1;
	if (!o->pinned && !o->trust_first && !pf_known_find(o->fingerprint, o->host, o->port))
		o->pinned = take_own_identity(o);
	if (!o->pinned && !o->trust_first)
		return fputs("punktfunk-probe: say whom to trust: --pin-fingerprint HEX or "
			     "--trust-first, or pair first\n",
			       err),
		       -1;
	if (o->pinned && o->trust_first)
		return fputs("punktfunk-probe: --pin-fingerprint and --trust-first exclude each "
			     "other\n",
			       err),
		       -1;
	if (o->command == PF_PROBE_CMD_BENCH_MODE && o->width == o->to_width &&
		o->height == o->to_height)
		return fputs("punktfunk-probe: --mode and --to must differ in size, or their "
			     "pictures cannot be told apart\n",
			       err),
		       -1;
	if (o->png_at >= 0 && !o->png)
		return fputs("punktfunk-probe: --png-at needs --png FILE\n", err), -1;
	return 0;
}

static void complain(const struct option *o, const char *value, FILE *err)
{
	fprintf(err, "punktfunk-probe: %s: \"%s\" is not ", o->name, value);
	if (o->kind == CHANNELS)
		fputs("2, 6 or 8\n", err);
	else if (o->kind == CODEC)
		fputs("h264, hevc or av1\n", err);
	else if (o->kind == NUMBER || o->kind == SECONDS)
		fprintf(err, "a number from %.15g to %.15g\n", o->low, o->high);
	else
		fprintf(err, "%s\n", o->arg);
}

int pf_probe_options_parse(
	struct pf_probe_options *o, enum pf_probe_command command, int argc, char **argv, FILE *err)
{
	*o = (struct pf_probe_options){ .command = command,
		.width = 1280,
		.height = 720,
		.refresh_hz = 60,
		.to_width = 1024,
		.to_height = 768,
		.to_refresh_hz = 60,
		.pause = -1,
		.codec = PUNKTFUNK_CODEC_H264,
		.channels = 2,
		.timeout = command == PF_PROBE_CMD_REQUEST    ? REQUEST_SECONDS
			   : command == PF_PROBE_CMD_DISCOVER ? DISCOVER_SECONDS
							      : 10,
		.png_at = -1,
		.max_not_shown = -1 };
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i], *value = NULL, *eq = strchr(word, '=');
		const struct option *opt;

		if (word[0] != '-') {
			if (o->host[0] || take_host(o, word)) {
				fprintf(err,
					"punktfunk-probe: \"%s\" is no host; write HOST, HOST:PORT "
					"or [ADDRESS]:PORT, once\n",
					word);
				return -1;
			}
			continue;
		}
		opt = find(word, eq ? (size_t)(eq - word) : strlen(word));
		if (!opt || (eq && !opt->arg)) {
			fprintf(err, "punktfunk-probe: there is no option %s; see --help\n", word);
			return -1;
		}
		if (!takes(opt, command)) {
			fprintf(err, "punktfunk-probe: %s is not for %s; see --help\n", opt->name,
				command_name(command));
			return -1;
		}
		if (opt->arg) {
			value = eq ? eq + 1 : i + 1 < argc ? argv[++i] : NULL;
			if (!value) {
				fprintf(err, "punktfunk-probe: %s needs %s\n", opt->name, opt->arg);
				return -1;
			}
		}
		if (take(o, opt, value)) {
			complain(opt, value, err);
			return -1;
		}
	}
	return check(o, err);
}
