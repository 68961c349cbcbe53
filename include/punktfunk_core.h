/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* punktfunk_core.h - the C interface of libpunktfunk-core.
 *
 * punktfunk/1 for clients and hosts: FEC, sealing, pacing, QUIC control. Every
 * object is opaque and belongs to the caller who created it. Every struct that
 * crosses the border starts with struct_size, which the caller sets to
 * sizeof(the struct): fields are only ever added at the end, and a field that
 * the caller's struct does not reach counts as zero.
 *
 * Calls return 0 (or a count) or a negative PUNKTFUNK_E... code. Unless a call
 * says otherwise: one object may be used by one thread at a time, different
 * objects by different threads; strings are UTF-8, ended by zero; times are
 * nanoseconds, "unix" ones since 1970, else of the monotonic clock. */
#ifndef PUNKTFUNK_CORE_H
#define PUNKTFUNK_CORE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define PUNKTFUNK_API
#else
#define PUNKTFUNK_API __attribute__((visibility("default")))
#endif

/* ---- version, errors, log ---- */

#define PUNKTFUNK_ABI_VERSION 1

/* Error codes. A call returns EINVAL for a NULL or a struct_size it cannot take, even
 * where its words do not say so. The numbers are Linux's errno values on every platform. */
enum PunktfunkError {
	PUNKTFUNK_OK = 0,
	PUNKTFUNK_EIO = -5,
	PUNKTFUNK_EAGAIN = -11, /* nothing there before the time-out */
	PUNKTFUNK_ENOMEM = -12,
	PUNKTFUNK_EACCES = -13, /* refused: fingerprint, admission */
	PUNKTFUNK_EBUSY = -16,
	PUNKTFUNK_EINVAL = -22,
	PUNKTFUNK_EPIPE = -32, /* the other side closed; see the close code */
	PUNKTFUNK_EPROTO = -71,
	PUNKTFUNK_EMSGSIZE = -90,
	PUNKTFUNK_ENOTSUP = -95, /* the other side does not do that */
	PUNKTFUNK_EADDRINUSE = -98,
	PUNKTFUNK_ETIMEDOUT = -110,
	PUNKTFUNK_ECONNREFUSED = -111,
	PUNKTFUNK_EHOSTUNREACH = -113,
};

/* QUIC application close codes of punktfunk/1 (punktfunk1.md 18). */
enum PunktfunkCloseCode {
	PUNKTFUNK_CLOSE_NORMAL = 0x00,
	PUNKTFUNK_CLOSE_PAIRING_FAILED = 0x01, /* a client: the host's PIN is another */
	PUNKTFUNK_CLOSE_BUSY = 0x42,
	PUNKTFUNK_CLOSE_QUIT = 0x51, /* the user quit: the host drops the display */
	PUNKTFUNK_CLOSE_APP_EXITED = 0x52,
	PUNKTFUNK_CLOSE_NOT_ARMED = 0x60,    /* the host shows no PIN */
	PUNKTFUNK_CLOSE_OTHER_DEVICE = 0x61, /* its PIN is for another device */
	PUNKTFUNK_CLOSE_RATE_LIMITED = 0x62, /* two seconds between attempts to pair */
	PUNKTFUNK_CLOSE_IDENTITY_REQUIRED = 0x63,
	PUNKTFUNK_CLOSE_DENIED = 0x64,
	PUNKTFUNK_CLOSE_APPROVAL_TIMEOUT = 0x65, /* nobody answered the request for access */
	PUNKTFUNK_CLOSE_SUPERSEDED = 0x66,	 /* the same client came again */
	PUNKTFUNK_CLOSE_WIRE_VERSION = 0x67,
	PUNKTFUNK_CLOSE_SETUP_FAILED = 0x68,
	PUNKTFUNK_CLOSE_ACCESS_EXPIRED = 0x69, /* the client's access ended */
	PUNKTFUNK_CLOSE_LAUNCH_DENIED = 0x6a,  /* it may not start apps */
};

enum PunktfunkLogLevel {
	PUNKTFUNK_LOG_ERROR = 0,
	PUNKTFUNK_LOG_WARN = 1,
	PUNKTFUNK_LOG_INFO = 2,
	PUNKTFUNK_LOG_DEBUG = 3,
};

typedef void (*PunktfunkLogCallback)(
	void *user, int32_t level, const char *topic, const char *text);

/* A failure in words: what failed, why, what mends it. */
typedef struct PunktfunkReason {
	uint32_t struct_size;
	int32_t code;	     /* PUNKTFUNK_E... */
	uint32_t close_code; /* the peer's close code when code is EPIPE/EACCES */
	char text[256];
} PunktfunkReason;

/** PUNKTFUNK_ABI_VERSION of the library at run time. Any thread. */
PUNKTFUNK_API uint32_t punktfunk_abi_version(void);
/** Static English words for a PUNKTFUNK_E... code; never NULL. Any thread. */
PUNKTFUNK_API const char *punktfunk_strerror(int32_t code);
/** Routes the library's log lines up to `max_level` (PUNKTFUNK_LOG_...); NULL = standard
 * error. Call once, before anything else. The callback may come on any thread; its
 * texts are borrowed for the call. */
PUNKTFUNK_API void punktfunk_set_log_callback(
	PunktfunkLogCallback fn, void *user, int32_t max_level);
/** Writes the names of the CPU features in use, e.g. "avx2 gfni", cut to `cap` bytes
 * with the zero; returns buf. Any thread. */
PUNKTFUNK_API char *punktfunk_cpu_features(char *buf, uint32_t cap);

/* ---- identity ---- */

/* A private key with its self-signed certificate (ECDSA P-256). */
typedef struct PunktfunkIdentity PunktfunkIdentity;

/** Loads `path` (PEM: key and certificate), or creates it with mode 0600 when
 * it does not exist; path NULL = an identity of this process only. EACCES, EIO...,
 * with words in `why` (may be NULL). Free it with punktfunk_identity_free. Any thread. */
PUNKTFUNK_API int32_t punktfunk_identity_open(
	const char *path, PunktfunkIdentity **out, PunktfunkReason *why);
/** Gives an identity back; connections and listeners that use it keep it alive. NULL is
 * fine. Any thread. */
PUNKTFUNK_API void punktfunk_identity_free(PunktfunkIdentity *id);
/** SHA-256 of the certificate's DER: what the other side pins. Any thread. */
PUNKTFUNK_API void punktfunk_identity_fingerprint(const PunktfunkIdentity *id, uint8_t out[32]);

/* ---- statistics ---- */

