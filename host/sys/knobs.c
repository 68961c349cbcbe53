/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/sys/knobs.h"
#include <stdlib.h>
#include <string.h>

static const char *value_of(const char *knobs, const char *key)
{
	size_t len = strlen(key);

	while (knobs && *knobs) {
		if (!strncmp(knobs, key, len) && knobs[len] == '=')
			return knobs + len + 1;
		knobs = strchr(knobs, ',');
		knobs += knobs != NULL;
	}
	return NULL;
}

uint64_t pf_knob_number(const char *knobs, const char *key, uint64_t otherwise)
{
	const char *value = value_of(knobs, key);

	return value ? strtoull(value, NULL, 10) : otherwise;
}

bool pf_knob_is(const char *knobs, const char *key, const char *word)
{
	const char *value = value_of(knobs, key);
	size_t len = strlen(word);

	return value && !strncmp(value, word, len) && (!value[len] || value[len] == ',');
}
