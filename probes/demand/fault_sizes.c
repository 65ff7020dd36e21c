/* SPDX-License-Identifier: Apache-2.0 */
/* The same memory in faults of another size: of 4 KiB, of 2 MiB, and of the huge-page pool. */
#include <linux/mman.h>
#include <sys/mman.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"

#define CLAIM	"demand.fault-is-costly"
#define BATCHES 3

static const char *const places[] = {"2 MiB", "8 MiB"};
static const uint64_t lengths_bytes[] = {VM_HUGE_2M_BYTES, 4 * VM_HUGE_2M_BYTES};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))
/* The longest, and one by which its start may be moved. */
#define POOL_PAGES 5

enum size { SIZE_SMALL, SIZE_HUGE, SIZE_POOL, SIZE_LIMIT };

static const struct {
	const char *quantity, *faults_quantity;
	uint64_t page_bytes;
	const char *because, *cite;
} sizes[SIZE_LIMIT] = {
	[SIZE_SMALL] = {"small", "small-faults", VM_PAGE_BYTES, "each page of 4 KiB takes a fault",
		"linux:6.12:mm/memory.c:do_anonymous_page"},
	[SIZE_HUGE] = {"huge", "huge-faults", VM_HUGE_2M_BYTES, "one fault maps 2 MiB",
		"linux:6.12:mm/huge_memory.c:do_huge_pmd_anonymous_page"},
	[SIZE_POOL] = {"pool", "pool-faults", VM_HUGE_2M_BYTES, "one fault maps a page of the pool",
		"linux:6.12:mm/hugetlb.c:hugetlb_no_page"},
};

/* ---- what the models say ---- */

static void predict_size(const struct shape_claim *claim, enum size size)
{
	for (size_t i = 0; i < PLACES_COUNT; i++)
		predict_each(claim, sizes[size].faults_quantity, places[i],
			(int64_t)(lengths_bytes[i] / sizes[size].page_bytes), BATCHES,
			sizes[size].because, sizes[size].cite);
	if (size != SIZE_SMALL)
		predict_shape(claim, sizes[size].quantity, VM_SHAPE_BELOW,
			sizes[SIZE_SMALL].quantity,
			"the same bytes are cleared, with one trap for 512", sizes[size].cite);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)model, (void)arguments, (void)readings;
	predict_size(&claim, SIZE_SMALL);
	if (vm_host_knob(host, VM_KNOB_THP_ENABLED, VM_THP_NEVER) != VM_THP_NEVER)
		predict_size(&claim, SIZE_HUGE);
}

static void predict_pool(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)model, (void)host, (void)arguments, (void)readings;
	predict_size(&claim, SIZE_SMALL);
	predict_size(&claim, SIZE_POOL);
}

/* ---- what the kernel does ---- */

struct field {
	enum size size;
	size_t length_bytes, batch;
	int64_t faults[BATCHES];
	bool has_size; /* all faults were of the size that was asked for */
};

static int64_t touch_memory(void *context)
{
	struct field *field = context;
	const size_t mapped_bytes = field->length_bytes + VM_HUGE_2M_BYTES;
	const int pool = field->size == SIZE_POOL ? MAP_HUGETLB | MAP_HUGE_2MB : 0;
	char *mapped = mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | pool, -1, 0);

	MUST(mapped != MAP_FAILED);
	char *start = (char *)vm_align_up((uint64_t)mapped, VM_HUGE_2M_BYTES);
	if (field->size == SIZE_SMALL)
		small_pages(mapped, mapped_bytes);
	else if (field->size == SIZE_HUGE)
		/* Without huge pages in the kernel the advice is not known. */
		field->has_size =
			field->has_size && madvise(mapped, mapped_bytes, MADV_HUGEPAGE) == 0;
	const int64_t before = cost_minor_faults();
	int64_t elapsed_ns = cost_cpu_ns();
	memory_write(start, field->length_bytes);
	elapsed_ns = cost_cpu_ns() - elapsed_ns;
	field->faults[field->batch++] = cost_minor_faults() - before;
	MUST(munmap(mapped, mapped_bytes) == 0);
	return elapsed_ns;
}

static void time_it(struct field *field, enum size size, size_t place)
{
	static struct cost_samples samples;
	const struct cost_plan plan = {
		.name = sizes[size].quantity,
		.body = touch_memory,
		.context = field,
		.batches = BATCHES,
	};

	*field = (struct field){
		.size = size, .length_bytes = lengths_bytes[place], .has_size = true};
	cost_measure(&plan, &samples);
	/* Fragmented memory has no huge page to give: this launch says nothing of them. */
	for (size_t i = 0; i < BATCHES && size == SIZE_HUGE; i++)
		field->has_size =
			field->has_size &&
			field->faults[i] == (int64_t)(field->length_bytes / VM_HUGE_2M_BYTES);
	if (!field->has_size)
		return;
	observe_values(sizes[size].quantity, places[place], samples.elapsed_ns, samples.count,
		VM_UNIT_NS, "CPU time");
	observe_values(sizes[size].faults_quantity, places[place], field->faults, BATCHES,
		VM_UNIT_COUNT, "getrusage");
}

static void measure_beside_small(enum size other)
{
	static struct field field;
	uint64_t state = trial_seed();
	size_t order[2 * PLACES_COUNT];

	order_shuffle(order, 2 * PLACES_COUNT, &state);
	for (size_t i = 0; i < 2 * PLACES_COUNT; i++)
		time_it(&field, order[i] < PLACES_COUNT ? SIZE_SMALL : other,
			order[i] % PLACES_COUNT);
}

static void measure(const struct probe_arguments *arguments)
{
	(void)arguments;
	measure_beside_small(SIZE_HUGE);
}

static void measure_pool(const struct probe_arguments *arguments)
{
	(void)arguments;
	measure_beside_small(SIZE_POOL);
}

static const char *const claims[] = {CLAIM, NULL};

#define METHOD                                                                             \
	"CPU time and faults of writing a byte to each 4 KiB of 2 and 8 MiB, in pages of " \
	"4 KiB and "

PROBE(fault_sizes) = {
	.name = "demand.fault-sizes",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What does memory cost in faults of 4 KiB, and of 2 MiB?",
	.method = METHOD "in transparent huge pages.",
	.threats = "A busy neighbour: CPU time. Fragmented memory: the faults say which size the "
		   "kernel gave, and another one than asked for is no figure.",
	.by_hand = "perf stat -e minor-faults stress-ng --vm 1 --vm-bytes 8m --vm-madvise hugepage",
	.needs = {.memory_bytes = 64 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};

PROBE(fault_sizes_pool) = {
	.name = "demand.fault-sizes-hugetlb",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What does memory cost in faults of the huge-page pool?",
	.method = METHOD "in pages of the pool.",
	.threats = "A busy neighbour: CPU time. Another size: the mapping is refused where the "
		   "pool has no page, and the faults are counted.",
	.by_hand = "perf stat -e minor-faults stress-ng --mmap 1 --mmap-mmap2 -t 1",
	.needs = {.memory_bytes = 64 * VM_MIB_BYTES, .huge_2m_pages = POOL_PAGES},
	.deadline_s = 20,
	.predict = PREDICTS(predict_pool),
	.measure = MEASURES_TIMED(measure_pool),
};
