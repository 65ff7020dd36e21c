/* SPDX-License-Identifier: Apache-2.0 */
/* mmconform list: the claims by chapter, and how each is shown. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "base/pattern.h"
#include "command/command.h"
#include "report/style.h"
#include "suite/claims.h"
#include "suite/data.h"
#include "suite/kinds.h"

enum list_option {
	OPTION_CLAIM = 'c',
	OPTION_JSON = 'j',
	OPTION_MISSING = 'm',
};

static const struct argp_option argp_options[] = {
	{"claim", OPTION_CLAIM, "PCRE2", 0, "Only claims like this", 0},
	{"json", OPTION_JSON, NULL, 0, "One JSON object a claim", 0},
	{"missing", OPTION_MISSING, NULL, 0, "Only claims that lack one of their checks", 0},
	{0},
};

struct listing {
	struct pool *pool;
	const char *selection;
	bool json, missing, colour;
	struct check_list checks;
	struct claim_list claims;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct listing *listing = state->input;

	switch (key) {
	case OPTION_CLAIM:
		listing->selection = argument;
		return 0;
	case OPTION_JSON:
		listing->json = true;
		return 0;
	case OPTION_MISSING:
		listing->missing = true;
		return 0;
	case ARGP_KEY_ARG:
		return command_refuse(state, "\"%s\" is one argument too many", argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.doc = "Lists the claims by chapter, and the checks that show them. A claim is shown by "
	       "scenario (S), formula (F), benchmark (B), trace (T), in a guest (V), by the model "
	       "alone (M); a letter in parentheses has no check yet.",
};

static bool has_letter(const struct listing *listing, const struct claim *claim, char letter)
{
	for (size_t i = 0; i < listing->checks.count; i++)
		if (claim_shown(claim, &listing->checks.items[i], letter))
			return true;
	return false;
}

static bool lacks_a_check(const struct listing *listing, const struct claim *claim)
{
	for (size_t i = 0; i < claim->checks_count; i++)
		if (!has_letter(listing, claim, claim->checks[i][0]))
			return true;
	return false;
}

static const char *letters_text(const struct listing *listing, const struct claim *claim)
{
	const char *text = "";

	for (size_t i = 0; i < claim->checks_count; i++) {
		const bool there = has_letter(listing, claim, claim->checks[i][0]);
		text = pool_format(
			listing->pool, there ? "%s%s " : "%s(%s) ", text, claim->checks[i]);
	}
	return text;
}

static void print_claim(const struct listing *listing, const struct claim *claim)
{
	(void)printf("  %-26s %-13s %s\n", claim->id, letters_text(listing, claim),
		claim->textbook != NULL ? "textbook differs" : "");
	for (size_t i = 0; i < listing->checks.count; i++) {
		const struct check *check = &listing->checks.items[i];
		if (claim_declared(claim, check) && strcmp(check->name, claim->id) != 0)
			(void)printf("      %s %s\n", check->kind->name, check->name);
	}
}

static void print_json(const struct listing *listing, const struct claim *claim)
{
	json_t *checks = json_array(), *letters = json_array(), *sources = json_array();

	for (size_t i = 0; i < claim->checks_count; i++)
		(void)json_array_append_new(letters, json_string(claim->checks[i]));
	for (size_t i = 0; i < claim->sources_count; i++)
		(void)json_array_append_new(sources, json_string(claim->sources[i]));
	for (size_t i = 0; i < listing->checks.count; i++) {
		const struct check *check = &listing->checks.items[i];
		char shown[sizeof(CLAIM_LETTERS)] = "";
		if (!claim_declared(claim, check))
			continue;
		for (const char *letter = CLAIM_LETTERS; *letter != '\0'; letter++)
			if (claim_shown(claim, check, *letter))
				shown[strlen(shown)] = *letter;
		(void)json_array_append_new(checks,
			json_pack("{s:s,s:s,s:s,s:s?}", "check", check->name, "kind",
				check->kind->name, "letters", shown, "question", check->question));
	}
	json_t *object = json_pack("{s:s,s:s,s:s?,s:o,s:o,s:o}", "claim", claim->id, "statement",
		claim->statement, "textbook", claim->textbook, "wanted", letters, "sources",
		sources, "checks", checks);
	char *text = json_dumps(object, JSON_COMPACT);
	(void)puts(text != NULL ? text : "{}");
	free(text);
	json_decref(object);
}

static void print_all(const struct listing *listing, const struct pattern *pattern)
{
	size_t chapter = SIZE_MAX;

	for (size_t i = 0; i < listing->claims.count; i++) {
		const struct claim *claim = &listing->claims.items[i];
		if (!pattern_found(pattern, claim->id) ||
			(listing->missing && !lacks_a_check(listing, claim)))
			continue;
		if (listing->json) {
			print_json(listing, claim);
			continue;
		}
		if (claim_chapter_order(claim->id) != chapter)
			(void)printf("%s\n", style_bold(listing->pool, claim_chapter(claim->id),
						     listing->colour));
		chapter = claim_chapter_order(claim->id);
		print_claim(listing, claim);
	}
}

int command_list(int argc, char **argv)
{
	struct pool POOL_DROPS pool = {0};
	struct listing listing = {
		.pool = &pool,
		.selection = "",
		.colour = style_has_colour(stdout),
		.checks = {.pool = &pool},
	};
	const char *why = NULL;

	if (!command_parse(&argp, argc, argv, &listing))
		return EXIT_MISUSED;
	struct pattern PATTERN_DROPS *pattern = pattern_compile(listing.selection, &why);
	if (pattern == NULL) {
		message("--claim \"%s\": %s", listing.selection, why);
		return EXIT_MISUSED;
	}
	if (!checks_load(data_path(&pool, "suites"), &listing.checks) ||
		!claims_load(&pool, data_path(&pool, "suites/claims.yaml"), &listing.claims) ||
		!claims_known(&listing.claims, &listing.checks))
		return EXIT_DEFECTIVE;
	print_all(&listing, pattern);
	return EXIT_CONFORMS;
}
