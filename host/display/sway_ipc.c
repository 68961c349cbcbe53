/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/display/sway_ipc.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static const char magic[6] = { 'i', '3', '-', 'i', 'p', 'c' };

void pf_sway_header_build(uint8_t out[PF_SWAY_HEADER_BYTES], uint32_t type, uint32_t len)
{
	memcpy(out, magic, sizeof(magic));
	memcpy(out + 6, &len, 4);
	memcpy(out + 10, &type, 4);
}

int pf_sway_header_parse(const uint8_t in[PF_SWAY_HEADER_BYTES], uint32_t *type, uint32_t *len)
{
	uint32_t n, t;

	if (memcmp(in, magic, sizeof(magic)))
		return -EPROTO;
	memcpy(&n, in + 6, 4);
	memcpy(&t, in + 10, 4);
	if (n > PF_SWAY_REPLY_MAX)
		return -EMSGSIZE;
	*type = t;
	*len = n;
	return 0;
}

int pf_sway_reply_check(const char *json, size_t len, struct pf_reason *why)
{
	json_t *root = json_loadb(json, len, 0, NULL), *item;
	size_t i;
	int r = 0;

	if (!json_is_array(root) || !json_array_size(root))
		r = pf_reason_set(why, -EPROTO, "sway sent a reply that is none");
	json_array_foreach(root, i, item)
	{
		json_t *success = json_object_get(item, "success");
		const char *text = json_string_value(json_object_get(item, "error"));

		if (r)
			break;
		if (!json_is_boolean(success))
			r = pf_reason_set(why, -EPROTO, "sway sent a reply that is none");
		else if (!json_is_true(success))
			r = pf_reason_set(why, -EINVAL, "sway refused a command: %s",
				text ? text : "no reason given");
	}
	json_decref(root);
	return r;
}

int pf_sway_connect(
	const char *socket_path, unsigned timeout_ms, int *fd, pid_t *server, struct pf_reason *why)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = timeout_ms / 1000,
		.tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000 };
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int s, r;

	if (strlen(socket_path) >= sizeof(addr.sun_path))
		return pf_reason_set(
			why, -ENAMETOOLONG, "%s: longer than a socket path may be", socket_path);
	strcpy(addr.sun_path, socket_path);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s >= 0 && !setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) &&
		!setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) &&
		!connect(s, (struct sockaddr *)&addr, sizeof(addr)) &&
		!getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
		if (server)
			*server = cred.pid;
		*fd = s;
		return 0;
	}
	r = pf_reason_set(why, -errno, "cannot reach sway at %s: %s", socket_path, strerror(errno));
	if (s >= 0)
		close(s);
	return r;
}

static int send_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int recv_all(int fd, void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = recv(fd, p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return -EPIPE;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int pf_sway_command(int fd, const char *command, struct pf_reason *why)
{
	uint8_t header[PF_SWAY_HEADER_BYTES];
	uint32_t type, len;
	char *body = NULL;
	int r;

	pf_sway_header_build(header, PF_SWAY_RUN_COMMAND, (uint32_t)strlen(command));
	r = send_all(fd, header, sizeof(header));
	if (!r)
		r = send_all(fd, command, strlen(command));
	if (!r)
		r = recv_all(fd, header, sizeof(header));
	if (!r)
		r = pf_sway_header_parse(header, &type, &len);
	if (!r && type != PF_SWAY_RUN_COMMAND)
		r = -EPROTO;
	if (!r) {
		body = malloc(len ? len : 1);
		r = body ? recv_all(fd, body, len) : -ENOMEM;
	}
	if (r)
		pf_reason_set(why, r, "sway did not answer \"%s\": %s", command, strerror(-r));
	else
		r = pf_sway_reply_check(body, len, why);
	free(body);
	return r;
}
