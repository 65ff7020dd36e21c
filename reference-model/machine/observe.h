/* SPDX-License-Identifier: Apache-2.0 */
/* What operations and observations both need to know of a page. */
#ifndef MACHINE_OBSERVE_H
#define MACHINE_OBSERVE_H

#include "machine/state.h"

/* What mincore says of the page of that area. */
bool page_in_core(const struct vm_machine *m, uint32_t area, uint64_t address);
/* It came along with another page, and may be on its way: linux:6.12:mm/readahead.c:read_pages. */
bool page_in_core_is_open(const struct vm_machine *m, uint32_t area, uint64_t address);

#endif
