/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One frame of 730 KB as one pipeline on one core: from the encoder's buffer to the
 * kernel (packets, parity, sealing, sending), and from the socket to the whole frame
 * (receiving, opening, replay window, reassembly, recovery).
 *
 * Timed is the work of one end, in the order of core/net's threads and with its
 * parts, without a wait: the socket holds the frame before the receiver starts, and
 * is emptied after the sender is done. The receiver's frame is sent on another core, if
 * there is one. Over veth the kernel's receive path runs inside the sender's calls; a tun
 * device that drops ("dev") shows the sender without it. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/cpu.h"
#include "core/media/packetizer.h"
#include "core/media/seal.h"
#include "core/net/intake.h"
#include "core/net/udp.h"
#include "tests/unit/rng.h"
#include "tools/bench/bed.h"
#include "tools/bench/report.h"

#define FRAME	   730000u
#define SHARD	   1408u
#define PACKET	   (SHARD + PF_MEDIA_HDR_BYTES + PF_SEAL_OVERHEAD)
#define SHAPE	   "519+104x1408"
#define SHARDS	   519u
#define PARITY	   104u
#define PERCENT	   20
#define MAX_BYTES  (8u << 20)
#define INTERVAL   4166667u /* of pts: 240 Hz */
#define CANDIDATES 8u

static uint8_t *frames[PF_BENCH_TURNS], *copied;

enum calls {
	TRAINS,	   /* segmentation offload, and coalesced trains at the receiver */
	MESSAGES,  /* sendmmsg and recvmmsg of single packets */
	ONE_BY_ONE /* a call for each packet */
};

struct variant {
	const char *row;
	enum pf_bench_way way;
	enum calls calls;
	bool plain_c;
	bool until_done; /* the receiver's time ends with the frame, not with the rest */
};

/* A sender and its receiver. */
struct path {
	struct variant v;
	int tx_fd, rx_fd;

	struct pf_parity parity;
	struct pf_packetizer *packetizer;
	struct pf_seal seal;
	struct pf_udp_tx tx;
	uint32_t frame_index;
	uint8_t *laid_out; /* a frame in its packets */
	uint8_t *sealed;   /* a train, where the packets are still needed */
	uint8_t *wire;	   /* a sealed frame, less what is lost */

	struct pf_intake in; /* if there is an rx_fd */

	unsigned sent, found; /* packets of the frame sent, and in the socket */
	uint32_t lost;
	uint8_t drop[PF_BENCH_TURNS][SHARDS]; /* by turn: which data packets */
	uint32_t turn;
	bool rotating;
	struct pf_assembled *got;
	bool quick;	/* no matter how fast */
	unsigned wrong; /* frames that did not come, or not all of it */
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "pf-bench: %s\n", what);
	exit(1);
}

/* --- the other core --- */

static struct far {
	pthread_t thread;
	sem_t go, done;
	void (*work)(struct path *);
	struct path *path;
} far;

static void *far_run(void *arg)
{
	int here = sched_getcpu();
	cpu_set_t all;

	CPU_ZERO(&all);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (i != here)
			CPU_SET(i, &all);
	/* With one core only, it is the same one: nothing waits for the other. */
	(void)pthread_setaffinity_np(pthread_self(), sizeof(all), &all);
	for (;;) {
		while (sem_wait(&far.go) && errno == EINTR)
			;
		if (!far.work)
			return NULL;
		far.work(far.path);
		sem_post(&far.done);
	}
}

static void far_do(void (*work)(struct path *), struct path *p)
{
	far.work = work;
	far.path = p;
	sem_post(&far.go);
	if (!work) {
		pthread_join(far.thread, NULL);
		return;
	}
	while (sem_wait(&far.done) && errno == EINTR)
		;
}

/* --- the sender's end --- */

static void begin_frame(struct path *p, struct pf_au_plan *plan)
{
	struct pf_au_layout l;
	struct pf_au au = {
		.packets = p->laid_out,
		.len = FRAME,
		.frame_index = p->frame_index++,
		.pts_ns = (uint64_t)p->frame_index * INTERVAL,
	};

	pf_pf1_layout(SHARD, &l);
	pf_au_lay_out(&l, p->laid_out, frames[p->rotating ? p->turn : 0], FRAME);
	must(!p->packetizer->ops->begin(p->packetizer, &au, plan), "a frame cannot be cut");
}

