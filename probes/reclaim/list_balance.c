/* SPDX-License-Identifier: Apache-2.0 */
/* How much longer than the inactive list the active one may be, against the kernel's own table. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"
#include "vm/replace.h"

/* linux:6.12:mm/vmscan.c:inactive_is_low prints this table above the function, 10 MiB to 10 TiB. */
static const struct {
	uint64_t bytes;
	int64_t ratio;
} table[] = {
	{10 * VM_MIB_BYTES, 1},
	{100 * VM_MIB_BYTES, 1},
	{VM_GIB_BYTES, 3},
	{10 * VM_GIB_BYTES, 10},
	{100 * VM_GIB_BYTES, 31},
	{1024 * VM_GIB_BYTES, 101},
	{10240 * VM_GIB_BYTES, 320},
};

#define ROWS (sizeof(table) / sizeof(table[0]))

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	int64_t ratios[ROWS];

	(void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < ROWS; i++)
		ratios[i] = (int64_t)vm_replace_inactive_ratio(
			model->behaviours.list_balance, vm_bytes_to_pages_floor(table[i].bytes));
	predict_values(predictions, "reclaim.list-balance", "active-to-inactive", ratios, ROWS,
		VM_UNIT_COUNT, "the square root of ten times the GiB in both lists, at least 1",
		"linux:6.12:mm/vmscan.c:inactive_is_low");
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	int64_t ratios[ROWS];

	(void)host, (void)arguments;
	for (size_t i = 0; i < ROWS; i++)
		ratios[i] = table[i].ratio;
	show_values(
		shown, "active-to-inactive", "", ratios, ROWS, VM_UNIT_COUNT, "the kernel's table");
}

static const char *const claims[] = {"reclaim.list-balance", NULL};

PROBE(list_balance) = {
	.name = "reclaim.list-balance-table",
	.kind = PROBE_MODEL,
	.letters = "F", /* the figures beside it are the kernel's */
	.claims = claims,
	.question = "How long may the active list be beside the inactive one?",
	.method = "The rule for 10 MiB to 10 TiB, beside the table in the kernel's source.",
	.threats = "What the kernel does with it shows only under pressure: other checks.",
	.by_hand = "python3 -c 'import math; print(math.isqrt(10 * 10))'",
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
