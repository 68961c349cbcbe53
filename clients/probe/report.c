/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/report.h"
#include <math.h>
#include <string.h>

#define TONE_RULES_DB  -6.0 /* of the energy: at least a quarter */
#define TONE_ABSENT_DB -40.0
#define TONE_NEAR_HZ   5.0

struct stage {
	const char *json, *words;
	struct pf_samples *samples;
};

#define STAGES 13

static void stages_of(struct pf_probe_report *r, struct stage s[STAGES])
{
	const struct stage all[STAGES] = {
		{ "draw_to_received_ms", "draw -> received", &r->track->draw },
		{ "isolated_change_ms", "  isolated changes", &r->track->isolated },
		{ "captured_to_received_ms", "captured -> received", &r->track->captured },
		{ "host_ms", "  host, all of it", &r->host->total },
		{ "host_queue_ms", "    waited", &r->host->queue },
		{ "convert_encode_ms", "    convert + encode", &r->host->encode },
		{ "host_pace_ms", "    sent", &r->host->pace },
		{ "link_ms", "  sent -> received", &r->stages->link },
		{ "assemble_ms", "    first -> last packet", &r->track->assemble },
		{ "transport_ms", "  less convert + encode", &r->stages->transport },
		{ "decode_ms", "decode", &r->track->decode },
		{ "captured_to_decoded_ms", "captured -> decoded", &r->track->to_picture },
		{ "mode_change_ms", "mode asked -> picture", r->changes },
	};

	memcpy(s, all, sizeof(all));
}

static const char *codec_name(unsigned codec)
{
	return codec == PUNKTFUNK_CODEC_HEVC  ? "hevc"
	       : codec == PUNKTFUNK_CODEC_AV1 ? "av1"
					      : "h264";
}

static bool is_redundant(const struct pf_probe_report *r)
{
	return r->info.host_caps & PUNKTFUNK_HOST_CAP_AUDIO_REDUNDANCY;
}

static double fps(const struct pf_probe_report *r)
{
	return r->seconds > 0 && r->track->decoded > 1
		       ? (double)(r->track->decoded - 1) / r->seconds
		       : 0;
}

static double kbps(const struct pf_probe_report *r)
{
	return r->seconds > 0 ? (double)r->received_bytes * 8 / 1000 / r->seconds : 0;
}

static double ratio(uint64_t n, uint64_t of)
{
	return of ? (double)n / (double)of : 0;
}

