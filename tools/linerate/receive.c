/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <linux/sock_diag.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/net/receiver.h"
#include "core/net/udp.h"
#include "tools/impair/latency.h"
#include "tools/linerate/linerate.h"
#include "tools/linerate/link.h"
#include "tools/linerate/tap.h"

#define PEER_WAIT_MS 30000
/* Behind the last frame: what is on its way, held back included. */
#define TAIL_NS	      (400 * PF_NS_PER_MS)
#define MISSING_SHOWN 32
#define SAMPLES_MAX   4096

struct sample {
	uint64_t rss_kb, in_flight_bytes;
	uint32_t socket_bytes, socket_drops;
	uint32_t loss_ppm;
};

struct run {
	const struct pf_linerate_options *o;
	struct pf_content content;
	struct pf_receiver *receiver;
	struct pf_tap *tap;
	int link, udp_fd;
	int64_t unix_offset_ns;
	uint64_t intact, wrong, held, repaired;
	uint64_t complete_bytes;
	uint8_t *seen; /* one byte a frame */
	uint32_t seen_len;
	struct pf_latency latency, spread;
	double spread_sum, latency_sum, latency_squares;
	struct sample *samples;
	unsigned samples_len;
};

/* The events come on the receiver's thread; sending on the link is atomic. */

static void on_loss(void *user, uint32_t ppm)
{
	struct run *r = user;

	(void)pf_link_send(
		r->link, &(struct pf_link_message){ .kind = PF_LINK_LOSS, .loss_ppm = ppm });
}

static void on_keyframe(void *user)
{
	struct run *r = user;

	(void)pf_link_send(r->link, &(struct pf_link_message){ .kind = PF_LINK_KEYFRAME });
}

static void on_rfi(void *user, uint32_t first, uint32_t last)
{
	struct run *r = user;

	(void)first;
	(void)last;
	(void)pf_link_send(r->link, &(struct pf_link_message){ .kind = PF_LINK_RFI });
}

static void take(struct run *r, const struct pf_received_frame *f)
{
	bool keyframe = f->user_flags & PF_USER_IDR;
	uint64_t submit_ns = f->pts_unix_ns - (uint64_t)r->unix_offset_ns;
	uint64_t took = f->completed_ns > submit_ns ? f->completed_ns - submit_ns : 0;
	double ms = (double)took / 1e6;

	if (!pf_content_is(&r->content, f->frame_index, keyframe, f->data, f->len)) {
		r->wrong++;
		return;
	}
	if (f->frame_index >= r->seen_len) {
		uint32_t len = f->frame_index * 2 + 1024;
		uint8_t *bigger = realloc(r->seen, len);

		if (!bigger)
			return;
		memset(bigger + r->seen_len, 0, len - r->seen_len);
		r->seen = bigger;
		r->seen_len = len;
	}
	r->seen[f->frame_index] = 1;
	r->intact++;
	r->held += f->hold;
	r->repaired += f->shards_recovered > 0;
	r->complete_bytes += f->len;
	pf_latency_add(&r->latency, took);
	r->latency_sum += ms;
	r->latency_squares += ms * ms;
	pf_latency_add(&r->spread, f->completed_ns - f->first_ns);
	r->spread_sum += (double)(f->completed_ns - f->first_ns) / 1e6;
}

static uint32_t socket_meminfo(int fd, unsigned which)
{
	uint32_t v[SK_MEMINFO_VARS] = { 0 };

	(void)getsockopt(fd, SOL_SOCKET, SO_MEMINFO, v, &(socklen_t){ sizeof(v) });
	return v[which];
}

static void sample(struct run *r)
{
	struct pf_receiver_stats s;

	if (r->samples_len == SAMPLES_MAX)
		return;
	pf_receiver_stats(r->receiver, &s);
	r->samples[r->samples_len++] = (struct sample){
		.rss_kb = pf_linerate_rss_kb(),
		.in_flight_bytes = s.in_flight_bytes,
		.socket_bytes = socket_meminfo(r->udp_fd, SK_MEMINFO_RMEM_ALLOC),
		.socket_drops = socket_meminfo(r->udp_fd, SK_MEMINFO_DROPS),
		.loss_ppm = s.loss_ppm,
	};
}

