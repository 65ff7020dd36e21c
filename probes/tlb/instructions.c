/* SPDX-License-Identifier: Apache-2.0 */
/* How many 4 KiB pages of code the first level of the TLB for instructions holds. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/chase.h"
#include "timed/cost.h"
#include "timed/order.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/reach.h"

#define CLAIM "tlb.entries"

/* Buffers of today hold 32 to 128 pages; with victims drawn by chance half misses late. */
#define PAGES_FEWEST ((size_t)16)
#define PAGES_STEP   ((size_t)4)
#define PLACES_COUNT ((size_t)48)
#define PAGES_MOST   (PAGES_FEWEST + (PLACES_COUNT - 1) * PAGES_STEP)
#define NAME_BYTES   4

static size_t pages_at(size_t place)
{
	return PAGES_FEWEST + place * PAGES_STEP;
}

/* ---- what the models say ---- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct vm_reach reach =
		vm_tlb_code_reach(&model->behaviours, host, predictions->arena);
	const int64_t knee[] = {reach.least_pages, reach.half_pages};
	const char *places[PLACES_COUNT];
	const struct shape_claim claim = {predictions, CLAIM, PLACES_COUNT, places};

	(void)arguments, (void)readings;
	if (!reach.known || knee[1] >= (int64_t)PAGES_MOST) {
		predict_silence(&claim, "jumps",
			"CPUID describes no first-level TLB for code, or one beyond the sweep",
			"amd-apm:3:E.4.4:Fn8000_0005");
		return;
	}
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		char *name = vm_arena_take(predictions->arena, NAME_BYTES, 1);
		VM_ASSERT(name != NULL);
		(void)snprintf(name, NAME_BYTES, "%zu", pages_at(i));
		places[i] = name;
	}
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = CLAIM,
			.quantity = "jumps",
			.at = "",
			.unit = VM_UNIT_NS,
			.form = VM_FORM_SHAPE,
			.shape = VM_SHAPE_REACH,
			.other = "packed",
			.values_count = 2,
			.values = knee,
			.inputs_count = PLACES_COUNT,
			.inputs = places,
			.because =
				"as many pages as there are entries are all found; which entry "
				"goes for one more is not said, so half of the jumps miss at the "
				"latest where chance decides",
			.cite = "amd-apm:3:E.4.4:Fn8000_0005",
		});
}

/* ---- what the processor does ---- */

#define JUMPS	       ((size_t)24 * 1024)
#define ROUNDS	       4
#define LINES_PER_PAGE (VM_PAGE_BYTES / CHASE_LINE_BYTES)
#define JUMP_BYTES     5

struct field {
	unsigned char *pages;  /* a jump a page, the lines of the pages in turn */
	unsigned char *packed; /* the same lines in few pages */
};

static void *in_pages(void *context, size_t index)
{
	const struct field *field = context;

	return field->pages + vm_pages_to_bytes(index) + index % LINES_PER_PAGE * CHASE_LINE_BYTES;
}

static void *in_lines(void *context, size_t index)
{
	const struct field *field = context;

	return field->packed + index * CHASE_LINE_BYTES;
}

typedef void turn_around(uint64_t turns);

/* jmp to where the node points, which stands there as an address so far. */
static void make_jump(unsigned char *node, size_t offset)
{
	unsigned char *next = *(unsigned char **)(void *)node;
	unsigned char *jump = node + offset;
	const int32_t distance = (int32_t)(next - (jump + JUMP_BYTES));

	jump[0] = 0xe9;
	memcpy(jump + 1, &distance, sizeof(distance));
}

/* The first node counts turns down and returns: dec %rdi; jnz over the ret; ret; jmp. */
static turn_around *make_cycle(struct field *field, chase_place *place, size_t count, size_t *order,
	uint64_t *random_state)
{
	static const unsigned char count_down[] = {0x48, 0xff, 0xcf, 0x75, 0x01, 0xc3};
	unsigned char *first = chase_link(place, field, count, order, random_state);
	turn_around *cycle = NULL;

	for (size_t i = 1; i < count; i++)
		make_jump(place(field, i), 0);
	make_jump(first, sizeof(count_down));
	memcpy(first, count_down, sizeof(count_down));
	memcpy(&cycle, &first, sizeof(cycle));
	return cycle;
}

/* What JUMPS jumps take, whatever number of them a turn has. */
static int64_t time_cycle(turn_around *cycle, size_t count)
{
	const size_t turns = JUMPS / count;

	/* The first counting down returns: a call of one turn does nothing else. */
	cycle(turns / 4 + 2);
	const int64_t started_ns = cost_now_ns();
	cycle(turns + 1);
	return (cost_now_ns() - started_ns) * (int64_t)JUMPS / (int64_t)(turns * count);
}

static unsigned char *map_code(size_t length_bytes)
{
	unsigned char *code = mmap(NULL, length_bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code == MAP_FAILED)
		unmet("no memory can be written and executed",
			"allow execmem where a security module forbids it");
	small_pages(code, length_bytes);
	return code;
}

/* In random order: neighbours in frames of a row could share an entry. */
static void touch(unsigned char *code, size_t *order, uint64_t *random_state)
{
	order_shuffle(order, PAGES_MOST, random_state);
	for (size_t i = 0; i < PAGES_MOST; i++)
		*(volatile unsigned char *)(code + vm_pages_to_bytes(order[i])) = 1;
}

static void observe_sweep(const char *quantity, int64_t (*samples_ns)[ROUNDS])
{
	for (size_t place = 0; place < PLACES_COUNT; place++) {
		char at[NAME_BYTES];
		(void)snprintf(at, sizeof(at), "%zu", pages_at(place));
		observe_values(
			quantity, at, samples_ns[place], ROUNDS, VM_UNIT_NS, "CLOCK_MONOTONIC_RAW");
	}
}

static void measure(const struct probe_arguments *arguments)
{
	static int64_t jumps_ns[PLACES_COUNT][ROUNDS], packed_ns[PLACES_COUNT][ROUNDS];
	size_t places[PLACES_COUNT], order[PAGES_MOST];
	uint64_t state = trial_seed();
	struct field field = {
		.pages = map_code(vm_pages_to_bytes(PAGES_MOST)),
		.packed = map_code(PAGES_MOST * CHASE_LINE_BYTES),
	};

	(void)arguments;
	touch(field.pages, order, &state);
	for (size_t round = 0; round < ROUNDS; round++) {
		order_shuffle(places, PLACES_COUNT, &state);
		for (size_t i = 0; i < PLACES_COUNT; i++) {
			const size_t place = places[i], count = pages_at(place);
			jumps_ns[place][round] = time_cycle(
				make_cycle(&field, in_pages, count, order, &state), count);
			packed_ns[place][round] = time_cycle(
				make_cycle(&field, in_lines, count, order, &state), count);
		}
	}
	observe_sweep("jumps", jumps_ns);
	observe_sweep("packed", packed_ns);
}

static const char *const claims[] = {CLAIM, NULL};

PROBE(tlb_instructions) = {
	.name = "tlb.instruction-entries",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "How many 4 KiB pages of code does the first-level instruction TLB hold?",
	.method = "Jump through 16 to 204 pages in one random cycle, one jump a page, beside the "
		  "same jumps packed into few pages.",
	.threats =
		"The instruction cache and the branch predictor: as many lines and jumps, packed, "
		"are beside; lines rotate. Neighbouring frames: taken in random order. A thread "
		"on the sibling takes entries away: a knee that is early decides nothing.",
	.by_hand = "cpuid -1 -l 0x80000005; perf stat -e iTLB-load-misses PROGRAM",
	.needs = {.processor = true},
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};
