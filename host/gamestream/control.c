/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/control.h"
#include <enet/enet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include "core/base/clock.h"
#include "host/gamestream/ports.h"

/* ENet has no descriptor for its timers: acknowledgements leave at once, what is
 * lost is sent again at this grain. */
#define TICK_NS (10 * PF_NS_PER_MS)
/* With nothing on its way there is only its own ping, twice a second. */
#define TICK_IDLE_NS (100 * PF_NS_PER_MS)
#define EVENT_MAX    64 /* in one turn of the loop */
/* Links that may claim one session before a message proves whose it is. */
#define CLAIMS_MAX 8
/* A client is lost after this much silence (gamestream.md 8). */
#define LOST_MS 10000

struct pf_gs_control {
	ENetHost *host;
	struct pf_loop *loop;
	sd_event_source *source;
	struct pf_timer *timer;
	bool idle; /* the timer runs slowly */
	const struct pf_gs_control_events *events;
	void *user;
	bool serving;
	struct pf_gs_control_stats stats;
};

/* A link is an ENet peer; its `data` is the session, NULL once nobody cares. */
static ENetPeer *peer_of(const struct pf_gs_link *link)
{
	return (ENetPeer *)link;
}

static struct pf_gs_control *control_of(const ENetPeer *peer)
{
	/* ENet has no place for a user's pointer; this one it uses only together with
	 * the compressor's functions, which stay NULL. */
	return peer->host->compressor.context;
}

static uint16_t read16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static unsigned claims(const ENetHost *host, uint32_t data)
{
	unsigned n = 0;

	for (size_t i = 0; i < host->peerCount; i++)
		n += host->peers[i].state != ENET_PEER_STATE_DISCONNECTED &&
		     host->peers[i].eventData == data;
	return n;
}

/* The next packet that a datagram carries, from *at on, which is 0 at first. */
static bool next_packet(
	const uint8_t *p, size_t len, size_t *at, const uint8_t **packet, size_t *packet_len)
{
	if (!*at)
		*at = read16(p) & ENET_PROTOCOL_HEADER_FLAG_SENT_TIME ? 4 : 2;
	while (*at + sizeof(ENetProtocolCommandHeader) <= len) {
		const unsigned kind = p[*at] & ENET_PROTOCOL_COMMAND_MASK;
		size_t size, length_at;

		/* What ENet does not take apart either. */
		if (kind >= ENET_PROTOCOL_COMMAND_COUNT)
			return false;
		size = enet_protocol_command_size((enet_uint8)kind);
		if (!size || size > len - *at)
			return false;
		switch (kind) {
		case ENET_PROTOCOL_COMMAND_SEND_RELIABLE:
			length_at = offsetof(ENetProtocolSendReliable, dataLength);
			break;
		case ENET_PROTOCOL_COMMAND_SEND_UNRELIABLE:
			length_at = offsetof(ENetProtocolSendUnreliable, dataLength);
			break;
		case ENET_PROTOCOL_COMMAND_SEND_UNSEQUENCED:
			length_at = offsetof(ENetProtocolSendUnsequenced, dataLength);
			break;
		case ENET_PROTOCOL_COMMAND_SEND_FRAGMENT:
		case ENET_PROTOCOL_COMMAND_SEND_UNRELIABLE_FRAGMENT:
			length_at = offsetof(ENetProtocolSendFragment, dataLength);
			break;
		default:
			*at += size;
			continue;
		}
		*packet = p + *at + size;
		*packet_len = read16(p + *at + length_at);
		*at += size + *packet_len;
		return true;
	}
	return false;
}

/* Whether a packet in it has no bytes. ENet bounds what waits for those before it
 * by bytes alone, so that these could fill the memory; no client has such. */
static bool has_empty(const uint8_t *p, size_t len)
{
	const uint8_t *packet;
	size_t at = 0, n;

	while (next_packet(p, len, &at, &packet, &n))
		if (!n)
			return true;
	return false;
}

/* ENet takes what a peer says from its one address only, but a router on the way may
 * give a client another one. */
static void follow(struct pf_gs_control *c)
{
	ENetHost *host = c->host;
	const uint16_t head = read16(host->receivedData);
	const size_t id = head & ENET_PROTOCOL_MAXIMUM_PEER_ID, len = host->receivedDataLength;
	ENetPeer *peer = id < host->peerCount ? &host->peers[id] : NULL;
	const uint8_t *packet;
	size_t at = 0, n;

	if (!peer || peer->state != ENET_PEER_STATE_CONNECTED || !peer->data ||
		peer->incomingSessionID != (head & ENET_PROTOCOL_HEADER_SESSION_MASK) >>
						   ENET_PROTOCOL_HEADER_SESSION_SHIFT ||
		(peer->address.host == host->receivedAddress.host &&
			peer->address.port == host->receivedAddress.port))
		return;
	while (next_packet(host->receivedData, len, &at, &packet, &n)) {
		if (at > len || n > PF_GS_CONTROL_MAX)
			return;
		if (c->events->moved(
			    c->user, peer->data, (const struct pf_gs_link *)peer, packet, n)) {
			peer->address = host->receivedAddress;
			c->stats.moves++;
			return;
		}
	}
}