/* Until the sender has said that all is out and nothing came for a while. */
static int gather(struct run *r, struct pf_link_message *end)
{
	uint64_t last = pf_clock_mono_ns(), sampled = last, now;
	bool over = false;

	for (;;) {
		struct pf_received_frame f;

		now = pf_clock_mono_ns();
		if (!pf_receiver_next(r->receiver, &f, 20)) {
			take(r, &f);
			last = pf_clock_mono_ns();
		}
		if (now - sampled >= PF_NS_PER_S) {
			sampled += PF_NS_PER_S;
			sample(r);
		}
		if (!over) {
			int err = pf_link_receive(r->link, end, 0);

			if (err == -EPIPE)
				return err;
			over = !err && end->kind == PF_LINK_END;
			if (over)
				last = now;
		}
		if (over && now > last + TAIL_NS)
			return 0;
	}
}

static void write_quantiles(FILE *out, const char *name, const struct pf_latency *l)
{
	fprintf(out, " \"%s\": {\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f},\n",
		name, (double)pf_latency_quantile(l, 0.5) / 1e3,
		(double)pf_latency_quantile(l, 0.99) / 1e3,
		(double)pf_latency_quantile(l, 0.999) / 1e3, (double)l->max_ns / 1e3);
}

static void report(struct run *r, const struct pf_link_message *end, uint64_t cpu_ns,
	uint32_t drops, FILE *out)
{
	double n = r->intact ? (double)r->intact : 1;
	double mean = r->latency_sum / n, variance = r->latency_squares / n - mean * mean;
	struct pf_receiver_stats s;
	unsigned shown = 0;

	pf_receiver_stats(r->receiver, &s);
	fprintf(out,
		"{\"submitted\": %" PRIu64 ", \"intact\": %" PRIu64 ", \"wrong\": %" PRIu64
		", \"missing\": %" PRIu64 ", \"held\": %" PRIu64 ", \"repaired\": %" PRIu64
		", \"bytes\": %" PRIu64 ",\n \"missing_indices\": [",
		end->frames, r->intact, r->wrong, end->frames - r->intact, r->held, r->repaired,
		r->complete_bytes);
	for (uint32_t i = 0; i < end->frames && shown < MISSING_SHOWN; i++)
		if (i >= r->seen_len || !r->seen[i])
			fprintf(out, "%s%" PRIu32, shown++ ? ", " : "", i);
	fprintf(out,
		"],\n \"frames_lost\": %" PRIu64 ", \"frames_dropped\": %" PRIu64
		", \"packets_sent\": %" PRIu64 ", \"packets\": %" PRIu64
		", \"packets_duplicate\": %" PRIu64 ", \"packets_forged\": %" PRIu64
		", \"packets_invalid\": %" PRIu64 ", \"shards_recovered\": %" PRIu64
		", \"shards_late\": %" PRIu64 ", \"socket_drops\": %" PRIu32 ",\n",
		s.frames_lost, s.frames_dropped, end->packets, s.packets, s.packets_duplicate,
		s.packets_forged, s.packets_invalid, s.shards_recovered, s.shards_late, drops);
	fprintf(out,
		" \"path_packets\": %" PRIu64 ", \"path_lost\": %" PRIu64
		", \"path_bursts\": %" PRIu64 ", \"stalls\": %" PRIu64
		", \"gap_p99_us\": %.1f, \"packets_read\": %" PRIu64 ", \"messages\": %" PRIu64
		", \"wakeups\": %" PRIu64 ",\n",
		s.path_packets, s.path_lost, s.path_bursts, s.stalls, (double)s.gap_p99_ns / 1e3,
		s.packets_read, s.receive_messages, s.wakeups);
	write_quantiles(out, "submit_complete_us", &r->latency);
	write_quantiles(out, "first_complete_us", &r->spread);
	fprintf(out,
		" \"submit_complete_ms\": {\"mean\": %.4f, \"variance\": %.6f}, "
		"\"first_complete_mean_ms\": %.4f, \"cpu_ns_per_packet\": %.1f,\n",
		mean, variance > 0 ? variance : 0, r->spread_sum / n,
		s.packets ? (double)cpu_ns / (double)s.packets : 0.0);
	fputs(" \"samples\": [", out);
	for (unsigned i = 0; i < r->samples_len; i++) {
		const struct sample *p = &r->samples[i];

		fprintf(out,
			"%s\n  {\"rss_kb\": %" PRIu64 ", \"in_flight_bytes\": %" PRIu64
			", \"socket_bytes\": %u, \"socket_drops\": %u, \"loss_ppm\": %u}",
			i ? "," : "", p->rss_kb, p->in_flight_bytes, p->socket_bytes,
			p->socket_drops, p->loss_ppm);
	}
	fputs("]}\n", out);
}

