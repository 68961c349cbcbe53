/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "tools/impair/options.h"
#include "tools/impair/relay.h"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

static int write_report(const struct pf_relay *r, const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "we") : stdout;
	int bad;

	if (!f) {
		fprintf(stderr, "pf-impair: cannot write %s: %s\n", path, strerror(errno));
		return -1;
	}
	pf_relay_write_json(r, f);
	bad = f == stdout ? fflush(f) : fclose(f);
	if (bad)
		fprintf(stderr, "pf-impair: cannot write %s: %s\n", path, strerror(errno));
	return bad;
}

int main(int argc, char **argv)
{
	static struct pf_impair_options o;
	struct pf_relay *relay = NULL;
	struct pf_reason why = { 0 };
	FILE *talk;
	sigset_t set;
	int stop_fd, r;

	if (pf_impair_options_parse(&o, argc, argv, &why) < 0) {
		fprintf(stderr, "pf-impair: %s\n", why.text);
		return EXIT_USAGE;
	}
	if (o.help) {
		fputs(pf_impair_options_help(), stdout);
		return EXIT_OK;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	stop_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (stop_fd < 0) {
		fprintf(stderr, "pf-impair: signalfd: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	/* Timers at their time, not within the usual 50 us. */
	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	if (pf_relay_open(&relay, &o, &why) < 0) {
		fprintf(stderr, "pf-impair: %s\n", why.text);
		close(stop_fd);
		return EXIT_FAILED;
	}
	talk = o.report && !strcmp(o.report, "-") ? stderr : stdout;
	for (unsigned i = 0; i < o.map_count; i++) {
		char listen[64], to[64];

		fprintf(talk, "listening %s to %s\n",
			pf_impair_addr_to_string(
				pf_relay_listen_addr(relay, i), listen, sizeof(listen)),
			pf_impair_addr_to_string(&o.maps[i].to, to, sizeof(to)));
	}
	fflush(talk);
	r = pf_relay_run(relay, stop_fd);
	if (r < 0)
		fprintf(stderr, "pf-impair: %s\n", strerror(-r));
	pf_relay_write_summary(relay, talk);
	if (o.report && write_report(relay, o.report))
		r = -1;
	pf_relay_close(&relay);
	close(stop_fd);
	return r < 0 ? EXIT_FAILED : EXIT_OK;
}
