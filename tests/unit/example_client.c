/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* docs/examples/client.c as a process of its own against a host made of the same
 * header: it pairs, then streams, and its file holds every byte that was sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "punktfunk_core.h"

#define FRAMES	  40
#define FRAME_MAX 30000

static const char *client_path;

struct host {
	PunktfunkIdentity *id;
	PunktfunkListener *l;
	char dir[64], port[8], identity[96], out[96], text[96], fingerprint[65];

	pthread_mutex_t lock;
	pthread_cond_t changed;
	PunktfunkHostSession *session;
	bool started, closed, known;
	unsigned inputs, keys;
	uint32_t close_code;
	uint8_t paired[32];
};

static void on_event(void *user, const PunktfunkHostEvent *e)
{
	PunktfunkHostClient who = { .struct_size = sizeof(who) };
	PunktfunkAccept accept = { .struct_size = sizeof(accept),
		.codec = PUNKTFUNK_CODEC_H264,
		.fec_percent = PUNKTFUNK_FEC_ADAPTIVE };
	struct host *h = user;

	pthread_mutex_lock(&h->lock);
	switch (e->type) {
	case PUNKTFUNK_HOST_EVENT_PAIRED:
		memcpy(h->paired, e->fingerprint, 32);
		break;
	case PUNKTFUNK_HOST_EVENT_HELLO:
		h->session = e->session;
		punktfunk_host_client(e->session, &who);
		h->known = who.has_certificate && !memcmp(who.fingerprint, h->paired, 32);
		if (!h->known || punktfunk_host_accept(e->session, &accept))
			punktfunk_host_close(e->session, PUNKTFUNK_CLOSE_DENIED, "not paired");
		break;
	case PUNKTFUNK_HOST_EVENT_STARTED:
		h->started = true;
		break;
	case PUNKTFUNK_HOST_EVENT_INPUT:
		h->inputs++;
		h->keys += e->a <= PUNKTFUNK_INPUT_KEY_UP && e->b == 0x20;
		break;
	case PUNKTFUNK_HOST_EVENT_CLOSED:
		h->closed = true;
		h->close_code = e->a;
		break;
	default:
		break;
	}
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static void wait_for(struct host *h, const bool *flag)
{
	pthread_mutex_lock(&h->lock);
	while (!*flag) /* the test's time limit is the patience */
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

/* Starts the example with these words behind its name. */
static pid_t start(struct host *h, const char *const words[])
{
	const char *argv[10] = { client_path };
	pid_t pid;

	for (unsigned i = 0; words[i]; i++)
		argv[i + 1] = words[i];
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (freopen(h->text, "w", stdout))
			execv(client_path, (char *const *)argv);
		_exit(127);
	}
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static size_t read_whole(const char *path, char *out, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, cap - 1, f);
	fclose(f);
	out[n] = 0;
	return n;
}

static size_t make_frame(unsigned number, uint8_t *out)
{
	uint32_t x = number * 2654435761u + 1;
	size_t size = 100 + x % (FRAME_MAX - 100);

	for (size_t i = 0; i < size; i++) {
		x = x * 1664525 + 1013904223;
		out[i] = (uint8_t)(x >> 24);
	}
	return size;
}

static int set_up(void **state)
{
	struct host *h = calloc(1, sizeof(*h));
	PunktfunkListenOptions o = { .struct_size = sizeof(o),
		.bind_address = "127.0.0.1",
		.callback = on_event,
		.user = h };
	uint8_t fp[32];

	assert_non_null(h);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
	strcpy(h->dir, "/tmp/pf-example-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	snprintf(h->identity, sizeof(h->identity), "%s/id.pem", h->dir);
	snprintf(h->out, sizeof(h->out), "%s/out.h264", h->dir);
	snprintf(h->text, sizeof(h->text), "%s/text", h->dir);
	assert_int_equal(punktfunk_identity_open(NULL, &h->id, NULL), 0);
	punktfunk_identity_fingerprint(h->id, fp);
	for (unsigned i = 0; i < 32; i++)
		sprintf(h->fingerprint + 2 * i, "%02x", fp[i]);
	o.identity = h->id;
	assert_int_equal(punktfunk_listen(&o, &h->l, NULL), 0);
	snprintf(h->port, sizeof(h->port), "%d", punktfunk_listener_port(h->l));
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct host *h = *state;

	punktfunk_listener_close(h->l);
	punktfunk_host_release(h->session);
	punktfunk_identity_free(h->id);
	unlink(h->identity);
	unlink(h->out);
	unlink(h->text);
	rmdir(h->dir);
	free(h);
	return 0;
}

static void pairs_and_streams(void **state)
{
	static uint8_t sent[FRAMES * FRAME_MAX], got[FRAMES * FRAME_MAX + 1];
	struct host *h = *state;
	const char *pair[] = { "pair", "127.0.0.1", h->port, h->identity, "4711", NULL };
	const char *stream[] = { "stream", "127.0.0.1", h->port, h->identity, h->fingerprint,
		h->out, "40", NULL };
	PunktfunkArming arming = { .struct_size = sizeof(arming), .pin = "4711" };
	size_t total = 0;
	char text[1024];
	pid_t pid;

	assert_int_equal(punktfunk_listener_arm(h->l, &arming), 0);
	assert_int_equal(status_of(start(h, pair)), 0);
	assert_int_equal(read_whole(h->text, text, sizeof(text)), 65);
	assert_memory_equal(text, h->fingerprint, 64);

	pid = start(h, stream);
	wait_for(h, &h->started);
	for (unsigned i = 0; i < FRAMES; i++) {
		PunktfunkAccessUnit au = { .struct_size = sizeof(au),
			.flags = i ? 0 : PUNKTFUNK_FRAME_IDR,
			.data = sent + total };
		int err;

		au.size = make_frame(i, sent + total);
		while ((err = punktfunk_host_push_video(h->session, &au)) == PUNKTFUNK_EBUSY)
			usleep(10000);
		assert_int_equal(err, 0);
		assert_int_equal(
			punktfunk_host_push_audio(h->session, (const uint8_t *)"opus", 4, 0), 0);
		total += au.size;
		usleep(10000);
	}
	assert_int_equal(status_of(pid), 0);
	wait_for(h, &h->closed);
	assert_int_equal(h->close_code, PUNKTFUNK_CLOSE_QUIT);
	assert_true(h->known);
	assert_int_equal(h->inputs, 3);
	assert_int_equal(h->keys, 2);
	assert_int_equal(read_whole(h->out, (char *)got, sizeof(got)), total);
	assert_memory_equal(got, sent, total);
	read_whole(h->text, text, sizeof(text));
	assert_non_null(strstr(text, "1280x720@60, 20000 kbit/s"));
	assert_non_null(strstr(text, "frames 40, lost 0"));
	assert_null(strstr(text, "sound packets 0;"));
}

static void says_why_it_cannot(void **state)
{
	struct host *h = *state;
	const char *strange[] = { "stream", "127.0.0.1", h->port, h->identity, h->fingerprint,
		h->out, "1", NULL };
	const char *pair[] = { "pair", "127.0.0.1", h->port, h->identity, "0000", NULL };
	const char *words[] = { "pair", NULL };

	assert_int_equal(status_of(start(h, strange)), 1); /* denied: not paired */
	assert_int_equal(status_of(start(h, pair)), 1);	   /* not armed */
	assert_int_equal(status_of(start(h, words)), 2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pairs_and_streams, set_up, tear_down),
		cmocka_unit_test_setup_teardown(says_why_it_cannot, set_up, tear_down),
	};

	if (argc != 2)
		return 2;
	client_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