static int open_socket(struct run *r, int *fd, struct pf_reason *why)
{
	int err;

	*fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	err = *fd < 0 ? -errno : 0;
	if (!err &&
		bind(*fd, (const struct sockaddr *)&r->o->address, sizeof(struct sockaddr_in))) {
		err = -errno;
		close(*fd);
	}
	if (err)
		return pf_reason_set(why, err, "cannot listen there: %s", strerror(-err));
	pf_linerate_buffers(*fd, r->o->buffer_bytes);
	r->udp_fd = *fd;
	if (!r->o->arrivals)
		return 0;
	err = pf_tap_open(&r->tap, *fd, r->o->arrivals, fd);
	if (err) {
		close(r->udp_fd);
		return pf_reason_set(why, err, "cannot log arrivals: %s", strerror(-err));
	}
	return 0;
}

static int start(struct run *r, const struct pf_link_message *begin, struct pf_reason *why)
{
	static const struct pf_receiver_events events = {
		.loss_report = on_loss,
		.request_keyframe = on_keyframe,
		.request_rfi = on_rfi,
	};
	struct pf_receiver_params p = {
		.direction = PF_FROM_HOST,
		.shard_bytes = begin->shard_bytes,
		.max_data_per_block = 4096,
		.max_frame_bytes = begin->max_frame_bytes,
		.events = &events,
		.user = r,
	};
	int err = pf_content_init(&r->content, &begin->rules);

	if (err)
		return pf_reason_set(why, err, "out of memory");
	r->unix_offset_ns = begin->unix_offset_ns;
	err = open_socket(r, &p.fd, why);
	if (err)
		return err;
	pf_linerate_keys(&p.keys);
	err = pf_receiver_create(&r->receiver, &p, why);
	if (err)
		close(p.fd);
	return err;
}

int pf_linerate_receive(const struct pf_linerate_options *o, FILE *out, struct pf_reason *why)
{
	struct pf_link_message begin, end;
	struct run *r = calloc(1, sizeof(*r));
	uint32_t drops;
	uint64_t cpu;
	int err;

	if (!r)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	r->o = o;
	r->samples = calloc(SAMPLES_MAX, sizeof(*r->samples));
	r->link = pf_link_accept(o->control, PEER_WAIT_MS);
	if (r->link < 0 || !r->samples) {
		err = r->link < 0 ? r->link : -ENOMEM;
		pf_reason_set(why, err, "no sender came to %s: %s", o->control, strerror(-err));
		goto done;
	}
	err = pf_link_receive(r->link, &begin, PEER_WAIT_MS);
	if (err || begin.kind != PF_LINK_BEGIN) {
		err = pf_reason_set(why, err ? err : -EPROTO, "the sender said nothing of use");
		goto done;
	}
	err = start(r, &begin, why);
	if (err)
		goto done;
	cpu = pf_linerate_cpu_ns();
	err = pf_link_send(r->link, &(struct pf_link_message){ .kind = PF_LINK_READY });
	err = err ? err : gather(r, &end);
	cpu = pf_linerate_cpu_ns() - cpu;
	drops = socket_meminfo(r->udp_fd, SK_MEMINFO_DROPS);
	if (err)
		pf_reason_set(why, err, "the sender went away");
	else
		report(r, &end, cpu, drops, out);
	pf_receiver_destroy(r->receiver);
done:
	if (r->tap && pf_tap_close(r->tap) && !err)
		err = pf_reason_set(why, -EIO, "cannot write %s", o->arrivals);
	pf_content_finish(&r->content);
	if (r->link >= 0)
		close(r->link);
	free(r->seen);
	free(r->samples);
	free(r);
	return err;
}
