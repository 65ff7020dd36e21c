/* SPDX-License-Identifier: Apache-2.0 */
/* Linux's two lists and its generations against LRU: one scan, a stale list, a second use. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"

#define HOT    400
#define FRAMES 1000
#define SCAN   5000
#define PAGES  (HOT + SCAN)
#define LOOP   700
#define STALE  500
#define ROUNDS 20
#define BATCH  32

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char claim[] = "policy.two-list";
	static const int64_t survivors[] = {HOT, 0, 0};

	(void)model, (void)host, (void)arguments, (void)readings;
	predict_values(predictions, claim, "survivors-of-a-scan", survivors, 3, VM_UNIT_PAGES,
		"pages used twice are on the active list; two lists, then LRU, then FIFO", "osn");
	predict_value(predictions, claim, "second-use-activates", HOT, VM_UNIT_COUNT,
		"a new page enters the inactive list; its second use moves it", "osn");
	predict_value(predictions, claim, "refault-distance-breaks-the-loop", 1, VM_UNIT_BOOL,
		"what comes back soon enough is activated, and the stale list gives way",
		"linux:6.12:mm/workingset.c:workingset_refault");
	predict_value(predictions, claim, "generations-protect-mapped-pages-in-use", 1,
		VM_UNIT_BOOL,
		"a page in use moves to the youngest generation before the oldest goes",
		"linux:6.1:mm/vmscan.c:inc_max_seq");
}

static struct vm_replace_config config_of(enum vm_policy policy)
{
	return (struct vm_replace_config){
		.policy = policy, .pages = PAGES, .frames = FRAMES, .reclaim_batch_frames = BATCH};
}

/* Hot pages twice, then a scan; how many of the hot ones are left. */
static int64_t survivors(enum vm_policy policy, uint64_t *activations)
{
	const struct vm_replace_config config = config_of(policy);
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_replace_bytes(&config));
	struct vm_replace *replace = vm_replace_create(&config, &arena);
	struct vm_replace_event event;
	int64_t alive = 0;

	for (uint32_t i = 0; i < 2 * HOT; i++)
		vm_replace_reference(replace, i % HOT, &event);
	*activations = vm_replace_counts(replace)->activations;
	for (uint32_t page = HOT; page < PAGES; page++)
		vm_replace_reference(replace, page, &event);
	for (uint32_t page = 0; page < HOT; page++)
		alive += vm_replace_is_resident(replace, page);
	return alive;
}

/* An active list that nobody uses any more, then a loop larger than what it leaves. */
static uint64_t faults_behind_a_stale_list(bool forget)
{
	struct vm_replace_config config = config_of(VM_POLICY_TWO_LIST);
	uint32_t references[2 * STALE + ROUNDS * LOOP];

	if (forget)
		config.rival = VM_LIST_RIVAL_NO_REFAULT_ACTIVATION;
	for (uint32_t i = 0; i < 2 * STALE; i++)
		references[i] = i % STALE;
	for (uint32_t i = 0; i < ROUNDS * LOOP; i++)
		references[2 * STALE + i] = STALE + i % LOOP;
	return simulate_replace(&config, references, sizeof(references) / sizeof(references[0]))
		.faults;
}

/* Faults on pages that are used all the time beside a scan. */
static uint64_t faults_on_hot_pages(enum vm_policy policy)
{
	struct vm_replace_config config = config_of(policy);
	config.use = VM_USE_MAPPED;
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_replace_bytes(&config));
	struct vm_replace *replace = vm_replace_create(&config, &arena);
	struct vm_replace_event event;
	uint64_t faults = 0;

	for (uint32_t page = HOT; page < PAGES; page++) {
		vm_replace_reference(replace, page, &event);
		for (uint32_t i = 0; i < 4; i++) {
			vm_replace_reference(replace, (page * 4 + i) % HOT, &event);
			faults += event.fault;
		}
	}
	return faults;
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	static const enum vm_policy policies[] = {
		VM_POLICY_TWO_LIST, VM_POLICY_LRU, VM_POLICY_FIFO};
	uint64_t activations[3];
	int64_t alive[3];

	(void)host, (void)arguments;
	for (size_t i = 0; i < 3; i++)
		alive[i] = survivors(policies[i], &activations[i]);
	show_values(shown, "survivors-of-a-scan", "", alive, 3, VM_UNIT_PAGES, "simulator");
	show_value(
		shown, "second-use-activates", (int64_t)activations[0], VM_UNIT_COUNT, "simulator");
	show_value(shown, "refault-distance-breaks-the-loop",
		5 * faults_behind_a_stale_list(false) < faults_behind_a_stale_list(true),
		VM_UNIT_BOOL, "simulator");
	/*
	 * Not all of them: when the oldest generation is empty a reclaim ages twice in a row, which
	 * puts everything into one generation, and pages not used in between go.
	 */
	show_value(shown, "generations-protect-mapped-pages-in-use",
		faults_on_hot_pages(VM_POLICY_GENERATIONS) < faults_on_hot_pages(VM_POLICY_FIFO),
		VM_UNIT_BOOL, "simulator");
}

static const char *const claims[] = {"policy.two-list", NULL};

PROBE(two_list) = {
	.name = "policy.lists",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "What do Linux's two lists and generations keep that LRU would not?",
	.method =
		"Hot pages and a scan; a stale active list and a loop; mapped pages in use beside "
		"a scan.",
	.threats = "Per-CPU batches and lagging statistics of a real kernel are not in it.",
	.by_hand = "mmconform model replace -p two-list,lru -n 100 --batch 32 -g zipf:pages=1000",
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
