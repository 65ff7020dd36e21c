/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what a source knows as a tree of files with a manifest. */
#ifndef FACTS_CAPTURE_H
#define FACTS_CAPTURE_H

#include <stdbool.h>

#include "facts/source.h"

/* The folder must not exist or be empty; it is a capture once its manifest is there. */
int capture_source(struct facts_source *source, const char *folder, bool anonymous);

#endif
