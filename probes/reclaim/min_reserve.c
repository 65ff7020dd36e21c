/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the min watermark is a reserve that nobody touches. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"
#include "vm/reserve.h"

static const struct probe_parameter parameters[] = {
	{
		.name = "min",
		.unit = VM_UNIT_PAGES,
		.choices_count = 2,
		.choices = {64, 16897},
		.lowest = 100,
		.highest = 100000,
		.step = 1,
		.drawn = 1,
	},
};

/* Pages that are left when a zone is drained by requests of one kind until the first refusal. */
static int64_t left_after_draining(
	enum vm_min_reserve reserve, enum vm_request request, uint64_t min_pages)
{
	uint64_t free_pages = 2 * min_pages;

	while (vm_reserve_allows(reserve, request, min_pages, free_pages))
		free_pages--;
	return (int64_t)free_pages;
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const uint64_t min_pages = (uint64_t)probe_argument(arguments, "min");
	int64_t left[VM_REQUEST_LIMIT];

	(void)host, (void)readings;
	for (enum vm_request request = 0; request < VM_REQUEST_LIMIT; request++)
		left[request] =
			left_after_draining(model->behaviours.min_reserve, request, min_pages);
	predict_values(predictions, "reclaim.min-reserve", "left-after-draining", left,
		VM_REQUEST_LIMIT, VM_UNIT_PAGES,
		"ordinary, high, atomic, OOM victim, reclaimer: what each leaves of the reserve",
		"linux:6.12:mm/page_alloc.c:__zone_watermark_ok");
}

/* The same shares as eighths of min, rounded as each halving and quartering rounds: up. */
static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	const int64_t min_pages = probe_argument(arguments, "min");
	const int64_t half = (min_pages + 1) / 2;
	const int64_t left[VM_REQUEST_LIMIT] = {
		[VM_REQUEST_ORDINARY] = min_pages,
		[VM_REQUEST_HIGH] = half,
		[VM_REQUEST_ATOMIC] = (3 * half + 3) / 4,
		[VM_REQUEST_OOM_VICTIM] = half,
		[VM_REQUEST_RECLAIMER] = 0,
	};

	(void)host;
	show_values(shown, "left-after-draining", "", left, VM_REQUEST_LIMIT, VM_UNIT_PAGES,
		"eighths of min");
}

static const char *const claims[] = {"reclaim.min-reserve", NULL};

PROBE(min_reserve) = {
	.name = "reclaim.floors",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "Who may take pages below the min watermark, and how many?",
	.method = "Drains a zone page by page with one kind of request after the other.",
	.threats = "The order of halving and quartering decides about one page: min is drawn.",
	.by_hand = "grep -A9 'pages free' /proc/zoneinfo",
	.parameters_count = 1,
	.parameters = parameters,
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
