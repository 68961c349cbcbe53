/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/mdns.h"
#include <errno.h>
#include <string.h>
#include "core/base/bytes.h"

#define HEADER_BYTES 12u
#define LABEL_MAX    63u
#define CLASS_IN     1u
#define CACHE_FLUSH  0x8000u /* of the class of a record */
#define RESPONSE     0x8000u /* of the flags: with opcode and rcode 0 */
#define FLAGS_MASK   0xf80fu

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool pf_mdns_name_make(struct pf_mdns_name *out, const char *dotted)
{
	size_t at = 0;

	while (*dotted) {
		size_t len = strcspn(dotted, ".");

		if (!len || len > LABEL_MAX || at + 1 + len + 1 > PF_MDNS_NAME_BYTES)
			return false;
		out->wire[at] = (uint8_t)len;
		memcpy(out->wire + at + 1, dotted, len);
		at += 1 + len;
		dotted += len + (dotted[len] == '.');
	}
	out->wire[at] = 0;
	out->len = (uint8_t)(at + 1);
	return at > 0;
}

static bool equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	/* Length bytes are below 64, letters above: lower() leaves them alone. */
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool pf_mdns_name_equal(const struct pf_mdns_name *a, const struct pf_mdns_name *b)
{
	return a->len == b->len && equal(a->wire, b->wire, a->len);
}

bool pf_mdns_name_is_instance(const struct pf_mdns_name *name, const struct pf_mdns_name *type)
{
	const size_t label = 1u + name->wire[0];

	return name->wire[0] && name->len == label + type->len &&
	       equal(name->wire + label, type->wire, type->len);
}

int pf_mdns_query_build(const struct pf_mdns_question *questions, size_t count, uint16_t id,
	uint8_t *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);

	pf_wr_u16be(&w, id);
	pf_wr_u16be(&w, 0);
	pf_wr_u16be(&w, (uint16_t)count);
	pf_wr_be(&w, 0, 6);
	for (size_t i = 0; i < count; i++) {
		pf_wr_bytes(&w, questions[i].name->wire, questions[i].name->len);
		pf_wr_u16be(&w, questions[i].type);
		pf_wr_u16be(&w, CLASS_IN);
	}
	return w.err ? -EMSGSIZE : (int)w.len;
}

/* A name at `at` of the message, pointers followed; the offset behind it, or 0. Each
 * pointer must lead before the part that holds it, so there is no loop. */
static size_t read_name(struct pf_mdns_name *out, const uint8_t *data, size_t len, size_t at)
{
	size_t end = 0, part = at, n = 0;

	for (;;) {
		uint8_t c;

		if (at >= len)
			return 0;
		c = data[at];
		if (c >= 0xc0) {
			size_t to;

			if (len - at < 2)
				return 0;
			to = (size_t)(c & 0x3f) << 8 | data[at + 1];
			if (to >= part)
				return 0;
			end = end ? end : at + 2;
			at = part = to;
			continue;
		}
		if (c > LABEL_MAX || len - at < 1u + c || n + 1 + c > PF_MDNS_NAME_BYTES)
			return 0;
		memcpy(out->wire + n, data + at, 1u + c);
		n += 1u + c;
		at += 1u + c;
		if (!c)
			break;
	}
	out->len = (uint8_t)n;
	return end ? end : at;
}

/* The body, between `at` and `end`. False when it is not what its type says. */
static bool read_body(struct pf_mdns_record *r, const uint8_t *data, size_t at, size_t end)
{
	const size_t len = end - at;

	switch (r->type) {
	case PF_MDNS_A:
	case PF_MDNS_AAAA:
		if (len != (r->type == PF_MDNS_A ? 4 : 16))
			return false;
		break;
	case PF_MDNS_SRV:
		if (len < 7)
			return false;
		r->port = (uint16_t)(data[at + 4] << 8 | data[at + 5]);
		return read_name(&r->target, data, end, at + 6) == end;
	case PF_MDNS_PTR:
		return read_name(&r->target, data, end, at) == end;
	default:
		break;
	}
	r->data = data + at;
	r->data_len = len;
	return true;
}

static bool known(uint16_t type)
{
	return type == PF_MDNS_A || type == PF_MDNS_PTR || type == PF_MDNS_TXT ||
	       type == PF_MDNS_AAAA || type == PF_MDNS_SRV;
}

int pf_mdns_parse(const uint8_t *data, size_t len, uint16_t *id,
	void (*fn)(void *user, const struct pf_mdns_record *r), void *user)
{
	struct pf_reader head = pf_reader(data, len);
	struct pf_mdns_name skipped;
	uint16_t own_id, flags, questions;
	uint32_t records = 0;
	size_t at = HEADER_BYTES;

	own_id = pf_rd_u16be(&head);
	flags = pf_rd_u16be(&head);
	questions = pf_rd_u16be(&head);
	for (unsigned i = 0; i < 3; i++)
		records += pf_rd_u16be(&head);
	if (head.err || (flags & FLAGS_MASK) != RESPONSE)
		return -EBADMSG;
	if (id)
		*id = own_id;
	for (; questions; questions--) {
		at = read_name(&skipped, data, len, at);
		if (!at || len - at < 4)
			return -EBADMSG;
		at += 4;
	}
	for (; records; records--) {
		struct pf_mdns_record r = { 0 };
		struct pf_reader body;
		uint16_t class, size;

		at = read_name(&r.name, data, len, at);
		if (!at)
			return -EBADMSG;
		body = pf_reader(data + at, len - at);
		r.type = pf_rd_u16be(&body);
		class = pf_rd_u16be(&body);
		r.ttl = pf_rd_u32be(&body);
		size = pf_rd_u16be(&body);
		if (body.err || size > body.left)
			return -EBADMSG;
		at += 10;
		if (known(r.type) && (class & ~CACHE_FLUSH) == CLASS_IN) {
			if (!read_body(&r, data, at, at + size))
				return -EBADMSG;
			fn(user, &r);
		}
		at += size;
	}
	return 0;
}

int pf_mdns_txt_find(const uint8_t *txt, size_t len, const char *key, const uint8_t **value)
{
	const size_t key_len = strlen(key);

	while (len && len > txt[0]) {
		const size_t n = txt[0];

		/* The first of several counts (RFC 6763 6.4). */
		if (n > key_len && txt[1 + key_len] == '=' &&
			equal(txt + 1, (const uint8_t *)key, key_len)) {
			*value = txt + 2 + key_len;
			return (int)(n - key_len - 1);
		}
		txt += 1 + n;
		len -= 1 + n;
	}
	return -ENOENT;
}
