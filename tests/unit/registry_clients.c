/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/wire/pf1_handshake.h"
#include "host/registry/clients.h"
#include "host/sys/files.h"
#include "host/sys/loop.h"
#include "host/sys/worker.h"

struct fixture {
	char dir[64], path[96];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/pf-clients-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/clients.json", f->dir);
	*state = f;
	return 0;
}

static unsigned each_file(const char *dir, bool remove)
{
	unsigned n = 0;
	DIR *d = opendir(dir);

	for (struct dirent *e; (e = readdir(d));) {
		n += e->d_name[0] != '.';
		if (remove && e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
	return n;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	each_file(f->dir, true);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static struct pf_client client_of(unsigned n, const char *name)
{
	struct pf_client c = { .plane = n & 1 ? PF_PLANE_GAMESTREAM : PF_PLANE_NATIVE,
		.grants = PF_GRANT_ALL,
		.paired_s = 1700000000 + n };

	memset(c.fingerprint, (int)(n & 0xff), 32);
	c.fingerprint[1] = (uint8_t)(n >> 8);
	snprintf(c.name, sizeof(c.name), "%s", name);
	return c;
}

static struct pf_clients *open_list(const char *path)
{
	struct pf_reason why = { 0 };
	struct pf_clients *c = NULL;

	if (pf_clients_open(&c, path, NULL, &why))
		fail_msg("%s", why.text);
	return c;
}

static void keeps_what_it_was_told(void **state)
{
	struct fixture *f = *state;
	struct pf_client a = client_of(2, "Küche"), b = client_of(3, "roth"), other = a;
	struct pf_clients *c = open_list(f->path);
	const struct pf_client *e;
	struct stat st;

	assert_int_equal(pf_clients_count(c), 0);
	a.grants = PF_GRANT_POINTER | PF_GRANT_KEYBOARD;
	a.expires_s = time(NULL) + 1000;
	assert_int_equal(pf_clients_add(c, &a, NULL), 0);
	assert_int_equal(pf_clients_add(c, &b, NULL), 0);
	pf_clients_close(c);

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	c = open_list(f->path);
	assert_int_equal(pf_clients_count(c), 2);
	e = pf_clients_find(c, PF_PLANE_NATIVE, a.fingerprint);
	assert_non_null(e);
	assert_memory_equal(e, &a, sizeof(a));
	/* Known by plane and certificate: one plane's client is nobody on the other. */
	assert_null(pf_clients_find(c, PF_PLANE_GAMESTREAM, a.fingerprint));

	/* The same client pairs again. */
	b.paired_s++;
	assert_int_equal(pf_clients_add(c, &b, NULL), 0);
	assert_int_equal(pf_clients_count(c), 2);
	assert_int_equal(
		pf_clients_find(c, PF_PLANE_GAMESTREAM, b.fingerprint)->paired_s, b.paired_s);

	strcpy(other.name, "Living room");
	other.grants = 0;
	other.paired_s = 5;
	assert_int_equal(pf_clients_update(c, &other, NULL), 0);
	e = pf_clients_find(c, PF_PLANE_NATIVE, a.fingerprint);
	assert_string_equal(e->name, "Living room");
	assert_int_equal(e->grants, 0);
	assert_int_equal(e->paired_s, a.paired_s);

	assert_int_equal(pf_clients_remove(c, PF_PLANE_NATIVE, a.fingerprint, NULL), 0);
	assert_int_equal(pf_clients_remove(c, PF_PLANE_NATIVE, a.fingerprint, NULL), -ENOENT);
	assert_int_equal(pf_clients_update(c, &a, NULL), -ENOENT);
	pf_clients_close(c);
	c = open_list(f->path);
	assert_int_equal(pf_clients_count(c), 1);
	pf_clients_close(c);
	pf_clients_close(NULL);
}

static void one_past_its_expiry_is_nobody(void **state)
{
	struct fixture *f = *state;
	struct pf_clients *c = open_list(f->path);
	struct pf_client a = client_of(1, "guest");

	a.expires_s = time(NULL) - 1;
	assert_int_equal(pf_clients_add(c, &a, NULL), 0);
	assert_null(pf_clients_find(c, a.plane, a.fingerprint));
	assert_int_equal(pf_clients_count(c), 1);
	a.expires_s = time(NULL) + 100;
	assert_int_equal(pf_clients_update(c, &a, NULL), 0);
	assert_non_null(pf_clients_find(c, a.plane, a.fingerprint));
	pf_clients_close(c);
}

static void hostile_names_are_made_harmless(void **state)
{
	struct fixture *f = *state;
	struct pf_clients *c = open_list(f->path);
	struct pf_client a = client_of(1, "");
	const struct pf_client *e;

	strcpy(a.name, "a\x1b[2Jb\n\"\\\xff\xc2\x9b");
	assert_int_equal(pf_clients_add(c, &a, NULL), 0);
	e = pf_clients_find(c, a.plane, a.fingerprint);
	assert_string_equal(e->name, "a?[2Jb?\"\\\xef\xbf\xbd??");
	memset(a.name, 'x', sizeof(a.name)); /* no end */
	assert_int_equal(pf_clients_add(c, &a, NULL), 0);
	assert_int_equal(strlen(e->name), PF_CLIENT_NAME_BYTES - 1);
	pf_clients_close(c);
	c = open_list(f->path);
	assert_int_equal(pf_clients_count(c), 1);
	pf_clients_close(c);
}

static void is_bounded(void **state)
{
	struct fixture *f = *state;
	struct pf_clients *c;
	struct pf_reason why = { 0 };
	struct pf_client a;
	FILE *file = fopen(f->path, "w");

	/* Through the file: adding that many would only try the disk. */
	fprintf(file, "{\"version\": 1, \"clients\": [");
	for (unsigned i = 0; i < PF_CLIENTS_MAX; i++)
		fprintf(file,
			"%s{\"plane\": \"native\", \"grants\": \"all\", \"fingerprint\": "
			"\"%064x\"}",
			i ? "," : "", i);
	fprintf(file, "]}");
	fclose(file);
	c = open_list(f->path);
	assert_int_equal(pf_clients_count(c), PF_CLIENTS_MAX);
	a = client_of(999, "one more");
	assert_int_equal(pf_clients_add(c, &a, &why), -ENOSPC);
	assert_non_null(strstr(why.text, "unpair"));
	pf_clients_close(c);
}

static void a_failed_write_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct pf_clients *c = open_list(f->path);
	struct pf_client a = client_of(1, "a"), b = client_of(2, "b"), d = client_of(3, "d");
	struct pf_reason why = { 0 };
	char away[128];
	int fd;

	assert_int_equal(pf_clients_add(c, &a, NULL), 0);
	assert_int_equal(pf_clients_add(c, &b, NULL), 0);
	snprintf(away, sizeof(away), "%s.away", f->dir);
	assert_int_equal(rename(f->dir, away), 0); /* fails for root, too */
	fd = open(f->dir, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(pf_clients_add(c, &d, &why), -EIO);
	assert_true(*why.text);
	assert_true(pf_clients_remove(c, a.plane, a.fingerprint, NULL) < 0);
	strcpy(b.name, "c");
	assert_true(pf_clients_update(c, &b, NULL) < 0);
	assert_int_equal(pf_clients_count(c), 2);
	assert_non_null(pf_clients_find(c, a.plane, a.fingerprint));
	assert_string_equal(pf_clients_find(c, b.plane, b.fingerprint)->name, "b");
	assert_null(pf_clients_find(c, d.plane, d.fingerprint));
	assert_int_equal(unlink(f->dir), 0);
	assert_int_equal(rename(away, f->dir), 0);
	assert_int_equal(pf_clients_add(c, &d, NULL), 0);
	pf_clients_close(c);
	c = open_list(f->path);
	assert_int_equal(pf_clients_count(c), 3);
	pf_clients_close(c);
}

static void damaged_files_are_named_not_dropped(void **state)
{
#define FP "0000000000000000000000000000000000000000000000000000000000000001"
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "", ":1:" },
		{ "[]", "object" },
		{ "{\n\"version\": 1,\n\"clients\": [,]}", ":3:" },
		{ "{\"clients\": []}", "version" },
		{ "{\"version\": 2, \"clients\": []}", "version" },
		{ "{\"version\": 1, \"version\": 1, \"clients\": []}", "duplicate" },
		{ "{\"version\": 1, \"clients\": [\n\n3]}", ":3:" },
		{ "{\"version\": 1, \"clients\": [\n{\"plane\": \"x\"}]}", ":2: \"plane\"" },
		{ "{\"version\": 1, \"clients\": [\n{\"plane\": \"native\", \"fingerprint\": "
		  "\"00\"}]}",
			"fingerprint" },
		{ "{\"version\": 1, \"clients\": [\n{\"plane\": \"native\", \"fingerprint\": \"" FP
		  "\", \"grants\": \"root\"}]}",
			"grants" },
		{ "{\"version\": 1, \"clients\": [\n{\"plane\": \"native\", \"fingerprint\": \"" FP
		  "\", \"grants\": \"all\", \"paired\": \"yesterday\"}]}",
			"paired" },
		{ "{\"version\": 1, \"clients\": [\n{\"plane\": \"native\", \"fingerprint\": \"" FP
		  "\", \"grants\": \"all\"},\n"
		  "{\"plane\": \"native\", \"fingerprint\": \"" FP "\", \"grants\": \"all\"}]}",
			":3: this client is listed twice" },
	};
#undef FP
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pf_reason why = { 0 };
		struct pf_clients *c = NULL;
		uint8_t *text;
		size_t len;

		assert_int_equal(
			pf_file_replace(f->path, 0600, rows[i].text, strlen(rows[i].text), NULL),
			0);
		assert_int_equal(pf_clients_open(&c, f->path, NULL, &why), -EBADMSG);
		assert_null(c);
		if (!strstr(why.text, rows[i].words) || !strstr(why.text, "clients.json:"))
			fail_msg("%s: %s", rows[i].text, why.text);
		assert_int_equal(pf_file_read(f->path, 4096, &text, &len, NULL), 0);
		assert_string_equal((char *)text, rows[i].text);
		free(text);
	}
}

