/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In mode 0 one request passes exactly if it is no larger than all RAM and swap together, whatever
 * was promised before; in mode 1 every request passes.
 *
 * It would miss a kernel that counts a request right and forgets to count it off again: that is
 * overcommit.accounting.
 */
#include <errno.h>
#include <inttypes.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/requests.h"
#include "trial/files.h"
#include "trial/requests.h"
#include "trial/trial.h"
#include "vm/commit.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define TOGETHER 3 /* requests of the largest size, held at the same time */

static const char *const kind_labels[] = {REQUEST_KINDS(REQUEST_LABEL)};

#define KIND_PARAMETER                                                                      \
	{                                                                                   \
		.name = "kind", .unit = VM_UNIT_COUNT, .choices_count = REQUEST_KIND_LIMIT, \
		.choices = {REQUEST_KINDS(REQUEST_CHOICE)}, .labels = kind_labels,          \
	}

static const struct probe_parameter mode0_parameters[] = {
	KIND_PARAMETER,
	{
		.name = "mode",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, VM_COMMIT_HEURISTIC},
		.knob = "vm.overcommit_memory",
	},
};

static const struct probe_parameter mode1_parameters[] = {
	KIND_PARAMETER,
	{
		.name = "mode",
		.unit = VM_UNIT_COUNT,
		.choices_count = 1,
		.choices = {VM_COMMIT_ALWAYS},
		.knob = "vm.overcommit_memory",
	},
};

/* Set only where it is not so already: then no setting has to be allowed. */
static bool mode0_suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	const bool is_heuristic =
		vm_host_knob(host, VM_KNOB_OVERCOMMIT_MEMORY, -1) == VM_COMMIT_HEURISTIC;

	return is_heuristic == (probe_argument(arguments, "mode") == PROBE_AS_IS);
}

