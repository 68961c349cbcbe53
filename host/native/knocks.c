/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/knocks.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Where a knock came from, without the port: an IPv4 address as IPv6 maps it. */
static void read_source(struct pf_knock *e, const struct sockaddr_storage *from)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	bool mapped;

	memset(e->source, 0, sizeof(e->source));
	if (from->ss_family == AF_INET6) {
		memcpy(e->source, &v6->sin6_addr, 16);
	} else {
		e->source[10] = e->source[11] = 0xff;
		memcpy(e->source + 12, &v4->sin_addr, 4);
	}
	mapped = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)e->source);
	if (!inet_ntop(mapped ? AF_INET : AF_INET6, e->source + (mapped ? 12 : 0), e->address,
		    sizeof(e->address)))
		*e->address = 0;
}

static unsigned max_per_address(const struct pf_knocks *k)
{
	return k->per_address ? k->per_address : PF_KNOCKS_PER_ADDRESS;
}

static uint64_t wait_ns(const struct pf_knocks *k)
{
	return k->wait_ns ? k->wait_ns : PF_KNOCK_WAIT_NS;
}

static uint64_t keep_ns(const struct pf_knocks *k)
{
	return k->keep_ns ? k->keep_ns : PF_KNOCK_KEEP_NS;
}

static void *remove_at(struct pf_knocks *k, unsigned i)
{
	void *parked = k->list[i].parked;

	k->count--;
	memmove(&k->list[i], &k->list[i + 1], (k->count - i) * sizeof(k->list[0]));
	return parked;
}

static int find_device(const struct pf_knocks *k, const uint8_t fingerprint[32])
{
	for (unsigned i = 0; i < k->count; i++)
		if (!memcmp(k->list[i].fingerprint, fingerprint, 32))
			return (int)i;
	return -1;
}

/* The entry that makes room: the oldest without a connection, else the oldest; of
 * one address only unless `source` is NULL. */
static unsigned choose_victim(const struct pf_knocks *k, const uint8_t *source)
{
	unsigned victim = k->count;

	for (unsigned i = 0; i < k->count; i++) {
		if (source && memcmp(k->list[i].source, source, 16))
			continue;
		if (!k->list[i].parked)
			return i;
		if (victim == k->count)
			victim = i;
	}
	return victim;
}

uint32_t pf_knocks_add(struct pf_knocks *k, const uint8_t fingerprint[32], const char *name,
	const struct sockaddr_storage *from, void *parked, uint64_t now_ns, void **superseded,
	void **dropped)
{
	int i = find_device(k, fingerprint);
	struct pf_knock e = { .since_ns = now_ns, .parked = parked };
	unsigned same = 0;

	*superseded = *dropped = NULL;
	memcpy(e.fingerprint, fingerprint, 32);
	snprintf(e.name, sizeof(e.name), "%s", name);
	read_source(&e, from);
	if (i >= 0) {
		e.id = k->list[i].id;
		*superseded = remove_at(k, (unsigned)i);
	} else {
		e.id = ++k->last_id ? k->last_id : ++k->last_id;
	}
	for (unsigned j = 0; j < k->count; j++)
		same += !memcmp(k->list[j].source, e.source, 16);
	if (same >= max_per_address(k))
		*dropped = remove_at(k, choose_victim(k, e.source));
	else if (k->count == PF_KNOCKS_MAX)
		*dropped = remove_at(k, choose_victim(k, NULL));
	k->list[k->count++] = e;
	return e.id;
}

bool pf_knocks_left(struct pf_knocks *k, const void *parked)
{
	for (unsigned i = 0; i < k->count; i++) {
		if (k->list[i].parked != parked)
			continue;
		k->list[i].parked = NULL;
		return true;
	}
	return false;
}

static int find_id(const struct pf_knocks *k, uint32_t id)
{
	for (unsigned i = 0; i < k->count; i++)
		if (k->list[i].id == id)
			return (int)i;
	return -1;
}

const struct pf_knock *pf_knocks_find(const struct pf_knocks *k, uint32_t id)
{
	int i = find_id(k, id);

	return i < 0 ? NULL : &k->list[i];
}

const struct pf_knock *pf_knocks_find_device(
	const struct pf_knocks *k, const uint8_t fingerprint[32])
{
	int i = find_device(k, fingerprint);

	return i < 0 ? NULL : &k->list[i];
}

void *pf_knocks_remove(struct pf_knocks *k, uint32_t id)
{
	int i = find_id(k, id);

	return i < 0 ? NULL : remove_at(k, (unsigned)i);
}

void *pf_knocks_expired(struct pf_knocks *k, uint64_t now_ns)
{
	unsigned i = 0;

	while (i < k->count) {
		struct pf_knock *e = &k->list[i];
		void *parked = e->parked;

		if (parked && now_ns - e->since_ns >= wait_ns(k)) {
			e->parked = NULL;
			return parked;
		}
		if (!parked && now_ns - e->since_ns >= keep_ns(k))
			(void)remove_at(k, i);
		else
			i++;
	}
	return NULL;
}

uint64_t pf_knocks_deadline(const struct pf_knocks *k)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < k->count; i++) {
		const struct pf_knock *e = &k->list[i];
		uint64_t due = e->since_ns + (e->parked ? wait_ns(k) : keep_ns(k));

		if (due < first)
			first = due;
	}
	return first;
}
