/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/dial.h"
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include "core/base/clock.h"
#include "punktfunk_core.h"

#define DEFAULT_MS 10000
/* Attempts of 3 s, 2 s kept for the control phase. */
#define ATTEMPT_NS	 (3 * PF_NS_PER_S)
#define CONTROL_PHASE_NS (2 * PF_NS_PER_S)
#define ATTEMPT_MIN_NS	 (500 * PF_NS_PER_MS)
#define ADDRESSES_MAX	 8

/* IPv4 first: hosts of punktfunk/1 up to 0.31 have no IPv6 path. */
static int resolve(const struct pf_dial *d, struct sockaddr_storage addrs[ADDRESSES_MAX],
	socklen_t lens[ADDRESSES_MAX], unsigned *count, struct pf_reason *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV };
	static const int families[] = { AF_INET, AF_INET6 };
	struct addrinfo *list;
	char port[8];
	int err;

	snprintf(port, sizeof(port), "%u", d->port ? d->port : PF_QUIC_DEFAULT_PORT);
	err = getaddrinfo(d->host, port, &hints, &list);
	if (err)
		return pf_reason_set(why, -EHOSTUNREACH, "cannot find the host '%s': %s", d->host,
			gai_strerror(err));
	*count = 0;
	for (unsigned f = 0; f < 2; f++)
		for (struct addrinfo *a = list; a && *count < ADDRESSES_MAX; a = a->ai_next)
			if (a->ai_family == families[f]) {
				memset(&addrs[*count], 0, sizeof(addrs[0]));
				memcpy(&addrs[*count], a->ai_addr, a->ai_addrlen);
				lens[(*count)++] = a->ai_addrlen;
			}
	freeaddrinfo(list);
	if (!*count)
		return pf_reason_set(
			why, -EHOSTUNREACH, "the host '%s' has no IP address", d->host);
	return 0;
}

static int err_of_code(uint32_t code)
{
	switch (code) {
	case PUNKTFUNK_CLOSE_BUSY:
		return -EBUSY;
	case PUNKTFUNK_CLOSE_WIRE_VERSION:
		return -EPROTO;
	default:
		return code >= 0x60 && code <= 0x6a && code != PUNKTFUNK_CLOSE_SETUP_FAILED
			       ? -EACCES
			       : -EPIPE;
	}
}

int pf_dial_explain(const char *host, const struct pf_quic_close *end, struct pf_reason *why)
{
	int err;

	if (end->err)
		return pf_reason_set(why, end->err, "%s: %s", host, end->text);
	err = pf_reason_set(why, err_of_code(end->code), "%s refused: %s (code 0x%02x)", host,
		end->text[0] ? end->text : "no reason given", end->code);
	if (why)
		why->close = end->code;
	return err;
}

bool pf_dial_is_silence(int err)
{
	return err == -ETIMEDOUT || err == -ECONNREFUSED || err == -EHOSTUNREACH;
}

static uint32_t handshake_ms(uint64_t end_ns)
{
	uint64_t now = pf_clock_mono_ns();
	uint64_t left = end_ns > now + CONTROL_PHASE_NS ? end_ns - now - CONTROL_PHASE_NS : 0;

	if (left > ATTEMPT_NS)
		left = ATTEMPT_NS;
	if (left < ATTEMPT_MIN_NS)
		left = ATTEMPT_MIN_NS;
	return (uint32_t)(left / PF_NS_PER_MS);
}

int pf_dial_run(const struct pf_dial *d, struct pf_quic_params *params, struct pf_reason *why)
{
	uint64_t timeout_ms = d->timeout_ms ? d->timeout_ms : DEFAULT_MS;
	uint64_t end_ns = pf_clock_mono_ns() + timeout_ms * PF_NS_PER_MS;
	struct sockaddr_storage addrs[ADDRESSES_MAX];
	socklen_t lens[ADDRESSES_MAX];
	unsigned count, silent = 0;
	int err = resolve(d, addrs, lens, &count, why);

	if (err)
		return err;
	/* Silence is tried again at the same place; a refusal is not. */
	for (unsigned i = 0; count; i++) {
		bool again = false;

		i %= count;
		params->remote = addrs[i];
		params->remote_len = lens[i];
		params->handshake_ms = handshake_ms(end_ns);
		err = d->attempt(d->user, params, end_ns, &again, why);
		if (!err || !again)
			return err;
		if (err != -ETIMEDOUT) {
			memmove(&addrs[i], &addrs[i + 1], (count - i - 1) * sizeof(addrs[0]));
			memmove(&lens[i], &lens[i + 1], (count - i - 1) * sizeof(lens[0]));
			count--;
			i--;
		} else {
			silent++;
		}
		if (!count || pf_clock_mono_ns() + CONTROL_PHASE_NS >= end_ns)
			break;
	}
	return silent ? pf_reason_set(why, -ETIMEDOUT,
				"%s: no answer: is the host running, and does a firewall let "
				"UDP port %u through?",
				d->host, d->port ? d->port : PF_QUIC_DEFAULT_PORT)
		      : err;
}
