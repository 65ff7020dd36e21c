/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform explore: random operations on model and kernel, until they differ or all are done. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "command/command.h"
#include "facts/facts.h"
#include "scenario/explore.h"
#include "scenario/words.h"

#define FEW_OCCURRENCES 100

enum key {
	KEY_SEED = 256,
	KEY_OPERATIONS,
	KEY_PROCESSES,
	KEY_AREAS,
	KEY_CHAPTER,
	KEY_COVERAGE,
	KEY_NO_SHRINK,
	KEY_RARE
};

struct arguments {
	uint64_t seed, operations, processes, areas;
	uint32_t chapters;
	bool coverage, no_shrink, rare;
	const char *folder;
};

static const struct argp_option option_rows[] = {
	{"seed", KEY_SEED, "N", 0, "What all random choices follow from (1)", 0},
	{"ops", KEY_OPERATIONS, "N", 0, "How many operations (100000)", 0},
	{"processes", KEY_PROCESSES, "N", 0, "How many processes may live at a time, 1 to 8 (3)",
		0},
	{"areas", KEY_AREAS, "N", 0, "How many areas a process may have at a time (no limit)", 0},
	{"chapter", KEY_CHAPTER, "C", 0, "Operations of this chapter; may be repeated", 0},
	{"coverage", KEY_COVERAGE, NULL, 0, "Print all that was met, not the totals only", 0},
	{"rare", KEY_RARE, NULL, 0, "Prefer what was met seldom; slower", 0},
	{"no-shrink", KEY_NO_SHRINK, NULL, 0, "Leave a script that differs as long as it is", 0},
	{"output", 'o', "DIR", 0, "Where scripts and programs of differences go (.)", 0},
	{0},
};

static error_t read_number(
	struct argp_state *state, const char *text, uint64_t most, uint64_t *number)
{
	char *end = NULL;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || *number > most)
		return command_refuse(state, "\"%s\" is no number up to %" PRIu64, text, most);
	return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_SEED:
		return read_number(state, argument, UINT32_MAX, &arguments->seed);
	case KEY_OPERATIONS:
		return read_number(state, argument, UINT32_MAX, &arguments->operations);
	case KEY_PROCESSES:
		if (read_number(state, argument, LIVE_PROCESSES_LIMIT, &arguments->processes) != 0)
			return EINVAL;
		if (arguments->processes == 0)
			return command_refuse(state, "at least one process is needed");
		return 0;
	case KEY_AREAS:
		return read_number(state, argument, UINT32_MAX, &arguments->areas);
	case KEY_CHAPTER:
		if (generate_chapter_bit(argument) == 0)
			return command_refuse(
				state, "\"%s\" is no chapter that can be explored", argument);
		arguments->chapters |= generate_chapter_bit(argument);
		return 0;
	case KEY_COVERAGE:
		arguments->coverage = true;
		return 0;
	case KEY_NO_SHRINK:
		arguments->no_shrink = true;
		return 0;
	case KEY_RARE:
		arguments->rare = true;
		return 0;
	case 'o':
		arguments->folder = argument;
		return 0;
	case ARGP_KEY_ARG:
		return command_refuse(state, "\"%s\" is one argument too many", argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_rows,
	.parser = parse_option,
	.doc = "Runs random operations on the model and on this host in lockstep. A difference is "
	       "shrunk to the shortest script that shows it.",
};

/* ---- coverage ---- */

static const char *outcome_word(struct pool *pool, size_t outcome)
{
	if (outcome == EXPLORE_SUCCESS)
		return "success";
	if (outcome == EXPLORE_SIGSEGV || outcome == EXPLORE_SIGBUS)
		return outcome == EXPLORE_SIGSEGV ? "SIGSEGV" : "SIGBUS";
	const uint64_t number = outcome - EXPLORE_ERRNO(0);
	const char *word = word_for(error_words, number);
	return word != NULL ? word : pool_format(pool, "errno %" PRIu64, number);
}

static void tell_rules(const struct explore_coverage *coverage, bool all)
{
	size_t count, met = 0;
	const struct vm_rule *rules = vm_machine_rules(&count);

	for (size_t i = 0; i < count; i++)
		met += coverage->rule_hits[i] != 0;
	(void)printf("rules      %zu of %zu exercised\n", met, count);
	for (size_t i = 0; all && i < count; i++)
		(void)printf("  rule     %10" PRIu64 "  %s\n", coverage->rule_hits[i], rules[i].id);
}

