/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* assets.h - the files of the web console, in memory.
 *
 * Read once at the start; a request is compared with the names that were found then and
 * never reaches a file system. Links, hidden files and names of other characters than
 * letters, digits, dot, dash and underscore are left out. A NAME.gz beside NAME is its
 * compressed form. Read-only after load: any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

#define PF_ASSETS_MAX	    256
#define PF_ASSETS_BYTES	    (8u << 20) /* of all */
#define PF_ASSET_ETAG_BYTES 40

struct pf_assets;

struct pf_asset {
	char path[160];	  /* as in a URL, from the root */
	const char *type; /* static */
	bool immutable;	  /* its name changes with what is in it */
	uint8_t *data, *gz;
	size_t len, gz_len;		   /* gz_len 0 = there is none */
	char etag[PF_ASSET_ETAG_BYTES];	   /* in quotes */
	char gz_etag[PF_ASSET_ETAG_BYTES]; /* of the compressed form */
};

/** Reads the folder. -ENOENT when it has no index.html, others from the disk, with the
 * words. */
int pf_assets_load(struct pf_assets **out, const char *dir, struct pf_reason *why);
/** Accepts NULL. */
void pf_assets_free(struct pf_assets *a);
/** The file for the path of a request, not unescaped. A path whose last part has no dot is
 * a page of the console, all of which index.html shows. NULL when there is none; accepts
 * NULL. */
const struct pf_asset *pf_assets_find(const struct pf_assets *a, const char *path);
unsigned pf_assets_count(const struct pf_assets *a);
/** Whether the header Accept-Encoding (may be NULL) takes gzip. */
bool pf_assets_takes_gzip(const char *accept_encoding);
