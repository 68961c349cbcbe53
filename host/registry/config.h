/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* config.h - the host's settings.
 *
 * One table (name, type, range, default, help, needs a restart) feeds the file
 * parser, the command line, --help and the manual page. Settings come from
 * host.conf, then host.conf.d/ in name order, then the command line; the last
 * one wins. Plain data, read-only once the host serves: any thread may read. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "core/base/reason.h"

#define PF_CONFIG_AUTO	     UINT32_MAX /* a number key that says "auto" */
#define PF_CONFIG_TEXT_BYTES 512	/* longest value and its zero */
#define PF_CONFIG_FILE_BYTES (1u << 20) /* longest settings file */
#define PF_CONFIG_KEYS_MAX   64

enum pf_config_display {
	PF_CONFIG_DISPLAY_AUTO,
	PF_CONFIG_DISPLAY_WLROOTS, /* a private sway per desk */
	PF_CONFIG_DISPLAY_SESSION, /* the user's running compositor */
	PF_CONFIG_DISPLAY_PATTERN, /* a synthetic picture */
	PF_CONFIG_DISPLAY_NULL,
};

enum pf_config_audio {
	PF_CONFIG_AUDIO_AUTO,
	PF_CONFIG_AUDIO_PIPEWIRE, /* a private PipeWire per desk */
	PF_CONFIG_AUDIO_NULL,	  /* silence or a test tone */
};

enum pf_config_gamepad {
	PF_CONFIG_GAMEPAD_AUTO, /* by what the client says of its pad */
	PF_CONFIG_GAMEPAD_XBOX360,
	PF_CONFIG_GAMEPAD_XBOXONE,
	PF_CONFIG_GAMEPAD_DUALSHOCK4,
	PF_CONFIG_GAMEPAD_DUALSENSE,
};

enum pf_config_clipboard {
	PF_CONFIG_CLIPBOARD_OFF,
	PF_CONFIG_CLIPBOARD_TEXT,
	PF_CONFIG_CLIPBOARD_ON, /* pictures, too */
};

enum pf_config_encryption {
	PF_CONFIG_ENCRYPTION_AUTO, /* asked of who comes from beyond the local network */
	PF_CONFIG_ENCRYPTION_MANDATORY,
};

enum pf_config_log_format {
	PF_CONFIG_LOG_TEXT,
	PF_CONFIG_LOG_JSON,
};

struct pf_config {
	uint32_t port;
	uint32_t data_port; /* 0 = random per session */
	char bind_address[PF_CONFIG_TEXT_BYTES];
	uint32_t display_backend; /* pf_config_display */
	char display_options[PF_CONFIG_TEXT_BYTES];
	char session_socket[PF_CONFIG_TEXT_BYTES];
	bool xwayland;
	bool cursor;
	uint32_t clipboard; /* pf_config_clipboard */
	char keyboard_layout[PF_CONFIG_TEXT_BYTES];
	char session_command[PF_CONFIG_TEXT_BYTES];
	char encoder[PF_CONFIG_TEXT_BYTES];
	uint32_t software_codecs; /* bit per place in h264, hevc, av1: pf_codec */
	char encoder_preset[PF_CONFIG_TEXT_BYTES];
	uint32_t encoder_threads; /* PF_CONFIG_AUTO = the encoder's choice */
	uint32_t bitrate_default_kbps;
	uint32_t bitrate_max_kbps;
	uint32_t width_max, height_max, refresh_max_hz;
	uint32_t speed_test_max_kbps; /* 0 = none */
	bool jumbo_packets;
	uint32_t fec_percent; /* PF_CONFIG_AUTO = by measured loss */
	uint32_t delivery;    /* pf_delivery */
	uint32_t dscp;	      /* 0 = unmarked; PF_CONFIG_AUTO = as the client asks */
	uint32_t repeat_frames;
	uint32_t repeat_delay_ms;
	bool audio;
	uint32_t audio_backend; /* pf_config_audio */
	char audio_options[PF_CONFIG_TEXT_BYTES];
	uint32_t audio_channels;
	bool microphone;
	uint32_t audio_quality; /* pf_opus_tier */
	uint32_t gamepad;	/* pf_config_gamepad */
	char allowed_clients[PF_CONFIG_TEXT_BYTES];
	bool trust_on_first_use;
	bool gamestream;
	uint32_t gamestream_port; /* base; 0 = any free */
	bool gamestream_plain_rtsp;
	uint32_t gamestream_encryption; /* pf_config_encryption */
	bool discovery;
	uint32_t max_sessions;
	uint32_t desk_keep_alive_s;
	bool spare_desk;
	bool mgmt;
	char mgmt_bind[PF_CONFIG_TEXT_BYTES];
	char mgmt_hosts[PF_CONFIG_TEXT_BYTES];
	char mgmt_console[PF_CONFIG_TEXT_BYTES];
	uint32_t mgmt_port;
	uint32_t log_level; /* pf_log_level */
	uint32_t log_format;
	char user[PF_CONFIG_TEXT_BYTES];
};