/* Sees every datagram before ENet does: 1 keeps it from ENet. */
static int ENET_CALLBACK intercept(ENetHost *host, ENetEvent *event)
{
	struct pf_gs_control *c = host->compressor.context;
	const uint8_t *p = host->receivedData;
	size_t head = 2;
	uint32_t data;

	if (host->receivedDataLength < 2)
		return 1;
	if ((read16(p) & ENET_PROTOCOL_MAXIMUM_PEER_ID) != ENET_PROTOCOL_MAXIMUM_PEER_ID) {
		if (has_empty(p, host->receivedDataLength))
			return 1;
		follow(c);
		return 0;
	}
	/* From nobody ENet knows: a CONNECT or nothing. */
	if (read16(p) & ENET_PROTOCOL_HEADER_FLAG_SENT_TIME)
		head = 4;
	if (host->receivedDataLength < head + sizeof(ENetProtocolConnect) ||
		(p[head] & ENET_PROTOCOL_COMMAND_MASK) != ENET_PROTOCOL_COMMAND_CONNECT)
		return 1;
	memcpy(&data, p + head + offsetof(ENetProtocolConnect, data), sizeof(data));
	data = ENET_NET_TO_HOST_32(data);
	if (c->events->wanted(c->user, data) && claims(host, data) < CLAIMS_MAX)
		return 0;
	c->stats.refused_connects++;
	return 1;
}

static void drop(ENetPeer *peer)
{
	peer->data = NULL;
	enet_peer_disconnect(peer, 0);
}

static void on_connect(struct pf_gs_control *c, ENetPeer *peer, uint32_t data)
{
	void *session = c->events->wanted(c->user, data);

	enet_peer_timeout(peer, 2, LOST_MS, LOST_MS);
	peer->data = session;
	if (session)
		return;
	c->stats.refused_connects++;
	enet_peer_disconnect_now(peer, 0);
}

static void take_event(struct pf_gs_control *c, ENetEvent *e)
{
	void *session = e->peer->data;

	switch (e->type) {
	case ENET_EVENT_TYPE_CONNECT:
		on_connect(c, e->peer, e->data);
		break;
	case ENET_EVENT_TYPE_RECEIVE:
		if (e->packet->dataLength > PF_GS_CONTROL_MAX)
			c->stats.oversized++;
		else if (session &&
			 !c->events->message(c->user, session, (struct pf_gs_link *)e->peer,
				 e->packet->data, e->packet->dataLength))
			drop(e->peer);
		enet_packet_destroy(e->packet);
		break;
	case ENET_EVENT_TYPE_DISCONNECT:
		e->peer->data = NULL;
		if (session)
			c->events->gone(c->user, session, (struct pf_gs_link *)e->peer);
		break;
	default:
		break;
	}
}

static void on_tick(void *user);

/* Sees to it that ENet is called again in time. */
static void keep_time(struct pf_gs_control *c)
{
	bool any = false, idle = true;

	/* Handshakes under way are not counted as connected. */
	for (size_t i = 0; i < c->host->peerCount; i++) {
		const ENetPeer *p = &c->host->peers[i];

		if (p->state == ENET_PEER_STATE_DISCONNECTED)
			continue;
		any = true;
		idle &= p->state == ENET_PEER_STATE_CONNECTED &&
			enet_list_empty(&p->sentReliableCommands);
	}
	if (!any || (c->timer && c->idle <= idle))
		return;
	pf_timer_stop(&c->timer);
	c->idle = idle;
	(void)pf_timer_start(&c->timer, c->loop, idle ? TICK_IDLE_NS : TICK_NS, on_tick, c);
}

static void serve(struct pf_gs_control *c)
{
	ENetEvent e;
	unsigned n;

	c->serving = true;
	for (n = 0; n < EVENT_MAX && enet_host_service(c->host, &e, 0) > 0; n++)
		take_event(c, &e);
	c->serving = false;
	enet_host_flush(c->host);
	if (n < EVENT_MAX) {
		keep_time(c);
		return;
	}
	/* ENet may hold the rest of a burst already: nothing would become readable. */
	pf_timer_stop(&c->timer);
	c->idle = false;
	(void)pf_timer_start(&c->timer, c->loop, 0, on_tick, c);
}

static void flush(struct pf_gs_control *c)
{
	enet_host_flush(c->host);
	keep_time(c);
}

