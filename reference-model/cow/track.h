/* SPDX-License-Identifier: Apache-2.0 */
/* Who was accessed, who was written. */
#ifndef COW_TRACK_H
#define COW_TRACK_H

#include "machine/state.h"

void operation_clear_refs(struct vm_machine *m);
void operation_uffd(struct vm_machine *m, bool on);
void operation_pagemap_scan(struct vm_machine *m);

#endif
