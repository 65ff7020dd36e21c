/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of a guest: mounts what a host has mounted, runs mmconform with the arguments
 * of the run, sends what it prints, packed, over the second serial port, and its exit status behind
 * that. Static and without the harness, so that it runs on any kernel.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <zstd.h>

#include "guest/payload.h"

#define ARGUMENTS_LIMIT 256
/* finit_module(2): the file is compressed, the kernel unpacks it. */
#define INIT_COMPRESSED_FILE 4
/* The command said nothing of itself: our own failure. */
#define EXIT_LOST    3
#define PLAIN_BYTES  65536
#define PACKED_BYTES 65536
/* Half the bytes of the fastest deflate, in a quarter of its time. */
#define PACKED_LEVEL 3
#define LINGER_MS    200

static const struct {
	const char *source, *target, *type, *options;
} mounts[] = {
	{"proc", "/proc", "proc", NULL},
	{"sysfs", "/sys", "sysfs", NULL},
	{"devtmpfs", "/dev", "devtmpfs", NULL},
	{"tmpfs", "/tmp", "tmpfs", "mode=1777"},
	{"tmpfs", "/run", "tmpfs", "mode=755"},
	{"tmpfs", "/dev/shm", "tmpfs", "mode=1777"},
	{"cgroup2", "/sys/fs/cgroup", "cgroup2", NULL},
	{"debugfs", "/sys/kernel/debug", "debugfs", NULL},
	{"tracefs", "/sys/kernel/tracing", "tracefs", NULL},
};

/* A kernel without one of these is a kernel without it: what needs it is skipped there. */
static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		(void)mkdir(mounts[i].target, 0755);
		(void)mount(
			mounts[i].source, mounts[i].target, mounts[i].type, 0, mounts[i].options);
	}
}

static int is_module(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void load_modules(void)
{
	struct dirent **names = NULL;
	const int count = scandir(GUEST_MODULES_PATH, &names, is_module, alphasort);

	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		(void)snprintf(path, sizeof(path), "%s/%s", GUEST_MODULES_PATH, names[i]->d_name);
		const int file = open(path, O_RDONLY | O_CLOEXEC);
		if (file >= 0) {
			const int flags = strstr(path, ".xz") != NULL ? INIT_COMPRESSED_FILE : 0;
			if (syscall(SYS_finit_module, file, "", flags) != 0 && errno != EEXIST)
				(void)fprintf(stderr, "init: %s: %s\n", path, strerror(errno));
			(void)close(file);
		}
		free(names[i]);
	}
	free(names);
}

/* A disk with a file system for the claims about real files; without one they see tmpfs. */
static void mount_disk(void)
{
	(void)mount("/dev/vda", "/var/tmp", "ext4", 0, NULL);
	(void)chmod("/var/tmp", 01777);
}

static int open_result_port(void)
{
	struct termios attributes;
	const int port = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);

	/* Raw, or each newline would become two bytes. */
	if (port >= 0 && tcgetattr(port, &attributes) == 0) {
		cfmakeraw(&attributes);
		(void)tcsetattr(port, TCSANOW, &attributes);
	}
	return port;
}

static char *arguments_text(size_t *size_bytes)
{
	static char text[16384];
	const int file = open(GUEST_ARGUMENTS_PATH, O_RDONLY | O_CLOEXEC);
	const ssize_t got_bytes = file < 0 ? -1 : read(file, text, sizeof(text) - 1);

	*size_bytes = got_bytes < 0 ? 0 : (size_t)got_bytes;
	return text;
}

/* --- what the command prints, packed --------------------------------------------------------- */

struct packer {
	ZSTD_CStream *stream;
	int port;
	unsigned char packed[PACKED_BYTES];
};

static void write_port(int port, const unsigned char *bytes, size_t size_bytes)
{
	while (size_bytes != 0) {
		const ssize_t written = write(port, bytes, size_bytes);
		if (written < 0 && errno != EINTR)
			return;
		bytes += written > 0 ? written : 0;
		size_bytes -= written > 0 ? (size_t)written : 0;
	}
}

static void pack(
	struct packer *packer, const unsigned char *bytes, size_t size_bytes, ZSTD_EndDirective how)
{
	ZSTD_inBuffer input = {bytes, size_bytes, 0};
	size_t left;

