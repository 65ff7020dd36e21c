/* SPDX-License-Identifier: Apache-2.0 */
/* What operations and observations both need to know of a page. */
#ifndef MACHINE_OBSERVE_H
#define MACHINE_OBSERVE_H

#include "machine/state.h"

/* What mincore says of the page of that area. */
/* open: it came along with another page, and may be on its way. */
bool page_in_core(const struct vm_machine *m, uint32_t area, uint64_t address, bool *open);

#endif
