/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform tables: figures of records for a course's documents, and whether they still hold. */
#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/message.h"
#include "command/command.h"
#include "report/sheet_write.h"
#include "suite/data.h"

enum tables_option {
	OPTION_COLUMNS = 'c',
	OPTION_FORMAT = 'f',
	OPTION_TABLE = 't',
	OPTION_VERIFY = 'v',
	OPTION_ERRATA = 0x100,
};

static const struct argp_option argp_options[] = {
	{"table", OPTION_TABLE, "NAME", 0,
		"chapters, lectures, textbook, page-sizes, kernels, claims, curves or exactness",
		0},
	{"format", OPTION_FORMAT, "FORMAT", 0,
		"latex (booktabs, siunitx), markdown (default), csv, html, macros (of LaTeX, for "
		"single values) or pgfplots",
		0},
	{"columns", OPTION_COLUMNS, "LIST", 0, "These columns, in this order; ? names them all", 0},
	{"verify", OPTION_VERIFY, "FILE", 0,
		"Name the cells in this document that the records do not have, or not any more; "
		"may be given more than once",
		0},
	{"errata", OPTION_ERRATA, "FILE", 0, "Void records and claims, instead of the project's",
		0},
	{0},
};

struct given {
	struct pool *pool;
	size_t paths_count, documents_count;
	const char **paths, **documents;
	const char *errata_path, *table, *format, *columns;
};

static void add(struct given *given, const char ***list, size_t *count, const char *text)
{
	*list = pool_grow(given->pool, *list, *count, sizeof(**list));
	(*list)[(*count)++] = text;
}

static error_t check_together(const struct argp_state *state, const struct given *given)
{
	if (given->paths_count == 0)
		return command_refuse(state, "which record?");
	if (given->documents_count == 0 && given->table == NULL)
		return command_refuse(state, "--table NAME, or --verify FILE?");
	return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct given *given = state->input;

	switch (key) {
	case OPTION_TABLE:
		given->table = argument;
		return 0;
	case OPTION_FORMAT:
		given->format = argument;
		return 0;
	case OPTION_COLUMNS:
		given->columns = argument;
		return 0;
	case OPTION_VERIFY:
		add(given, &given->documents, &given->documents_count, argument);
		return 0;
	case OPTION_ERRATA:
		given->errata_path = argument;
		return 0;
	case ARGP_KEY_ARG:
		add(given, &given->paths, &given->paths_count, argument);
		return 0;
	case ARGP_KEY_END:
		return check_together(state, given);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "RECORD...",
	.doc = "Tables of records for documents. Each cell, or line, says in a comment which "
	       "record it "
	       "is of, and --verify holds a document that has such cells against records.",
};

/* What fits a page; --columns has the others. */
static const char *usual_columns(const char *table)
{
	if (strcmp(table, "textbook") == 0)
		return "claim,taught,expected,measured";
	if (strcmp(table, "claims") == 0)
		return "claim,verdict,textbook,cases,measured";
	if (strcmp(table, "kernels") == 0)
		return "kernel,suite,claims,pass,deviation,inconclusive,skip,model,textbook";
	return NULL;
}

static enum exit_status print_table(const struct given *given, const struct sheet_source *source)
{
	const char *columns = given->columns != NULL ? given->columns : usual_columns(given->table);
	struct sheet sheet;

	if (!sheet_make(source, given->table, &sheet)) {
		message("--table: there is no table \"%s\"", given->table);
		return EXIT_MISUSED;
	}
	if (columns != NULL && strcmp(columns, "?") == 0) {
		for (size_t i = 0; i < sheet.columns_count; i++)
			(void)printf("%s\n", sheet.columns[i].name);
		return EXIT_CONFORMS;
	}
	const char *unknown = columns != NULL ? sheet_choose(given->pool, &sheet, columns) : NULL;
	if (unknown != NULL) {
		message("--columns: %s has no column \"%s\"; \"?\" names them", given->table,
			unknown);
		return EXIT_MISUSED;
	}
	if (!sheet_write(stdout, given->pool, &sheet, given->format)) {
		message("--format: \"%s\" is not %s", given->format, sheet_formats);
		return EXIT_MISUSED;
	}
	return EXIT_CONFORMS;
}

static bool read_document(const char *path, struct buffer *text)
{
	FILE *stream = fopen(path, "re");
	char chunk[1 << 14];
	size_t got_bytes = 0;

	if (stream == NULL) {
		message("%s: %s", path, strerror(errno));
		return false;
	}
	while ((got_bytes = fread(chunk, 1, sizeof(chunk), stream)) != 0)
		buffer_add(text, chunk, got_bytes);
	(void)fclose(stream);
	buffer_add(text, "", 0);
	return true;
}

/* A line of CSV or of pgfplots data has the columns that it was written with. */
static void make_all(const struct given *given, const struct sheet_source *source,
	struct sheet *sheets, size_t *count)
{
	for (*count = 0; sheet_names[*count] != NULL; (*count)++) {
		(void)sheet_make(source, sheet_names[*count], &sheets[*count]);
		if (given->table != NULL && given->columns != NULL &&
			strcmp(given->table, sheet_names[*count]) == 0)
			(void)sheet_choose(given->pool, &sheets[*count], given->columns);
	}
}

static enum exit_status verify(const struct given *given, const struct sheet_source *source)
{
	enum { SHEETS_MOST = 16 };
	struct sheet sheets[SHEETS_MOST];
	size_t count = 0, stale = 0;

	make_all(given, source, sheets, &count);
	for (size_t i = 0; i < given->documents_count; i++) {
		struct buffer BUFFER_DROPS text = {0};
		size_t cells = 0;
		if (!read_document(given->documents[i], &text))
			return EXIT_MISUSED;
		const size_t found = sheet_verify(stdout, given->pool, sheets, count,
			given->documents[i], text.bytes, &cells);
		stale += found;
		if (cells == 0) {
			message("%s: no cell of ours is in it", given->documents[i]);
			return EXIT_MISUSED;
		}
		if (found == 0)
			(void)printf("%s: all %zu cells are of these records\n",
				given->documents[i], cells);
	}
	return stale == 0 ? EXIT_CONFORMS : EXIT_DEVIATES;
}

int command_tables(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct given given = {
		.pool = &pool,
		.errata_path = data_path(&pool, ERRATA_FILE),
		.format = "markdown",
	};
	struct outcome_list outcomes = {0};
	struct sheet_source source = {.pool = &pool, .outcomes = &outcomes};
	enum exit_status status = EXIT_MISUSED;

	if (!command_parse(&argp, argc, argv, &given))
		return EXIT_MISUSED;
	const struct outcome_request request = {
		.paths_count = given.paths_count,
		.paths = given.paths,
		.errata_path = given.errata_path,
		.observed_count = given.paths_count,
	};
	if (!claims_load(&pool, data_path(&pool, "suites/claims.yaml"), &source.claims))
		return EXIT_DEFECTIVE;
	if (outcomes_read(&pool, &request, &outcomes))
		status = given.documents_count != 0 ? verify(&given, &source)
						    : print_table(&given, &source);
	outcomes_drop(&outcomes);
	return (int)status;
}
