/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/encode.h"
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/doctor/check.h"
#include "pf_config.h"

/* The package of the libavcodec that this was built with. */
#ifdef PF_HAVE_AVCODEC
#include <libavcodec/version.h>
#include <libavcodec/version_major.h>
#define NAME_OF(major)	  "libavcodec" #major
#define PACKAGE_OF(major) NAME_OF(major)
#define AVCODEC		  PACKAGE_OF(LIBAVCODEC_VERSION_MAJOR)
#else
#define AVCODEC "libavcodec59"
#endif

static const struct {
	enum pf_codec codec;
	const char *name;
} codecs[] = { { PF_CODEC_H264, "H.264" }, { PF_CODEC_HEVC, "HEVC" }, { PF_CODEC_AV1, "AV1" } };

/* The first path that matches, or NULL. */
static const char *first(const char *pattern)
{
	const char *found = NULL;
	glob_t g;

	if (!glob(pattern, 0, NULL, &g)) {
		found = pf_text("%s", g.gl_pathv[0]);
		globfree(&g);
	}
	return found;
}

/* True after it said that the node may not be opened. */
static bool said_no_right(struct pf_exam *x, const char *node)
{
	const struct group *g;
	const char *group;
	struct stat st;

	if (!access(node, R_OK | W_OK) || errno != EACCES || stat(node, &st))
		return false;
	g = getgrgid(st.st_gid);
	group = g && st.st_gid ? pf_text("%s", g->gr_name) : "render";
	pf_say(x, PF_DOCTOR_WARN,
		pf_text("user %s may not open %s (mode %04o, group %s)", pf_user_here(), node,
			(unsigned)st.st_mode & 07777, g ? g->gr_name : "?"),
		"Join the group, then log in again.",
		pf_text("sudo usermod -aG %s %s", pf_quote(group), pf_quote(pf_user_here())));
	return true;
}

static void vaapi_refused(struct pf_exam *x, const char *said)
{
	const char *node = first("/dev/dri/renderD*"), *vendor;
	char id[32] = "";

	if (!node) {
		pf_say(x, PF_DOCTOR_SKIP, "no GPU: there is no /dev/dri/renderD*", NULL, NULL);
		return;
	}
	if (said_no_right(x, node))
		return;
	vendor = strrchr(node, '/') + 1;
	(void)pf_slurp(pf_text("/sys/class/drm/%s/device/vendor", vendor), id, sizeof(id));
	pf_say(x, PF_DOCTOR_WARN, pf_text("%s is there, but %s", node, said),
		"Its VA driver is missing or does not encode.",
		!strcmp(id, "0x8086") ? "sudo apt-get install intel-media-va-driver i965-va-driver"
		: !strcmp(id, "0x1002") ? "sudo apt-get install mesa-va-drivers"
					: "sudo apt-get install va-driver-all");
}

static void nvenc_refused(struct pf_exam *x, const char *said)
{
	const char *node = first("/dev/nvidia[0-9]*");
	void *lib;

	if (!node && !first("/proc/driver/nvidia/version")) {
		pf_say(x, PF_DOCTOR_SKIP, "no NVIDIA GPU: its driver is not loaded", NULL, NULL);
		return;
	}
	if (node && said_no_right(x, node))
		return;
	lib = dlopen("libnvidia-encode.so.1", RTLD_LAZY);
	if (!lib)
		pf_say(x, PF_DOCTOR_WARN,
			"an NVIDIA driver is loaded, but libnvidia-encode.so.1 is not installed",
			"It is in Debian's non-free part.",
			"sudo apt-get install libnvidia-encode1");
	else
		pf_say(x, PF_DOCTOR_WARN, pf_text("an NVIDIA driver is loaded, but %s", said),
			"Driver and library must be of the same version; all sessions of the card "
			"may "
			"be taken.",
			"sudo apt-get install --reinstall nvidia-driver libnvidia-encode1");
	if (lib)
		dlclose(lib);
}

