/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/pw_linker.h"
#include <errno.h>
#include <pipewire/extensions/metadata.h>
#include <pipewire/pipewire.h>
#include <spa/param/audio/format-utils.h>
#include <spa/param/props.h>
#include <spa/pod/builder.h>
#include <spa/utils/list.h>
#include <spa/utils/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the programs of a desk may make us remember. */
#define NODES_MAX 512
#define PORTS_MAX 4096

enum role {
	ROLE_UNKNOWN, /* not (yet) one that wants links */
	ROLE_SINK,
	ROLE_PLAYBACK,
	ROLE_RECORD,
	ROLE_MIC,
	ROLE_LISTEN, /* records from the microphone */
};

/* The microphone has this one channel. */
static const uint32_t mono = SPA_AUDIO_CHANNEL_MONO;

struct node {
	struct spa_list link;
	struct pf_pw_linker *l;
	uint32_t id;
	enum role role;
	bool shaped; /* has been given its ports' layout */
	struct pw_proxy *proxy;
	struct spa_hook proxy_hook, hook;
};

struct port {
	struct spa_list link;
	uint32_t id, node;
	bool output, monitor;
	char channel[16]; /* "FL" */
};

struct wire {
	struct spa_list link;
	uint32_t output, input; /* ports */
	struct pw_proxy *proxy;
	struct spa_hook hook;
};

struct pf_pw_linker {
	struct pf_pw_linker_params params;
	struct pw_registry *registry;
	struct spa_hook registry_hook;
	struct pw_proxy *metadata;
	struct spa_list nodes, ports, wires;
	unsigned node_count, port_count;
	bool ready;
};

/* Wires. */

static void wire_free(struct wire *w)
{
	spa_list_remove(&w->link);
	spa_hook_remove(&w->hook);
	pw_proxy_destroy(w->proxy);
	free(w);
}

/* The server took the link down: one of its ports is gone, or it was refused. */
static void on_wire_removed(void *data)
{
	wire_free(data);
}

static void on_wire_error(void *data, int seq, int res, const char *message)
{
	wire_free(data);
}

static const struct pw_proxy_events wire_events = {
	PW_VERSION_PROXY_EVENTS,
	.removed = on_wire_removed,
	.error = on_wire_error,
};

static void connect_ports(struct pf_pw_linker *l, const struct port *out, const struct port *in)
{
	char ids[4][16];
	struct spa_dict_item items[4];
	struct spa_dict dict = SPA_DICT_INIT(items, 4);
	struct wire *w;

	spa_list_for_each(
		w, &l->wires, link) if (w->output == out->id && w->input == in->id) return;
	w = calloc(1, sizeof(*w));
	if (!w)
		return;
	snprintf(ids[0], sizeof(ids[0]), "%u", out->node);
	snprintf(ids[1], sizeof(ids[1]), "%u", out->id);
	snprintf(ids[2], sizeof(ids[2]), "%u", in->node);
	snprintf(ids[3], sizeof(ids[3]), "%u", in->id);
	items[0] = SPA_DICT_ITEM_INIT(PW_KEY_LINK_OUTPUT_NODE, ids[0]);
	items[1] = SPA_DICT_ITEM_INIT(PW_KEY_LINK_OUTPUT_PORT, ids[1]);
	items[2] = SPA_DICT_ITEM_INIT(PW_KEY_LINK_INPUT_NODE, ids[2]);
	items[3] = SPA_DICT_ITEM_INIT(PW_KEY_LINK_INPUT_PORT, ids[3]);
	w->output = out->id;
	w->input = in->id;
	w->proxy = pw_core_create_object(
		l->params.core, "link-factory", PW_TYPE_INTERFACE_Link, PW_VERSION_LINK, &dict, 0);
	if (!w->proxy) {
		free(w);
		return;
	}
	pw_proxy_add_listener(w->proxy, &w->hook, &wire_events, w);
	spa_list_append(&l->wires, &w->link);
}

