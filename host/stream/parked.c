/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/stream/parked.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pf_parked {
	struct pf_encoder *encoder;
	struct pf_encoder_params params; /* preset: below */
	uint64_t pictures;
	char name[64], preset[64];
};

static const char *text(const char *s)
{
	return s ? s : "";
}

struct pf_parked *pf_parked_make(struct pf_encoder *encoder, const char *name,
	const struct pf_encoder_params *params, uint64_t pictures)
{
	struct pf_parked *p = calloc(1, sizeof(*p));

	if (!p || strlen(name) >= sizeof(p->name) ||
		strlen(text(params->preset)) >= sizeof(p->preset)) {
		encoder->ops->close(encoder);
		free(p);
		return NULL;
	}
	p->encoder = encoder;
	p->params = *params;
	p->pictures = pictures;
	strcpy(p->name, name);
	strcpy(p->preset, text(params->preset));
	return p;
}

static bool is_same(const struct pf_parked *p, const char *name, const struct pf_encoder_params *b)
{
	const struct pf_encoder_params *a = &p->params;

	return !strcmp(p->name, name) && !strcmp(p->preset, text(b->preset)) &&
	       a->codec == b->codec && a->shape == b->shape && a->width == b->width &&
	       a->height == b->height && a->fps_mhz == b->fps_mhz &&
	       !memcmp(&a->colour, &b->colour, sizeof(a->colour)) && a->slices == b->slices &&
	       a->references == b->references && a->threads == b->threads;
}

struct pf_encoder *pf_parked_take(struct pf_parked *p, const char *name,
	const struct pf_encoder_params *params, uint64_t *pictures)
{
	struct pf_encoder *e = NULL;
	const uint32_t kbps = params->bitrate_kbps;

	if (!p)
		return NULL;
	if (is_same(p, name, params) &&
		(p->params.bitrate_kbps == kbps ||
			(p->encoder->ops->set_bitrate &&
				!p->encoder->ops->set_bitrate(p->encoder, kbps)))) {
		e = p->encoder;
		*pictures = p->pictures;
		p->encoder = NULL;
	}
	pf_parked_drop(p);
	return e;
}

void pf_parked_drop(void *parked)
{
	struct pf_parked *p = parked;

	if (p && p->encoder)
		p->encoder->ops->close(p->encoder);
	free(p);
}
