/* SPDX-License-Identifier: Apache-2.0 */
/* Memories that grow and shrink, pools that remember, several programs, 80/20. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"
#include "vm/programs.h"
#include "vm/random.h"

#define LENGTH	 8000
#define PAGES	 40
#define WINDOW	 60
#define PROGRAMS 8
#define FRAMES	 48
#define HOT	 12
/* Pages of the string of which a fifth gets four fifths of the uses. */
#define WIDE_PAGES 500
/* A loop of written pages over a memory half its size: every reference faults. */
#define LOOP_FRAMES 20
#define POOL	    4

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const int64_t transfers[] = {2, 1};

	(void)model, (void)host, (void)arguments, (void)readings;
	predict_values(predictions, "policy.buffering", "transfers-a-fault", transfers, 2,
		VM_UNIT_COUNT, "a page in and a page out; the program waits for the first alone",
		"osn");
	predict_value(predictions, "policy.buffering", "pages-are-taken-back", 1, VM_UNIT_BOOL,
		"a free frame remembers its page until it is needed", "osn");
	predict_value(predictions, "policy.working-set", "differs-from-definition", 0,
		VM_UNIT_COUNT, "resident is what was used within the window, and nothing else",
		"osn; paper:Denning 1968");
	predict_value(predictions, "policy.working-set", "balance-set-cures-thrashing", 1,
		VM_UNIT_BOOL, "only programs whose working sets fit together run", "osn");
	predict_value(predictions, "policy.pff", "follows-the-phases", 1, VM_UNIT_BOOL,
		"frames grow while faults are frequent and shrink at the first rare one", "osn");
	predict_value(predictions, "policy.eighty-twenty", "misses-beyond-the-cold-share", 0,
		VM_UNIT_COUNT, "with the hot fifth in memory only uses of the cold part can fault",
		"osn");
	predict_value(predictions, "policy.process-swapping", "faults", 0, VM_UNIT_COUNT,
		"a program that runs is in memory whole", "epita; osn");
	predict_value(predictions, "policy.process-swapping", "pages-read-beside-whole-programs", 0,
		VM_UNIT_COUNT, "each swap reads every page of the program", "epita; osn");
}

static void show_buffering(struct check_shown *shown)
{
	struct vm_replace_config config = {.policy = VM_POLICY_BUFFERING,
		.pages = 2 * LOOP_FRAMES,
		.frames = LOOP_FRAMES,
		.pool_frames = POOL};
	uint32_t references[LENGTH];
	struct vm_replace_counts counts[2];

	for (uint32_t i = 0; i < LENGTH; i++)
		references[i] = i % config.pages | VM_REFERENCE_WRITES;
	/* The difference of two lengths: without the time in which memory fills up. */
	for (unsigned i = 0; i < 2; i++)
		counts[i] = simulate_replace(&config, references, LENGTH / (2 - i));
	const uint64_t faults = counts[1].faults - counts[0].faults;
	const int64_t transfers[] = {
		(int64_t)((counts[1].transfers - counts[0].transfers) / faults),
		(int64_t)((counts[1].critical_transfers - counts[0].critical_transfers) / faults)};
	show_values(shown, "transfers-a-fault", "", transfers, 2, VM_UNIT_COUNT, "simulator");
	/* A loop just larger than the resident part finds each page in the pool. */
	for (uint32_t i = 0; i < LENGTH; i++)
		references[i] = i % (LOOP_FRAMES - POOL + 1);
	show_value(shown, "pages-are-taken-back",
		simulate_replace(&config, references, LENGTH).taken_back != 0, VM_UNIT_BOOL,
		"simulator");
}

/* Hot pages that move on four times. */
static void draw_phases(uint64_t *random, uint32_t *references)
{
	for (uint32_t i = 0; i < LENGTH; i++) {
		const uint32_t phase = i * 4 / LENGTH;
		references[i] =
			(phase * (PAGES / 4) + (uint32_t)vm_random_below(random, HOT)) % PAGES;
	}
}

/* The definition, by looking back over the window at every reference. */
static int64_t differences_of_working_set(const uint32_t *references)
{
	const struct vm_replace_config config = {.policy = VM_POLICY_WORKING_SET,
		.pages = PAGES,
		.frames = PAGES,
		.window_references = WINDOW};
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_replace_bytes(&config));
	struct vm_replace *replace = vm_replace_create(&config, &arena);
	struct vm_replace_event event;
	int64_t different = 0;

	for (uint32_t i = 0; i < LENGTH; i++) {
		uint64_t used = 0;
		vm_replace_reference(replace, references[i], &event);
		for (uint32_t j = i + 1; j-- > 0 && i - j < WINDOW;)
			used |= UINT64_C(1) << references[j];
		for (uint32_t page = 0; page < PAGES; page++)
			different += (used >> page & 1) != vm_replace_is_resident(replace, page);
	}
	return different;
}

