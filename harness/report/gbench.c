/* SPDX-License-Identifier: Apache-2.0 */
/*
 * google-benchmark's JSON, for its compare tool: an entry for each launch, because the process is
 * what is repeated; names without a number of repetitions, so that two files match whatever
 * their budgets were; nothing that is not a time, and no time of 0, which the tool cannot bear.
 */
#include <jansson.h>

#include "report/curves.h"
#include "report/formats.h"
#include "report/text.h"

#define DECIMALS 17

static json_t *context_of(struct pool *pool, const struct outcome *outcome)
{
	const struct record_header *header = &outcome->record->header;

	return json_pack("{s:s, s:s, s:s, s:i, s:s}", "date", text_clean(pool, header->started),
		"executable", "mmconform", "library_build_type", "release", "json_schema_version",
		1, "record", outcome_id(pool, outcome));
}

static void add_point(json_t *entries, struct pool *pool, const struct curve *curve, size_t family,
	size_t instance)
{
	const struct curve_point *point = &curve->points[instance];
	const char *name = text_clean(
		pool, pool_format(pool, "%s/%s/%s", curve->case_id, curve->quantity, point->at));

	for (size_t i = 0; i < point->launches_count; i++) {
		const double time_ns = point->launches_ns[i];
		if (time_ns <= 0)
			continue;
		json_array_append_new(entries,
			json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:s}",
				"name", name, "run_name", name, "run_type", "iteration",
				"family_index", (int)family, "per_family_instance_index",
				(int)instance, "repetitions", (int)point->launches_count,
				"repetition_index", (int)i, "threads", 1, "iterations", 1,
				"real_time", time_ns, "cpu_time", time_ns, "time_unit", "ns"));
	}
}

bool gbench_output(FILE *stream, const struct outcome_list *outcomes)
{
	struct pool POOL_DROPS pool = {0};
	const struct curve_list curves = curves_of(&pool, outcomes->items[0].record);
	json_t *entries = json_array();

	for (size_t i = 0; i < curves.count; i++)
		for (size_t k = 0; k < curves.items[i].points_count; k++)
			add_point(entries, &pool, &curves.items[i], i, k);
	json_t *root = json_pack("{s:o, s:o}", "context", context_of(&pool, &outcomes->items[0]),
		"benchmarks", entries);
	const bool good =
		root != NULL &&
		json_dumpf(root, stream, JSON_INDENT(1) | JSON_REAL_PRECISION(DECIMALS)) == 0;
	(void)fputc('\n', stream);
	json_decref(root);
	return good;
}
