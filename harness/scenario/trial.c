/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/trial.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "kernel/monitors.h"
#include "run/launch.h"

#define OUTPUT_LIMIT_BYTES ((size_t)256 << 20)
#define DEADLINE_MS	   60000

const char *scenario_text_of(struct pool *pool, const char *path, size_t *length_bytes)
{
	FILE *file = fopen(path, "rb");
	char *buffer = file != NULL ? malloc(SCENARIO_TEXT_LIMIT_BYTES + 1) : NULL;
	const char *text = NULL;

	if (buffer != NULL) {
		*length_bytes = fread(buffer, 1, SCENARIO_TEXT_LIMIT_BYTES + 1, file);
		/* Only what is in it is kept: hundreds of files are, and pools count as committed.
		 */
		text = ferror(file) == 0 ? pool_text_of(pool, buffer, *length_bytes) : NULL;
		errno = EIO;
	}
	free(buffer);
	if (file != NULL)
		(void)fclose(file);
	return text;
}

bool scenario_load(struct pool *pool, const char *path, struct scenario *scenario)
{
	struct scenario_error error = {0};
	size_t length_bytes = 0;
	const char *text = scenario_text_of(pool, path, &length_bytes);

	if (text == NULL) {
		message("%s: %s", path, strerror(errno));
		return false;
	}
	if (scenario_read(pool, text, length_bytes, scenario, &error))
		return true;
	message("%s:%u:%u: %s", path, error.line, error.column, error.reason);
	return false;
}

const struct live_looks scenario_looks = {.always = LIVE_SURFACES_ALL};

/* Once for all trials: one that is started later is a change of the host. */
static void name_monitors(struct live_head *head)
{
	static struct monitor monitors[LIVE_MONITORS_LIMIT];
	static size_t count;
	static bool asked, seen;

	if (!asked)
		seen = monitors_find(monitors, LIVE_MONITORS_LIMIT, &count);
	asked = true;
	head->monitors_count = LIVE_MONITORS_UNKNOWN;
	if (!seen || count > LIVE_MONITORS_LIMIT)
		return;
	head->monitors_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		head->monitors[i] = monitors[i].thread;
}

const void *scenario_input(struct pool *pool, const struct script *script, enum live_format format,
	const struct live_looks *looks, size_t *length_bytes)
{
	const size_t operations_bytes = script->operations_count * sizeof(script->operations[0]);
	struct live_head head = {
		.magic = LIVE_MAGIC,
		.operation_bytes = sizeof(struct vm_operation),
		.operations_count = (uint32_t)script->operations_count,
		.looks = *looks,
		.format = format,
	};

	name_monitors(&head);
	unsigned char *input = pool_take(pool, sizeof(head) + operations_bytes);
	memcpy(input, &head, sizeof(head));
	memcpy(input + sizeof(head), script->operations, operations_bytes);
	*length_bytes = sizeof(head) + operations_bytes;
	return input;
}

bool scenario_run_here(struct pool *pool, const char *name, const struct script *script,
	struct seen *seen, const char **why)
{
	char executable[PATH_MAX];
	struct launch_result result;
	size_t input_bytes = 0;
	const void *input = scenario_input(pool, script, LIVE_LINES, &scenario_looks, &input_bytes);
	const char *const arguments[] = {"scenario", name, NULL};

	int error = launch_executable("mmconform-trial", executable, sizeof(executable));
	launch_hold_executables();
	if (error == 0) {
		const struct launch launch = {
			.executable = executable,
			.arguments = arguments,
			.subject = name,
			.deadline_ms = DEADLINE_MS,
			.output_limit_bytes = OUTPUT_LIMIT_BYTES,
			.input = input,
			.input_bytes = input_bytes,
		};
		error = launch_trial(&launch, pool, &result);
	}
	if (error != 0) {
		*why = strerror(-error);
		return false;
	}
	if (result.end != RECORD_TRIAL_OBSERVED) {
		*why = result.why;
		return false;
	}
	return seen_in_observations(
		pool, result.observations, result.observations_count, seen, why);
}
