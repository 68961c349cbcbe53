/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/cmd/asleep.h"
#include <errno.h>
#include <stdlib.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/gamestream/gamestream.h"
#include "host/native/native.h"
#include "host/sys/loop.h"
#include "host/sys/sleep.h"

#define LOOK_NS	   (5ull * PF_NS_PER_S)	  /* how often sessions are counted */
#define GOODBYE_NS (50ull * PF_NS_PER_MS) /* the same, while they say goodbye */
#define GOODBYES   30u			  /* then the machine sleeps anyway; logind waits 5 s */
#define WORDS	   "the host goes to sleep"

struct pf_asleep {
	struct pf_loop *loop;
	struct pf_native *native;
	struct pf_gamestream *gamestream;
	struct pf_sleep *sleep;
	struct pf_timer *timer;
	unsigned goodbyes; /* rounds left; 0 = no sleep is coming */
};

static unsigned sessions(const struct pf_asleep *a)
{
	return pf_native_count(a->native) +
	       (a->gamestream ? pf_gamestream_count(a->gamestream) : 0);
}

static void look(void *user)
{
	struct pf_asleep *a = user;
	const unsigned n = sessions(a);

	pf_timer_stop(&a->timer);
	pf_sleep_set_busy(a->sleep, n);
	if (a->goodbyes && (!n || !--a->goodbyes)) {
		a->goodbyes = 0;
		pf_sleep_ready(a->sleep);
	}
	(void)pf_timer_start(&a->timer, a->loop, a->goodbyes ? GOODBYE_NS : LOOK_NS, look, a);
}

static void before_sleep(void *user)
{
	struct pf_asleep *a = user;

	pf_log(PF_LOG_INFO, "serve", "the machine goes to sleep: %u sessions end", sessions(a));
	pf_native_end_sessions(a->native, WORDS);
	if (a->gamestream)
		pf_gamestream_end_sessions(a->gamestream, WORDS);
	a->goodbyes = GOODBYES;
	look(a);
}

static void after_sleep(void *user)
{
	(void)user;
	pf_log(PF_LOG_INFO, "serve", "the machine woke up: clients may come back");
}

int pf_asleep_start(struct pf_asleep **out, struct pf_loop *loop, struct pf_native *native,
	struct pf_gamestream *gamestream)
{
	static const struct pf_sleep_events events = { before_sleep, after_sleep };
	struct pf_asleep *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	*a = (struct pf_asleep){ .loop = loop, .native = native, .gamestream = gamestream };
	if (pf_sleep_watch(&a->sleep, loop, &events, a)) {
		free(a);
		return -ENOMEM;
	}
	look(a);
	*out = a;
	return 0;
}

void pf_asleep_stop(struct pf_asleep *a)
{
	if (!a)
		return;
	pf_timer_stop(&a->timer);
	pf_sleep_unwatch(a->sleep);
	free(a);
}
