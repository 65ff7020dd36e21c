/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/suite.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/message.h"
#include "base/pattern.h"
#include "suite/data.h"
#include "suite/kinds.h"
#include "suite/yaml.h"

#define SUITE_SUFFIX ".yaml"
#define TIMING_EXACT "exact"
#define TIMING_TIMED "timed"

static const cyaml_schema_field_t choice_fields[] = {
	CYAML_FIELD_SEQUENCE("kinds", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct suite_choice,
		kinds, &yaml_text, 1, CYAML_UNLIMITED),
	YAML_MAY_TEXT(struct suite_choice, match),
	YAML_MAY_TEXT(struct suite_choice, timing),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t choice = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct suite_choice, choice_fields),
};

static const cyaml_schema_value_t integer = {
	CYAML_VALUE_INT(CYAML_FLAG_DEFAULT, int64_t),
};

static const cyaml_schema_field_t override_fields[] = {
	YAML_TEXT(struct case_override, check),
	YAML_TEXT(struct case_override, parameter),
	CYAML_FIELD_SEQUENCE("values", CYAML_FLAG_POINTER, struct case_override, values, &integer,
		1, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t override = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct case_override, override_fields),
};

static const cyaml_schema_field_t profile_fields[] = {
	YAML_TEXT(struct suite_profile, name),
	CYAML_FIELD_UINT("checks", CYAML_FLAG_OPTIONAL, struct suite_profile, checks),
	CYAML_FIELD_UINT("cases", CYAML_FLAG_DEFAULT, struct suite_profile, cases),
	CYAML_FIELD_UINT("drawn", CYAML_FLAG_DEFAULT, struct suite_profile, drawn),
	CYAML_FIELD_UINT("launches", CYAML_FLAG_DEFAULT, struct suite_profile, launches),
	CYAML_FIELD_UINT("looks", CYAML_FLAG_DEFAULT, struct suite_profile, looks),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t profile = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct suite_profile, profile_fields),
};

