/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/registry/config.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "core/base/log.h"
#include "host/sys/files.h"

#define AT(field) offsetof(struct pf_config, field)

static const struct pf_config_key keys[] = {
	{ "port", PF_CONFIG_NUMBER, AT(port), 0, 65535, NULL, "9777",
		"UDP port that clients connect to. 0 takes any free one.", true },
	{ "data_port", PF_CONFIG_NUMBER, AT(data_port), 0, 65535, NULL, "0",
		"UDP port that video leaves from. 0 takes a random one per session; a firewall "
		"that "
		"must name ports needs a fixed one, which serves one session at a time.",
		true },
	{ "bind_address", PF_CONFIG_TEXT, AT(bind_address), 0, 0, NULL, "0.0.0.0",
		"Address to listen on; :: takes IPv6 and IPv4. GameStream needs an IPv4 one.",
		true },
	{ "display_backend", PF_CONFIG_CHOICE, AT(display_backend), 0, 0,
		"auto|wlroots|session|pattern|null", "auto",
		"Where the picture comes from. wlroots: a private headless sway per client. "
		"session: "
		"the sway or labwc that is running. pattern: a test picture. auto: session where "
		"one runs, else wlroots.",
		true },
	{ "display_options", PF_CONFIG_TEXT, AT(display_options), 0, 0, NULL, "",
		"Words for the pattern and null displays, such as scene=scroll or delay-ms=100.",
		false },
	{ "session_socket", PF_CONFIG_TEXT, AT(session_socket), 0, 0, NULL, "",
		"Wayland socket of the running compositor for display_backend = session. Empty "
		"looks "
		"into WAYLAND_DISPLAY.",
		true },
	{ "session_command", PF_CONFIG_TEXT, AT(session_command), 0, 0, NULL, "auto",
		"What runs inside a fresh desk, by /bin/sh in the home directory. auto: a terminal "
		"(foot) if it is installed, but nothing in a session that is running already. "
		"Empty "
		"leaves the desk bare.",
		false },
	{ "xwayland", PF_CONFIG_BOOL, AT(xwayland), 0, 0, NULL, "no",
		"Lets X11 programs run inside a desk (needs the package xwayland).", false },
	{ "keyboard_layout", PF_CONFIG_TEXT, AT(keyboard_layout), 0, 0, NULL, "us",
		"Keyboard layout inside a desk, as xkb names it.", false },
	{ "cursor", PF_CONFIG_BOOL, AT(cursor), 0, 0, NULL, "yes",
		"Draws the pointer into the picture.", false },
	{ "clipboard", PF_CONFIG_CHOICE, AT(clipboard), 0, 0, "off|text|on", "off",
		"What native clients may share of a desk's clipboard, both ways: nothing, text, or "
		"text and pictures. Nothing is sent until somebody pastes; what a password manager "
		"marks is never offered.",
		false },
	{ "encoder", PF_CONFIG_TEXT, AT(encoder), 0, 0, NULL, "auto",
		"Video encoder; `punktfunk-host encoders` lists them. auto takes the first that "
		"really works.",
		true },
	{ "software_codecs", PF_CONFIG_CHOICES, AT(software_codecs), 0, 0, "h264|hevc|av1", "h264",
		"Codecs that the processor may encode where no hardware does, with commas between "
		"them. hevc (x265) and av1 (libaom) cost it several times as much as h264: good "
		"for small pictures on a fast machine.",
		true },
	{ "encoder_preset", PF_CONFIG_TEXT, AT(encoder_preset), 0, 0, NULL, "",
		"The encoder's own word for its speed, such as ultrafast. Empty takes its fastest "
		"fit.",
		false },
	{ "encoder_threads", PF_CONFIG_NUMBER_OR_AUTO, AT(encoder_threads), 1, 64, NULL, "auto",
		"Threads of a software encoder.", false },
	{ "bitrate_default_kbps", PF_CONFIG_NUMBER, AT(bitrate_default_kbps), 500, 8000000, NULL,
		"20000", "Video bit rate of a client that leaves it to the host, in kbit/s.",
		false },
	{ "bitrate_max_kbps", PF_CONFIG_NUMBER, AT(bitrate_max_kbps), 500, 8000000, NULL, "8000000",
		"The most that a client gets, in kbit/s.", false },
	{ "width_max", PF_CONFIG_NUMBER, AT(width_max), 320, 8192, NULL, "8192",
		"The widest picture that a client gets, in pixels. One that asks for more gets it "
		"smaller, in the same shape. Moonlight clients choose their mode themselves.",
		false },
	{ "height_max", PF_CONFIG_NUMBER, AT(height_max), 240, 8192, NULL, "8192",
		"The same for the height.", false },
	{ "refresh_max_hz", PF_CONFIG_NUMBER, AT(refresh_max_hz), 10, 1000, NULL, "1000",
		"The most pictures a second that a client gets; Moonlight clients choose "
		"themselves.",
		false },
	{ "speed_test_max_kbps", PF_CONFIG_NUMBER, AT(speed_test_max_kbps), 0, 10000000, NULL,
		"2000000",
		"The most that a client's measurement of the network may send, in kbit/s. 0 "
		"measures nothing: then automatic bit rates do not go above "
		"bitrate_default_kbps.",
		false },
	{ "jumbo_packets", PF_CONFIG_BOOL, AT(jumbo_packets), 0, 0, NULL, "no",
		"Packets of up to 8952 bytes on a path that was shown to carry them. Needs ngtcp2 "
		"1.11, which Debian 13 has.",
		true },
	{ "fec_percent", PF_CONFIG_NUMBER_OR_AUTO, AT(fec_percent), 0, 90, NULL, "auto",
		"Parity packets per hundred video packets. auto follows the measured loss.",
		false },
	{ "delivery", PF_CONFIG_CHOICE, AT(delivery), 0, 0, "capped|burst|smooth", "capped",
		"How the packets of a frame leave. capped: the first 128 KiB at once, the rest at "
		"three times the bit rate, but not faster than the next smaller Ethernet. burst: "
		"all at once. smooth: evenly over most of the time until the next frame, for links "
		"that lose what comes in bursts; it costs that time.",
		false },
	{ "dscp", PF_CONFIG_DSCP, AT(dscp), 0, 63, NULL, "auto",
		"Class that video packets are marked with, by name (EF, AF41, CS5) or number, and "
		"the sound of Moonlight clients with them. auto: CS5 and CS6 for Moonlight clients "
		"that ask for it, else nothing. Networks that are not told about it ignore or "
		"remove it.",
		false },
	{ "repeat_frames", PF_CONFIG_NUMBER, AT(repeat_frames), 0, 10, NULL, "2",
		"How often a picture that stopped changing is sent again, so that its quality "
		"settles. After that nothing is sent until something changes.",
		false },
	{ "repeat_delay_ms", PF_CONFIG_NUMBER, AT(repeat_delay_ms), 10, 1000, NULL, "100",
		"Time between the last change and the first repeat, and between repeats.", false },
	{ "audio", PF_CONFIG_BOOL, AT(audio), 0, 0, NULL, "yes",
		"Streams sound. Without a working PipeWire the picture goes on alone.", false },
	{ "audio_backend", PF_CONFIG_CHOICE, AT(audio_backend), 0, 0, "auto|pipewire|null", "auto",
		"Where sound comes from. pipewire: a private PipeWire per client. null: a test "
		"tone. "
		"auto: pipewire.",
		true },
	{ "audio_options", PF_CONFIG_TEXT, AT(audio_options), 0, 0, NULL, "",
		"Words for the null sound, such as tone-hz=440.", false },
	{ "audio_channels", PF_CONFIG_CHOICE_NUMBER, AT(audio_channels), 0, 0, "2|6|8", "8",
		"The most channels that a client gets.", false },
	{ "audio_quality", PF_CONFIG_CHOICE, AT(audio_quality), 0, 0, "low|standard|high", "high",
		"The best sound that a client of punktfunk/1 gets: 96, 128 or 256 kbit/s in "
		"stereo, 192, 256 or 448 with six channels, 320, 450 or 768 with eight. What a "
		"twentieth of the video bit rate does not hold becomes less. What it holds twice "
		"is sent twice, so that a lost packet is not missed.",
		false },
	{ "microphone", PF_CONFIG_BOOL, AT(microphone), 0, 0, NULL, "yes",
		"Gives a client of punktfunk/1 that speaks a microphone on its desk, if its access "
		"allows one. Programs of other desks do not hear it.",
		false },
	{ "gamepad", PF_CONFIG_CHOICE, AT(gamepad), 0, 0,
		"auto|xbox360|xboxone|dualshock4|dualsense", "auto",
		"What a client's gamepads look like to programs. auto: dualsense for pads with "
		"motion sensors or a touch surface, else xboxone or xbox360. What this machine "
		"cannot make becomes the nearest that it can.",
		false },
	{ "allowed_clients", PF_CONFIG_TEXT, AT(allowed_clients), 0, 0, NULL, "",
		"File of the clients that may connect, one certificate fingerprint a line. Empty "
		"is "
		"allowed_clients beside host.conf. It is read anew at each connection.",
		false },
	{ "trust_on_first_use", PF_CONFIG_BOOL, AT(trust_on_first_use), 0, 0, NULL, "no",
		"Lets every client in, listed or not. For tests and closed networks only: who can "
		"reach the port controls the desk.",
		false },
	{ "gamestream", PF_CONFIG_BOOL, AT(gamestream), 0, 0, NULL, "no",
		"Lets stock Moonlight clients in, too. Their pairing and encryption are weaker "
		"than "
		"punktfunk/1: for trusted networks.",
		true },
	{ "gamestream_port", PF_CONFIG_NUMBER, AT(gamestream_port), 0, 65514, NULL, "47989",
		"Base port of the Moonlight clients: TCP at -5, 0 and +21 of it, UDP at +9, +10 "
		"and "
		"+11. 0 takes any free ones.",
		true },
	{ "gamestream_plain_rtsp", PF_CONFIG_BOOL, AT(gamestream_plain_rtsp), 0, 0, NULL, "no",
		"Lets Moonlight clients from before 2024 in, which negotiate without encryption: "
		"who hears them can take their stream.",
		true },
	{ "gamestream_encryption", PF_CONFIG_CHOICE, AT(gamestream_encryption), 0, 0,
		"auto|mandatory", "auto",
		"Encryption of picture and sound for Moonlight clients. auto asks for it where the "
		"client comes from beyond the local network. mandatory asks everybody and refuses "
		"who does not switch both on, clients from before 2024 included.",
		false },
	{ "discovery", PF_CONFIG_BOOL, AT(discovery), 0, 0, NULL, "yes",
		"Tells the network by mDNS, through the Avahi daemon, where clients find this "
		"host. "
		"Without it they need the address typed in.",
		true },
	{ "max_sessions", PF_CONFIG_NUMBER, AT(max_sessions), 1, 64, NULL, "4",
		"Clients that stream at the same time, by whatever protocol. One more is refused "
		"as busy.",
		false },
	{ "desk_keep_alive_s", PF_CONFIG_NUMBER, AT(desk_keep_alive_s), 0, 86400, NULL, "30",
		"How long a desk stays after its client is gone, in seconds. A client that quits "
		"ends it at once.",
		false },
	{ "spare_desk", PF_CONFIG_BOOL, AT(spare_desk), 0, 0, NULL, "yes",
		"Keeps one empty desk ready for the client that comes next, where display_backend "
		"is wlroots. It takes some memory and no processor time.",
		false },
	{ "mgmt", PF_CONFIG_BOOL, AT(mgmt), 0, 0, NULL, "yes",
		"Serves the management API, which pairing, clients, apps and status of the command "
		"line need.",
		true },
	{ "mgmt_bind", PF_CONFIG_TEXT, AT(mgmt_bind), 0, 0, NULL, "127.0.0.1",
		"Address that the management API and the web console listen on; 0.0.0.0 or :: lets "
		"other machines reach them. The token opens from this machine only, whatever this "
		"says.",
		true },
	{ "mgmt_port", PF_CONFIG_NUMBER, AT(mgmt_port), 0, 65535, NULL, "47990",
		"TCP port of the management API. 0 takes any free one.", true },
	{ "mgmt_hosts", PF_CONFIG_TEXT, AT(mgmt_hosts), 0, 0, NULL, "",
		"Names by which browsers may reach the web console beside localhost and the "
		"host's addresses, a comma list. A page that comes by any other name is refused.",
		true },
	{ "mgmt_console", PF_CONFIG_TEXT, AT(mgmt_console), 0, 0, NULL, "",
		"Folder with the files of the web console. Empty takes the installed ones.", true },
	{ "log_level", PF_CONFIG_CHOICE, AT(log_level), 0, 0, "error|warn|info|debug", "info",
		"How much is logged.", false },
	{ "log_format", PF_CONFIG_CHOICE, AT(log_format), 0, 0, "text|json", "text",
		"Log lines for people or, one JSON object a line, for machines.", false },
	{ "user", PF_CONFIG_TEXT, AT(user), 0, 0, NULL, "",
		"Started by root, the host becomes this user. Empty takes the user of sudo, else "
		"the "
		"system user punktfunk.",
		true },
};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))
_Static_assert(KEY_COUNT <= PF_CONFIG_KEYS_MAX, "the parser keeps one bit per key");

