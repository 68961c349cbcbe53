/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/display/display.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "host/display/backends.h"
#include "pf_config.h"

#define SIZE_MAX_PX	16384u
#define REFRESH_MIN_MHZ 1000u
#define REFRESH_MAX_MHZ 1000000u

static const struct pf_display_ops *const backends[] = {
#ifdef PF_HAVE_WAYLAND
	&session_display_ops,
	&wlroots_display_ops,
#endif
	&null_display_ops,
	&pattern_display_ops,
	NULL,
};

const struct pf_display_ops *const *pf_display_backends(void)
{
	return backends;
}

const struct pf_display_ops *pf_display_find(const char *name)
{
	for (size_t i = 0; backends[i]; i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

int pf_mode_check(struct pf_mode *mode, struct pf_reason *why)
{
	/* Odd sizes lose a column or row: 4:2:0 video has none. */
	const uint32_t w = mode->width & ~1u, h = mode->height & ~1u;

	if (w < 2 || w > SIZE_MAX_PX || h < 2 || h > SIZE_MAX_PX)
		return pf_reason_set(why, -EINVAL,
			"mode %ux%u: sizes from 2x2 to %ux%u are possible", mode->width,
			mode->height, SIZE_MAX_PX, SIZE_MAX_PX);
	if (mode->refresh_mhz < REFRESH_MIN_MHZ || mode->refresh_mhz > REFRESH_MAX_MHZ)
		return pf_reason_set(why, -EINVAL,
			"refresh rate %u.%03u Hz: 1 to 1000 Hz are possible",
			mode->refresh_mhz / 1000, mode->refresh_mhz % 1000);
	mode->width = w;
	mode->height = h;
	return 0;
}
