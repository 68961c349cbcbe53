/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf-latency-probe: frames of a given size and rate through a real sender and a real
 * receiver, and where their time goes.
 *
 * Three threads of ours beside those of the core: one submits, the main one takes
 * frames as an application would. The stages come from the stamps of the core, all
 * of CLOCK_MONOTONIC; the whole, which they have to add up to, is timed apart, with
 * CLOCK_MONOTONIC_RAW around it. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/net/os_linux.h"
#include "core/net/receiver.h"
#include "core/net/sender.h"
#include "core/net/udp.h"
#include "tools/bench/bed.h"
#include "tools/latency-probe/stages.h"

#define GAP_MAX_PPM 10000u /* 1 % */
#define PATIENCE_MS 1000u
#define FRAMES_MAX  1000000u
#define BYTES_MAX   (64u << 20)
#define SHARD	    1408
#define FRAME_LIMIT 65536u /* the least that the core allows */
#define BESIDE	    3u

struct settings {
	uint32_t frames, bytes, rate_hz, bitrate_kbps, parity;
	bool netns;
	const char *json;
};

struct record {
	struct pf_probe_stamps at;
	uint64_t called_raw_ns, taken_raw_ns;
	uint32_t recovered;
	bool taken;
	atomic_bool sent;
};

struct probe {
	struct settings set;
	struct pf_sender *sender;
	struct pf_receiver *receiver;
	struct record *records;
	uint8_t *frame;
	atomic_uint refused; /* by submit */
	atomic_bool done;    /* all are submitted */
};

/* What the run came to; times sorted. */
struct result {
	uint32_t count, lost, recovered;
	uint64_t *stage[PF_STAGES], *total, *beside[BESIDE];
	uint64_t gap_max_ppm;
	uint32_t untiled;
};

/* Overlap with the stages: no part of the sum. */
static const char *const beside_names[BESIDE] = { "first_packet", "whole_send", "whole_arrival" };

/* Both clocks at one time: again if something came between. */
static void now(uint64_t *mono_ns, uint64_t *raw_ns)
{
	for (unsigned tries = 0; tries < 10; tries++) {
		struct timespec ts;

		*mono_ns = pf_clock_mono_ns();
		clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		*raw_ns = (uint64_t)ts.tv_sec * PF_NS_PER_S + (uint64_t)ts.tv_nsec;
		if (pf_clock_mono_ns() - *mono_ns < 500)
			return;
	}
}

/* --- the run --- */

static void on_sent(void *user, const struct pf_sent_frame *f)
{
	struct probe *p = user;
	struct record *r = &p->records[f->frame_index % p->set.frames];

	r->at.submit_ns = f->submit_ns;
	r->at.start_ns = f->start_ns;
	r->at.sealed_ns = f->sealed_ns;
	r->at.sent_ns = f->sent_ns;
	atomic_store_explicit(&r->sent, true, memory_order_release);
}

static void *submit_all(void *arg)
{
	struct probe *p = arg;
	uint64_t begin = pf_clock_mono_ns() + 20 * PF_NS_PER_MS;

	for (uint32_t i = 0; i < p->set.frames; i++) {
		struct record *r = &p->records[i];
		struct pf_sender_frame f = {
			.data = p->frame,
			.len = p->set.bytes,
			.pts_unix_ns = pf_clock_unix_ns(),
			.user_flags = PF_USER_IDR,
		};

		pf_sleep_until_ns(begin + i * PF_NS_PER_S / p->set.rate_hz);
		/* Both ends of the frame differ from those of the one before. */
		memcpy(p->frame, &i, sizeof(i));
		memcpy(p->frame + p->set.bytes - sizeof(i), &i, sizeof(i));
		now(&r->at.called_ns, &r->called_raw_ns);
		if (pf_sender_submit(p->sender, &f))
			atomic_fetch_add(&p->refused, 1);
	}
	atomic_store(&p->done, true);
	return NULL;
}

/* False if the bytes are not those that were submitted. */
static bool note_frame(struct probe *p, const struct pf_received_frame *f)
{
	struct record *r = &p->records[f->frame_index % p->set.frames];
	uint32_t tail;

	now(&r->at.taken_ns, &r->taken_raw_ns);
	r->at.first_ns = f->first_ns;
	r->at.last_ns = f->last_ns;
	r->at.completed_ns = f->completed_ns;
	r->recovered = f->shards_recovered;
	r->taken = true;
	memcpy(&tail, f->data + f->len - sizeof(tail), sizeof(tail));
	return f->len == p->set.bytes && tail == f->frame_index &&
	       !memcmp(f->data, &tail, sizeof(tail));
}

