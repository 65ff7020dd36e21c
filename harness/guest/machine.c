/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/payload.h"

#define ARGUMENT_WORDS_LIMIT 96
#define ARGUMENT_BYTES	     8192
#define DISK_BYTES	     (UINT64_C(256) << 20)
#define COPY_BYTES	     ((size_t)1 << 20)

struct command_line {
	char text[ARGUMENT_BYTES];
	size_t used_bytes;
	char *words[ARGUMENT_WORDS_LIMIT + 1];
	size_t count;
};

/* --- the command line ------------------------------------------------------------------------ */

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

/* waits: for the state of another machine, instead of starting anew. */
static void compose(struct command_line *line, const struct guest *guest,
	const struct guest_kernel *kernel, const struct machine *machine, bool waits)
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
	add_word(line, "socket,id=monitor,fd=%d", machine->oracle.monitor.inside);
	add_word(line, "-mon");
	add_word(line, "chardev=monitor,mode=control");
	add_word(line, "-drive");
	add_word(line, "if=none,id=disk,format=raw,file=/dev/fd/%d", machine->disk);
	add_word(line, "-device");
	add_word(line, "virtio-blk-pci,drive=disk");
	if (waits) {
		add_word(line, "-incoming");
		add_word(line, "defer");
	}
	line->words[line->count] = NULL;
}

/* --- the disk -------------------------------------------------------------------------------- */

