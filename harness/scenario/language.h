/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The language of scenarios (LANGUAGE.md): text to declarations, and with one value for each
 * parameter to an array of operations. A scenario says what is done, never what comes of it.
 */
#ifndef SCENARIO_LANGUAGE_H
#define SCENARIO_LANGUAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "probe/probe.h"
#include "vm/machine.h"

#define SCENARIO_TEXT_LIMIT_BYTES ((size_t)1 << 20)
#define SCENARIO_PARAMETERS_LIMIT 8
#define SCENARIO_CLAIMS_LIMIT	  16

/* What is wrong with a text: printed as "file:line:column: reason". */
struct scenario_error {
	unsigned line, column;
	char reason[200];
};

struct token;

struct scenario_line {
	unsigned number;
	const char *text; /* without comment and indentation */
	size_t tokens_count;
	const struct token *tokens;
};

struct scenario {
	const char *text;
	const char *purpose;
	const char *by_hand;
	const char *claims[SCENARIO_CLAIMS_LIMIT + 1]; /* NULL-ended */
	size_t parameters_count;
	struct probe_parameter parameters[SCENARIO_PARAMETERS_LIMIT];
	struct probe_needs needs; /* inferred from the operations, and from "needs" lines */
	size_t lines_count;	  /* of the body: declarations of areas, and operations */
	const struct scenario_line *lines;
};

/* A name that the script gave to a piece of the arena, or one that is always there. */
struct script_area {
	const char *name;
	uint64_t address, length;
};

struct script_step {
	unsigned line;
	const char *text;
};

/* A scenario with values in place of parameters. Step i (from 1) is operations[i - 1]. */
struct script {
	size_t operations_count;
	struct vm_operation *operations;
	struct script_step *steps;
	size_t areas_count;
	struct script_area *areas;
	size_t processes_count;
	const char *processes[16];
	size_t files_count;
	const char *files[16];
};

/*
 * Reads the text and compiles it with every choice of every parameter, so that a scenario that
 * loads has no mistake left in it that another case would show. False: error says where and what.
 */
bool scenario_read(struct pool *pool, const char *text, size_t length_bytes,
	struct scenario *scenario, struct scenario_error *error);

/* values: one for each parameter, in order. */
bool scenario_compile(struct pool *pool, const struct scenario *scenario, const int64_t *values,
	struct script *script, struct scenario_error *error);

/* Operations of known processes, files and the arena only: what explore makes goes back to text. */
const char *scenario_write(struct pool *pool, const struct vm_operation *operations,
	size_t operations_count, const char *const *comments);

/* The address in words: "a[3]+16", or a number where no area is near. */
const char *script_place(struct pool *pool, const struct script *script, uint64_t address);

#endif