static const struct node *node_by_id(const struct pf_pw_linker *l, uint32_t id)
{
	struct node *n;

	spa_list_for_each(n, &l->nodes, link) if (n->id == id) return n;
	return NULL;
}

static enum role role_of(const struct pf_pw_linker *l, uint32_t node)
{
	const struct node *n = node_by_id(l, node);

	return n ? n->role : ROLE_UNKNOWN;
}

/* Links the pair if one belongs to a stream and the other is the sink's side of it. */
static void consider(struct pf_pw_linker *l, const struct port *a, const struct port *b)
{
	const struct port *out = a->output ? a : b, *in = a->output ? b : a;
	enum role from, to;

	if (a->output == b->output || strcmp(a->channel, b->channel))
		return;
	from = role_of(l, out->node);
	to = role_of(l, in->node);
	if ((from == ROLE_PLAYBACK && !out->monitor && to == ROLE_SINK) ||
		(from == ROLE_SINK && out->monitor && to == ROLE_RECORD) ||
		(from == ROLE_MIC && to == ROLE_LISTEN && !out->monitor && !in->monitor))
		connect_ports(l, out, in);
}

static void consider_port(struct pf_pw_linker *l, const struct port *p)
{
	struct port *other;

	spa_list_for_each(other, &l->ports, link) consider(l, p, other);
}

static void check_ready(struct pf_pw_linker *l)
{
	unsigned inputs = 0;
	struct port *p;

	spa_list_for_each(p, &l->ports, link) inputs +=
		!p->output && role_of(l, p->node) == ROLE_SINK;
	if (l->ready || inputs < l->params.channels || !l->metadata)
		return;
	l->ready = true;
	l->params.ready(l->params.user);
}

/* Nodes. */

static void shape(struct node *n)
{
	const struct pf_pw_linker *l = n->l;
	uint8_t buf[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buf, sizeof(buf));
	const bool of_mic = n->role == ROLE_MIC || n->role == ROLE_LISTEN;
	struct spa_audio_info_raw info = { .format = SPA_AUDIO_FORMAT_F32P,
		.rate = 48000,
		.channels = of_mic ? 1 : l->params.channels };
	struct spa_pod *format, *param;

	memcpy(info.position, of_mic ? &mono : l->params.position,
		info.channels * sizeof(uint32_t));
	format = spa_format_audio_raw_build(&b, SPA_PARAM_Format, &info);
	param = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_ParamPortConfig,
		SPA_PARAM_PortConfig, SPA_PARAM_PORT_CONFIG_direction,
		SPA_POD_Id(n->role == ROLE_PLAYBACK || n->role == ROLE_MIC ? SPA_DIRECTION_OUTPUT
									   : SPA_DIRECTION_INPUT),
		SPA_PARAM_PORT_CONFIG_mode, SPA_POD_Id(SPA_PARAM_PORT_CONFIG_MODE_dsp),
		SPA_PARAM_PORT_CONFIG_monitor, SPA_POD_Bool(n->role == ROLE_SINK),
		SPA_PARAM_PORT_CONFIG_format, SPA_POD_Pod(format));
	pw_node_set_param((struct pw_node *)n->proxy, SPA_PARAM_PortConfig, 0, param);
	n->shaped = true;
}

static bool yes(const struct spa_dict *props, const char *key)
{
	const char *v = spa_dict_lookup(props, key);

	return v && spa_atob(v);
}

static enum role read_role(const struct pf_pw_linker *l, const struct spa_dict *props)
{
	const char *class = spa_dict_lookup(props, PW_KEY_MEDIA_CLASS);
	const char *name = spa_dict_lookup(props, PW_KEY_NODE_NAME);
	const char *target = spa_dict_lookup(props, PW_KEY_TARGET_OBJECT);

