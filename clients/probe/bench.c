/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bench.c - starts and changes of mode, as percentiles.
 *
 * One thread: a round waits for the one frame that ends it. A frame counts from
 * its complete reception, as the core stamped it; decoding only says of which
 * mode it is. */
#include "clients/probe/bench.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "clients/probe/decode.h"
#include "clients/probe/dial.h"
#include "clients/probe/samples.h"

#define NS_PER_S 1000000000ull
#define PULL_MS	 50
#define ROUNDS	 12
#define LIST_MAX 1000
/* A spare desk waits until all was quiet for 2 s, and takes some time itself. */
#define FRESH_S	 5.0
#define RETURN_S 0.5
/* Hosts refuse a change within 500 ms of the last. */
#define CHANGE_S 0.6

struct bench {
	const struct pf_probe_options *options;
	struct pf_probe_options dial; /* says the host's fingerprint once */
	const char *name;
	PunktfunkIdentity *identity;
	PunktfunkConnection *conn;
	PunktfunkConnectionInfo info;
	sigset_t signals;
	bool tell, stopped;
	unsigned rounds;
	double pause_s;
	struct pf_samples connect, first, other; /* `other`: the mode's answer */
	double list_ms[LIST_MAX];
	unsigned done, failed, not_idr;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Sleeps unless a signal comes. */
static void rest(struct bench *b, double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	if (sigtimedwait(&b->signals, NULL, &ts) > 0)
		b->stopped = true;
}

static void progress(const struct bench *b, unsigned round)
{
	if (!b->tell)
		return;
	printf("\r%s %u of %u", b->name, round + 1, b->rounds);
	if (b->done)
		printf(", %.1f ms ", b->list_ms[(b->done - 1) % LIST_MAX]);
	fflush(stdout);
}

static void take(struct bench *b, int64_t ns)
{
	pf_samples_add(&b->first, ns);
	b->list_ms[b->done++ % LIST_MAX] = (double)ns / 1e6;
}

static int begin(struct bench *b, const struct pf_probe_options *o, const char *name)
{
	b->options = o;
	b->dial = *o;
	b->name = name;
	b->rounds = o->rounds ? o->rounds : ROUNDS;
	b->tell = isatty(STDOUT_FILENO) && !o->quiet && !o->json;
	sigemptyset(&b->signals);
	sigaddset(&b->signals, SIGINT);
	sigaddset(&b->signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &b->signals, NULL);
	return pf_probe_identity(o, &b->identity);
}

static void hang_up(struct bench *b, uint32_t code)
{
	if (b->conn)
		punktfunk_connection_close(b->conn, code);
	b->conn = NULL;
}

/* ---- report ---- */

static void print_row(const char *words, struct pf_samples *s)
{
	struct pf_quantiles q = pf_samples_quantiles(s);

	if (q.count)
		printf("%-24s %8.2f %8.2f %8.2f %8.2f %8.2f %8zu\n", words, s->us[0] / 1e3, q.p50,
			q.p95, q.p99, q.max, q.count);
}

static void json_row(const char *key, struct pf_samples *s)
{
	struct pf_quantiles q = pf_samples_quantiles(s);

	if (q.count)
		printf("  \"%s\": {\"min\": %.3f, \"p50\": %.3f, \"p95\": %.3f, \"p99\": %.3f, "
		       "\"max\": %.3f, \"n\": %zu},\n",
			key, s->us[0] / 1e3, q.p50, q.p95, q.p99, q.max, q.count);
	else
		printf("  \"%s\": null,\n", key);
}

struct row {
	const char *key, *words;
	struct pf_samples *samples;
};

static void print(struct bench *b, const struct row *rows, unsigned count)
{
	const struct pf_probe_options *o = b->options;

	if (b->tell)
		fputs("\r\033[K", stdout);
	if (o->quiet)
		return;
	if (!o->json) {
		printf("%s: %u rounds, %u failed", b->name, b->done + b->failed, b->failed);
		if (b->not_idr)
			printf(", %u did not begin with a key frame", b->not_idr);
		printf("\n%-24s %8s %8s %8s %8s %8s %8s\n", "ms", "min", "p50", "p95", "p99", "max",
			"n");
		for (unsigned i = 0; i < count; i++)
			print_row(rows[i].words, rows[i].samples);
		return;
	}
	printf("{\n  \"bench\": \"%s\",\n  \"mode\": \"%ux%u@%u\",\n  \"rounds\": %u,\n"
	       "  \"failed\": %u,\n  \"not_idr\": %u,\n",
		b->name, o->width, o->height, o->refresh_hz, b->done + b->failed, b->failed,
		b->not_idr);
	for (unsigned i = 0; i < count; i++)
		json_row(rows[i].key, rows[i].samples);
	fputs("  \"each_ms\": [", stdout);
	for (unsigned i = 0; i < b->done && i < LIST_MAX; i++)
		printf("%s%.3f", i ? ", " : "", b->list_ms[i]);
	fputs("]\n}\n", stdout);
}

static int end(struct bench *b, int result, const struct row *rows, unsigned count)
{
	hang_up(b, b->options->quit ? PUNKTFUNK_CLOSE_QUIT : PUNKTFUNK_CLOSE_NORMAL);
	if (b->done || b->failed)
		print(b, rows, count);
	pf_samples_finish(&b->connect);
	pf_samples_finish(&b->first);
	pf_samples_finish(&b->other);
	punktfunk_identity_free(b->identity);
	return result ? result : b->failed || !b->done ? PF_PROBE_BROKEN : PF_PROBE_OK;
}

/* ---- starts ---- */

/* The next frame, or what the core says, within the patience of the options. */
static int next_frame(struct bench *b, PunktfunkFrame *f, uint64_t until_ns)
{
	int r;

	do {
		f->struct_size = sizeof(*f);
		r = punktfunk_connection_next_frame(b->conn, f, PULL_MS);
	} while (r == PUNKTFUNK_EAGAIN && now_ns(CLOCK_MONOTONIC) < until_ns);
	return r;
}

static uint64_t patience_ns(const struct bench *b)
{
	return now_ns(CLOCK_MONOTONIC) + (uint64_t)(b->options->timeout * (double)NS_PER_S);
}

/* One start; `counts`: into the figures. */
static int start(struct bench *b, bool counts)
{
	uint64_t begin_ns = now_ns(CLOCK_MONOTONIC), begin_unix_ns = now_ns(CLOCK_REALTIME);
	PunktfunkFrame f;
	int r = pf_probe_dial(&b->dial, b->identity, &b->conn, &b->info);

	b->dial.quiet = true;
	if (r)
		return r;
	if (counts)
		pf_samples_add(&b->connect, (int64_t)(now_ns(CLOCK_MONOTONIC) - begin_ns));
	if (next_frame(b, &f, patience_ns(b))) {
		fprintf(stderr, "punktfunk-probe: no frame came\n");
		b->failed += counts;
		return counts ? PF_PROBE_OK : PF_PROBE_BROKEN;
	}
	if (counts) {
		take(b, (int64_t)(f.completed_unix_ns - begin_unix_ns));
		b->not_idr += !(f.flags & PUNKTFUNK_FRAME_IDR);
	}
	return PF_PROBE_OK;
}

int pf_probe_bench_connect(const struct pf_probe_options *o)
{
	struct bench b = { 0 };
	const struct row rows[] = {
		{ "connect_ms", "connect call", &b.connect },
		{ "first_frame_ms", "call -> first frame", &b.first },
	};
	/* The desk that is left waits for us; that of one who quits is gone. */
	uint32_t code = o->reconnect ? PUNKTFUNK_CLOSE_NORMAL : PUNKTFUNK_CLOSE_QUIT;
	int result = begin(&b, o, o->reconnect ? "reconnect" : "connect");

	b.pause_s = o->pause >= 0 ? o->pause : o->reconnect ? RETURN_S : FRESH_S;
	if (!result && o->reconnect) {
		result = start(&b, false);
		hang_up(&b, code);
	}
	for (unsigned i = 0; !result && i < b.rounds; i++) {
		progress(&b, i);
		if (i || o->reconnect)
			rest(&b, b.pause_s);
		if (b.stopped)
			break;
		result = start(&b, true);
		hang_up(&b, i + 1 == b.rounds && o->quit ? PUNKTFUNK_CLOSE_QUIT : code);
	}
	return end(&b, result, rows, 2);
}

/* ---- changes of mode ---- */

static bool is_of(const struct AVFrame *picture, uint32_t width, uint32_t height)
{
	uint32_t w, h;
	ptrdiff_t stride;

	return picture && pf_decoder_luma(picture, &stride, &w, &h) && w == width && h == height;
}

/* Frames for `seconds`, so that the stream runs as it would. */
static void watch(struct bench *b, struct pf_decoder *d, double seconds)
{
	uint64_t until_ns = now_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * (double)NS_PER_S);
	PunktfunkFrame f;