static void one_process_writes(void **state)
{
	struct fixture *f = *state;
	struct pf_clients *c = open_list(f->path);
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct pf_clients *mine = NULL;
		struct pf_reason why = { 0 };
		int r = pf_clients_open(&mine, f->path, NULL, &why);

		_exit(r == -EBUSY && strstr(why.text, "another punktfunk-host") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	pf_clients_close(c);
	pf_clients_close(open_list(f->path));
}

struct watched {
	struct pf_clients_watch w;
	unsigned count[4];
	char name[PF_CLIENT_NAME_BYTES];
	struct pf_loop *loop;
};

static void on_changed(
	struct pf_clients_watch *w, enum pf_client_change change, const struct pf_client *client)
{
	struct watched *x = (struct watched *)w;

	x->count[change]++;
	strcpy(x->name, client->name);
	if (x->loop && change == PF_CLIENT_EXPIRED)
		pf_loop_quit(x->loop, 0);
}

static void watchers_hear_of_changes(void **state)
{
	struct fixture *f = *state;
	struct pf_clients *c = open_list(f->path);
	struct watched x = { .w.changed = on_changed }, y = { .w.changed = on_changed };
	struct pf_client a = client_of(1, "a");

	pf_clients_watch(c, &x.w);
	pf_clients_watch(c, &y.w);
	assert_int_equal(pf_clients_add(c, &a, NULL), 0);
	assert_int_equal(pf_clients_add(c, &a, NULL), 0);
	strcpy(a.name, "b");
	assert_int_equal(pf_clients_update(c, &a, NULL), 0);
	pf_clients_unwatch(c, &y.w);
	assert_int_equal(pf_clients_remove(c, a.plane, a.fingerprint, NULL), 0);
	assert_int_equal(x.count[PF_CLIENT_ADDED], 1);
	assert_int_equal(x.count[PF_CLIENT_UPDATED], 2);
	assert_int_equal(x.count[PF_CLIENT_REMOVED], 1);
	assert_string_equal(x.name, "b");
	assert_int_equal(y.count[PF_CLIENT_REMOVED], 0);
	pf_clients_close(c);
}

static void waited_in_vain(void *user)
{
	pf_loop_quit(user, 1);
}

static void watchers_hear_when_time_runs_out(void **state)
{
	struct fixture *f = *state;
	struct pf_clients *c = open_list(f->path);
	struct watched x = { .w.changed = on_changed };
	struct pf_client a = client_of(1, "a"), b = client_of(2, "b");
	struct pf_timer *t = NULL;

	assert_int_equal(pf_loop_create(&x.loop), 0);
	pf_clients_watch(c, &x.w);
	b.expires_s = time(NULL) - 100; /* long over */
	assert_int_equal(pf_clients_add(c, &b, NULL), 0);
	pf_clients_run(c, x.loop);
	a.expires_s = time(NULL) + 1000;
	assert_int_equal(pf_clients_add(c, &a, NULL), 0);
	a.expires_s = time(NULL) + 1;
	assert_int_equal(pf_clients_update(c, &a, NULL), 0);
	assert_non_null(pf_clients_find(c, a.plane, a.fingerprint));
	assert_int_equal(pf_timer_start(&t, x.loop, 20 * PF_NS_PER_S, waited_in_vain, x.loop), 0);
	assert_int_equal(pf_loop_run(x.loop), 0);
	assert_int_equal(x.count[PF_CLIENT_EXPIRED], 1);
	assert_string_equal(x.name, "a");
	assert_null(pf_clients_find(c, a.plane, a.fingerprint));
	pf_timer_stop(&t);
	pf_clients_run(c, NULL);
	pf_loop_destroy(x.loop);
	pf_clients_close(c);
}

static unsigned inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (unsigned)st.st_ino;
}

