/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/mic.h"
#include <errno.h>
#include <math.h>
#include <opus/opus.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define RATE	 48000
#define FRAME	 480
#define FRAME_NS 10000000ll
#define S_NS	 1000000000ll

struct pf_probe_mic {
	PunktfunkConnection *conn;
	OpusEncoder *enc;
	double hz;
	_Atomic bool stop;
	pthread_t thread;
};

static int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * S_NS + ts.tv_nsec;
}

static void *run(void *arg)
{
	struct pf_probe_mic *m = arg;
	int64_t due = now_ns(CLOCK_MONOTONIC);
	float pcm[FRAME];
	uint8_t packet[1275];

	for (unsigned long at = 0; !atomic_load(&m->stop); due += FRAME_NS) {
		const struct timespec ts = { (time_t)(due / S_NS), (long)(due % S_NS) };
		int n;

		for (unsigned i = 0; i < FRAME; i++, at++)
			pcm[i] = (float)(PF_PROBE_MIC_GAIN *
					 sin(2 * acos(-1) * fmod(m->hz * (double)at / RATE, 1)));
		n = opus_encode_float(m->enc, pcm, FRAME, packet, sizeof(packet));
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		if (n > 0)
			punktfunk_connection_send_mic(m->conn, packet, (size_t)n,
				(uint64_t)now_ns(CLOCK_REALTIME) - FRAME_NS);
	}
	return NULL;
}

int pf_probe_mic_start(struct pf_probe_mic **out, PunktfunkConnection *conn, double hz)
{
	struct pf_probe_mic *m = calloc(1, sizeof(*m));
	int err = OPUS_OK;

	if (!m)
		return -ENOMEM;
	m->conn = conn;
	m->hz = hz;
	m->enc = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, &err);
	if (err == OPUS_OK)
		err = opus_encoder_ctl(m->enc, OPUS_SET_BITRATE(48000));
	if (err == OPUS_OK)
		err = opus_encoder_ctl(m->enc, OPUS_SET_INBAND_FEC(1));
	if (err == OPUS_OK)
		err = opus_encoder_ctl(m->enc, OPUS_SET_PACKET_LOSS_PERC(10));
	if (err == OPUS_OK)
		err = opus_encoder_ctl(m->enc, OPUS_SET_COMPLEXITY(5));
	err = err != OPUS_OK ? -EINVAL : -pthread_create(&m->thread, NULL, run, m);
	if (err) {
		opus_encoder_destroy(m->enc);
		free(m);
		return err;
	}
	*out = m;
	return 0;
}

void pf_probe_mic_stop(struct pf_probe_mic *m)
{
	if (!m)
		return;
	atomic_store(&m->stop, true);
	pthread_join(m->thread, NULL);
	opus_encoder_destroy(m->enc);
	free(m);
}
