/* SPDX-License-Identifier: Apache-2.0 */
#include "run/status.h"

enum exit_status status_of(const struct judgement *judgement, const struct record_summary *summary)
{
	const size_t *tally = judgement->tally;

	if (tally[VERDICT_ERROR] != 0 || !summary->complete)
		return EXIT_DEFECTIVE;
	/* A run during which the kernel complained is no clean run, whatever its verdicts. */
	if (tally[VERDICT_DEVIATION] != 0 || summary->kernel_log_count != 0 ||
		summary->taint_before != summary->taint_after)
		return EXIT_DEVIATES;
	return tally[VERDICT_SKIP] == judgement->count ? EXIT_NOTHING : EXIT_CONFORMS;
}

static unsigned weight(enum exit_status status)
{
	switch (status) {
	case EXIT_CONFORMS:
		return 0;
	case EXIT_NOTHING:
		return 1;
	case EXIT_DEVIATES:
		return 2;
	case EXIT_DEFECTIVE:
		return 3;
	case EXIT_MISUSED:
		break;
	}
	return 4;
}

enum exit_status status_worse(enum exit_status a, enum exit_status b)
{
	return weight(a) >= weight(b) ? a : b;
}
