/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "guest/oracle.h"
#include "guest/payload.h"

#define ARGUMENT_WORDS_LIMIT 96
#define ARGUMENT_BYTES	     8192
#define DISK_BYTES	     (UINT64_C(256) << 20)

struct machine {
	int initramfs, console, disk; /* anonymous files, inherited by QEMU under these numbers */
	int output;		      /* read end of the second serial port */
	struct oracle oracle;	      /* behind the third */
	int process;		      /* pidfd of QEMU */
	pid_t pid;
};

struct command_line {
	char text[ARGUMENT_BYTES];
	size_t used_bytes;
	char *words[ARGUMENT_WORDS_LIMIT + 1];
	size_t count;
};

static void add_word(struct command_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_word(struct command_line *line, const char *format, ...)
{
	va_list values;
	const size_t free_bytes = sizeof(line->text) - line->used_bytes;

	va_start(values, format);
	char *word = line->text + line->used_bytes;
	const int length = vsnprintf(word, free_bytes, format, values);
	va_end(values);
	/* The words are ours but for the kernel's arguments, whose length guest_run() has checked.
	 */
	if (length < 0 || (size_t)length >= free_bytes || line->count == ARGUMENT_WORDS_LIMIT)
		abort();
	line->words[line->count++] = word;
	line->used_bytes += (size_t)length + 1;
}

/* Hardware virtualisation is used where this CPU offers it; a nested or paravirtual /dev/kvm that
 * offers no such flag emulates supervisor code, slower and less faithfully than QEMU does. */
static bool kvm_works(void)
{
	char *line = NULL;
	size_t line_bytes = 0;
	bool found = false;
	FILE *file = access("/dev/kvm", R_OK | W_OK) == 0 ? fopen("/proc/cpuinfo", "re") : NULL;

	if (file == NULL)
		return false;
	while (!found && getline(&line, &line_bytes, file) > 0)
		found = strncmp(line, "flags", 5) == 0 &&
			(strstr(line, " svm ") != NULL || strstr(line, " vmx ") != NULL);
	free(line);
	(void)fclose(file);
	return found;
}

static void add_nodes(struct command_line *line, const struct guest *guest)
{
	unsigned cpu = 0;

	if (guest->nodes <= 1)
		return;
	for (unsigned node = 0; node < guest->nodes; node++) {
		const unsigned last = (node + 1) * guest->cpus / guest->nodes;

		add_word(line, "-object");
		add_word(line, "memory-backend-ram,id=m%u,size=%uM", node,
			guest->memory_mib / guest->nodes);
		add_word(line, "-numa");
		/* A node without a CPU is legal: memory only. */
		if (last > cpu)
			add_word(line, "node,nodeid=%u,memdev=m%u,cpus=%u-%u", node, node, cpu,
				last - 1);
		else
			add_word(line, "node,nodeid=%u,memdev=m%u", node, node);
		cpu = last > cpu ? last : cpu;
	}
}

static void compose(struct command_line *line, const struct guest *guest,
	const struct guest_kernel *kernel, const struct machine *machine)
{
	const bool kvm = kvm_works();

	add_word(line, "qemu-system-x86_64");
	add_word(line, "-nodefaults");
	add_word(line, "-no-user-config");
	add_word(line, "-display");
	add_word(line, "none");
	add_word(line, "-no-reboot");
	add_word(line, "-accel");
	add_word(line, kvm ? "kvm" : "tcg");
	add_word(line, "-cpu");
	/* Emulated, string instructions that are said to be fast go byte by byte, and others word
	 * by word, each with a look at whether somebody interrupts: a kernel that believes in
	 * neither clears and copies pages with plain moves, in a third of the time. It takes them
	 * for slow on a K8 of this model. linux:6.12:arch/x86/kernel/cpu/amd.c:init_amd_k8 */
	add_word(line, "%s,la57=%s%s",
		guest->cpu != NULL ? guest->cpu
		: kvm		   ? "max"
				   : "max,family=15,model=5,stepping=0",
		guest->five_level ? "on" : "off", kvm ? "" : ",erms=off,fsrm=off");
	add_word(line, "-smp");
	add_word(line, "%u", guest->cpus);
	add_word(line, "-m");
	add_word(line, "%uM", guest->memory_mib / guest->nodes * guest->nodes);
	add_nodes(line, guest);
	add_word(line, "-kernel");
	add_word(line, "%s", kernel->image);
	add_word(line, "-initrd");
	add_word(line, "/dev/fd/%d", machine->initramfs);
	add_word(line, "-append");
	/* A panic stops the machine at once: with -no-reboot QEMU then exits with 0. A busy host
	 * ticks late, and a kernel with an I/O APIC that counts ticks gives up. The kernel's tests
	 * of its own ciphers take longer, emulated, than the rest of its start. What it says at its
	 * start is asked for after many a shortage, each of which it tells at length. Nobody is
	 * kept from anything here: without the modules that look up the name of each file that is
	 * opened, and without the detour around each call through a pointer, an exec takes a fifth
	 * less. */
	add_word(line,
		"console=ttyS0 quiet loglevel=4 panic=-1 no_timer_check cryptomgr.notests "
		"log_buf_len=1M security=none spectre_v2=off %s",
		guest->kernel_arguments != NULL ? guest->kernel_arguments : "");
	add_word(line, "-serial");
	add_word(line, "file:/dev/fd/%d", machine->console);
	add_word(line, "-chardev");
	add_word(line, "stdio,id=result,signal=off");
	add_word(line, "-serial");
	add_word(line, "chardev:result");
	add_word(line, "-chardev");
	add_word(line, "socket,id=oracle,fd=%d", machine->oracle.port_inside);
	add_word(line, "-serial");
	add_word(line, "chardev:oracle");
	add_word(line, "-chardev");
	add_word(line, "socket,id=monitor,fd=%d", machine->oracle.monitor_inside);
	add_word(line, "-mon");
	add_word(line, "chardev=monitor,mode=control");
	add_word(line, "-drive");
	add_word(line, "if=none,id=disk,format=raw,file=/dev/fd/%d", machine->disk);
	add_word(line, "-device");
	add_word(line, "virtio-blk-pci,drive=disk");
	line->words[line->count] = NULL;
}

/* A file system made on the host in an anonymous file, for the claims about real files. */
static int make_disk(void)
{
	char path[64];
	int status = 0;
	const int disk = memfd_create("mmconform-disk", 0);

	if (disk < 0 || ftruncate(disk, (off_t)DISK_BYTES) != 0)
		return disk;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", disk);
	const pid_t child = fork();
	if (child == 0) {
		const int null = open("/dev/null", O_RDWR);
		if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
			_exit(127);
		/* The kernel's page cache is under test, not ext4's journal: none, so that only
		 * what a test writes is written; and blocks of pages, as a large disk has. */
		(void)execlp("mke2fs", "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-O",
			"^has_journal", "-E", "lazy_itable_init=0", path, (char *)NULL);
		_exit(127);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	/* Without mke2fs the disk stays empty, the guest cannot mount it and uses tmpfs. */
	return disk;
}

static _Noreturn void become_qemu(
	const struct command_line *line, const struct machine *machine, int output, pid_t parent)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* The machine dies with the harness, however that ends. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(127);
	(void)setpgid(0, 0);
	/* What QEMU translated it finds again in a table of megabytes, at every jump after a change
	 * of address space: on huge pages that is a tenth faster. */
	(void)setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(output, STDOUT_FILENO);
	(void)dup2(machine->console, STDERR_FILENO);
	(void)execvp(line->words[0], line->words);
	(void)dprintf(STDERR_FILENO, "%s: %s\n", line->words[0], strerror(errno));
	_exit(127);
}

static int start(
	struct machine *machine, const struct guest *guest, const struct guest_kernel *kernel)
{
	struct command_line *line = calloc(1, sizeof(*line));
	const pid_t parent = getpid();
	int ends[2];

	if (line == NULL || pipe2(ends, O_CLOEXEC) != 0) {
		free(line);
		return -errno;
	}
	compose(line, guest, kernel, machine);
	machine->pid = fork();
	if (machine->pid == 0)
		become_qemu(line, machine, ends[1], parent);
	(void)close(ends[1]);
	oracle_started(&machine->oracle);
	free(line);
	machine->output = ends[0];
	machine->process = machine->pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, machine->pid, 0);
	return machine->process < 0 ? -errno : 0;
}

