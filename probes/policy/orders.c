/* SPDX-License-Identifier: Apache-2.0 */
/* LRU by list and by time stamps, the clock and its kin, random. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"
#include "vm/random.h"

#define STRINGS 1000
#define LENGTH	80
#define PAGES	12
#define FRAMES	5
/* A loop one page larger than memory: the worst case of LRU, FIFO and the clock. */
#define LOOP_FRAMES 50
#define LOOP_LENGTH 5100

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const int64_t updates[] = {0, 6};
	static const int64_t turn[] = {0, FRAMES + 1};
	static const int64_t clean[] = {1, FRAMES};

	(void)model, (void)host, (void)arguments, (void)readings;
	predict_value(predictions, "policy.lru", "different-victims", 0, VM_UNIT_COUNT,
		"the end of the list is the oldest time stamp", "osn; gios");
	predict_values(predictions, "policy.lru", "links-written-by-a-hit", updates, 2,
		VM_UNIT_COUNT, "of the first page; of one in the middle: out and in again", "osn");
	predict_values(predictions, "policy.clock", "victim-and-frames-scanned", turn, 2,
		VM_UNIT_COUNT, "with all bits set the hand goes once round and takes the first",
		"osn; gios");
	predict_value(predictions, "policy.clock", "differs-from-second-chance", 0, VM_UNIT_COUNT,
		"a hand that passes is a page that goes to the queue's end", "osn; gios");
	predict_value(predictions, "policy.two-handed", "no-gap-differs-from-fifo", 0,
		VM_UNIT_COUNT, "without a gap nothing can be used between the hands", "osn");
	predict_value(predictions, "policy.two-handed", "whole-turn-differs-from-clock", 0,
		VM_UNIT_COUNT, "a whole turn ahead, the leading hand is the clock's own", "osn");
	predict_values(predictions, "policy.dirty-clock", "victim-and-flushed", clean, 2,
		VM_UNIT_COUNT, "the one clean page goes first; with none left all are written",
		"osn; gios");
	predict_value(predictions, "policy.random", "lru-faults-on-a-loop", LOOP_LENGTH,
		VM_UNIT_COUNT, "LRU evicts just what comes next", "osn");
	predict_value(predictions, "policy.random", "random-has-no-worst-case", 1, VM_UNIT_BOOL,
		"random keeps most of the loop: fewer than a quarter of LRU's faults", "osn");
}

static struct vm_replace *create(const struct vm_replace_config *config, struct vm_arena *arena)
{
	*arena = simulate_arena(vm_replace_bytes(config));
	return vm_replace_create(config, arena);
}

/* References at which two policies do not do the same: fault, and choose the same victim. */
static int64_t differences(const struct vm_replace_config *left,
	const struct vm_replace_config *right, const uint32_t *references)
{
	struct vm_arena SIMULATE_ARENA arena_left = {0};
	struct vm_arena SIMULATE_ARENA arena_right = {0};
	struct vm_replace *a = create(left, &arena_left), *b = create(right, &arena_right);
	int64_t count = 0;

	for (unsigned i = 0; i < LENGTH; i++) {
		struct vm_replace_event of_a, of_b;
		vm_replace_reference(a, references[i], &of_a);
		vm_replace_reference(b, references[i], &of_b);
		count += of_a.fault != of_b.fault || of_a.victim != of_b.victim;
	}
	return count;
}

static void show_equalities(const struct probe_arguments *arguments, struct check_shown *shown)
{
	struct vm_replace_config of[VM_POLICY_LIMIT], whole;
	uint64_t random = (uint64_t)probe_argument(arguments, "seed");
	int64_t lru = 0, clock = 0, fifo = 0, turn = 0;
	uint32_t references[LENGTH];

	for (enum vm_policy policy = 0; policy < VM_POLICY_LIMIT; policy++)
		of[policy] = (struct vm_replace_config){
			.policy = policy, .pages = PAGES, .frames = FRAMES};
	whole = of[VM_POLICY_TWO_HANDED];
	whole.hand_gap_frames = FRAMES;
	for (unsigned i = 0; i < STRINGS; i++) {
		simulate_string(&random, references, LENGTH, PAGES);
		lru += differences(&of[VM_POLICY_LRU], &of[VM_POLICY_LRU_STAMPS], references);
		clock +=
			differences(&of[VM_POLICY_CLOCK], &of[VM_POLICY_SECOND_CHANCE], references);
		fifo += differences(&of[VM_POLICY_TWO_HANDED], &of[VM_POLICY_FIFO], references);
		turn += differences(&whole, &of[VM_POLICY_CLOCK], references);
	}
	show_value(shown, "different-victims", lru, VM_UNIT_COUNT, "random strings");
	show_value(shown, "differs-from-second-chance", clock, VM_UNIT_COUNT, "random strings");
	show_value(shown, "no-gap-differs-from-fifo", fifo, VM_UNIT_COUNT, "random strings");
	show_value(shown, "whole-turn-differs-from-clock", turn, VM_UNIT_COUNT, "random strings");
}

