/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of the command line. A verb is one file with one function and one row in command.c; it
 * gets argv[0] as "mmconform VERB", parses its options with argp, and returns an exit status.
 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include <argp.h>
#include <stdbool.h>

#include "base/exit.h"

struct command {
	const char *name; /* NULL ends the table */
	const char *summary;
	int (*run)(int argc, char **argv);
};

extern const struct command commands[];

/*
 * argp_parse for a verb: mistakes are one line on stderr, and then false: the verb returns
 * EXIT_MISUSED. The parser sees ARGP_KEY_ARG for each argument that is no option.
 */
bool command_parse(const struct argp *argp, int argc, char **argv, void *input);

/* For parsers: one line "mmconform VERB: ..." and the error that makes command_parse fail. */
error_t command_refuse(const struct argp_state *state, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For parsers: an option's value that is a number in decimal, or command_refuse(). */
error_t command_number(const struct argp_state *state, const char *option, const char *text,
	unsigned lowest, unsigned highest, unsigned *number);

int command_doctor(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_facts(int argc, char **argv);
int command_judge(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_history(int argc, char **argv);
int command_list(int argc, char **argv);
int command_model(int argc, char **argv);
int command_report(int argc, char **argv);
int command_tables(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_scenario(int argc, char **argv);
int command_explore(int argc, char **argv);
int command_run(int argc, char **argv);

#endif
