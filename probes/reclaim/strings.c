/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages survive in a memory group, page by page, against the simulator of Linux's two lists.
 * Each string is such that the policies named beside it would leave other pages.
 *
 * It would miss a kernel whose lists go wrong only under pressure on the whole machine: there
 * nobody knows what else is on them.
 */
#include "trial/strings.h"
#include "probe/probe.h"
#include "probe/survivors.h"
#include "trial/trial.h"
#include "vm/model.h"

static const char *const string_labels[] = {
	"twice", "scan", "balance", "refault", "second-chance", "loop", "two-loops", "loops-apart"};

#define STRING_PARAMETER(first, count)                                                           \
	{                                                                                        \
		.name = "string", .unit = VM_UNIT_COUNT, .choices_count = (count),               \
		.choices = {(first), (first) + 1, (first) + 2}, .labels = &string_labels[first], \
	}

#define LIMIT_OF(usual, least, most)                                                              \
	{                                                                                         \
		.name = "limit", .unit = VM_UNIT_PAGES, .choices_count = 1, .choices = {(usual)}, \
		.lowest = (least), .highest = (most), .step = 1, .drawn = 1,                      \
	}

#define LIMIT_PARAMETER LIMIT_OF(512, 600, 1000)

/* Where the sizes of the lists decide, what is not known of them yet must be few pages beside. */
#define LARGE_LIMIT_PARAMETER LIMIT_OF(2000, 2100, 3000)

/* Where the generational lists decide they are put aside: these are claims on the two lists. */
#define GENERATIONS_PARAMETER                                                     \
	{                                                                         \
		.name = "generations", .unit = VM_UNIT_COUNT, .choices_count = 2, \
		.choices = {PROBE_AS_IS, 0}, .knob = "lru_gen.enabled",           \
	}

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	const bool decide = vm_host_knob(host, VM_KNOB_LRU_GEN_ENABLED, 0) % 2 != 0;

	return decide == (probe_argument(arguments, "generations") != PROBE_AS_IS);
}

static const struct probe_parameter twice_parameters[] = {
	STRING_PARAMETER(STRING_TWICE, 1), LIMIT_PARAMETER, GENERATIONS_PARAMETER};
static const struct probe_parameter scan_parameters[] = {
	STRING_PARAMETER(STRING_SCAN, 1), LIMIT_PARAMETER, GENERATIONS_PARAMETER};
static const struct probe_parameter balance_parameters[] = {
	STRING_PARAMETER(STRING_BALANCE, 1), LARGE_LIMIT_PARAMETER, GENERATIONS_PARAMETER};
static const struct probe_parameter refault_parameters[] = {
	STRING_PARAMETER(STRING_REFAULT, 1), LIMIT_PARAMETER, GENERATIONS_PARAMETER};
static const struct probe_parameter chance_parameters[] = {
	STRING_PARAMETER(STRING_SECOND_CHANCE, 1), LIMIT_PARAMETER, GENERATIONS_PARAMETER};
static const struct probe_parameter loop_parameters[] = {
	STRING_PARAMETER(STRING_LOOP, 3), LIMIT_PARAMETER, GENERATIONS_PARAMETER};

struct excluded {
	size_t count;
	enum vm_list_rival rivals[4];
};

static const struct excluded excluded[] = {
	[STRING_TWICE] = {3, {VM_LIST_RIVAL_LRU, VM_LIST_RIVAL_FIFO, VM_LIST_RIVAL_NO_PROMOTION}},
	[STRING_SCAN] = {3, {VM_LIST_RIVAL_LRU, VM_LIST_RIVAL_FIFO, VM_LIST_RIVAL_NO_PROMOTION}},
	[STRING_BALANCE] = {4, {VM_LIST_RIVAL_LRU, VM_LIST_RIVAL_FIFO, VM_LIST_RIVAL_NO_PROMOTION,
				       VM_LIST_RIVAL_NO_DEMOTION}},
	[STRING_REFAULT] = {1, {VM_LIST_RIVAL_NO_REFAULT_ACTIVATION}},
	[STRING_SECOND_CHANCE] = {3,
		{VM_LIST_RIVAL_LRU, VM_LIST_RIVAL_FIFO, VM_LIST_RIVAL_NO_SECOND_CHANCE}},
	[STRING_LOOP] = {0, {VM_LIST_RIVAL_NONE}},
	[STRING_TWO_LOOPS] = {0, {VM_LIST_RIVAL_NONE}},
	[STRING_LOOPS_APART] = {0, {VM_LIST_RIVAL_NONE}},
};

static void predict_claim(const char *claim, const struct vm_model *model,
	const struct vm_host *host, const struct probe_arguments *arguments,
	const struct probe_readings *readings, struct vm_predictions *predictions)
{
	const enum string_name name = (enum string_name)probe_argument(arguments, "string");
	const struct survivors_about about = {
		.claim = claim,
		.name = name,
		.limit_pages = (uint32_t)probe_argument(arguments, "limit"),
		.rivals_count = excluded[name].count,
		.rivals = excluded[name].rivals,
	};

	predict_survivors(model, host, readings, &about, predictions);
}

static void measure(const struct probe_arguments *arguments)
{
	const uint32_t limit_pages = (uint32_t)probe_argument(arguments, "limit");
	const struct string string =
		string_of((enum string_name)probe_argument(arguments, "string"), limit_pages);

	string_measure(&string, limit_pages);
}