const struct pf_config_key *pf_config_keys(size_t *count)
{
	*count = KEY_COUNT;
	return keys;
}

/* An option's name is the key's with dashes. */
static bool same_name(const char *key, const char *name)
{
	for (; *key && *name; key++, name++)
		if (*key != (*name == '-' ? '_' : *name))
			return false;
	return !*key && !*name;
}

const struct pf_config_key *pf_config_find(const char *name)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (same_name(keys[i].name, name))
			return &keys[i];
	return NULL;
}

/* The place of `word` in "a|b|c", or -1. */
static int choice_index(const char *choices, const char *word)
{
	size_t len = strlen(word);
	int i = 0;

	for (const char *p = choices;; i++) {
		size_t n = strcspn(p, "|");

		if (n == len && !memcmp(p, word, n))
			return i;
		if (!p[n])
			return -1;
		p += n + 1;
	}
}

/* The word at place `index`, into buf. */
static void choice_word(const char *choices, uint32_t index, char *buf, size_t cap)
{
	const char *p = choices;

	while (index && *p) {
		p += strcspn(p, "|");
		p += *p == '|';
		index--;
	}
	snprintf(buf, cap, "%.*s", (int)strcspn(p, "|"), p);
}

/* "a, c" of "a|b|c" as bits 0 and 2. */
static bool parse_choices(const char *choices, const char *value, uint32_t *out)
{
	uint32_t bits = 0;

	for (;;) {
		char word[32];
		size_t n = strcspn(value, ","), len = n;
		int index;

		while (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
			len--;
		if (len >= sizeof(word))
			return false;
		memcpy(word, value, len);
		word[len] = 0;
		index = choice_index(choices, word);
		if (index < 0)
			return false;
		bits |= 1u << index;
		if (!value[n])
			break;
		value += n + 1;
		value += strspn(value, " \t");
	}
	*out = bits;
	return true;
}

static bool parse_number(const char *value, uint32_t *out)
{
	uint64_t v = 0;

	if (!*value)
		return false;
	for (const char *p = value; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		v = v * 10 + (uint64_t)(*p - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)v;
	return true;
}

/* "EF", "af41", "CS5", "46", "off". */
static bool parse_dscp(const char *value, uint32_t *out)
{
	unsigned a = 0, b = 0;

	if (!strcasecmp(value, "off") || !strcasecmp(value, "auto")) {
		*out = strcasecmp(value, "off") ? PF_CONFIG_AUTO : 0;
		return true;
	}
	if (!strcasecmp(value, "EF")) {
		*out = 46;
		return true;
	}
	if (strlen(value) >= 3)
		a = (unsigned)(value[2] - '0');
	if (!strncasecmp(value, "CS", 2) && strlen(value) == 3 && a <= 7) {
		*out = a << 3;
		return true;
	}
	if (!strncasecmp(value, "AF", 2) && strlen(value) == 4) {
		b = (unsigned)(value[3] - '0');
		if (a < 1 || a > 4 || b < 1 || b > 3)
			return false;
		*out = a << 3 | b << 1;
		return true;
	}
	return parse_number(value, out) && *out <= 63;
}

/* The shortest way to write it that parse_dscp takes. */
static void format_dscp(uint32_t dscp, char *buf, size_t cap)
{
	if (dscp == PF_CONFIG_AUTO)
		snprintf(buf, cap, "auto");
	else if (!dscp)
		snprintf(buf, cap, "off");
	else if (dscp == 46)
		snprintf(buf, cap, "EF");
	else if (!(dscp & 7))
		snprintf(buf, cap, "CS%u", dscp >> 3);
	else if (!(dscp & 1) && dscp >> 3 >= 1 && dscp >> 3 <= 4)
		snprintf(buf, cap, "AF%u%u", dscp >> 3, (dscp & 7) >> 1);
	else
		snprintf(buf, cap, "%u", dscp);
}

static bool parse_bool(const char *value, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = { { "yes", true }, { "no", false }, { "on", true }, { "off", false },
		{ "true", true }, { "false", false }, { "1", true }, { "0", false } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(words[i].word, value)) {
			*out = words[i].value;
			return true;
		}
	}
	return false;
}

void pf_config_allowed(const struct pf_config_key *key, char *buf, size_t cap)
{
	switch (key->type) {
	case PF_CONFIG_BOOL:
		snprintf(buf, cap, "yes or no");
		break;
	case PF_CONFIG_NUMBER:
		snprintf(buf, cap, "%u to %u", key->min, key->max);
		break;
	case PF_CONFIG_NUMBER_OR_AUTO:
		snprintf(buf, cap, "auto or %u to %u", key->min, key->max);
		break;
	case PF_CONFIG_CHOICE:
	case PF_CONFIG_CHOICE_NUMBER:
	case PF_CONFIG_CHOICES: {
		size_t len = 0;

		if (key->type == PF_CONFIG_CHOICES)
			len = (size_t)snprintf(buf, cap, "one or more of ");

		/* "a|b|c" reads "a, b, c". */
		for (const char *p = key->choices; *p && len + 3 < cap; p++) {
			buf[len++] = *p == '|' ? ',' : *p;
			if (*p == '|')
				buf[len++] = ' ';
		}
		buf[len] = 0;
		break;
	}
	case PF_CONFIG_DSCP:
		snprintf(buf, cap, "auto, off, EF, CS0 to CS7, AF11 to AF43, 0 to 63");
		break;
	case PF_CONFIG_TEXT:
		snprintf(buf, cap, "text of at most %u bytes", PF_CONFIG_TEXT_BYTES - 1);
		break;
	}
}

static bool has_control_bytes(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return true;
	return false;
}

/* Stores `value`; false when the key does not allow it. */
static bool store(struct pf_config *c, const struct pf_config_key *key, const char *value)
{
	void *field = (char *)c + key->offset;
	uint32_t number;
	bool flag;
	int index;

	switch (key->type) {
	case PF_CONFIG_BOOL:
		if (!parse_bool(value, &flag))
			return false;
		memcpy(field, &flag, sizeof(flag));
		return true;
	case PF_CONFIG_NUMBER_OR_AUTO:
		if (!strcmp(value, "auto")) {
			number = PF_CONFIG_AUTO;
			memcpy(field, &number, sizeof(number));
			return true;
		}
		__attribute__((fallthrough));
	case PF_CONFIG_NUMBER:
		if (!parse_number(value, &number) || number < key->min || number > key->max)
			return false;
		memcpy(field, &number, sizeof(number));
		return true;
	case PF_CONFIG_CHOICE_NUMBER:
		if (choice_index(key->choices, value) < 0 || !parse_number(value, &number))
			return false;
		memcpy(field, &number, sizeof(number));
		return true;
	case PF_CONFIG_CHOICE:
		index = choice_index(key->choices, value);
		if (index < 0)
			return false;
		number = (uint32_t)index;
		memcpy(field, &number, sizeof(number));
		return true;
	case PF_CONFIG_CHOICES:
		if (!parse_choices(key->choices, value, &number))
			return false;
		memcpy(field, &number, sizeof(number));
		return true;
	case PF_CONFIG_DSCP:
		if (!parse_dscp(value, &number))
			return false;
		memcpy(field, &number, sizeof(number));
		return true;
	case PF_CONFIG_TEXT:
		if (strlen(value) >= PF_CONFIG_TEXT_BYTES || has_control_bytes(value))
			return false;
		memset(field, 0, PF_CONFIG_TEXT_BYTES);
		memcpy(field, value, strlen(value));
		return true;
	}
	return false;
}

void pf_config_init(struct pf_config *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < KEY_COUNT; i++)
		(void)store(c, &keys[i], keys[i].fallback);
}

