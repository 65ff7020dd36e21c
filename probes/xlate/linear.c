/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's linear mapping, looked at from outside: at a frame's distance from its base lies
 * that frame, behind a large page.
 *
 * It would miss memory that is mapped twice, or not at all: xlate.direct-map adds it up.
 */
#include <sys/mman.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/ram.h"
#include "probe/walk.h"
#include "trial/files.h"
#include "trial/frames.h"
#include "trial/image.h"
#include "trial/oracle.h"
#include "trial/ram.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* One page of each 2 MiB of a mapping: most of them lie in blocks of their own. */
#define PLACES 12

static const char *const places[PLACES] = {
	"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"};

/* In how many blocks of 2 MiB do the frames lie, of those that a large page fits or fits not? */
static size_t blocks_of(
	const struct probe_reading *frames, const struct memory_ranges *ranges, bool fits)
{
	const uint64_t block_pages = vm_bytes_to_pages_floor(VM_HUGE_2M_BYTES);
	size_t count = 0;

	for (size_t i = 0; i < frames->values_count; i++) {
		const uint64_t frame = (uint64_t)frames->values[i];
		bool known = false;
		for (size_t j = 0; j < i && !known; j++)
			known = (uint64_t)frames->values[j] / block_pages == frame / block_pages;
		count += !known &&
			 vm_direct_map_fits_block(ranges->range, ranges->count, frame) == fits;
	}
	return count;
}

/* A block counted as split may also be one of the second mapping of the kernel's text. */
static void predict_blocks(const struct vm_host *host, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {
		"own-frames", "ram-first", "ram-end", "small", "large-splits"};
	const struct probe_reading *own = probe_reading_of(readings, "own-frames", "");
	struct vm_prediction prediction = {
		.claim = "xlate.direct-map",
		.quantity = "blocks-of-small-pages",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.because = "memory that fills 2 MiB is mapped with a large page, unless it was "
			   "split, at the start or since: so many are as count as small pages",
		.cite = "linux:6.12:arch/x86/mm/pat/set_memory.c:split_page_count",
	};
	struct memory_ranges ranges;
	struct moving small, splits;

	if (own == NULL) {
		predict_rule(predictions, &prediction, inputs, sizeof(inputs) / sizeof(inputs[0]));
		return;
	}
	if (!memory_ranges_of(readings, &ranges) || !moving_of(readings, "small", "", &small) ||
		!moving_of(readings, "large-splits", "", &splits)) {
		prediction.form = VM_FORM_SILENT;
		prediction.because = "this older record does not have the kernel's count of pages";
		vm_predict(predictions, &prediction);
		return;
	}
	const struct vm_direct_map map =
		vm_direct_map(ranges.range, ranges.count, host->cpu.page_1g);
	const uint64_t split = vm_direct_map_split_blocks(&map, (uint64_t)small.highest) +
			       (uint64_t)splits.highest - (uint64_t)splits.lowest;
	const bool hidden = vm_host_has(host, VM_FEATURE_PAGE_TABLE_ISOLATION);
	const size_t partial = hidden ? 0 : blocks_of(own, &ranges, false);
	const size_t whole = hidden ? 0 : blocks_of(own, &ranges, true);
	predict_moving(predictions, &prediction,
		(struct moving){(int64_t)partial,
			(int64_t)(partial + (split < whole ? (size_t)split : whole))},
		1);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const frames[] = {"own-frames"};
	const struct probe_reading *own = probe_reading_of(readings, "own-frames", "");
	struct vm_prediction prediction = {
		.claim = "xlate.direct-map",
		.quantity = "frames",
		.at = "",
		.unit = VM_UNIT_FRAME,
		.form = VM_FORM_EXACT,
		.because = "a frame lies as far from the base of the mapping as from the start of "
			   "memory",
		.cite = "linux:6.12:arch/x86/include/asm/page.h:__va",
	};

	(void)arguments;
	for (size_t i = 0; i < PLACES; i++)
		predict_walk(model, host, 0, places[i], readings, predictions);
	if (vm_host_has(host, VM_FEATURE_PAGE_TABLE_ISOLATION)) {
		prediction.because = "the tables that a program runs with do not have the linear "
				     "mapping where they are isolated";
		prediction.cite = "linux:6.12:arch/x86/mm/pti.c:__pti_set_user_pgtbl";
		predict_moving(predictions, &prediction, (struct moving){-1, -1}, PLACES);
	} else if (own == NULL) {
		predict_rule(predictions, &prediction, frames, 1);
	} else {
		prediction.values = own->values;
		prediction.values_count = own->values_count;
		vm_predict(predictions, &prediction);
	}
	predict_blocks(host, readings, predictions);
}

