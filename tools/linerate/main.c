/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "tools/linerate/linerate.h"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

void pf_linerate_keys(struct pf_media_keys *keys)
{
	*keys = (struct pf_media_keys){ .alg = PF_AEAD_AES128_GCM };
	memset(keys->key, 0x42, 16);
	memset(keys->salt, 0x17, sizeof(keys->salt));
}

static int buffer_bytes(int fd, int name)
{
	int v = 0;

	(void)getsockopt(fd, SOL_SOCKET, name, &v, &(socklen_t){ sizeof(v) });
	return v / 2; /* the kernel doubles it for its own needs */
}

void pf_linerate_buffers(int fd, uint32_t bytes)
{
	static const struct {
		int forced, plain;
		const char *what, *setting;
	} b[] = {
		{ SO_RCVBUFFORCE, SO_RCVBUF, "receive", "rmem_max" },
		{ SO_SNDBUFFORCE, SO_SNDBUF, "send", "wmem_max" },
	};

	for (unsigned i = 0; i < 2; i++) {
		int want = (int)bytes;

		if (setsockopt(fd, SOL_SOCKET, b[i].forced, &want, sizeof(want)))
			(void)setsockopt(fd, SOL_SOCKET, b[i].plain, &want, sizeof(want));
		if (buffer_bytes(fd, b[i].plain) < want)
			fprintf(stderr,
				"pf-linerate: %s buffer of %d kB instead of %d: as root, or with "
				"sysctl "
				"net.core.%s=%d\n",
				b[i].what, buffer_bytes(fd, b[i].plain) / 1024, want / 1024,
				b[i].setting, want);
	}
}

uint64_t pf_linerate_rss_kb(void)
{
	unsigned long total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%lu %lu", &total, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

uint64_t pf_linerate_cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * PF_NS_PER_S +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * PF_NS_PER_US;
}

int main(int argc, char **argv)
{
	struct pf_linerate_options o;
	struct pf_reason why = { 0 };
	FILE *out;
	int err;

	if (pf_linerate_parse(&o, argc, argv, &why)) {
		fprintf(stderr, "pf-linerate: %s\n", why.text);
		return EXIT_USAGE;
	}
	if (o.help) {
		fputs(pf_linerate_help(), stdout);
		return EXIT_OK;
	}
	out = o.report ? fopen(o.report, "we") : stdout;
	if (!out) {
		fprintf(stderr, "pf-linerate: cannot write %s: %s\n", o.report, strerror(errno));
		return EXIT_FAILED;
	}
	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	err = o.sends ? pf_linerate_send(&o, out, &why) : pf_linerate_receive(&o, out, &why);
	if (err)
		fprintf(stderr, "pf-linerate: %s\n", why.text);
	if (fflush(out) || (out != stdout && fclose(out)))
		err = -EIO;
	return err ? EXIT_FAILED : EXIT_OK;
}
