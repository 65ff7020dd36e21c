/* SPDX-License-Identifier: Apache-2.0 */
#include "report/machine_figures.h"

#include <string.h>

#include "report/curves.h"
#include "suite/data.h"
#include "suite/yaml.h"

#define FIGURES_FILE "suites/report/machine.yaml"
#define LEVEL_LENGTH 2 /* of "L1" in "L1d" */

/* A line of the file. */
struct source {
	const char *part, *probe, *quantity, *at;
	const char *less; /* NULL: nothing is taken off */
	unsigned accesses;
};

struct sources {
	struct source *figures;
	size_t figures_count;
};

static const cyaml_schema_field_t source_fields[] = {
	YAML_TEXT(struct source, part),
	YAML_TEXT(struct source, probe),
	YAML_TEXT(struct source, quantity),
	YAML_TEXT(struct source, at),
	YAML_MAY_TEXT(struct source, less),
	CYAML_FIELD_UINT("accesses", CYAML_FLAG_DEFAULT, struct source, accesses),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t source_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct source, source_fields),
};

static const cyaml_schema_field_t sources_fields[] = {
	CYAML_FIELD_SEQUENCE("figures", CYAML_FLAG_POINTER, struct sources, figures, &source_schema,
		1, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t sources_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct sources, sources_fields),
};

static const struct curve_point *point_at(
	const struct curve_list *curves, const struct source *source, const char *at)
{
	for (size_t i = 0; i < curves->count; i++) {
		const struct curve *curve = &curves->items[i];
		if (strcmp(curve->case_id, source->probe) != 0 ||
			strcmp(curve->quantity, source->quantity) != 0)
			continue;
		for (size_t k = 0; k < curve->points_count; k++)
			if (strcmp(curve->points[k].at, at) == 0)
				return &curve->points[k];
	}
	return NULL;
}

static const char *time_of(struct pool *pool, double ns)
{
	return ns < 1e3	  ? pool_format(pool, "%.1f ns", ns)
	       : ns < 1e6 ? pool_format(pool, "%.1f us", ns / 1e3)
			  : pool_format(pool, "%.1f ms", ns / 1e6);
}

bool machine_figures_of(
	struct pool *pool, const struct record *record, struct machine_figures *figures)
{
	const struct curve_list curves = curves_of(pool, record);
	void *data = NULL;

	*figures = (struct machine_figures){0};
	if (!yaml_load(pool, data_path(pool, FIGURES_FILE), &sources_schema, &data))
		return false;
	const struct sources *sources = data;
	for (size_t i = 0; i < sources->figures_count; i++) {
		const struct source *source = &sources->figures[i];
		const struct curve_point *point = point_at(&curves, source, source->at);
		const struct curve_point *less =
			source->less == NULL ? NULL : point_at(&curves, source, source->less);
		if (point == NULL || source->accesses == 0 ||
			(source->less != NULL && less == NULL))
			continue;
		const double ns = (point->median_ns - (less == NULL ? 0 : less->median_ns)) /
				  source->accesses;
		figures->items =
			pool_grow(pool, figures->items, figures->count, sizeof(figures->items[0]));
		figures->items[figures->count++] =
			(struct machine_figure){source->part, ns, time_of(pool, ns)};
	}
	return true;
}

const char *machine_figure_text(const struct machine_figures *figures, const char *part)
{
	for (size_t i = 0; i < figures->count; i++)
		if (strcmp(figures->items[i].part, part) == 0)
			return figures->items[i].text;
	return NULL;
}

size_t machine_caches(struct pool *pool, const char *topology,
	const struct machine_figures *figures, struct machine_cache caches[MACHINE_CACHES_LIMIT])
{
	size_t count = 0;

	for (const char *at = topology; at != NULL && count < MACHINE_CACHES_LIMIT;
		at = strchr(at, ',')) {
		at += strspn(at, ", ");
		if (at[0] != 'L' || at[1] < '1' || at[1] > '4')
			continue;
		const size_t length = strcspn(at, ","), name = strcspn(at, " ");
		if (name >= length)
			continue;
		caches[count++] = (struct machine_cache){
			.name = pool_text_of(pool, at, name),
			.size = pool_text_of(pool, at + name + 1, length - name - 1),
			.time = machine_figure_text(figures, pool_text_of(pool, at, LEVEL_LENGTH)),
		};
	}
	return count;
}
