/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "host/audio/audio.h"
#include "host/doctor/check.h"
#include "host/sys/rundir.h"
#include "host/sys/spawn.h"
#include "host/sys/user.h"

/* Of what the sound needs, PipeWire has all since then; Debian 12 has it. */
#define VERSION(major, minor, micro) ((major)*1000000u + (minor)*1000u + (micro))
#define NEED			     VERSION(0, 3, 65)
#define NEED_TEXT		     "0.3.65"

static bool silent(struct pf_exam *x)
{
	const struct pf_config *c = pf_exam_config(x);

	if (c->audio && c->audio_backend != PF_CONFIG_AUDIO_NULL)
		return false;
	pf_say(x, PF_DOCTOR_SKIP,
		c->audio ? "audio_backend is null: a test tone" : "the setting audio is off", NULL,
		NULL);
	return true;
}

static void check_pipewire(struct pf_exam *x, const char *arg)
{
	static const char *const argv[] = { "pipewire", "--version", NULL };
	unsigned major, minor, micro;
	char out[512];
	const char *at;
	int r;

	if (silent(x))
		return;
	if (!pf_audio_find("pipewire")) {
		pf_say(x, PF_DOCTOR_FAIL, "this build has no PipeWire: streams are silent",
			"Build it with PipeWire's headers.",
			"sudo apt-get install libpipewire-0.3-dev");
		return;
	}
	if (!pf_program_exists("pipewire")) {
		pf_say(x, PF_DOCTOR_FAIL, "no PipeWire: the program pipewire is not in PATH",
			"Each desk has a PipeWire of its own for its sound.",
			"sudo apt-get install pipewire pipewire-bin");
		return;
	}
	r = pf_capture(argv, 2000, out, sizeof(out));
	/* "Linked with libpipewire 0.3.65" */
	at = strstr(out, "Linked with");
	at = at ? at + strcspn(at, "0123456789") : NULL;
	if (r || !at || sscanf(at, "%u.%u.%u", &major, &minor, &micro) != 3) {
		pf_say(x, PF_DOCTOR_FAIL,
			r == -ETIMEDOUT ? "`pipewire --version` does not end"
					: "`pipewire --version` does not say which it is",
			"Install it anew.",
			"sudo apt-get install --reinstall pipewire pipewire-bin "
			"libpipewire-0.3-0");
		return;
	}
	if (VERSION(major, minor, micro) < NEED)
		pf_say(x, PF_DOCTOR_FAIL,
			pf_text("PipeWire %u.%u.%u is too old: " NEED_TEXT " is needed", major,
				minor, micro),
			"Update it; Debian 12 has one that is new enough.",
			"sudo apt-get update && sudo apt-get install pipewire pipewire-bin");
	else
		pf_say(x, PF_DOCTOR_OK, pf_text("PipeWire %u.%u.%u", major, minor, micro), NULL,
			NULL);
}

static void drop_pcm(void *user, const float *pcm, unsigned channels, uint64_t capture_ns) {}

static void ignore_error(void *user, int err, const char *text) {}

static const char *last_words(const char *path)
{
	static char text[8192];
	char *line;

	if (!pf_slurp(path, text, sizeof(text)) || !*text)
		return "";
	line = strrchr(text, '\n');
	return pf_text(". Its last words: %.200s", line ? line + 1 : text);
}

static void check_trial(struct pf_exam *x, const char *arg)
{
	const struct pf_audio_ops *ops = pf_audio_find("pipewire");
	struct pf_audio_params p = { .channels = 2, .on_pcm = drop_pcm, .on_error = ignore_error };
	struct pf_reason why = { 0 };
	struct pf_audio *a = NULL;
	uint64_t begin_ns;
	char *dir;

	if (silent(x))
		return;
	if (!ops || !pf_program_exists("pipewire")) {
		pf_say(x, PF_DOCTOR_SKIP, "no PipeWire to try", NULL, NULL);
		return;
	}
	if (pf_user_runtime_dir(&why) || pf_trial_dir(&dir, &why)) {
		pf_say(x, PF_DOCTOR_FAIL, why.text, "Sound needs a directory for its sockets.",
			"export XDG_RUNTIME_DIR=$(mktemp -d)");
		return;
	}
	p.runtime_dir = p.log_dir = dir;
	begin_ns = pf_clock_mono_ns();
	if (ops->open(&a, &p, &why)) {
		pf_say(x, PF_DOCTOR_FAIL,
			pf_text("a private PipeWire does not come up: %s%s", why.text,
				last_words(pf_text("%s/pipewire.log", dir))),
			why.code == -ENAMETOOLONG ? "Its socket needs a shorter place."
						  : "Install it anew with its modules.",
			why.code == -ENAMETOOLONG
				? "export XDG_RUNTIME_DIR=$(mktemp -d)"
				: "sudo apt-get install --reinstall pipewire pipewire-bin "
				  "libpipewire-0.3-modules libspa-0.2-modules");
	} else {
		pf_say(x, PF_DOCTOR_OK,
			pf_text("a private PipeWire with a sink was there after %u ms",
				(unsigned)((pf_clock_mono_ns() - begin_ns) / PF_NS_PER_MS)),
			NULL, NULL);
		if (pf_exists(pf_text("%s/pulse/native", dir)) ||
			pf_exists(pf_text("%s/native", dir)))
			pf_say_of(x, "pulse", "Programs that speak PulseAudio", PF_DOCTOR_OK,
				"their socket is there", NULL, NULL);
		else
			pf_say_of(x, "pulse", "Programs that speak PulseAudio", PF_DOCTOR_FAIL,
				"PipeWire made no socket for them: its module protocol-pulse is "
				"missing",
				"Most programs play by it: without it they stay silent.",
				"sudo apt-get install --reinstall libpipewire-0.3-modules");
		ops->close(a);
	}
	(void)pf_rundir_remove(dir);
}

const struct pf_check pf_checks_sound[] = {
	{ "pipewire", "PipeWire", check_pipewire, .limit_ms = 8000 },
	{ "trial", "Private PipeWire of a desk", check_trial, .limit_ms = 15000 },
	{ 0 },
};