	if (!class)
		return ROLE_UNKNOWN;
	if (!strcmp(class, "Audio/Sink") && name && !strcmp(name, l->params.sink))
		return ROLE_SINK;
	if (!strcmp(class, "Audio/Source") && name && !strcmp(name, l->params.mic))
		return ROLE_MIC;
	if (!yes(props, PW_KEY_NODE_AUTOCONNECT))
		return ROLE_UNKNOWN;
	if (!strcmp(class, "Stream/Output/Audio"))
		return ROLE_PLAYBACK;
	if (strcmp(class, "Stream/Input/Audio"))
		return ROLE_UNKNOWN;
	/* Only who asks for the sink's own sound gets it. */
	if (yes(props, PW_KEY_STREAM_CAPTURE_SINK) || (target && !strcmp(target, l->params.sink)))
		return ROLE_RECORD;
	return ROLE_LISTEN;
}

static void on_node_info(void *data, const struct pw_node_info *info)
{
	struct node *n = data;
	struct port *p;

	if (!(info->change_mask & PW_NODE_CHANGE_MASK_PROPS) || !info->props)
		return;
	if (n->role == ROLE_UNKNOWN)
		n->role = read_role(n->l, info->props);
	if (n->role == ROLE_UNKNOWN || n->shaped)
		return;
	shape(n);
	spa_list_for_each(p, &n->l->ports, link) if (p->node == n->id) consider_port(n->l, p);
	check_ready(n->l);
}

static const struct pw_node_events node_events = {
	PW_VERSION_NODE_EVENTS,
	.info = on_node_info,
};

static void node_free(struct node *n)
{
	n->l->node_count--;
	spa_list_remove(&n->link);
	spa_hook_remove(&n->hook);
	spa_hook_remove(&n->proxy_hook);
	pw_proxy_destroy(n->proxy);
	free(n);
}

static void on_node_gone(void *data)
{
	node_free(data);
}

static const struct pw_proxy_events node_proxy_events = {
	PW_VERSION_PROXY_EVENTS,
	.removed = on_node_gone,
};

static void add_node(struct pf_pw_linker *l, uint32_t id, const struct spa_dict *props)
{
	const char *class = spa_dict_lookup(props, PW_KEY_MEDIA_CLASS);
	struct node *n;

	if (!class || l->node_count >= NODES_MAX)
		return;
	if (strcmp(class, "Audio/Sink") && strcmp(class, "Audio/Source") &&
		strcmp(class, "Stream/Output/Audio") && strcmp(class, "Stream/Input/Audio"))
		return;
	n = calloc(1, sizeof(*n));
	if (!n)
		return;
	n->proxy = pw_registry_bind(l->registry, id, PW_TYPE_INTERFACE_Node, PW_VERSION_NODE, 0);
	if (!n->proxy) {
		free(n);
		return;
	}
	n->l = l;
	n->id = id;
	pw_proxy_add_listener(n->proxy, &n->proxy_hook, &node_proxy_events, n);
	pw_proxy_add_object_listener(n->proxy, &n->hook, &node_events, n);
	spa_list_append(&l->nodes, &n->link);
	l->node_count++;
}

/* Ports. */

static void add_port(struct pf_pw_linker *l, uint32_t id, const struct spa_dict *props)
{
	const char *node = spa_dict_lookup(props, PW_KEY_NODE_ID);
	const char *direction = spa_dict_lookup(props, PW_KEY_PORT_DIRECTION);
	const char *channel = spa_dict_lookup(props, PW_KEY_AUDIO_CHANNEL);
	struct port *p;

	if (!node || !direction || !channel || l->port_count >= PORTS_MAX)
		return;
	p = calloc(1, sizeof(*p));
	if (!p)
		return;
	p->id = id;
	p->node = (uint32_t)strtoul(node, NULL, 10);
	p->output = !strcmp(direction, "out");
	p->monitor = yes(props, PW_KEY_PORT_MONITOR);
	snprintf(p->channel, sizeof(p->channel), "%s", channel);
	spa_list_append(&l->ports, &p->link);
	l->port_count++;
	consider_port(l, p);
	check_ready(l);
}

static void remove_port(struct pf_pw_linker *l, uint32_t id)
{
	struct port *p;

	spa_list_for_each(p, &l->ports, link)
	{
		if (p->id != id)
			continue;
		spa_list_remove(&p->link);
		free(p);
		l->port_count--;
		return;
	}
}

