/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* text.h - a keymap that holds characters instead of keys.
 *
 * Text comes as characters that the layout in use may not have. A second virtual
 * keyboard types them from a keymap of its own: one character per key, the
 * printable ASCII ones always there, the others in slots that are reused in
 * turn. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_TEXT_KEY_FIRST 1u /* evdev codes 1 .. 247 = xkb keycodes 9 .. 255 */
#define PF_TEXT_SLOTS	  247u

struct pf_text_map {
	uint32_t keysyms[PF_TEXT_SLOTS]; /* 0 = free */
	unsigned fixed, next;		 /* slots that stay, next one to be reused */
};

void pf_text_map_init(struct pf_text_map *m);
/** The evdev code that types `scalar`, 0 if it cannot be typed (controls other
 * than tab, line end, backspace and escape; surrogates; above U+10FFFF). Sets
 * *changed if the keymap must be sent again first. */
uint32_t pf_text_map_key(struct pf_text_map *m, uint32_t scalar, bool *changed);
/** The keymap as text, malloc'ed; NULL = no memory. */
char *pf_text_map_write(const struct pf_text_map *m);
