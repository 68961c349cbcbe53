/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* session_sound.h - what a desk plays becomes a client's C9 or D2 datagrams
 * (punktfunk1.md 14). Loop. */
#pragma once

struct pf_native_session;

/** Before the Welcome, with a desk that has sound: settles channels, rate and copies,
 * says so in it, and starts the sound thread. Without it the picture goes on. */
void pf_native_sound_open(struct pf_native_session *ns);
/** The desk is there: its sound comes from now on. */
void pf_native_sound_listen(struct pf_native_session *ns);