int pf_config_set(struct pf_config *c, const char *name, const char *value, struct pf_reason *why)
{
	const struct pf_config_key *key = pf_config_find(name);
	char allowed[128];

	if (!key)
		return pf_reason_set(why, -ENOENT,
			"unknown setting \"%.60s\"; `punktfunk-host config` lists all", name);
	if (store(c, key, value))
		return 0;
	pf_config_allowed(key, allowed, sizeof(allowed));
	return pf_reason_set(
		why, -EINVAL, "%s cannot be \"%.60s\"; allowed: %s", key->name, value, allowed);
}

struct parser {
	struct pf_config *config;
	const char *file;
	const struct pf_config_sink *sink;
	unsigned line;
	unsigned errors;
	uint64_t seen; /* bit per key of this file */
};

static void report(struct parser *p, bool is_error, const char *text)
{
	p->errors += is_error;
	if (p->sink && p->sink->report)
		p->sink->report(p->sink->user, is_error, p->file, p->line, text);
}

static const char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		s[--n] = 0;
	return s;
}

/* One line, zero-terminated, without its newline. */
static void parse_line(struct parser *p, char *line)
{
	const struct pf_config_key *key;
	struct pf_reason why = { 0 };
	const char *name, *value;
	char text[128], *equals;
	uint64_t bit;

	if (!*trim(line) || *trim(line) == '#')
		return;
	equals = strchr(line, '=');
	if (!equals) {
		report(p, true, "this line is neither KEY = VALUE nor a # comment");
		return;
	}
	*equals = 0;
	name = trim(line);
	value = trim(equals + 1);
	key = pf_config_find(name);
	if (!key) {
		snprintf(text, sizeof(text), "unknown key \"%.60s\" is ignored", name);
		report(p, false, text);
		return;
	}
	bit = UINT64_C(1) << (key - keys);
	if (p->seen & bit) {
		snprintf(text, sizeof(text), "%s is set twice, the last one counts", key->name);
		report(p, false, text);
	}
	p->seen |= bit;
	if (pf_config_set(p->config, name, value, &why))
		report(p, true, why.text);
	else if (p->sink && p->sink->taken)
		p->sink->taken(p->sink->user, key, p->file, p->line);
}

