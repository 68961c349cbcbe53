/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* keys.h - what the wire calls keys and buttons, as Linux calls them.
 *
 * Keys travel as Windows virtual-key codes of the position on a US keyboard, so
 * the map is one of positions, and the layout stays the compositor's. Pure. */
#pragma once
#include <stdint.h>

/** The evdev code (below 248, so that xkb can carry it), or 0 for a code that no
 * keyboard here has. */
uint16_t pf_key_from_vk(uint8_t vk);
/** The evdev button of wire buttons 1 left .. 5 X2, or 0. */
uint16_t pf_button_from_wire(uint32_t code);
