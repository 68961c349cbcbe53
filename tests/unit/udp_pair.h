/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* udp_pair.h - sockets on the loopback for the tests of core/net. */
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include "core/media/seal.h"
#include "core/net/udp.h"

static inline struct sockaddr_storage udp_loopback(uint16_t port)
{
	struct sockaddr_storage a = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a;

	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v4->sin_port = htons(port);
	return a;
}

/* Two sockets connected to each other. */
static inline void udp_pair(int fd[2])
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(pf_udp_open("127.0.0.1", 0, &fd[i]), 0);
	for (int i = 0; i < 2; i++) {
		struct sockaddr_storage a = udp_loopback(pf_udp_port(fd[!i]));

		assert_int_equal(pf_udp_connect(fd[i], &a), 0);
	}
}

static inline struct pf_media_keys udp_keys(void)
{
	struct pf_media_keys k = { .alg = PF_AEAD_AES128_GCM, .salt = { 0xff, 8, 7, 6 } };

	memset(k.key, 0x5a, sizeof(k.key));
	return k;
}
