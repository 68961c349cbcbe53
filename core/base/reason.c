/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/reason.h"
#include <stdio.h>

int pf_reason_set(struct pf_reason *why, int code, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return code;
	why->code = code;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return code;
}
