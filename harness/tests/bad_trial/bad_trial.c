/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trial that misbehaves in the way that its argument names. Each way must end in the word that
 * the launcher has for it, in bounded time, with nothing left behind (test_launch.c).
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT	       3
#define BOMB_PROCESSES 100

#define HELLO "{\"type\":\"hello\",\"protocol\":1,\"subject\":\"bad\"}\n"
#define OBSERVATION                                                                \
	"{\"type\":\"observation\",\"quantity\":\"q\",\"at\":\"\",\"values\":[1]," \
	"\"unit\":\"count\",\"witness\":\"w\"}\n"
#define DONE(count) "{\"type\":\"done\",\"observations\":" count "}\n"

static void say(const char *text)
{
	(void)!write(REPORT, text, strlen(text));
}

static void wait_for_ever(void)
{
	for (;;)
		(void)pause();
}

static void good(void)
{
	say(HELLO OBSERVATION DONE("1"));
}

static void dies_by_signal(void)
{
	say(HELLO OBSERVATION);
	(void)raise(SIGSEGV);
}

static void dies_in_a_line(void)
{
	say(HELLO "{\"type\":\"observ");
	(void)raise(SIGBUS);
}

static void exits_early(void)
{
	(void)fputs("no such luck\n", stderr);
	exit(7);
}

static void exits_well_without_done(void)
{
	say(HELLO OBSERVATION);
}

static void fails_after_done(void)
{
	good();
	exit(1);
}

static void ends_in_a_line(void)
{
	say(HELLO OBSERVATION "{\"type\":\"done\",\"observations\":1}");
}

static void hangs_at_once(void)
{
	wait_for_ever();
}

static void hangs_after_done(void)
{
	good();
	wait_for_ever();
}

static void ignores_signals(void)
{
	for (int number = 1; number <= SIGRTMAX; number++)
		(void)signal(number, SIG_IGN);
	wait_for_ever();
}

static void spins(void)
{
	for (volatile int on = 1; on;)
		;
}

static void stops_itself(void)
{
	(void)raise(SIGSTOP);
}

static void counts_too_many(void)
{
	say(HELLO OBSERVATION DONE("2"));
}

static void counts_too_few(void)
{
	say(HELLO OBSERVATION OBSERVATION DONE("1"));
}

static void counts_below_zero(void)
{
	say(HELLO DONE("-1"));
}

static void says_done_twice(void)
{
	say(HELLO OBSERVATION DONE("1") DONE("1"));
}

static void says_hello_twice(void)
{
	say(HELLO HELLO DONE("0"));
}

static void says_no_hello(void)
{
	say(OBSERVATION DONE("1"));
}

static void is_somebody_else(void)
{
	say("{\"type\":\"hello\",\"protocol\":1,\"subject\":\"other\"}\n" DONE("0"));
}

static void speaks_another_protocol(void)
{
	say("{\"type\":\"hello\",\"protocol\":2,\"subject\":\"bad\"}\n" DONE("0"));
}

static void speaks_after_broken(void)
{
	say(HELLO "{\"type\":\"broken\",\"reason\":\"r\"}\n" OBSERVATION);
}

static void says_broken(void)
{
	say(HELLO "{\"type\":\"broken\",\"file\":\"x.c\",\"line\":7,\"reason\":\"no\"}\n");
}

static void says_unmet(void)
{
	say(HELLO "{\"type\":\"unmet\",\"reason\":\"no page\",\"remedy\":\"more\"}\n");
}

static void judges_itself(void)
{
	say(HELLO "{\"type\":\"sealed\",\"sha256\":\"00\",\"lines\":1}\n" DONE("0"));
}

static void says_unknown_type(void)
{
	say(HELLO "{\"type\":\"applause\"}\n" DONE("0"));
}

static void prints_garbage(void)
{
	for (int i = 0; i < 1000; i++)
		say("\x80\xff\x01garbage\x1b[2J\n{{{\n");
}

