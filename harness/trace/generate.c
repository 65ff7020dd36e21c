/* SPDX-License-Identifier: Apache-2.0 */
/* Generated reference strings. They live outside the model library, which stays without libm. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "trace/trace.h"
#include "vm/random.h"

enum kind { UNIFORM, ZIPF, LOOP, SCAN, PHASES, HOT, KIND_LIMIT };

static const char *const kinds[KIND_LIMIT] = {
	[UNIFORM] = "uniform",
	[ZIPF] = "zipf",
	[LOOP] = "loop",
	[SCAN] = "scan",
	[PHASES] = "phases",
	[HOT] = "hot",
};

struct wanted {
	enum kind kind;
	uint64_t pages, count, seed, writes_per_cent;
	uint64_t phases, hot_pages;		/* PHASES */
	uint64_t part_per_cent, share_per_cent; /* HOT: 20 % of the pages get 80 % of the uses */
	double exponent;			/* ZIPF */
};

static bool refuse(const char *what, const char *reason, const char *at)
{
	message("generator \"%.60s\": %s \"%.30s\"", what, reason, at);
	return false;
}

/* "name=value" of so many bytes at this place. */
static bool set(struct wanted *wanted, const char *what, const char *at, size_t length)
{
	const struct {
		const char *name;
		uint64_t *value;
		uint64_t lowest, highest;
	} numbers[] = {
		{"pages", &wanted->pages, 1, UINT64_C(1) << 30},
		{"count", &wanted->count, 1, UINT64_C(1) << 40},
		{"seed", &wanted->seed, 0, UINT64_MAX},
		{"writes", &wanted->writes_per_cent, 0, 100},
		{"phases", &wanted->phases, 1, UINT64_C(1) << 30},
		{"hot", &wanted->hot_pages, 1, UINT64_C(1) << 30},
		{"part", &wanted->part_per_cent, 1, 99},
		{"share", &wanted->share_per_cent, 1, 99},
	};
	const char *equals = memchr(at, '=', length);
	char *end;

	if (equals == NULL || equals + 1 == at + length)
		return refuse(what, "NAME=VALUE was expected at", at);
	const size_t name_length = (size_t)(equals - at);
	if (name_length == 8 && strncmp(at, "exponent", name_length) == 0) {
		wanted->exponent = strtod(equals + 1, &end);
		/* NaN fails both comparisons. */
		if (end != at + length || !(wanted->exponent >= 0 && wanted->exponent <= 10))
			return refuse(what, "an exponent from 0 to 10 was expected at", at);
		return true;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strlen(numbers[i].name) != name_length ||
			strncmp(at, numbers[i].name, name_length) != 0)
			continue;
		errno = 0;
		const unsigned long long value = strtoull(equals + 1, &end, 10);
		if (errno != 0 || end != at + length || equals[1] == '-' ||
			value < numbers[i].lowest || value > numbers[i].highest)
			return refuse(what, "the value is no number, or out of range, at", at);
		*numbers[i].value = value;
		return true;
	}
	return refuse(what, "no such parameter:", at);
}

static bool parse(struct wanted *wanted, const char *what)
{
	const size_t kind_length = strcspn(what, ":");
	const char *at = what + kind_length + (what[kind_length] == ':');

	while (wanted->kind < KIND_LIMIT &&
		(strlen(kinds[wanted->kind]) != kind_length ||
			strncmp(kinds[wanted->kind], what, kind_length) != 0))
		wanted->kind++;
	if (wanted->kind == KIND_LIMIT)
		return refuse(what, "no such kind:", what);
	while (*at != '\0') {
		const size_t length = strcspn(at, ",");
		if (!set(wanted, what, at, length))
			return false;
		at += length + (at[length] == ',');
	}
	if (wanted->kind == PHASES && wanted->hot_pages > wanted->pages)
		return refuse(what, "more hot pages than pages:", what);
	return true;
}

/* Cumulated weights of the ranks; NULL where the kind needs none. */
static double *weights_of(const struct wanted *wanted)
{
	double sum = 0;

	if (wanted->kind != ZIPF)
		return NULL;
	double *cumulated = malloc(wanted->pages * sizeof(*cumulated));
	if (cumulated == NULL)
		return NULL;
	for (uint64_t rank = 0; rank < wanted->pages; rank++) {
		sum += pow((double)(rank + 1), -wanted->exponent);
		cumulated[rank] = sum;
	}
	return cumulated;
}

static uint64_t zipf_rank(const struct wanted *wanted, const double *cumulated, uint64_t *random)
{
	/* 53 random bits are a double's whole mantissa. */
	const double drawn =
		(double)(vm_random_next(random) >> 11) * 0x1p-53 * cumulated[wanted->pages - 1];
	uint64_t low = 0, high = wanted->pages - 1;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;
		if (cumulated[middle] > drawn)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static uint64_t page_at(
	const struct wanted *wanted, const double *cumulated, uint64_t position, uint64_t *random)
{
	const uint64_t pages = wanted->pages;

	switch (wanted->kind) {
	case UNIFORM:
		return vm_random_below(random, pages);
	case ZIPF:
		return zipf_rank(wanted, cumulated, random);
	case LOOP:
		return position % pages;
	case SCAN:
		/* Every page once, and never again: the numbers go on. */
		return position;
	case PHASES: {
		/* Each phase has its own hot pages, spread evenly over all. */
		const uint64_t phase = position * wanted->phases / wanted->count;
		const uint64_t base = phase * (pages / wanted->phases);
		return (base + vm_random_below(random, wanted->hot_pages)) % pages;
	}
	case HOT: {
		const uint64_t hot = pages * wanted->part_per_cent / 100;
		const bool is_hot = vm_random_below(random, 100) < wanted->share_per_cent;
		if (hot == 0 || hot == pages)
			return vm_random_below(random, pages);
		return is_hot ? vm_random_below(random, hot)
			      : hot + vm_random_below(random, pages - hot);
	}
	case KIND_LIMIT:
		break;
	}
	return 0;
}

bool trace_generate(struct trace *trace, const char *what, const struct trace_options *options)
{
	struct wanted wanted = {
		.pages = 100,
		.count = 1000,
		.seed = 1,
		.phases = 4,
		.hot_pages = 10,
		.part_per_cent = 20,
		.share_per_cent = 80,
		.exponent = 0.8,
	};

	if (!parse(&wanted, what))
		return false;
	if (wanted.count > options->most_references) {
		message("generator \"%.60s\": more than %llu references: raise --most", what,
			(unsigned long long)options->most_references);
		return false;
	}
	/* Each page has a weight, which takes the room of a reference. */
	if (wanted.kind == ZIPF && wanted.pages > options->most_references) {
		message("generator \"%.60s\": more than %llu pages to weigh: raise --most", what,
			(unsigned long long)options->most_references);
		return false;
	}
	double *cumulated = weights_of(&wanted);
	if (wanted.kind == ZIPF && cumulated == NULL) {
		message("generator \"%.60s\": no memory for the weights of so many pages", what);
		return false;
	}
	uint64_t random = wanted.seed;
	bool added = true;
	for (uint64_t i = 0; i < wanted.count && added; i++) {
		const uint64_t page = page_at(&wanted, cumulated, i, &random);
		const bool writes = wanted.writes_per_cent != 0 &&
				    vm_random_below(&random, 100) < wanted.writes_per_cent;
		added = trace_add(trace, page, writes);
	}
	if (!added)
		message("generator \"%.60s\": more than 2^30 different pages", what);
	free(cumulated);
	return added;
}