static const char *const inputs[] = {"ram", "swap", "committed", "each"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

static const struct vm_prediction largest = {
	.quantity = "largest-granted",
	.at = "",
	.unit = VM_UNIT_PAGES,
	.cite = "linux:6.12:mm/util.c:__vm_enough_memory",
};
static const struct vm_prediction together = {
	.quantity = "granted-together",
	.at = "",
	.unit = VM_UNIT_COUNT,
	.cite = "linux:6.12:mm/util.c:__vm_enough_memory",
};

struct state_span {
	struct vm_commit_state least_room, most_room;
};

static bool state_of(
	const struct probe_readings *readings, enum vm_commit_mode mode, struct state_span *state)
{
	struct moving ram, swap, committed;

	if (!moving_of(readings, "ram", "", &ram) || !moving_of(readings, "swap", "", &swap) ||
		!moving_of(readings, "committed", "", &committed))
		return false;
	state->least_room = (struct vm_commit_state){
		.mode = mode,
		.ram_pages = vm_kib_to_pages_floor((uint64_t)ram.lowest),
		.swap_pages = vm_kib_to_pages_floor((uint64_t)swap.lowest),
		.committed_pages = vm_kib_to_pages_floor((uint64_t)committed.highest),
	};
	state->most_room = (struct vm_commit_state){
		.mode = mode,
		.ram_pages = vm_kib_to_pages_floor((uint64_t)ram.highest),
		.swap_pages = vm_kib_to_pages_floor((uint64_t)swap.highest),
		.committed_pages = vm_kib_to_pages_floor((uint64_t)committed.lowest),
	};
	return true;
}

/* How many requests of that size pass one after the other, all held. */
static int64_t granted_together(
	const struct vm_model *model, struct vm_commit_state state, uint64_t each_pages)
{
	int64_t granted = 0;

	while (granted < TOGETHER &&
		each_pages <= vm_commit_largest_pages(&model->behaviours, &state)) {
		state.committed_pages += each_pages;
		granted++;
	}
	return granted;
}

/* The mechanism, with the numbers of this moment. */
static void explain(const struct vm_model *model, const struct vm_commit_state *state,
	struct vm_predictions *predictions, struct vm_prediction *prediction)
{
	switch (model->behaviours.overcommit_heuristic) {
	case VM_OVERCOMMIT_SUM_OF_REQUESTS:
		prediction->because = predict_sentence(predictions,
			"what was promised already (%" PRIu64 " pages) and the request together "
			"must fit into RAM and swap",
			state->committed_pages);
		prediction->cite = "wut";
		return;
	case VM_OVERCOMMIT_SINGLE_REQUEST:
		break;
	}
	prediction->because = predict_sentence(predictions,
		"a request is refused if it alone is more than RAM and swap (%" PRIu64 " + %" PRIu64
		" pages); nothing else counts",
		state->ram_pages, state->swap_pages);
}

/* A segment takes no addresses: where nothing is refused, neither is more than can be mapped. */
static bool is_endless(enum vm_commit_mode mode, const struct request_kind_info *kind)
{
	return mode == VM_COMMIT_ALWAYS && kind->way == REQUEST_SHMGET;
}

static void predict_refusal(const char *claim, enum vm_commit_mode mode,
	const struct request_kind_info *kind, struct vm_predictions *predictions)
{
	/* Where nothing is refused, the mapping that is to leave room for a stack does not fit. */
	const bool is_fault = kind->way == REQUEST_GROWSDOWN && mode != VM_COMMIT_ALWAYS;

	if (is_endless(mode, kind)) {
		vm_predict(predictions,
			&(struct vm_prediction){
				.claim = claim,
				.quantity = "refusal",
				.at = "",
				.unit = VM_UNIT_ERRNO,
				.form = VM_FORM_EXACT,
				.values = (int64_t[]){0},
				.values_count = 1,
				.because = "in mode 1 nothing is refused, and a segment takes no "
					   "addresses",
				.cite = "linux:6.12:mm/util.c:__vm_enough_memory",
			});
		return;
	}
	vm_predict(
		predictions, &(struct vm_prediction){
				     .claim = claim,
				     .quantity = "refusal",
				     .at = "",
				     .unit = VM_UNIT_ERRNO,
				     .form = VM_FORM_EXACT,
				     .values = (int64_t[]){is_fault ? EFAULT : ENOMEM},
				     .values_count = 1,
				     .because = is_fault ? "a stack that may not grow is a bad "
							   "address to the caller"
							 : "a promise refused is out of memory to "
							   "the caller",
				     .cite = is_fault ? "linux:6.12:mm/mmap.c:acct_stack_growth"
						      : "linux:6.12:mm/util.c:__vm_enough_memory",
			     });
}

/* Nothing is counted, or nothing refused: only the end of the address space stops a request. */
static void predict_unlimited(const char *because, const struct state_span *state,
	struct vm_predictions *predictions, struct vm_prediction *prediction)
{
	const uint64_t whole_pages = state->most_room.ram_pages + state->most_room.swap_pages;

	prediction->because = because;
	predict_moving(predictions, prediction,
		(struct moving){(int64_t)whole_pages + 1,
			(int64_t)vm_bytes_to_pages_floor(REQUEST_HIGHEST_BYTES)},
		1);
}

static void predict_values(const struct vm_model *model, const struct request_kind_info *kind,
	const struct state_span *state, struct moving each, const char *claim,
	struct vm_predictions *predictions)
{
	const enum vm_commit_mode mode = state->most_room.mode;
	const int64_t highest = (int64_t)vm_bytes_to_pages_floor(REQUEST_HIGHEST_BYTES);
	const uint64_t least = vm_commit_largest_pages(&model->behaviours, &state->least_room);
	const uint64_t most = vm_commit_largest_pages(&model->behaviours, &state->most_room);
	const bool charged = request_is_charged(model, mode, kind);
	struct moving count = {TOGETHER, TOGETHER};
	struct vm_prediction prediction = largest;

	prediction.claim = claim;
	if (!charged) {
		predict_unlimited("such a mapping promises nothing: only the address space ends "
				  "it, beyond all RAM and swap",
			state, predictions, &prediction);
	} else if (is_endless(mode, kind)) {
		prediction.because =
			"in mode 1 nothing is refused, and a segment takes no addresses";
		predict_moving(predictions, &prediction, (struct moving){highest, highest}, 1);
	} else if (most == VM_COMMIT_UNLIMITED) {
		predict_unlimited("in mode 1 nothing is refused: only the address space ends a "
				  "request, beyond all RAM and swap",
			state, predictions, &prediction);
	} else {
		explain(model, &state->most_room, predictions, &prediction);
		predict_moving(predictions, &prediction,
			(struct moving){(int64_t)least, (int64_t)most}, 1);
		count = (struct moving){
			granted_together(model, state->least_room, (uint64_t)each.highest),
			granted_together(model, state->most_room, (uint64_t)each.lowest),
		};
	}
	const char *because = prediction.because, *cite = prediction.cite;
	prediction = together;
	prediction.claim = claim;
	prediction.because = because;
	prediction.cite = cite;
	predict_moving(predictions, &prediction, count, 1);
}

static void predict_mode(const struct vm_model *model, const struct probe_arguments *arguments,
	const struct probe_readings *readings, enum vm_commit_mode mode, const char *claim,
	struct vm_predictions *predictions)
{
	const struct request_kind_info *kind = &request_kinds[probe_argument(arguments, "kind")];
	struct state_span state;
	struct moving each;

	predict_refusal(claim, mode, kind, predictions);
	if (state_of(readings, mode, &state) && moving_of(readings, "each", "", &each)) {
		predict_values(model, kind, &state, each, claim, predictions);
		return;
	}
	struct vm_prediction prediction = largest;
	prediction.claim = claim;
	prediction.because = "the request is compared with RAM and swap, where it counts at all";
	predict_rule(predictions, &prediction, inputs, INPUTS_COUNT);
	prediction.quantity = together.quantity;
	prediction.unit = together.unit;
	predict_rule(predictions, &prediction, inputs, INPUTS_COUNT);
}

static void predict_mode0(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)host;
	predict_mode(
		model, arguments, readings, VM_COMMIT_HEURISTIC, "overcommit.mode0", predictions);
	/* Only a machine on which nobody has chosen yet shows the default. */
	if (probe_argument(arguments, "mode") == PROBE_AS_IS)
		vm_predict(predictions,
			&(struct vm_prediction){
				.claim = "overcommit.default",
				.quantity = "mode",
				.at = "",
				.unit = VM_UNIT_COUNT,
				.form = VM_FORM_EXACT,
				.values = (int64_t[]){VM_COMMIT_HEURISTIC},
				.values_count = 1,
				.because = "without a choice the mode is 0",
				.cite = "linux:6.12:mm/util.c:sysctl_overcommit_memory",
			});
}