unsigned pf_config_parse(struct pf_config *c, const char *file, const uint8_t *text, size_t len,
	const struct pf_config_sink *sink)
{
	struct parser p = { .config = c, .file = file, .sink = sink };
	/* No valid line is longer than a name, a value and generous blanks. */
	char line[2 * PF_CONFIG_TEXT_BYTES];

	while (len) {
		const uint8_t *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		size_t used = end ? n + 1 : n;

		p.line++;
		if (n && text[n - 1] == '\r')
			n--;
		if (n >= sizeof(line)) {
			report(&p, true, "this line is too long");
		} else if (memchr(text, 0, n)) {
			report(&p, true, "this line holds a zero byte; is it a text file?");
		} else {
			memcpy(line, text, n);
			line[n] = 0;
			parse_line(&p, line);
		}
		text += used;
		len -= used;
	}
	return p.errors;
}

static unsigned load_file(
	struct pf_config *c, const char *path, bool must_exist, const struct pf_config_sink *sink)
{
	struct parser p = { .file = path, .sink = sink };
	struct pf_reason why = { 0 };
	uint8_t *text;
	size_t len;
	unsigned errors;
	int r = pf_file_read(path, PF_CONFIG_FILE_BYTES, &text, &len, &why);

	if (r == -ENOENT && !must_exist)
		return 0;
	if (r) {
		report(&p, true, why.text);
		return p.errors;
	}
	errors = pf_config_parse(c, path, text, len, sink);
	free(text);
	return errors;
}

