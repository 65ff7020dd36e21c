/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel writes into a thread's area for restartable sequences whenever it was preempted. After
 * a fork that area's page is shared, so being preempted would be a fault of ours.
 * linux:6.12:kernel/rseq.c:__rseq_handle_notify_resume
 */
#ifndef TRIAL_RSEQ_H
#define TRIAL_RSEQ_H

/* The calling thread unregisters its area, where the C library has registered one. */
void rseq_leave(void);

#endif