	do {
		ZSTD_outBuffer packed = {packer->packed, sizeof(packer->packed), 0};
		left = ZSTD_compressStream2(packer->stream, &packed, &input, how);
		if (ZSTD_isError(left))
			return;
		write_port(packer->port, packer->packed, packed.pos);
	} while (how == ZSTD_e_continue ? input.pos != input.size : left != 0);
}

/*
 * A serial port passes a byte for each exit to the emulator, and every kernel has one: so the
 * record goes out packed, and is made whole on the host. What was printed is sent at the latest
 * when nothing more came for a while, so that a guest that dies has told what it knew.
 */
static void send_packed(int from, int child, int port)
{
	static struct packer packer;
	static unsigned char plain[PLAIN_BYTES];
	bool waits = false;

	packer.port = port;
	packer.stream = ZSTD_createCStream();
	if (packer.stream == NULL || ZSTD_isError(ZSTD_CCtx_setParameter(
					     packer.stream, ZSTD_c_compressionLevel, PACKED_LEVEL)))
		return;
	for (;;) {
		/* What the command left behind may hold its end of the pipe for ever. */
		struct pollfd inputs[] = {
			{.fd = from, .events = POLLIN}, {.fd = child, .events = POLLIN}};
		const int ready = poll(inputs, 2, waits ? LINGER_MS : -1);
		if (ready > 0 && inputs[0].revents == 0)
			break;
		if (ready == 0) {
			pack(&packer, plain, 0, ZSTD_e_flush);
			waits = false;
			continue;
		}
		const ssize_t got_bytes = ready < 0 ? -1 : read(from, plain, sizeof(plain));
		if (got_bytes < 0 && errno == EINTR)
			continue;
		if (got_bytes <= 0)
			break;
		pack(&packer, plain, (size_t)got_bytes, ZSTD_e_continue);
		waits = true;
	}
	pack(&packer, plain, 0, ZSTD_e_end);
}

/* --- the command ----------------------------------------------------------------------------- */

static _Noreturn void become_command(int output)
{
	static char *arguments[ARGUMENTS_LIMIT] = {"mmconform"};
	size_t size_bytes = 0, count = 1;
	char *text = arguments_text(&size_bytes);

	for (size_t at = 0; at < size_bytes && count < ARGUMENTS_LIMIT - 1;
		at += strlen(text + at) + 1)
		arguments[count++] = text + at;
	(void)dup2(output, STDOUT_FILENO);
	(void)setsid();
	(void)setenv("PATH", "/mmconform/bin", 1);
	(void)setenv("HOME", "/root", 1);
	(void)setenv("TERM", "dumb", 1);
	(void)setenv("TMPDIR", "/var/tmp", 1);
	(void)setenv("MMCONFORM_DATA", GUEST_DATA_PATH, 1);
	(void)execv(GUEST_PROGRAM_PATH, arguments);
	(void)fprintf(stderr, "init: %s: %s\n", GUEST_PROGRAM_PATH, strerror(errno));
	_exit(EXIT_LOST);
}

static int run_command(int port)
{
	int ends[2], status = 0;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return EXIT_LOST;
	const pid_t child = fork();
	if (child == 0)
		become_command(ends[1]);
	(void)close(ends[1]);
	send_packed(ends[0], (int)syscall(SYS_pidfd_open, child, 0), port);
	/* The first process also buries orphans: only its own child's end is the end. */
	for (;;) {
		const pid_t ended = wait(&status);
		if (ended == child && WIFEXITED(status))
			return WEXITSTATUS(status);
		if (ended == child) {
			(void)fprintf(stderr, "init: mmconform was killed by signal %d\n",
				WTERMSIG(status));
			return EXIT_LOST;
		}
		if (ended < 0 && errno == ECHILD)
			return EXIT_LOST;
	}
}

int main(void)
{
	mount_all();
	const int console = open("/dev/console", O_RDWR);
	if (console >= 0) {
		(void)dup2(console, STDIN_FILENO);
		(void)dup2(console, STDERR_FILENO);
	}
	load_modules();
	mount_disk();
	const int port = open_result_port();
	if (port >= 0) {
		/* Behind the end of what was packed: without it the machine has not ended well. */
		const unsigned char status = (unsigned char)run_command(port);
		write_port(port, &status, sizeof(status));
		(void)tcdrain(port);
	} else {
		(void)fprintf(stderr, "init: no second serial port: %s\n", strerror(errno));
	}
	(void)tcdrain(STDERR_FILENO);
	/* QEMU was told to stop instead. */
	(void)reboot(RB_AUTOBOOT);
	return 0;
}