/* Counters since the start of a session; both ends fill what they know. */
typedef struct PunktfunkStats {
	uint32_t struct_size;
	uint32_t reserved;
	uint64_t frames;	    /* submitted (host) or delivered (client) */
	uint64_t frames_dropped;    /* host: refused by the full ring; client: lost */
	uint64_t frames_repaired;   /* client: completed with the help of parity */
	uint64_t packets;	    /* sent or accepted, parity included */
	uint64_t packets_parity;    /* of these, parity */
	uint64_t bytes;		    /* UDP payload bytes */
	uint64_t shards_recovered;  /* client: data shards rebuilt from parity */
	uint64_t shards_late;	    /* client: rebuilt, then arrived after all */
	uint64_t packets_duplicate; /* client: seen before (replay window or shard) */
	uint64_t packets_forged;    /* client: did not authenticate */
	uint64_t packets_invalid;   /* client: header out of bounds or inconsistent */
	uint64_t send_errors;	    /* host: datagrams the kernel refused */
	uint64_t in_flight_bytes;   /* client: memory of unfinished frames now */
	uint32_t loss_ppm;	    /* newest loss estimate */
	uint32_t fec_percent;	    /* host: parity of the newest frame, rounded up */
	uint32_t delivered_kbps;    /* client: access units of the newest 750 ms */
	uint32_t rate_target_kbps;  /* client: what rate control has in force; 0 = it is off */
	uint32_t rate_ceiling_kbps; /* client: and the most it would ask for */
	/* client: mean of the newest 750 ms from the host's capture to a complete frame,
	 * by the newest offset of the clocks; 0 = not known */
	uint32_t latency_us;
	uint64_t frames_withheld; /* client: not handed out, by SKIP_HELD */
	uint64_t audio_frames;	  /* client: frames of sound in order */
	uint64_t audio_recovered; /* client: of these, by the copy that came with the next */
	uint64_t audio_lost;	  /* client: neither came */
	uint64_t audio_late;	  /* client: duplicates and older ones, dropped */
	uint64_t mic_packets;	  /* client: of the microphone, sent */
	/* client: frames whole more than 2.5 intervals behind the one before, pauses of
	 * the source not counted: one lost frame is no stall, two are */
	uint64_t stalls;
	uint64_t packets_read; /* client: datagrams of the data plane, whatever was in them */
	uint64_t read_wakeups; /* client: times that its thread woke to read them */
	/* client: what the kernel handed over: a datagram, or a train that it coalesced */
	uint64_t read_messages;
	uint64_t path_lost;   /* client: packets lost on the way, by their sealed numbers */
	uint64_t path_bursts; /* client: runs that they were lost in */
	/* client: 99 of 100 frames of the last 8 s came no later behind the one before,
	 * pauses of the source not counted; 0 = not known */
	uint32_t gap_p99_us;
	uint32_t path_loss_ppm;	  /* client: packets lost on the way in the last seconds */
	uint32_t path_burst_x100; /* client: and the mean length of a run x 100; 0 = none */
	uint32_t reserved2;
} PunktfunkStats;

/* What the other end said and we do not act on: newer than we are, malformed, or of no
 * use to us. Harmless, but worth a look when something is amiss. */
typedef struct PunktfunkIgnored {
	uint32_t struct_size;
	uint8_t datagram; /* 0 = a control message, 1 = a datagram */
	uint8_t number;	  /* its type or tag */
	uint16_t reserved;
	uint64_t count;
	char name[32]; /* "host-facts", or "control-5d" when we know none */
} PunktfunkIgnored;

/* ---- frames ---- */

/* user_flags of a frame (punktfunk1.md 10.3). */
enum PunktfunkFrameFlags {
	PUNKTFUNK_FRAME_VIDEO = 0x01,
	PUNKTFUNK_FRAME_IDR = 0x04,
	PUNKTFUNK_FRAME_RECOVERY_POINT = 0x10,
	PUNKTFUNK_FRAME_RECOVERY_ANCHOR = 0x20,
	/* Not of the wire: something before this frame is missing. Decode it, but
	 * keep showing the last good picture. */
	PUNKTFUNK_FRAME_HOLD = 0x40000000,
};

/* One access unit as it arrived. */
typedef struct PunktfunkFrame {
	uint32_t struct_size;
	uint32_t frame_index; /* from 0, wraps */
	const uint8_t *data;  /* borrowed until the next call for a frame */
	size_t size;
	uint64_t pts_unix_ns;	    /* the host's capture time on the host's clock */
	uint64_t first_unix_ns;	    /* first packet's arrival, this machine's clock */
	uint64_t completed_unix_ns; /* last needed packet's arrival and recovery done */
	uint32_t flags;		    /* PUNKTFUNK_FRAME_... */
	uint32_t shards_recovered;  /* data shards rebuilt from parity */
} PunktfunkFrame;

/* ---- input ---- */

/* punktfunk1.md 9: kind 0..15 with code, x, y, flags as on the wire. */
enum PunktfunkInputKind {
	PUNKTFUNK_INPUT_KEY_DOWN = 0,
	PUNKTFUNK_INPUT_KEY_UP = 1,
	PUNKTFUNK_INPUT_MOUSE_RELATIVE = 2,
	PUNKTFUNK_INPUT_MOUSE_ABSOLUTE = 3,
	PUNKTFUNK_INPUT_BUTTON_DOWN = 4,
	PUNKTFUNK_INPUT_BUTTON_UP = 5,
	PUNKTFUNK_INPUT_SCROLL = 6,
	/* Fingers on the picture: code = the finger's number, free again once it is up;
	 * x, y, flags as for an absolute move. */
	PUNKTFUNK_INPUT_TOUCH_DOWN = 9,
	PUNKTFUNK_INPUT_TOUCH_MOVE = 10,
	PUNKTFUNK_INPUT_TOUCH_UP = 11,
	PUNKTFUNK_INPUT_TEXT = 15,
};

/* One input event, in the numbers of punktfunk1.md 9. */
typedef struct PunktfunkInputEvent {
	uint32_t struct_size;
	uint8_t kind; /* PUNKTFUNK_INPUT_... */
	uint8_t reserved[3];
	uint32_t code;
	int32_t x, y;
	uint32_t flags;
} PunktfunkInputEvent;

/* ---- raw session: the data plane alone, over a socket of the caller's ---- */

typedef struct PunktfunkSession PunktfunkSession;

/* Comes on a thread of the library's; the event is borrowed for the call. No call on the
 * same session in it. */
typedef void (*PunktfunkInputCallback)(void *user, const PunktfunkInputEvent *event);

enum PunktfunkRole {
	PUNKTFUNK_ROLE_HOST = 0,
	PUNKTFUNK_ROLE_CLIENT = 1,
};

enum PunktfunkCipher {
	PUNKTFUNK_CIPHER_AES128_GCM = 0,
	PUNKTFUNK_CIPHER_CHACHA20_POLY1305 = 1,
};

#define PUNKTFUNK_FEC_ADAPTIVE 0xff

/* One end of a data plane. What a Welcome would agree on, both ends here hold alike. */
typedef struct PunktfunkSessionConfig {
	uint32_t struct_size;
	uint8_t role;	     /* PUNKTFUNK_ROLE_... */
	uint8_t cipher;	     /* PUNKTFUNK_CIPHER_... */
	uint8_t fec_percent; /* 0..90 pinned, or PUNKTFUNK_FEC_ADAPTIVE: as against 2 % loss,
				since a raw session hears no loss reports */
	uint8_t reserved;
	uint8_t key[32]; /* 16 bytes for AES */
	uint8_t salt[4];
	uint16_t shard_payload;	     /* even, 512..9152; 0 = 1408 */
	uint16_t max_data_per_block; /* 0 = 4096 */
	uint32_t max_frame_bytes;    /* 0 = four mean frames, 8..64 MiB */
	uint32_t bitrate_kbps;	     /* host: paces by it; 0 = 20000 */
	uint32_t refresh_hz;	     /* 0 = 60 */
	int32_t socket_fd;	     /* a connected UDP socket; the session duplicates it */
} PunktfunkSessionConfig;

/** Starts the send thread (host) or the receive thread (client). EINVAL with words in
 * `why` (may be NULL) for what the config cannot mean, ENOMEM, EIO. Any thread. */
PUNKTFUNK_API int32_t punktfunk_session_new(
	const PunktfunkSessionConfig *config, PunktfunkSession **out, PunktfunkReason *why);
/** Stops the thread and frees everything, frames that were handed out too. No other
 * thread may be inside a call on `session`. NULL is fine. */
PUNKTFUNK_API void punktfunk_session_free(PunktfunkSession *session);
/** Host: copies one access unit into the send ring and returns. EBUSY when the
 * ring is full (the frame is dropped and counted), EMSGSIZE above
 * max_frame_bytes. `pts_unix_ns` is the capture time. */
PUNKTFUNK_API int32_t punktfunk_host_submit_frame(PunktfunkSession *session, const uint8_t *data,
	size_t size, uint64_t pts_unix_ns, uint32_t flags);