	while (now_ns(CLOCK_MONOTONIC) < until_ns) {
		f.struct_size = sizeof(f);
		if (punktfunk_connection_next_frame(b->conn, &f, 10))
			continue;
		(void)pf_decoder_decode(d, f.data, f.size);
	}
	rest(b, 0);
}

/* When the host answered; 0 = it refused, or said nothing yet. */
static uint64_t answer(struct bench *b, bool *refused)
{
	PunktfunkEvent e = { .struct_size = sizeof(e) };
	uint64_t at = 0;

	while (!punktfunk_connection_next_event(b->conn, &e, 0)) {
		if (e.type == PUNKTFUNK_EVENT_MODE) {
			at = now_ns(CLOCK_REALTIME);
			*refused |= !e.value;
		}
		e.struct_size = sizeof(e);
	}
	return at;
}

static int change(
	struct bench *b, struct pf_decoder *d, uint32_t width, uint32_t height, uint32_t hz)
{
	uint64_t until_ns = patience_ns(b), asked_ns;
	bool refused = false, answered = false;

	(void)answer(b, &refused);
	refused = false;
	asked_ns = now_ns(CLOCK_REALTIME);
	if (punktfunk_request_mode(b->conn, width, height, hz))
		return PF_PROBE_BROKEN;
	while (now_ns(CLOCK_MONOTONIC) < until_ns && !refused) {
		PunktfunkFrame f = { .struct_size = sizeof(f) };
		int r = punktfunk_connection_next_frame(b->conn, &f, 1);
		uint64_t at = answer(b, &refused);

		if (at && !answered && !refused)
			pf_samples_add(&b->other, (int64_t)(at - asked_ns));
		answered |= at != 0;
		if (r == PUNKTFUNK_EAGAIN)
			continue;
		if (r)
			return PF_PROBE_BROKEN;
		if (!is_of(pf_decoder_decode(d, f.data, f.size), width, height))
			continue;
		take(b, (int64_t)(f.completed_unix_ns - asked_ns));
		b->not_idr += !(f.flags & PUNKTFUNK_FRAME_IDR);
		return PF_PROBE_OK;
	}
	fprintf(stderr, "punktfunk-probe: %ux%u@%u %s\n", width, height, hz,
		refused ? "was refused" : "did not come");
	b->failed++;
	return PF_PROBE_OK;
}

