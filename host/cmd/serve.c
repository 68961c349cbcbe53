/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crypto/identity.h"
#include "core/crypto/rsa_identity.h"
#include "host/cmd/asleep.h"
#include "host/cmd/cmd.h"
#include "host/cmd/foresee.h"
#include "host/cmd/manage.h"
#include "host/cmd/publish.h"
#include "host/cmd/report.h"
#include "host/gamestream/gamestream.h"
#include "host/registry/access.h"
#include "host/registry/apps.h"
#include "host/registry/clients.h"
#include "host/registry/host_id.h"
#include "host/sys/files.h"
#include "host/sys/logbook.h"
#include "host/sys/user.h"

#define LARGE_BYTES (512 << 10) /* above any access unit but large key frames */
/* Longer than any orderly teardown; after it the guards end what is left. */
#define SHUTDOWN_LIMIT_NS (10 * PF_NS_PER_S)
#define IDLE_LOOK_NS	  (5 * PF_NS_PER_MS)

struct server {
	const struct pf_options *options;
	struct pf_config config;
	struct pf_settings *settings;
	const struct pf_display_ops *display;
	const struct pf_audio_ops *audio;
	struct pf_encoders encoders;
	struct pf_identity *identity;
	struct pf_loop *loop;
	struct pf_workers *workers;
	struct pf_desks *desks;
	struct pf_native *native;
	struct pf_clients *clients;
	struct pf_apps *apps;
	struct pf_identity *gs_identity;
	struct pf_gamestream *gamestream; /* NULL = not asked for */
	struct pf_discovery *discovery;
	struct pf_manage *manage; /* NULL = off */
	struct pf_asleep *asleep;
	struct pf_report *report;
	struct pf_logbook *logbook;
	struct pf_timer *limit, *idle;
	const char *report_path; /* NULL = none */
	bool ending;
	char allowed_path[PF_PATH_BYTES + PF_CONFIG_TEXT_BYTES + 1], log_root[PF_PATH_BYTES + 8];
	char state_dir[PF_PATH_BYTES], config_dir[PF_PATH_BYTES];
	char user[64], fingerprint[65], hostname[65], unique_id[37];
	char host_id[PF_HOST_ID_BYTES]; /* "" = cannot be kept */
};

/* ---- choosing ---- */

static int choose_display(struct server *v)
{
	char said[512];

	v->display = pf_choose_display(&v->config, said, sizeof(said));
	if (v->display)
		return PF_EXIT_OK;
	pf_complain("%s", said);
	return PF_EXIT_DISPLAY;
}

static int choose_encoders(struct server *v)
{
	struct pf_reason why = { 0 };

	if (!pf_encoders_find(&v->encoders, v->config.encoder, v->config.software_codecs, &why))
		return PF_EXIT_OK;
	pf_complain("%s", why.text);
	return PF_EXIT_ENCODER;
}

static void choose_audio(struct server *v)
{
	const struct pf_audio_ops *const *list = pf_audio_backends();
	const struct pf_audio_params p = { .channels = 2 };
	bool want_null = v->config.audio_backend == PF_CONFIG_AUDIO_NULL;
	struct pf_reason why = { 0 };

	for (unsigned i = 0; list[i]; i++) {
		if (want_null != !strcmp(list[i]->name, "null"))
			continue;
		if (!list[i]->probe || !list[i]->probe(&p, &why)) {
			v->audio = list[i];
			return;
		}
	}
	if (v->config.audio)
		pf_log(PF_LOG_WARN, "serve", "streaming without sound: %s",
			*why.text ? why.text : "this build has no sound backend");
}

static int prepare_paths(struct server *v)
{
	const char *setting = v->config.allowed_clients;
	char dir[PF_PATH_BYTES];
	struct pf_reason why = { 0 };

	pf_user_shell();
	if (pf_user_runtime_dir(&why) ||
		pf_dir_make(PF_DIR_STATE, v->state_dir, sizeof(v->state_dir), &why))
		goto fail;
	snprintf(v->log_root, sizeof(v->log_root), "%s/logs", v->state_dir);
	if (*setting == '/')
		snprintf(v->allowed_path, sizeof(v->allowed_path), "%s", setting);
	else if (pf_dir_path(PF_DIR_CONFIG, dir, sizeof(dir), &why))
		goto fail;
	else
		snprintf(v->allowed_path, sizeof(v->allowed_path), "%s/%s", dir,
			*setting ? setting : "allowed_clients");
	if (v->report_path) {
		/* Better now than after hours of streaming. */
		if (pf_report_write(v->report, NULL, v->report_path, &why))
			goto fail;
	}
	return PF_EXIT_OK;
fail:
	pf_complain("%s", why.text);
	return PF_EXIT_STATE;
}