void pf_probe_report_print(struct pf_probe_report *r, FILE *out)
{
	const struct pf_track *t = r->track;
	struct stage stage[STAGES];

	stages_of(r, stage);
	fprintf(out, "%ux%u@%u %s, %u kbit/s agreed, clock %+.3f ms, round trip %.3f ms\n",
		r->info.width, r->info.height, r->info.refresh_hz, codec_name(r->info.codec),
		r->info.bitrate_kbps, (double)r->info.clock_offset_ns / 1e6,
		(double)r->info.rtt_ns / 1e6);
	fprintf(out, "connected after %.1f ms, ", r->connect_ms);
	if (r->first_picture_ms >= 0)
		fprintf(out, "first picture after %.1f ms", r->first_picture_ms);
	else
		fputs("no picture", out);
	if (r->first_sound_ms >= 0)
		fprintf(out, ", first sound after %.1f ms\n", r->first_sound_ms);
	else
		fputs(", no sound\n", out);
	if (r->first_picture_ms >= 0 && r->first_frame_ms < 0)
		fputs("all pictures were of one colour: nothing is drawn on the desk\n", out);
	else if (r->first_frame_ms > r->first_picture_ms)
		fprintf(out, "first picture that shows something after %.1f ms\n",
			r->first_frame_ms);
	fprintf(out,
		"frames: %llu sent, %llu received, %llu decoded, %llu not shown; "
		"%llu repaired, %llu IDR; %.1f fps, %.0f kbit/s\n",
		(unsigned long long)t->sent, (unsigned long long)r->received,
		(unsigned long long)t->decoded, (unsigned long long)pf_track_not_shown(t),
		(unsigned long long)t->repaired, (unsigned long long)t->idrs, fps(r), kbps(r));
	fprintf(out,
		"arrival: %.2f ms between 99 of 100 frames, %llu stalls; path: %llu packets lost "
		"in %llu runs; read: %.1f packets at a wake-up, %.1f at a message\n",
		r->stats.gap_p99_us / 1e3, (unsigned long long)r->stats.stalls,
		(unsigned long long)r->stats.path_lost, (unsigned long long)r->stats.path_bursts,
		ratio(r->stats.packets_read, r->stats.read_wakeups),
		ratio(r->stats.packets_read, r->stats.read_messages));
	fprintf(out, "strip: %llu read, %llu repeats, %llu not forward\n",
		(unsigned long long)t->strips, (unsigned long long)t->repeats,
		(unsigned long long)t->backwards);
	fprintf(out, "sound: %u channels, %llu packets", r->info.audio_channels,
		(unsigned long long)r->sound.packets);
	if (is_redundant(r))
		fprintf(out, " with copies, %llu recovered",
			(unsigned long long)r->stats.audio_recovered);
	fprintf(out, ", %llu lost", (unsigned long long)r->sound.lost);
	for (unsigned i = 0; i < r->info.audio_channels && i < 8; i++)
		if (r->tone_hz[i] > 0)
			fprintf(out, "%s%.0f Hz", i ? ", " : ", strongest tone ", r->tone_hz[i]);
	fprintf(out, "; input: %llu events sent\n", (unsigned long long)r->input_sent);
	fprintf(out, "%-24s %8s %8s %8s %8s %8s\n", "ms", "p50", "p95", "p99", "max", "n");
	for (unsigned i = 0; i < STAGES; i++) {
		struct pf_quantiles q = pf_samples_quantiles(stage[i].samples);

		if (q.count)
			fprintf(out, "%-24s %8.2f %8.2f %8.2f %8.2f %8zu\n", stage[i].words, q.p50,
				q.p95, q.p99, q.max, q.count);
	}
	pf_pads_print(r->pads, out);
	if (r->close_code != UINT32_MAX)
		fprintf(out, "the host closed with 0x%x %s\n", r->close_code, r->close_text);
}

static void json_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, "  \"%s\": \"", key);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			fputc('\\', out);
		if (*p < 0x20)
			fprintf(out, "\\u%04x", *p);
		else
			fputc(*p, out);
	}
	fputs("\",\n", out);
}

static void json_count(FILE *out, const char *key, uint64_t v)
{
	fprintf(out, "  \"%s\": %llu,\n", key, (unsigned long long)v);
}

/* What was not measured is null, never 0. */
static void json_number(FILE *out, const char *key, double v, bool known)
{
	if (known)
		fprintf(out, "  \"%s\": %.3f,\n", key, v);
	else
		fprintf(out, "  \"%s\": null,\n", key);
}

static void json_tones(FILE *out, const struct pf_probe_report *r)
{
	fputs("  \"audio_tones_hz\": [", out);
	for (unsigned i = 0; i < r->info.audio_channels && i < 8; i++)
		fprintf(out, r->tone_hz[i] > 0 ? "%s%.1f" : "%snull", i ? ", " : "", r->tone_hz[i]);
	fputs("],\n", out);
}

