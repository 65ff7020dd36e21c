/* SPDX-License-Identifier: Apache-2.0 */
/* Belady's anomaly, and his optimum: against exhaustive search, and as a bound for all others. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"
#include "vm/random.h"

#define STRINGS	     300
#define LENGTH	     60
#define PAGES	     10
#define FRAMES_LIMIT 6
/* Exhaustive search: every set of resident pages is a state. */
#define SHORT_LENGTH 16
#define SHORT_PAGES  6

/* A string long enough for a curve, and the memories that it is run through. */
#define CURVE_LENGTH 2000
#define CURVE_PAGES  96

/* paper:Belady, Nelson, Shedler 1969 */
static const uint32_t anomaly[] = {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
#define ANOMALY_LENGTH (sizeof(anomaly) / sizeof(anomaly[0]))

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	int64_t faults[2];

	(void)model, (void)host, (void)arguments, (void)readings;
	for (uint32_t i = 0; i < 2; i++)
		faults[i] = (int64_t)simulate_faults(
			VM_POLICY_FIFO, PAGES, 3 + i, anomaly, ANOMALY_LENGTH);
	predict_values(predictions, "policy.fifo-belady", "faults-3-and-4-frames", faults, 2,
		VM_UNIT_COUNT, "with more frames old pages live longer, and hide new ones", "osn");
	predict_value(predictions, "policy.fifo-belady", "fifo-has-the-anomaly", 1, VM_UNIT_BOOL,
		"FIFO's memories do not contain each other", "osn");
	predict_value(predictions, "policy.fifo-belady", "anomalies-of-lru-and-opt", 0,
		VM_UNIT_COUNT, "their smaller memories are parts of their larger ones",
		"paper:Mattson 1970");
	predict_value(predictions, "policy.opt", "others-below-opt", 0, VM_UNIT_COUNT,
		"evicting what is used farthest in the future is the lower bound", "osn");
	predict_value(predictions, "policy.opt", "differs-from-exhaustive-search", 0, VM_UNIT_COUNT,
		"no choice of victims faults less", "paper:Belady 1966");
}

/* Fewest faults over all choices of victims: after each reference, by set of resident pages. */
static uint64_t exhaustive(const uint32_t *references, size_t count, uint32_t frames)
{
	uint8_t fewest[1 << SHORT_PAGES], next[1 << SHORT_PAGES];
	uint8_t best = UINT8_MAX;

	for (uint32_t set = 0; set < 1U << SHORT_PAGES; set++)
		fewest[set] = set == 0 ? 0 : UINT8_MAX;
	for (size_t i = 0; i < count; i++) {
		const uint32_t page = UINT32_C(1) << vm_reference_page(references[i]);
		for (uint32_t set = 0; set < 1U << SHORT_PAGES; set++)
			next[set] = UINT8_MAX;
		for (uint32_t set = 0; set < 1U << SHORT_PAGES; set++) {
			if (fewest[set] == UINT8_MAX)
				continue;
			const bool hit = (set & page) != 0;
			const bool room = (uint32_t)__builtin_popcount(set) < frames;
			const uint8_t faults = (uint8_t)(fewest[set] + !hit);
			if ((hit || room) && faults < next[set | page])
				next[set | page] = faults;
			for (uint32_t victim = 1; !hit && !room && victim < 1U << SHORT_PAGES;
				victim <<= 1) {
				const uint32_t after = (set & ~victim) | page;
				if ((set & victim) != 0 && faults < next[after])
					next[after] = faults;
			}
		}
		for (uint32_t set = 0; set < 1U << SHORT_PAGES; set++)
			fewest[set] = next[set];
	}
	for (uint32_t set = 0; set < 1U << SHORT_PAGES; set++)
		best = fewest[set] < best ? fewest[set] : best;
	return best;
}

struct findings {
	int64_t fifo_anomalies, stack_anomalies, below_opt, not_optimal;
};

static bool is_bounded_by_opt(enum vm_policy policy)
{
	/* Those that have no fixed memory, or that count finds in a pool as faults. */
	return policy != VM_POLICY_WORKING_SET && policy != VM_POLICY_PFF &&
	       policy != VM_POLICY_BUFFERING;
}