static const cyaml_schema_field_t suite_fields[] = {
	YAML_TEXT(struct suite, title),
	CYAML_FIELD_SEQUENCE(
		"checks", CYAML_FLAG_POINTER, struct suite, checks, &choice, 1, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE("parameters", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct suite,
		parameters, &override, 0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE("profiles", CYAML_FLAG_POINTER, struct suite, profiles, &profile, 1,
		CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t suite_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct suite, suite_fields),
};

/* The trial executable refuses values that a parameter does not declare; so it is said here. */
static bool is_declared(const struct probe_parameter *parameter, int64_t value)
{
	for (size_t i = 0; i < parameter->choices_count; i++)
		if (parameter->choices[i] == value)
			return true;
	return parameter->drawn > 0 && value >= parameter->lowest && value <= parameter->highest &&
	       (value - parameter->lowest) % parameter->step == 0;
}

static bool override_is_sound(
	const char *path, const struct case_override *item, const struct check_list *checks)
{
	const struct check *check = check_named(checks, NULL, item->check);
	const struct probe_parameter *parameter = NULL;

	for (size_t i = 0; check != NULL && i < check->parameters_count; i++)
		if (strcmp(check->parameters[i].name, item->parameter) == 0)
			parameter = &check->parameters[i];
	if (parameter == NULL) {
		message("%s: no check %s with a parameter %s", path, item->check, item->parameter);
		return false;
	}
	for (size_t i = 0; i < item->values_count; i++)
		if (!is_declared(parameter, item->values[i])) {
			message("%s: %s: %s cannot be %" PRId64, path, item->check, item->parameter,
				item->values[i]);
			return false;
		}
	return true;
}

static bool is_sound(const char *path, const struct suite *suite, const struct check_list *checks)
{
	const char *why = NULL;

	for (size_t i = 0; i < suite->checks_count; i++) {
		const char *timing = suite->checks[i].timing;
		if (timing != NULL && strcmp(timing, TIMING_EXACT) != 0 &&
			strcmp(timing, TIMING_TIMED) != 0) {
			message("%s: timing: \"%s\" is neither " TIMING_EXACT " nor " TIMING_TIMED,
				path, timing);
			return false;
		}
		if (suite->checks[i].match == NULL)
			continue;
		struct pattern PATTERN_DROPS *pattern =
			pattern_compile(suite->checks[i].match, &why);
		if (pattern == NULL) {
			message("%s: match: \"%s\": %s", path, suite->checks[i].match, why);
			return false;
		}
	}
	for (size_t i = 0; i < suite->parameters_count; i++)
		if (!override_is_sound(path, &suite->parameters[i], checks))
			return false;
	return true;
}

static bool load_file(
	struct pool *pool, const char *path, const struct check_list *checks, struct suite *suite)
{
	void *data = NULL;

	if (!yaml_load(pool, path, &suite_schema, &data))
		return false;
	*suite = *(const struct suite *)data;
	return is_sound(path, suite, checks);
}

/* Title and profiles are those of the first file; checks and parameters add up. */
static void join(struct pool *pool, struct suite *suite, const struct suite *other)
{
	if (suite->profiles_count == 0) {
		*suite = *other;
		return;
	}
	const size_t checks_count = suite->checks_count + other->checks_count;
	const size_t parameters_count = suite->parameters_count + other->parameters_count;
	struct suite_choice *checks = pool_take(pool, checks_count * sizeof(*checks));
	struct case_override *parameters = pool_take(pool, parameters_count * sizeof(*parameters));

	for (size_t i = 0; i < checks_count; i++)
		checks[i] = i < suite->checks_count ? suite->checks[i]
						    : other->checks[i - suite->checks_count];
	for (size_t i = 0; i < parameters_count; i++)
		parameters[i] = i < suite->parameters_count
					? suite->parameters[i]
					: other->parameters[i - suite->parameters_count];
	suite->checks_count = checks_count;
	suite->checks = checks;
	suite->parameters_count = parameters_count;
	suite->parameters = parameters;
}

static int is_suite_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot != NULL && strcmp(dot, SUITE_SUFFIX) == 0;
}

static bool load_folder(
	struct pool *pool, const char *folder, const struct check_list *checks, struct suite *suite)
{
	struct dirent **names = NULL;
	const int count = scandir(folder, &names, is_suite_file, alphasort);
	bool good = count > 0;

	if (count <= 0)
		message("%s: %s", folder, count < 0 ? strerror(errno) : "no suite in this folder");
	for (int i = 0; i < count; i++) {
		struct suite one = {0};
		good = good && load_file(pool, pool_format(pool, "%s/%s", folder, names[i]->d_name),
				       checks, &one);
		if (good)
			join(pool, suite, &one);
		free(names[i]);
	}
	free(names);
	return good;
}

bool suite_is_path(const char *name)
{
	const char *dot = strrchr(name, '.');

	return strchr(name, '/') != NULL || (dot != NULL && strcmp(dot, SUITE_SUFFIX) == 0);
}

bool suite_load(
	struct pool *pool, const char *name, const struct check_list *checks, struct suite *suite)
{
	const char *path =
		suite_is_path(name)
			? name
			: data_path(pool, pool_format(pool, "suites/%s" SUITE_SUFFIX, name));
	struct stat status;

	*suite = (struct suite){0};
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return load_folder(pool, path, checks, suite);
	return load_file(pool, path, checks, suite);
}

static bool is_timed(const char *timing)
{
	return strcmp(timing, TIMING_TIMED) == 0;
}

static bool takes(const struct suite_choice *item, const struct check *check)
{
	bool of_kind = item->kinds_count == 0;
	const char *why = NULL;

	for (size_t i = 0; i < item->kinds_count; i++)
		of_kind = of_kind || strcmp(item->kinds[i], check->kind->name) == 0;
	if (!of_kind || (item->timing != NULL && is_timed(item->timing) != check->timed))
		return false;
	if (item->match == NULL)
		return true;
	struct pattern PATTERN_DROPS *pattern = pattern_compile(item->match, &why);
	return pattern != NULL && pattern_found(pattern, check->name);
}

bool suite_takes(const struct suite *suite, const struct check *check)
{
	for (size_t i = 0; i < suite->checks_count; i++)
		if (takes(&suite->checks[i], check))
			return true;
	return false;
}

const struct suite_profile *suite_profile_named(const struct suite *suite, const char *name)
{
	struct pool POOL_DROPS pool = {0};
	const char *names = "";

	for (size_t i = 0; i < suite->profiles_count; i++) {
		if (strcmp(suite->profiles[i].name, name) == 0)
			return &suite->profiles[i];
		names = pool_format(
			&pool, "%s%s%s", names, i == 0 ? "" : ", ", suite->profiles[i].name);
	}
	message("no profile \"%s\" in this suite: %s", name, names);
	return NULL;
}
