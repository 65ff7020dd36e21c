/* SPDX-License-Identifier: Apache-2.0 */
/* Advice that does something to the pages of a range at once. */
#ifndef AREA_ADVISE_H
#define AREA_ADVISE_H

#include "machine/state.h"

bool page_advice_is_known(int32_t advice);
/* The range lies in the area; 0 or an errno. */
int32_t advise_pages(
	struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end, int32_t advice);

#endif