/** Client: waits up to `timeout_ms` for the next complete frame; 0 or EAGAIN. Its data
 * is borrowed until the next call. */
PUNKTFUNK_API int32_t punktfunk_client_poll_frame(
	PunktfunkSession *session, PunktfunkFrame *out, uint32_t timeout_ms);
/** Client: sends one input event, sealed, over the same socket. What the link drops is
 * gone. EINVAL for an unknown kind and at a host, EIO. Any thread. */
PUNKTFUNK_API int32_t punktfunk_session_send_input(
	PunktfunkSession *session, const PunktfunkInputEvent *event);
/** Host: has `fn` hear the client's input from now on, until the session is freed. EBUSY
 * the second time, EINVAL at a client. */
PUNKTFUNK_API int32_t punktfunk_set_input_callback(
	PunktfunkSession *session, PunktfunkInputCallback fn, void *user);
/** Counters so far. Any thread. */
PUNKTFUNK_API int32_t punktfunk_session_stats(PunktfunkSession *session, PunktfunkStats *out);

/* ---- discovery: hosts of the local network ---- */

enum PunktfunkPairing {
	PUNKTFUNK_PAIRING_UNKNOWN = 0,
	PUNKTFUNK_PAIRING_OPTIONAL = 1,
	PUNKTFUNK_PAIRING_REQUIRED = 2,
};

/* One host, as mDNS has it: a hint that anybody in the network can forge. Show it and
 * dial it, but demand the fingerprint that pairing proved, never this one. */
typedef struct PunktfunkFoundHost {
	uint32_t struct_size;
	uint16_t port;
	uint16_t mgmt_port; /* 0 = not said */
	uint8_t has_fingerprint;
	uint8_t pairing;       /* PUNKTFUNK_PAIRING_... */
	uint8_t address_count; /* 0 = the host is gone */
	uint8_t reserved;
	uint8_t fingerprint[32]; /* SHA-256 of its certificate */
	char name[64];		 /* to show; control characters are replaced */
	char id[64];		 /* "" = not said */
	char proto[32];		 /* "punktfunk/1" */
	char os[128];		 /* "linux/debian/ubuntu"; "" = not said */
	char macs[160];		 /* to wake it: "aa:bb:cc:dd:ee:ff,..."; the best first */
	/* To dial, in this order: IPv4, IPv6, link-local IPv6 with its interface. */
	char addresses[8][64];
} PunktfunkFoundHost;

/* Anything but 0 ends the search. `host` is borrowed for the call. */
typedef int32_t (*PunktfunkFoundCallback)(void *user, const PunktfunkFoundHost *host);

/** Asks the local network for hosts and listens for `timeout_ms` (0 = 2000). `fn` comes
 * on this thread, with each host once it is complete, again when something about it
 * changed, and with address_count 0 when it has gone. The same id, fingerprint and
 * port are one host, with the addresses of all its interfaces. Returns how many are there at
 * the end; EHOSTUNREACH without a network, EIO, ENOMEM. Any thread. */
PUNKTFUNK_API int32_t punktfunk_discover(
	uint32_t timeout_ms, PunktfunkFoundCallback fn, void *user, PunktfunkReason *why);

/* ---- pairing: a client becomes known to a host ---- */

/* The PIN ceremony: with whom, as who, by which PIN. */
typedef struct PunktfunkPairOptions {
	uint32_t struct_size;
	uint16_t port; /* 0 = 9777 */
	uint16_t reserved;
	const char *host;		   /* name or address */
	const PunktfunkIdentity *identity; /* the one to connect with from now on */
	const char *pin;		   /* 1 to 16 digits, as the host shows them */
	const char *name;		   /* label kept at the host; NULL = host name */
	uint32_t timeout_ms;		   /* 0 = 10000 */
} PunktfunkPairOptions;

/** Runs the PIN ceremony with a host that shows a PIN. On success the host knows the
 * identity, and `host_fingerprint` is the host's, proven by the PIN: keep it and
 * demand it with every connect. EACCES when the PIN is wrong (the host then needs a
 * new one: it takes one guess) or the host refuses, with the close code in `why`.
 * Blocks up to timeout_ms. Any thread. */
PUNKTFUNK_API int32_t punktfunk_pair(
	const PunktfunkPairOptions *options, uint8_t host_fingerprint[32], PunktfunkReason *why);

/* ---- connection: a client of a punktfunk/1 host ---- */

typedef struct PunktfunkConnection PunktfunkConnection;

enum PunktfunkCodec {
	PUNKTFUNK_CODEC_H264 = 1,
	PUNKTFUNK_CODEC_HEVC = 2,
	PUNKTFUNK_CODEC_AV1 = 4,
};

enum PunktfunkConnectFlags {
	/* Frames that cannot be shown (PUNKTFUNK_FRAME_HOLD) are not handed out: after a
	 * loss the next one is an IDR or a recovery anchor. Where the host refreshes in
	 * waves instead, those of the wave that ends the freeze come, with HOLD. */
	PUNKTFUNK_CONNECT_SKIP_HELD = 1,
	/* On a link with jitter a frame waits, one frame interval at most, so that
	 * frames come evenly. */
	PUNKTFUNK_CONNECT_EVEN_OUT = 2,
	/* We draw the pointer: the host leaves it out of the picture, if it can (host_caps
	 * 8), and tells CURSOR_SHAPE and CURSOR_STATE instead. */
	PUNKTFUNK_CONNECT_CURSOR = 0x1000,
	/* 10 bits and HDR are welcome; the host decides, bit_depth and color_transfer tell. */
	PUNKTFUNK_CONNECT_HDR = 0x2000,
	/* Sound is to come without copies of what came before: it takes half the rate and
	 * nothing mends a loss. */
	PUNKTFUNK_CONNECT_NO_AUDIO_COPIES = 0x100,
};

/* Where to, as who, and what is wished for. The call copies what it points to. */
typedef struct PunktfunkConnectOptions {
	uint32_t struct_size;
	uint16_t port;			   /* 0 = 9777 */
	uint16_t max_shard_payload;	   /* 0 = 9152 */
	const char *host;		   /* name or address */
	const PunktfunkIdentity *identity; /* NULL = connect without a certificate */
	const uint8_t *host_fingerprint;   /* 32 bytes to demand; NULL = accept and report */
	const char *name;		   /* label shown at the host; NULL = host name */
	const char *launch;		   /* library id or NULL */
	uint32_t width, height, refresh_hz;
	/* 0 = automatic: the host's default, then what link, host and decoder allow;
	 * a capacity probe runs two seconds into the session. Else it is kept. */
	uint32_t bitrate_kbps;
	uint8_t video_codecs; /* PUNKTFUNK_CODEC_... set; 0 = H.264 */
	uint8_t preferred_codec;
	uint8_t audio_channels; /* 2, 6, 8; 0 = 2 */
	uint8_t compositor;	/* punktfunk1.md 5; 0 = the host's choice */
	uint32_t timeout_ms;	/* whole connect; 0 = 10000 */
	uint32_t flags;		/* PUNKTFUNK_CONNECT_... */
	uint32_t reserved;
	uint8_t gamepad; /* PUNKTFUNK_GAMEPAD_...: of pads that name no kind */
	uint8_t reserved_gamepad[7];
} PunktfunkConnectOptions;

enum PunktfunkGrant {
	PUNKTFUNK_GRANT_GAMEPAD = 1,
	PUNKTFUNK_GRANT_POINTER = 2,
	PUNKTFUNK_GRANT_KEYBOARD = 4,
	PUNKTFUNK_GRANT_CLIPBOARD = 8,
	PUNKTFUNK_GRANT_MICROPHONE = 16,
	PUNKTFUNK_GRANT_LAUNCH = 32,
	/* Not of the wire, alone: none of these, where a plain 0 stands for all. */
	PUNKTFUNK_GRANT_NONE = 0x40000000,
};

