/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* mdns.h - DNS messages as far as finding hosts by mDNS needs them (RFC 1035, 6762).
 *
 * Names are kept as on the wire without compression: length byte and label, ended by
 * a zero byte, so an instance name may hold dots. Pure; what is parsed borrows from
 * the message. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_MDNS_PORT	   5353
#define PF_MDNS_BYTES	   9000 /* longest message, RFC 6762 17 */
#define PF_MDNS_NAME_BYTES 255

enum pf_mdns_type {
	PF_MDNS_A = 1,
	PF_MDNS_PTR = 12,
	PF_MDNS_TXT = 16,
	PF_MDNS_AAAA = 28,
	PF_MDNS_SRV = 33,
};

struct pf_mdns_name {
	uint8_t len; /* with the zero byte at the end */
	uint8_t wire[PF_MDNS_NAME_BYTES];
};

struct pf_mdns_record {
	uint16_t type; /* PF_MDNS_..., others are skipped */
	uint32_t ttl;  /* 0 = it is gone */
	struct pf_mdns_name name;
	struct pf_mdns_name target; /* PTR, SRV */
	uint16_t port;		    /* SRV */
	const uint8_t *data;	    /* A: 4 bytes, AAAA: 16, TXT: as on the wire */
	size_t data_len;
};

/** "_punktfunk._udp.local" as a name. false when it is none. */
bool pf_mdns_name_make(struct pf_mdns_name *out, const char *dotted);
/** DNS compares without regard to the case of ASCII letters. */
bool pf_mdns_name_equal(const struct pf_mdns_name *a, const struct pf_mdns_name *b);
/** Whether `name` is one label followed by `type`. */
bool pf_mdns_name_is_instance(const struct pf_mdns_name *name, const struct pf_mdns_name *type);

struct pf_mdns_question {
	const struct pf_mdns_name *name;
	uint16_t type;
};

/** A query; its length, or -EMSGSIZE. */
int pf_mdns_query_build(const struct pf_mdns_question *questions, size_t count, uint16_t id,
	uint8_t *buf, size_t cap);
/** Calls `fn` for each record of class IN that we know, in order; a malformed one ends
 * it, those before count. The id in *id (may be NULL). 0, -EBADMSG for what is no
 * response or malformed. */
int pf_mdns_parse(const uint8_t *data, size_t len, uint16_t *id,
	void (*fn)(void *user, const struct pf_mdns_record *r), void *user);
/** The value of `key` in the data of a TXT record: its length and *value, or -ENOENT. */
int pf_mdns_txt_find(const uint8_t *txt, size_t len, const char *key, const uint8_t **value);