static int is_conf(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && e->d_name[0] != '.' && !strcmp(e->d_name + n - 5, ".conf");
}

/* Whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The files of host.conf.d/ in order, that of `instead` among them whether it is there or
 * not. */
static unsigned load_folder(struct pf_config *c, const char *folder,
	const struct pf_config_instead *instead, const struct pf_config_sink *sink)
{
	struct dirent **list = NULL;
	char path[PF_PATH_BYTES];
	bool pending = instead != NULL;
	unsigned errors = 0;
	int n = scandir(folder, &list, is_conf, by_name);

	for (int i = 0; i < n || pending; i++) {
		int order = !pending ? -1 : i < n ? strcmp(list[i]->d_name, instead->name) : 1;
		const char *name = order < 0 ? list[i]->d_name : instead->name;

		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
			errors++;
		else if (order < 0)
			errors += load_file(c, path, false, sink);
		else
			errors += pf_config_parse(
				c, path, (const uint8_t *)instead->text, instead->len, sink);
		if (order >= 0)
			pending = false;
		if (order > 0)
			i--; /* this one comes after it */
	}
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return errors;
}

unsigned pf_config_load_instead(struct pf_config *c, const char *dir, const char *file,
	const struct pf_config_instead *instead, const struct pf_config_sink *sink)
{
	char path[PF_PATH_BYTES], sub[PF_PATH_BYTES];

	if (file)
		return load_file(c, file, true, sink);
	if ((size_t)snprintf(path, sizeof(path), "%s/host.conf", dir) >= sizeof(path) ||
		(size_t)snprintf(sub, sizeof(sub), "%s/host.conf.d", dir) >= sizeof(sub))
		return 1;
	return load_file(c, path, false, sink) + load_folder(c, sub, instead, sink);
}