/* ---- running ---- */

static void write_report(struct server *v)
{
	struct pf_reason why = { 0 };

	if (v->report_path && pf_report_write(v->report, v->native, v->report_path, &why))
		pf_log(PF_LOG_ERROR, "serve", "%s", why.text);
}

static void quit_when_idle(void *user)
{
	struct server *v = user;

	pf_timer_stop(&v->idle);
	/* A probe of the management API may still wait for a compositor. */
	if (pf_workers_pending(v->workers) &&
		!pf_timer_start(&v->idle, v->loop, IDLE_LOOK_NS, quit_when_idle, v))
		return;
	pf_loop_quit(v->loop, PF_EXIT_OK);
}

static void all_gone(void *user)
{
	quit_when_idle(user);
}

static void sessions_gone(void *user)
{
	struct server *v = user;

	pf_desks_shutdown(v->desks, all_gone, v);
}

static void moonlights_gone(void *user)
{
	struct server *v = user;

	pf_native_shutdown(v->native, sessions_gone, v);
}

static void too_long(void *user)
{
	pf_log(PF_LOG_ERROR, "serve", "the shutdown hangs; ending at once");
	_exit(PF_EXIT_FORCED);
}

static int on_end_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *user)
{
	struct server *v = user;

	if (v->ending) {
		pf_log(PF_LOG_WARN, "serve", "second signal: ending at once");
		_exit(PF_EXIT_FORCED);
	}
	v->ending = true;
	pf_log(PF_LOG_INFO, "serve", "signal %u: shutting down", si->ssi_signo);
	pf_manage_stop(v->manage);
	pf_asleep_stop(v->asleep);
	v->asleep = NULL;
	(void)pf_timer_start(&v->limit, v->loop, SHUTDOWN_LIMIT_NS, too_long, v);
	if (v->gamestream)
		pf_gamestream_shutdown(v->gamestream, moonlights_gone, v);
	else
		moonlights_gone(v);
	return 0;
}

static int on_report_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *user)
{
	write_report(user);
	return 0;
}

static int on_reload_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *user)
{
	struct server *v = user;

	(void)pf_settings_reload(v->settings);
	return 0;
}

/* New settings are in force, by a signal or through the API. */
static void settings_applied(void *user)
{
	struct server *v = user;

	pf_log_begin(&v->config, v->logbook);
	pf_desks_reload(v->desks);
	if (v->native)
		pf_native_reload(v->native);
	pf_manage_event(v->manage, "settings.changed");
}

static int set_up_settings(struct server *v)
{
	struct pf_settings_params p = { .config = &v->config,
		.check = pf_foresee_start,
		.is_slow = pf_foresee_is_slow,
		.applied = settings_applied,
		.user = v };

	pf_settings_sources(&p.from, v->config_dir, v->options);
	return pf_settings_create(&v->settings, &p);
}

/* Signals come through the loop, so every thread must block them. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* then writing fails, which is told */
}

static int watch_signals(struct server *v)
{
	struct sd_event *e = pf_loop_event(v->loop);

	if (sd_event_add_signal(e, NULL, SIGTERM, on_end_signal, v) < 0 ||
		sd_event_add_signal(e, NULL, SIGINT, on_end_signal, v) < 0 ||
		sd_event_add_signal(e, NULL, SIGHUP, on_reload_signal, v) < 0 ||
		sd_event_add_signal(e, NULL, SIGUSR1, on_report_signal, v) < 0)
		return -EIO;
	return 0;
}

static const char *encoder_name(const struct server *v)
{
	for (unsigned i = 0; i < 3; i++)
		if (v->encoders.by_codec[i])
			return v->encoders.by_codec[i]->name;
	return "none";
}

