/* SPDX-License-Identifier: Apache-2.0 */
/* All checks of this program: what the kinds of checks have to offer, in one list. */
#ifndef SUITE_KINDS_H
#define SUITE_KINDS_H

#include "suite/check.h"

/* Sorted by name. False after one message on stderr. */
bool checks_load(const char *suites_folder, struct check_list *list);

/* NULL when there is none of that name. kind NULL: of any kind, probes first. */
const struct check *check_named(const struct check_list *list, const char *kind, const char *name);

#endif