void pf_probe_report_json(struct pf_probe_report *r, FILE *out)
{
	const struct pf_track *t = r->track;
	char text[80], *p = text;
	struct stage stage[STAGES];

	stages_of(r, stage);
	fputs("{\n", out);
	snprintf(text, sizeof(text), "%ux%u@%u", r->info.width, r->info.height, r->info.refresh_hz);
	json_text(out, "mode", text);
	json_text(out, "codec", codec_name(r->info.codec));
	for (unsigned i = 0; i < 32; i++)
		p += sprintf(p, "%02x", r->info.host_fingerprint[i]);
	json_text(out, "host_fingerprint", text);
	json_number(out, "connect_ms", r->connect_ms, true);
	json_number(out, "first_picture_ms", r->first_picture_ms, r->first_picture_ms >= 0);
	json_number(out, "first_frame_ms", r->first_frame_ms, r->first_frame_ms >= 0);
	json_number(out, "first_sound_ms", r->first_sound_ms, r->first_sound_ms >= 0);
	json_number(out, "seconds", r->seconds, true);
	json_number(out, "fps", fps(r), true);
	json_number(out, "bitrate_kbps", kbps(r), r->seconds > 0);
	json_count(out, "bitrate_agreed_kbps", r->info.bitrate_kbps);
	json_count(out, "rate_target_kbps", r->stats.rate_target_kbps);
	json_count(out, "rate_ceiling_kbps", r->stats.rate_ceiling_kbps);
	json_count(out, "frames_sent", t->sent);
	json_count(out, "frames_received", r->received);
	json_count(out, "frames_decoded", t->decoded);
	json_count(out, "frames_not_shown", pf_track_not_shown(t));
	json_count(out, "frames_repaired", t->repaired);
	json_count(out, "frames_late", t->late);
	json_count(out, "frames_broken", t->broken);
	json_count(out, "frames_frozen", t->frozen);
	json_count(out, "frames_withheld", r->stats.frames_withheld);
	json_count(out, "frames_overrun", r->overrun);
	json_count(out, "frames_idr", t->idrs);
	fprintf(out, "  \"uniform\": %s,\n",
		r->first_picture_ms < 0 ? "null"
		: r->first_frame_ms < 0 ? "true"
					: "false");
	json_count(out, "mode_changes_not_idr", r->changes_not_idr);
	json_count(out, "modes_refused", r->refused_modes);
	json_count(out, "bitrate_changes", r->bitrate_changes);
	json_count(out, "pipeline_gaps", r->gaps);
	json_number(out, "latency_ms", r->stats.latency_us / 1e3, r->stats.latency_us > 0);
	json_count(out, "strips", t->strips);
	json_count(out, "strip_repeats", t->repeats);
	json_count(out, "strip_not_forward", t->backwards);
	json_count(out, "host_timings", r->host->frames);
	json_count(out, "shard_payload", r->info.shard_payload);
	json_count(out, "packets", r->stats.packets);
	json_count(out, "packets_parity", r->stats.packets_parity);
	json_count(out, "packets_forged", r->stats.packets_forged);
	json_count(out, "packets_invalid", r->stats.packets_invalid);
	json_count(out, "packets_duplicate", r->stats.packets_duplicate);
	json_count(out, "shards_recovered", r->stats.shards_recovered);
	json_number(out, "loss_pct", r->stats.loss_ppm / 1e4, true);
	json_number(out, "gap_p99_ms", r->stats.gap_p99_us / 1e3, r->stats.gap_p99_us > 0);
	json_count(out, "stalls", r->stats.stalls);
	json_count(out, "path_lost", r->stats.path_lost);
	json_count(out, "path_bursts", r->stats.path_bursts);
	json_number(out, "path_loss_pct", r->stats.path_loss_ppm / 1e4, true);
	json_number(
		out, "path_burst", r->stats.path_burst_x100 / 1e2, r->stats.path_burst_x100 > 0);
	json_number(out, "packets_per_wakeup", ratio(r->stats.packets_read, r->stats.read_wakeups),
		r->stats.read_wakeups > 0);
	json_number(out, "packets_per_message",
		ratio(r->stats.packets_read, r->stats.read_messages), r->stats.read_messages > 0);
	json_count(out, "audio_packets", r->sound.packets);
	json_count(out, "audio_lost", r->sound.lost);
	json_count(out, "audio_broken", r->sound.broken);
	json_count(out, "audio_channels", r->info.audio_channels);
	fprintf(out, "  \"audio_redundant\": %s,\n", is_redundant(r) ? "true" : "false");
	json_count(out, "audio_recovered", r->stats.audio_recovered);
	json_count(out, "audio_late", r->stats.audio_late);
	json_count(out, "audio_concealed", r->sound.concealed);
	json_tones(out, r);
	json_number(out, "audio_tone_hz", r->tone_hz[0], r->tone_hz[0] > 0);
	json_number(out, "audio_tone_right_hz", r->tone_hz[1], r->tone_hz[1] > 0);
	json_number(out, "audio_expected_db", r->expect_db[0], r->options->expect_tone[0] > 0);
	json_number(out, "audio_rejected_db", r->reject_db, r->options->reject_tone > 0);
	json_count(out, "mic_packets_sent", r->stats.mic_packets);
	json_count(out, "input_events_sent", r->input_sent);
	json_count(out, "host_caps", r->info.host_caps);
	fputs("  \"ignored\": {", out);
	for (unsigned i = 0; i < r->ignored_count; i++)
		fprintf(out, "%s\"%s\": %llu", i ? ", " : "", r->ignored[i].name,
			(unsigned long long)r->ignored[i].count);
	fputs("},\n", out);
	json_count(out, "gamepad", r->info.gamepad);
	fputs("  \"pads\": ", out);
	pf_pads_json(r->pads, out);
	fputs(",\n", out);
	if (r->clip && r->clip->state[0] >= 0) {
		fputs("  \"clip\": ", out);
		pf_probe_clip_json(r->clip, out);
		fputs(",\n", out);
	}
	json_number(out, "clock_offset_ms", (double)r->info.clock_offset_ns / 1e6, true);
	json_number(out, "rtt_ms", (double)r->info.rtt_ns / 1e6, true);
	for (unsigned i = 0; i < STAGES; i++) {
		struct pf_quantiles q = pf_samples_quantiles(stage[i].samples);

		if (q.count)
			fprintf(out,
				"  \"%s\": {\"p50\": %.3f, \"p95\": %.3f, \"p99\": %.3f, "
				"\"max\": %.3f, \"n\": %zu},\n",
				stage[i].json, q.p50, q.p95, q.p99, q.max, q.count);
		else
			fprintf(out, "  \"%s\": null,\n", stage[i].json);
	}
	if (r->close_code != UINT32_MAX)
		json_text(out, "close_text", r->close_text);
	fprintf(out, "  \"close_code\": %lld\n}\n",
		r->close_code == UINT32_MAX ? -1ll : (long long)r->close_code);
}