static void says_nothing_in_a_line(void)
{
	say(HELLO OBSERVATION "\n" DONE("1"));
}

static void observes_huge_number(void)
{
	say(HELLO "{\"type\":\"observation\",\"quantity\":\"q\",\"at\":\"\",\"values\":"
		  "[123456789012345678901234567890],\"unit\":\"count\",\"witness\":\"w\"}\n" DONE(
			  "1"));
}

static void observes_fraction(void)
{
	say(HELLO "{\"type\":\"observation\",\"quantity\":\"q\",\"at\":\"\",\"values\":[1.5],"
		  "\"unit\":\"count\",\"witness\":\"w\"}\n" DONE("1"));
}

static void observes_unknown_unit(void)
{
	say(HELLO "{\"type\":\"observation\",\"quantity\":\"q\",\"at\":\"\",\"values\":[1],"
		  "\"unit\":\"furlongs\",\"witness\":\"w\"}\n" DONE("1"));
}

static void observes_nothing(void)
{
	say(HELLO "{\"type\":\"observation\",\"quantity\":\"q\",\"at\":\"\",\"values\":[],"
		  "\"unit\":\"count\",\"witness\":\"w\"}\n" DONE("1"));
}

static void nests_deeply(void)
{
	say(HELLO "{\"type\":");
	for (int i = 0; i < 100000; i++)
		say("[");
	say("\n" DONE("0"));
}