unsigned pf_config_load(
	struct pf_config *c, const char *dir, const char *file, const struct pf_config_sink *sink)
{
	return pf_config_load_instead(c, dir, file, NULL, sink);
}

int pf_config_check(const struct pf_config *c, struct pf_reason *why)
{
	if (c->bitrate_default_kbps > c->bitrate_max_kbps)
		return pf_reason_set(why, -EINVAL,
			"bitrate_default_kbps (%u) is above bitrate_max_kbps (%u)",
			c->bitrate_default_kbps, c->bitrate_max_kbps);
	return 0;
}

static size_t field_bytes(const struct pf_config_key *key)
{
	switch (key->type) {
	case PF_CONFIG_BOOL:
		return sizeof(bool);
	case PF_CONFIG_TEXT:
		return PF_CONFIG_TEXT_BYTES;
	default:
		return sizeof(uint32_t);
	}
}

void pf_config_adopt(struct pf_config *c, const struct pf_config *next,
	void (*stays)(void *user, const char *key), void *user)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		void *to = (char *)c + keys[i].offset;
		const void *from = (const char *)next + keys[i].offset;

		if (!keys[i].restart)
			memcpy(to, from, field_bytes(&keys[i]));
		else if (stays && memcmp(to, from, field_bytes(&keys[i])))
			stays(user, keys[i].name);
	}
}

