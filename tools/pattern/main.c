/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf-pattern - test content with a clock strip, and a counter of input.
 *
 * Runs in the display under test as an ordinary client: what it draws can be
 * timed at the other end of the stream, what it receives shows that input
 * arrived. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "tools/pattern/report.h"
#include "tools/pattern/seat.h"
#include "tools/pattern/window.h"

#define GAP_MIN_NS   (40 * PF_NS_PER_MS)
#define GAP_RANGE_NS (80 * PF_NS_PER_MS)
#define REPORT_NS    (100 * PF_NS_PER_MS)
#define TIMEOUT_MS   10000

enum mode {
	MODE_ANIMATE,
	MODE_ISOLATED,
	MODE_STILL,
};

struct options {
	enum mode mode;
	double hz; /* 0 = the compositor's frame callbacks */
	uint64_t seed;
	double duration_s; /* 0 = until SIGTERM or the compositor ends */
	const char *report;
	bool print_modes;
	struct pf_window_params window;
};

static const char usage[] =
	"usage: pf-pattern [options]\n"
	"  --mode MODE       animate (default), isolated (random gaps of 40 to 120 ms), still\n"
	"  --content WHAT    scroll (the whole picture; default of animate) or box\n"
	"  --hz N            animate by the clock instead of the compositor's frame callbacks\n"
	"  --seed N          of the random gaps\n"
	"  --size WxH        a window no larger than this instead of full screen\n"
	"  --output NAME     full screen on this output\n"
	"  --duration S      end by itself\n"
	"  --report FILE     JSON: frames drawn, mode seen, input received; rewritten as it "
	"changes\n"
	"  --print-modes     print \"NAME WxH@mHz\" of each output and end\n";

static int parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "content", required_argument, NULL, 'c' },
		{ "hz", required_argument, NULL, 'z' },
		{ "seed", required_argument, NULL, 's' },
		{ "size", required_argument, NULL, 'w' },
		{ "output", required_argument, NULL, 'o' },
		{ "duration", required_argument, NULL, 'd' },
		{ "report", required_argument, NULL, 'r' },
		{ "print-modes", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool content = false;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		bool ok = true;

		switch (c) {
		case 'm':
			if (!strcmp(optarg, "animate"))
				o->mode = MODE_ANIMATE;
			else if (!strcmp(optarg, "isolated"))
				o->mode = MODE_ISOLATED;
			else if (!strcmp(optarg, "still"))
				o->mode = MODE_STILL;
			else
				ok = false;
			break;
		case 'c':
			content = true;
			if (!strcmp(optarg, "scroll"))
				o->window.content = PF_CONTENT_SCROLL;
			else if (!strcmp(optarg, "box"))
				o->window.content = PF_CONTENT_BOX;
			else
				ok = false;
			break;
		case 'z':
			o->hz = strtod(optarg, NULL);
			ok = o->hz > 0 && o->hz <= 1000;
			break;
		case 's':
			o->seed = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			ok = sscanf(optarg, "%ux%u", &o->window.width, &o->window.height) == 2 &&
			     o->window.width >= 16 && o->window.width <= 16384 &&
			     o->window.height >= 16 && o->window.height <= 16384;
			break;
		case 'o':
			o->window.output = optarg;
			break;
		case 'd':
			o->duration_s = strtod(optarg, NULL);
			ok = o->duration_s > 0;
			break;
		case 'r':
			o->report = optarg;
			break;
		case 'p':
			o->print_modes = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			return -EINVAL;
		}
		if (!ok) {
			fprintf(stderr, "pf-pattern: bad value '%s'\n%s", optarg, usage);
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "pf-pattern: unexpected '%s'\n%s", argv[optind], usage);
		return -EINVAL;
	}
	if (!content)
		o->window.content = o->mode == MODE_ANIMATE ? PF_CONTENT_SCROLL : PF_CONTENT_BOX;
	return 0;
}

