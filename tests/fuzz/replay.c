/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* replay.c - main of a fuzz target without a fuzzer: runs every file of the
 * folders and files named, and every prefix of each. With PF_FUZZ_ALLOC it puts
 * each value of the byte that alloc_fail.c wants in front. */
#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#undef LLVMFuzzerTestOneInput
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (1 << 20)

static unsigned files, runs;

/* Exact allocation: a sanitizer sees the first byte read too far. */
static void run_one(int lead, const uint8_t *data, size_t len)
{
	size_t head = lead >= 0;
	uint8_t *copy = malloc(head + len ? head + len : 1);

	if (!copy) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	if (head)
		copy[0] = (uint8_t)lead;
	memcpy(copy + head, data, len);
	LLVMFuzzerTestOneInput(copy, head + len);
	free(copy);
	runs++;
}

static bool run_file(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	size_t len;

	if (!f) {
		perror(path);
		return false;
	}
	len = fread(data, 1, sizeof(data), f);
	if (ferror(f)) {
		perror(path);
		fclose(f);
		return false;
	}
	fclose(f);
	files++;
	fprintf(stderr, "# %s\n", path);
#ifdef PF_FUZZ_ALLOC
	for (int lead = 0; lead < 256; lead++)
		run_one(lead, data, len);
#else
	for (size_t n = len > 2048 ? len : 0; n <= len; n++)
		run_one(-1, data, n);
#endif
	return true;
}

static bool run_path(const char *path)
{
	struct dirent **names;
	struct stat st;
	bool ok = true;
	int n;

	if (stat(path, &st) < 0) {
		perror(path);
		return false;
	}
	if (!S_ISDIR(st.st_mode))
		return run_file(path);
	n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			ok = run_file(file) && ok;
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return ok && n >= 0;
}

int main(int argc, char **argv)
{
	bool ok = true;

	for (int i = 1; i < argc; i++)
		ok = run_path(argv[i]) && ok;
	printf("%u files, %u runs\n", files, runs);
	if (!files)
		fprintf(stderr, "no inputs: a target needs a corpus\n");
	return ok && files ? 0 : 1;
}