static void format_choices(const char *choices, uint32_t bits, char *buf, size_t cap)
{
	size_t len = 0;

	*buf = 0;
	for (uint32_t i = 0; bits >> i && len + 2 < cap; i++) {
		if (!(bits >> i & 1))
			continue;
		if (len)
			buf[len++] = ',';
		choice_word(choices, i, buf + len, cap - len);
		len += strlen(buf + len);
	}
}

void pf_config_format(
	const struct pf_config *c, const struct pf_config_key *key, char *buf, size_t cap)
{
	const void *field = (const char *)c + key->offset;
	uint32_t number = 0;
	bool flag = false;

	switch (key->type) {
	case PF_CONFIG_BOOL:
		memcpy(&flag, field, sizeof(flag));
		snprintf(buf, cap, "%s", flag ? "yes" : "no");
		return;
	case PF_CONFIG_TEXT:
		snprintf(buf, cap, "%s", (const char *)field);
		return;
	default:
		break;
	}
	memcpy(&number, field, sizeof(number));
	if (key->type == PF_CONFIG_CHOICE)
		choice_word(key->choices, number, buf, cap);
	else if (key->type == PF_CONFIG_DSCP)
		format_dscp(number, buf, cap);
	else if (key->type == PF_CONFIG_CHOICES)
		format_choices(key->choices, number, buf, cap);
	else if (key->type == PF_CONFIG_NUMBER_OR_AUTO && number == PF_CONFIG_AUTO)
		snprintf(buf, cap, "auto");
	else
		snprintf(buf, cap, "%u", number);
}

