/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/clip.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORDS	   (1 + 2 * PUNKTFUNK_CLIP_FORMATS)
#define DEFAULT_MS 10000
#define FILE_MAX   (64u << 20)

/* Splits at blanks; the number of words, 0 when there are too many. */
static unsigned split(const char *line, char *buf, size_t cap, char *words[WORDS])
{
	char *save = NULL;
	unsigned n = 0;

	snprintf(buf, cap, "%s", line);
	for (char *w = strtok_r(buf, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		if (n == WORDS)
			return 0;
		words[n++] = w;
	}
	return n;
}

static bool is_ms(const char *word)
{
	char *end;
	long ms = strtol(word, &end, 10);

	return !*end && ms > 0 && ms <= 600000;
}

bool pf_probe_clip_check(const char *line)
{
	char buf[512], *w[WORDS];
	unsigned n = split(line, buf, sizeof(buf), w);

	if (!n)
		return false;
	if (!strcmp(w[0], "on") || !strcmp(w[0], "off"))
		return n == 1;
	if (!strcmp(w[0], "offer"))
		return n % 2 == 1;
	return !strcmp(w[0], "fetch") && (n == 3 || (n == 4 && is_ms(w[3])));
}

void pf_probe_clip_init(struct pf_probe_clip *c)
{
	memset(c, 0, sizeof(*c));
	pthread_mutex_init(&c->lock, NULL);
	c->state[0] = c->state[1] = c->state[2] = -1;
}

/* Under the lock. */
static void forget_ours(struct pf_probe_clip *c)
{
	for (unsigned i = 0; i < c->count; i++)
		free(c->ours[i].data);
	c->count = 0;
}

void pf_probe_clip_finish(struct pf_probe_clip *c)
{
	forget_ours(c);
	pthread_mutex_destroy(&c->lock);
}

static int read_file(const char *path, uint8_t **data, size_t *size)
{
	FILE *f = fopen(path, "rbe");
	uint8_t *p = f ? malloc(FILE_MAX) : NULL;
	int err = 0;

	if (!f || !p) {
		err = f ? -ENOMEM : -errno;
		goto out;
	}
	*size = fread(p, 1, FILE_MAX, f);
	*data = realloc(p, *size ? *size : 1);
	if (*data)
		p = NULL;
	else
		err = -ENOMEM;
out:
	free(p);
	if (f)
		fclose(f);
	return err;
}

static void offer(struct pf_probe_clip *c, PunktfunkConnection *conn, char **w, unsigned n)
{
	PunktfunkClipOffer o = { .struct_size = sizeof(o) };
	int err = 0;

	pthread_mutex_lock(&c->lock);
	forget_ours(c);
	for (unsigned i = 0; i + 1 < n && !err; i += 2) {
		err = read_file(w[i + 1], &c->ours[c->count].data, &c->ours[c->count].size);
		if (err) {
			fprintf(stderr, "punktfunk-probe: %s: %s\n", w[i + 1], strerror(-err));
			break;
		}
		snprintf(c->ours[c->count].format, sizeof(c->ours[0].format), "%s", w[i]);
		snprintf(o.formats[c->count].mime, sizeof(o.formats[0].mime), "%s", w[i]);
		o.formats[c->count].size_hint = c->ours[c->count].size;
		o.count = ++c->count;
	}
	pthread_mutex_unlock(&c->lock);
	if (!err)
		err = punktfunk_clip_offer(conn, &o);
	if (err)
		fprintf(stderr, "punktfunk-probe: clip offer: %s\n", punktfunk_strerror(err));
}

/* The newest offer if it has the format. */
static bool find(PunktfunkConnection *conn, const char *format, uint32_t *seq)
{
	PunktfunkClipOffer o = { .struct_size = sizeof(o) };

	if (punktfunk_clip_offered(conn, &o))
		return false;
	*seq = o.seq;
	for (unsigned i = 0; i < o.count; i++)
		if (!strcmp(o.formats[i].mime, format))
			return true;
	return false;
}

static void fetch(struct pf_probe_clip *c, PunktfunkConnection *conn, const char *format,
	const char *path, uint32_t ms, const _Atomic bool *stop)
{
	uint8_t *data = NULL;
	size_t size = 0;
	uint32_t seq = 0;
	int32_t err = PUNKTFUNK_EAGAIN;

	for (uint32_t waited = 0; waited < ms && !atomic_load(stop); waited += 20) {
		if (find(conn, format, &seq)) {
			err = punktfunk_clip_fetch(conn, seq, format, ms, &data, &size);
			/* Stale: the next offer is on its way. */
			if (err != PUNKTFUNK_EINVAL)
				break;
		}
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	if (!err) {
		FILE *f = fopen(path, "wbe");
		bool bad = !f || fwrite(data, 1, size, f) != size;

		if (f)
			bad |= fclose(f) != 0;
		if (bad)
			err = PUNKTFUNK_EIO;
	}
	if (err)
		fprintf(stderr, "punktfunk-probe: clip fetch %s: %s\n", format,
			punktfunk_strerror(err));
	punktfunk_clip_free(data, size);
	pthread_mutex_lock(&c->lock);
	if (c->fetches < PF_PROBE_FETCHES) {
		c->fetched[c->fetches].error = err;
		c->fetched[c->fetches].size = size;
		c->fetches++;
	}
	pthread_mutex_unlock(&c->lock);
}

void pf_probe_clip_do(struct pf_probe_clip *c, PunktfunkConnection *conn, const char *line,
	const _Atomic bool *stop)
{
	char buf[512], *w[WORDS];
	unsigned n = split(line, buf, sizeof(buf), w);

	if (!n)
		return;
	if (!strcmp(w[0], "offer"))
		offer(c, conn, w + 1, n - 1);
	else if (!strcmp(w[0], "fetch"))
		fetch(c, conn, w[1], w[2], n == 4 ? (uint32_t)atoi(w[3]) : DEFAULT_MS, stop);
	else
		(void)punktfunk_clip_control(conn, !strcmp(w[0], "on"));
}

static void serve(struct pf_probe_clip *c, PunktfunkConnection *conn, const PunktfunkEvent *e)
{
	unsigned i = 0;
	int err;

	pthread_mutex_lock(&c->lock);
	while (i < c->count && strcmp(c->ours[i].format, e->text))
		i++;
	err = i < c->count ? punktfunk_clip_serve(conn, e->a, c->ours[i].data, c->ours[i].size)
			   : punktfunk_clip_serve(conn, e->a, NULL, 0);
	if (i < c->count && !err)
		c->served++;
	else
		c->refused++;
	pthread_mutex_unlock(&c->lock);
}

void pf_probe_clip_event(
	struct pf_probe_clip *c, PunktfunkConnection *conn, const PunktfunkEvent *e)
{
	if (e->type == PUNKTFUNK_EVENT_CLIP_REQUEST) {
		serve(c, conn, e);
		return;
	}
	pthread_mutex_lock(&c->lock);
	if (e->type == PUNKTFUNK_EVENT_CLIP_STATE) {
		c->state[0] = (int)e->a;
		c->state[1] = (int)e->b;
		c->state[2] = (int)e->c;
	} else if (e->type == PUNKTFUNK_EVENT_CLIP_OFFER) {
		c->offers++;
		c->theirs.struct_size = sizeof(c->theirs);
		(void)punktfunk_clip_offered(conn, &c->theirs);
	}
	pthread_mutex_unlock(&c->lock);
}

void pf_probe_clip_json(struct pf_probe_clip *c, FILE *out)
{
	pthread_mutex_lock(&c->lock);
	fprintf(out,
		"{\"enabled\": %d, \"policy\": %d, \"reason\": %d, \"offers\": %u, "
		"\"served\": %u, \"refused\": %u, \"offered\": [",
		c->state[0], c->state[1], c->state[2], c->offers, c->served, c->refused);
	/* Names are ASCII; a quote or a backslash is in none that means anything. */
	for (unsigned i = 0; i < c->theirs.count; i++)
		if (!strpbrk(c->theirs.formats[i].mime, "\"\\"))
			fprintf(out, "%s\"%s\"", i ? ", " : "", c->theirs.formats[i].mime);
	fputs("], \"fetches\": [", out);
	for (unsigned i = 0; i < c->fetches; i++)
		fprintf(out, "%s{\"error\": %d, \"bytes\": %zu}", i ? ", " : "",
			c->fetched[i].error, c->fetched[i].size);
	fputs("]}", out);
	pthread_mutex_unlock(&c->lock);
}