static int64_t milliseconds_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Where the output goes, which comes packed; behind its end comes the command's exit status. */
struct receiver {
	ZSTD_DStream *stream;
	bool whole;	 /* it had its own end */
	int exit_status; /* -1: it did not come */
	guest_sink *sink;
	void *context;
	unsigned char packed[65536];
};

/* Makes what came plain again and passes it on. False when that is not to be, or not wanted. */
static bool pass_on(struct receiver *receiver, size_t size_bytes)
{
	ZSTD_inBuffer input = {receiver->packed, size_bytes, 0};
	unsigned char bytes[65536];
	bool more = true;

	/* What did not fit the last time is still in the stream when nothing new is left. */
	while (!receiver->whole && (more || input.pos != input.size)) {
		ZSTD_outBuffer plain = {bytes, sizeof(bytes), 0};
		const size_t left = ZSTD_decompressStream(receiver->stream, &plain, &input);
		if (ZSTD_isError(left))
			return false;
		if (plain.pos != 0 &&
			receiver->sink(receiver->context, (const char *)bytes, plain.pos) < 0)
			return false;
		receiver->whole = left == 0;
		more = plain.pos == plain.size;
	}
	if (receiver->exit_status < 0 && input.pos != input.size)
		receiver->exit_status = receiver->packed[input.pos];
	return true;
}

