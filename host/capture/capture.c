/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/capture.h"
#include <stddef.h>
#include <string.h>
#include "host/capture/backends.h"
#include "pf_config.h"

static const struct pf_capture_ops *const backends[] = {
#ifdef PF_HAVE_WAYLAND
	&wlr_screencopy_capture_ops,
#endif
	&pattern_capture_ops,
	&null_capture_ops,
	NULL,
};

const struct pf_capture_ops *const *pf_capture_backends(void)
{
	return backends;
}

const struct pf_capture_ops *pf_capture_find(const char *name)
{
	for (unsigned i = 0; backends[i]; i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

const struct pf_capture_ops *pf_capture_for(enum pf_source_kind kind)
{
	for (unsigned i = 0; backends[i]; i++)
		if (backends[i]->source_kinds & 1u << kind)
			return backends[i];
	return NULL;
}