/* What was agreed, and how the clocks stand. */
typedef struct PunktfunkConnectionInfo {
	uint32_t struct_size;
	uint32_t width, height, refresh_hz; /* the mode in force */
	uint32_t bitrate_kbps;
	uint8_t codec; /* one PUNKTFUNK_CODEC_... */
	uint8_t bit_depth;
	uint8_t chroma_format_idc;
	uint8_t audio_channels;
	uint8_t color_primaries, color_transfer, color_matrix, color_full_range;
	uint8_t fec_percent;
	uint8_t cipher;
	uint8_t compositor;
	uint8_t host_caps;
	uint16_t data_port;
	uint16_t shard_payload;
	int64_t clock_offset_ns; /* host's clock minus ours; better in a moment, follows drift */
	uint64_t rtt_ns;	 /* smallest round trip seen */
	uint8_t host_fingerprint[32];
	uint32_t grants;       /* PUNKTFUNK_GRANT_... set: what the host lets us do */
	uint32_t expires_in_s; /* when this was last heard; 0 = never */
	uint8_t gamepad;       /* PUNKTFUNK_GAMEPAD_... that a pad without a kind becomes */
	uint8_t reserved_gamepad[7];
} PunktfunkConnectionInfo;

/* host_caps of a connection (punktfunk1.md 5), as far as clients act on them. */
enum PunktfunkHostCap {
	/* Each frame of sound comes with a copy of the one before. */
	PUNKTFUNK_HOST_CAP_AUDIO_REDUNDANCY = 0x20,
};

enum PunktfunkAudioFlags {
	PUNKTFUNK_AUDIO_RECOVERED = 1, /* from the copy that came with the next frame */
};

/* One audio packet: an Opus frame of 5 ms, in order. Stereo is a plain Opus stream. Six and eight
 * channels are multistream: 4 streams of which 2 are coupled, 5 of which 3 are; channel i
 * of FL FR FC LFE RL RR SL SR is output i of the decoder (mapping 0, 1, 2...). */
typedef struct PunktfunkAudio {
	uint32_t struct_size;
	uint32_t seq;
	const uint8_t *data; /* borrowed until the next call for audio */
	size_t size;
	uint64_t pts_unix_ns;
	uint32_t lost;	/* frames missing right before this one: conceal up to ten, 50 ms */
	uint32_t flags; /* PUNKTFUNK_AUDIO_... */
} PunktfunkAudio;

enum PunktfunkEventType {
	PUNKTFUNK_EVENT_HOST_TIMING = 1, /* value = frame pts; a..d below */
	PUNKTFUNK_EVENT_MODE = 2,	 /* a, b, c = width, height, refresh */
	PUNKTFUNK_EVENT_BITRATE = 3,	 /* a = kbps */
	/* A pad's motors from now on, until the next of these: the library ends what the
	 * host does not renew. a = pad, b = low, c = high, d = left trigger << 16 | right. */
	PUNKTFUNK_EVENT_RUMBLE = 4,
	PUNKTFUNK_EVENT_CLOSED = 5, /* a = close code, 0xffffffff = lost */
	PUNKTFUNK_EVENT_GAP = 6,    /* the host rebuilt its pipeline; a = ms without frames */
	/* Access changed or soon ends: a = grants, b = seconds left, 0 = for ever. */
	PUNKTFUNK_EVENT_ACCESS = 7,
	PUNKTFUNK_EVENT_PAD_LIGHT = 8,	  /* a = pad, b = 0xRRGGBB */
	PUNKTFUNK_EVENT_PAD_PLAYER = 9,	  /* a = pad, b = its player lights, 5 bits */
	PUNKTFUNK_EVENT_PAD_TRIGGER = 10, /* a = pad, b = 0 L2 1 R2; data = DualSense effect */
	PUNKTFUNK_EVENT_PAD_REPORT = 11,  /* a = pad, b = 0 output 1 feature; data = HID report */
	/* Answer to punktfunk_clip_control, or a change: a = enabled, b = policy (1 = text
	 * and images), c = a PunktfunkClipReason. */
	PUNKTFUNK_EVENT_CLIP_STATE = 20,
	/* The host's clipboard changed: a = seq, b = formats; see punktfunk_clip_offered. */
	PUNKTFUNK_EVENT_CLIP_OFFER = 21,
	/* The host wants ours: a = request, b = seq, text = format; punktfunk_clip_serve. */
	PUNKTFUNK_EVENT_CLIP_REQUEST = 22,
	/* A picture of the pointer: a = serial, b = width | height << 16, c = hot spot's x |
	 * y << 16; punktfunk_cursor_shape has it. */
	PUNKTFUNK_EVENT_CURSOR_SHAPE = 23,
	/* The pointer changed or moved: a = serial of its shape (one that is not known: keep
	 * the old one), b = PunktfunkCursorFlags, c, d = x, y of its hot spot in pixels of
	 * the host's output, as int32_t. */
	PUNKTFUNK_EVENT_CURSOR_STATE = 24,
	/* How an HDR picture is meant is known or changed: punktfunk_hdr_metadata. */
	PUNKTFUNK_EVENT_HDR = 25,
};

/* Something that happened; what a..d, value and text mean stands at its type. */
typedef struct PunktfunkEvent {
	uint32_t struct_size;
	uint32_t type; /* PUNKTFUNK_EVENT_... */
	uint64_t value;
	uint32_t a, b, c, d; /* timing: host_us, queue_us, encode_us, pace_us */
	char text[128];	     /* closed: the reason */
	uint32_t data_size;  /* of data */
	uint8_t data[64];
	uint32_t reserved;
} PunktfunkEvent;

/* ---- gamepads and pens ----
 *
 * Their input travels on a link that loses packets. The caller says what changed; the
 * library numbers it and says it again: all pads that are there and a pen in range
 * every 100 ms, arrivals and removals twice more. At most 16 pads. */

enum PunktfunkGamepad {
	PUNKTFUNK_GAMEPAD_AUTO = 0,
	PUNKTFUNK_GAMEPAD_XBOX_360 = 1,
	PUNKTFUNK_GAMEPAD_DUALSENSE = 2,
	PUNKTFUNK_GAMEPAD_XBOX_ONE = 3,
	PUNKTFUNK_GAMEPAD_DUALSHOCK4 = 4,
	PUNKTFUNK_GAMEPAD_STEAM_CONTROLLER = 5,
	PUNKTFUNK_GAMEPAD_STEAM_DECK = 6,
	PUNKTFUNK_GAMEPAD_DUALSENSE_EDGE = 7,
	PUNKTFUNK_GAMEPAD_SWITCH_PRO = 8,
	PUNKTFUNK_GAMEPAD_XBOX_ELITE = 11,
};

enum PunktfunkPadButton {
	PUNKTFUNK_PAD_UP = 0x0001,
	PUNKTFUNK_PAD_DOWN = 0x0002,
	PUNKTFUNK_PAD_LEFT = 0x0004,
	PUNKTFUNK_PAD_RIGHT = 0x0008,
	PUNKTFUNK_PAD_START = 0x0010,
	PUNKTFUNK_PAD_BACK = 0x0020,
	PUNKTFUNK_PAD_L3 = 0x0040,
	PUNKTFUNK_PAD_R3 = 0x0080,
	PUNKTFUNK_PAD_LB = 0x0100,
	PUNKTFUNK_PAD_RB = 0x0200,
	PUNKTFUNK_PAD_GUIDE = 0x0400,
	PUNKTFUNK_PAD_A = 0x1000,
	PUNKTFUNK_PAD_B = 0x2000,
	PUNKTFUNK_PAD_X = 0x4000,
	PUNKTFUNK_PAD_Y = 0x8000,
	PUNKTFUNK_PAD_PADDLE1 = 0x010000, /* R4, L4, R5, L5 */
	PUNKTFUNK_PAD_PADDLE2 = 0x020000,
	PUNKTFUNK_PAD_PADDLE3 = 0x040000,
	PUNKTFUNK_PAD_PADDLE4 = 0x080000,
	PUNKTFUNK_PAD_TOUCHPAD = 0x100000, /* the surface is pressed */
	PUNKTFUNK_PAD_MISC = 0x200000,	   /* share, capture, microphone */
};