/* Passes the output on until it ends. Returns how: an end that is known here, or GUEST_VANISHED. */
static enum guest_end pump(struct machine *machine, const struct guest *guest, int stop_descriptor,
	struct receiver *receiver)
{
	const int64_t deadline_ms = milliseconds_now() + (int64_t)guest->deadline_s * 1000;

	for (;;) {
		struct pollfd waits[] = {
			{.fd = machine->output, .events = POLLIN},
			{.fd = stop_descriptor, .events = POLLIN},
			{.fd = machine->oracle.port, .events = POLLIN},
		};
		const int64_t left_ms = deadline_ms - milliseconds_now();
		if (left_ms <= 0)
			return GUEST_OVERDUE;
		const int ready = poll(waits, 3, (int)left_ms);
		if (ready < 0 && errno != EINTR)
			return GUEST_VANISHED;
		if (ready > 0 && waits[1].revents != 0)
			return GUEST_CANCELLED;
		if (ready > 0 && (waits[2].revents & POLLIN) != 0 &&
			oracle_serve(&machine->oracle) != 0)
			return GUEST_VANISHED;
		if (ready <= 0 || waits[0].revents == 0)
			continue;
		const ssize_t got_bytes =
			read(machine->output, receiver->packed, sizeof(receiver->packed));
		if (got_bytes <= 0)
			return GUEST_VANISHED;
		if (!pass_on(receiver, (size_t)got_bytes))
			return GUEST_CANCELLED;
	}
}

static void read_console(const struct machine *machine, struct guest_result *result)
{
	const off_t size_bytes = lseek(machine->console, 0, SEEK_END);
	const off_t room_bytes = (off_t)sizeof(result->console) - 1;
	const off_t from = size_bytes > room_bytes ? size_bytes - room_bytes : 0;
	const ssize_t got_bytes =
		pread(machine->console, result->console, sizeof(result->console) - 1, from);

	result->console[got_bytes > 0 ? got_bytes : 0] = '\0';
}

/* The console line that holds word, for the reason text. */
static void quote_line(const char *console, const char *word, char *why, size_t why_bytes)
{
	const char *at = strstr(console, word);
	const char *start = at;

	while (start > console && start[-1] != '\n')
		start--;
	(void)snprintf(why, why_bytes, "%.*s", (int)strcspn(start, "\r\n"), start);
}