/* The absolute path of $WAYLAND_DISPLAY's socket; 0 or -ENOENT. */
static int socket_path(char *out, size_t cap)
{
	const char *name = getenv("WAYLAND_DISPLAY"), *dir = getenv("XDG_RUNTIME_DIR");

	if (!name || !*name)
		name = "wayland-0";
	if (name[0] == '/')
		snprintf(out, cap, "%s", name);
	else if (dir)
		snprintf(out, cap, "%s/%s", dir, name);
	else
		return -ENOENT;
	return 0;
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* When the frame after one drawn at `now` is due; UINT64_MAX = not by the clock. */
static uint64_t next_due(struct options *o, uint64_t due, uint64_t now)
{
	uint64_t period;

	switch (o->mode) {
	case MODE_ISOLATED:
		return now + GAP_MIN_NS + next_random(&o->seed) % GAP_RANGE_NS;
	case MODE_ANIMATE:
		if (o->hz == 0)
			return UINT64_MAX;
		period = (uint64_t)(1e9 / o->hz);
		return due + period > now ? due + period : now + period;
	default:
		return UINT64_MAX;
	}
}

static int ms_until(uint64_t when, uint64_t now)
{
	if (when <= now)
		return 0;
	if (when - now > 3600 * PF_NS_PER_S)
		return -1;
	return (int)((when - now + PF_NS_PER_MS - 1) / PF_NS_PER_MS);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int run(struct options *o, struct pf_wl *wl, struct pf_window *w, int sigfd,
	struct pf_report *report)
{
	const uint64_t start = pf_clock_mono_ns();
	const uint64_t end =
		o->duration_s > 0 ? start + (uint64_t)(o->duration_s * 1e9) : UINT64_MAX;
	uint64_t due = UINT64_MAX, report_due = start;
	struct pf_report written = { 0 };
	int r = 0;

	while (!w->closed) {
		uint64_t now = pf_clock_mono_ns();
		const bool callbacks = o->mode == MODE_ANIMATE && o->hz == 0;

		if (now >= end)
			break;
		if (w->configured && (w->resized || now >= due || (callbacks && w->may_draw))) {
			if (pf_window_draw(w))
				due = next_due(o, due == UINT64_MAX ? now : due, now);
			else
				due = least(due, now + PF_NS_PER_MS);
		}
		if (o->report && now >= report_due) {
			pf_window_report_mode(w);
			if (memcmp(report, &written, sizeof(written))) {
				written = *report;
				(void)pf_report_write(report, o->report);
			}
			report_due = now + REPORT_NS;
		}
		now = pf_clock_mono_ns();
		r = pf_wl_wait(wl, sigfd,
			ms_until(least(least(due, end), o->report ? report_due : UINT64_MAX), now));
		if (r < 0 || r & PF_WL_EXTRA)
			break;
	}
	pf_window_report_mode(w);
	/* A compositor that ends under us is the usual end of a test. */
	return r == -EPROTO ? r : 0;
}

static void print_modes(struct pf_wl *wl)
{
	for (unsigned i = 0; i < PF_WL_OUTPUTS; i++) {
		const struct pf_wl_output *out = &wl->outputs[i];

		if (out->proxy && out->complete)
			printf("%s %dx%d@%u\n", out->name, out->rect.w, out->rect.h,
				out->refresh_mhz);
	}
}

int main(int argc, char **argv)
{
	struct options o = { .seed = 1 };
	struct pf_wl *wl = NULL;
	struct pf_window w = { 0 };
	struct pf_seat seat = { 0 };
	struct pf_report report = { 0 };
	struct pf_reason why = { 0 };
	char path[256];
	sigset_t stop;
	int sigfd, r;

	if (parse(&o, argc, argv))
		return 2;
	if (socket_path(path, sizeof(path))) {
		fputs("pf-pattern: neither WAYLAND_DISPLAY nor XDG_RUNTIME_DIR is set\n", stderr);
		return 1;
	}
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	sigfd = signalfd(-1, &stop, SFD_CLOEXEC);
	r = pf_wl_open(&wl, path, TIMEOUT_MS, &why);
	if (r) {
		fprintf(stderr, "pf-pattern: %s\n", why.text);
		return 1;
	}
	if (o.print_modes) {
		print_modes(wl);
		pf_wl_close(wl);
		return 0;
	}
	pf_seat_open(&seat, wl, &report);
	r = pf_window_open(&w, wl, &o.window, &report, &why);
	if (r)
		fprintf(stderr, "pf-pattern: %s\n", why.text);
	else
		r = run(&o, wl, &w, sigfd, &report);
	if (o.report && pf_report_write(&report, o.report)) {
		fprintf(stderr, "pf-pattern: cannot write %s\n", o.report);
		r = -EIO;
	}
	pf_seat_close(&seat);
	pf_window_close(&w);
	pf_wl_close(wl);
	close(sigfd);
	return r ? 1 : 0;
}