/* The train as it goes on the wire. */
static const uint8_t *seal_train(struct path *p, const struct pf_train *t)
{
	uint8_t *to = t->keep ? p->sealed : t->base;

	pf_seal_packets_from(&p->seal, to, t->stride, t->base, t->plain_bytes, t->count);
	return to;
}

/* Packets that went. */
static unsigned send_packets(struct path *p, const uint8_t *base, uint32_t bytes, unsigned count)
{
	unsigned sent = 0;

	if (p->v.calls != ONE_BY_ONE)
		return pf_udp_send_train(&p->tx, base, bytes, bytes, count);
	for (; count; count--, base += bytes)
		sent += send(p->tx_fd, base, bytes, MSG_NOSIGNAL) == (ssize_t)bytes;
	return sent;
}

static void send_work(void *user, uint32_t turn, bool rotating)
{
	struct path *p = user;
	struct pf_au_plan plan;
	uint32_t most;

	p->turn = turn;
	p->rotating = rotating;
	p->sent = 0;
	begin_frame(p, &plan);
	most = pf_udp_train_max(plan.packet_bytes);
	for (;;) {
		struct pf_train t;

		p->packetizer->ops->next(p->packetizer, most, &t);
		if (!t.count)
			break;
		p->sent += send_packets(p, seal_train(p, &t), t.stride, t.count);
	}
	p->wrong += p->sent != plan.packets;
}

/* A frame as it comes out of a network that loses some of it. */
static void send_lossy(struct path *p)
{
	const uint8_t *drop = p->drop[p->turn];
	unsigned at = 0, n = 0;
	struct pf_au_plan plan;
	uint32_t most, stride;

	begin_frame(p, &plan);
	stride = plan.packet_bytes;
	most = pf_udp_train_max(stride);
	for (;;) {
		const uint8_t *base;
		struct pf_train t;

		p->packetizer->ops->next(p->packetizer, most, &t);
		if (!t.count)
			break;
		base = seal_train(p, &t);
		for (unsigned i = 0; i < t.count; i++, at++)
			if (at >= SHARDS || !drop[at])
				memcpy(p->wire + (size_t)n++ * stride, base + (size_t)i * stride,
					stride);
	}
	for (unsigned i = 0; i < n; i += most)
		send_packets(p, p->wire + (size_t)i * stride, stride, n - i < most ? n - i : most);
}

/* --- the receiver's end --- */

/* A call for each packet, and a copy of its shard. 0 when nothing waits. */
static int receive_one(struct path *p)
{
	static uint8_t buf[2048];
	struct pf_sealed one = { .data = buf };
	ssize_t n = recv(p->rx_fd, buf, sizeof(buf), MSG_DONTWAIT);
	uint64_t seq;

	if (n < (ssize_t)sizeof(seq))
		return n > 0;
	one.len = (uint32_t)n;
	memcpy(&seq, buf, sizeof(seq));
	if (pf_replay_fresh(&p->in.replay, __builtin_bswap64(seq)) &&
		pf_seal_open(&p->in.seal, &one, 1) && pf_replay_accept(&p->in.replay, one.seq))
		pf_reassembler_push(
			p->in.reassembler, buf + PF_SEAL_SEQ_BYTES, one.len - PF_SEAL_OVERHEAD, 1);
	return 1;
}

static int receive(struct path *p)
{
	int n = p->v.calls == ONE_BY_ONE ? receive_one(p) : pf_intake_step(&p->in);

	if (!p->got)
		p->got = pf_reassembler_take(p->in.reassembler);
	return n;
}

static void receive_work(void *user, uint32_t turn, bool rotating)
{
	struct path *p = user;

	while (receive(p) > 0 && !(p->got && p->v.until_done))
		;
}

static void empty(struct path *p)
{
	struct pf_udp_packet packets[PF_INTAKE_BATCH];
	int n;

	for (p->found = 0; (n = pf_udp_receive(p->in.rx, packets, PF_INTAKE_BATCH)) > 0;)
		p->found += (unsigned)n;
}

/* What is left of the frame before is opened too, or it would seem lost. */
static void drain(struct path *p)
{
	while (receive(p) > 0)
		;
}

/* Holds the frame received against the one sent. */
static void check_frame(struct path *p)
{
	const uint8_t *data = frames[p->rotating ? p->turn : 0];

	if (!p->got || p->got->len != FRAME || memcmp(p->got->data, data, FRAME) ||
		p->got->shards_recovered > p->lost)
		p->wrong++;
	if (p->got)
		pf_reassembler_release(p->in.reassembler, p->got);
	p->got = NULL;
}

