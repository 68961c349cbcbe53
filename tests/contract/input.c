/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What every input backend owes; then that events reach a client inside a real
 * compositor, counted by pf-pattern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/input-event-codes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/display/display.h"
#include "host/input/backends.h"
#include "host/input/keys.h"
#include "pf_config.h"
#include "tests/contract/plain_user.h"
#ifdef PF_HAVE_WAYLAND
#include "host/wayland/conn.h"
#include "tests/contract/pattern_client.h"
#endif

#define PATIENT_MS 20000

enum {
	KEY_DOWN_EV = 0,
	KEY_UP_EV = 1,
	MOVE = 2,
	MOVE_TO = 3,
	BUTTON_DOWN = 4,
	BUTTON_UP = 5,
	SCROLL = 6,
	TEXT = 15,
};

static void post(
	struct pf_input *in, uint8_t kind, uint32_t code, int32_t x, int32_t y, uint32_t flags)
{
	const struct pf_input_event ev = {
		.kind = kind, .code = code, .x = x, .y = y, .flags = flags
	};

	for (int i = 0; in->ops->post(in, &ev) == -EAGAIN; i++) {
		const struct timespec pause = { .tv_nsec = 1000000 };

		assert_true(i < PATIENT_MS);
		nanosleep(&pause, NULL);
	}
}

static void the_null_device_counts_and_fails_as_asked(void **state)
{
	const struct pf_input_target none = { .kind = PF_INPUT_NONE };
	const struct pf_input_ops *ops = pf_input_for(PF_INPUT_NONE);
	struct pf_input_params params = { .target = &none };
	struct pf_null_input_counts counts;
	struct pf_input_event ev = { .kind = 0, .code = 'A' };
	struct pf_input *in = NULL;
	struct pf_reason why = { 0 };

	assert_ptr_equal(ops, &null_input_ops);
	ops->close(NULL);
	params.options = "fail-open=1";
	assert_int_equal(ops->open(&in, &params, &why), -EIO);
	assert_null(in);
	params.options = "full-after=4";
	assert_int_equal(ops->open(&in, &params, &why), 0);
	assert_int_equal(ops->post(in, &ev), 0);
	assert_int_equal(ops->post(in, &ev), 0);
	ev.kind = 4;
	assert_int_equal(ops->post(in, &ev), 0);
	ev.kind = 99;
	assert_int_equal(ops->post(in, &ev), 0);
	assert_int_equal(ops->post(in, &ev), -EAGAIN);
	pf_null_input_counts(in, &counts);
	assert_int_equal(counts.kinds[0], 2);
	assert_int_equal(counts.keys_held, 1);
	assert_int_equal(counts.buttons_held, 1);
	assert_int_equal(counts.unknown, 1);
	assert_int_equal(counts.dropped, 1);
	ops->release_all(in);
	pf_null_input_counts(in, &counts);
	assert_int_equal(counts.keys_held + counts.buttons_held, 0);
	ops->close(in);
}

#ifdef PF_HAVE_WAYLAND
/* A private sway, its devices, and a client that counts. */
struct stage {
	const struct pf_display_ops *display_ops;
	struct pf_display *display;
	struct pf_input *input;
	struct pf_test_pattern client;
	char *dir;
};

static void stage_up(struct stage *st)
{
	static const char *const args[] = { "--mode", "still", NULL };
	const struct pf_display_ops *ops = pf_display_find("wlroots");
	struct pf_display_params params = { .mode = { 1280, 720, 60000 } };
	struct pf_input_params in = { 0 };
	struct pf_reason why = { 0 };

	memset(st, 0, sizeof(*st));
	if (ops->probe(&params, &why)) {
		print_message("# skipped: %s\n", why.text);
		skip();
	}
	st->display_ops = ops;
	st->dir = pf_test_subdir("desk-");
	params.runtime_dir = params.log_dir = st->dir;
	if (ops->open(&st->display, &params, &why))
		fail_msg("%s", why.text);
	in.target = ops->input_target(st->display);
	if (pf_input_for(PF_INPUT_WAYLAND)->open(&st->input, &in, &why))
		fail_msg("%s", why.text);
	pf_test_pattern_start(&st->client, st->display, st->dir, args);
}

static void stage_down(struct stage *st)
{
	pf_test_pattern_stop(&st->client);
	if (st->input)
		st->input->ops->close(st->input);
	st->display_ops->close(st->display);
	free(st->dir);
}

