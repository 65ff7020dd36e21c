/* SPDX-License-Identifier: Apache-2.0 */
/* A fault costs more than the access that it serves, and one that waits for a disk far more. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "probe/probe.h"
#include "timed/cost.h"
#include "timed/order.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

enum place { PLACE_PRESENT, PLACE_MINOR, PLACE_MAJOR, PLACE_LIMIT };

static const char *const places[PLACE_LIMIT] = {
	[PLACE_PRESENT] = "present",
	[PLACE_MINOR] = "minor",
	[PLACE_MAJOR] = "major",
};

#define PAGES	64
#define BATCHES 4

/* ---- what the models say ---- */

static void predict_count(struct vm_predictions *predictions, const char *quantity,
	enum place place, int64_t count, const char *because, const char *cite)
{
	int64_t values[BATCHES];

	for (size_t i = 0; i < BATCHES; i++)
		values[i] = count;
	vm_predict(predictions, &(struct vm_prediction){
					.claim = "demand.fault-is-costly",
					.quantity = quantity,
					.at = places[place],
					.unit = VM_UNIT_COUNT,
					.form = VM_FORM_EXACT,
					.values_count = BATCHES,
					.values = values,
					.because = because,
					.cite = cite,
				});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)model, (void)host, (void)arguments, (void)readings;
	predict_count(predictions, "minor-faults", PLACE_PRESENT, 0,
		"the page is mapped: the processor asks nobody",
		"linux:6.12:mm/memory.c:handle_mm_fault");
	predict_count(predictions, "minor-faults", PLACE_MINOR, PAGES,
		"each fresh page takes a fault that finds a frame in memory",
		"linux:6.12:mm/memory.c:do_anonymous_page");
	predict_count(predictions, "major-faults", PLACE_MAJOR, PAGES,
		"each page of the file that is not cached takes a fault that waits for the disk",
		"linux:6.12:mm/filemap.c:filemap_fault");
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "demand.fault-is-costly",
			.quantity = "touch",
			.at = "",
			.unit = VM_UNIT_NS,
			.form = VM_FORM_SHAPE,
			.shape = VM_SHAPE_RISES,
			.inputs_count = PLACE_LIMIT,
			.inputs = places,
			.because = "an access; the same with a trap and a frame to find; the same "
				   "again, and a disk to wait for",
			.cite = "linux:6.12:mm/memory.c:mm_account_fault",
		});
}

/* ---- what the kernel does ---- */

struct field {
	enum place place;
	int file;
	char *present;
	size_t batches_count;
	int64_t major_faults[BATCHES + 1];
};

static int64_t time_touches(const char *memory)
{
	const int64_t started_ns = cost_now_ns();

	for (size_t i = 0; i < PAGES; i++)
		(void)((const volatile char *)memory)[vm_pages_to_bytes(i)];
	return cost_now_ns() - started_ns;
}

static int64_t major_faults(void)
{
	struct rusage usage;

	MUST(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_majflt;
}

/* A mapping of the file without one of its pages in memory, and without reading ahead. */
static char *map_evicted(int file)
{
	unsigned char in_core[PAGES];
	char *memory = mmap(NULL, vm_pages_to_bytes(PAGES), PROT_READ, MAP_PRIVATE, file, 0);

	MUST(memory != MAP_FAILED);
	MUST(madvise(memory, vm_pages_to_bytes(PAGES), MADV_RANDOM) == 0);
	MUST(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0);
	MUST(mincore(memory, vm_pages_to_bytes(PAGES), in_core) == 0);
	for (size_t i = 0; i < PAGES; i++)
		if ((in_core[i] & 1) != 0)
			unmet("file pages cannot be dropped where trials have their folder",
				"set TMPDIR to a folder on a disk, not in memory");
	return memory;
}

static int64_t touch(void *context)
{
	struct field *field = context;
	char *memory = field->present;

	if (field->place == PLACE_MINOR) {
		memory = mmap(NULL, vm_pages_to_bytes(PAGES), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		MUST(memory != MAP_FAILED);
		small_pages(memory, vm_pages_to_bytes(PAGES));
	} else if (field->place == PLACE_MAJOR) {
		memory = map_evicted(field->file);
	}
	const int64_t before = major_faults();
	const int64_t elapsed_ns = time_touches(memory);
	field->major_faults[field->batches_count++] = major_faults() - before;
	if (field->place != PLACE_PRESENT)
		MUST(munmap(memory, vm_pages_to_bytes(PAGES)) == 0);
	return elapsed_ns;
}

static void time_place(struct field *field, enum place place)
{
	const struct cost_plan plan = {
		.name = "touch",
		.body = touch,
		.context = field,
		.witness = "CLOCK_MONOTONIC_RAW",
		.warm_ups = 1,
		.batches = BATCHES,
	};

	field->place = place;
	field->batches_count = 0;
	cost_observe(&plan, "touch", "minor-faults", places[place]);
	observe_values("major-faults", places[place], field->major_faults + plan.warm_ups, BATCHES,
		VM_UNIT_COUNT, "getrusage");
}

static int make_file(void)
{
	static const char contents[PAGES * VM_PAGE_BYTES] = {1};
	const int file = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (file < 0)
		unmet("no unnamed file can be made where trials have their folder",
			"set TMPDIR to a folder on a disk");
	MUST(write(file, contents, sizeof(contents)) == (ssize_t)sizeof(contents));
	/* Dirty pages cannot be dropped. */
	MUST(fsync(file) == 0);
	return file;
}

static void measure(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[PLACE_LIMIT];
	struct field field = {.file = make_file()};

	(void)arguments;
	field.present = mmap(NULL, vm_pages_to_bytes(PAGES), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(field.present != MAP_FAILED);
	memset(field.present, 1, vm_pages_to_bytes(PAGES));
	order_shuffle(order, PLACE_LIMIT, &state);
	for (size_t i = 0; i < PLACE_LIMIT; i++)
		time_place(&field, (enum place)order[i]);
}

static const char *const claims[] = {"demand.fault-is-costly", NULL};

PROBE(fault_cost) = {
	.name = "demand.fault-is-costly",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What does touching a page cost: present, after a minor and a major fault?",
	.method =
		"Read one byte of each of 64 pages: mapped before, fresh anonymous, and of a file "
		"whose pages were dropped; the faults are counted beside the time.",
	.threats = "Reading ahead would turn 64 major faults into few: MADV_RANDOM. A folder in "
		   "memory has no major faults: mincore is asked whether the pages are gone.",
	.by_hand = "perf trace -F all --no-syscalls -- grep -r x /usr/include",
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
