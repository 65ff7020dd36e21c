/* SPDX-License-Identifier: Apache-2.0 */
/* What flat and inverted tables cost, in bytes and in probes. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"
#include "vm/random.h"
#include "vm/tables.h"

#define FRAMES	  256
#define BUCKETS	  256
#define PROCESSES 4
#define PAGES	  200
#define TLB	  32
#define LENGTH	  20000

static const struct probe_parameter parameters[] = {SIMULATE_SEED_PARAMETER};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char flat[] = "xlate.flat-size", inverted[] = "xlate.inverted";

	(void)model, (void)host, (void)arguments, (void)readings;
	predict_value(predictions, flat, "bytes-32",
		(int64_t)vm_flat_table_bytes(32, VM_PAGE_SHIFT, 4), VM_UNIT_BYTES,
		"one entry of 4 bytes for each of 2^20 pages", "gios");
	predict_value(predictions, flat, "bytes-64",
		(int64_t)vm_flat_table_bytes(64, VM_PAGE_SHIFT, 8), VM_UNIT_BYTES,
		"one entry of 8 bytes for each of 2^52 pages", "gios");
	predict_value(predictions, inverted, "entries", FRAMES, VM_UNIT_COUNT,
		"one entry a frame, however large the address spaces", "gios; osn");
	predict_value(predictions, inverted, "linear-probes", FRAMES * (FRAMES + 1) / 2,
		VM_UNIT_COUNT, "finding the n-th entry takes n probes", "gios");
	predict_value(predictions, inverted, "wrong-answers", 0, VM_UNIT_COUNT,
		"linear and hashed search find the same frame", "gios");
	predict_value(predictions, inverted, "hashing-and-tlb-save", 1, VM_UNIT_BOOL,
		"hashing narrows the search, the TLB hides most look-ups", "gios; osn");
}

struct tables {
	struct vm_inverted *linear, *hashed;
	uint32_t hand;
	uint64_t wrong, linear_probes, hashed_probes, hidden_probes;
};

static void look_up(struct tables *tables, uint32_t process, uint32_t page, bool tlb_hit)
{
	uint32_t linear_probes, hashed_probes;
	const uint32_t linear = vm_inverted_find(tables->linear, process, page, &linear_probes);
	const uint32_t hashed = vm_inverted_find(tables->hashed, process, page, &hashed_probes);

	tables->wrong += linear != hashed;
	tables->linear_probes += linear_probes;
	tables->hashed_probes += hashed_probes;
	tables->hidden_probes += tlb_hit ? hashed_probes : 0;
	if (linear != UINT32_MAX)
		return;
	vm_inverted_map(tables->linear, tables->hand, process, page);
	vm_inverted_map(tables->hashed, tables->hand, process, page);
	tables->hand = (tables->hand + 1) % FRAMES;
}

static int64_t probes_for_each_frame(struct vm_inverted *linear)
{
	int64_t sum = 0;
	uint32_t probes;

	for (uint32_t frame = 0; frame < FRAMES; frame++)
		vm_inverted_map(linear, frame, 1, frame);
	for (uint32_t frame = 0; frame < FRAMES; frame++) {
		(void)vm_inverted_find(linear, 1, frame, &probes);
		sum += probes;
	}
	return sum;
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	const struct vm_replace_config tlb_config = {
		.policy = VM_POLICY_LRU, .pages = PROCESSES * PAGES, .frames = TLB};
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(
		3 * vm_inverted_bytes(FRAMES, BUCKETS) + vm_replace_bytes(&tlb_config));
	struct tables tables = {
		.linear = vm_inverted_create(VM_INVERTED_LINEAR, FRAMES, BUCKETS, &arena),
		.hashed = vm_inverted_create(VM_INVERTED_HASHED, FRAMES, BUCKETS, &arena)};
	struct vm_inverted *full = vm_inverted_create(VM_INVERTED_LINEAR, FRAMES, BUCKETS, &arena);
	struct vm_replace *tlb = vm_replace_create(&tlb_config, &arena);
	uint64_t random = (uint64_t)probe_argument(arguments, "seed");
	uint32_t page = 0;

	(void)host;
	for (unsigned i = 0; i < LENGTH; i++) {
		struct vm_replace_event event;
		const uint32_t process = i / 500 % PROCESSES;
		/* A page for a while, then its neighbour, now and then a jump: as programs do. */
		if (vm_random_below(&random, 16) == 0)
			page = (uint32_t)vm_random_below(&random, PAGES);
		else if (vm_random_below(&random, 4) == 0)
			page = (page + 1) % PAGES;
		vm_replace_reference(tlb, process * PAGES + page, &event);
		look_up(&tables, process, page, !event.fault);
	}
	show_value(shown, "bytes-32", 4 * (int64_t)VM_MIB_BYTES, VM_UNIT_BYTES, "gios");
	show_value(shown, "bytes-64", INT64_C(32) << 50, VM_UNIT_BYTES, "gios");
	show_value(shown, "entries", (int64_t)vm_inverted_table_bytes(FRAMES, 1), VM_UNIT_COUNT,
		"simulator");
	show_value(shown, "linear-probes", probes_for_each_frame(full), VM_UNIT_COUNT, "simulator");
	show_value(shown, "wrong-answers", (int64_t)tables.wrong, VM_UNIT_COUNT, "random strings");
	show_value(shown, "hashing-and-tlb-save",
		tables.hashed_probes * 4 < tables.linear_probes &&
			tables.hidden_probes * 2 > tables.hashed_probes,
		VM_UNIT_BOOL, "random strings");
}

static const char *const claims[] = {"xlate.flat-size", "xlate.inverted", NULL};

PROBE(sizes) = {
	.name = "xlate.sizes",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "What do flat and inverted page tables cost?",
	.method = "Computes the sizes; looks a random string up in a linear and a hashed table.",
	.threats = "A string without locality would not show what the TLB hides.",
	.by_hand = "mmconform model table-size -b 64; mmconform model inverted -g zipf",
	.parameters_count = 1,
	.parameters = parameters,
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