static void seen_is_written_once_a_minute(void **state)
{
	struct fixture *f = *state;
	struct pf_clients *c = open_list(f->path);
	struct pf_client a = client_of(1, "a"), b = client_of(2, "b");
	unsigned inode;

	assert_int_equal(pf_clients_add(c, &a, NULL), 0);
	assert_int_equal(pf_clients_add(c, &b, NULL), 0);
	pf_clients_seen(c, a.plane, a.fingerprint);
	inode = inode_of(f->path);
	for (unsigned i = 0; i < 1000; i++) {
		pf_clients_seen(c, b.plane, b.fingerprint);
		pf_clients_seen(c, PF_PLANE_NATIVE, a.fingerprint); /* nobody */
	}
	assert_int_equal(inode_of(f->path), inode);
	assert_true(pf_clients_find(c, b.plane, b.fingerprint)->seen_s >= time(NULL) - 5);
	pf_clients_close(c); /* the rest */
	c = open_list(f->path);
	assert_true(pf_clients_find(c, a.plane, a.fingerprint)->seen_s >= time(NULL) - 60);
	assert_true(pf_clients_find(c, b.plane, b.fingerprint)->seen_s >= time(NULL) - 60);
	pf_clients_close(c);
}

static void quit(void *user, void *msg)
{
	pf_loop_quit(user, 0);
}

