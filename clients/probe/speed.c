/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* speed.c - how much the way from a host to here carries.
 *
 * A session with the smallest picture that all hosts take, and filler beside it.
 * Its frames are taken off by a thread, or the core would ask for key frames. */
#include "clients/probe/speed.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include "clients/probe/dial.h"

#define PULL_MS 50

struct puller {
	PunktfunkConnection *conn;
	_Atomic bool stop;
};

static void *pull(void *arg)
{
	struct puller *p = arg;
	int r = 0;

	while (!atomic_load(&p->stop) && (!r || r == PUNKTFUNK_EAGAIN)) {
		PunktfunkFrame f = { .struct_size = sizeof(f) };

		r = punktfunk_connection_next_frame(p->conn, &f, PULL_MS);
	}
	return NULL;
}

static double loss_percent(const PunktfunkSpeedTest *t)
{
	if (t->packets_received >= t->packets_sent)
		return 0;
	return 100.0 * (t->packets_sent - t->packets_received) / t->packets_sent;
}

static void print(const struct pf_probe_options *o, const PunktfunkConnectionInfo *info,
	const PunktfunkSpeedTest *t)
{
	if (o->json)
		printf("{\n  \"kbps\": %u,\n  \"target_kbps\": %u,\n  \"duration_ms\": %u,\n"
		       "  \"bytes_sent\": %llu,\n  \"bytes_received\": %llu,\n"
		       "  \"packets_sent\": %u,\n  \"packets_received\": %u,\n"
		       "  \"packets_unsent\": %u,\n  \"loss_pct\": %.3f,\n  \"rtt_ms\": %.3f\n}\n",
			t->kbps, o->target_kbps, t->duration_ms, (unsigned long long)t->bytes_sent,
			(unsigned long long)t->bytes_received, t->packets_sent, t->packets_received,
			t->packets_unsent, loss_percent(t), (double)info->rtt_ns / 1e6);
	else if (!o->quiet)
		printf("%.1f Mbit/s arrived in %u ms: %u of %u packets (%.1f %% lost), %u not "
		       "sent; round trip %.2f ms\n",
			t->kbps / 1e3, t->duration_ms, t->packets_received, t->packets_sent,
			loss_percent(t), t->packets_unsent, (double)info->rtt_ns / 1e6);
}

static int measure(const struct pf_probe_options *o, PunktfunkConnection *conn,
	const PunktfunkConnectionInfo *info)
{
	PunktfunkSpeedTest t = { .struct_size = sizeof(t) };
	struct puller puller = { .conn = conn };
	pthread_t thread;
	int r;

	if (pthread_create(&thread, NULL, pull, &puller))
		return PF_PROBE_LOCAL;
	r = punktfunk_speed_test(conn, o->target_kbps, o->duration_ms, &t);
	atomic_store(&puller.stop, true);
	pthread_join(thread, NULL);
	if (r) {
		fprintf(stderr, "punktfunk-probe: %s: no speed test: %s\n", o->host,
			punktfunk_strerror(r));
		return r == PUNKTFUNK_ENOTSUP ? PF_PROBE_REFUSED : PF_PROBE_BROKEN;
	}
	print(o, info, &t);
	return PF_PROBE_OK;
}

int pf_probe_speed_test(const struct pf_probe_options *options)
{
	struct pf_probe_options o = *options;
	PunktfunkIdentity *identity = NULL;
	PunktfunkConnectionInfo info;
	PunktfunkConnection *conn;
	int result;

	/* A rate of its own, so that rate control makes no probe of its own. */
	if (!o.bitrate_kbps)
		o.bitrate_kbps = 2000;
	result = pf_probe_identity(&o, &identity);
	if (!result)
		result = pf_probe_dial(&o, identity, &conn, &info);
	if (!result) {
		result = measure(&o, conn, &info);
		punktfunk_connection_close(
			conn, o.quit ? PUNKTFUNK_CLOSE_QUIT : PUNKTFUNK_CLOSE_NORMAL);
	}
	punktfunk_identity_free(identity);
	return result;
}