static bool fault_frequency_follows(const uint32_t *references)
{
	const struct vm_replace_config config = {.policy = VM_POLICY_PFF,
		.pages = PAGES,
		.frames = PAGES,
		.window_references = WINDOW};
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_replace_bytes(&config));
	struct vm_replace *replace = vm_replace_create(&config, &arena);
	bool grew = false, shrank = false;
	uint32_t before = 0;

	for (uint32_t i = 0; i < LENGTH; i++) {
		struct vm_replace_event event;
		vm_replace_reference(replace, references[i], &event);
		const uint32_t resident = vm_replace_counts(replace)->resident;
		grew = grew || (before >= HOT && resident > before);
		shrank = shrank || resident < before;
		before = resident;
	}
	return grew && shrank;
}

/* Faults with the hot fifth's frames, less the uses of the cold part and the first ones. */
static int64_t misses_beyond_the_cold(uint64_t *random)
{
	enum { HOT_PAGES = WIDE_PAGES / 5 };
	uint32_t references[LENGTH];
	bool seen[HOT_PAGES] = {false};
	uint64_t excusable = 0;

	for (uint32_t i = 0; i < LENGTH; i++) {
		const bool hot = vm_random_below(random, 5) != 0;
		references[i] =
			hot ? (uint32_t)vm_random_below(random, HOT_PAGES)
			    : HOT_PAGES + (uint32_t)vm_random_below(random, WIDE_PAGES - HOT_PAGES);
		const bool first = hot && !seen[references[i]];
		if (hot)
			seen[references[i]] = true;
		excusable += !hot || first;
	}
	/* One frame more for the cold page that is in use. */
	const uint64_t faults =
		simulate_faults(VM_POLICY_OPT, WIDE_PAGES, HOT_PAGES + 1, references, LENGTH);
	return faults > excusable ? (int64_t)(faults - excusable) : 0;
}

static struct vm_programs_result run_programs(const struct vm_program *programs,
	enum vm_admission admission, struct vm_program_result *each)
{
	const struct vm_programs_config config = {
		.programs_count = PROGRAMS,
		.programs = programs,
		.frames = FRAMES,
		.admission = admission,
		.transfer_ticks = 100,
		.quantum_references = 50,
		.window_references = UINT64_C(4) * WINDOW,
		.stay_references = LENGTH / 4,
	};
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_programs_bytes(&config));
	struct vm_programs_result result;

	(void)vm_programs_run(&config, &result, each, &arena);
	return result;
}

static void show_programs(uint64_t *random, struct check_shown *shown)
{
	struct vm_program_result each[PROGRAMS];
	struct vm_program programs[PROGRAMS];
	struct vm_arena SIMULATE_ARENA arena =
		simulate_arena((size_t)(PROGRAMS + 1) * LENGTH * sizeof(uint32_t));
	int64_t beside = 0;

	for (size_t i = 0; i < PROGRAMS; i++) {
		uint32_t *references =
			vm_arena_take(&arena, LENGTH * sizeof(uint32_t), _Alignof(uint32_t));
		draw_phases(random, references);
		programs[i] = (struct vm_program){references, LENGTH, PAGES};
	}
	const uint64_t thrashing = run_programs(programs, VM_ADMIT_ALL, each).ticks;
	const uint64_t balanced = run_programs(programs, VM_ADMIT_BALANCE_SET, each).ticks;
	show_value(shown, "balance-set-cures-thrashing", 2 * balanced < thrashing, VM_UNIT_BOOL,
		"simulator");
	const struct vm_programs_result swapped = run_programs(programs, VM_ADMIT_WHOLE, each);
	for (size_t i = 0; i < PROGRAMS; i++)
		/* Nothing is written here, so transfers are pages read. */
		beside += (int64_t)each[i].transfers - (int64_t)(each[i].swapped_in * PAGES);
	show_value(shown, "faults", (int64_t)swapped.faults, VM_UNIT_COUNT, "simulator");
	show_value(shown, "pages-read-beside-whole-programs", beside, VM_UNIT_COUNT, "simulator");
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	uint64_t random = (uint64_t)probe_argument(arguments, "seed");
	uint32_t references[LENGTH];

	(void)host;
	show_buffering(shown);
	draw_phases(&random, references);
	show_value(shown, "differs-from-definition", differences_of_working_set(references),
		VM_UNIT_COUNT, "definition");
	show_value(shown, "follows-the-phases", fault_frequency_follows(references), VM_UNIT_BOOL,
		"simulator");
	show_value(shown, "misses-beyond-the-cold-share", misses_beyond_the_cold(&random),
		VM_UNIT_COUNT, "random strings");
	show_programs(&random, shown);
}

static const char *const claims[] = {"policy.buffering", "policy.working-set", "policy.pff",
	"policy.eighty-twenty", "policy.process-swapping", NULL};
static const struct probe_parameter parameters[] = {SIMULATE_SEED_PARAMETER};

PROBE(memories) = {
	.name = "policy.memories",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "What do pools, windows, fault frequency, balance sets and swapping do?",
	.method = "Runs strings with phases, loops and 80/20 through the simulators; the working "
		  "set also by its definition, at every reference.",
	.threats = "Strings without phases would not show growth and shrinking.",
	.by_hand = "mmconform model programs -g phases:pages=40,count=8000,hot=12 --curve 8",
	.parameters_count = 1,
	.parameters = parameters,
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
