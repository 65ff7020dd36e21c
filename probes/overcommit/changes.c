/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mremap, munmap, replacing, brk, and holes in a file in memory do to the commitment; and that
 * unmapping what is left gives back the rest.
 *
 * It would miss a promise that is lost when a change fails half-way.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/quiet.h"
#include "trial/requests.h"
#include "trial/trial.h"
#include "vm/commit.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* A slot of the top table of its own, and room to move to in it. */
#define BASE	   ((char *)UINT64_C(0x100000000000))
#define MOVED_BASE (BASE + VM_GIB_BYTES)
/* linux:6.12:include/uapi/linux/mman.h: newer than the headers of the oldest build host. */
#define DONT_UNMAP 4

static const char *const change_labels[] = {"moved", "kept", "grown", "shrunk", "split", "holed",
	"renewed", "replaced", "lowered", "punched", "cut"};

static const struct probe_parameter parameters[] = {
	{
		.name = "change",
		.unit = VM_UNIT_COUNT,
		.choices_count = VM_COMMIT_CUT + 1,
		.choices = {VM_COMMIT_MOVED, VM_COMMIT_KEPT, VM_COMMIT_GROWN, VM_COMMIT_SHRUNK,
			VM_COMMIT_SPLIT, VM_COMMIT_HOLED, VM_COMMIT_RENEWED, VM_COMMIT_REPLACED,
			VM_COMMIT_LOWERED, VM_COMMIT_PUNCHED, VM_COMMIT_CUT},
		.labels = change_labels,
	},
	{
		.name = "pages",
		.unit = VM_UNIT_PAGES,
		.lowest = 1025,
		.highest = 3001,
		.step = 1,
		.drawn = 1,
	},
	{
		.name = "changed",
		.unit = VM_UNIT_PAGES,
		.lowest = 1,
		.highest = 500,
		.step = 1,
		.drawn = 1,
	},
};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct vm_commit_moves moves = vm_commit_change(&model->behaviours,
		(enum vm_commit_mode)vm_host_knob(host, VM_KNOB_OVERCOMMIT_MEMORY, 0),
		(enum vm_commit_change)probe_argument(arguments, "change"),
		(uint64_t)probe_argument(arguments, "pages"),
		(uint64_t)probe_argument(arguments, "changed"));
	struct vm_prediction prediction = {
		.claim = "overcommit.mode2",
		.quantity = "commitment",
		.at = "change",
		.unit = VM_UNIT_PAGES,
		.because = "what becomes longer or shorter promises more or less by just that",
		.cite = "linux:6.12:mm/mremap.c:move_vma",
	};

	(void)readings;
	predict_moving(predictions, &prediction,
		(struct moving){moves.change_pages, moves.change_pages}, QUIET_WANTED);
	prediction.at = "end";
	prediction.because = "all that still is promised is given back with the last of it";
	prediction.cite = "linux:6.12:mm/vma.c:vms_complete_munmap_vmas";
	predict_moving(predictions, &prediction, (struct moving){moves.end_pages, moves.end_pages},
		QUIET_WANTED);
}

/* What is mapped: its pages, those that change, the heap's beginning or the file. */
struct mapped {
	enum vm_commit_change change;
	size_t length_bytes, changed_bytes;
	char *heap;
	int file;
};

static bool is_file(enum vm_commit_change change)
{
	return change == VM_COMMIT_PUNCHED || change == VM_COMMIT_CUT;
}

