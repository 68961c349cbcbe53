/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* test_gs_look - what is in the pictures that a test received.
 *
 * Standard input: access units of H.264, each after its length (32 bits, little
 * endian). Standard output: one JSON object a line for each; "strip" is -1 when
 * the picture carries none, and the line says so when nothing could be decoded. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "clients/probe/decode.h"
#include "clients/probe/strip.h"
#include "core/base/clock.h"
#include "include/punktfunk_core.h"

#define UNIT_MAX (8u << 20)

static void look(struct pf_decoder *d, const uint8_t *data, size_t len)
{
	const struct AVFrame *frame = pf_decoder_decode(d, data, len);
	uint32_t width = 0, height = 0;
	struct pf_strip strip;
	ptrdiff_t stride;
	const uint8_t *luma = frame ? pf_decoder_luma(frame, &stride, &width, &height) : NULL;

	if (!luma) {
		printf("{\"decoded\": false}\n");
		return;
	}
	printf("{\"decoded\": true, \"width\": %u, \"height\": %u, \"uniform\": %s, ", width,
		height, pf_decoder_uniform(frame) ? "true" : "false");
	if (pf_strip_read(luma, stride, width, height, pf_clock_unix_ns(), &strip))
		printf("\"strip\": %u}\n", strip.number);
	else
		printf("\"strip\": -1}\n");
}

int main(void)
{
	struct pf_decoder *d;
	uint8_t head[4], *unit = malloc(UNIT_MAX);
	int code = 1;

	if (!unit || pf_decoder_open(&d, PUNKTFUNK_CODEC_H264)) {
		free(unit);
		return 1;
	}
	while (fread(head, sizeof(head), 1, stdin) == 1) {
		uint32_t len = head[0] | head[1] << 8 | head[2] << 16 | (uint32_t)head[3] << 24;

		if (len > UNIT_MAX || fread(unit, 1, len, stdin) != len)
			goto out;
		look(d, unit, len);
	}
	code = 0;
out:
	pf_decoder_close(d);
	free(unit);
	return code;
}