/* The worker's older list never replaces a newer one. */
static void seen_on_a_worker_loses_no_change(void **state)
{
	struct fixture *f = *state;

	for (unsigned round = 0; round < 30; round++) {
		struct pf_client a = client_of(1, "a"), b = client_of(2, "b");
		struct pf_clients *c = NULL;
		struct pf_workers *w = NULL;
		struct pf_loop *l = NULL;

		each_file(f->dir, true);
		assert_int_equal(pf_loop_create(&l), 0);
		assert_int_equal(pf_workers_create(&w, l), 0);
		assert_int_equal(pf_clients_open(&c, f->path, w, NULL), 0);
		assert_int_equal(pf_clients_add(c, &a, NULL), 0);
		pf_clients_seen(c, a.plane, a.fingerprint); /* hands the list of one away */
		if (round & 1)
			usleep(round * 50);
		assert_int_equal(pf_clients_add(c, &b, NULL), 0);
		if (round & 2) {
			assert_int_equal(pf_loop_post(l, quit, l, NULL, 0), 0);
			assert_int_equal(pf_loop_run(l), 0);
		}
		pf_workers_destroy(w);
		pf_loop_destroy(l);
		pf_clients_close(c);
		c = open_list(f->path);
		assert_int_equal(pf_clients_count(c), 2);
		assert_true(pf_clients_find(c, a.plane, a.fingerprint)->seen_s);
		pf_clients_close(c);
	}
}