/* A file system made on the host in an anonymous file, for the claims about real files. */
static int make_disk(void)
{
	char path[64];
	int status = 0;
	const int disk = memfd_create("mmconform-disk", MFD_CLOEXEC);

	if (disk < 0 || ftruncate(disk, (off_t)DISK_BYTES) != 0)
		return disk;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", disk);
	const pid_t child = fork();
	if (child == 0) {
		const int null = open("/dev/null", O_RDWR);
		if (null < 0 || fcntl(disk, F_SETFD, 0) != 0 || dup2(null, STDOUT_FILENO) < 0 ||
			dup2(null, STDERR_FILENO) < 0)
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

static bool copy_extent(int from, int to, off_t at, off_t end, char *room)
{
	while (at < end) {
		const size_t left_bytes = (size_t)(end - at);
		const ssize_t got_bytes =
			pread(from, room, left_bytes < COPY_BYTES ? left_bytes : COPY_BYTES, at);
		if (got_bytes <= 0 || pwrite(to, room, (size_t)got_bytes, at) != got_bytes)
			return false;
		at += got_bytes;
	}
	return true;
}

/* Most of a disk was never written, and stays a hole. Returns -1 when there is no room. */
static int copy_disk(int disk)
{
	const int copy = memfd_create("mmconform-disk", MFD_CLOEXEC);
	char *room = malloc(COPY_BYTES);
	bool good = copy >= 0 && room != NULL && ftruncate(copy, (off_t)DISK_BYTES) == 0;

	for (off_t at = 0; good && (at = lseek(disk, at, SEEK_DATA)) >= 0;) {
		const off_t end = lseek(disk, at, SEEK_HOLE);
		good = end > at && copy_extent(disk, copy, at, end, room);
		at = end;
	}
	free(room);
	if (good || copy < 0)
		return copy;
	(void)close(copy);
	return -1;
}

/* --- its process ----------------------------------------------------------------------------- */

static _Noreturn void become_qemu(
	const struct command_line *line, const struct machine *machine, int output, pid_t parent)
{
	const int inherited[] = {machine->initramfs, machine->console, machine->disk,
		machine->oracle.port_inside, machine->oracle.monitor.inside};
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* The machine dies with the harness, however that ends. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(127);
	(void)setpgid(0, 0);
	/* What QEMU translated it finds again in a table of megabytes, at every jump after a change
	 * of address space: on huge pages that is a tenth faster. */
	(void)setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0);
	for (size_t i = 0; i < sizeof(inherited) / sizeof(inherited[0]); i++)
		(void)fcntl(inherited[i], F_SETFD, 0);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(output, STDOUT_FILENO);
	(void)dup2(machine->console, STDERR_FILENO);
	(void)execvp(line->words[0], line->words);
	(void)dprintf(STDERR_FILENO, "%s: %s\n", line->words[0], strerror(errno));
	_exit(127);
}

int machine_start(struct machine *machine, const struct guest *guest,
	const struct guest_kernel *kernel, bool waits)
{
	struct command_line *line = calloc(1, sizeof(*line));
	const pid_t parent = getpid();
	int ends[2];

	if (line == NULL || pipe2(ends, O_CLOEXEC) != 0) {
		free(line);
		return -errno;
	}
	compose(line, guest, kernel, machine, waits);
	machine->pid = fork();
	if (machine->pid == 0)
		become_qemu(line, machine, ends[1], parent);
	const int error = machine->pid < 0 ? -errno : 0;
	(void)close(ends[1]);
	oracle_started(&machine->oracle);
	free(line);
	machine->output = ends[0];
	return error;
}

int machine_prepare(struct machine *machine, const struct guest *guest,
	const struct guest_kernel *kernel, char *why, size_t why_bytes)
{
	struct image image;

	*machine = (struct machine)MACHINE_NONE;
	int error = image_open(&image);
	if (error != 0)
		return error;
	machine->initramfs = image.descriptor;
	error = payload_add(&image, guest, kernel, why, why_bytes);
	if (error == 0)
		error = image_finish(&image);
	machine->console = memfd_create("mmconform-console", MFD_CLOEXEC);
	machine->disk = make_disk();
	if (error == 0 && (machine->console < 0 || machine->disk < 0))
		error = -errno;
	return error == 0 ? oracle_open(&machine->oracle) : error;
}

int machine_end(struct machine *machine, bool kill_it)
{
	int status = 0;

	if (machine->pid < 0)
		return 0;
	if (kill_it)
		(void)kill(machine->pid, SIGKILL);
	while (waitpid(machine->pid, &status, 0) < 0 && errno == EINTR) {
	}
	machine->pid = -1;
	return status;
}

void machine_read_console(const struct machine *machine, char *text, size_t text_bytes)
{
	const off_t size_bytes = lseek(machine->console, 0, SEEK_END);
	const off_t room_bytes = (off_t)text_bytes - 1;
	const off_t from = size_bytes > room_bytes ? size_bytes - room_bytes : 0;
	const ssize_t got_bytes = pread(machine->console, text, text_bytes - 1, from);

	text[got_bytes > 0 ? got_bytes : 0] = '\0';
}

void machine_release(struct machine *machine)
{
	const int descriptors[] = {
		machine->initramfs, machine->console, machine->disk, machine->output};

	(void)machine_end(machine, true);
	oracle_close(&machine->oracle);
	for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
		if (descriptors[i] >= 0)
			(void)close(descriptors[i]);
	*machine = (struct machine)MACHINE_NONE;
}

/* --- clones ---------------------------------------------------------------------------------- */

/* One more machine, with the state that the file holds; it stands still. */
static bool load(struct machine *clone, const struct machine *machine, const struct guest *guest,
	const struct guest_kernel *kernel, int state)
{
	*clone = (struct machine)MACHINE_NONE;
	clone->initramfs = fcntl(machine->initramfs, F_DUPFD_CLOEXEC, 0);
	clone->console = memfd_create("mmconform-console", MFD_CLOEXEC);
	clone->disk = copy_disk(machine->disk);
	return clone->initramfs >= 0 && clone->console >= 0 && clone->disk >= 0 &&
	       oracle_open(&clone->oracle) == 0 && machine_start(clone, guest, kernel, true) == 0 &&
	       monitor_load(&clone->oracle.monitor, state);
}

bool machine_stop(struct machine *machine)
{
	return monitor_obeys(&machine->oracle.monitor, "stop");
}

bool machine_go_on(struct machine *machine)
{
	return monitor_obeys(&machine->oracle.monitor, "cont");
}

unsigned machine_clone(struct machine *machine, const struct guest *guest,
	const struct guest_kernel *kernel, struct machine *clones, unsigned most)
{
	const int state = memfd_create("mmconform-state", MFD_CLOEXEC);
	bool good = state >= 0 && monitor_save(&machine->oracle.monitor, state);
	unsigned count = 0;

	while (good && count < most) {
		good = load(&clones[count], machine, guest, kernel, state);
		if (good)
			count++;
		else
			machine_release(&clones[count]);
	}
	if (state >= 0)
		(void)close(state);
	return count;
}
