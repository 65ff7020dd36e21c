/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of a guest: mounts what a host has mounted, runs mmconform with the arguments
 * of the run, sends what it prints over the second serial port, and ends the machine with its exit
 * status. Static and without the harness, so that it runs on any kernel.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "guest/payload.h"

#define ARGUMENTS_LIMIT 256
/* finit_module(2): the file is compressed, the kernel unpacks it. */
#define INIT_COMPRESSED_FILE 4
/* QEMU's isa-debug-exit ends with (value << 1) | 1, so the host tells it from QEMU's own failures.
 */
#define EXIT_PORT	0xf4
#define EXIT_VALUE_BASE 0x20

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

static int run_command(int port)
{
	static char *arguments[ARGUMENTS_LIMIT] = {"mmconform"};
	size_t size_bytes = 0, count = 1;
	int status = 0;
	char *text = arguments_text(&size_bytes);

	for (size_t at = 0; at < size_bytes && count < ARGUMENTS_LIMIT - 1;
		at += strlen(text + at) + 1)
		arguments[count++] = text + at;
	const pid_t child = fork();
	if (child == 0) {
		if (port >= 0)
			(void)dup2(port, STDOUT_FILENO);
		(void)setsid();
		(void)setenv("PATH", "/mmconform/bin", 1);
		(void)setenv("HOME", "/root", 1);
		(void)setenv("TMPDIR", "/var/tmp", 1);
		(void)setenv("MMCONFORM_DATA", GUEST_DATA_PATH, 1);
		(void)execv(GUEST_PROGRAM_PATH, arguments);
		(void)fprintf(stderr, "init: %s: %s\n", GUEST_PROGRAM_PATH, strerror(errno));
		_exit(3);
	}
	/* The first process also buries orphans: only its own child's end is the end. */
	for (;;) {
		const pid_t ended = wait(&status);
		if (ended == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
		if (ended < 0 && errno == ECHILD)
			return 3;
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
	const int status = run_command(port);
	if (port >= 0)
		(void)tcdrain(port);
	if (iopl(3) == 0)
		outb((unsigned char)(EXIT_VALUE_BASE | (status & 0x1f)), EXIT_PORT);
	(void)reboot(RB_POWER_OFF);
	return 0;
}
