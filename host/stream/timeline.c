/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/stream/timeline.h"
#include <stdio.h>
#include "core/base/clock.h"

static const char *const names[PF_MARKS] = { "begin", "stopped", "display", "desk", "rtsp",
	"announce", "encoder", "answered", "control", "ping", "capture", "captured", "encoded",
	"sent", "sound_ping", "sound_sent" };

const char *pf_mark_name(enum pf_mark mark)
{
	return names[mark];
}

void pf_mark(struct pf_timeline *t, enum pf_mark mark)
{
	pf_mark_at(t, mark, pf_clock_mono_ns());
}

void pf_mark_at(struct pf_timeline *t, enum pf_mark mark, uint64_t ns)
{
	if (!t->ns[mark])
		t->ns[mark] = ns;
}

double pf_timeline_ms(const struct pf_timeline *t, enum pf_mark mark)
{
	const uint64_t from = t->ns[PF_MARK_BEGIN], at = t->ns[mark];

	return !at ? -1 : at > from ? (double)(at - from) / 1e6 : 0;
}

void pf_timeline_format(const struct pf_timeline *t, char *out, size_t cap)
{
	bool done[PF_MARKS] = { [PF_MARK_BEGIN] = true };
	size_t len = 0;

	*out = 0;
	for (;;) {
		unsigned next = PF_MARKS;
		int n;

		for (unsigned i = 0; i <= PF_MARK_SENT; i++)
			if (!done[i] && t->ns[i] && (next == PF_MARKS || t->ns[i] < t->ns[next]))
				next = i;
		if (next == PF_MARKS)
			return;
		done[next] = true;
		n = snprintf(out + len, cap - len, "%s%s %.1f", len ? ", " : "", names[next],
			pf_timeline_ms(t, (enum pf_mark)next));
		if (n < 0 || (size_t)n >= cap - len)
			return;
		len += (size_t)n;
	}
}
