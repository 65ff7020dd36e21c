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
#define BATCHES	     3
#define RECORD_BYTES 64

static const char *const places[] = {"256", "1024", "4096"};
static const size_t accesses_counts[] = {256, 1024, 4096};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* The ways of going through the file; the sweep over numbers goes by chance. */
static const char *const patterns[] = {"in order", "every seventh page", "by chance"};
enum pattern { PATTERN_IN_ORDER, PATTERN_STRIDED, PATTERN_BY_CHANCE, PATTERN_LIMIT };

#define PATTERN_ACCESSES 1024
/* No divisor of the file: every page has its turn. */
#define STRIDE_PAGES 7

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
	const struct shape_claim ways = {predictions, CLAIM, PATTERN_LIMIT, patterns};
	predict_shape(&ways, "mapped-pattern", VM_SHAPE_BELOW, "read-pattern",
		"which page is next makes no difference to a load that asks nobody",
		"linux:6.12:mm/filemap.c:filemap_read");
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
	enum pattern pattern;
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

static uint64_t page_of(struct field *field, size_t access)
{
	switch (field->pattern) {
	case PATTERN_IN_ORDER:
		return access % FILE_PAGES;
	case PATTERN_STRIDED:
		return access * STRIDE_PAGES % FILE_PAGES;
	case PATTERN_BY_CHANCE:
	case PATTERN_LIMIT:
		break;
	}
	return vm_random_below(&field->random_state, FILE_PAGES);
}

static int64_t take_all(void *context)
{
	struct field *field = context;
	const int64_t started_ns = cost_cpu_ns();

	for (size_t i = 0; i < field->accesses; i++)
		take(field, vm_pages_to_bytes(page_of(field, i)));
	return cost_cpu_ns() - started_ns;
}

static void time_way(struct field *field, enum way way, const char *quantity,
	const char *faults_quantity, const char *at)
{
	const struct cost_plan plan = {
		.name = quantity,
		.body = take_all,
		.context = field,
		.witness = "CPU time",
		.warm_ups = 1,
		.batches = BATCHES,
	};

	field->way = way;
	cost_observe(&plan, quantity, faults_quantity, at);
}

static void measure_patterns(struct field *field)
{
	size_t order[PATTERN_LIMIT];

	order_shuffle(order, PATTERN_LIMIT, &field->random_state);
	field->accesses = PATTERN_ACCESSES;
	for (size_t i = 0; i < PATTERN_LIMIT; i++) {
		const char *at = patterns[order[i]];
		field->pattern = (enum pattern)order[i];
		time_way(field, WAY_MAPPED, "mapped-pattern", "mapped-pattern-faults", at);
		time_way(field, WAY_READ, "read-pattern", "read-pattern-faults", at);
	}
}

static void measure(const struct probe_arguments *arguments)
{
	struct field field = {.random_state = trial_seed()};
	size_t order[PLACES_COUNT];

	(void)arguments;
	field.file = memory_disk_file(vm_pages_to_bytes(FILE_PAGES));
	field.mapping = mmap(NULL, vm_pages_to_bytes(FILE_PAGES), PROT_READ,
		MAP_SHARED | MAP_POPULATE, field.file, 0);
	MUST(field.mapping != MAP_FAILED);
	measure_patterns(&field);
	order_shuffle(order, PLACES_COUNT, &field.random_state);
	field.pattern = PATTERN_BY_CHANCE;
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		const char *at = places[order[i]];
		field.accesses = accesses_counts[order[i]];
		time_way(&field, WAY_MAPPED, "mapped", "mapped-faults", at);
		time_way(&field, WAY_READ, "read", "read-faults", at);
		time_way(&field, WAY_SEEK_READ, "seek-read", "seek-read-faults", at);
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(mmap_read) = {
	.name = CLAIM,
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "Are small accesses all over a file faster through a mapping than by calls?",
	.method = "CPU time of 256 to 4096 accesses of 64 bytes to pages drawn by chance of a "
		  "cached file: through a mapping, by pread, and by lseek and read; and of 1024 in "
		  "order, by stride and by chance.",
	.threats = "A page that is not cached would wait for the disk: the file was just written, "
		   "and the mapping's faults are counted. A busy neighbour: CPU time.",
	.by_hand = "strace -c PROGRAM; perf bench syscall",
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