/* `text` in lines of at most `width`, each after `prefix`. */
static void write_wrapped(FILE *out, const char *prefix, const char *text, size_t width)
{
	while (*text) {
		size_t n = strlen(text);

		if (n > width) {
			n = width;
			while (n && text[n] != ' ')
				n--;
			if (!n)
				n = strcspn(text, " ");
		}
		fprintf(out, "%s%.*s\n", prefix, (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

void pf_config_write(const struct pf_config *c, FILE *out)
{
	char value[PF_CONFIG_TEXT_BYTES], allowed[128];

	for (size_t i = 0; i < KEY_COUNT; i++) {
		write_wrapped(out, "# ", keys[i].help, 76);
		pf_config_allowed(&keys[i], allowed, sizeof(allowed));
		fprintf(out, "# Allowed: %s. Default: %s%s\n", allowed,
			*keys[i].fallback ? keys[i].fallback : "empty",
			keys[i].restart ? ". Needs a restart." : ".");
		pf_config_format(c, &keys[i], value, sizeof(value));
		fprintf(out, "%s = %s\n%s", keys[i].name, value, i + 1 < KEY_COUNT ? "\n" : "");
	}
}

static void write_option(FILE *out, const char *name)
{
	for (; *name; name++)
		fputc(*name == '_' ? '-' : *name, out);
}

void pf_config_write_help(FILE *out)
{
	char allowed[128];

	for (size_t i = 0; i < KEY_COUNT; i++) {
		pf_config_allowed(&keys[i], allowed, sizeof(allowed));
		fputs("  --", out);
		write_option(out, keys[i].name);
		fprintf(out, "%s\n", keys[i].type == PF_CONFIG_BOOL ? "[=yes|no]" : " VALUE");
		write_wrapped(out, "        ", keys[i].help, 70);
		fprintf(out, "        (%s; default %s)\n", allowed,
			*keys[i].fallback ? keys[i].fallback : "empty");
	}
}

/* Text that roff takes as it is. */
static void write_roff(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
	}
}

void pf_config_write_man(FILE *out)
{
	char allowed[128];

	for (size_t i = 0; i < KEY_COUNT; i++) {
		pf_config_allowed(&keys[i], allowed, sizeof(allowed));
		fputs(".TP\n.BR ", out);
		write_roff(out, keys[i].name);
		fputs(" \", \" \\-\\-", out);
		for (const char *p = keys[i].name; *p; p++)
			fputs(*p == '_' ? "\\-" : (char[]){ *p, 0 }, out);
		fputs("\n", out);
		write_roff(out, keys[i].help);
		fputs("\nAllowed: ", out);
		write_roff(out, allowed);
		fputs(". Default: ", out);
		write_roff(out, *keys[i].fallback ? keys[i].fallback : "empty");
		fprintf(out, ".%s\n", keys[i].restart ? " Needs a restart." : "");
	}
}