/* The rest of the registry. */

static void add_metadata(struct pf_pw_linker *l, uint32_t id, const struct spa_dict *props)
{
	const char *name = spa_dict_lookup(props, PW_KEY_METADATA_NAME);
	char value[128];

	if (l->metadata || !name || strcmp(name, "default"))
		return;
	l->metadata = pw_registry_bind(
		l->registry, id, PW_TYPE_INTERFACE_Metadata, PW_VERSION_METADATA, 0);
	if (!l->metadata)
		return;
	snprintf(value, sizeof(value), "{ \"name\": \"%s\" }", l->params.sink);
	pw_metadata_set_property((struct pw_metadata *)l->metadata, PW_ID_CORE,
		"default.audio.sink", "Spa:String:JSON", value);
	/* The one that counts as soon as it is there. */
	snprintf(value, sizeof(value), "{ \"name\": \"%s\" }", l->params.mic);
	pw_metadata_set_property((struct pw_metadata *)l->metadata, PW_ID_CORE,
		"default.audio.source", "Spa:String:JSON", value);
	check_ready(l);
}

/* A sandboxed client waits until a session manager grants it something. */
static void admit(struct pf_pw_linker *l, uint32_t id, const struct spa_dict *props)
{
	const char *access = spa_dict_lookup(props, PW_KEY_ACCESS);
	struct pw_permission all = PW_PERMISSION_INIT(PW_ID_ANY, PW_PERM_RWX);
	struct pw_proxy *client;

	if (!access || !strcmp(access, "unrestricted"))
		return;
	client = pw_registry_bind(l->registry, id, PW_TYPE_INTERFACE_Client, PW_VERSION_CLIENT, 0);
	if (!client)
		return;
	pw_client_update_permissions((struct pw_client *)client, 1, &all);
	pw_proxy_destroy(client);
}

static void on_global(void *data, uint32_t id, uint32_t permissions, const char *type,
	uint32_t version, const struct spa_dict *props)
{
	struct pf_pw_linker *l = data;

	if (!props)
		return;
	if (!strcmp(type, PW_TYPE_INTERFACE_Node))
		add_node(l, id, props);
	else if (!strcmp(type, PW_TYPE_INTERFACE_Port))
		add_port(l, id, props);
	else if (!strcmp(type, PW_TYPE_INTERFACE_Metadata))
		add_metadata(l, id, props);
	else if (!strcmp(type, PW_TYPE_INTERFACE_Client))
		admit(l, id, props);
}

static void on_global_remove(void *data, uint32_t id)
{
	remove_port(data, id);
}

static const struct pw_registry_events registry_events = {
	PW_VERSION_REGISTRY_EVENTS,
	.global = on_global,
	.global_remove = on_global_remove,
};

int pf_pw_linker_create(struct pf_pw_linker **out, const struct pf_pw_linker_params *params)
{
	struct pf_pw_linker *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->params = *params;
	spa_list_init(&l->nodes);
	spa_list_init(&l->ports);
	spa_list_init(&l->wires);
	l->registry = pw_core_get_registry(params->core, PW_VERSION_REGISTRY, 0);
	if (!l->registry) {
		free(l);
		return -ENOMEM;
	}
	pw_registry_add_listener(l->registry, &l->registry_hook, &registry_events, l);
	*out = l;
	return 0;
}

void pf_pw_linker_destroy(struct pf_pw_linker *l)
{
	struct node *n;
	struct port *p;
	struct wire *w;

	if (!l)
		return;
	spa_list_consume(w, &l->wires, link) wire_free(w);
	spa_list_consume(n, &l->nodes, link) node_free(n);
	spa_list_consume(p, &l->ports, link)
	{
		spa_list_remove(&p->link);
		free(p);
	}
	if (l->metadata)
		pw_proxy_destroy(l->metadata);
	spa_hook_remove(&l->registry_hook);
	pw_proxy_destroy((struct pw_proxy *)l->registry);
	free(l);
}
