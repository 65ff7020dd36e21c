/* SPDX-License-Identifier: Apache-2.0 */
/* Where the data files lie: claims, suites, scenarios, known deviations. */
#ifndef SUITE_DATA_H
#define SUITE_DATA_H

#include "base/pool.h"

/*
 * The path of a file or folder below the data folder, for example "suites/claims.yaml". The data
 * folder is $MMCONFORM_DATA; or the source tree, when the program runs from its build tree; or
 * ../share/mmconform beside the program's folder, as installed.
 */
const char *data_path(struct pool *pool, const char *name);

#endif