unsigned pf_probe_report_verify(const struct pf_probe_report *r, FILE *err)
{
	const struct pf_probe_options *o = r->options;
	const struct pf_track *t = r->track;
	unsigned faults = 0;

#define FAULT(...)                                                                                 \
	do {                                                                                       \
		faults++;                                                                          \
		fprintf(err, "punktfunk-probe: " __VA_ARGS__);                                     \
	} while (0)
	if (o->verify) {
		if (r->first_frame_ms < 0)
			FAULT("no picture showed anything\n");
		if (!t->strips)
			FAULT("no picture carries a clock strip\n");
		if (t->backwards)
			FAULT("the clock strip did not go forward %llu times\n",
				(unsigned long long)t->backwards);
		if (t->broken)
			FAULT("%llu frames did not decode\n", (unsigned long long)t->broken);
		if (r->overrun)
			FAULT("this machine is too slow: %llu frames were not decoded\n",
				(unsigned long long)r->overrun);
		if (o->max_not_shown >= 0 && pf_track_not_shown(t) > (uint64_t)o->max_not_shown)
			FAULT("%llu frames were not shown, %lld allowed\n",
				(unsigned long long)pf_track_not_shown(t),
				(long long)o->max_not_shown);
	}
	for (unsigned i = 0; i < 8; i++) {
		if (o->expect_tone[i] <= 0)
			continue;
		if (i >= r->info.audio_channels)
			FAULT("there is no channel %u to hear %.0f Hz in\n", i + 1,
				o->expect_tone[i]);
		else if (fabs(r->tone_hz[i] - o->expect_tone[i]) > TONE_NEAR_HZ ||
			 r->expect_db[i] < TONE_RULES_DB)
			FAULT("channel %u is not ruled by %.0f Hz (%.1f dB); strongest is %.0f "
			      "Hz\n",
				i + 1, o->expect_tone[i], r->expect_db[i], r->tone_hz[i]);
	}
	if (o->reject_tone > 0 && r->reject_db > TONE_ABSENT_DB)
		FAULT("the sound contains %.0f Hz (%.1f dB)\n", o->reject_tone, r->reject_db);
#undef FAULT
	return faults;
}