static void conclude(struct guest_result *result, enum guest_end pumped, int exit_status,
	int status, const struct guest *guest)
{
	const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	result->end = pumped;
	if (pumped == GUEST_OVERDUE) {
		(void)snprintf(result->why, sizeof(result->why),
			"the guest did not end within %u s", guest->deadline_s);
	} else if (strstr(result->console, "Kernel panic") != NULL) {
		result->end = GUEST_PANICKED;
		quote_line(result->console, "Kernel panic", result->why, sizeof(result->why));
	} else if (pumped == GUEST_VANISHED && exit_status >= 0) {
		result->end = GUEST_ENDED;
		result->exit_status = exit_status;
	} else if (pumped == GUEST_VANISHED && (code == 1 || code == 127)) {
		result->end = GUEST_NOT_STARTED;
		(void)snprintf(result->why, sizeof(result->why), "QEMU could not start: %.*s",
			(int)strcspn(result->console, "\r\n"), result->console);
	} else if (pumped == GUEST_VANISHED) {
		(void)snprintf(result->why, sizeof(result->why),
			"the guest stopped without a panic and without a whole result");
	} else {
		(void)snprintf(result->why, sizeof(result->why), "the run was stopped");
	}
}

static void release(struct machine *machine)
{
	const int descriptors[] = {machine->initramfs, machine->console, machine->disk,
		machine->output, machine->process};

	oracle_close(&machine->oracle);
	for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
		if (descriptors[i] >= 0)
			(void)close(descriptors[i]);
}

static int prepare(struct machine *machine, const struct guest *guest,
	const struct guest_kernel *kernel, struct guest_result *result)
{
	struct image image;
	int error = image_open(&image);

	if (error != 0)
		return error;
	machine->initramfs = image.descriptor;
	error = payload_add(&image, guest, kernel, result->why, sizeof(result->why));
	if (error == 0)
		error = image_finish(&image);
	machine->console = memfd_create("mmconform-console", 0);
	machine->disk = make_disk();
	if (error == 0 && (machine->console < 0 || machine->disk < 0))
		error = -errno;
	return error == 0 ? oracle_open(&machine->oracle) : error;
}

int guest_run(const struct guest *guest, const struct guest_kernel *kernel, int stop_descriptor,
	guest_sink *sink, void *context, struct guest_result *result)
{
	struct machine machine = {.initramfs = -1,
		.console = -1,
		.disk = -1,
		.output = -1,
		.oracle = {.port = -1, .port_inside = -1, .monitor = -1, .monitor_inside = -1},
		.process = -1,
		.pid = -1};
	int status = 0;

	*result = (struct guest_result){.end = GUEST_NOT_STARTED};
	if (guest->kernel_arguments != NULL && strlen(guest->kernel_arguments) > 2048) {
		(void)snprintf(result->why, sizeof(result->why),
			"the kernel's arguments are longer than its command line");
		return -E2BIG;
	}
	int error = prepare(&machine, guest, kernel, result);
	if (error == 0)
		error = start(&machine, guest, kernel);
	if (error == 0) {
		struct receiver receiver = {.stream = ZSTD_createDStream(),
			.exit_status = -1,
			.sink = sink,
			.context = context};
		if (receiver.stream == NULL)
			abort();
		const enum guest_end pumped = pump(&machine, guest, stop_descriptor, &receiver);
		(void)ZSTD_freeDStream(receiver.stream);
		/* Its output has ended or is not wanted any more: a machine that still runs must
		 * go. */
		if (pumped != GUEST_VANISHED)
			(void)kill(machine.pid, SIGKILL);
		while (waitpid(machine.pid, &status, 0) < 0 && errno == EINTR) {
		}
		read_console(&machine, result);
		conclude(result, pumped, receiver.exit_status, status, guest);
	}
	release(&machine);
	return error;
}