static int run(struct probe *p)
{
	struct pf_received_frame f;
	pthread_t submitter;
	bool same = true;
	uint32_t got = 0;
	int err = pthread_create(&submitter, NULL, submit_all, p);

	if (err)
		return -err;
	while (got + atomic_load(&p->refused) < p->set.frames) {
		bool last = atomic_load(&p->done);

		if (!pf_receiver_next(p->receiver, &f, last ? PATIENCE_MS : 100)) {
			same = note_frame(p, &f) && same;
			got++;
		} else if (last) {
			break;
		}
	}
	pthread_join(submitter, NULL);
	return same ? 0 : -EBADMSG;
}

static int local_sockets(int *tx, int *rx)
{
	struct sockaddr_storage peer = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&peer;
	int err = pf_udp_open("127.0.0.1", 0, rx);

	if (!err)
		err = pf_udp_open("127.0.0.1", 0, tx);
	if (err)
		return err;
	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v4->sin_port = htons(pf_udp_port(*rx));
	return pf_udp_connect(*tx, &peer);
}

static int open_sockets(const struct probe *p, struct pf_bench_bed *bed, int *tx, int *rx)
{
	char why[128];
	int err;

	if (p->set.netns) {
		if (pf_bench_bed_open(bed, why, sizeof(why))) {
			fprintf(stderr, "pf-latency-probe: --netns: %s\n", why);
			return -1;
		}
		err = pf_bench_bed_sockets(bed, PF_BENCH_VETH, tx, rx);
	} else {
		err = local_sockets(tx, rx);
	}
	if (err)
		fprintf(stderr, "pf-latency-probe: no sockets: %s\n", strerror(-err));
	return err;
}

static int start(struct probe *p, struct pf_bench_bed *bed)
{
	static const struct pf_sender_events events = { .sent = on_sent };
	uint32_t limit = p->set.bytes > FRAME_LIMIT ? p->set.bytes : FRAME_LIMIT;
	struct pf_media_keys keys = { .alg = PF_AEAD_AES128_GCM };
	struct pf_sender_params sp = {
		.format = PF_SENDER_PF1,
		.max_frame_bytes = limit,
		.bitrate_kbps = p->set.bitrate_kbps,
		.keys = keys,
		.direction = PF_FROM_HOST,
		.shard_bytes = SHARD,
		.max_data_per_block = 4096,
		.fec_percent = (uint8_t)p->set.parity,
		.welcome_percent = 50,
		.events = &events,
		.user = p,
	};
	struct pf_receiver_params rp = {
		.keys = keys,
		.direction = PF_FROM_HOST,
		.shard_bytes = SHARD,
		.max_data_per_block = 4096,
		.max_frame_bytes = limit,
	};
	struct pf_reason why = { 0 };
	int err = open_sockets(p, bed, &sp.fd, &rp.fd);

	if (!err)
		err = pf_receiver_create(&p->receiver, &rp, &why);
	else
		return err;
	if (!err)
		err = pf_sender_create(&p->sender, &sp, &why);
	if (err)
		fprintf(stderr, "pf-latency-probe: %s\n", why.text);
	return err;
}

/* --- the result --- */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void add_frame(struct result *out, const struct record *r)
{
	uint64_t total = r->taken_raw_ns - r->called_raw_ns, stages[PF_STAGES], gap;
	const struct pf_probe_stamps *at = &r->at;
	uint32_t n = out->count++;

	pf_probe_stages(at, stages);
	gap = pf_probe_gap_ppm(stages, total);
	out->untiled += gap > GAP_MAX_PPM;
	out->gap_max_ppm = gap > out->gap_max_ppm ? gap : out->gap_max_ppm;
	for (unsigned i = 0; i < PF_STAGES; i++)
		out->stage[i][n] = stages[i];
	out->total[n] = total;
	out->beside[0][n] = at->first_ns > at->sealed_ns ? at->first_ns - at->sealed_ns : 0;
	out->beside[1][n] = at->sent_ns - at->start_ns;
	out->beside[2][n] = at->last_ns - at->first_ns;
	out->recovered += r->recovered;
}