static void map_at(char *address, size_t length_bytes, int rights)
{
	MUST(mmap(address, length_bytes, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		address);
}

static void begin(struct mapped *mapped)
{
	if (is_file(mapped->change)) {
		mapped->file = memfd_create("changes", MFD_CLOEXEC);
		MUST(mapped->file >= 0);
		MUST(fallocate(mapped->file, 0, 0, (off_t)mapped->length_bytes) == 0);
	} else if (mapped->change == VM_COMMIT_LOWERED) {
		mapped->heap = sbrk((intptr_t)mapped->length_bytes);
		MUST(mapped->heap != (void *)-1);
	} else {
		map_at(BASE, mapped->length_bytes, PROT_READ | PROT_WRITE);
	}
}

static void remap(const struct mapped *mapped, size_t new_bytes, int flags, char *to)
{
	MUST(mremap(BASE, mapped->length_bytes, new_bytes, flags, to) == to);
}

static void change(const struct mapped *mapped)
{
	char *const middle = BASE + VM_PAGE_BYTES;
	const size_t length = mapped->length_bytes, part = mapped->changed_bytes;

	switch (mapped->change) {
	case VM_COMMIT_MOVED:
		remap(mapped, length, MREMAP_MAYMOVE | MREMAP_FIXED, MOVED_BASE);
		break;
	case VM_COMMIT_KEPT:
		remap(mapped, length, MREMAP_MAYMOVE | MREMAP_FIXED | DONT_UNMAP, MOVED_BASE);
		break;
	case VM_COMMIT_GROWN:
		remap(mapped, length + part, 0, BASE);
		break;
	case VM_COMMIT_SHRUNK:
		remap(mapped, length - part, 0, BASE);
		break;
	case VM_COMMIT_SPLIT:
		MUST(madvise(middle, part, MADV_DONTDUMP) == 0);
		break;
	case VM_COMMIT_HOLED:
		MUST(munmap(middle, part) == 0);
		break;
	case VM_COMMIT_RENEWED:
		map_at(middle, part, PROT_READ | PROT_WRITE);
		break;
	case VM_COMMIT_REPLACED:
		map_at(middle, part, PROT_NONE);
		break;
	case VM_COMMIT_LOWERED:
		MUST(sbrk(-(intptr_t)part) != (void *)-1);
		break;
	case VM_COMMIT_PUNCHED:
		MUST(fallocate(mapped->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     VM_PAGE_BYTES, (off_t)part) == 0);
		break;
	case VM_COMMIT_CUT:
		MUST(ftruncate(mapped->file, (off_t)(length - part)) == 0);
		break;
	}
}

static void end(const struct mapped *mapped)
{
	if (is_file(mapped->change))
		MUST(close(mapped->file) == 0);
	else if (mapped->change == VM_COMMIT_LOWERED)
		MUST(brk(mapped->heap) == 0);
	else
		MUST(munmap(BASE, 2 * VM_GIB_BYTES) == 0);
}

/* What a change moved the commitment by, in the stretches in which nobody else ran. */
struct stretches {
	size_t count;
	int64_t pages[QUIET_WANTED];
};

static void take(struct quiet *quiet, const struct kernel_file *meminfo,
	void (*act)(const struct mapped *mapped), const struct mapped *mapped,
	struct stretches *stretches)
{
	quiet_begin(quiet);
	const int64_t before = kernel_meminfo_value(kernel_file_read(meminfo), "Committed_AS");
	act(mapped);
	const int64_t after = kernel_meminfo_value(kernel_file_read(meminfo), "Committed_AS");
	if (quiet_end(quiet) && stretches->count < QUIET_WANTED)
		stretches->pages[stretches->count++] =
			(after - before) / (int64_t)(VM_PAGE_BYTES / VM_KIB_BYTES);
}

static void measure(const struct probe_arguments *arguments)
{
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	static struct stretches changes, ends;
	struct quiet quiet;
	struct mapped mapped = {
		.change = (enum vm_commit_change)probe_argument(arguments, "change"),
		.length_bytes =
			(size_t)vm_pages_to_bytes((uint64_t)probe_argument(arguments, "pages")),
		.changed_bytes =
			(size_t)vm_pages_to_bytes((uint64_t)probe_argument(arguments, "changed")),
	};

	requests_lift_limits();
	quiet_open(&quiet);
	while (changes.count < QUIET_WANTED || ends.count < QUIET_WANTED) {
		quiet_try(&quiet, "Committed_AS");
		begin(&mapped);
		take(&quiet, &meminfo, change, &mapped, &changes);
		take(&quiet, &meminfo, end, &mapped, &ends);
	}
	observe_values(
		"commitment", "change", changes.pages, QUIET_WANTED, VM_UNIT_PAGES, "Committed_AS");
	observe_values(
		"commitment", "end", ends.pages, QUIET_WANTED, VM_UNIT_PAGES, "Committed_AS");
}

static const char *const claims[] = {"overcommit.mode2", NULL};

PROBE(changes_of_commitment) = {
	.name = "overcommit.changes",
	.claims = claims,
	.question = "What do changes of a mapping or of a file in memory add to the commitment?",
	.method =
		"Read Committed_AS before and after the change, and before and after all of it is "
		"unmapped, until nobody else has run during five of each.",
	.threats = "The commitment is the machine's, and others move it: only stretches count in "
		   "which no other task ran, by the number of context switches.",
	.by_hand = "grep Committed_AS /proc/meminfo",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