static void writes_endless_line(void)
{
	say(HELLO);
	for (;;)
		say("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

static void floods(void)
{
	say(HELLO);
	for (;;)
		say(OBSERVATION);
}

static void floods_stderr(void)
{
	for (int i = 0; i < 200000; i++)
		(void)fputs("it goes on and on\x1b[2J\n", stderr);
	good();
}

static void closes_report(void)
{
	say(HELLO);
	(void)close(REPORT);
}

static void closes_report_and_hangs(void)
{
	(void)close(REPORT);
	wait_for_ever();
}

static void leaves_grandchild(void)
{
	if (fork() == 0)
		wait_for_ever();
	good();
}

static void leaves_ended_child(void)
{
	if (fork() == 0)
		_exit(0);
	(void)waitid(P_ALL, 0, &(siginfo_t){0}, WEXITED | WNOWAIT);
	good();
}

static void daemonizes(void)
{
	good();
	if (fork() != 0)
		_exit(0);
	(void)setsid();
	if (fork() != 0)
		_exit(0);
	(void)prctl(PR_SET_NAME, "bad daemon");
	(void)prctl(PR_SET_PDEATHSIG, 0);
	wait_for_ever();
}

/* Every process starts one more of its own kind in a session of its own, up to the limit. */
static void bombs(void)
{
	_Atomic int *count = mmap(
		NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	while ((*count)++ < BOMB_PROCESSES) {
		const pid_t child = fork();
		if (child == 0)
			(void)setsid();
		if (child < 0)
			break;
	}
	wait_for_ever();
}

#define SPAN_BYTES  ((size_t)1 << 36)
#define TABLE_BYTES ((size_t)1 << 21)
#define PAGE_BYTES  ((size_t)1 << 12)

static char *reserve(int sharing)
{
	char *memory = mmap(NULL, SPAN_BYTES, PROT_READ | PROT_WRITE,
		sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void fills(int sharing)
{
	volatile char *memory = reserve(sharing);

	for (size_t at = 0; memory != NULL && at < SPAN_BYTES; at += PAGE_BYTES)
		memory[at] = 1;
}

static void fills_tables(void)
{
	for (;;) {
		volatile char *memory = reserve(MAP_PRIVATE);
		if (memory == NULL)
			return;
		for (size_t at = 0; at < SPAN_BYTES; at += TABLE_BYTES)
			(void)memory[at];
	}
}

static void fills_file(void)
{
	static char bytes[PAGE_BYTES];
	const int file = memfd_create("gorge", MFD_CLOEXEC);

	while (file >= 0 && write(file, bytes, sizeof(bytes)) > 0)
		;
}

/*
 * Takes memory of every kind without end, one process after the other, and then itself. What is in
 * a file belongs to no process, so the last one may well take all others down.
 */
static void gorges(void)
{
	static const int kinds = 4;

	for (int kind = 0; kind < kinds; kind++) {
		const pid_t child = fork();
		if (child == 0) {
			if (kind < 2)
				fills(kind == 0 ? MAP_PRIVATE : MAP_SHARED);
			else if (kind == 2)
				fills_tables();
			else
				fills_file();
			_exit(0);
		}
		(void)waitpid(child, NULL, 0);
	}
	for (;;)
		fills(MAP_PRIVATE);
}

static void litters(void)
{
	(void)mkdir("a", 0700);
	(void)close(open("a/b", O_CREAT | O_WRONLY, 0000));
	(void)symlink("/etc/passwd", "a/link");
	good();
}

static void leaves_segment(void)
{
	(void)fprintf(stderr, "segment %d", shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
	good();
}

/* Says what it finds around itself, so that the test can check what was handed down. */
static void looks_around(void)
{
	char folder[PATH_MAX], link[PATH_MAX] = "";
	struct rlimit processes = {0};
	int descriptors = 0, policy = -1;

	(void)getrlimit(RLIMIT_NPROC, &processes);
	for (int i = 0; i < 1024; i++)
		descriptors += fcntl(i, F_GETFD) >= 0;
	(void)readlink("/proc/self/fd/0", link, sizeof(link) - 1);
	(void)syscall(SYS_get_mempolicy, &policy, NULL, 0UL, NULL, 0UL);
	(void)fprintf(stderr,
		"%d descriptors, input %s, folder %s, leader %d, HOME %s, secret %d, processes "
		"%llu, policy %d",
		descriptors, link, getcwd(folder, sizeof(folder)), getsid(0) == getpid(),
		getenv("HOME"), getenv("MMCONFORM_SECRET") != NULL,
		(unsigned long long)processes.rlim_cur, policy);
	good();
}

static void echoes(void)
{
	char text[100];
	const ssize_t length = read(STDIN_FILENO, text, sizeof(text) - 1);

	text[length < 0 ? 0 : length] = '\0';
	(void)fputs(text, stderr);
	good();
}

#define WAY(function)               \
	{                           \
#function, function \
	}

static const struct {
	const char *name;
	void (*run)(void);
} ways[] = {
	WAY(good),
	WAY(dies_by_signal),
	WAY(dies_in_a_line),
	WAY(exits_early),
	WAY(exits_well_without_done),
	WAY(fails_after_done),
	WAY(ends_in_a_line),
	WAY(hangs_at_once),
	WAY(hangs_after_done),
	WAY(ignores_signals),
	WAY(spins),
	WAY(stops_itself),
	WAY(counts_too_many),
	WAY(counts_too_few),
	WAY(counts_below_zero),
	WAY(says_done_twice),
	WAY(says_hello_twice),
	WAY(says_no_hello),
	WAY(is_somebody_else),
	WAY(speaks_another_protocol),
	WAY(speaks_after_broken),
	WAY(says_broken),
	WAY(says_unmet),
	WAY(judges_itself),
	WAY(says_unknown_type),
	WAY(prints_garbage),
	WAY(says_nothing_in_a_line),
	WAY(observes_huge_number),
	WAY(observes_fraction),
	WAY(observes_unknown_unit),
	WAY(observes_nothing),
	WAY(nests_deeply),
	WAY(writes_endless_line),
	WAY(floods),
	WAY(floods_stderr),
	WAY(closes_report),
	WAY(closes_report_and_hangs),
	WAY(leaves_grandchild),
	WAY(leaves_ended_child),
	WAY(daemonizes),
	WAY(bombs),
	WAY(gorges),
	WAY(litters),
	WAY(leaves_segment),
	WAY(looks_around),
	WAY(echoes),
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, argv[1]) == 0) {
			ways[i].run();
			return 0;
		}
	return 2;
}
