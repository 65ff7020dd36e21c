/* SPDX-License-Identifier: Apache-2.0 */
/* Segments, base and limit, low memory: what the course tells of times before paging. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"
#include "vm/segment.h"

#define LIMIT	999
#define SWEEP	3000
#define MEMORY	100
#define PROGRAM 30
#define GROWTH	10

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char segment[] = "xlate.segmentation", base[] = "xlate.base-limit";

	(void)model, (void)host, (void)arguments, (void)readings;
	predict_value(predictions, segment, "offsets-allowed", LIMIT + 1, VM_UNIT_COUNT,
		"an offset is valid up to and including the limit", "gios");
	predict_value(predictions, segment, "wrong-linear-addresses", 0, VM_UNIT_COUNT,
		"the base is added to the offset", "gios");
	predict_value(predictions, segment, "violations-that-pass", 0, VM_UNIT_COUNT,
		"limit, type and privilege are checked at each access", "gios; osn");
	predict_value(predictions, segment, "fails-with-room", 1, VM_UNIT_COUNT,
		"segments of several sizes leave holes that no large segment fits", "gios; osn");
	predict_value(predictions, base, "offsets-that-trap", SWEEP - PROGRAM, VM_UNIT_COUNT,
		"an offset at or beyond the limit traps", "osn");
	predict_value(predictions, base, "moved-by-growth", PROGRAM, VM_UNIT_COUNT,
		"without room behind it a growing program is copied whole", "osn");
	predict_value(predictions, base, "addresses-changed-by-compaction", 0, VM_UNIT_COUNT,
		"compaction changes base registers: a program's own addresses stay", "osn");
	predict_value(predictions, "xlate.lowmem", "mapped-for-good",
		(int64_t)vm_lowmem_split(4 * VM_GIB_BYTES).low_bytes, VM_UNIT_BYTES,
		"a gibibyte of addresses less what the kernel needs for windows", "osn");
	predict_value(predictions, "xlate.lowmem", "window-pages-before-a-flush", VM_KMAP_PAGES,
		VM_UNIT_PAGES, "above it pages are mapped one by one, and unmapped together",
		"osn");
}

static void show_segments(struct check_shown *shown)
{
	static const struct vm_descriptor table[] = {{.present = false},
		{.base = 0x10000,
			.limit = LIMIT,
			.present = true,
			.writable = true,
			.privilege = 3},
		{.base = 0x20000, .limit = LIMIT, .present = true, .privilege = 3},
		{.base = 0x30000,
			.limit = LIMIT,
			.present = true,
			.writable = true,
			.privilege = 0},
		{.base = 0x40000, .limit = LIMIT, .writable = true, .privilege = 3}};
	const struct vm_descriptor_tables tables = {.global_count = 5, .global = table};
	int64_t allowed = 0, wrong = 0, passed = 0;

	for (uint32_t offset = 0; offset < SWEEP; offset++)
		for (uint16_t index = 1; index < 5; index++) {
			const struct vm_segment_result result =
				vm_segment_translate(&tables, (struct vm_selector){.index = index},
					offset, 1, VM_ACCESS_WRITE, 3);
			const bool is_allowed = result.outcome == VM_SEGMENT_ALLOWED;
			if (index != 1) {
				passed += is_allowed;
				continue;
			}
			allowed += is_allowed;
			wrong += is_allowed && result.linear != table[1].base + offset;
		}
	show_value(shown, "offsets-allowed", allowed, VM_UNIT_COUNT, "simulator");
	show_value(shown, "wrong-linear-addresses", wrong, VM_UNIT_COUNT, "simulator");
	show_value(shown, "violations-that-pass", passed, VM_UNIT_COUNT, "simulator");
}

/* Three segments of a third; the outer two go; half of memory is free, and does not fit. */
static void show_fragmentation(struct check_shown *shown)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_fit_bytes(8));
	struct vm_fit *fit = vm_fit_create(VM_FIT_FIRST, UINT64_C(3) * MEMORY, 8, &arena);
	uint64_t first[3];

	for (uint32_t i = 0; i < 3; i++)
		first[i] = vm_fit_allocate(fit, MEMORY, i);
	(void)vm_fit_free(fit, first[0]);
	(void)vm_fit_free(fit, first[2]);
	(void)vm_fit_allocate(fit, MEMORY + 1, 3);
	show_value(shown, "fails-with-room", (int64_t)vm_fit_counts(fit)->failures_with_room,
		VM_UNIT_COUNT, "simulator");
}

static void show_base_and_limit(struct check_shown *shown)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_relocation_bytes(2));
	struct vm_relocation *memory = vm_relocation_create(VM_FIT_FIRST, MEMORY, 2, &arena);
	uint64_t base, limit, moved, physical, after;
	int64_t traps = 0, changed = 0;

	(void)vm_relocation_load(memory, 0, PROGRAM);
	(void)vm_relocation_load(memory, 1, PROGRAM);
	for (uint64_t offset = 0; offset < SWEEP; offset++)
		traps += !vm_relocation_translate(memory, 0, offset, &physical);
	(void)vm_relocation_grow(memory, 0, PROGRAM + GROWTH, &moved);
	(void)vm_relocation_registers(memory, 0, &base, &limit);
	(void)vm_relocation_compact(memory);
	(void)vm_relocation_registers(memory, 0, &after, &limit);
	for (uint64_t offset = 0; offset < PROGRAM + GROWTH; offset++)
		changed += !vm_relocation_translate(memory, 0, offset, &physical) ||
			   physical - after != offset;
	/* The compaction must have moved it, or nothing is shown. */
	changed += after == base;
	show_value(shown, "offsets-that-trap", traps, VM_UNIT_COUNT, "simulator");
	show_value(shown, "moved-by-growth", (int64_t)moved, VM_UNIT_COUNT, "simulator");
	show_value(shown, "addresses-changed-by-compaction", changed, VM_UNIT_COUNT, "simulator");
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(2 * sizeof(struct vm_kmap));
	struct vm_kmap *window = vm_arena_take(&arena, sizeof(*window), _Alignof(struct vm_kmap));
	int64_t pages = 0;

	(void)host, (void)arguments;
	show_segments(shown);
	show_fragmentation(shown);
	show_base_and_limit(shown);
	show_value(shown, "mapped-for-good", 896 * (int64_t)VM_MIB_BYTES, VM_UNIT_BYTES, "osn");
	vm_kmap_start(window, VM_KMAP_PAGES);
	for (; window->flushes == 0; pages++)
		vm_kmap_unmap(window, vm_kmap_map(window, (uint64_t)pages));
	/* The page that made it flush is not one of them. */
	show_value(shown, "window-pages-before-a-flush", pages - 1, VM_UNIT_PAGES, "simulator");
}

static const char *const claims[] = {
	"xlate.segmentation", "xlate.base-limit", "xlate.lowmem", NULL};

PROBE(segments) = {
	.name = "xlate.segments",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "What do segments, base and limit registers, and low memory allow?",
	.method = "Sweeps offsets over descriptors and over a program with base and limit; grows "
		  "and compacts; maps high pages through the window until it is full.",
	.threats = "A program that compaction does not move would show nothing: that counts as "
		   "a change.",
	.by_hand = "mmconform model relocate A=30 B=30 A+10 A@35 compact A@35",
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