static void predict_mode1(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)host;
	predict_mode(model, arguments, readings, VM_COMMIT_ALWAYS, "overcommit.mode1", predictions);
}

/* A third of what one process can map: so that address space is not what refuses. */
static uint64_t each_pages_of(uint64_t largest_pages)
{
	const uint64_t third_pages =
		vm_bytes_to_pages_floor(REQUEST_HIGHEST_BYTES) / (TOGETHER + 1);

	return largest_pages < third_pages ? largest_pages : third_pages;
}

static void measure(const struct probe_arguments *arguments)
{
	const enum request_kind kind = (enum request_kind)probe_argument(arguments, "kind");
	struct kernel_file meminfo = kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	struct request held[TOGETHER];
	struct commit_passes passes = {.count = 0};
	int64_t granted = 0;

	requests_lift_limits();
	commit_passes_take(&passes, &meminfo);
	const struct request_boundary boundary = request_find_boundary(kind);
	const uint64_t each_pages = each_pages_of(boundary.largest_pages);
	while (granted < TOGETHER && request_make(&held[granted], kind, each_pages) == 0)
		granted++;
	for (int64_t i = granted; i > 0; i--)
		request_give_back(&held[i - 1]);
	commit_passes_take(&passes, &meminfo);
	observe_commit_passes(&passes);
	observe("mode", kernel_number_at("/proc/sys/vm/overcommit_memory"), VM_UNIT_COUNT,
		"vm.overcommit_memory");
	observe("largest-granted", (int64_t)boundary.largest_pages, VM_UNIT_PAGES, "the call");
	observe("refusal", boundary.refusal, VM_UNIT_ERRNO, "the call");
	observe("each", (int64_t)each_pages, VM_UNIT_PAGES, "the trial");
	observe("granted-together", granted, VM_UNIT_COUNT, "the call");
}

