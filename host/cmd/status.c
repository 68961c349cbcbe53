/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/cmd/api.h"

static long long number_of(json_t *o, const char *key)
{
	return (long long)json_number_value(json_object_get(o, key));
}

/* What strangers and broken networks send; a still network shows nothing here. */
struct total {
	const char *key, *words;
};

static void print_rows(json_t *o, const char *plane, const struct total *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (number_of(o, rows[i].key))
			printf("%s: %lld %s\n", plane, number_of(o, rows[i].key), rows[i].words);
}

static void print_totals(json_t *status)
{
	static const struct total quic[] = {
		{ "ignored", "datagrams of no connection" },
		{ "refused", "newcomers dropped, too many at once" },
		{ "retries", "newcomers asked to prove their address" },
	};
	static const struct total gamestream[] = {
		{ "bad_pings", "media pings of no session" },
		{ "bad_rtsp", "RTSP requests of no launch" },
		{ "refused_connects", "control connections refused" },
		{ "oversized_messages", "control messages too long" },
		{ "moves", "clients that changed their address" },
	};

	print_rows(json_object_get(status, "quic"), "QUIC", quic, sizeof(quic) / sizeof(quic[0]));
	print_rows(json_object_get(status, "gamestream"), "GameStream", gamestream,
		sizeof(gamestream) / sizeof(gamestream[0]));
}

static void print_session(json_t *s)
{
	static const struct {
		const char *key, *words;
	} stages[] = {
		{ "capture_ms", "capture" },
		{ "queue_ms", "queue" },
		{ "convert_ms", "convert" },
		{ "encode_ms", "encode" },
		{ "send_ms", "send" },
		{ "total_ms", "in all" },
	};
	json_t *rtt = json_object_get(s, "rtt_ms");
	const char *before = "    ms (p50, p99): ";
	char name[80];

	printf("  %s: %s/%lld on %s, %s, %s by %s, %.1f fps, %.0f kbit/s sent for %lld, %.2f %% "
	       "lost, %.0f %% parity",
		pf_printable(name, sizeof(name), pf_api_text(s, "name")), pf_api_text(s, "plane"),
		number_of(s, "id"), pf_api_text(s, "desk"), pf_api_text(s, "mode"),
		pf_api_text(s, "codec"), pf_api_text(s, "encoder"),
		json_number_value(json_object_get(s, "fps")),
		json_number_value(json_object_get(s, "bitrate_kbps")), number_of(s, "target_kbps"),
		json_number_value(json_object_get(s, "loss_percent")),
		json_number_value(json_object_get(s, "parity_percent")));
	if (json_is_number(rtt))
		printf(", round trip %.1f ms", json_number_value(rtt));
	printf("\n");
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		json_t *v = json_object_get(json_object_get(s, "stages"), stages[i].key);

		if (!json_is_object(v))
			continue;
		printf("%s%s %.2f %.2f", before, stages[i].words,
			json_number_value(json_object_get(v, "p50")),
			json_number_value(json_object_get(v, "p99")));
		before = ", ";
	}
	if (*before == ',')
		printf("\n");
}

static void print_status(json_t *o)
{
	json_t *sessions = json_object_get(o, "sessions"), *item;
	long long up_s = number_of(o, "uptime_ms") / 1000;
	size_t i;

	printf("punktfunk-host %s, up %lld:%02lld:%02lld, user %s, display %s\n",
		pf_api_text(o, "version"), up_s / 3600, up_s / 60 % 60, up_s % 60,
		pf_api_text(o, "user"), pf_api_text(o, "display_backend"));
	printf("port %lld, fingerprint %s\n", number_of(o, "port"), pf_api_text(o, "fingerprint"));
	json_array_foreach(json_object_get(o, "notices"), i, item)
	{
		printf("note: %s\n", json_string_value(item) ?: "");
	}
	print_totals(o);
	printf("%lld paired, %lld waiting for a PIN, %zu streaming, %lld sessions ended\n",
		number_of(o, "clients"), number_of(o, "pair_requests"), json_array_size(sessions),
		number_of(o, "sessions_ended"));
	item = json_object_get(o, "spare_desk");
	if (item && json_is_true(json_object_get(item, "ready")))
		printf("a spare desk waits, %s, %lld KiB\n", pf_api_text(item, "mode"),
			number_of(item, "memory_kib"));
	json_array_foreach(sessions, i, item)
	{
		print_session(item);
	}
}

int pf_cmd_status(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *json = NULL;
	const struct pf_option extra[] = {
		{ "--json", NULL, "Print the host's whole answer.", &json },
		{ 0 },
	};
	struct pf_options o = { .extra = extra };
	json_t *answer = NULL;
	int r;

	if (pf_api_begin(&o, cmd, "[options]", argc, argv, &r)) {
		r = pf_api_ask("GET", "status", NULL, &answer);
		if (!r && json)
			r = pf_api_print(answer);
		else if (!r)
			print_status(answer);
	}
	json_decref(answer);
	pf_options_finish(&o);
	return r;
}