/* All of a pad but its touch surfaces and sensors. */
typedef struct PunktfunkPadState {
	uint32_t struct_size;
	uint8_t pad;			     /* 0-15 */
	uint8_t left_trigger, right_trigger; /* 255 = pulled */
	uint8_t reserved;
	uint32_t buttons;	/* PUNKTFUNK_PAD_... set */
	int16_t lx, ly, rx, ry; /* sticks; y positive = up */
} PunktfunkPadState;

enum PunktfunkPadTouchState {
	PUNKTFUNK_PAD_TOUCH_DOWN = 1,  /* the finger is on the surface */
	PUNKTFUNK_PAD_TOUCH_CLICK = 2, /* the surface is pressed */
};

/* One finger on a pad's touch surface. */
typedef struct PunktfunkPadTouch {
	uint32_t struct_size;
	uint8_t pad;
	uint8_t surface;   /* 0 the only one, 1 left, 2 right */
	uint8_t finger;	   /* its number on this surface */
	uint8_t state;	   /* PUNKTFUNK_PAD_TOUCH_... set; 0 = lifted */
	uint16_t x, y;	   /* 0-65535 of the surface, from the top left */
	uint16_t pressure; /* 0 = the surface does not feel it */
	uint16_t reserved;
} PunktfunkPadTouch;

/* A pad's sensors. Axes: right, up, towards the player. */
typedef struct PunktfunkPadMotion {
	uint32_t struct_size;
	uint8_t pad;
	uint8_t reserved[3];
	float gyro_deg_s[3]; /* pitch, yaw, roll */
	float accel_g[3];    /* at rest 0, 1, 0 */
} PunktfunkPadMotion;

enum PunktfunkPenState {
	PUNKTFUNK_PEN_IN_RANGE = 0x01,
	PUNKTFUNK_PEN_TOUCHING = 0x02,
	PUNKTFUNK_PEN_BARREL1 = 0x04,
	PUNKTFUNK_PEN_BARREL2 = 0x08,
	PUNKTFUNK_PEN_PREDICTED = 0x80, /* the device's guess: hosts of today ignore it */
};

enum PunktfunkPenTool {
	PUNKTFUNK_PEN_TOOL_PEN = 0,
	PUNKTFUNK_PEN_TOOL_ERASER = 1,
};

/* All that a pen says at one time. */
typedef struct PunktfunkPenSample {
	uint32_t struct_size;
	uint8_t state; /* PUNKTFUNK_PEN_... set; 0 = out of range */
	uint8_t tool;  /* PUNKTFUNK_PEN_TOOL_... */
	uint8_t tilt;  /* 0-90 degrees from the normal, 0xff = unknown */
	uint8_t reserved;
	float x, y;	   /* 0-1 of the picture */
	uint16_t pressure; /* 65535 = all of it */
	uint16_t distance; /* 0-65534 while hovering, 0xffff = unknown */
	uint16_t azimuth;  /* 0-359 degrees, clockwise from north, 0xffff = unknown */
	uint16_t roll;	   /* the same */
	uint16_t dt_us;	   /* since the sample before; 0 for the first */
	uint16_t reserved2;
} PunktfunkPenSample;

#define PUNKTFUNK_PEN_SAMPLES 8 /* in one call */

/* What became of one frame in the decoder. */
enum PunktfunkDecodedFlags {
	PUNKTFUNK_DECODED_PICTURE = 1, /* a picture came out */
	PUNKTFUNK_DECODED_IDR = 2,     /* the decoder itself saw an IDR */
};

/* What a decoder says of one frame. */
typedef struct PunktfunkDecoded {
	uint32_t struct_size;
	uint32_t frame_index;
	uint32_t flags;	    /* PUNKTFUNK_DECODED_... */
	uint32_t decode_us; /* submitted to picture; 0 = not measured */
} PunktfunkDecoded;

/* What a speed test found. */
typedef struct PunktfunkSpeedTest {
	uint32_t struct_size;
	uint32_t kbps; /* that arrived, UDP payload */
	uint64_t bytes_sent, bytes_received;
	uint32_t packets_sent, packets_received;
	uint32_t packets_unsent; /* the host's own network took no more */
	uint32_t duration_ms;	 /* of the sending */
} PunktfunkSpeedTest;

/** Connects, agrees on a mode, measures the clock, opens the data plane. Blocks
 * up to timeout_ms. A host that does not know the identity may keep us waiting for a
 * person to approve it, up to three minutes: give it the time. On failure `why` (may be
 * NULL) says what to do: EACCES refused or another fingerprint, with the close code;
 * ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH, EPROTO, EINVAL, ENOMEM. End the connection with
 * punktfunk_connection_close. Any thread. */
PUNKTFUNK_API int32_t punktfunk_connect(
	const PunktfunkConnectOptions *options, PunktfunkConnection **out, PunktfunkReason *why);
/** What was agreed, in force now, and how the clocks stand. Any thread. */
PUNKTFUNK_API int32_t punktfunk_connection_info(
	PunktfunkConnection *conn, PunktfunkConnectionInfo *out);
/** A descriptor to poll: readable while a frame, sound or an event waits, and for ever
 * once the connection closed. Owned by the connection; never read from it. Any thread. */
PUNKTFUNK_API int32_t punktfunk_connection_fd(PunktfunkConnection *conn);
/** Next complete frame in delivery order, waiting up to `timeout_ms` (0 = not at all):
 * 0, EAGAIN, or EPIPE once closed. Its data is borrowed until the next call for a
 * frame. Frames, sound and events may be pulled by three different threads. */
PUNKTFUNK_API int32_t punktfunk_connection_next_frame(
	PunktfunkConnection *conn, PunktfunkFrame *out, uint32_t timeout_ms);
/** Next sound packet; 0, EAGAIN, EPIPE as for frames. A loss before it shows in `lost`. Its data is
 * borrowed until the next call for sound. The oldest give way when nobody pulls. */
PUNKTFUNK_API int32_t punktfunk_connection_next_audio(
	PunktfunkConnection *conn, PunktfunkAudio *out, uint32_t timeout_ms);
/** Next event; 0, EAGAIN, EPIPE as for frames, EPIPE after PUNKTFUNK_EVENT_CLOSED has
 * been handed out. Copied whole: nothing is borrowed. The oldest give way when nobody pulls. */
PUNKTFUNK_API int32_t punktfunk_connection_next_event(
	PunktfunkConnection *conn, PunktfunkEvent *out, uint32_t timeout_ms);
/** Sends one Opus packet of the microphone: 48 kHz, mono, 10 ms, VoIP mode at 48 kbit/s
 * with in-band FEC is what hosts expect. The packets of one microphone come one after
 * the other, a pause is a pause in calls; `pts_unix_ns` is when it was recorded, by this
 * machine's clock. The host plays it to programs only if its operator lets this client
 * (PUNKTFUNK_GRANT_MICROPHONE), and says nothing otherwise. EINVAL above 1275 bytes,
 * EPIPE. What the link drops is gone. Never waits. Any thread. */
PUNKTFUNK_API int32_t punktfunk_connection_send_mic(
	PunktfunkConnection *conn, const uint8_t *opus, size_t size, uint64_t pts_unix_ns);
