/* SPDX-License-Identifier: Apache-2.0 */
/* The first read waits for the device, the second does not; nor does a write that need not be safe.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"

#define CLAIM	   "cache.read-through"
#define BATCHES	   3
#define MOST_BYTES (256 * VM_KIB_BYTES)

static const char *const places[] = {"64 KiB", "256 KiB"};
static const size_t lengths_bytes[] = {64 * VM_KIB_BYTES, MOST_BYTES};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < PLACES_COUNT; i++)
		predict_each(&claim, "hit-blocks", places[i], 0, BATCHES,
			"every page was left in the cache by the read before",
			"linux:6.12:mm/filemap.c:filemap_read");
	predict_shape(&claim, "hit", VM_SHAPE_BELOW, "miss",
		"a hit copies from memory; a miss allocates pages and waits until the device has "
		"filled them",
		"linux:6.12:mm/filemap.c:filemap_get_pages");
	predict_shape(&claim, "write-back", VM_SHAPE_BELOW, "write-through",
		"a write is done when the page cache has it; with O_SYNC when the device has",
		"linux:6.12:mm/filemap.c:generic_write_sync");
}

/* ---- what the kernel does ---- */

struct field {
	int file;
	size_t length_bytes, batch;
	char *buffer;
	int64_t blocks[BATCHES];
};

static int64_t blocks_read(void)
{
	struct rusage usage;

	MUST(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_inblock;
}

static int64_t time_read(void *context)
{
	struct field *field = context;
	const int64_t before = blocks_read(), started_ns = cost_now_ns();

	MUST(pread(field->file, field->buffer, field->length_bytes, 0) ==
		(ssize_t)field->length_bytes);
	const int64_t elapsed_ns = cost_now_ns() - started_ns;
	field->blocks[field->batch++ % BATCHES] = blocks_read() - before;
	return elapsed_ns;
}

static int64_t time_miss(void *context)
{
	const struct field *field = context;

	memory_evict(field->file, MOST_BYTES);
	return time_read(context);
}

static int64_t time_write(void *context)
{
	const struct field *field = context;
	const int64_t started_ns = cost_now_ns();

	MUST(pwrite(field->file, field->buffer, field->length_bytes, 0) ==
		(ssize_t)field->length_bytes);
	return cost_now_ns() - started_ns;
}

static void time_it(struct field *field, const char *quantity, size_t place, cost_body *body)
{
	static struct cost_samples samples;
	const struct cost_plan plan = {
		.name = quantity,
		.body = body,
		.context = field,
		.batches = BATCHES,
	};

	field->batch = 0;
	cost_measure(&plan, &samples);
	observe_values(quantity, places[place], samples.elapsed_ns, samples.count, VM_UNIT_NS,
		"CLOCK_MONOTONIC_RAW");
}

/* The same file, opened again: only this description is synchronous. */
static int open_synchronous(int file)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return open(path, O_RDWR | O_SYNC | O_CLOEXEC);
}

static void measure(const struct probe_arguments *arguments)
{
	static struct field field;
	uint64_t state = trial_seed();
	size_t order[PLACES_COUNT];

	(void)arguments;
	const int file = memory_disk_file(MOST_BYTES), synchronous = open_synchronous(file);
	MUST(synchronous >= 0);
	field.buffer = memory_touched(MOST_BYTES, false);
	MUST(field.buffer != NULL);
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		const size_t place = order[i];
		field.length_bytes = lengths_bytes[place];
		field.file = file;
		/* What was written before is on the disk, or it could not be dropped. */
		MUST(fsync(file) == 0);
		time_it(&field, "miss", place, time_miss);
		time_it(&field, "hit", place, time_read);
		observe_values("hit-blocks", places[place], field.blocks, BATCHES, VM_UNIT_COUNT,
			"getrusage");
		time_it(&field, "write-back", place, time_write);
		field.file = synchronous;
		time_it(&field, "write-through", place, time_write);
	}
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(read_through) = {
	.name = CLAIM,
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What do a miss and a hit in the page cache cost, and a write that waits?",
	.method = "Read 64 and 256 KiB of a file whose pages were dropped, and again; write them "
		  "back, and through with O_SYNC. The blocks read from the device are counted.",
	.threats = "A folder in memory has no misses: mincore is asked whether the pages are gone. "
		   "Reading ahead for somebody else: no claim counts what a miss reads.",
	.by_hand = "vmtouch -e FILE; dd if=FILE of=/dev/null; dd if=FILE of=/dev/null",
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