int pf_probe_bench_mode(const struct pf_probe_options *o)
{
	struct bench b = { 0 };
	const struct row rows[] = {
		{ "answer_ms", "asked -> answer", &b.other },
		{ "mode_change_ms", "asked -> first frame", &b.first },
	};
	struct pf_decoder *d = NULL;
	int result = begin(&b, o, "mode");

	b.pause_s = o->pause >= 0 ? o->pause : CHANGE_S;
	if (!result)
		result = pf_probe_dial(o, b.identity, &b.conn, &b.info);
	if (!result && pf_decoder_open(&d, b.info.codec)) {
		fputs("punktfunk-probe: this libavcodec cannot decode what the host sends\n",
			stderr);
		result = PF_PROBE_LOCAL;
	}
	if (!result)
		watch(&b, d, 1);
	for (unsigned i = 0; !result && i < b.rounds && !b.stopped; i++) {
		bool back = i % 2;

		progress(&b, i);
		result = change(&b, d, back ? o->width : o->to_width,
			back ? o->height : o->to_height, back ? o->refresh_hz : o->to_refresh_hz);
		if (!result)
			watch(&b, d, b.pause_s);
	}
	if (result == PF_PROBE_BROKEN)
		fputs("punktfunk-probe: the connection broke\n", stderr);
	pf_decoder_close(d);
	return end(&b, result, rows, 2);
}