/** Sends one input event as a datagram: what the link drops is gone, as is what overtakes
 * the last step of the handshake, right after connecting. EINVAL for a kind that is
 * unknown, EPIPE. Never waits. Any thread. */
PUNKTFUNK_API int32_t punktfunk_send_input(
	PunktfunkConnection *conn, const PunktfunkInputEvent *event);
/** A pad is there (0-15), of a PUNKTFUNK_GAMEPAD_... kind; say it before its first
 * state, or leave it out: then it is of the session's kind. Any thread. */
PUNKTFUNK_API int32_t punktfunk_pad_arrive(PunktfunkConnection *conn, uint32_t pad, uint32_t kind);
/** It is gone; what it held is let go. Any thread. */
PUNKTFUNK_API int32_t punktfunk_pad_remove(PunktfunkConnection *conn, uint32_t pad);
/** A pad's whole state, at each change; it may be called with the same again. The first
 * one makes the pad. Any thread. */
PUNKTFUNK_API int32_t punktfunk_send_pad(PunktfunkConnection *conn, const PunktfunkPadState *state);
/** One finger on a pad's surface. What is lost is not said again: the next one mends it.
 * Any thread. */
PUNKTFUNK_API int32_t punktfunk_send_pad_touch(
	PunktfunkConnection *conn, const PunktfunkPadTouch *touch);
/** One reading of the sensors; lost ones as above. EINVAL for values that are no
 * numbers. Any thread. */
PUNKTFUNK_API int32_t punktfunk_send_pad_motion(
	PunktfunkConnection *conn, const PunktfunkPadMotion *motion);
/** Up to PUNKTFUNK_PEN_SAMPLES samples, the oldest first, each struct_size of the first
 * one apart. ENOTSUP when the host takes no pen, EINVAL for places that are no numbers.
 * Any thread. */
PUNKTFUNK_API int32_t punktfunk_send_pen(
	PunktfunkConnection *conn, const PunktfunkPenSample *samples, uint32_t count);
/** Asks for an IDR; it comes as a frame. EPIPE, EAGAIN when too much waits to be
 * sent. Any thread. */
PUNKTFUNK_API int32_t punktfunk_request_keyframe(PunktfunkConnection *conn);
/** Asks for another bitrate; PUNKTFUNK_EVENT_BITRATE says what the host made of it.
 * Errors as above. Any thread. */
PUNKTFUNK_API int32_t punktfunk_request_bitrate(PunktfunkConnection *conn, uint32_t kbps);
/** Asks for another mode; PUNKTFUNK_EVENT_MODE names the one in force then, and the
 * first frame of a new one is an IDR. Errors as above. Any thread. */
PUNKTFUNK_API int32_t punktfunk_request_mode(
	PunktfunkConnection *conn, uint32_t width, uint32_t height, uint32_t refresh_hz);
/** Tells what the decoder made of a frame. Three in a row without a picture freeze
 * the picture (PUNKTFUNK_FRAME_HOLD) and ask for a keyframe; an IDR that only the
 * decoder saw ends a freeze; the times feed rate control. Optional. Any thread. */
PUNKTFUNK_API int32_t punktfunk_report_decoded(
	PunktfunkConnection *conn, const PunktfunkDecoded *decoded);
/** Has the host send filler at `kbps` (0 = 2 Gbit/s; at most 10) for `duration_ms`
 * (0 = 800; at most 5000) beside the picture, and counts what arrives. Blocks until
 * the result is there, at most 6 s longer. EBUSY within 10 s of the test before
 * (that of automatic bitrate counts, too), ENOTSUP when the host measures nothing,
 * ETIMEDOUT, EPIPE. Any thread. */
PUNKTFUNK_API int32_t punktfunk_speed_test(
	PunktfunkConnection *conn, uint32_t kbps, uint32_t duration_ms, PunktfunkSpeedTest *out);
/** Counters so far. Any thread. */
PUNKTFUNK_API int32_t punktfunk_connection_stats(PunktfunkConnection *conn, PunktfunkStats *out);

/* ---- clipboard ----
 *
 * Off until punktfunk_clip_control asks for it and the host's CLIP_STATE says it is
 * on. Offers name formats, of these: text/plain;charset=utf-8, text/html, text/rtf,
 * image/png, image/jpeg, image/gif. Data goes only to who asks for it, 64 MiB at
 * most, within 60 s. */

enum PunktfunkClipReason {
	PUNKTFUNK_CLIP_OK = 0,
	PUNKTFUNK_CLIP_NO_BACKEND = 1,
	PUNKTFUNK_CLIP_TAKEN_OVER = 2,
	PUNKTFUNK_CLIP_POLICY = 3, /* switched off at the host */
	PUNKTFUNK_CLIP_NO_FILES = 4,
	PUNKTFUNK_CLIP_NOT_PERMITTED = 5, /* this client may not */
};

#define PUNKTFUNK_CLIP_FORMATS 16

/* One format of an offer: a part of it, so it cannot grow. */
typedef struct PunktfunkClipFormat {
	char mime[136];	    /* at most 127 bytes, printable ASCII without spaces */
	uint64_t size_hint; /* 0 = not known */
} PunktfunkClipFormat;

/* What one side's clipboard holds, the best form first. */
typedef struct PunktfunkClipOffer {
	uint32_t struct_size;
	uint32_t seq;
	uint32_t count; /* 0 = nothing there */
	uint32_t reserved;
	PunktfunkClipFormat formats[PUNKTFUNK_CLIP_FORMATS];
} PunktfunkClipOffer;

/** Asks the host to share clipboards, or to stop; CLIP_STATE answers. Any thread, as
 * all of these. */
PUNKTFUNK_API int32_t punktfunk_clip_control(PunktfunkConnection *conn, int32_t enabled);
/** The host's newest offer. EAGAIN when there was none. */
PUNKTFUNK_API int32_t punktfunk_clip_offered(PunktfunkConnection *conn, PunktfunkClipOffer *out);
/** Fetches a format of the host's offer `seq`: blocks until it is there or
 * `timeout_ms` (0 = 60000) passed. `*data` is to be freed by punktfunk_clip_free.
 * EACCES denied, EINVAL stale or not offered, ENOTSUP its owner does not deliver,
 * EMSGSIZE, EBUSY (four at once), ETIMEDOUT, EPROTO, EPIPE. */
PUNKTFUNK_API int32_t punktfunk_clip_fetch(PunktfunkConnection *conn, uint32_t seq,
	const char *mime, uint32_t timeout_ms, uint8_t **data, size_t *size);
/** Frees what punktfunk_clip_fetch gave. NULL is fine. */
PUNKTFUNK_API void punktfunk_clip_free(uint8_t *data, size_t size);
/** Offers ours, in place of what we offered before; `offer->seq` is not looked at. A
 * count of 0 takes it back. EINVAL, EPIPE, EAGAIN. */
PUNKTFUNK_API int32_t punktfunk_clip_offer(
	PunktfunkConnection *conn, const PunktfunkClipOffer *offer);
/** Answers a CLIP_REQUEST with a copy of `data`, or, with NULL, says that there is
 * none any more. EINVAL when nobody waits for it, EMSGSIZE, ENOMEM. */
PUNKTFUNK_API int32_t punktfunk_clip_serve(
	PunktfunkConnection *conn, uint32_t request, const uint8_t *data, size_t size);

/* ---- pointer and HDR ---- */

enum PunktfunkCursorFlags {
	PUNKTFUNK_CURSOR_VISIBLE = 1,
	PUNKTFUNK_CURSOR_RELATIVE = 2, /* the program takes relative motion only */
};

#define PUNKTFUNK_CURSOR_BYTES_MAX (120 * 120 * 4)

/* A picture of the pointer, but for its pixels. */
typedef struct PunktfunkCursorShape {
	uint32_t struct_size;
	uint32_t serial;
	uint16_t width, height; /* at most 120 */
	uint16_t hot_x, hot_y;
} PunktfunkCursorShape;

