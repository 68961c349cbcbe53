/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/input/input.h"
#include <stddef.h>
#include "host/input/backends.h"
#include "pf_config.h"

static const struct pf_input_ops *const backends[] = {
#ifdef PF_HAVE_WAYLAND
	&wlr_input_ops,
#endif
	&null_input_ops,
	NULL,
};

const struct pf_input_ops *const *pf_input_backends(void)
{
	return backends;
}

const struct pf_input_ops *pf_input_for(enum pf_input_kind kind)
{
	for (size_t i = 0; backends[i]; i++)
		if (backends[i]->target_kinds & 1u << kind)
			return backends[i];
	return NULL;
}
