/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/pattern/report.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t pf_report_input_events(const struct pf_report *r)
{
	return r->keys_pressed + r->keys_released + r->buttons_pressed + r->buttons_released +
	       r->motions + r->scrolls;
}

static void write_text(FILE *f, const char *text, unsigned len)
{
	fputc('"', f);
	for (unsigned i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void write_report(FILE *f, const struct pf_report *r)
{
	fprintf(f,
		"{\n  \"frames_drawn\": %" PRIu64 ",\n  \"width\": %u,\n  \"height\": %u,\n"
		"  \"output\": \"%s\",\n  \"mode_width\": %u,\n  \"mode_height\": %u,\n"
		"  \"mode_mhz\": %u,\n",
		r->frames_drawn, r->width, r->height, r->output, r->mode_width, r->mode_height,
		r->mode_mhz);
	fprintf(f,
		"  \"keyboard_focus\": %s,\n  \"pointer_focus\": %s,\n"
		"  \"input_events\": %" PRIu64 ",\n"
		"  \"keys_pressed\": %" PRIu64 ",\n  \"keys_released\": %" PRIu64 ",\n"
		"  \"buttons_pressed\": %" PRIu64 ",\n  \"buttons_released\": %" PRIu64 ",\n"
		"  \"last_button\": %u,\n  \"motions\": %" PRIu64 ",\n  \"scrolls\": %" PRIu64
		",\n",
		r->keyboard_focus ? "true" : "false", r->pointer_focus ? "true" : "false",
		pf_report_input_events(r), r->keys_pressed, r->keys_released, r->buttons_pressed,
		r->buttons_released, r->last_button, r->motions, r->scrolls);
	fprintf(f,
		"  \"mods\": %u,\n  \"pointer_x\": %.2f,\n  \"pointer_y\": %.2f,\n"
		"  \"scroll_x\": %.3f,\n  \"scroll_y\": %.3f,\n"
		"  \"steps_x\": %" PRId64 ",\n  \"steps_y\": %" PRId64 ",\n  \"text\": ",
		r->mods, r->pointer_x, r->pointer_y, r->scroll_x, r->scroll_y, r->steps_x,
		r->steps_y);
	write_text(f, r->text, r->text_bytes);
	fprintf(f, ",\n  \"keys\": [");
	for (unsigned i = 0; i < r->key_count; i++)
		fprintf(f, "%s[%u, %d]", i ? ", " : "", r->keys[i].code, r->keys[i].pressed);
	fprintf(f, "]\n}\n");
}

int pf_report_write(const struct pf_report *r, const char *path)
{
	char *tmp;
	FILE *f;
	int err = 0;

	if (asprintf(&tmp, "%s.tmp", path) < 0)
		return -ENOMEM;
	f = fopen(tmp, "we");
	if (!f) {
		err = -errno;
		free(tmp);
		return err;
	}
	write_report(f, r);
	if (ferror(f))
		err = -EIO;
	if (fclose(f) && !err)
		err = -errno;
	if (!err && rename(tmp, path) < 0)
		err = -errno;
	if (err)
		(void)unlink(tmp);
	free(tmp);
	return err;
}