/* Static metadata of an HDR picture, as SMPTE ST 2086 and CTA-861.3 have it. */
typedef struct PunktfunkHdrMetadata {
	uint32_t struct_size;
	uint16_t primaries[6]; /* G, B, R as x, y in 1/50000 */
	uint16_t white[2];
	uint32_t max_luminance, min_luminance; /* 0.0001 cd/m2 */
	uint16_t max_cll, max_fall;	       /* cd/m2 */
} PunktfunkHdrMetadata;

/** A shape that came: straight alpha, RGBA, rows without padding, into `rgba` unless
 * it is NULL. EAGAIN when it is not known (any more), EMSGSIZE. Any thread, as the
 * next three. */
PUNKTFUNK_API int32_t punktfunk_cursor_shape(PunktfunkConnection *conn, uint32_t serial,
	PunktfunkCursorShape *out, uint8_t *rgba, size_t size);
/** Who draws the pointer from now on, in a session with CONNECT_CURSOR. */
PUNKTFUNK_API int32_t punktfunk_cursor_render(PunktfunkConnection *conn, int32_t client_draws);
/** EAGAIN while the host has not told. */
PUNKTFUNK_API int32_t punktfunk_hdr_metadata(PunktfunkConnection *conn, PunktfunkHdrMetadata *out);
/** What was ignored so far, kind by kind: `index` counts from 0, EAGAIN ends. */
PUNKTFUNK_API int32_t punktfunk_connection_ignored(
	PunktfunkConnection *conn, uint32_t index, PunktfunkIgnored *out);

/** Closes with a code of PunktfunkCloseCode, waits briefly for it to leave, and
 * frees. No other thread may be inside a call on `conn`. NULL is fine. */
PUNKTFUNK_API void punktfunk_connection_close(PunktfunkConnection *conn, uint32_t close_code);

/* ---- listener: a host of punktfunk/1 ----
 *
 * The caller captures and encodes; the listener does the rest: QUIC, the PIN
 * ceremony, clock rounds, a data plane with a send thread for each client. What
 * clients do comes to one callback. `punktfunk_host_...` calls take a session, may
 * come from any thread, and answer EPIPE once its client is gone. */

typedef struct PunktfunkListener PunktfunkListener;
/* One client. Valid from its HELLO event until punktfunk_host_release. */
typedef struct PunktfunkHostSession PunktfunkHostSession;

enum PunktfunkHostEventType {
	/* A client asks to be let in: punktfunk_host_client says who and what for. Answer
	 * with punktfunk_host_accept or punktfunk_host_close, now or later (it waits,
	 * parked, as long as its person has patience), and release the session some time. */
	PUNKTFUNK_HOST_EVENT_HELLO = 1,
	PUNKTFUNK_HOST_EVENT_STARTED = 2,    /* video, sound and feedback may be pushed */
	PUNKTFUNK_HOST_EVENT_CLOSED = 3,     /* a = close code, 0xffffffff = lost; text. The last */
	PUNKTFUNK_HOST_EVENT_INPUT = 4,	     /* a, b, x, y, c = kind, code, x, y, flags */
	PUNKTFUNK_HOST_EVENT_RICH_INPUT = 5, /* data (punktfunk1.md 8.2), from the kind byte */
	PUNKTFUNK_HOST_EVENT_MICROPHONE = 6, /* data = an Opus frame; a = its number; value = pts */
	PUNKTFUNK_HOST_EVENT_KEYFRAME = 7,   /* the next frame should be an IDR */
	PUNKTFUNK_HOST_EVENT_FRAMES_LOST = 8, /* a..b = frame numbers; IDR or recovery anchor */
	PUNKTFUNK_HOST_EVENT_MODE = 9,	      /* a, b, c = width, height, refresh; answer it:
						 punktfunk_host_tell_mode */
	PUNKTFUNK_HOST_EVENT_BITRATE = 10,    /* a = kbps; answer: punktfunk_host_tell_bitrate */
	PUNKTFUNK_HOST_EVENT_PAIRED = 11,     /* a PIN was used: a = PUNKTFUNK_PAIR_...; fingerprint
						 and text = whose and its name. No session */
};

enum PunktfunkPairOutcome {
	PUNKTFUNK_PAIR_DONE = 0, /* keep the fingerprint: it may come in from now on */
	PUNKTFUNK_PAIR_WRONG_PIN = 1,
	PUNKTFUNK_PAIR_LEFT = 2, /* in the middle; the PIN is used up all the same */
};

/* Handed to the callback; borrowed for the call, as is what it points to. Its
 * struct_size is the library's. */
typedef struct PunktfunkHostEvent {
	uint32_t struct_size;
	uint32_t type;		       /* PUNKTFUNK_HOST_EVENT_... */
	PunktfunkHostSession *session; /* NULL for PAIRED */
	uint32_t a, b, c;
	int32_t x, y;
	uint32_t reserved;
	uint64_t value;
	const uint8_t *data;
	size_t size;
	uint8_t fingerprint[32];
	char text[272];
} PunktfunkHostEvent;

/* Comes on the library's thread and must not block. Every call but
 * punktfunk_listener_close and the release of an accepted session is fine in it. */
typedef void (*PunktfunkHostCallback)(void *user, const PunktfunkHostEvent *event);

/* Where to listen, as who, and whom to tell. The call copies what it points to. */
typedef struct PunktfunkListenOptions {
	uint32_t struct_size;
	uint16_t port;			   /* of QUIC; 0 = any, see punktfunk_listener_port */
	uint16_t data_port;		   /* of video; 0 = any, another for each session */
	const char *bind_address;	   /* NULL = every IPv4 address */
	const PunktfunkIdentity *identity; /* what clients pin; the listener keeps its own hold */
	PunktfunkHostCallback callback;
	void *user;
	uint32_t idle_ms;      /* a client is lost after this much silence; 0 = 8000 */
	uint32_t max_sessions; /* further clients are told that we are busy; 0 = 32 */
} PunktfunkListenOptions;

/* A PIN that lets one client in. */
typedef struct PunktfunkArming {
	uint32_t struct_size;
	uint32_t ttl_s;		    /* 0 = until it is used */
	const char *pin;	    /* 1 to 16 digits */
	const uint8_t *fingerprint; /* 32 bytes: for that client alone; NULL = for any */
} PunktfunkArming;

/* Who a client is and what it asked for; codes and bits as on the wire. */
typedef struct PunktfunkHostClient {
	uint32_t struct_size;
	uint32_t width, height, refresh_hz;
	uint32_t bitrate_kbps; /* 0 = automatic */
	uint8_t video_codecs;  /* PUNKTFUNK_CODEC_... set */
	uint8_t preferred_codec;
	uint8_t video_caps; /* punktfunk1.md 5, as the next */
	uint8_t client_caps;
	uint8_t audio_channels;
	uint8_t compositor;
	uint8_t gamepad;
	uint8_t has_certificate; /* 0 = the fingerprint says nothing */
	uint8_t fingerprint[32];
	char name[68];
	char launch[132]; /* library id, "" = none */
	char address[64]; /* numeric, with port */
} PunktfunkHostClient;