static void look_at(const uint32_t *references, struct findings *findings)
{
	static const enum vm_policy orders[] = {VM_POLICY_FIFO, VM_POLICY_LRU, VM_POLICY_OPT};
	uint64_t before[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

	for (uint32_t frames = 1; frames <= FRAMES_LIMIT; frames++) {
		uint64_t faults[3];
		for (size_t i = 0; i < 3; i++) {
			faults[i] = simulate_faults(orders[i], PAGES, frames, references, LENGTH);
			if (faults[i] > before[i])
				*(i == 0 ? &findings->fifo_anomalies
					 : &findings->stack_anomalies) += 1;
			before[i] = faults[i];
		}
		for (enum vm_policy policy = 0; policy < VM_POLICY_LIMIT; policy++)
			findings->below_opt += is_bounded_by_opt(policy) &&
					       simulate_faults(policy, PAGES, frames, references,
						       LENGTH) < faults[2];
	}
}

/* What a report draws: misses of one string by size of memory. */
static void show_curves(uint64_t *random, struct check_shown *shown)
{
	static const struct {
		enum vm_policy policy;
		const char *quantity;
	} lines[] = {
		{VM_POLICY_OPT, "misses-opt"},
		{VM_POLICY_LRU, "misses-lru"},
		{VM_POLICY_CLOCK, "misses-clock"},
		{VM_POLICY_FIFO, "misses-fifo"},
		{VM_POLICY_TWO_LIST, "misses-two-list"},
	};
	static const struct {
		uint32_t frames;
		const char *at;
	} places[] = {{4, "4"}, {8, "8"}, {16, "16"}, {24, "24"}, {32, "32"}, {48, "48"},
		{64, "64"}, {80, "80"}, {96, "96"}};
	uint32_t references[CURVE_LENGTH];

	simulate_string(random, references, CURVE_LENGTH, CURVE_PAGES);
	show_value(shown, "references", CURVE_LENGTH, VM_UNIT_COUNT, "random string");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
			const int64_t misses = (int64_t)simulate_faults(lines[i].policy,
				CURVE_PAGES, places[k].frames, references, CURVE_LENGTH);
			show_values(shown, lines[i].quantity, places[k].at, &misses, 1,
				VM_UNIT_COUNT, "simulator");
		}
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	static const int64_t printed[] = {9, 10};
	uint64_t random = (uint64_t)probe_argument(arguments, "seed");
	struct findings findings = {0};
	uint32_t references[LENGTH];

	(void)host;
	for (unsigned i = 0; i < STRINGS; i++) {
		simulate_string(&random, references, LENGTH, PAGES);
		look_at(references, &findings);
		simulate_string(&random, references, SHORT_LENGTH, SHORT_PAGES);
		const uint32_t frames = 1 + (uint32_t)vm_random_below(&random, SHORT_PAGES);
		findings.not_optimal +=
			simulate_faults(VM_POLICY_OPT, SHORT_PAGES, frames, references,
				SHORT_LENGTH) != exhaustive(references, SHORT_LENGTH, frames);
	}
	/* The known string has it in any case: random ones must not be needed to show it. */
	findings.fifo_anomalies +=
		simulate_faults(VM_POLICY_FIFO, PAGES, 4, anomaly, ANOMALY_LENGTH) >
		simulate_faults(VM_POLICY_FIFO, PAGES, 3, anomaly, ANOMALY_LENGTH);
	show_values(shown, "faults-3-and-4-frames", "", printed, 2, VM_UNIT_COUNT,
		"paper: Belady 1969");
	show_value(shown, "fifo-has-the-anomaly", findings.fifo_anomalies != 0, VM_UNIT_BOOL,
		"strings");
	show_value(shown, "anomalies-of-lru-and-opt", findings.stack_anomalies, VM_UNIT_COUNT,
		"random strings");
	show_value(shown, "others-below-opt", findings.below_opt, VM_UNIT_COUNT, "random strings");
	show_value(shown, "differs-from-exhaustive-search", findings.not_optimal, VM_UNIT_COUNT,
		"exhaustive search");
	show_curves(&random, shown);
}

static const char *const claims[] = {"policy.fifo-belady", "policy.opt", NULL};
static const struct probe_parameter parameters[] = {SIMULATE_SEED_PARAMETER};

PROBE(belady) = {
	.name = "policy.belady",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "Can more frames mean more faults, and what is the least that is possible?",
	.method = "Belady's string with three and four frames; random strings under all policies; "
		  "short ones against a search over all choices of victims.",
	.threats = "Random strings may miss a rare violation: they are new in every run.",
	.by_hand = "mmconform model replace -p fifo -n 3,4 --draw -r '1 2 3 4 1 2 5 1 2 3 4 5'",
	.parameters_count = 1,
	.parameters = parameters,
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