/* Fills memory, all pages written but those in clean, and asks for one page more. */
static struct vm_replace_event fill_and_ask(struct vm_replace *replace, uint32_t clean)
{
	struct vm_replace_event event;

	for (uint32_t page = 0; page < FRAMES; page++)
		vm_replace_reference(
			replace, page == clean ? page : page | VM_REFERENCE_WRITES, &event);
	vm_replace_reference(replace, FRAMES, &event);
	return event;
}

static void show_steps(struct check_shown *shown)
{
	struct vm_replace_config config = {
		.policy = VM_POLICY_LRU, .pages = PAGES, .frames = FRAMES};
	struct vm_arena SIMULATE_ARENA lru_arena = {0};
	struct vm_arena SIMULATE_ARENA clock_arena = {0};
	struct vm_arena SIMULATE_ARENA clean_arena = {0};
	struct vm_arena SIMULATE_ARENA dirty_arena = {0};
	struct vm_replace *replace = create(&config, &lru_arena);
	struct vm_replace_event event;
	int64_t updates[2];

	for (uint32_t page = 0; page < FRAMES; page++)
		vm_replace_reference(replace, page, &event);
	for (uint32_t i = 0; i < 2; i++) {
		const uint64_t before = vm_replace_counts(replace)->pointer_updates;
		vm_replace_reference(replace, FRAMES - 1 - i, &event);
		updates[i] = (int64_t)(vm_replace_counts(replace)->pointer_updates - before);
	}
	show_values(shown, "links-written-by-a-hit", "", updates, 2, VM_UNIT_COUNT, "simulator");
	config.policy = VM_POLICY_CLOCK;
	replace = create(&config, &clock_arena);
	event = fill_and_ask(replace, FRAMES);
	const int64_t turn[] = {event.victim, (int64_t)vm_replace_counts(replace)->scanned};
	show_values(shown, "victim-and-frames-scanned", "", turn, 2, VM_UNIT_COUNT, "simulator");
	config.policy = VM_POLICY_DIRTY_CLOCK;
	event = fill_and_ask(create(&config, &clean_arena), 1);
	replace = create(&config, &dirty_arena);
	(void)fill_and_ask(replace, FRAMES);
	const int64_t clean[] = {event.victim, (int64_t)vm_replace_counts(replace)->write_backs};
	show_values(shown, "victim-and-flushed", "", clean, 2, VM_UNIT_COUNT, "simulator");
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	uint32_t loop[LOOP_LENGTH];

	(void)host;
	show_equalities(arguments, shown);
	show_steps(shown);
	for (uint32_t i = 0; i < LOOP_LENGTH; i++)
		loop[i] = i % (LOOP_FRAMES + 1);
	const uint64_t lru =
		simulate_faults(VM_POLICY_LRU, LOOP_FRAMES + 1, LOOP_FRAMES, loop, LOOP_LENGTH);
	const uint64_t random =
		simulate_faults(VM_POLICY_RANDOM, LOOP_FRAMES + 1, LOOP_FRAMES, loop, LOOP_LENGTH);
	show_value(shown, "lru-faults-on-a-loop", (int64_t)lru, VM_UNIT_COUNT, "simulator");
	show_value(shown, "random-has-no-worst-case", 4 * random < lru, VM_UNIT_BOOL, "simulator");
}

static const char *const claims[] = {"policy.lru", "policy.clock", "policy.two-handed",
	"policy.dirty-clock", "policy.random", NULL};
static const struct probe_parameter parameters[] = {SIMULATE_SEED_PARAMETER};

PROBE(orders) = {
	.name = "policy.orders",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "Which policies are the same told differently, and how do they choose?",
	.method = "Compares fault and victim at every reference of random strings; counts links "
		  "and scanned frames on strings where they can be counted by hand.",
	.threats = "Random strings may miss a rare difference: they are new in every run.",
	.by_hand = "mmconform model replace -p clock,second-chance,random -n 5 -g zipf:pages=12",
	.parameters_count = 1,
	.parameters = parameters,
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
