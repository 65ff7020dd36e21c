/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/oom.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "trial/trial.h"
#include "vm/units.h"

#define PASSES 2

/* In the order of the names below; pages but for the first two, which are KiB. */
enum oom_input { RAM, SWAP, ANONYMOUS, FILES, SHARED, SWAPPED, TABLES, INPUTS_COUNT };

static const struct {
	const char *quantity, *name;
	bool of_process;
} inputs[INPUTS_COUNT] = {
	[RAM] = {"ram", "MemTotal", false},
	[SWAP] = {"swap", "SwapTotal", false},
	[ANONYMOUS] = {"anonymous", "RssAnon", true},
	[FILES] = {"file", "RssFile", true},
	[SHARED] = {"shared", "RssShmem", true},
	[SWAPPED] = {"swapped", "VmSwap", true},
	[TABLES] = {"tables", "VmPTE", true},
};

static struct kernel_file file_of(pid_t process, const char *name, char path[64])
{
	(void)snprintf(path, 64, "/proc/%d/%s", process, name);
	struct kernel_file file = kernel_file_open(path, KERNEL_FILE_USUAL_BYTES);
	/* The path was on the way only: messages name the file by its last word. */
	file.path = name;
	return file;
}

struct oom_files oom_files_open(pid_t process)
{
	char path[64];

	return (struct oom_files){
		.meminfo = kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES),
		.status = file_of(process, "status", path),
		.score = file_of(process, "oom_score", path),
		.adjustment = file_of(process, "oom_score_adj", path),
	};
}

void oom_files_close(struct oom_files *files)
{
	kernel_file_close(&files->meminfo);
	kernel_file_close(&files->status);
	kernel_file_close(&files->score);
	kernel_file_close(&files->adjustment);
}

int64_t oom_score_of(const struct oom_files *files)
{
	return kernel_file_number(&files->score);
}

int64_t oom_table_pages_of(const struct oom_files *files)
{
	return (int64_t)vm_kib_to_pages_floor((uint64_t)kernel_meminfo_value(
		kernel_file_read(&files->status), inputs[TABLES].name));
}

static void take(const struct oom_files *files, size_t pass, int64_t values[INPUTS_COUNT][PASSES])
{
	const struct kernel_text meminfo = kernel_file_read(&files->meminfo);
	const struct kernel_text status = kernel_file_read(&files->status);

	for (size_t i = 0; i < INPUTS_COUNT; i++)
		values[i][pass] = kernel_meminfo_value(
			inputs[i].of_process ? status : meminfo, inputs[i].name);
}

void observe_oom(const struct oom_files *files, const char *place)
{
	int64_t values[INPUTS_COUNT][PASSES];

	take(files, 0, values);
	const int64_t score = oom_score_of(files);
	take(files, 1, values);
	for (size_t i = 0; i < INPUTS_COUNT; i++)
		observe_values(
			inputs[i].quantity, place, values[i], PASSES, VM_UNIT_KIB, inputs[i].name);
	observe_at("adjustment", place, kernel_file_number(&files->adjustment), VM_UNIT_SCORE,
		"oom_score_adj");
	observe_at("score", place, score, VM_UNIT_SCORE, "oom_score");
}

void observe_oom_trial(void)
{
	cpu_set_t cpus;

	MUST(sched_getaffinity(0, sizeof(cpus), &cpus) == 0);
	observe("cpus-used", CPU_COUNT(&cpus), VM_UNIT_COUNT, "sched_getaffinity");
}

void oom_adjust(int64_t adjustment)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRId64, adjustment);
	const int why = kernel_write("/proc/self/oom_score_adj", text);
	if (why == EACCES || why == EPERM)
		unmet("the adjustment may not be lowered", "run with CAP_SYS_RESOURCE");
	if (why != 0)
		broken("oom_score_adj = %s: %s", text, strerror(why));
}

void observe_oom_adjusted(const struct oom_files *files, int64_t adjustment)
{
	char place[32];

	oom_adjust(adjustment);
	(void)snprintf(place, sizeof(place), "%" PRId64, adjustment);
	observe_oom(files, place);
}