static json_t *await(struct stage *st, const char *key, double least)
{
	return pf_test_pattern_await(&st->client, key, least);
}

/* Waits until the client has the focus of both devices. */
static void await_focus(struct stage *st)
{
	json_decref(await(st, "keyboard_focus", 1));
	post(st->input, MOVE_TO, 0, 10, 10, 100u << 16 | 100);
	json_decref(await(st, "pointer_focus", 1));
}

static void the_pointer_goes_where_it_is_sent(void **state)
{
	struct stage st;
	json_t *r;

	stage_up(&st);
	await_focus(&st);
	post(st.input, MOVE_TO, 0, 320, 180, 640u << 16 | 360);
	r = await(&st, "motions", 1);
	json_decref(r);
	post(st.input, MOVE, 0, 10, -5, 0);
	r = await(&st, "motions", 2);
	assert_true(pf_test_number(r, "pointer_x") == 650);
	assert_true(pf_test_number(r, "pointer_y") == 355);
	json_decref(r);
	/* Out of the surface: to its edge. Of no surface: nowhere. */
	post(st.input, MOVE_TO, 0, 5, 5, 0);
	post(st.input, MOVE_TO, 0, 5, 5, 640);
	post(st.input, MOVE_TO, 0, -7, 100000, 640u << 16 | 360);
	r = await(&st, "motions", 3);
	assert_true(pf_test_number(r, "pointer_x") == 0);
	assert_true(pf_test_number(r, "pointer_y") > 718);
	json_decref(r);
	stage_down(&st);
}

static void buttons_and_wheel_arrive_with_their_signs(void **state)
{
	static const int code[] = { BTN_LEFT, BTN_MIDDLE, BTN_RIGHT, BTN_SIDE, BTN_EXTRA };
	struct stage st;
	json_t *r;

	stage_up(&st);
	await_focus(&st);
	for (unsigned b = 0; b < 5; b++) {
		post(st.input, BUTTON_DOWN, b + 1, 0, 0, 0);
		post(st.input, BUTTON_DOWN, b + 1, 0, 0, 0); /* already down */
		post(st.input, BUTTON_UP, b + 1, 0, 0, 0);
		r = await(&st, "buttons_released", b + 1);
		assert_int_equal(pf_test_number(r, "last_button"), code[b]);
		assert_int_equal(pf_test_number(r, "buttons_pressed"), b + 1);
		json_decref(r);
	}
	post(st.input, SCROLL, 0, 120, 0, 0); /* up */
	r = await(&st, "scrolls", 1);
	assert_int_equal(pf_test_number(r, "steps_y"), -1);
	assert_true(pf_test_number(r, "scroll_y") == -15);
	json_decref(r);
	post(st.input, SCROLL, 1, 240, 0, 0); /* right */
	r = await(&st, "scrolls", 2);
	assert_int_equal(pf_test_number(r, "steps_x"), 2);
	assert_true(pf_test_number(r, "scroll_x") == 30);
	json_decref(r);
	/* A fine wheel: four quarters down make a step. */
	for (int i = 0; i < 4; i++)
		post(st.input, SCROLL, 0, -30, 0, 0);
	r = await(&st, "scrolls", 6);
	assert_int_equal(pf_test_number(r, "steps_y"), 0);
	assert_true(pf_test_number(r, "scroll_y") == 0);
	json_decref(r);
	stage_down(&st);
}

static void type_key(struct stage *st, uint32_t vk)
{
	post(st->input, KEY_DOWN_EV, vk, 0, 0, 0);
	post(st->input, KEY_UP_EV, vk, 0, 0, 0);
}

static void keys_and_text_are_typed(void **state)
{
	/* "h€llo漢😀é~" with a character beyond ASCII between the others. */
	static const uint32_t text[] = { 'h', 0x20ac, 'l', 'l', 'o', 0x6f22, 0x1f600, 0xe9, '~' };
	struct stage st;
	json_t *r;

	stage_up(&st);
	await_focus(&st);
	post(st.input, KEY_DOWN_EV, 0xa0, 0, 0, 0);
	type_key(&st, 'P');
	post(st.input, KEY_UP_EV, 0xa0, 0, 0, 0);
	type_key(&st, 'F');
	type_key(&st, 0xde);
	type_key(&st, 0x67); /* numpad 7 */
	/* The high bits are the sender's own business. */
	type_key(&st, 0x80000000u | '9');
	r = await(&st, "keys_released", 6);
	assert_string_equal(json_string_value(json_object_get(r, "text")), "Pf'79");
	json_decref(r);
	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++)
		post(st.input, TEXT, text[i], 0, 0, 0);
	type_key(&st, 'A');
	r = await(&st, "keys_released", 6 + sizeof(text) / sizeof(*text) + 1);
	assert_string_equal(json_string_value(json_object_get(r, "text")),
		"Pf'79h\xe2\x82\xacllo\xe6\xbc\xa2\xf0\x9f\x98\x80\xc3\xa9~a");
	assert_int_equal(pf_test_number(r, "keys_pressed"), pf_test_number(r, "keys_released"));
	json_decref(r);
	stage_down(&st);
}