/* How a session streams. Zeros are good values where it says so. */
typedef struct PunktfunkAccept {
	uint32_t struct_size;
	uint32_t width, height, refresh_hz; /* each 0 = as asked */
	uint32_t bitrate_kbps;		    /* 0 = as asked, or 20000 */
	uint8_t codec;			    /* one PUNKTFUNK_CODEC_... of the client's */
	uint8_t bit_depth;		    /* 0 = 8 */
	uint8_t chroma_format_idc;	    /* 0 = 4:2:0 */
	uint8_t audio_channels;		    /* 0 = 2 */
	/* CICP numbers; all zero = BT.709, limited range */
	uint8_t color_primaries, color_transfer, color_matrix, color_full_range;
	uint8_t fec_percent; /* 0..90 pinned, or PUNKTFUNK_FEC_ADAPTIVE */
	uint8_t cipher;	     /* ChaCha20 only towards a client that has it, else AES */
	uint8_t compositor;  /* punktfunk1.md 5, as the next two */
	uint8_t gamepad;
	uint8_t host_caps;
	uint8_t reserved[3];
	uint32_t grants;       /* PUNKTFUNK_GRANT_... set, told to the client; 0 = all, or _NONE */
	uint32_t expires_in_s; /* told to the client; 0 = never */
	/* Cap of speed tests, the one of automatic bitrate included: 0 = the protocol's own,
	 * 10 Gbit/s; 0xffffffff = they are answered with nothing. */
	uint32_t speed_test_max_kbps;
} PunktfunkAccept;

/* One access unit and when it was made, monotonic ns; a time of 0 is not known. */
typedef struct PunktfunkAccessUnit {
	uint32_t struct_size;
	uint32_t flags; /* PUNKTFUNK_FRAME_IDR, _RECOVERY_POINT, _RECOVERY_ANCHOR */
	const uint8_t *data;
	size_t size;
	uint64_t capture_ns; /* picture complete; 0 = now */
	uint64_t encode_start_ns, encode_end_ns;
} PunktfunkAccessUnit;

enum PunktfunkFeedbackKind {
	PUNKTFUNK_FEEDBACK_RUMBLE = 1,	   /* pad, levels, seq, ttl_ms */
	PUNKTFUNK_FEEDBACK_HID_OUTPUT = 2, /* data (punktfunk1.md 8.3), from the kind byte */
};

/* Something for the client's pads. */
typedef struct PunktfunkFeedback {
	uint32_t struct_size;
	uint32_t kind; /* PUNKTFUNK_FEEDBACK_... */
	uint16_t pad, low, high, left_trigger, right_trigger;
	uint16_t ttl_ms; /* the client stops after it; 0 = stop now */
	uint8_t seq;	 /* one more for each rumble of this pad, wraps */
	uint8_t reserved[3];
	const uint8_t *data;
	size_t size;
} PunktfunkFeedback;

/** Starts to listen; clients come to the callback from then on, perhaps before this
 * returns. EINVAL, EADDRINUSE, EIO..., with words in `why` (may be NULL). */
PUNKTFUNK_API int32_t punktfunk_listen(
	const PunktfunkListenOptions *options, PunktfunkListener **out, PunktfunkReason *why);
/** UDP port in use. Any thread. */
PUNKTFUNK_API int32_t punktfunk_listener_port(const PunktfunkListener *listener);
/** Lets one client pair, in place of the PIN there was; `arming` NULL = no more.
 * EINVAL for a PIN that is not 1 to 16 digits. Any thread. */
PUNKTFUNK_API int32_t punktfunk_listener_arm(
	PunktfunkListener *listener, const PunktfunkArming *arming);
/** Ends every session with code 0 (their CLOSED events come before this returns), stops
 * the thread, frees. Sessions stay valid until released, before or after. NULL is fine. */
PUNKTFUNK_API void punktfunk_listener_close(PunktfunkListener *listener);

/** What the client of a HELLO asked for. EINVAL. */
PUNKTFUNK_API int32_t punktfunk_host_client(
	const PunktfunkHostSession *session, PunktfunkHostClient *out);
/** Lets it in: keys and ports are chosen and told. EINVAL, EBUSY when answered
 * before, EPIPE, EIO when the data socket does not open: then close the session. */
PUNKTFUNK_API int32_t punktfunk_host_accept(
	PunktfunkHostSession *session, const PunktfunkAccept *accept);
/** Copies one access unit into the send ring. EBUSY when it is full (the frame is
 * dropped and counted; the client will ask for recovery), EMSGSIZE. Never waits. */
PUNKTFUNK_API int32_t punktfunk_host_push_video(
	PunktfunkHostSession *session, const PunktfunkAccessUnit *unit);
/** Frames waiting in the send ring: skip a raw picture at 2, rather than drop an
 * encoded frame. 0 for NULL. */
PUNKTFUNK_API uint32_t punktfunk_host_queued(const PunktfunkHostSession *session);
/** Sends an Opus frame of 5 ms (48 kHz); `capture_ns` monotonic, 0 = now. EMSGSIZE. */
PUNKTFUNK_API int32_t punktfunk_host_push_audio(
	PunktfunkHostSession *session, const uint8_t *data, size_t size, uint64_t capture_ns);
/** Sends rumble or HID output; copied. Datagrams: what the link drops is
 * gone, repeat what must arrive. EINVAL. */
PUNKTFUNK_API int32_t punktfunk_host_push_feedback(
	PunktfunkHostSession *session, const PunktfunkFeedback *feedback);
/** Answers MODE: accepted (0 = no, and the mode is the one still in force) and the mode.
 * A mode that turns out otherwise is told again. The next frame is then an IDR. */
PUNKTFUNK_API int32_t punktfunk_host_tell_mode(PunktfunkHostSession *session, uint32_t accepted,
	uint32_t width, uint32_t height, uint32_t refresh_hz);
/** Answers BITRATE, or tells of another one; the sender paces by it from now on. */
PUNKTFUNK_API int32_t punktfunk_host_tell_bitrate(PunktfunkHostSession *session, uint32_t kbps);
/** Tells that no frame came for `gap_ms` because the pipeline was built anew. */
PUNKTFUNK_API int32_t punktfunk_host_tell_gap(PunktfunkHostSession *session, uint32_t gap_ms);
/** Tells of other grants, and of the seconds left (0 = for ever). */
PUNKTFUNK_API int32_t punktfunk_host_tell_access(
	PunktfunkHostSession *session, uint32_t grants, uint32_t remaining_s);
/** A new picture of the pointer, `size` = width * height * 4 bytes: straight alpha, RGBA,
 * rows without padding; for clients that draw it themselves. EINVAL. */
PUNKTFUNK_API int32_t punktfunk_host_tell_cursor_shape(PunktfunkHostSession *session,
	const PunktfunkCursorShape *shape, const uint8_t *rgba, size_t size);
/** Where the pointer is, with PunktfunkCursorFlags: once for each frame. */
PUNKTFUNK_API int32_t punktfunk_host_tell_cursor(
	PunktfunkHostSession *session, uint32_t serial, uint32_t flags, int32_t x, int32_t y);
/** How HDR pictures are meant: after STARTED, with each keyframe, and when it changes. */
PUNKTFUNK_API int32_t punktfunk_host_tell_hdr(
	PunktfunkHostSession *session, const PunktfunkHdrMetadata *metadata);
/** As punktfunk_connection_ignored, of what the client said. */
PUNKTFUNK_API int32_t punktfunk_host_ignored(
	PunktfunkHostSession *session, uint32_t index, PunktfunkIgnored *out);
/** Counters of the sender; zeros before STARTED. EINVAL. */
PUNKTFUNK_API int32_t punktfunk_host_session_stats(
	PunktfunkHostSession *session, PunktfunkStats *out);
/** Ends the session with a code of PunktfunkCloseCode; `text` (may be NULL) is cut to
 * 256 bytes. CLOSED follows. The session is still to be released. */
PUNKTFUNK_API void punktfunk_host_close(
	PunktfunkHostSession *session, uint32_t close_code, const char *text);
/** Gives the session back, after the last call of every thread; a live one ends with
 * code 0. May wait 100 ms for the send thread. NULL is fine. */
PUNKTFUNK_API void punktfunk_host_release(PunktfunkHostSession *session);

#ifdef __cplusplus
}
#endif
#endif
