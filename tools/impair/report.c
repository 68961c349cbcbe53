/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <inttypes.h>
#include <string.h>
#include "core/base/clock.h"
#include "tools/impair/relay.h"
#include "tools/impair/relay_impl.h"

static const char *const direction_names[PF_IMPAIR_DIRECTIONS] = { "up", "down" };

void pf_relay_map_stats(const struct pf_relay *r, unsigned map, enum pf_impair_direction dir,
	struct pf_relay_stats *out)
{
	*out = r->maps[map].retired[dir];
	for (unsigned i = 0; i < r->flow_count; i++)
		if (r->flows[i].fd >= 0 && r->flows[i].map == map)
			pf_relay_stats_add(out, &r->flows[i].side[dir].stats);
}

uint64_t pf_relay_added_ns(const struct pf_relay *r, double quantile)
{
	return pf_latency_quantile(&r->added, quantile);
}

static void all_stats(
	const struct pf_relay *r, enum pf_impair_direction dir, struct pf_relay_stats *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < r->o.map_count; i++) {
		struct pf_relay_stats s;

		pf_relay_map_stats(r, i, dir, &s);
		pf_relay_stats_add(out, &s);
	}
}

static uint64_t all_dropped(const struct pf_relay_stats *s)
{
	uint64_t n = 0;

	for (int i = 0; i < PF_IMPAIR_CAUSES; i++)
		n += s->dropped[i];
	return n;
}

static void write_stats(FILE *f, const char *name, const struct pf_relay_stats *s)
{
	fprintf(f,
		"\"%s\": {\"received\": %" PRIu64 ", \"received_bytes\": %" PRIu64
		", \"forwarded\": %" PRIu64 ", \"forwarded_bytes\": %" PRIu64
		", \"duplicated\": %" PRIu64 ", \"reordered\": %" PRIu64 ", \"dropped\": {",
		name, s->received, s->received_bytes, s->forwarded, s->forwarded_bytes,
		s->duplicated, s->reordered);
	for (int i = PF_IMPAIR_PASS + 1; i < PF_IMPAIR_CAUSES; i++)
		fprintf(f, "\"%s\": %" PRIu64 ", ",
			pf_impair_cause_to_string((enum pf_impair_cause)i), s->dropped[i]);
	fprintf(f, "\"overflow\": %" PRIu64 ", \"send_failed\": %" PRIu64 "}}", s->overflow,
		s->failed);
}

static void write_both(FILE *f, const struct pf_relay_stats s[PF_IMPAIR_DIRECTIONS])
{
	write_stats(f, direction_names[0], &s[0]);
	fputs(", ", f);
	write_stats(f, direction_names[1], &s[1]);
}

void pf_relay_write_json(const struct pf_relay *r, FILE *f)
{
	struct pf_relay_stats s[PF_IMPAIR_DIRECTIONS];
	char listen[64], client[64], to[64];
	const char *sep = "";

	fprintf(f, "{\"seed\": %" PRIu64 ", \"seconds\": %.3f,\n", r->o.seed,
		(double)r->ran_ns / 1e9);
	fprintf(f, " \"added_us\": {\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f},\n",
		(double)pf_relay_added_ns(r, 0.5) / 1e3, (double)pf_relay_added_ns(r, 0.99) / 1e3,
		(double)r->added.max_ns / 1e3);
	fprintf(f, " \"kernel_dropped\": %" PRIu64 ",\n \"total\": {", r->kernel_dropped);
	for (int d = 0; d < PF_IMPAIR_DIRECTIONS; d++)
		all_stats(r, (enum pf_impair_direction)d, &s[d]);
	write_both(f, s);
	fputs("},\n \"maps\": [", f);
	for (unsigned i = 0; i < r->o.map_count; i++, sep = ",") {
		for (int d = 0; d < PF_IMPAIR_DIRECTIONS; d++)
			pf_relay_map_stats(r, i, (enum pf_impair_direction)d, &s[d]);
		fprintf(f, "%s\n  {\"listen\": \"%s\", \"to\": \"%s\", \"rough\": %s, ", sep,
			pf_impair_addr_to_string(&r->maps[i].addr, listen, sizeof(listen)),
			pf_impair_addr_to_string(&r->o.maps[i].to, to, sizeof(to)),
			r->o.maps[i].rough ? "true" : "false");
		write_both(f, s);
		fputs("}", f);
	}
	fputs("],\n \"flows\": [", f);
	sep = "";
	for (unsigned i = 0; i < r->flow_count; i++) {
		const struct pf_relay_flow *fl = &r->flows[i];

		if (fl->fd < 0)
			continue;
		for (int d = 0; d < PF_IMPAIR_DIRECTIONS; d++)
			s[d] = fl->side[d].stats;
		fprintf(f, "%s\n  {\"listen\": \"%s\", \"client\": \"%s\", ", sep,
			pf_impair_addr_to_string(&r->maps[fl->map].addr, listen, sizeof(listen)),
			pf_impair_addr_to_string(&fl->client, client, sizeof(client)));
		write_both(f, s);
		fputs("}", f);
		sep = ",";
	}
	fputs("]}\n", f);
}

void pf_relay_write_summary(const struct pf_relay *r, FILE *f)
{
	char listen[64], to[64];

	fprintf(f, "%-22s %-22s %-5s %10s %10s %8s %8s %8s %8s\n", "listen", "to", "", "received",
		"forwarded", "dropped", "%", "doubled", "late");
	for (unsigned i = 0; i < r->o.map_count; i++) {
		for (int d = 0; d < PF_IMPAIR_DIRECTIONS; d++) {
			struct pf_relay_stats s;

			pf_relay_map_stats(r, i, (enum pf_impair_direction)d, &s);
			if (!s.received)
				continue;
			fprintf(f,
				"%-22s %-22s %-5s %10" PRIu64 " %10" PRIu64 " %8" PRIu64
				" %8.3f %8" PRIu64 " %8" PRIu64 "\n",
				pf_impair_addr_to_string(&r->maps[i].addr, listen, sizeof(listen)),
				pf_impair_addr_to_string(&r->o.maps[i].to, to, sizeof(to)),
				direction_names[d], s.received, s.forwarded, all_dropped(&s),
				100.0 * (double)all_dropped(&s) / (double)s.received, s.duplicated,
				s.reordered);
			if (s.overflow || s.failed)
				fprintf(f,
					"  the relay itself lost some: %" PRIu64
					" beyond its bounds, %" PRIu64 " refused by the kernel\n",
					s.overflow, s.failed);
		}
	}
	fprintf(f, "added by the relay: p50 %.1f us, p99 %.1f us, max %.1f us\n",
		(double)pf_relay_added_ns(r, 0.5) / 1e3, (double)pf_relay_added_ns(r, 0.99) / 1e3,
		(double)r->added.max_ns / 1e3);
	if (r->kernel_dropped)
		fprintf(f, "dropped by the kernel before the relay read them: %" PRIu64 "\n",
			r->kernel_dropped);
}
