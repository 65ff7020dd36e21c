/* SPDX-License-Identifier: Apache-2.0 */
/* The format "record": the lines of the record, with the verdicts of this judgement. */
#ifndef REPORT_RECORD_H
#define REPORT_RECORD_H

#include "report/output.h"

bool record_output(FILE *stream, const struct outcome *outcome);

#endif
