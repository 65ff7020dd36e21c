/* SPDX-License-Identifier: Apache-2.0 */
/* Sharing until somebody writes: fork, write faults, remote writes, merging of equal pages. */
#ifndef COW_COW_H
#define COW_COW_H

#include "machine/state.h"

void operation_fork(struct vm_machine *m);
void operation_vfork(struct vm_machine *m);
void operation_exit(struct vm_machine *m);
void operation_wait(struct vm_machine *m);
void operation_remote(struct vm_machine *m, bool write);
void operation_mem(struct vm_machine *m, bool write);
void operation_poke(struct vm_machine *m);
void operation_splice(struct vm_machine *m);
void operation_splice_read(struct vm_machine *m);
/* Nobody has the pipe any more, or all of it was read. */
void pipe_drop(struct vm_machine *m);
void operation_pin(struct vm_machine *m);
void operation_unpin(struct vm_machine *m);
void operation_pinned_read(struct vm_machine *m);
void operation_pinned_write(struct vm_machine *m);
/* Nobody has the ring any more. */
void pin_drop(struct vm_machine *m);
void operation_ksm_run(struct vm_machine *m);
/* MADV_UNMERGEABLE: every merged page of the range becomes private again. */
void ksm_unmerge(struct vm_machine *m, uint32_t area, uint64_t start, uint64_t end);

/* How many entries of this address space map pieces of the folio. */
int32_t maps_of_mm(const struct vm_machine *m, uint32_t mm, uint32_t head);

uint32_t mm_take(struct vm_machine *m);
/* The last process of an address space has gone. */
void mm_release(struct vm_machine *m, uint32_t mm);

void operation_step_migrate(struct vm_machine *m);
/* A small page that nobody holds: where it is now, or NONE. */
uint32_t page_move(struct vm_machine *m, uint32_t from);

#endif