/* One line for people and scripts, on standard output and the ready descriptor. */
static void tell_ready(const struct server *v, int ready_fd)
{
	char line[512];
	int n = snprintf(line, sizeof(line),
		"ready port=%u fingerprint=%s user=%s display=%s encoder=%s audio=%s "
		"gamestream=%u mgmt=%u\n",
		pf_native_port(v->native), v->fingerprint, v->user, v->display->name,
		encoder_name(v), v->audio && v->config.audio ? v->audio->name : "none",
		v->gamestream ? pf_gamestream_port(v->gamestream) : 0, pf_manage_port(v->manage));

	fputs(line, stdout);
	fflush(stdout);
	if (ready_fd >= 0) {
		(void)!write(ready_fd, line, (size_t)n);
		close(ready_fd);
	}
}

/* Clients know the host by this for good: it is made of the key. */
static void make_unique_id(struct server *v)
{
	uint8_t f[32];
	char *p = v->unique_id;

	pf_identity_fingerprint(v->gs_identity, f);
	for (unsigned i = 0; i < 16; i++)
		p += sprintf(p, "%s%02X", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", f[i]);
}

/* The list of clients is locked: no other host writes here. */
static void sweep(const char *dir, const char *below)
{
	char path[PF_PATH_BYTES + 32];

	snprintf(path, sizeof(path), "%s%s", dir, below);
	pf_dir_sweep(path);
}

static int set_up_registry(struct server *v, struct pf_reason *why)
{
	char data[PF_PATH_BYTES], config[PF_PATH_BYTES], path[PF_PATH_BYTES + 32];

	if (pf_dir_make(PF_DIR_DATA, data, sizeof(data), why))
		return PF_EXIT_STATE;
	snprintf(path, sizeof(path), "%s/clients.json", data);
	if (pf_clients_open(&v->clients, path, v->workers, why) ||
		pf_dir_path(PF_DIR_CONFIG, config, sizeof(config), why))
		return PF_EXIT_STATE;
	pf_clients_run(v->clients, v->loop);
	sweep(v->state_dir, "");
	sweep(data, "");
	sweep(data, "/art");
	sweep(config, "");
	sweep(config, "/host.conf.d");
	snprintf(path, sizeof(path), "%s/apps.json", config);
	if (pf_apps_open(&v->apps, path, why))
		return PF_EXIT_FAILURE;
	snprintf(path, sizeof(path), "%s/art", data);
	if (pf_apps_keep_art(v->apps, path)) {
		(void)pf_reason_set(why, -ENOMEM, "out of memory");
		return PF_EXIT_FAILURE;
	}
	return PF_EXIT_OK;
}

/* max_sessions counts all of them. */
static unsigned native_clients(void *user)
{
	const struct server *v = user;

	return v->native ? pf_native_count(v->native) : 0;
}

static unsigned gamestream_clients(void *user)
{
	const struct server *v = user;

	return v->gamestream ? pf_gamestream_count(v->gamestream) : 0;
}

static int set_up_gamestream(struct server *v, struct pf_reason *why)
{
	char dir[PF_PATH_BYTES], path[PF_PATH_BYTES + 32];

	if (pf_dir_make(PF_DIR_DATA, dir, sizeof(dir), why))
		return PF_EXIT_STATE;
	snprintf(path, sizeof(path), "%s/gamestream.pem", dir);
	if (pf_rsa_identity_open(&v->gs_identity, path, "punktfunk", why))
		return PF_EXIT_STATE;
	make_unique_id(v);
	if (pf_gamestream_create(&v->gamestream,
		    &(struct pf_gamestream_params){ .loop = v->loop,
			    .workers = v->workers,
			    .desks = v->desks,
			    .config = &v->config,
			    .identity = v->gs_identity,
			    .clients = v->clients,
			    .apps = v->apps,
			    .encoders = v->encoders,
			    .hostname = v->hostname,
			    .unique_id = v->unique_id,
			    .elsewhere = native_clients,
			    .user = v },
		    why))
		return why->code == -EADDRINUSE || why->code == -EACCES ? PF_EXIT_PORT
									: PF_EXIT_FAILURE;
	pf_log(PF_LOG_WARN, "serve",
		"GameStream is on, from port %u: its pairing and encryption are weaker than "
		"punktfunk/1, use it in trusted networks",
		pf_gamestream_port(v->gamestream));
	return PF_EXIT_OK;
}

static void open_host_id(struct server *v)
{
	char dir[PF_PATH_BYTES], path[PF_PATH_BYTES + 32];
	struct pf_reason why = { 0 };
	int r = pf_dir_make(PF_DIR_DATA, dir, sizeof(dir), &why);

	if (!r) {
		snprintf(path, sizeof(path), "%s/host_id", dir);
		r = pf_host_id_open(v->host_id, path, &why);
	}
	if (r)
		pf_log(PF_LOG_WARN, "serve", "clients are told no id of this host: %s", why.text);
}

/* A host that nobody finds by itself serves all the same. */
static void publish(struct server *v)
{
	pf_publish(&v->discovery,
		&(struct pf_publish_params){ .config = &v->config,
			.hostname = v->hostname,
			.fingerprint = v->fingerprint,
			.id = v->host_id,
			.native_port = pf_native_port(v->native),
			.mgmt_port = pf_manage_port(v->manage),
			.gamestream_port = v->gamestream ? pf_gamestream_port(v->gamestream) : 0 });
}

static int start_management(struct server *v)
{
	struct pf_reason why = { 0 };
	int r = pf_manage_start(&v->manage,
		&(struct pf_manage_params){ .loop = v->loop,
			.workers = v->workers,
			.config = &v->config,
			.settings = v->settings,
			.identity = v->identity,
			.hostname = v->hostname,
			.user = v->user,
			.host_id = v->host_id,
			.encoders = &v->encoders,
			.state_dir = v->state_dir,
			.logbook = v->logbook,
			.allowed_path = v->allowed_path,
			.clients = v->clients,
			.apps = v->apps,
			.report = v->report,
			.desks = v->desks,
			.native = v->native,
			.gamestream = v->gamestream },
		&why);

	if (r)
		pf_complain("%s", why.text);
	return r;
}

static int set_up(struct server *v)
{
	const struct pf_config *c = &v->config;
	struct pf_reason why = { 0 };
	uint8_t fp[32];
	int r = prepare_paths(v);

	if (r)
		return r;
	r = pf_open_identity(&v->identity, &why);
	if (r) {
		pf_complain("%s", why.text);
		return r;
	}
	pf_identity_fingerprint(v->identity, fp);
	pf_access_format(fp, v->fingerprint);
	pf_user_name(v->user, sizeof(v->user));
	if (gethostname(v->hostname, sizeof(v->hostname) - 1))
		snprintf(v->hostname, sizeof(v->hostname), "punktfunk");
	r = choose_display(v);
	if (!r)
		r = choose_encoders(v);
	if (r)
		return r;
	choose_audio(v);
	if (set_up_settings(v) || pf_loop_create(&v->loop) ||
		pf_workers_create(&v->workers, v->loop) || watch_signals(v)) {
		pf_complain("cannot start the control loop");
		return PF_EXIT_FAILURE;
	}
	r = set_up_registry(v, &why);
	if (r) {
		pf_complain("%s", why.text);
		return r;
	}
	if (pf_desks_create(&v->desks, &(struct pf_desks_params){ .loop = v->loop,
					       .workers = v->workers,
					       .config = c,
					       .display = v->display,
					       .audio = v->audio,
					       .log_root = v->log_root })) {
		pf_complain("out of memory");
		return PF_EXIT_FAILURE;
	}
	if (pf_native_create(&v->native,
		    &(struct pf_native_params){ .loop = v->loop,
			    .workers = v->workers,
			    .desks = v->desks,
			    .config = c,
			    .identity = v->identity,
			    .allowed_path = v->allowed_path,
			    .clients = v->clients,
			    .apps = v->apps,
			    .encoders = v->encoders,
			    .elsewhere = gamestream_clients,
			    .elsewhere_user = v,
			    .ended = pf_report_ended,
			    .user = v->report },
		    &why)) {
		pf_complain("%s", why.text);
		return PF_EXIT_PORT;
	}
	r = c->gamestream ? set_up_gamestream(v, &why) : 0;
	if (r) {
		pf_complain("%s", why.text);
		return r;
	}
	pf_report_about(
		v->report, v->user, v->display->name, pf_native_port(v->native), v->fingerprint);
	if (c->trust_on_first_use)
		pf_log(PF_LOG_WARN, "serve",
			"trust_on_first_use is on: who reaches port %u controls a desktop of user "
			"%s",
			pf_native_port(v->native), v->user);
	if (pf_asleep_start(&v->asleep, v->loop, v->native, v->gamestream)) {
		pf_complain("out of memory");
		return PF_EXIT_FAILURE;
	}
	open_host_id(v);
	r = start_management(v);
	if (!r)
		publish(v);
	return r;
}

static void tear_down(struct server *v)
{
	pf_timer_stop(&v->limit);
	pf_timer_stop(&v->idle);
	pf_asleep_stop(v->asleep);
	pf_manage_stop(v->manage);
	pf_discovery_destroy(v->discovery);
	pf_gamestream_destroy(v->gamestream);
	pf_native_destroy(v->native);
	pf_desks_destroy(v->desks);
	pf_workers_destroy(v->workers);
	if (v->clients)
		pf_clients_run(v->clients, NULL);
	pf_loop_destroy(v->loop);
	pf_manage_destroy(v->manage);
	pf_clients_close(v->clients);
	pf_apps_close(v->apps);
	pf_settings_destroy(v->settings);
	pf_identity_unref(v->identity);
	pf_identity_unref(v->gs_identity);
	pf_report_destroy(v->report);
}

static int serve(struct server *v, int ready_fd)
{
	int r = pf_report_create(&v->report) ? PF_EXIT_FAILURE : set_up(v);

	if (!r) {
		tell_ready(v, ready_fd);
		r = pf_loop_run(v->loop);
		if (r < 0) {
			pf_complain("the control loop failed: %s", strerror(-r));
			r = PF_EXIT_FAILURE;
		}
		write_report(v);
	}
	tear_down(v);
	return r;
}

/* The descriptor a script gave us to write to, or -1 if it is none. */
static int parse_fd(const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (!*text || *end || fd < 0 || fd > 65535 || fcntl((int)fd, F_GETFD) < 0)
		return -1;
	return (int)fd;
}

int pf_cmd_serve(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *ready = NULL, *report = NULL, *check = NULL;
	const struct pf_option extra[] = {
		{ "--check-config", NULL, "Check the settings and exit.", &check },
		{ "--ready-fd", "N", "Write the ready line to this descriptor, too, and close it.",
			&ready },
		{ "--report", "FILE",
			"Write figures as JSON at the end and on SIGUSR1; FILE must be writable "
			"for the "
			"user.",
			&report },
		{ 0 },
	};
	struct pf_options o = { .extra = extra };
	struct server *v = NULL;
	int r = pf_options_parse(&o, argc, argv), ready_fd = -1;

	if (!r && ready && (ready_fd = parse_fd(ready)) < 0) {
		pf_complain("--ready-fd %s: no open descriptor has this number", ready);
		r = PF_EXIT_USAGE;
	}
	if (!r && o.help) {
		pf_options_help(cmd, extra);
		goto out;
	}
	if (!r)
		r = pf_leave_root(&o);
	if (r)
		goto out;
	/* An encoder's large buffers go back to the system with it. The C library's own
	 * limit grows to 32 MiB, and then four sessions that came and went leave some 100
	 * MiB in pieces. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	v = calloc(1, sizeof(*v));
	if (!v) {
		r = PF_EXIT_FAILURE;
		goto out;
	}
	v->options = &o;
	v->report_path = report;
	r = pf_load_settings(&v->config, &o, false);
	if (r || check)
		goto out;
	if (ready_fd >= 0)
		(void)fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
	if (pf_logbook_create(&v->logbook)) {
		r = PF_EXIT_FAILURE;
		goto out;
	}
	pf_log_begin(&v->config, v->logbook);
	block_signals();
	r = serve(v, ready_fd);
	pf_log_begin(&v->config, NULL);
	pf_logbook_destroy(v->logbook);
out:
	free(v);
	pf_options_finish(&o);
	return r;
}