/* One probe a claim: they differ in the strings alone. */
#define STRING_PROBE(identifier, probe_name, claim_name, parameter_table, asked, shown)            \
	static void predict_##identifier(const struct vm_model *model, const struct vm_host *host, \
		const struct probe_arguments *arguments, const struct probe_readings *readings,    \
		struct vm_predictions *predictions)                                                \
	{                                                                                          \
		predict_claim(claim_name, model, host, arguments, readings, predictions);          \
	}                                                                                          \
	static const char *const identifier##_claims[] = {claim_name, NULL};                       \
	PROBE(identifier) = {                                                                      \
		.name = (probe_name),                                                              \
		.claims = identifier##_claims,                                                     \
		.letters = "T",                                                                    \
		.question = (asked),                                                               \
		.method = (shown),                                                                 \
		.threats = "Pages of the kernel in the group would take the string's place: the "  \
			   "nodes of the page cache are made before, in another group. What "      \
			   "remains is read and allowed for.",                                     \
		.by_hand = "fincore FILE; vmtouch -v FILE",                                        \
		.parameters_count = 3,                                                             \
		.parameters = (parameter_table),                                                   \
		.needs = {.root = true,                                                            \
			.allow_pressure = true,                                                    \
			.capabilities = VM_CAPABILITY_IPC_LOCK,                                    \
			.group_limit_bytes = 64 << 20},                                            \
		.deadline_s = 60,                                                                  \
		.suits = suits,                                                                    \
		.predict = PREDICTS(predict_##identifier),                                         \
		.measure = MEASURES(measure),                                                      \
	}

STRING_PROBE(twice, "reclaim.two-lists", "reclaim.two-lists", twice_parameters,
	"Does a second use keep a page, and a first one not?",
	"Some pages of a file are read twice, others once, then four times the limit of new ones.");
STRING_PROBE(refault, "reclaim.refault", "policy.two-list", refault_parameters,
	"Does a page that comes back soon enough displace one that nobody uses any more?",
	"Half the limit is read twice and left alone; then three quarters of it in a loop.");
STRING_PROBE(scan, "reclaim.scan-resistant", "reclaim.scan-resistant", scan_parameters,
	"Does one pass over a large file leave the working set alone?",
	"A third of the limit is read twice, then five times the limit once.");
STRING_PROBE(balance, "reclaim.list-balance", "reclaim.list-balance", balance_parameters,
	"How much of memory may the active list have?",
	"Three quarters of the limit are read twice, then three times the limit once.");
STRING_PROBE(chance, "reclaim.second-chance", "reclaim.second-chance", chance_parameters,
	"Does a page that was used through a page table survive one scan, and not two?",
	"A quarter of the limit is touched once; new pages are read, for one turn of the list, "
	"and for another.");
STRING_PROBE(loop, "reclaim.loops", "reclaim.thrashing", loop_parameters,
	"How many pages does each pass over a loop miss?",
	"A loop over one and a half times the limit; two loops of three quarters, in turns and "
	"one after the other.");

/* --- generations ------------------------------------------------------------------------------ */

/* All parts of the generational lists: linux:6.12:mm/vmscan.c:lru_gen_enabled_show */
#define ALL_OF_THEM 7

static const char *const generations_labels[] = {
	"twice", "scan", "refault", "second-chance", "loops-apart"};

static const struct probe_parameter generations_parameters[] = {
	{
		.name = "string",
		.unit = VM_UNIT_COUNT,
		.choices_count = 5,
		.choices = {STRING_TWICE, STRING_SCAN, STRING_REFAULT, STRING_SECOND_CHANCE,
			STRING_LOOPS_APART},
		.labels = generations_labels,
	},
	LIMIT_PARAMETER,
	{
		.name = "generations",
		.unit = VM_UNIT_COUNT,
		.choices_count = 1,
		.choices = {ALL_OF_THEM},
		.knob = "lru_gen.enabled",
	},
};

static void predict_generations(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct survivors_about about = {
		.claim = "policy.two-list",
		.name = (enum string_name)probe_argument(arguments, "string"),
		.limit_pages = (uint32_t)probe_argument(arguments, "limit"),
		.by_generations = true,
	};

	predict_survivors(model, host, readings, &about, predictions);
}

static const char *const generations_claims[] = {"policy.two-list", NULL};

PROBE(generations) = {
	.name = "reclaim.generations",
	.claims = generations_claims,
	.letters = "T",
	.question = "Which uses make the generational lists keep a page?",
	.method = "The strings of the two lists: pages read twice, read eight times, or used once "
		  "through a "
		  "page table, and loops beside them, with the generational lists.",
	.threats = "Changing the lists sorts all pages of the machine anew: only in guests.",
	.by_hand = "echo 7 > /sys/kernel/mm/lru_gen/enabled; fincore FILE",
	.parameters_count = 3,
	.parameters = generations_parameters,
	.needs = {.root = true,
		.allow_pressure = true,
		.own_machine = true,
		.features_count = 1,
		.features = {VM_FEATURE_LRU_GEN},
		.capabilities = VM_CAPABILITY_IPC_LOCK,
		.group_limit_bytes = 64 << 20},
	.deadline_s = 60,
	.predict = PREDICTS(predict_generations),
	.measure = MEASURES(measure),
};
