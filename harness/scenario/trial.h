/* SPDX-License-Identifier: Apache-2.0 */
/* Scenarios from files to the live side and back. */
#ifndef SCENARIO_TRIAL_H
#define SCENARIO_TRIAL_H

#include "scenario/language.h"
#include "scenario/seen.h"

/* A scenario read from a file; false after one message "file:line:column: reason". */
bool scenario_load(struct pool *pool, const char *path, struct scenario *scenario);

/* A file's text, or NULL and errno. */
const char *scenario_text_of(struct pool *pool, const char *path, size_t *length_bytes);

/* What the trial executable reads on standard input. */
/* Everything, after every step. */
extern const struct live_looks scenario_looks;

const void *scenario_input(struct pool *pool, const struct script *script, enum live_format format,
	const struct live_looks *looks, size_t *length_bytes);

/* Runs it once on this host. False, and why. */
bool scenario_run_here(struct pool *pool, const char *name, const struct script *script,
	struct seen *seen, const char **why);

#endif
