/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/input/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon.h>

static uint32_t keysym_of(uint32_t scalar)
{
	switch (scalar) {
	case '\b':
		return XKB_KEY_BackSpace;
	case '\t':
		return XKB_KEY_Tab;
	case '\n':
	case '\r':
		return XKB_KEY_Return;
	case 0x1b:
		return XKB_KEY_Escape;
	case 0x7f:
		return XKB_KEY_Delete;
	default:
		break;
	}
	if (scalar < 0x20 || (scalar > 0x7e && scalar < 0xa0) ||
		(scalar >= 0xd800 && scalar < 0xe000) || scalar > 0x10ffff)
		return 0;
	return xkb_utf32_to_keysym(scalar);
}

static uint32_t find(const struct pf_text_map *m, uint32_t keysym)
{
	for (unsigned i = 0; i < PF_TEXT_SLOTS; i++)
		if (m->keysyms[i] == keysym)
			return PF_TEXT_KEY_FIRST + i;
	return 0;
}

void pf_text_map_init(struct pf_text_map *m)
{
	static const uint32_t controls[] = { '\b', '\t', '\n', 0x1b, 0x7f };

	memset(m, 0, sizeof(*m));
	for (uint32_t c = ' '; c <= '~'; c++)
		m->keysyms[m->fixed++] = keysym_of(c);
	for (size_t i = 0; i < sizeof(controls) / sizeof(*controls); i++)
		m->keysyms[m->fixed++] = keysym_of(controls[i]);
	m->next = m->fixed;
}

uint32_t pf_text_map_key(struct pf_text_map *m, uint32_t scalar, bool *changed)
{
	const uint32_t keysym = keysym_of(scalar);
	uint32_t key;

	*changed = false;
	if (!keysym)
		return 0;
	key = find(m, keysym);
	if (key)
		return key;
	key = PF_TEXT_KEY_FIRST + m->next;
	m->keysyms[m->next] = keysym;
	m->next = m->next + 1 < PF_TEXT_SLOTS ? m->next + 1 : m->fixed;
	*changed = true;
	return key;
}

char *pf_text_map_write(const struct pf_text_map *m)
{
	char *text = NULL, name[64];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fputs("xkb_keymap {\nxkb_keycodes \"text\" {\nminimum = 8;\nmaximum = 255;\n", f);
	for (unsigned i = 0; i < PF_TEXT_SLOTS; i++)
		fprintf(f, "<K%u> = %u;\n", i, PF_TEXT_KEY_FIRST + i + 8);
	/* One level, no modifier: nothing that is held can change a character. */
	fputs("};\nxkb_types \"text\" {\ntype \"ONE_LEVEL\" {\nmodifiers = none;\n"
	      "level_name[Level1] = \"Any\";\n};\n};\nxkb_compatibility \"text\" {};\n"
	      "xkb_symbols \"text\" {\n",
		f);
	for (unsigned i = 0; i < PF_TEXT_SLOTS; i++)
		if (m->keysyms[i] && xkb_keysym_get_name(m->keysyms[i], name, sizeof(name)) > 0)
			fprintf(f, "key <K%u> {[ %s ]};\n", i, name);
	fputs("};\n};\n", f);
	if (ferror(f)) {
		fclose(f);
		free(text);
		return NULL;
	}
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
