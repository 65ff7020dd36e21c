/* SPDX-License-Identifier: Apache-2.0 */
#include "command/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/guest_paths.h"
#include "base/message.h"
#include "command/command.h"
#include "facts/source.h"
#include "judge/again.h"
#include "kernel/values.h"
#include "record/join.h"
#include "run/ending.h"
#include "run/plan.h"
#include "run/status.h"
#include "run/stop.h"
#include "suite/suite.h"

/* What QEMU 7 and Debian's kernels boot with; a bound catches a slip of the finger. */
#define MEMORY_MIB_MIN	   128
#define MEMORY_MIB_MAX	   65536
#define CPUS_MAX	   64
#define NODES_MAX	   8
#define DEADLINE_S_MAX	   86400
#define MEMORY_MIB_DEFAULT 1024
#define DEADLINE_S_DEFAULT 600
#define ARGUMENTS_LIMIT	   64

enum guest_option {
	OPTION_GUEST = 0x200,
	OPTION_MEMORY,
	OPTION_CPUS,
	OPTION_NODES,
	OPTION_CPU,
	OPTION_LEVELS,
	OPTION_ARGUMENTS,
	OPTION_DEADLINE,
	OPTION_MACHINES,
};

static const struct argp_option argp_options[] = {
	{0, 0, 0, 0, "In a guest (QEMU; software emulation where there is no KVM):", 1},
	{"guest", OPTION_GUEST, "KERNEL", 0,
		"Run on this kernel: a bzImage, a package linux-image-*, or a release in /boot", 1},
	{"guest-memory", OPTION_MEMORY, "MIB", 0, "Its memory (1024)", 1},
	{"guest-cpus", OPTION_CPUS, "N", 0, "Its CPUs (1)", 1},
	{"guest-nodes", OPTION_NODES, "N", 0, "Its NUMA nodes (1)", 1},
	{"guest-cpu", OPTION_CPU, "MODEL", 0, "QEMU's CPU model (max)", 1},
	{"guest-levels", OPTION_LEVELS, "4|5", 0, "Levels of its page tables (4)", 1},
	{"guest-arguments", OPTION_ARGUMENTS, "TEXT", 0, "Added to its kernel's command line", 1},
	{"guest-deadline", OPTION_DEADLINE, "SECONDS", 0, "When it is given up (600)", 1},
	{"guest-machines", OPTION_MACHINES, "N", 0,
		"Clones of it that share a run, at most (as many as CPUs and memory allow)", 1},
	{0},
};

