/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/audio.h"
#include <stddef.h>
#include <string.h>
#include "host/audio/backends.h"
#include "pf_config.h"

static const struct pf_audio_ops *const backends[] = {
#ifdef PF_HAVE_PIPEWIRE
	&pf_pipewire_audio_ops,
#endif
	&pf_null_audio_ops,
	NULL,
};

const struct pf_audio_ops *const *pf_audio_backends(void)
{
	return backends;
}

const struct pf_audio_ops *pf_audio_find(const char *name)
{
	for (size_t i = 0; backends[i]; i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}