enum pf_config_type {
	PF_CONFIG_BOOL,
	PF_CONFIG_NUMBER,
	PF_CONFIG_NUMBER_OR_AUTO,
	PF_CONFIG_CHOICE,	 /* one word of `choices`; stored as its place */
	PF_CONFIG_CHOICE_NUMBER, /* one number of `choices`; stored as itself */
	PF_CONFIG_CHOICES,	 /* words of `choices` with commas; a bit for each place */
	PF_CONFIG_TEXT,
	PF_CONFIG_DSCP, /* a class by name or number, "off" = 0, or "auto" */
};

struct pf_config_key {
	const char *name;
	enum pf_config_type type;
	size_t offset;	      /* in struct pf_config */
	uint32_t min, max;    /* numbers */
	const char *choices;  /* "a|b|c" */
	const char *fallback; /* the default, as written in a file */
	const char *help;     /* one or two sentences */
	bool restart;	      /* takes effect at the next start of the host */
};

/* Where a line of a settings file went wrong. */
struct pf_config_sink {
	/* `file` may be NULL (command line), then line is 0. */
	void (*report)(
		void *user, bool is_error, const char *file, unsigned line, const char *text);
	void *user;
	/* May be NULL. `key` has the value of this line now. */
	void (*taken)(void *user, const struct pf_config_key *key, const char *file, unsigned line);
};

/* A file of host.conf.d/ whose text is not taken from the disk. */
struct pf_config_instead {
	const char *name;
	const char *text;
	size_t len;
};

/** The table; *count rows. */
const struct pf_config_key *pf_config_keys(size_t *count);
/** The row of `name` (`-` counts as `_`), or NULL. */
const struct pf_config_key *pf_config_find(const char *name);
/** All defaults. */
void pf_config_init(struct pf_config *c);
/** Sets one key from text. 0; -ENOENT for an unknown key, -EINVAL for a value
 * that is not allowed, with the words. `c` is untouched on failure. */
int pf_config_set(struct pf_config *c, const char *name, const char *value, struct pf_reason *why);
/** Applies the text of a settings file. Unknown keys and keys set twice are
 * warnings, bad values and lines errors; all are reported and the rest is still
 * applied. Returns the number of errors. `file` is for the messages only. */
unsigned pf_config_parse(struct pf_config *c, const char *file, const uint8_t *text, size_t len,
	const struct pf_config_sink *sink);
/** Reads host.conf and host.conf.d/ *.conf of `dir`, or `file` alone if not
 * NULL. Files that are not there are no error, except `file`. Returns the number
 * of errors. */
unsigned pf_config_load(
	struct pf_config *c, const char *dir, const char *file, const struct pf_config_sink *sink);
/** As pf_config_load, with the text of one file given; `instead` may be NULL, and is
 * not read when `file` is. */
unsigned pf_config_load_instead(struct pf_config *c, const char *dir, const char *file,
	const struct pf_config_instead *instead, const struct pf_config_sink *sink);
/** Whether the values go together. 0 or -EINVAL with the words. */
int pf_config_check(const struct pf_config *c, struct pf_reason *why);
/** Takes over from `next` every key that needs no restart. Calls `stays` with the
 * name of each key that differs and does need one. */
void pf_config_adopt(struct pf_config *c, const struct pf_config *next,
	void (*stays)(void *user, const char *key), void *user);
/** The value of a key as a file would say it. */
void pf_config_format(
	const struct pf_config *c, const struct pf_config_key *key, char *buf, size_t cap);
/** What a key allows, in words: "yes or no", "0 to 65535". */
void pf_config_allowed(const struct pf_config_key *key, char *buf, size_t cap);
/** The settings as a file with every key explained. */
void pf_config_write(const struct pf_config *c, FILE *out);
/** The keys as options for --help. */
void pf_config_write_help(FILE *out);
/** The keys as roff, the part of punktfunk-host(1) that is generated. */
void pf_config_write_man(FILE *out);
