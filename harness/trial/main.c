/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmconform-trial VERB ...: what touches the kernel. A verb reports over descriptor 3 and ends the
 * process; it returns only when it was called wrongly.
 */
#include <stdio.h>
#include <string.h>

#include "trial/verbs.h"

static const struct {
	const char *name, *usage;
	void (*run)(int argc, char **argv);
} verbs[] = {
	{"probe", "probe NAME [--seed N] PARAMETER=VALUE...", verb_probe},
	{"scenario", "scenario NAME <SCRIPT", verb_scenario},
};

#define VERBS_COUNT (sizeof(verbs) / sizeof(verbs[0]))
#define EXIT_USAGE  2

int main(int argc, char **argv)
{
	for (size_t i = 0; i < VERBS_COUNT; i++)
		if (argc > 1 && strcmp(argv[1], verbs[i].name) == 0)
			verbs[i].run(argc - 2, argv + 2);
	for (size_t i = 0; i < VERBS_COUNT; i++)
		(void)fprintf(stderr, "usage: %s %s\n", argv[0], verbs[i].usage);
	return EXIT_USAGE;
}
