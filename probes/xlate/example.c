/* SPDX-License-Identifier: Apache-2.0 */
/* The course's worked example of a translation, and the formula that is printed beside it. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"
#include "vm/tables.h"

/* osn: 8-bit virtual addresses, 10-bit physical ones, pages of 64 bytes. */
#define VIRTUAL_ADDRESS 241

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char claim[] = "xlate.worked-example";
	static const uint64_t frames[] = {2, 5, 1, 8};
	const struct vm_single_level table = {
		.page_bytes = 64,
		.physical_bytes = 1024,
		.pages_count = 4,
		.frames = frames,
		.formula = model->behaviours.example_formula,
	};
	const struct vm_single_result result = vm_single_translate(&table, VIRTUAL_ADDRESS);

	(void)host, (void)arguments, (void)readings;
	predict_value(predictions, claim, "page", (int64_t)result.page, VM_UNIT_COUNT,
		"the page is the address divided by the page size", "osn");
	predict_value(predictions, claim, "offset", (int64_t)result.offset_bytes, VM_UNIT_BYTES,
		"the offset is what the division leaves", "osn");
	predict_value(predictions, claim, "physical-address", (int64_t)result.physical,
		VM_UNIT_ADDRESS, "the frame and the offset make the physical address", "osn");
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	(void)host, (void)arguments;
	show_value(shown, "page", 3, VM_UNIT_COUNT, "osn");
	show_value(shown, "offset", 49, VM_UNIT_BYTES, "osn");
	show_value(shown, "physical-address", 561, VM_UNIT_ADDRESS, "osn");
}

static const char *const claims[] = {"xlate.worked-example", NULL};

PROBE(example) = {
	.name = "xlate.example",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "Which physical address does the course's example give for VA 241?",
	.method = "Translates through the example's table, and compares with the printed figures.",
	.threats = "The figures could be copied wrongly: page, offset and address must fit.",
	.by_hand = "mmconform model translate -s 64 -P 1024 -t 0=2,1=5,2=1,3=8 241",
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
