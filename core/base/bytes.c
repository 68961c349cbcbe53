/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/bytes.h"
#include <stdarg.h>
#include <stdio.h>

void pf_wr_printf(struct pf_writer *w, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		w->err = true;
	else
		pf_wr_bytes(w, line, (size_t)n);
}
