/* SPDX-License-Identifier: Apache-2.0 */
/* The verb "probe": one case of one probe, its control before its measurement. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/probe.h"
#include "trial/report.h"
#include "trial/trial.h"
#include "trial/verbs.h"

#define PARAMETERS_LIMIT 16

static bool read_integer(const char *text, int64_t *value)
{
	char *end = NULL;

	errno = 0;
	const long long read = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return false;
	*value = read;
	return true;
}

/* A number, or for parameters that are kinds the word. */
static bool read_value(const struct probe_parameter *parameter, const char *text, int64_t *value)
{
	for (size_t i = 0; parameter->labels != NULL && i < parameter->choices_count; i++)
		if (strcmp(parameter->labels[i], text) == 0) {
			*value = parameter->choices[i];
			return true;
		}
	return read_integer(text, value);
}

static bool is_declared(const struct probe_parameter *parameter, int64_t value)
{
	for (size_t i = 0; i < parameter->choices_count; i++)
		if (parameter->choices[i] == value)
			return true;
	return parameter->drawn > 0 && value >= parameter->lowest && value <= parameter->highest &&
	       (value - parameter->lowest) % parameter->step == 0;
}

/* One PARAMETER=VALUE put into its place; false, and a line on stderr, when it has none. */
static bool take_argument(
	const struct probe *probe, const char *argument, int64_t *values, bool *given)
{
	const char *equals = strchr(argument, '=');
	const size_t name_length = equals == NULL ? 0 : (size_t)(equals - argument);

	for (size_t i = 0; i < probe->parameters_count && name_length != 0; i++) {
		const struct probe_parameter *parameter = &probe->parameters[i];
		if (strlen(parameter->name) != name_length ||
			strncmp(parameter->name, argument, name_length) != 0)
			continue;
		if (given[i] || !read_value(parameter, equals + 1, &values[i]) ||
			!is_declared(parameter, values[i]))
			break;
		given[i] = true;
		return true;
	}
	(void)fprintf(stderr, "%s: not a parameter and value of it: %s\n", probe->name, argument);
	return false;
}

static bool take_arguments(
	const struct probe *probe, int argc, char **argv, uint64_t *seed, int64_t *values)
{
	bool given[PARAMETERS_LIMIT] = {false};
	int64_t number = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc &&
			read_integer(argv[i + 1], &number)) {
			*seed = (uint64_t)number;
			i++;
		} else if (!take_argument(probe, argv[i], values, given)) {
			return false;
		}
	}
	for (size_t i = 0; i < probe->parameters_count; i++)
		if (!given[i]) {
			(void)fprintf(stderr, "%s: no value for %s\n", probe->name,
				probe->parameters[i].name);
			return false;
		}
	return true;
}

void verb_probe(int argc, char **argv)
{
	const struct probe *probe = argc > 0 ? probe_by_name(argv[0]) : NULL;
	int64_t values[PARAMETERS_LIMIT] = {0};
	uint64_t seed = 1;

	if (probe == NULL) {
		(void)fprintf(stderr, "no such probe: %s\n", argc > 0 ? argv[0] : "(none given)");
		return;
	}
	if (probe->measure == NULL || probe->parameters_count > PARAMETERS_LIMIT) {
		(void)fprintf(stderr, "%s: not a probe of this executable\n", probe->name);
		return;
	}
	if (!take_arguments(probe, argc - 1, argv + 1, &seed, values))
		return;
	const struct probe_arguments arguments = {
		probe->parameters_count, probe->parameters, values};
	report_open(probe->name, seed);
	report_populate();
	if (probe->control != NULL)
		probe->control(&arguments);
	if (report_observations_count() != 0)
		broken("control() observed something: only measure() may");
	probe->measure(&arguments);
	if (report_observations_count() == 0)
		broken("measure() observed nothing");
	report_close();
}