/* What the parent knows of a writer that it kills. */
struct progress {
	volatile unsigned begun, done; /* operations */
};

#define SLOTS 8

/* Operation n turns one of a few slots: adds its client, or removes it. */
static void operate(struct pf_clients *c, unsigned n)
{
	struct pf_client a = client_of(n * 5 % SLOTS, "client");

	if (n / SLOTS % 2 == 0)
		assert_int_equal(pf_clients_add(c, &a, NULL), 0);
	else
		assert_int_equal(pf_clients_remove(c, a.plane, a.fingerprint, NULL), 0);
}

static unsigned state_after(unsigned operations)
{
	unsigned slots = 0;

	for (unsigned n = 0; n < operations; n++)
		slots ^= 1u << n * 5 % SLOTS;
	return slots;
}

static unsigned state_of(const struct pf_clients *c)
{
	unsigned slots = 0;

	for (unsigned i = 0; i < SLOTS; i++) {
		struct pf_client a = client_of(i, "");

		if (pf_clients_find(c, a.plane, a.fingerprint))
			slots |= 1u << i;
	}
	return slots;
}

static void killed_at_any_point_it_has_the_old_or_new_state(void **state)
{
	struct fixture *f = *state;
	struct progress *p =
		mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned seed = 1, killed_inside = 0;

	assert_true(p != MAP_FAILED);
	for (unsigned round = 0; round < 150; round++) {
		struct pf_clients *c;
		unsigned got;
		pid_t pid;

		each_file(f->dir, true);
		p->begun = p->done = 0;
		pid = fork();
		assert_true(pid >= 0);
		if (!pid) {
			c = open_list(f->path);
			for (unsigned n = 0;; n++) {
				p->begun = n + 1;
				operate(c, n);
				p->done = n + 1;
			}
		}
		while (!p->begun)
			usleep(100);
		usleep((useconds_t)(rand_r(&seed) % 20000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		killed_inside += p->begun != p->done;

		c = open_list(f->path); /* always readable */
		pf_dir_sweep(f->dir);	/* as the host does when it has the lock */
		/* The file and its lock; what was half written is gone. */
		assert_true(each_file(f->dir, false) <= 2);
		got = state_of(c);
		if (got != state_after(p->done) && got != state_after(p->begun))
			fail_msg("round %u: state %x after %u to %u operations", round, got,
				p->done, p->begun);
		pf_clients_close(c);
	}
	assert_true(killed_inside > 0); /* else nothing was tried */
	munmap(p, sizeof(*p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps_what_it_was_told, setup, teardown),
		cmocka_unit_test_setup_teardown(one_past_its_expiry_is_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_names_are_made_harmless, setup, teardown),
		cmocka_unit_test_setup_teardown(is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_write_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			damaged_files_are_named_not_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(one_process_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(watchers_hear_of_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(watchers_hear_when_time_runs_out, setup, teardown),
		cmocka_unit_test_setup_teardown(seen_is_written_once_a_minute, setup, teardown),
		cmocka_unit_test_setup_teardown(seen_on_a_worker_loses_no_change, setup, teardown),
		cmocka_unit_test_setup_teardown(
			killed_at_any_point_it_has_the_old_or_new_state, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