#define METHOD                                                                                  \
	"Find by halving, to the page, the largest request of the kind that is granted; "       \
	"then hold three of them at the same time. Nothing is ever touched. What is forked is " \
	"one "                                                                                  \
	"area that was mapped in two halves."
#define THREATS                                                                             \
	"Limits of the process refuse before the kernel counts: they are lifted, or the "   \
	"case is skipped. Swap that comes or goes meanwhile is in the readings before and " \
	"after."
#define BY_HAND                                                                \
	"grep -E 'MemTotal|SwapTotal' /proc/meminfo\n"                         \
	"python3 -c 'import mmap,sys; mmap.mmap(-1, int(sys.argv[1]) * 4096, " \
	"mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)' PAGES"

static const char *const mode0_claims[] = {"overcommit.mode0", "overcommit.default", NULL};

PROBE(mode0) = {
	.name = "overcommit.mode0",
	.claims = mode0_claims,
	.question =
		"Which is the largest request that mode 0 grants, and how many of them at once?",
	.method = METHOD,
	.threats = THREATS,
	.by_hand = BY_HAND,
	.parameters_count = sizeof(mode0_parameters) / sizeof(mode0_parameters[0]),
	.parameters = mode0_parameters,
	.deadline_s = 10,
	.suits = mode0_suits,
	.predict = PREDICTS(predict_mode0),
	.measure = MEASURES(measure),
};

/* A kind of each sort: counted, not counted, counted with the object. */
static const char *const swap_kind_labels[] = {
	"private-writable", "private-no-reserve", "shared-writable"};

static const struct probe_parameter swap_parameters[] = {
	{
		.name = "kind",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {REQUEST_PRIVATE_WRITABLE, REQUEST_PRIVATE_NO_RESERVE,
			REQUEST_SHARED_WRITABLE},
		.labels = swap_kind_labels,
	},
	{
		.name = "mode",
		.unit = VM_UNIT_COUNT,
		.choices_count = 1,
		.choices = {VM_COMMIT_HEURISTIC},
		.knob = "vm.overcommit_memory",
	},
};

static const char *const mode0_swap_claims[] = {"overcommit.mode0", NULL};

PROBE(mode0_swap) = {
	.name = "overcommit.mode0-swap",
	.claims = mode0_swap_claims,
	.question = "Does swap count in what mode 0 grants?",
	.method = METHOD " There is swap of 64 MiB or more.",
	.threats = THREATS,
	.by_hand = BY_HAND,
	.parameters_count = sizeof(swap_parameters) / sizeof(swap_parameters[0]),
	.parameters = swap_parameters,
	.needs = {.swap_bytes = 64 << 20},
	.deadline_s = 10,
	.predict = PREDICTS(predict_mode0),
	.measure = MEASURES(measure),
};

static const char *const mode1_claims[] = {"overcommit.mode1", NULL};

PROBE(mode1) = {
	.name = "overcommit.mode1",
	.claims = mode1_claims,
	.question = "Does mode 1 refuse any request?",
	.method = METHOD,
	.threats = THREATS,
	.by_hand = "sysctl vm.overcommit_memory=1\n" BY_HAND,
	.parameters_count = sizeof(mode1_parameters) / sizeof(mode1_parameters[0]),
	.parameters = mode1_parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict_mode1),
	.measure = MEASURES(measure),
};
