/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code, data, heap, stack, arguments and environment of a process lie in areas with the rights that
 * such things have, and the sizes that status gives follow from them.
 *
 * It would miss a kernel that lies in stat and in maps alike.
 */
#include <unistd.h>

#include "kernel/areas.h"
#include "kernel/process.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* Rights of an area as one number. */
enum right { RIGHT_READ = 1, RIGHT_WRITE = 2, RIGHT_EXECUTE = 4 };

static const struct {
	const char *place;
	int64_t rights;
	const char *because;
} parts[] = {
	{"code", RIGHT_READ | RIGHT_EXECUTE, "code is read and executed, and not written"},
	{"data", RIGHT_READ | RIGHT_WRITE, "data is read and written, and not executed"},
	{"heap", RIGHT_READ | RIGHT_WRITE, "the heap is read and written, and not executed"},
	{"stack", RIGHT_READ | RIGHT_WRITE, "the stack is read and written, and not executed"},
	{"arguments", RIGHT_READ | RIGHT_WRITE, "arguments lie at the stack's upper end"},
	{"environment", RIGHT_READ | RIGHT_WRITE, "the environment lies above the arguments"},
};

#define PARTS_COUNT (sizeof(parts) / sizeof(parts[0]))

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < PARTS_COUNT; i++)
		vm_predict(
			predictions, &(struct vm_prediction){
					     .claim = "area.fundamental",
					     .quantity = "rights",
					     .at = parts[i].place,
					     .unit = VM_UNIT_FLAGS,
					     .form = VM_FORM_EXACT,
					     .values = &parts[i].rights,
					     .values_count = 1,
					     .because = parts[i].because,
					     .cite = "linux:6.12:fs/binfmt_elf.c:load_elf_binary",
				     });
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "area.fundamental",
			.quantity = "same-area",
			.at = "",
			.unit = VM_UNIT_BOOL,
			.form = VM_FORM_EXACT,
			.values = (int64_t[]){1, 1},
			.values_count = 2,
			.because = "arguments and environment lie in the area of the stack",
			.cite = "linux:6.12:fs/binfmt_elf.c:create_elf_tables",
		});
}

/* The area that holds both ends of the part; an empty one where there is none. */
static struct kernel_area area_of(const struct kernel_file *maps, uint64_t first, uint64_t last)
{
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(maps));
	struct kernel_area area;
	struct kernel_error error;

	while (kernel_maps_next(&lines, &area, &error) == 1)
		if (area.start <= first && first < area.end && last <= area.end)
			return area;
	return (struct kernel_area){0};
}

static int64_t rights_of(const struct kernel_area *area)
{
	return (area->read ? RIGHT_READ : 0) | (area->write ? RIGHT_WRITE : 0) |
	       (area->execute ? RIGHT_EXECUTE : 0);
}

static void measure(const struct probe_arguments *arguments)
{
	const struct kernel_file maps =
		kernel_file_open("/proc/self/maps", KERNEL_FILE_LARGE_BYTES);
	const struct kernel_file file =
		kernel_file_open("/proc/self/stat", KERNEL_FILE_USUAL_BYTES);
	struct kernel_stat stat;
	struct kernel_error error;

	(void)arguments;
	/* A heap of one page at least. */
	MUST(sbrk((intptr_t)VM_PAGE_BYTES) != (void *)-1);
	MUST(kernel_stat_parse(kernel_file_read(&file), &stat, &error) == 0);
	const struct {
		uint64_t first, last;
	} ends[PARTS_COUNT] = {
		{stat.code_start, stat.code_end},
		{stat.data_end - 1, stat.data_end},
		{stat.heap_start, (uint64_t)sbrk(0)},
		{stat.stack_start, stat.stack_start + 1},
		{stat.arguments_start, stat.arguments_end},
		{stat.environment_start, stat.environment_end},
	};
	struct kernel_area area[PARTS_COUNT];
	for (size_t i = 0; i < PARTS_COUNT; i++) {
		area[i] = area_of(&maps, ends[i].first, ends[i].last);
		observe_at("rights", parts[i].place, rights_of(&area[i]), VM_UNIT_FLAGS,
			"/proc/self/maps");
	}
	const int64_t same[] = {area[3].start == area[4].start, area[3].start == area[5].start};
	observe_values("same-area", "", same, 2, VM_UNIT_BOOL, "/proc/self/maps");
}

static const char *const claims[] = {"area.fundamental", NULL};

PROBE(fundamental) = {
	.name = "area.parts-of-a-program",
	.claims = claims,
	.question = "In what areas do code, data, heap, stack and arguments lie?",
	.method = "Take the ends of each from stat, and look the areas up in maps.",
	.threats = "An executable built with an executable stack would have other rights: the "
		   "trial's is not.",
	.by_hand = "cat /proc/self/stat /proc/self/maps",
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
