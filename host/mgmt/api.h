/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api.h - the operations of the management API, free of HTTP.
 *
 * A call that passed the checks of mgmt.c goes in, status and JSON come out.
 * Control loop only. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "host/mgmt/mgmt.h"

#define PF_MGMT_BODY_BYTES 65536
/* A body that is announced as larger than this many times what its path takes is refused
 * unread: its sender may find the connection gone before it has read why. Up to here it is
 * read, dropped and then refused. */
#define PF_MGMT_BODY_SKIPPED 16

/* By what a request came in, weakest first. */
enum pf_mgmt_lane {
	PF_MGMT_LANE_OPEN,    /* by nothing */
	PF_MGMT_LANE_CLIENT,  /* the certificate of a paired native client: reads some things */
	PF_MGMT_LANE_BROWSER, /* the cookie of a log-in, changes with its CSRF token */
	PF_MGMT_LANE_ADMIN,   /* the token, from this machine */
};

struct pf_login;
struct pf_mgmt_answer;
struct pf_mgmt_stream;
struct pf_streams;

/* A call whose answer comes later, once, from the control loop. */
struct pf_mgmt_later {
	/* Takes over what the answer holds, and frees the later. */
	void (*done)(struct pf_mgmt_later *later, struct pf_mgmt_answer *a);
};

struct pf_mgmt_call {
	const char *method;
	const char *path; /* not unescaped */
	const char *body; /* may be NULL; gone when the call has returned */
	size_t body_len;
	const char *query;	  /* behind the ?, not unescaped; may be NULL */
	const char *content_type; /* may be NULL */
	const char *address;	  /* who asks, numeric; may be NULL */
	const char *last_event;	  /* the header Last-Event-ID; may be NULL */
	bool from_loopback;
	enum pf_mgmt_lane lane;
	const struct pf_login *login; /* of the lane BROWSER, else NULL */
	struct pf_mgmt *mgmt;	      /* NULL in tests of the operations alone */
	/* A new later, NULL when there can be none. May be NULL. */
	struct pf_mgmt_later *(*defer)(void *user);
	void *defer_user;
};

/* An answer without an end: server-sent events. Embed it. */
struct pf_mgmt_stream {
	/* HTTP thread: bytes for the client. 0 = none now, and read comes again after
	 * pf_mgmt_stream_wake; -1 ends the answer. */
	ssize_t (*read)(struct pf_mgmt_stream *s, char *buf, size_t cap);
	/* HTTP thread, once, when nothing reads it any more; frees it. Also from the
	 * control loop for an answer that was never sent. */
	void (*close)(struct pf_mgmt_stream *s);
	/* respond.c's own. */
	struct pf_streams *all;
	struct MHD_Connection *http;
	uint64_t login; /* with which it ends; 0 = none */
	struct pf_mgmt_stream *next, **link;
	bool asleep, woken;
};

struct pf_mgmt_answer {
	unsigned status;     /* of HTTP */
	struct json_t *body; /* NULL = none */
	const char *allow;   /* the methods of the path, for 405 */
	/* Instead of a body. */
	void *raw; /* of malloc */
	size_t raw_len;
	const char *content_type; /* static */
	struct pf_mgmt_stream *stream;
	bool later;		/* nothing yet */
	char cookie[160];	/* Set-Cookie, empty = none */
	unsigned retry_after_s; /* 0 = not said */
};

/** Leaves what the answer holds to the caller: pf_mgmt_answer_finish. */
void pf_mgmt_answer_call(
	struct pf_mgmt_answer *a, const struct pf_mgmt_params *p, const struct pf_mgmt_call *call);
/** { "error": { "code": ..., "message": ... } } */
void pf_mgmt_answer_error(struct pf_mgmt_answer *a, unsigned status, const char *message);
void pf_mgmt_answer_finish(struct pf_mgmt_answer *a);

/* The operations of one path; "*" stands for any part. A route is open to the lanes
 * ADMIN and BROWSER. */
struct pf_mgmt_op;
#define PF_MGMT_PARTS_MAX 5
struct pf_mgmt_route {
	const char *parts[PF_MGMT_PARTS_MAX]; /* behind /api/v1/ */
	unsigned count;			      /* 0 ends a table */
	const char *allow;		      /* the methods, for the header Allow */
	bool open;			      /* GET needs nothing */
	bool open_post;			      /* POST needs nothing */
	bool client;			      /* GET also in the lane CLIENT */
	bool raw_body;			      /* bodies are of any type and not parsed */
	bool at_root;			      /* the parts are those of the whole path */
	size_t body_max;		      /* 0 = PF_MGMT_BODY_BYTES */
	void (*get)(struct pf_mgmt_op *c);
	void (*post)(struct pf_mgmt_op *c);
	void (*put)(struct pf_mgmt_op *c);
	void (*patch)(struct pf_mgmt_op *c);
	void (*remove)(struct pf_mgmt_op *c);
};

/** The route of a path, NULL if there is none. Any thread. */
const struct pf_mgmt_route *pf_mgmt_route_find(const char *path);

/** Its read is called again, now or soon. Control loop, while it is not closed: who
 * wakes streams keeps a list that their close leaves, under a lock of its own, which
 * may be held here. */
void pf_mgmt_stream_wake(struct pf_mgmt_stream *s);