static void held_modifiers_survive_text(void **state)
{
	struct stage st;
	json_t *r;

	stage_up(&st);
	await_focus(&st);
	post(st.input, KEY_DOWN_EV, 0xa0, 0, 0, 0);
	post(st.input, TEXT, 'x', 0, 0, 0);
	type_key(&st, 'B');
	post(st.input, KEY_UP_EV, 0xa0, 0, 0, 0);
	type_key(&st, 'C');
	r = await(&st, "keys_released", 4);
	assert_string_equal(json_string_value(json_object_get(r, "text")), "xBc");
	json_decref(r);
	stage_down(&st);
}

static void every_key_of_the_table_arrives_as_itself(void **state)
{
	struct stage st;
	unsigned want = 0, at = 0;
	json_t *r, *keys;

	stage_up(&st);
	await_focus(&st);
	for (uint32_t vk = 0; vk < 256; vk++) {
		if (!pf_key_from_vk((uint8_t)vk))
			continue;
		type_key(&st, vk);
		want++;
	}
	r = await(&st, "keys_released", want);
	keys = json_object_get(r, "keys");
	assert_int_equal(json_array_size(keys), 2 * want);
	for (uint32_t vk = 0; vk < 256; vk++) {
		const uint16_t key = pf_key_from_vk((uint8_t)vk);

		for (int down = 1; key && down >= 0; down--, at++) {
			json_t *pair = json_array_get(keys, at);

			assert_int_equal(json_integer_value(json_array_get(pair, 0)), key);
			assert_int_equal(json_integer_value(json_array_get(pair, 1)), down);
		}
	}
	json_decref(r);
	stage_down(&st);
}

static void nothing_stays_down(void **state)
{
	struct stage st;
	json_t *r;

	stage_up(&st);
	await_focus(&st);
	post(st.input, KEY_DOWN_EV, 'W', 0, 0, 0);
	post(st.input, KEY_DOWN_EV, 0xa2, 0, 0, 0);
	post(st.input, BUTTON_DOWN, 1, 0, 0, 0);
	st.input->ops->release_all(st.input);
	r = await(&st, "keys_released", 2);
	json_decref(r);
	r = await(&st, "buttons_released", 1);
	assert_int_equal(
		pf_test_number(r, "mods") == 0 || pf_test_number(r, "mods") == 16, 1); /* NumLock */
	json_decref(r);
	type_key(&st, 'Q');
	post(st.input, KEY_DOWN_EV, 'E', 0, 0, 0);
	post(st.input, BUTTON_DOWN, 3, 0, 0, 0);
	r = await(&st, "keys_pressed", 4);
	json_decref(r);
	json_decref(await(&st, "buttons_pressed", 2));
	st.input->ops->close(st.input);
	st.input = NULL;
	json_decref(await(&st, "buttons_released", 2));
	r = await(&st, "keys_released", 4);
	assert_int_equal(pf_test_number(r, "keys_pressed"), 4);
	json_decref(r);
	stage_down(&st);
}

/* Seeded nonsense of every kind must not cost the connection. */
static void nonsense_does_no_harm(void **state)
{
	struct stage st;
	uint64_t seed = 7;
	json_t *r;
	double before;

	stage_up(&st);
	await_focus(&st);
	for (int i = 0; i < 20000; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		const uint32_t a = (uint32_t)(seed >> 32);

		/* No text: each new character would be a new keymap for all clients. */
		if (a % 20 == TEXT && a >> 8 & 63)
			continue;
		post(st.input, (uint8_t)(a % 20), (uint32_t)(seed >> 3), (int32_t)(seed >> 7),
			(int32_t)(seed >> 13), (uint32_t)(seed >> 17));
	}
	st.input->ops->release_all(st.input);
	post(st.input, BUTTON_DOWN, 2, 0, 0, 0);
	post(st.input, BUTTON_UP, 2, 0, 0, 0);
	r = await(&st, "pointer_focus", 1);
	before = pf_test_number(r, "buttons_released");
	json_decref(r);
	post(st.input, BUTTON_DOWN, 1, 0, 0, 0);
	post(st.input, BUTTON_UP, 1, 0, 0, 0);
	r = await(&st, "buttons_released", before + 1);
	json_decref(r);
	stage_down(&st);
}

