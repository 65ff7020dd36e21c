/* SPDX-License-Identifier: Apache-2.0 */
/* Exact contents of frames, as chains of runs of equal bytes. A chain is named by its first run. */
#ifndef MACHINE_CONTENTS_H
#define MACHINE_CONTENTS_H

#include "machine/state.h"

void contents_free(struct vm_machine *m, uint32_t *contents);
void contents_copy(struct vm_machine *m, uint32_t *to, uint32_t from);
bool contents_equal(const struct vm_machine *m, uint32_t one, uint32_t other);

uint8_t contents_byte(const struct vm_machine *m, uint32_t contents, uint32_t offset);

/* Bytes from offset to end become value; size is that of the frame. */
void contents_fill(struct vm_machine *m, uint32_t *contents, uint32_t size, uint32_t offset,
	uint32_t end, uint8_t value);

#endif
