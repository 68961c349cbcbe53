/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>
#include "host/pads/uhid.h"

uint8_t pf_uhid_hat(uint32_t buttons)
{
	int x = !!(buttons & PF_PAD_RIGHT) - !!(buttons & PF_PAD_LEFT);
	int y = !!(buttons & PF_PAD_DOWN) - !!(buttons & PF_PAD_UP);
	static const uint8_t hat[3][3] = { { 7, 0, 1 }, { 6, 8, 2 }, { 5, 4, 3 } };

	return hat[y + 1][x + 1];
}

uint8_t pf_uhid_axis(int16_t v, bool invert)
{
	int u = 32768 + (invert ? -v : v);

	return (uint8_t)((u > 65535 ? 65535 : u) >> 8);
}

void pf_uhid_put16(uint8_t *out, uint16_t v)
{
	out[0] = (uint8_t)v;
	out[1] = (uint8_t)(v >> 8);
}

void pf_uhid_put32(uint8_t *out, uint32_t v)
{
	pf_uhid_put16(out, (uint16_t)v);
	pf_uhid_put16(out + 2, (uint16_t)(v >> 16));
}

void pf_uhid_put_finger(uint8_t out[4], const struct pf_uhid_finger *f)
{
	out[0] = f->contact | (f->down ? 0 : 0x80);
	out[1] = (uint8_t)f->x;
	out[2] = (uint8_t)((f->x >> 8 & 0x0f) | f->y << 4);
	out[3] = (uint8_t)(f->y >> 4);
}

uint32_t pf_uhid_crc(uint8_t header, const uint8_t *data, size_t len)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i <= len; i++) {
		crc ^= i ? data[i - 1] : header;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

bool pf_uhid_output_ok(const uint8_t *report, size_t len, uint8_t id)
{
	enum { BODY = PF_UHID_REPORT_BYTES - 4 };
	uint8_t crc[4];

	if (len != PF_UHID_REPORT_BYTES || report[0] != id)
		return false;
	pf_uhid_put32(crc, pf_uhid_crc(0xa2, report, BODY));
	return !memcmp(crc, report + BODY, sizeof(crc));
}
