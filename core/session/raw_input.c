/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/raw_input.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/media/replay.h"
#include "core/quic/wake.h"
#include "core/wire/pf1_dgram.h"

#define PLAIN_MAX 64

struct pf_raw_tx {
	int fd;
	pthread_mutex_t lock;
	struct pf_seal seal;
};

struct pf_raw_rx {
	int fd;
	struct pf_wake *stop;
	bool runs;
	pthread_t thread;
	PunktfunkInputCallback fn;
	void *user;
	struct pf_seal seal;
	struct pf_replay replay;
};

static int duplicate(int fd, int *out)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return -errno;
	*out = own;
	return 0;
}

/* ---- the client ---- */

int pf_raw_tx_create(struct pf_raw_tx **out, int fd, const struct pf_media_keys *keys)
{
	struct pf_raw_tx *tx = calloc(1, sizeof(*tx));
	int err;

	if (!tx)
		return -ENOMEM;
	tx->fd = -1;
	pthread_mutex_init(&tx->lock, NULL);
	err = duplicate(fd, &tx->fd);
	if (!err)
		err = pf_seal_init(&tx->seal, keys, PF_FROM_CLIENT);
	if (err) {
		pf_raw_tx_destroy(tx);
		return err;
	}
	*out = tx;
	return 0;
}

void pf_raw_tx_destroy(struct pf_raw_tx *tx)
{
	if (!tx)
		return;
	if (tx->fd >= 0)
		close(tx->fd);
	pf_seal_finish(&tx->seal);
	pthread_mutex_destroy(&tx->lock);
	free(tx);
}

int pf_raw_tx_send(struct pf_raw_tx *tx, const PunktfunkInputEvent *e)
{
	uint8_t packet[PF_SEAL_OVERHEAD + PLAIN_MAX];
	struct pf_dgram d = { .tag = PF_DGRAM_INPUT };
	int n, err;

	d.input.kind = e->kind;
	d.input.code = e->code;
	d.input.x = e->x;
	d.input.y = e->y;
	d.input.flags = e->flags;
	n = pf_dgram_build(&d, packet + PF_SEAL_SEQ_BYTES, PLAIN_MAX);
	if (n < 0)
		return n;
	pthread_mutex_lock(&tx->lock);
	err = pf_seal_packets(&tx->seal, packet, sizeof(packet), (uint32_t)n, 1);
	pthread_mutex_unlock(&tx->lock);
	/* A host that is not there yet refuses by ICMP: as good as lost on the way. */
	if (!err && send(tx->fd, packet, PF_SEAL_OVERHEAD + (size_t)n, MSG_NOSIGNAL) < 0 &&
		errno != ECONNREFUSED)
		err = -EIO;
	return err;
}

/* ---- the host ---- */

int pf_raw_rx_create(struct pf_raw_rx **out, int fd, const struct pf_media_keys *keys)
{
	struct pf_raw_rx *rx = calloc(1, sizeof(*rx));
	int err;

	if (!rx)
		return -ENOMEM;
	rx->fd = -1;
	pf_replay_init(&rx->replay);
	err = duplicate(fd, &rx->fd);
	if (!err)
		err = pf_wake_create(&rx->stop);
	if (!err)
		err = pf_seal_init(&rx->seal, keys, PF_FROM_CLIENT);
	if (err) {
		pf_raw_rx_destroy(rx);
		return err;
	}
	*out = rx;
	return 0;
}

static void packet(struct pf_raw_rx *rx, uint8_t *data, size_t len)
{
	struct pf_sealed in = { .data = data, .len = (uint32_t)len };
	PunktfunkInputEvent e = { .struct_size = sizeof(e) };
	struct pf_dgram d;

	if (pf_seal_open(&rx->seal, &in, 1) != 1 || !pf_replay_accept(&rx->replay, in.seq))
		return;
	if (pf_dgram_parse(&d, data + PF_SEAL_SEQ_BYTES, len - PF_SEAL_OVERHEAD) ||
		d.tag != PF_DGRAM_INPUT)
		return;
	e.kind = d.input.kind;
	e.code = d.input.code;
	e.x = d.input.x;
	e.y = d.input.y;
	e.flags = d.input.flags;
	rx->fn(rx->user, &e);
}

static void *run(void *arg)
{
	struct pf_raw_rx *rx = arg;
	struct pollfd fds[] = { { .fd = rx->stop->fd, .events = POLLIN },
		{ .fd = rx->fd, .events = POLLIN } };
	uint8_t data[2048];

	for (;;) {
		ssize_t n;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		n = recv(rx->fd, data, sizeof(data), MSG_DONTWAIT);
		if (n > 0)
			packet(rx, data, (size_t)n);
	}
	return NULL;
}

int pf_raw_rx_start(struct pf_raw_rx *rx, PunktfunkInputCallback fn, void *user)
{
	int err;

	if (rx->runs)
		return -EBUSY;
	rx->fn = fn;
	rx->user = user;
	err = -pthread_create(&rx->thread, NULL, run, rx);
	rx->runs = !err;
	return err;
}

void pf_raw_rx_destroy(struct pf_raw_rx *rx)
{
	if (!rx)
		return;
	if (rx->runs) {
		pf_wake_signal(rx->stop);
		pthread_join(rx->thread, NULL);
	}
	pf_wake_unref(rx->stop);
	if (rx->fd >= 0)
		close(rx->fd);
	pf_seal_finish(&rx->seal);
	free(rx);
}
