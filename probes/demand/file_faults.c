/* SPDX-License-Identifier: Apache-2.0 */
/* Minor faults on a cached file: with its neighbours brought along, alone, and written. */
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/files.h"
#include "trial/tracking.h"
#include "trial/trial.h"
#include "vm/model.h"

#define CLAIM	   "demand.fault-is-costly"
#define BATCHES	   3
#define PAGES_MOST 1024

static const char *const places[] = {"64", "256", "1024"};
static const int64_t pages_counts[] = {64, 256, PAGES_MOST};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* linux:6.12:mm/memory.c:fault_around_pages, of 64 KiB; every place is a multiple. */
#define WINDOW_PAGES 16

enum kind {
	KIND_AROUND, /* read */
	KIND_ALONE,  /* read, where the kernel tracks writes and so maps nothing in advance */
	KIND_SHARED, /* written, to the file */
	KIND_COPIED, /* written, to a copy */
	KIND_LIMIT,
};

static const struct {
	const char *quantity, *faults_quantity, *because, *cite;
} kinds[KIND_LIMIT] = {
	[KIND_AROUND] = {"around", "around-faults",
		"a fault for reading maps the cached pages around it as well",
		"linux:6.12:mm/memory.c:do_fault_around"},
	[KIND_ALONE] = {"alone", "alone-faults",
		"where write protection is tracked nothing is mapped in advance",
		"linux:6.12:include/linux/userfaultfd_k.h:uffd_disable_fault_around"},
	[KIND_SHARED] = {"shared", "shared-faults", "a page is made writable when it is written",
		"linux:6.12:mm/memory.c:do_shared_fault"},
	[KIND_COPIED] = {"copied", "copied-faults", "a page is copied when it is written",
		"linux:6.12:mm/memory.c:do_cow_fault"},
};

/* ---- what the models say ---- */

static bool speaks_of(enum kind kind, const struct vm_host *host)
{
	return kind != KIND_ALONE || vm_host_has(host, VM_FEATURE_UFFD_WP_ASYNC);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)arguments, (void)readings;
	for (size_t kind = 0; kind < KIND_LIMIT; kind++) {
		if (!speaks_of((enum kind)kind, host))
			continue;
		const int64_t pages_a_fault =
			kind == KIND_AROUND && model->behaviours.fault_around ? WINDOW_PAGES : 1;
		for (size_t i = 0; i < PLACES_COUNT; i++)
			predict_each(&claim, kinds[kind].faults_quantity, places[i],
				pages_counts[i] / pages_a_fault, BATCHES, kinds[kind].because,
				kinds[kind].cite);
		predict_growth(&claim, kinds[kind].quantity, VM_SHAPE_PROPORTIONAL, NULL,
			pages_counts, kinds[kind].because, kinds[kind].cite);
	}
	if (model->behaviours.fault_around)
		predict_shape(&claim, kinds[KIND_AROUND].quantity, VM_SHAPE_BELOW,
			kinds[KIND_SHARED].quantity, "one trap for sixteen pages",
			"linux:6.12:mm/memory.c:do_fault_around");
}

/* Where shared memory is made of huge pages, one fault maps more. */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	const int64_t always = 0, within_size = 1, force = 5;
	const int64_t value = vm_host_knob(host, VM_KNOB_THP_SHMEM_ENABLED, -1);

	(void)arguments;
	return value != always && value != within_size && value != force;
}

/* ---- what the kernel does ---- */

struct field {
	enum kind kind;
	int file;
	int tracker; /* or an error: this kernel has none */
	size_t length_bytes, batch;
	int64_t faults[BATCHES];
};

/* At the start of a table, so that windows are whole. */
static char *map_file(const struct field *field, char **reserved)
{
	const int sharing = field->kind == KIND_COPIED ? MAP_PRIVATE : MAP_SHARED;

	*reserved = mmap(NULL, field->length_bytes + VM_HUGE_2M_BYTES, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(*reserved != MAP_FAILED);
	char *start = (char *)vm_align_up((uint64_t)*reserved, VM_HUGE_2M_BYTES);
	MUST(mmap(start, field->length_bytes, PROT_READ | PROT_WRITE, sharing | MAP_FIXED,
		     field->file, 0) == start);
	small_pages(start, field->length_bytes);
	if (field->kind == KIND_ALONE)
		MUST(tracking_register(field->tracker, (uint64_t)start, field->length_bytes) == 0);
	return start;
}

static int64_t touch_file(void *context)
{
	struct field *field = context;
	char *reserved = NULL, *memory = map_file(field, &reserved);
	const bool writes = field->kind == KIND_SHARED || field->kind == KIND_COPIED;
	const int64_t before = cost_minor_faults();
	int64_t elapsed_ns = cost_cpu_ns();

	if (writes)
		memory_write(memory, field->length_bytes);
	else
		memory_read(memory, field->length_bytes);
	elapsed_ns = cost_cpu_ns() - elapsed_ns;
	field->faults[field->batch++] = cost_minor_faults() - before;
	MUST(munmap(reserved, field->length_bytes + VM_HUGE_2M_BYTES) == 0);
	return elapsed_ns;
}

static void time_it(struct field *field, enum kind kind, size_t place)
{
	const struct cost_plan plan = {
		.name = kinds[kind].quantity,
		.body = touch_file,
		.context = field,
		.witness = "CPU time",
		.batches = BATCHES,
		.faults = field->faults,
	};

	if (kind == KIND_ALONE && field->tracker < 0)
		return;
	field->kind = kind;
	field->length_bytes = vm_pages_to_bytes((uint64_t)pages_counts[place]);
	field->batch = 0;
	cost_observe(&plan, kinds[kind].quantity, kinds[kind].faults_quantity, places[place]);
}

static void measure(const struct probe_arguments *arguments)
{
	static const char page[VM_PAGE_BYTES] = {1};
	static struct field field;
	uint64_t state = trial_seed();
	size_t order[KIND_LIMIT * PLACES_COUNT];

	(void)arguments;
	field.file = memory_file(false);
	field.tracker = tracking_open();
	for (size_t i = 0; i < PAGES_MOST; i++)
		MUST(write(field.file, page, sizeof(page)) == (ssize_t)sizeof(page));
	order_shuffle(order, KIND_LIMIT * PLACES_COUNT, &state);
	for (size_t i = 0; i < KIND_LIMIT * PLACES_COUNT; i++)
		time_it(&field, (enum kind)(order[i] / PLACES_COUNT), order[i] % PLACES_COUNT);
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(file_faults) = {
	.name = "demand.file-faults",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What do minor faults on a cached file cost, with fault-around and without?",
	.method = "CPU time and faults of touching 64 to 1024 cached pages of a file in memory: "
		  "read, read where writes are tracked, written in a shared and in a private "
		  "mapping.",
	.threats = "A busy neighbour: CPU time. A window cut short: mappings begin where a table "
		   "does, and are whole windows long. Larger folios: small ones are asked for, and "
		   "the faults are counted.",
	.by_hand = "perf stat -e minor-faults cat /bin/ls",
	.needs = {.memory_bytes = 64 * VM_MIB_BYTES},
	.deadline_s = 20,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