static void a_compositor_that_stalls_is_waited_for(void **state)
{
	const struct pf_input_event ev = { .kind = MOVE, .x = 1 };
	struct timespec pause = { .tv_nsec = 5000000 };
	struct stage st;
	bool refused = false;
	pid_t sway = 0;
	int fd;

	stage_up(&st);
	await_focus(&st);
	fd = pf_wl_connect(st.display_ops->input_target(st.display)->wayland_socket, &sway, NULL);
	assert_true(fd >= 0 && sway > 1);
	close(fd);
	assert_int_equal(kill(sway, SIGSTOP), 0);
	/* More than socket and ring hold, and slowly enough to be taken. */
	for (int i = 0; i < 50000; i++) {
		refused |= st.input->ops->post(st.input, &ev) == -EAGAIN;
		if (i % 500 == 0)
			nanosleep(&pause, NULL);
	}
	assert_int_equal(kill(sway, SIGCONT), 0);
	assert_true(refused);
	post(st.input, BUTTON_DOWN, 1, 0, 0, 0);
	post(st.input, BUTTON_UP, 1, 0, 0, 0);
	json_decref(await(&st, "buttons_released", 1));
	stage_down(&st);
}

static void wrong_targets_are_refused_with_words(void **state)
{
	const struct pf_input_ops *ops = pf_input_for(PF_INPUT_WAYLAND);
	struct pf_input_target t;
	struct pf_input_params params = { .target = &t };
	struct pf_input *in = NULL;
	struct pf_reason why = { 0 };
	struct stage st;

	stage_up(&st);
	t = *st.display_ops->input_target(st.display);
	params.keymap_layout = "no-such-layout";
	assert_int_equal(ops->open(&in, &params, &why), -EINVAL);
	assert_non_null(strstr(why.text, "no-such-layout"));
	params.keymap_layout = "de";
	t.output_name = "NONE-1";
	assert_int_equal(ops->open(&in, &params, &why), -ENODEV);
	t.wayland_socket = "/nonexistent/wayland-0";
	assert_int_equal(ops->open(&in, &params, &why), -ENOENT);
	t.kind = PF_INPUT_DBUS;
	assert_int_equal(ops->open(&in, &params, &why), -EINVAL);
	assert_null(in);
	ops->close(NULL);
	stage_down(&st);
}

static void the_end_of_the_compositor_is_survived(void **state)
{
	const struct pf_input_event ev = { .kind = MOVE, .x = 1 };
	struct stage st;
	int r = 0;

	stage_up(&st);
	st.display_ops->close(st.display);
	st.display = NULL;
	for (int i = 0; i < 5000; i++)
		r = st.input->ops->post(st.input, &ev);
	assert_true(r == 0 || r == -EAGAIN);
	st.input->ops->release_all(st.input);
	stage_down(&st);
}
#endif

int main(void)
{
	static const char *const tools[] = {
#ifdef PF_HAVE_WAYLAND
		PF_TEST_PATTERN,
#endif
		NULL
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_null_device_counts_and_fails_as_asked),
#ifdef PF_HAVE_WAYLAND
		cmocka_unit_test(the_pointer_goes_where_it_is_sent),
		cmocka_unit_test(buttons_and_wheel_arrive_with_their_signs),
		cmocka_unit_test(keys_and_text_are_typed),
		cmocka_unit_test(held_modifiers_survive_text),
		cmocka_unit_test(every_key_of_the_table_arrives_as_itself),
		cmocka_unit_test(nothing_stays_down),
		cmocka_unit_test(nonsense_does_no_harm),
		cmocka_unit_test(a_compositor_that_stalls_is_waited_for),
		cmocka_unit_test(wrong_targets_are_refused_with_words),
		cmocka_unit_test(the_end_of_the_compositor_is_survived),
#endif
	};

	pf_test_become_user(tools);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
