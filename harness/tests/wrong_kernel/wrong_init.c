/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of a guest whose kernel is to go wrong: finds where the kernel's symbols are,
 * stops at a place where the host's debugger waits and patches, does what a program can do (a file
 * of /proc frozen, a system call answered without being made), and becomes the real first process.
 *
 * Orders are lines of /wrong/orders; see wrong_kernels.list.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMBOLS_LIMIT 32
#define NAME_BYTES    64

/* Read by the debugger: the layout is in wrong_kernel.py too. */
struct symbol {
	char name[NAME_BYTES];
	uint64_t start, end; /* the next symbol's start */
	uint64_t found;	     /* how many of this name there are */
};

struct symbol wrong_symbols[SYMBOLS_LIMIT];

/* The debugger's breakpoint is here. */
__attribute__((noinline)) void wrong_ready(void)
{
	__asm__ volatile("nop" ::: "memory");
}

static _Noreturn void give_up(const char *what)
{
	(void)fprintf(stderr, "wrong_init: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The table of symbols is sorted by address, modules behind. */
static void find_symbols(size_t count)
{
	char line[512], name[256], type;
	uint64_t address;
	struct symbol *open[SYMBOLS_LIMIT];
	size_t open_count = 0;
	FILE *table = fopen("/proc/kallsyms", "re");

	if (table == NULL)
		give_up("/proc/kallsyms");
	while (fgets(line, sizeof(line), table) != NULL && strchr(line, '[') == NULL) {
		if (sscanf(line, "%" SCNx64 " %c %255s", &address, &type, name) != 3)
			give_up(line);
		while (open_count != 0 && open[0]->start < address)
			for (size_t i = open_count; i-- != 0;)
				open[--open_count]->end = address;
		for (size_t i = 0; i < count; i++) {
			if (strcmp(wrong_symbols[i].name, name) != 0)
				continue;
			wrong_symbols[i].start = address;
			wrong_symbols[i].found++;
			open[open_count++] = &wrong_symbols[i];
		}
	}
	(void)fclose(table);
}

/*
 * The real first process mounts a /proc of its own over this one: a child that goes before
 * everybody waits for that.
 */
static void wait_for_proc(dev_t old)
{
	struct pollfd mounts = {.fd = open("/proc/self/mountinfo", O_RDONLY), .events = POLLPRI};
	struct stat proc;

	while (stat("/proc", &proc) == 0 && proc.st_dev == old)
		if (poll(&mounts, 1, -1) < 0)
			give_up("/proc/self/mountinfo");
}

/* What the file says now it says for ever. */
static void freeze(const char *path)
{
	char bytes[65536];
	FILE *from = fopen(path, "re"), *to = fopen("/wrong/frozen", "we");
	const struct sched_param first = {.sched_priority = 1};
	struct stat proc;
	size_t got_bytes;

	if (from == NULL || to == NULL)
		give_up(path);
	while ((got_bytes = fread(bytes, 1, sizeof(bytes), from)) != 0)
		if (fwrite(bytes, 1, got_bytes, to) != got_bytes)
			give_up("/wrong/frozen");
	(void)fclose(from);
	if (fclose(to) != 0 || stat("/proc", &proc) != 0)
		give_up(path);
	const pid_t child = fork();
	if (child != 0)
		return;
	if (sched_setscheduler(0, SCHED_FIFO, &first) != 0)
		give_up("sched_setscheduler");
	wait_for_proc(proc.st_dev);
	if (mount("/wrong/frozen", path, NULL, MS_BIND, NULL) != 0)
		give_up(path);
	_exit(0);
}

/* The call is not made and says that all went well; argument < 0: whatever its arguments are. */
static void answer(uint32_t number, int argument, uint32_t value)
{
	const uint32_t at = (uint32_t)offsetof(struct seccomp_data, args) +
			    (uint32_t)(argument < 0 ? 0 : argument) * 8;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, argument < 0 ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		give_up("seccomp");
}

int main(void)
{
	char line[512], word[256];
	unsigned number, value;
	int argument;
	size_t symbols = 0;
	FILE *orders = fopen("/wrong/orders", "re");

	if (orders == NULL || (mkdir("/proc", 0755) != 0 && errno != EEXIST) ||
		mount("proc", "/proc", "proc", 0, NULL) != 0)
		give_up("/wrong/orders or /proc");
	while (fgets(line, sizeof(line), orders) != NULL) {
		if (symbols < SYMBOLS_LIMIT && sscanf(line, "symbol %63s", word) == 1)
			(void)strcpy(wrong_symbols[symbols++].name, word);
		else if (sscanf(line, "freeze %255s", word) == 1)
			freeze(word);
		else if (sscanf(line, "answer %u %d %u", &number, &argument, &value) == 3)
			answer(number, argument, value);
		else
			give_up(line);
	}
	(void)fclose(orders);
	if (symbols != 0)
		find_symbols(symbols);
	wrong_ready();
	(void)execl("/init", "/init", (char *)NULL);
	give_up("/init");
}
