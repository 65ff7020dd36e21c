/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "report/report.h"
#include "suite/cases.h"

void report_terminal(const struct record *record, const struct judgement *judgement,
	const struct record_summary *summary, const struct report_options *options)
{
	struct pool POOL_DROPS pool = {0};

	(void)record, (void)options;
	for (int i = 0; i < VERDICT_LIMIT; i++)
		(void)printf("%zu %s ", judgement->tally[i], verdict_word((enum verdict)i));
	(void)printf("- %" PRId64 " ms\n", summary->duration_ms);
	for (size_t i = 0; i < judgement->count; i++) {
		const struct record_verdict *verdict = &judgement->verdicts[i];
		(void)printf("%s %s %s | %s | %s | %s | %s\n",
			case_id(&pool, verdict->probe, &verdict->parameters), verdict->verdict,
			verdict->textbook, verdict->expected, verdict->observed,
			verdict->textbook_expected, verdict->because);
	}
}