static const char *package_of(const char *name)
{
	return !strcmp(name, "openh264") ? "sudo apt-get install --reinstall libopenh264-7"
					 : "sudo apt-get install --reinstall " AVCODEC;
}

static void check_backend(struct pf_exam *x, const char *name)
{
	const struct pf_config *c = pf_exam_config(x);
	const struct pf_encoder_ops *ops = pf_encoder_find(name);
	const char *works = "", *said = "";

	if (!ops) {
		pf_say(x, PF_DOCTOR_SKIP, "this build has none", NULL, NULL);
		return;
	}
	if (ops->slow && !(c->software_codecs & ops->codecs)) {
		pf_say(x, PF_DOCTOR_SKIP,
			"costs a processor much: only where software_codecs names its codec", NULL,
			NULL);
		return;
	}
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		struct pf_reason why = { 0 };

		if (!(ops->codecs & codecs[i].codec))
			continue;
		if (!pf_encoder_probe(ops, codecs[i].codec, &why))
			works = pf_text("%s%s%s", works, *works ? ", " : "", codecs[i].name);
		else
			said = pf_text(
				"%s%s%s: %s", said, *said ? "; " : "", codecs[i].name, why.text);
	}
	if (*works)
		pf_say(x, PF_DOCTOR_OK,
			pf_text("encoded a picture in %s%s%s", works, *said ? "; not " : "", said),
			NULL, NULL);
	else if (!strcmp(name, "vaapi"))
		vaapi_refused(x, said);
	else if (!strcmp(name, "nvenc"))
		nvenc_refused(x, said);
	else
		pf_say(x, PF_DOCTOR_WARN, said, "Install its library anew.", package_of(name));
}

static void check_choice(struct pf_exam *x, const char *arg)
{
	const struct pf_config *c = pf_exam_config(x);
	struct pf_encoders e = { 0 };
	struct pf_reason why = { 0 };
	const char *words = "";

	if (!pf_encoder_find("x264") && !pf_encoder_find("openh264")) {
		pf_say(x, PF_DOCTOR_FAIL, "this build has no encoder but that of tests",
			"Build it with the headers of one.",
			"sudo apt-get install libavcodec-dev libavutil-dev libopenh264-dev");
		return;
	}
	if (pf_encoders_find(&e, c->encoder, c->software_codecs, &why)) {
		const bool named = strcmp(c->encoder, "auto") != 0;

		pf_say(x, PF_DOCTOR_FAIL, pf_text("the host does not start: %s", why.text),
			named ? "Let the host choose one that works."
			      : "Install a software encoder, or allow one in software_codecs.",
			named			  ? pf_set_command(x, "encoder", "auto")
			: c->software_codecs & 1u ? "sudo apt-get install " AVCODEC " libopenh264-7"
						  : pf_set_command(x, "software_codecs", "h264"));
		return;
	}
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (e.by_codec[i])
			words = pf_text("%s%s%s by %s", words, *words ? ", " : "", codecs[i].name,
				e.by_codec[i]->name);
	if (e.by_codec[0])
		pf_say(x, PF_DOCTOR_OK, words, NULL, NULL);
	else
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("only %s: clients that decode H.264 alone are refused", words),
			"Allow H.264 in software.", pf_set_command(x, "software_codecs", "h264"));
}

const struct pf_check pf_checks_encoder[] = {
	{ "choice", "Encoders of streams", check_choice, .limit_ms = 20000 },
	{ "nvenc", "NVENC (NVIDIA)", check_backend, "nvenc", 20000 },
	{ "vaapi", "VA-API (Intel, AMD)", check_backend, "vaapi", 20000 },
	{ "x264", "x264", check_backend, "x264", 20000 },
	{ "openh264", "OpenH264", check_backend, "openh264", 20000 },
	{ "x265", "x265", check_backend, "x265", 20000 },
	{ "aom", "libaom", check_backend, "aom", 20000 },
	{ 0 },
};
