/* SPDX-License-Identifier: Apache-2.0 */
/* Pre-copy migration: whether the rounds come to an end. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/checkpoint.h"
#include "vm/model.h"

#define PAGES	  10000
#define COPY_RATE 1000
#define ROUNDS	  100
#define STOP	  50
#define RATES	  8

/* Writes a second, from none to four times the copy rate. */
static const uint32_t rates[RATES] = {0, 250, 500, 750, 900, 1500, 2000, 4000};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	int64_t converges[RATES];

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < RATES; i++)
		converges[i] = rates[i] < COPY_RATE;
	predict_values(predictions, "ckpt.precopy", "converges", converges, RATES, VM_UNIT_BOOL,
		"each round dirties less than it copies if and only if writing is the slower",
		"gios");
	predict_value(predictions, "ckpt.precopy", "rounds-that-grow", 0, VM_UNIT_COUNT,
		"below the copy rate every round is shorter than the one before", "gios");
	predict_value(predictions, "ckpt.precopy", "pages-not-accounted-for", 0, VM_UNIT_COUNT,
		"what is copied is the memory once, and again what each round dirtied", "gios");
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	int64_t converges[RATES], grow = 0, missing = 0;

	(void)host;
	for (size_t i = 0; i < RATES; i++) {
		const struct vm_precopy_config config = {
			.pages = PAGES,
			.writable_pages = PAGES,
			.copied_a_second = COPY_RATE,
			.written_a_second = rates[i],
			.stop_pages = STOP,
			.rounds_limit = ROUNDS,
			.seed = (uint64_t)probe_argument(arguments, "seed"),
		};
		struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_precopy_bytes(&config));
		struct vm_precopy_round rounds[ROUNDS];
		struct vm_precopy_result result;
		uint64_t copied = PAGES;

		(void)vm_precopy_run(&config, rounds, &result, &arena);
		converges[i] = result.converged;
		for (uint32_t j = 0; j < result.rounds; j++) {
			copied += rounds[j].dirtied_pages;
			grow += rates[i] < COPY_RATE &&
				rounds[j].dirtied_pages >= rounds[j].copied_pages;
		}
		missing += copied != result.copied_pages;
	}
	show_values(shown, "converges", "", converges, RATES, VM_UNIT_BOOL, "simulator");
	show_value(shown, "rounds-that-grow", grow, VM_UNIT_COUNT, "simulator");
	show_value(shown, "pages-not-accounted-for", missing, VM_UNIT_COUNT, "simulator");
}

static const char *const claims[] = {"ckpt.precopy", NULL};
static const struct probe_parameter parameters[] = {SIMULATE_SEED_PARAMETER};

PROBE(precopy) = {
	.name = "ckpt.rounds",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "When do the rounds of a live migration converge?",
	.method = "Simulates rounds with random writes below, near and above the copy rate.",
	.threats = "Between one and one and a half times the rate pages that are hit twice decide: "
		   "no rate is taken there.",
	.by_hand = "mmconform model checkpoint --precopy --write-rate 2000",
	.parameters_count = 1,
	.parameters = parameters,
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