/* All that was sent has to be there. Emptied on the sender's core, where a NIC's
 * completion gives its memory back, too: from another core each frame meets cold pages
 * (some 13 us). */
static void take_away(struct path *p)
{
	if (p->rx_fd < 0)
		return;
	empty(p);
	p->wrong += p->found != p->sent;
	p->sent = 0;
}

/* Hot is with the way of the same frame still in the caches, whatever other rows did in
 * between; rotating comes from memory. */
static void before_send(void *user, uint32_t turn, bool rotating)
{
	struct path *p = user;

	take_away(p);
	if (rotating || p->quick)
		return;
	send_work(p, turn, rotating);
	take_away(p);
}

static void refill(struct path *p, uint32_t turn, bool rotating)
{
	drain(p);
	if (p->frame_index)
		check_frame(p);
	p->turn = turn;
	p->rotating = rotating;
	far_do(send_lossy, p);
}

static void before_receive(void *user, uint32_t turn, bool rotating)
{
	struct path *p = user;

	refill(p, turn, rotating);
	if (rotating || p->quick)
		return;
	receive_work(p, turn, rotating);
	refill(p, turn, rotating);
}

/* --- paths --- */

static void path_open(struct path *p, const struct variant *v, struct pf_bench_bed *bed)
{
	struct pf_media_keys keys = { .alg = PF_AEAD_AES128_GCM, .key = { 7 } };
	struct pf_pf1_params pp = { SHARD, 4096, MAX_BYTES, &p->parity, 0 };
	struct pf_reassembler_params rp = { SHARD, 4096, MAX_BYTES };

	*p = (struct path){ .v = *v, .rx_fd = -1 };
	must(!pf_bench_bed_sockets(bed, v->way, &p->tx_fd, &p->rx_fd), "no sockets");
	if (v->plain_c)
		pf_cpu_set_mask(0);
	must(!pf_parity_init(&p->parity, PERCENT, 50, 4096) &&
			!pf_packetizer_pf1_create(&p->packetizer, &pp) &&
			!pf_seal_init(&p->seal, &keys, PF_FROM_HOST),
		"a pipeline cannot be made");
	if (p->rx_fd >= 0)
		must(!pf_intake_init(&p->in, p->rx_fd, &keys, PF_FROM_HOST, &rp), "no receiver");
	pf_cpu_set_mask(~0u);
	pf_udp_tx_init(&p->tx, p->tx_fd);
	p->tx.no_gso = v->calls != TRAINS;
	p->laid_out = malloc((size_t)SHARDS * PACKET);
	p->sealed = malloc((size_t)PF_TRAIN_MAX * PACKET);
	p->wire = malloc((size_t)(SHARDS + PARITY) * PACKET);
	must(p->laid_out && p->sealed && p->wire, "out of memory");
}

static void path_close(struct path *p)
{
	p->packetizer->ops->destroy(p->packetizer);
	pf_seal_finish(&p->seal);
	pf_intake_finish(&p->in);
	free(p->laid_out);
	free(p->sealed);
	free(p->wire);
	close(p->tx_fd);
	if (p->rx_fd >= 0)
		close(p->rx_fd);
}

static void lose(struct path *p, uint32_t lost)
{
	uint64_t rng = lost;

	p->lost = lost;
	memset(p->drop, 0, sizeof(p->drop));
	for (unsigned t = 0; t < PF_BENCH_TURNS; t++)
		for (uint32_t n = 0; n < lost;) {
			uint8_t *d = &p->drop[t][rng_below(&rng, SHARDS)];

			n += !*d;
			*d = 1;
		}
}

static void copy_work(void *user, uint32_t turn, bool rotating)
{
	memcpy(copied, frames[rotating ? turn : 0], FRAME);
	__asm__ volatile("" ::: "memory");
}

static int report_wrong(struct path *paths, size_t count, const char *what)
{
	int r = 0;

	for (size_t i = 0; i < count; i++) {
		if (!paths[i].wrong)
			continue;
		fprintf(stderr, "pf-bench: %s %s: %u frames did not come whole\n", what,
			paths[i].v.row, paths[i].wrong);
		r = -1;
	}
	return r;
}

/* --- cases --- */

