/* SPDX-License-Identifier: Apache-2.0 */
/* Small accesses all over a cached file: through a mapping, and by a call each. */
#include <sys/mman.h>
#include <unistd.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/random.h"

#define CLAIM	     "area.mmap-vs-read"
#define FILE_PAGES   256
#define BATCHES	     5
#define RECORD_BYTES 64

static const char *const places[] = {"256", "1024", "4096"};
static const size_t accesses_counts[] = {256, 1024, 4096};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < PLACES_COUNT; i++)
		predict_each(&claim, "mapped-faults", places[i], 0, BATCHES,
			"every page of the file was mapped before",
			"linux:6.12:mm/gup.c:populate_vma_page_range");
	predict_shape(&claim, "mapped", VM_SHAPE_BELOW, "read",
		"a load from a page that is mapped asks nobody; each read enters the kernel, looks "
		"the page up and copies",
		"linux:6.12:mm/filemap.c:filemap_read");
	predict_shape(&claim, "read", VM_SHAPE_BELOW, "seek-read",
		"a position of its own spares the call that sets the shared one",
		"linux:6.12:fs/read_write.c:ksys_pread64");
}

/* ---- what the kernel does ---- */

enum way { WAY_MAPPED, WAY_READ, WAY_SEEK_READ };

struct field {
	enum way way;
	int file;
	const char *mapping;
	size_t accesses;
	uint64_t random_state;
};

static void take(const struct field *field, uint64_t offset)
{
	char bytes[RECORD_BYTES];

	switch (field->way) {
	case WAY_MAPPED:
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = ((const volatile char *)field->mapping)[offset + i];
		break;
	case WAY_READ:
		MUST(pread(field->file, bytes, sizeof(bytes), (off_t)offset) ==
			(ssize_t)sizeof(bytes));
		break;
	case WAY_SEEK_READ:
		MUST(lseek(field->file, (off_t)offset, SEEK_SET) == (off_t)offset);
		MUST(read(field->file, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes));
		break;
	}
}

static int64_t take_all(void *context)
{
	struct field *field = context;
	const int64_t started_ns = cost_cpu_ns();

	for (size_t i = 0; i < field->accesses; i++)
		take(field, vm_pages_to_bytes(vm_random_below(&field->random_state, FILE_PAGES)));
	return cost_cpu_ns() - started_ns;
}

static void measure(const struct probe_arguments *arguments)
{
	static const struct {
		const char *quantity, *faults_quantity;
	} ways[] = {
		[WAY_MAPPED] = {"mapped", "mapped-faults"},
		[WAY_READ] = {"read", "read-faults"},
		[WAY_SEEK_READ] = {"seek-read", "seek-read-faults"},
	};
	struct field field = {.random_state = trial_seed()};
	size_t order[PLACES_COUNT];

	(void)arguments;
	field.file = memory_disk_file(vm_pages_to_bytes(FILE_PAGES));
	field.mapping = mmap(NULL, vm_pages_to_bytes(FILE_PAGES), PROT_READ,
		MAP_SHARED | MAP_POPULATE, field.file, 0);
	MUST(field.mapping != MAP_FAILED);
	order_shuffle(order, PLACES_COUNT, &field.random_state);
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		field.accesses = accesses_counts[order[i]];
		for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
			field.way = (enum way)way;
			const struct cost_plan plan = {
				.name = ways[way].quantity,
				.body = take_all,
				.context = &field,
				.witness = "CPU time",
				.warm_ups = 1,
				.batches = BATCHES,
			};
			cost_observe(&plan, ways[way].quantity, ways[way].faults_quantity,
				places[order[i]]);
		}
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(mmap_read) = {
	.name = CLAIM,
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "Are small accesses all over a file faster through a mapping than by calls?",
	.method = "CPU time of 256 to 4096 accesses of 64 bytes to pages drawn by chance of a "
		  "cached file: through a mapping, by pread, and by lseek and read.",
	.threats = "A page that is not cached would wait for the disk: the file was just written, "
		   "and the mapping's faults are counted. A busy neighbour: CPU time.",
	.by_hand = "strace -c PROGRAM; perf bench syscall",
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
