/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmconform model VERB: the simulators of the reference model on the command line. Each verb is one
 * file with one function and one row in model.c.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "command/command.h"
#include "model/sheet.h"
#include "trace/trace.h"

struct model_verb {
	const char *name; /* NULL ends the table */
	const char *summary;
	int (*run)(int argc, char **argv);
};

int model_translate(int argc, char **argv);
int model_walk(int argc, char **argv);
int model_table_size(int argc, char **argv);
int model_inverted(int argc, char **argv);
int model_segment(int argc, char **argv);
int model_relocate(int argc, char **argv);
int model_lowmem(int argc, char **argv);
int model_tlb(int argc, char **argv);
int model_replace(int argc, char **argv);
int model_programs(int argc, char **argv);
int model_buddy(int argc, char **argv);
int model_slab(int argc, char **argv);
int model_fit(int argc, char **argv);
int model_checkpoint(int argc, char **argv);
int model_string(int argc, char **argv);

/*
 * What several verbs take. A verb's input begins with a struct of these, so that one child parser
 * serves all.
 */
struct model_output_options {
	enum sheet_format format;
};
extern const struct argp model_output_argp;

/* A reference string: from arguments of its own, a file, or a generator. */
struct model_string_options {
	const char *inline_text, *file, *generator;
	enum trace_format format;
	struct trace_options trace;
};
extern const struct argp model_string_argp;
#define MODEL_STRING_DEFAULTS                                     \
	{                                                         \
		.trace = {                                        \
			.page_shift = VM_PAGE_SHIFT,              \
			.most_references = TRACE_MOST_REFERENCES, \
		},                                                \
	}
/* False after one message. */
bool model_load_string(const struct model_string_options *options, struct trace *trace);

/* Decimal, 0x..., with K, M, G, T behind it for powers of 1024; whole text. */
bool model_parse_number(const char *text, uint64_t *number);
/* For parsers: the number, or an error with the option's name. */
error_t model_number(const struct argp_state *state, const char *what, const char *text,
	uint64_t lowest, uint64_t highest, uint64_t *number);
/* 4k, 2m, 1g: log2 of the page; false otherwise. */
bool model_page_shift(const char *text, unsigned *shift);

/* Memory for a simulator; ends the program when there is none. */
struct vm_arena model_arena(size_t size_bytes);
void model_arena_drop(struct vm_arena *arena);
#define ARENA_DROPS __attribute__((cleanup(model_arena_drop)))

#endif
