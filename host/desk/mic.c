/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The microphone of a desk: its holder's, in the desk's sound whenever that is up. */
#include <stdio.h>
#include <string.h>
#include "core/base/log.h"
#include "host/desk/desk_impl.h"

/* The sound's thread. */
static void on_pull(void *user, float *pcm, unsigned samples)
{
	struct pf_desk *d = user;

	/* Held by others only to set or clear the two pointers. */
	pthread_mutex_lock(&d->mic_lock);
	if (d->mic_fn)
		d->mic_fn(d->mic_user, pcm, samples);
	else
		memset(pcm, 0, samples * sizeof(*pcm));
	pthread_mutex_unlock(&d->mic_lock);
}

void pf_desk_mic_apply(struct pf_desk *d)
{
	const struct pf_audio_mic mic = { .name = d->mic_name, .pull = on_pull, .user = d };
	struct pf_reason why = { 0 };

	if (d->audio_busy || !d->audio || !d->audio->ops->set_mic || (!d->mic_fn && !d->has_mic))
		return;
	d->has_mic = d->mic_fn;
	if (d->audio->ops->set_mic(d->audio, d->mic_fn ? &mic : NULL, &why))
		pf_log(PF_LOG_WARN, "desk", "%s: no microphone: %s", d->name, why.text);
}

static void set(struct pf_desk *d, void (*fn)(void *user, float *pcm, unsigned samples), void *user)
{
	pthread_mutex_lock(&d->mic_lock);
	d->mic_fn = fn;
	d->mic_user = user;
	pthread_mutex_unlock(&d->mic_lock);
	pf_desk_mic_apply(d);
}

void pf_desk_open_mic(struct pf_desk *d, const char *client,
	void (*fn)(void *user, float *pcm, unsigned samples), void *user)
{
	snprintf(d->mic_name, sizeof(d->mic_name), "Microphone of %.64s",
		client && *client ? client : "the client");
	set(d, fn, user);
}

void pf_desk_close_mic(struct pf_desk *d, const void *user)
{
	if (d->mic_fn && (!user || d->mic_user == user))
		set(d, NULL, NULL);
}