static void tell_coverage(struct pool *pool, const struct explore_coverage *coverage, bool all)
{
	size_t combinations = 0, rare = 0;

	for (size_t o = 0; o < VM_OP_LIMIT; o++)
		for (size_t p = 0; p < EXPLORE_PLACE_LIMIT; p++)
			for (size_t r = 0; r < EXPLORE_OUTCOMES; r++) {
				const uint64_t met = coverage->met[o][p][r];
				combinations += met != 0;
				rare += met != 0 && met < FEW_OCCURRENCES;
				if (all && met != 0)
					(void)printf("  met      %10" PRIu64 "  %s, %s, %s\n", met,
						operation_words[o].word,
						explore_place_word((enum explore_place)p),
						outcome_word(pool, r));
			}
	tell_rules(coverage, all);
	(void)printf("met        %zu combinations of operation, place and outcome; %zu of them "
		     "fewer than %d times\n",
		combinations, rare, FEW_OCCURRENCES);
	(void)printf("silent     %" PRIu64 " operations left out\n", coverage->silent);
	(void)printf("open       %" PRIu64 " operations with %" PRIu64 " errnos allowed\n",
		coverage->open_outcomes, coverage->open_errnos);
	for (unsigned i = 0; i < VM_FREEDOM_LIMIT; i++)
		if (coverage->freedoms[i] != 0)
			(void)printf("freedom    %10" PRIu64 "  %s\n", coverage->freedoms[i],
				vm_freedom_word((enum vm_freedom)i));
	for (unsigned i = 0; i < VM_OP_LIMIT; i++)
		if (coverage->step_freedoms[i] != 0)
			(void)printf("own step   %10" PRIu64 "  %s\n", coverage->step_freedoms[i],
				operation_words[i].word);
}

static void tell_extent(const struct explore_extent *extent)
{
	if (extent->steps != 0)
		(void)printf("extent     %.1f areas and %.1f resident pages of a process at a "
			     "time, at most %" PRIu64 " and %" PRIu64 "\n",
			(double)extent->areas / (double)extent->steps,
			(double)extent->pages / (double)extent->steps, extent->areas_most,
			extent->pages_most);
}

/* ---- a difference ---- */

static bool write_file(const char *path, const char *head, const char *text)
{
	FILE *file = fopen(path, "w");
	const bool written = file != NULL && fputs(head, file) >= 0 && fputs(text, file) >= 0;

	if ((file != NULL && fclose(file) != 0) || !written) {
		message("%s: %s", path, strerror(errno));
		return false;
	}
	(void)printf("written    %s\n", path);
	return true;
}

static bool tell_difference(
	struct pool *pool, const struct arguments *arguments, const struct explore_result *result)
{
	const struct difference *d = &result->difference;
	const char *stem = pool_format(pool, "%s/explore-%" PRIu64 "-%" PRIu64, arguments->folder,
		arguments->seed, result->found_in_script);
	const char *purpose = pool_format(pool,
		"# SPDX-License-Identifier: Apache-2.0\n"
		"purpose Found by exploration with seed %" PRIu64
		": %s of process %u should be %s and is %s.\nclaims area.merge-split\n",
		arguments->seed, d->where, d->process, d->expected, d->observed);

	(void)printf(
		"\nDIFFERENCE after %zu operations of a script, shrunk to %zu\n"
		"step %u, process %u, %s: the model says %s, the kernel shows %s\n%s    %s\n    "
		"%s\n\n%s\n",
		result->operations_before_shrinking, result->shortest_count, d->step, d->process,
		d->where, d->expected, d->observed, result->others, d->because, d->cite,
		result->scenario);
	const bool scenario =
		write_file(pool_format(pool, "%s.scenario", stem), purpose, result->scenario);
	return write_file(pool_format(pool, "%s.c", stem), "", result->reproducer) && scenario;
}

int command_explore(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct arguments arguments = {
		.seed = 1, .operations = 100000, .processes = 3, .folder = "."};
	struct facts facts;
	struct facts_error error;
	const char *why = "";

	if (!command_parse(&argp, argc, argv, &arguments))
		return EXIT_MISUSED;
	if (facts_read_live(&pool, &facts, &error) != 0) {
		message("%s", error.text);
		return EXIT_DEFECTIVE;
	}
	const struct vm_model model = vm_model_for(VM_MODEL_LINUX, &facts.host);
	struct explore_result *result = pool_take(&pool, sizeof(*result));
	const struct explore_options options = {
		.host = &facts.host,
		.model = &model,
		.seed = arguments.seed,
		.operations = arguments.operations,
		.processes = (uint32_t)arguments.processes,
		.chapters = arguments.chapters,
		.areas_most = (uint32_t)arguments.areas,
		.shrinks = !arguments.no_shrink,
		.prefers_rare = arguments.rare,
	};
	if (!explore(&pool, &options, result, &why)) {
		message("explore: %s", why);
		return EXIT_DEFECTIVE;
	}
	(void)printf("%s: %" PRIu64 " operations in %" PRIu64 " scripts, %" PRIu64
		     " figures compared\nspeed      %.0f operations a second of CPU time, both "
		     "sides together\n",
		result->differs ? "DIFFERS" : "agrees", result->operations, result->scripts,
		result->comparisons, (double)result->operations / result->cpu_s);
	tell_extent(&result->extent);
	tell_coverage(&pool, &result->coverage, arguments.coverage);
	if (!result->differs)
		return EXIT_CONFORMS;
	return tell_difference(&pool, &arguments, result) ? EXIT_DEVIATES : EXIT_DEFECTIVE;
}
