/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include "host/cmd/cmd.h"

const struct pf_cmd pf_commands[] = {
	{ "apps", "List, add, edit or remove what clients may launch.", pf_cmd_apps },
	{ "approve", "Let a client in that asks for access.", pf_cmd_approve },
	{ "arm", "Show a PIN with which one punktfunk client can pair.", pf_cmd_arm },
	{ "check", "Check the settings and say what is wrong with them.", pf_cmd_check },
	{ "clients", "List, rename or restrict the clients that are paired.", pf_cmd_clients },
	{ "config", "Print the settings in force as a file with every key explained.",
		pf_cmd_config },
	{ "console", "Say where the web console is, and make its password.", pf_cmd_console },
	{ "deny", "Refuse a client that asks for access.", pf_cmd_deny },
	{ "disarm", "Withdraw the PIN.", pf_cmd_disarm },
	{ "displays", "List where pictures come from and the desks; release one.",
		pf_cmd_displays },
	{ "doctor", "Say what keeps this machine from streaming, and what mends it.",
		pf_cmd_doctor },
	{ "encoders", "Try every video encoder and say which ones work.", pf_cmd_encoders },
	{ "events", "Print what happens on the running host, as it happens.", pf_cmd_events },
	{ "fingerprint", "Print the fingerprint that clients pin.", pf_cmd_fingerprint },
	{ "help", "Print this list, or the options of a command.", pf_cmd_help },
	{ "keyframe", "Make a session's next picture a keyframe.", pf_cmd_keyframe },
	{ "logs", "Print the newest log lines of the running host.", pf_cmd_logs },
	{ "pair", "Enter the PIN that a Moonlight client shows.", pf_cmd_pair },
	{ "pending", "List the clients that ask for access.", pf_cmd_pending },
	{ "serve", "Stream desktops to clients until ended by a signal.", pf_cmd_serve },
	{ "sessions", "List what streams, or set its bitrate.", pf_cmd_sessions },
	{ "settings", "Show or change the settings of the running host.", pf_cmd_settings },
	{ "stats", "Print figures of the sessions, or record them.", pf_cmd_stats },
	{ "status", "Say what the running host does.", pf_cmd_status },
	{ "stop", "End a session.", pf_cmd_stop },
	{ "unpair", "Take a client's access away.", pf_cmd_unpair },
	{ "version", "Print the version.", pf_cmd_version },
	{ 0 },
};

int pf_cmd_help(const struct pf_cmd *cmd, int argc, char **argv)
{
	char *help_argv[] = { NULL, (char *)"--help", NULL };

	if (argc > 1) {
		for (const struct pf_cmd *c = pf_commands; c->name; c++) {
			if (strcmp(c->name, argv[1]) || c->run == pf_cmd_help)
				continue;
			help_argv[0] = argv[1];
			return c->run(c, 2, help_argv);
		}
		if (strcmp(argv[1], "help")) {
			pf_complain("there is no command \"%s\"", argv[1]);
			return PF_EXIT_USAGE;
		}
	}
	printf("usage: punktfunk-host COMMAND [options]\n\ncommands:\n");
	for (const struct pf_cmd *c = pf_commands; c->name; c++)
		printf("  %-12s %s\n", c->name, c->summary);
	printf("\npunktfunk-host help COMMAND lists a command's options and all settings.\n");
	return PF_EXIT_OK;
}
