/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf-bench: how fast the kernels and stages of the transport are, beside plain C,
 * a copy of the same bytes and, if given, other libraries. */
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/peer.h"
#include "tools/bench/report.h"

#define PEERS_MAX 8

struct settings {
	struct pf_bench_options options;
	const char *out;
	const char *peers[PEERS_MAX];
	size_t peer_count;
	int cpu; /* -1: the last one we may run on */
};

static int usage(FILE *out, int code)
{
	fputs("usage: pf-bench [options]\n"
	      "Times every kernel row and every stage of the transport; a table on stdout.\n\n"
	      "  --out FILE       report.json\n"
	      "  --kernel LIST    gf16_encode, gf16_decode, gf16_stream, gf8_encode, gf8_decode,\n"
	      "                   seal, open, send_frame, receive_frame\n"
	      "  --row LIST       avx512_gfni, avx2_gfni, avx2, ssse3, neon, c, auto\n"
	      "  --shape LIST     520+104 or 520+104x1408\n"
	      "  --peer FILE.so   another library behind tools/bench/peer.h; may be repeated\n"
	      "  --cpu N          run on this one; else on the last one allowed\n"
	      "  --quick          few repetitions of few shapes: only that all works\n\n"
	      "Lists have commas between. Exit 1 when bytes are not what they should be.\n",
		out);
	return code;
}

static int parse(struct settings *s, int argc, char **argv)
{
	static const struct option options[] = { { "out", required_argument, NULL, 'o' },
		{ "kernel", required_argument, NULL, 'k' }, { "row", required_argument, NULL, 'r' },
		{ "shape", required_argument, NULL, 's' }, { "peer", required_argument, NULL, 'p' },
		{ "cpu", required_argument, NULL, 'c' }, { "quick", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' }, { 0 } };
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			s->out = optarg;
			break;
		case 'k':
			s->options.kernels = optarg;
			break;
		case 'r':
			s->options.rows = optarg;
			break;
		case 's':
			s->options.shapes = optarg;
			break;
		case 'p':
			if (s->peer_count == PEERS_MAX)
				return -1;
			s->peers[s->peer_count++] = optarg;
			break;
		case 'c':
			s->cpu = (int)strtoul(optarg, &end, 10);
			if (end == optarg || *end || s->cpu < 0 || s->cpu >= CPU_SETSIZE)
				return -1;
			break;
		case 'q':
			s->options.quick = true;
			break;
		default:
			return c == 'h' ? 1 : -1;
		}
	}
	return optind == argc ? 0 : -1;
}

/* Before peers are loaded, whose threads are to share the processor. */
static int pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0) {
		if (sched_getaffinity(0, sizeof(set), &set))
			return -errno;
		for (int i = 0; i < CPU_SETSIZE; i++)
			if (CPU_ISSET(i, &set))
				cpu = i;
	}
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static bool well_named(const char *name)
{
	size_t n = name ? strlen(name) : 0;

	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) &&
			name[i] != '_' && name[i] != '-')
			return false;
	return n && n <= 16;
}

static const struct pf_bench_peer *load(const char *path)
{
	const struct pf_bench_peer *p;
	/* Without a slash the linker would look elsewhere. */
	char *real = realpath(path, NULL);
	void *lib = real ? dlopen(real, RTLD_NOW | RTLD_LOCAL) : NULL;

	if (!lib) {
		fprintf(stderr, "pf-bench: %s: %s\n", path, real ? dlerror() : strerror(errno));
		free(real);
		return NULL;
	}
	free(real);
	p = dlsym(lib, PF_BENCH_PEER_SYMBOL);
	if (!p || p->version != PF_BENCH_PEER_VERSION || !well_named(p->name) ||
		(p->bits != 8 && p->bits != 16) || !p->open || !p->close || !p->encode ||
		!p->decode) {
		fprintf(stderr, "pf-bench: %s: no peer as tools/bench/peer.h has it\n", path);
		return NULL;
	}
	return p;
}

int main(int argc, char **argv)
{
	static int (*const groups[])(struct pf_bench *) = { pf_bench_gf16, pf_bench_stream,
		pf_bench_gf8, pf_bench_seal, pf_bench_packets, pf_bench_pipeline };
	const struct pf_bench_peer *peers[PEERS_MAX];
	struct settings s = { .cpu = -1 };
	int r = parse(&s, argc, argv);
	struct pf_bench *b;

	if (r)
		return usage(r > 0 ? stdout : stderr, r > 0 ? 0 : 2);
	r = pin(s.cpu);
	if (r < 0) {
		fprintf(stderr, "pf-bench: cannot run on one CPU: %s\n", strerror(-r));
		return 1;
	}
	for (size_t i = 0; i < s.peer_count; i++)
		if (!(peers[i] = load(s.peers[i])))
			return 1;
	b = pf_bench_create(&s.options, peers, s.peer_count);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && !r; i++)
		r = groups[i](b);
	if (!r && !pf_bench_count(b)) {
		fputs("pf-bench: nothing measured: no case has such a kernel, row and shape here, "
		      "see --help\n",
			stderr);
		r = -1;
	}
	if (!r && s.out) {
		r = pf_bench_write(b, s.out);
		if (r)
			fprintf(stderr, "pf-bench: %s: %s\n", s.out, strerror(-r));
	}
	pf_bench_destroy(b);
	return r ? 1 : 0;
}
