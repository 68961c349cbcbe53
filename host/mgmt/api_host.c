/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_host.c - the operations that tell what the host is and does. */
#include "host/mgmt/api_impl.h"
#include "pf_config.h"

static void get_health(struct pf_mgmt_op *c)
{
	pf_mgmt_reply(c, 200, json_pack("{s:s}", "status", "ok"));
}

static void count_pair(void *user, const struct pf_mgmt_pair *pair)
{
	++*(unsigned *)user;
}

static void count_knock(void *user, const struct pf_knock *k)
{
	++*(unsigned *)user;
}

static void get_status(struct pf_mgmt_op *c)
{
	const struct pf_mgmt_hooks *h = &c->p->hooks;
	json_t *o = json_pack("{s:s}", "version", PF_VERSION);
	unsigned waiting = 0, asking = 0;

	if (o && h->status)
		h->status(h->user, o);
	if (h->pair_each)
		h->pair_each(h->user, count_pair, &waiting);
	if (h->knock_each)
		h->knock_each(h->user, count_knock, &asking);
	if (o && (json_object_set_new(o, "pair_requests", json_integer(waiting)) ||
			 json_object_set_new(o, "access_requests", json_integer(asking)) ||
			 json_object_set_new(
				 o, "clients", json_integer(pf_clients_count(c->p->clients))))) {
		json_decref(o);
		o = NULL;
	}
	pf_mgmt_reply(c, 200, o);
}

const struct pf_mgmt_route pf_mgmt_host_routes[] = {
	{ { "health" }, 1, "GET", .open = true, .get = get_health },
	{ { "status" }, 1, "GET", .client = true, .get = get_status },
	{ { 0 } },
};