/* How many different ones of so many blocks. */
static int64_t different(const int64_t *blocks, size_t count)
{
	int64_t found = 0;

	for (size_t i = 0; i < count; i++) {
		size_t j = 0;
		while (blocks[j] != blocks[i])
			j++;
		found += j == i;
	}
	return found;
}

static void measure(const struct probe_arguments *arguments)
{
	const struct kernel_file vmstat = kernel_file_open("/proc/vmstat", KERNEL_FILE_USUAL_BYTES);
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	const size_t length_bytes = PLACES * (size_t)VM_HUGE_2M_BYTES;
	char *memory = mmap(
		NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int64_t own[PLACES], found[PLACES], small[PLACES];
	size_t small_count = 0;
	struct oracle_view of_small;

	(void)arguments;
	MUST(memory != MAP_FAILED);
	small_pages(memory, length_bytes);
	const int image = image_open();
	const uint64_t base = image_distance(image);
	const int pagemap = frames_open();
	observe_ram();
	oracle_begin();
	/* All of them, so that the frames of the twelve lie 2 MiB apart, too, or nearly. */
	for (size_t i = 0; i < length_bytes; i += VM_PAGE_BYTES)
		*(volatile char *)(memory + i) = 1;
	oracle_translate((uint64_t)(uintptr_t)memory, &of_small);
	const struct mapping_count before = mapping_read(&meminfo, &vmstat);
	for (size_t i = 0; i < PLACES; i++) {
		const uint64_t frame = frame_of(pagemap, memory + i * (size_t)VM_HUGE_2M_BYTES);
		const struct oracle_view *view =
			oracle_look_at(places[i], base + vm_pages_to_bytes(frame));
		own[i] = (int64_t)frame;
		found[i] = view->physical >> VM_PAGE_SHIFT;
		/* All levels of tables, as a small page needs. */
		if (view->entries_count == of_small.entries_count)
			small[small_count++] =
				found[i] / (int64_t)vm_bytes_to_pages_floor(VM_HUGE_2M_BYTES);
	}
	const struct mapping_count after = mapping_read(&meminfo, &vmstat);
	observe_values("own-frames", "", own, PLACES, VM_UNIT_FRAME, "/proc/self/pagemap");
	observe_values("frames", "", found, PLACES, VM_UNIT_FRAME, "gva2gpa");
	observe("blocks-of-small-pages", different(small, small_count), VM_UNIT_COUNT, "xp");
	observe_values("small", "",
		(const int64_t[]){before.kib[MAPPING_SMALL], after.kib[MAPPING_SMALL]}, 2,
		VM_UNIT_KIB, "/proc/meminfo");
	observe_values("large-splits", "",
		(const int64_t[]){before.splits[MAPPING_LARGE], after.splits[MAPPING_LARGE]}, 2,
		VM_UNIT_COUNT, "/proc/vmstat");
}

static const char *const claims[] = {"xlate.direct-map", "xlate.software-walk", NULL};

PROBE(linear) = {
	.name = "xlate.linear-mapping",
	.claims = claims,
	.letters = "V",
	.question = "Where in the kernel's linear mapping does a frame lie, and behind which page?",
	.method =
		"Take twelve pages; ask the machine that emulates this one for the translation of "
		"the base of the mapping and the frame's distance, and for the entries on the "
		"way.",
	.threats = "Pages of the mapping are split for code and for what is kept from writing: so "
		   "many blocks may be behind small pages as the kernel counts such pages.",
	.by_hand = "readelf -l /proc/kcore; gva2gpa in QEMU's monitor",
	.needs = {.root = true, .features_count = 1, .features = {VM_FEATURE_TRANSLATION_ORACLE}},
	.deadline_s = 60,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