static bool result_make(struct result *out, const struct probe *p)
{
	uint32_t frames = p->set.frames;
	uint64_t *all = calloc((PF_STAGES + 1 + BESIDE) * (size_t)frames, sizeof(*all));

	if (!all)
		return false;
	*out = (struct result){ .total = all };
	for (unsigned i = 0; i < PF_STAGES; i++)
		out->stage[i] = all + (i + 1) * (size_t)frames;
	for (unsigned i = 0; i < BESIDE; i++)
		out->beside[i] = all + (i + 1 + PF_STAGES) * (size_t)frames;
	for (uint32_t i = 0; i < frames; i++) {
		const struct record *r = &p->records[i];

		if (r->taken && atomic_load_explicit(&r->sent, memory_order_acquire))
			add_frame(out, r);
		else
			out->lost++;
	}
	for (unsigned i = 0; i < PF_STAGES; i++)
		qsort(out->stage[i], out->count, sizeof(*all), compare);
	for (unsigned i = 0; i < BESIDE; i++)
		qsort(out->beside[i], out->count, sizeof(*all), compare);
	qsort(out->total, out->count, sizeof(*all), compare);
	return true;
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static double mean_us(const uint64_t *v, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += us(v[i]);
	return sum / n;
}

static void print_line(const char *name, const uint64_t *v, uint32_t n, double whole)
{
	printf("  %-14s %10.1f %10.1f %10.1f", name, mean_us(v, n),
		us(pf_probe_permille(v, n, 500)), us(pf_probe_permille(v, n, 990)));
	if (whole > 0)
		printf(" %6.1f %%", 100 * mean_us(v, n) / whole);
	printf("\n");
}

static void print_table(const struct result *r, const struct probe *p)
{
	double whole = mean_us(r->total, r->count);

	printf("%u frames of %u bytes at %u Hz: %u whole, %u not, %u shards recovered\n\n",
		p->set.frames, p->set.bytes, p->set.rate_hz, r->count, r->lost, r->recovered);
	printf("  %-14s %10s %10s %10s\n", "us", "mean", "p50", "p99");
	for (unsigned i = 0; i < PF_STAGES; i++)
		print_line(pf_probe_stage_name(i), r->stage[i], r->count, whole);
	print_line("total", r->total, r->count, whole);
	printf("\n  beside it, at the same time:\n");
	for (unsigned i = 0; i < BESIDE; i++)
		print_line(beside_names[i], r->beside[i], r->count, 0);
	printf("\nstages against the total: off by %.3f %% at most\n",
		(double)r->gap_max_ppm / 1e4);
}

static void json_line(FILE *f, const char *name, const uint64_t *v, uint32_t n, const char *end)
{
	fprintf(f, "\"%s\":{\"mean_us\":%.3f,\"p50_us\":%.3f,\"p99_us\":%.3f}%s\n", name,
		mean_us(v, n), us(pf_probe_permille(v, n, 500)), us(pf_probe_permille(v, n, 990)),
		end);
}

static int write_json(const struct result *r, const struct probe *p)
{
	bool to_stdout = !strcmp(p->set.json, "-");
	FILE *f = to_stdout ? stdout : fopen(p->set.json, "w");
	int err;

	if (!f) {
		fprintf(stderr, "pf-latency-probe: %s: %s\n", p->set.json, strerror(errno));
		return -1;
	}
	fprintf(f,
		"{\"frames\":%u,\"bytes\":%u,\"rate_hz\":%u,\"bitrate_kbps\":%u,\"netns\":%s,\n"
		"\"whole\":%u,\"not_whole\":%u,\"shards_recovered\":%u,\"gap_max_ppm\":%llu,\n"
		"\"stages\":{\n",
		p->set.frames, p->set.bytes, p->set.rate_hz, p->set.bitrate_kbps,
		p->set.netns ? "true" : "false", r->count, r->lost, r->recovered,
		(unsigned long long)r->gap_max_ppm);
	for (unsigned i = 0; i < PF_STAGES; i++)
		json_line(f, pf_probe_stage_name(i), r->stage[i], r->count,
			i + 1 < PF_STAGES ? "," : "},");
	json_line(f, "total", r->total, r->count, ",\n\"beside\":{");
	for (unsigned i = 0; i < BESIDE; i++)
		json_line(f, beside_names[i], r->beside[i], r->count, i + 1 < BESIDE ? "," : "}}");
	err = ferror(f);
	if (!to_stdout)
		err |= fclose(f);
	return err ? -1 : 0;
}

/* 1 when frames did not come, or stages leave a gap. */
static int conclude(const struct probe *p)
{
	struct result r;
	int code = 0;

	if (!result_make(&r, p)) {
		fprintf(stderr, "pf-latency-probe: out of memory\n");
		return 1;
	}
	if (!r.count) {
		fprintf(stderr, "pf-latency-probe: no frame came\n");
		code = 1;
	} else {
		if (!p->set.json || strcmp(p->set.json, "-"))
			print_table(&r, p);
		if (p->set.json && write_json(&r, p))
			code = 1;
	}
	if (r.untiled) {
		fprintf(stderr,
			"pf-latency-probe: the stages of %u frames miss their total by "
			"more than 1 %%\n",
			r.untiled);
		code = 1;
	}
	free(r.total);
	return code;
}

/* --- options --- */

static int usage(FILE *out, int code)
{
	fputs("usage: pf-latency-probe [options]\n"
	      "Sends frames through a real sender and receiver and says where their time goes.\n\n"
	      "  --frames N       how many (default 600)\n"
	      "  --bytes N        of each (default 100000)\n"
	      "  --rate HZ        frames per second (default 120)\n"
	      "  --bitrate KBPS   of the pacer; 0 = no pacing (default)\n"
	      "  --parity PERCENT 0..90 (default: by measured loss)\n"
	      "  --netns          over veth between two network namespaces, as root;\n"
	      "                   else over the loopback\n"
	      "  --json FILE      the same as JSON (- = standard output, without the table)\n\n"
	      "Exit 1 when no frame came, one came wrong, or the stages of one do not add up to\n"
	      "its total within 1 %.\n",
		out);
	return code;
}

static bool number(const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
	char *end;
	unsigned long v;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || v < least || v > most)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* 0, 1 for help, -1 for nonsense. */
static int parse(struct settings *s, int argc, char **argv)
{
	static const struct option options[] = { { "frames", required_argument, NULL, 'f' },
		{ "bytes", required_argument, NULL, 'b' }, { "rate", required_argument, NULL, 'r' },
		{ "bitrate", required_argument, NULL, 'k' },
		{ "parity", required_argument, NULL, 'p' }, { "netns", no_argument, NULL, 'n' },
		{ "json", required_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' },
		{ 0 } };
	bool good = true;
	int c;

	while (good && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			good = number(optarg, 1, FRAMES_MAX, &s->frames);
			break;
		case 'b':
			good = number(optarg, 2 * sizeof(uint32_t), BYTES_MAX, &s->bytes);
			break;
		case 'r':
			good = number(optarg, 1, 10000, &s->rate_hz);
			break;
		case 'k':
			good = number(optarg, 0, UINT32_MAX, &s->bitrate_kbps);
			break;
		case 'p':
			good = number(optarg, 0, 90, &s->parity);
			break;
		case 'n':
			s->netns = true;
			break;
		case 'j':
			s->json = optarg;
			break;
		default:
			return c == 'h' ? 1 : -1;
		}
	}
	return good && optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct probe p = {
		.set = { .frames = 600, .bytes = 100000, .rate_hz = 120, .parity = PF_FEC_ADAPTIVE }
	};
	struct pf_bench_bed bed = { -1, -1, -1, { -1, -1 } };
	int code = parse(&p.set, argc, argv), err;

	if (code)
		return usage(code > 0 ? stdout : stderr, code > 0 ? 0 : 2);
	p.records = calloc(p.set.frames, sizeof(*p.records));
	p.frame = calloc(1, p.set.bytes);
	if (!p.records || !p.frame) {
		fprintf(stderr, "pf-latency-probe: out of memory\n");
		return 1;
	}
	err = start(&p, &bed);
	if (!err) {
		err = run(&p);
		if (err)
			fprintf(stderr, "pf-latency-probe: %s\n",
				err == -EBADMSG ? "a frame came wrong" : strerror(-err));
	}
	/* Its last stamps come before it ends. */
	pf_sender_destroy(p.sender);
	pf_receiver_destroy(p.receiver);
	pf_bench_bed_close(&bed);
	code = err ? 1 : conclude(&p);
	if (atomic_load(&p.refused))
		fprintf(stderr, "pf-latency-probe: the sender refused %u frames\n",
			atomic_load(&p.refused));
	free(p.records);
	free(p.frame);
	return code;
}