static const struct variant senders[] = {
	{ "veth_gso", PF_BENCH_VETH, TRAINS, false, false },
	{ "veth_mmsg", PF_BENCH_VETH, MESSAGES, false, false },
	{ "veth_c_each", PF_BENCH_VETH, ONE_BY_ONE, true, false },
	{ "dev_gso", PF_BENCH_DEVICE, TRAINS, false, false },
	{ "dev_gso_soft", PF_BENCH_DEVICE_SOFT, TRAINS, false, false },
	{ "dev_mmsg", PF_BENCH_DEVICE, MESSAGES, false, false },
	{ "dev_c_each", PF_BENCH_DEVICE, ONE_BY_ONE, true, false },
};

static const struct variant receivers[] = {
	{ "veth_gro", PF_BENCH_VETH, TRAINS, false, false },
	{ "veth_gro_done", PF_BENCH_VETH, TRAINS, false, true },
	{ "veth_mmsg", PF_BENCH_VETH, MESSAGES, false, false },
	{ "veth_c_each", PF_BENCH_VETH, ONE_BY_ONE, true, false },
};

static size_t open_all(const struct pf_bench *b, struct pf_bench_bed *bed, struct path *paths,
	const struct variant *all, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (pf_bench_wants_row(b, all[i].row)) {
			path_open(&paths[n], &all[i], bed);
			paths[n++].quick = pf_bench_quick(b);
		}
	return n;
}

static int one_case(struct pf_bench *b, struct path *paths, size_t count, const char *kernel,
	uint32_t lost, pf_bench_work *prepare, pf_bench_work *work)
{
	const struct pf_bench_case c = { .kernel = kernel,
		.shape = SHAPE,
		.lost = lost,
		.patterns = lost > 0,
		.copy = copy_work };
	struct pf_bench_runner runners[CANDIDATES] = { 0 };

	for (size_t i = 0; i < count; i++) {
		lose(&paths[i], lost);
		runners[i] = (struct pf_bench_runner){ .row = paths[i].v.row,
			.prepare = prepare,
			.work = work,
			.user = &paths[i],
			.plain = paths[i].v.plain_c && paths[i].v.way == PF_BENCH_VETH };
	}
	pf_bench_measure(b, &c, runners, count);
	return report_wrong(paths, count, kernel);
}

static int run_all(struct pf_bench *b, struct pf_bench_bed *bed)
{
	static const uint32_t losses[] = { 0, 5, 26 };
	const size_t cases = sizeof(losses) / sizeof(losses[0]);
	static struct path paths[CANDIDATES];
	size_t count;
	int r = 0;

	if (pf_bench_wants(b, "send_frame", SHAPE)) {
		count = open_all(b, bed, paths, senders, sizeof(senders) / sizeof(senders[0]));
		if (count)
			r = one_case(b, paths, count, "send_frame", 0, before_send, send_work);
		for (size_t i = 0; i < count; i++)
			path_close(&paths[i]);
	}
	if (r || !pf_bench_wants(b, "receive_frame", SHAPE))
		return r;
	count = open_all(b, bed, paths, receivers, sizeof(receivers) / sizeof(receivers[0]));
	for (size_t i = pf_bench_quick(b) ? cases - 1 : 0; i < cases && count && !r; i++)
		r = one_case(
			b, paths, count, "receive_frame", losses[i], before_receive, receive_work);
	for (size_t i = 0; i < count; i++)
		path_close(&paths[i]);
	return r;
}

int pf_bench_pipeline(struct pf_bench *b)
{
	struct pf_bench_bed bed;
	uint64_t rng = 1;
	char why[128];
	int r;

	if (!pf_bench_wants(b, "send_frame", SHAPE) && !pf_bench_wants(b, "receive_frame", SHAPE))
		return 0;
	if (pf_bench_bed_open(&bed, why, sizeof(why))) {
		printf("send_frame, receive_frame: skipped: %s\n", why);
		return 0;
	}
	copied = malloc(FRAME);
	must(copied, "out of memory");
	for (unsigned i = 0; i < PF_BENCH_TURNS; i++) {
		frames[i] = malloc(FRAME);
		must(frames[i], "out of memory");
		rng_fill(&rng, frames[i], FRAME);
	}
	sem_init(&far.go, 0, 0);
	sem_init(&far.done, 0, 0);
	must(!pthread_create(&far.thread, NULL, far_run, NULL), "no thread");
	r = run_all(b, &bed);
	far_do(NULL, NULL);
	sem_destroy(&far.go);
	sem_destroy(&far.done);
	for (unsigned i = 0; i < PF_BENCH_TURNS; i++)
		free(frames[i]);
	free(copied);
	pf_bench_bed_close(&bed);
	return r;
}