static error_t check_together(const struct argp_state *state, const struct guest_request *given)
{
	const struct guest *guest = &given->guest;

	if (guest->nodes > guest->cpus)
		return command_refuse(state, "--guest-nodes %u: more nodes than CPUs (%u)",
			guest->nodes, guest->cpus);
	return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct guest_request *given = state->input;
	struct guest *guest = &given->guest;
	unsigned levels = 0;

	switch (key) {
	case ARGP_KEY_INIT:
		*guest = (struct guest){
			.memory_mib = MEMORY_MIB_DEFAULT,
			.cpus = 1,
			.nodes = 1,
			.deadline_s = DEADLINE_S_DEFAULT,
		};
		return 0;
	case OPTION_GUEST:
		given->kernel = argument;
		return 0;
	case OPTION_MEMORY:
		return command_number(state, "--guest-memory", argument, MEMORY_MIB_MIN,
			MEMORY_MIB_MAX, &guest->memory_mib);
	case OPTION_CPUS:
		return command_number(state, "--guest-cpus", argument, 1, CPUS_MAX, &guest->cpus);
	case OPTION_NODES:
		return command_number(
			state, "--guest-nodes", argument, 1, NODES_MAX, &guest->nodes);
	case OPTION_CPU:
		guest->cpu = argument;
		return 0;
	case OPTION_LEVELS: {
		const error_t error =
			command_number(state, "--guest-levels", argument, 4, 5, &levels);
		guest->five_level = levels == 5;
		return error;
	}
	case OPTION_ARGUMENTS:
		guest->kernel_arguments = argument;
		return 0;
	case OPTION_DEADLINE:
		return command_number(
			state, "--guest-deadline", argument, 1, DEADLINE_S_MAX, &guest->deadline_s);
	case OPTION_MACHINES:
		return command_number(state, "--guest-machines", argument, 1, GUEST_MACHINES_LIMIT,
			&guest->machines);
	case ARGP_KEY_END:
		return check_together(state, given);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp guest_argp = {.options = argp_options, .parser = parse_option};

/* Where downloaded kernels are kept; root's are not left in a user's home. */
static const char *cache_folder(struct pool *pool)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return "/var/cache/mmconform/kernels";
	if (cache != NULL && cache[0] == '/')
		return pool_format(pool, "%s/mmconform/kernels", cache);
	return pool_format(pool, "%s/.cache/mmconform/kernels", home != NULL ? home : "/tmp");
}

static void add(const char **arguments, size_t *count, const char *argument)
{
	if (*count == ARGUMENTS_LIMIT - 1)
		abort(); /* the list below is shorter, but for settings, which are counted before */
	arguments[(*count)++] = argument;
}

/* The same run, as the program inside is told to do it. */
static char *const *compose(struct pool *pool, const struct run_options *options,
	const char *own_suite, unsigned machines)
{
	const char **arguments = pool_take(pool, ARGUMENTS_LIMIT * sizeof(*arguments));
	size_t count = 0;

	add(arguments, &count, "run");
	add(arguments, &count,
		own_suite == NULL ? options->suite
				  : pool_format(pool, "%s/%s", GUEST_OWN_SUITE_PATH,
					    strrchr(own_suite, '/') + 1));
	add(arguments, &count, pool_format(pool, "--profile=%s", options->profile));
	add(arguments, &count, pool_format(pool, "--seed=%" PRIu64, options->seed));
	add(arguments, &count, "--allow=settings,pressure");
	add(arguments, &count, "--record=-");
	add(arguments, &count, "--unjudged");
	add(arguments, &count, pool_format(pool, "--parts=%u", machines));
	if (options->anonymous)
		add(arguments, &count, "--anonymous");
	if (options->selection != NULL)
		add(arguments, &count, pool_format(pool, "--claim=%s", options->selection));
	for (size_t i = 0; i < options->settings_count; i++)
		add(arguments, &count,
			pool_format(pool, "--set=%s=%s", options->settings[i].knob,
				options->settings[i].value));
	return (char *const *)arguments;
}

struct keeping {
	int descriptors[GUEST_MACHINES_LIMIT]; /* of the record, and of what clones bring out */
	int error;
};

static int keep(int descriptor, const char *bytes, size_t size_bytes)
{
	while (size_bytes != 0) {
		const ssize_t written = write(descriptor, bytes, size_bytes);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		size_bytes -= (size_t)written;
	}
	return 0;
}

static int take_output(void *context, unsigned machine, const char *bytes, size_t size_bytes)
{
	struct keeping *keeping = context;
	int *descriptor = &keeping->descriptors[machine];

	if (*descriptor < 0)
		*descriptor = memfd_create("mmconform-clone", MFD_CLOEXEC);
	keeping->error = *descriptor < 0 ? -errno : keep(*descriptor, bytes, size_bytes);
	return keeping->error;
}

static int open_record(const char *path)
{
	if (path == NULL)
		return memfd_create("mmconform-record", MFD_CLOEXEC);
	return open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
}

static const char *end_word(enum guest_end end)
{
	switch (end) {
	case GUEST_ENDED:
		return "ended";
	case GUEST_NOT_STARTED:
		return "did not start";
	case GUEST_PANICKED:
		return "panicked";
	case GUEST_OVERDUE:
		return "hung";
	case GUEST_VANISHED:
		return "vanished";
	case GUEST_CANCELLED:
		return "was stopped";
	}
	return "";
}

/* The last of the kernel's words: they are the only witness of a machine that is gone. */
static void quote_console(const struct guest_result *ended)
{
	enum { LINES = 12 };
	const char *from = ended->console + strlen(ended->console);
	int lines = 0;

	while (from > ended->console && lines <= LINES)
		lines += *--from == '\n';
	for (const char *line = from; *line != '\0';) {
		const size_t length = strcspn(line, "\r\n");
		if (length != 0)
			message("  console: %.*s", (int)length, line);
		line += length;
		line += strspn(line, "\r\n");
	}
}

/* The record ends with the verdicts of here, in place of the guest's summary of none. */
static enum exit_status end_record(int descriptor, struct pool *pool, struct run_result *result)
{
	const struct record *record = &result->record;
	const char *again = pool_format(pool, "/proc/self/fd/%d", descriptor);
	struct record_writer writer;

	if (record_go_on(&writer, again, &record->launched_hash, record->launched_bytes,
		    record->launched_lines, NULL) != 0)
		return EXIT_DEFECTIVE;
	const bool ended = ending_write(&writer, &result->judgement, &result->summary);
	record_close(&writer);
	return ended ? status_of(&result->judgement, &result->summary) : EXIT_DEFECTIVE;
}

static enum exit_status print_lines(int descriptor)
{
	char bytes[65536];
	ssize_t got_bytes = 0;
	int error = lseek(descriptor, 0, SEEK_SET) < 0 ? -errno : 0;

	while (error == 0 && (got_bytes = read(descriptor, bytes, sizeof(bytes))) > 0)
		error = keep(STDOUT_FILENO, bytes, (size_t)got_bytes);
	if (error == 0 && got_bytes < 0)
		error = -errno;
	if (error == 0)
		return EXIT_CONFORMS;
	message("standard output: %s", strerror(-error));
	return EXIT_DEFECTIVE;
}

/* Whether a trial came out whole: what breaks off before is no record of anything. */
static bool has_trials(int descriptor)
{
	static const char trial[] = "\n{\"type\":\"trial\"";
	struct stat status;

	if (fstat(descriptor, &status) != 0 || status.st_size == 0)
		return false;
	const size_t size_bytes = (size_t)status.st_size;
	void *bytes = mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
	if (bytes == MAP_FAILED)
		return false;
	const bool found = memmem(bytes, size_bytes, trial, strlen(trial)) != NULL;
	(void)munmap(bytes, size_bytes);
	return found;
}

/* stopped_by: why the record breaks off, or NULL: it has its own end. */
static enum exit_status judge_what_came(int descriptor, const char *path, const char *stopped_by,
	bool lines, struct run_result *result)
{
	struct judged judged = {.pool = result->pool};
	enum exit_status status = EXIT_DEFECTIVE;

	if (lseek(descriptor, 0, SEEK_SET) >= 0)
		status = stopped_by != NULL ? judge_partial(descriptor, path, stopped_by, &judged)
					    : judge_again(descriptor, path, false, &judged);
	result->record = judged.record;
	if (status != EXIT_CONFORMS)
		return EXIT_DEFECTIVE;
	result->judgement = judged.judgement;
	result->summary = judged.summary;
	result->judged = true;
	status = end_record(descriptor, result->pool, result);
	return lines ? status_worse(status, print_lines(descriptor)) : status;
}

/*
 * Only a record with its summary, from a guest that ended, counts. What another had measured until
 * then is shown all the same: it may tell what was wrong with it.
 */
static enum exit_status conclude(const struct guest_request *request,
	const struct run_options *options, const char *path, const struct guest_result *ended,
	const struct keeping *keeping, struct run_result *result)
{
	if (keeping->error != 0) {
		message("%s: %s", path, strerror(-keeping->error));
		return EXIT_DEFECTIVE;
	}
	if (ended->end != GUEST_ENDED) {
		message("guest %s %s: %s", request->kernel, end_word(ended->end), ended->why);
		quote_console(ended);
		if (has_trials(keeping->descriptors[0]))
			(void)judge_what_came(keeping->descriptors[0], path,
				pool_format(result->pool, "the guest %s", end_word(ended->end)),
				options->lines, result);
		return EXIT_DEFECTIVE;
	}
	if (ended->exit_status != EXIT_CONFORMS) {
		quote_console(ended);
		return (enum exit_status)ended->exit_status;
	}
	if (ended->machines > 1 && !record_join(keeping->descriptors[0], path,
					   &keeping->descriptors[1], ended->machines - 1))
		return EXIT_DEFECTIVE;
	return judge_what_came(keeping->descriptors[0], path, NULL, options->lines, result);
}

/* What the run would refuse inside is refused before anything is started. */
static enum exit_status check_plan(struct pool *pool, const struct run_options *options)
{
	struct plan plan = {.pool = pool};

	return plan_load(&plan, options);
}

/* The memory of this host that programs can have without pushing anything out, in MiB; or 0. */
static uint64_t available_mib(void)
{
	struct pool POOL_DROPS pool = {0};
	struct facts_error error;
	struct facts_source source;
	uint64_t kib = 0;

	source_open_live(&source, &pool, "", &error);
	const struct source_text got = source_read(&source, "proc/meminfo");
	if (got.error == 0)
		(void)kernel_meminfo_find(got.text, "MemAvailable", &kib);
	return kib >> 10;
}

/* As many machines as there are CPUs for, and half of the memory: all of one may come to be used.
 */
static unsigned machines_possible(const struct guest *guest)
{
	cpu_set_t cpus;
	unsigned count = 1;

	CPU_ZERO(&cpus);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		count = (unsigned)CPU_COUNT(&cpus) / guest->cpus;
	if (count > available_mib() / 2 / guest->memory_mib)
		count = (unsigned)(available_mib() / 2 / guest->memory_mib);
	if (count > GUEST_MACHINES_LIMIT)
		count = GUEST_MACHINES_LIMIT;
	return count > 1 ? count : 1;
}

/* A record in which nothing is would only be in the way of the next attempt. */
static void end_keeping(struct keeping *keeping, const char *record_path)
{
	struct stat status;

	if (record_path != NULL && fstat(keeping->descriptors[0], &status) == 0 &&
		status.st_size == 0)
		(void)unlink(record_path);
	for (size_t i = 0; i < GUEST_MACHINES_LIMIT; i++)
		if (keeping->descriptors[i] >= 0)
			(void)close(keeping->descriptors[i]);
}

static enum exit_status run_and_keep(const struct guest_request *request,
	const struct run_options *options, const struct guest *guest,
	const struct guest_kernel *kernel, struct run_result *result)
{
	const char *path =
		options->record_path != NULL ? options->record_path : "the guest's record";
	struct guest_result ended;
	struct keeping keeping = {.error = 0};
	enum exit_status status = EXIT_DEFECTIVE;

	for (size_t i = 0; i < GUEST_MACHINES_LIMIT; i++)
		keeping.descriptors[i] = -1;
	keeping.descriptors[0] = open_record(options->record_path);
	if (keeping.descriptors[0] < 0) {
		message("%s: %s", path, strerror(errno));
		return EXIT_MISUSED;
	}
	const int stop = stop_begin();
	const int error = guest_run(guest, kernel, stop, take_output, &keeping, &ended);
	if (error != 0)
		message("guest %s: %s", request->kernel,
			ended.why[0] != '\0' ? ended.why : strerror(-error));
	else
		status = conclude(request, options, path, &ended, &keeping, result);
	if (stop >= 0)
		stop_end(stop);
	end_keeping(&keeping, options->record_path);
	return status;
}

enum exit_status run_in_guest(const struct guest_request *request,
	const struct run_options *options, struct run_result *result)
{
	struct guest_kernel kernel;
	struct pool POOL_DROPS pool = {0};
	char why[512], own_suite[PATH_MAX];
	struct guest guest = request->guest;

	if (check_plan(&pool, options) != EXIT_CONFORMS)
		return EXIT_MISUSED;
	if (!guest_kernel_find(&kernel, request->kernel, cache_folder(&pool), why, sizeof(why))) {
		message("--guest: %s", why);
		return EXIT_MISUSED;
	}
	if (suite_is_path(options->suite)) {
		guest.own_suite = realpath(options->suite, own_suite);
		if (guest.own_suite == NULL) {
			message("%s: %s", options->suite, strerror(errno));
			return EXIT_MISUSED;
		}
	}
	if (guest.machines == 0)
		guest.machines = machines_possible(&guest);
	guest.arguments = compose(&pool, options, guest.own_suite, guest.machines);
	return run_and_keep(request, options, &guest, &kernel, result);
}

static int collect(void *context, unsigned machine, const char *bytes, size_t size_bytes)
{
	(void)machine; /* no other verb is divided */
	return fwrite(bytes, 1, size_bytes, context) == size_bytes ? 0 : -ENOMEM;
}

enum exit_status ask_guest(const struct guest_request *request, char *const *arguments,
	struct pool *pool, const char **output, size_t *output_bytes)
{
	struct guest_kernel kernel;
	struct guest_result ended;
	struct guest guest = request->guest;
	char why[512], *bytes = NULL;

	if (!guest_kernel_find(&kernel, request->kernel, cache_folder(pool), why, sizeof(why))) {
		message("--guest: %s", why);
		return EXIT_MISUSED;
	}
	FILE *stream = open_memstream(&bytes, output_bytes);
	if (stream == NULL)
		abort();
	guest.arguments = arguments;
	guest.machines = 1;
	const int stop = stop_begin();
	const int error = guest_run(&guest, &kernel, stop, collect, stream, &ended);
	if (stop >= 0)
		stop_end(stop);
	if (fclose(stream) != 0)
		abort();
	*output = pool_text_of(pool, bytes, *output_bytes);
	free(bytes);
	if (error == 0 && ended.end == GUEST_ENDED && ended.exit_status == EXIT_CONFORMS)
		return EXIT_CONFORMS;
	message("guest %s: it %s%s%s", request->kernel, end_word(ended.end),
		ended.why[0] != '\0' ? ": " : "", ended.why);
	quote_console(&ended);
	return EXIT_DEFECTIVE;
}
