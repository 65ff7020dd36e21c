/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In mode 0 one request passes exactly if it is no larger than all RAM and swap together, whatever
 * was promised before.
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

static const char *const kind_labels[] = {
#define LABEL(name, label, ...) label,
	REQUEST_KINDS(LABEL)
#undef LABEL
};

static const struct probe_parameter parameters[] = {
	{
		.name = "kind",
		.unit = VM_UNIT_COUNT,
		.choices_count = REQUEST_KIND_LIMIT,
		.choices = {REQUEST_PRIVATE_WRITABLE, REQUEST_PRIVATE_READ_ONLY,
			REQUEST_PRIVATE_NO_RESERVE, REQUEST_SHARED_WRITABLE,
			REQUEST_SHARED_READ_ONLY, REQUEST_SHARED_NO_RESERVE,
			REQUEST_FILE_PRIVATE_WRITABLE, REQUEST_FILE_PRIVATE_READ_ONLY,
			REQUEST_FILE_SHARED, REQUEST_MADE_WRITABLE, REQUEST_GROWN, REQUEST_HEAP,
			REQUEST_SYSTEM_V},
		.labels = kind_labels,
	},
	{
		.name = "mode",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, VM_COMMIT_HEURISTIC},
		.knob = "vm.overcommit_memory",
	},
};

/* Set only where it is not so already: then no setting has to be allowed. */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	const bool is_heuristic =
		vm_host_knob(host, VM_KNOB_OVERCOMMIT_MEMORY, -1) == VM_COMMIT_HEURISTIC;

	return is_heuristic == (probe_argument(arguments, "mode") == PROBE_AS_IS);
}

static const char *const inputs[] = {"ram", "swap", "committed", "each"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

static const struct vm_prediction largest = {
	.claim = "overcommit.mode0",
	.quantity = "largest-granted",
	.at = "",
	.unit = VM_UNIT_PAGES,
	.cite = "linux:6.12:mm/util.c:__vm_enough_memory",
};
static const struct vm_prediction together = {
	.claim = "overcommit.mode0",
	.quantity = "granted-together",
	.at = "",
	.unit = VM_UNIT_COUNT,
	.cite = "linux:6.12:mm/util.c:__vm_enough_memory",
};

/* What the request promises of each page that it asks for. */
static bool is_charged(const struct vm_model *model, const struct request_kind_info *kind)
{
	struct vm_commit_request asked = kind->asks;

	asked.length_pages = 1;
	if (kind->way == REQUEST_MPROTECT) {
		asked.writable = false;
		return vm_commit_map_pages(&model->behaviours, VM_COMMIT_HEURISTIC, &asked) +
			       vm_commit_make_writable_pages(&model->behaviours, &asked, false) !=
		       0;
	}
	return vm_commit_map_pages(&model->behaviours, VM_COMMIT_HEURISTIC, &asked) != 0;
}

struct state_span {
	struct vm_commit_state least_room, most_room;
};

static bool state_of(const struct probe_readings *readings, struct state_span *state)
{
	struct moving ram, swap, committed;

	if (!moving_of(readings, "ram", "", &ram) || !moving_of(readings, "swap", "", &swap) ||
		!moving_of(readings, "committed", "", &committed))
		return false;
	state->least_room = (struct vm_commit_state){
		.mode = VM_COMMIT_HEURISTIC,
		.ram_pages = vm_kib_to_pages_floor((uint64_t)ram.lowest),
		.swap_pages = vm_kib_to_pages_floor((uint64_t)swap.lowest),
		.committed_pages = vm_kib_to_pages_floor((uint64_t)committed.highest),
	};
	state->most_room = (struct vm_commit_state){
		.mode = VM_COMMIT_HEURISTIC,
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

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct request_kind_info *kind = &request_kinds[probe_argument(arguments, "kind")];
	struct vm_prediction prediction = largest;
	struct state_span state;
	struct moving each;

	(void)host;
	vm_predict(
		predictions, &(struct vm_prediction){
				     .claim = "overcommit.mode0",
				     .quantity = "refusal",
				     .at = "",
				     .unit = VM_UNIT_ERRNO,
				     .form = VM_FORM_EXACT,
				     .values = (int64_t[]){ENOMEM},
				     .values_count = 1,
				     .because = "a promise refused is out of memory to the caller",
				     .cite = "linux:6.12:mm/util.c:__vm_enough_memory",
			     });
	if (!state_of(readings, &state) || !moving_of(readings, "each", "", &each)) {
		prediction.because = "the request is compared with RAM and swap";
		predict_rule(predictions, &prediction, inputs, INPUTS_COUNT);
		prediction = together;
		prediction.because = "the request is compared with RAM and swap";
		predict_rule(predictions, &prediction, inputs, INPUTS_COUNT);
		return;
	}
	const uint64_t least = vm_commit_largest_pages(&model->behaviours, &state.least_room);
	const uint64_t most = vm_commit_largest_pages(&model->behaviours, &state.most_room);
	explain(model, &state.most_room, predictions, &prediction);
	if (is_charged(model, kind)) {
		predict_moving(predictions, &prediction,
			(struct moving){(int64_t)least, (int64_t)most}, 1);
	} else {
		prediction.because = "such a mapping promises nothing: only the address space "
				     "ends it, beyond all RAM and swap";
		predict_moving(predictions, &prediction,
			(struct moving){(int64_t)least + 1,
				(int64_t)vm_bytes_to_pages_floor(REQUEST_HIGHEST_BYTES)},
			1);
	}
	prediction = together;
	explain(model, &state.most_room, predictions, &prediction);
	/* What promises nothing is never in its own way. */
	const struct moving count = {
		is_charged(model, kind)
			? granted_together(model, state.least_room, (uint64_t)each.highest)
			: TOGETHER,
		is_charged(model, kind)
			? granted_together(model, state.most_room, (uint64_t)each.lowest)
			: TOGETHER,
	};
	predict_moving(predictions, &prediction, count, 1);
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
	observe("largest-granted", (int64_t)boundary.largest_pages, VM_UNIT_PAGES, "the call");
	observe("refusal", boundary.refusal, VM_UNIT_ERRNO, "the call");
	observe("each", (int64_t)each_pages, VM_UNIT_PAGES, "the trial");
	observe("granted-together", granted, VM_UNIT_COUNT, "the call");
}

static const char *const claims[] = {"overcommit.mode0", NULL};

PROBE(mode0) = {
	.name = "overcommit.mode0",
	.claims = claims,
	.question =
		"Which is the largest request that mode 0 grants, and how many of them at once?",
	.method = "Find by halving, to the page, the largest request of the kind that is granted; "
		  "then hold three of them at the same time. Nothing is ever touched.",
	.threats = "Limits of the process refuse before the kernel counts: they are lifted, or the "
		   "case is skipped. Swap that comes or goes meanwhile is in the readings before "
		   "and after.",
	.by_hand = "grep -E 'MemTotal|SwapTotal' /proc/meminfo\n"
		   "python3 -c 'import mmap,sys; mmap.mmap(-1, int(sys.argv[1]) * 4096, "
		   "mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)' PAGES",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 10,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