static void on_tick(void *user)
{
	struct pf_gs_control *c = user;

	pf_timer_stop(&c->timer);
	serve(c);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
	serve(user);
	return 0;
}

int pf_gs_control_open(struct pf_gs_control **out, struct pf_loop *loop, const char *address,
	uint16_t port, unsigned max_clients, const struct pf_gs_control_events *events, void *user,
	struct pf_reason *why)
{
	struct pf_gs_control *c = calloc(1, sizeof(*c));
	ENetAddress a = { .port = port };
	int r = -ENOMEM;

	if (!c)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	*c = (struct pf_gs_control){ .loop = loop, .events = events, .user = user };
	errno = 0;
	if (enet_initialize() || enet_address_set_host_ip(&a, address)) {
		r = pf_reason_set(why, -EINVAL, "%s is no IPv4 address", address);
		goto fail;
	}
	/* Twice the clients: one may come back while its old peer lingers. */
	c->host = enet_host_create(&a, 2 * max_clients, PF_GS_CHANNELS, 0, 0);
	if (!c->host) {
		r = errno ? -errno : -ENOMEM;
		pf_gs_port_refused(why, r, address, port);
		goto fail;
	}
	c->host->intercept = intercept;
	c->host->compressor.context = c;
	c->host->maximumPacketSize = 4 * PF_GS_CONTROL_MAX;
	c->host->maximumWaitingData = 64 * PF_GS_CONTROL_MAX;
	r = sd_event_add_io(
		pf_loop_event(loop), &c->source, (int)c->host->socket, EPOLLIN, on_readable, c);
	if (r < 0) {
		pf_reason_set(why, r, "cannot watch the control port: %s", strerror(-r));
		goto fail;
	}
	*out = c;
	return 0;
fail:
	pf_gs_control_close(c);
	return r;
}

void pf_gs_control_close(struct pf_gs_control *c)
{
	if (!c)
		return;
	pf_timer_stop(&c->timer);
	sd_event_source_disable_unref(c->source);
	if (c->host) {
		for (size_t i = 0; i < c->host->peerCount; i++)
			if (c->host->peers[i].state == ENET_PEER_STATE_CONNECTED)
				enet_peer_disconnect_now(&c->host->peers[i], 0);
		c->host->compressor.context = NULL;
		enet_host_destroy(c->host);
	}
	free(c);
}

int pf_gs_link_send(struct pf_gs_link *link, const void *data, size_t len)
{
	ENetPeer *peer = peer_of(link);
	struct pf_gs_control *c = control_of(peer);
	ENetPacket *packet = enet_packet_create(data, len, ENET_PACKET_FLAG_RELIABLE);

	if (!packet)
		return -ENOMEM;
	if (enet_peer_send(peer, 0, packet)) {
		enet_packet_destroy(packet);
		return -EPIPE;
	}
	/* In the middle of a turn the flush at its end sends it. */
	if (!c->serving)
		flush(c);
	return 0;
}

void pf_gs_link_close(struct pf_gs_link *link)
{
	ENetPeer *peer = peer_of(link);
	struct pf_gs_control *c = control_of(peer);

	peer->data = NULL;
	enet_peer_disconnect_later(peer, 0);
	if (!c->serving)
		flush(c);
}

void pf_gs_control_release(
	struct pf_gs_control *c, const void *session, const struct pf_gs_link *keep)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->host->peerCount; i++) {
		ENetPeer *peer = &c->host->peers[i];

		if (peer->data == session && peer != peer_of(keep))
			drop(peer);
	}
	if (!c->serving)
		flush(c);
}

static unsigned count_list(const ENetList *list, unsigned most)
{
	unsigned n = 0;

	for (const ENetListNode *i = list->sentinel.next; i != &list->sentinel && n < most;
		i = i->next)
		n++;
	return n;
}

unsigned pf_gs_link_backlog(const struct pf_gs_link *link, unsigned most)
{
	const ENetPeer *peer = (const ENetPeer *)link;
	const unsigned n = count_list(&peer->outgoingCommands, most);

	return n + count_list(&peer->sentReliableCommands, most - n);
}

unsigned pf_gs_link_rtt_ms(const struct pf_gs_link *link)
{
	return peer_of(link)->roundTripTime;
}

bool pf_gs_control_is_done(const struct pf_gs_control *c)
{
	for (size_t i = 0; i < c->host->peerCount; i++) {
		const ENetPeerState state = c->host->peers[i].state;

		if (state == ENET_PEER_STATE_CONNECTED || state == ENET_PEER_STATE_DISCONNECT_LATER)
			return false;
	}
	return true;
}

void pf_gs_control_stats(const struct pf_gs_control *c, struct pf_gs_control_stats *out)
{
	*out = c->stats;
}
