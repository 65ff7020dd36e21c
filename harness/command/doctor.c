/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform doctor: what this host lets be measured, and the commands that would allow more. */
#include <stdio.h>
#include <string.h>

#include "base/message.h"
#include "command/command.h"
#include "facts/facts.h"
#include "guard/guard.h"
#include "report/style.h"
#include "suite/cases.h"
#include "suite/data.h"
#include "suite/kinds.h"
#include "suite/suite.h"

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	return command_refuse(state, "\"%s\" is one argument too many", argument);
}

static const struct argp argp = {
	.parser = parse_option,
	.doc = "Says what this host offers to the checks, what it lacks, the command that would "
	       "supply it, and how many cases wait for that.",
};

struct doctor {
	struct pool *pool;
	struct facts facts;
	struct check_list checks;
	struct case_list cases;
};

static bool load(struct doctor *doctor)
{
	struct facts_error error;
	struct suite suite;

	doctor->checks = (struct check_list){.pool = doctor->pool};
	doctor->cases = (struct case_list){.pool = doctor->pool};
	if (facts_read_live(doctor->pool, &doctor->facts, &error) != 0) {
		message("%s", error.text);
		return false;
	}
	if (!checks_load(data_path(doctor->pool, "suites"), &doctor->checks) ||
		!suite_load(doctor->pool, "all", &doctor->checks, &suite))
		return false;
	const struct case_options options = {.host = &doctor->facts.host};
	for (size_t i = 0; i < doctor->checks.count; i++)
		cases_expand(&doctor->checks.items[i], &options, &doctor->cases);
	return true;
}

/* Cases that can be run when so much is allowed. */
static bool count_runnable(
	struct doctor *doctor, const struct facts_allowed *allowed, size_t *count)
{
	struct facts_error error;

	*count = 0;
	for (size_t i = 0; i < doctor->cases.count; i++) {
		struct pool POOL_DROPS pool = {0};
		struct facts_requirement *unmet = NULL;
		size_t unmet_count = 0;
		const struct check_case *check_case = &doctor->cases.items[i];
		if (facts_requirements(&pool, &doctor->facts, check_case->check->needs, allowed,
			    true, &unmet, &unmet_count, &error) != 0) {
			message("%s", error.text);
			return false;
		}
		*count += unmet_count == 0 && (allowed->settings || !case_holds_knob(check_case));
	}
	return true;
}

static bool print_requirements(struct doctor *doctor)
{
	const struct facts_allowed allowed = {.settings = true, .pressure = true};
	struct facts_requirement *items = NULL;
	struct facts_error error;
	size_t count = 0;

	if (facts_doctor(doctor->pool, &doctor->facts, &allowed, &items, &count, &error) != 0) {
		message("%s", error.text);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		(void)printf("%-5s  %-34s %s\n", items[i].met ? "met" : "UNMET",
			items[i].requirement, items[i].value);
		if (!items[i].met)
			(void)printf("       %-34s %s\n", "", items[i].supply);
	}
	return true;
}

static bool print_runnable(struct doctor *doctor)
{
	static const struct {
		const char *command;
		struct facts_allowed allowed;
	} ways[] = {
		{"mmconform run all", {false, false}},
		{"mmconform run all --allow settings", {true, false}},
		{"mmconform run all --allow settings,pressure", {true, true}},
	};

	(void)putchar('\n');
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		size_t count = 0;
		if (!count_runnable(doctor, &ways[i].allowed, &count))
			return false;
		(void)printf("%4zu of %zu cases run with  %s\n", count, doctor->cases.count,
			ways[i].command);
	}
	return true;
}

int command_doctor(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct doctor doctor = {.pool = &pool};
	const struct guard_options guard = {.root = ""};

	if (!command_parse(&argp, argc, argv, NULL))
		return EXIT_MISUSED;
	if (!load(&doctor) || !print_requirements(&doctor) || !print_runnable(&doctor))
		return EXIT_DEFECTIVE;
	if (guard_left_over(&guard))
		(void)puts("\na killed run left settings changed: sudo mmconform restore");
	return EXIT_CONFORMS;
}
