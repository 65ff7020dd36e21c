/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a reference string over the pages of a file in a memory group that holds nothing else,
 * and looks at what is resident. Everything that could disturb it is done before: see strings.c.
 */
#ifndef TRIAL_STRINGS_H
#define TRIAL_STRINGS_H

#include "probe/strings.h"

/*
 * Observes, all read after the string: what is resident at each look; how many pages each round of
 * each phase missed; pages of the group that are none of the string's; refaults that it counted.
 */
void string_measure(const struct string *string, uint32_t limit_pages);

#endif
