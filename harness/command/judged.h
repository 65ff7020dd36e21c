/* SPDX-License-Identifier: Apache-2.0 */
/* A finished record, judged by today's model and reported: what judge does, and run after a guest.
 */
#ifndef COMMAND_JUDGED_H
#define COMMAND_JUDGED_H

#include <stdbool.h>

#include "base/exit.h"
#include "report/report.h"

struct judged_options {
	bool lines;    /* verdict lines instead of the report */
	bool exchange; /* the two models answer in each other's place */
	struct report_options report;
};

enum exit_status judged_report(const char *path, const struct judged_options *options);

#endif
