/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* punktfunk-probe: the headless reference and measuring client, on the public
 * header alone. */
#include <stdio.h>
#include <string.h>
#include "clients/probe/bench.h"
#include "clients/probe/connect.h"
#include "clients/probe/dial.h"
#include "clients/probe/discover.h"
#include "clients/probe/options.h"
#include "clients/probe/pair.h"
#include "clients/probe/speed.h"
#include "punktfunk_core.h"

static void on_log(void *user, int32_t level, const char *topic, const char *text)
{
	if (level <= PUNKTFUNK_LOG_WARN)
		fprintf(stderr, "%s: %s\n", topic, text);
}

static int usage(FILE *out, int code)
{
	fputs("usage: punktfunk-probe discover [options]\n"
	      "       punktfunk-probe connect HOST[:PORT] [options]\n"
	      "       punktfunk-probe pair HOST[:PORT] --pin DIGITS [options]\n"
	      "       punktfunk-probe request HOST[:PORT] [options]\n"
	      "       punktfunk-probe speed-test HOST[:PORT] [options]\n"
	      "       punktfunk-probe bench-connect HOST[:PORT] [--reconnect] [options]\n"
	      "       punktfunk-probe bench-mode HOST[:PORT] [options]\n"
	      "       punktfunk-probe --help | --version\n\n"
	      "discover: lists the hosts of the local network.\n"
	      "connect: connects to a punktfunk host, decodes and measures what it sends.\n"
	      "pair: makes this machine known to a host that shows a PIN.\n"
	      "request: asks a person at the host to let this machine in, and waits.\n"
	      "speed-test: measures what the way from a host to here carries.\n"
	      "bench-connect: connects again and again, and says how soon the first frame came.\n"
	      "bench-mode: changes the mode again and again, and says the same.\n\n",
		out);
	pf_probe_options_help(out);
	fputs("\nExit: 0 ok, 1 usage, 2 unreachable, 3 refused, 4 connection broke, "
	      "5 not verified,\n6 a file or decoder of this machine.\n",
		out);
	return code;
}

static const struct command {
	const char *name;
	enum pf_probe_command id;
	int (*run)(const struct pf_probe_options *options);
} commands[] = {
	{ "discover", PF_PROBE_CMD_DISCOVER, pf_probe_discover },
	{ "connect", PF_PROBE_CMD_CONNECT, pf_probe_connect },
	{ "pair", PF_PROBE_CMD_PAIR, pf_probe_pair },
	{ "request", PF_PROBE_CMD_REQUEST, pf_probe_request },
	{ "speed-test", PF_PROBE_CMD_SPEED, pf_probe_speed_test },
	{ "bench-connect", PF_PROBE_CMD_BENCH_CONNECT, pf_probe_bench_connect },
	{ "bench-mode", PF_PROBE_CMD_BENCH_MODE, pf_probe_bench_mode },
};

int main(int argc, char **argv)
{
	struct pf_probe_options options;
	char features[256];
	const struct command *command = NULL;

	if (argc < 2)
		return usage(stderr, PF_PROBE_USAGE);
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return usage(stdout, PF_PROBE_OK);
	if (!strcmp(argv[1], "--version")) {
		printf("punktfunk-probe %s (core interface %u; %s)\n", PF_PROBE_VERSION,
			punktfunk_abi_version(),
			punktfunk_cpu_features(features, sizeof(features)));
		return PF_PROBE_OK;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			command = &commands[i];
	if (!command) {
		fprintf(stderr, "punktfunk-probe: there is no command %s; see --help\n", argv[1]);
		return PF_PROBE_USAGE;
	}
	if (pf_probe_options_parse(&options, command->id, argc - 2, argv + 2, stderr))
		return PF_PROBE_USAGE;
	punktfunk_set_log_callback(on_log, NULL, PUNKTFUNK_LOG_WARN);
	return command->run(&options);
}
