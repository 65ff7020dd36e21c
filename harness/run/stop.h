/* SPDX-License-Identifier: Apache-2.0 */
/* SIGINT, SIGTERM and SIGHUP as something to look at: a run ends between two lines, never within.
 */
#ifndef RUN_STOP_H
#define RUN_STOP_H

/* Blocks the signals. A descriptor that becomes readable with the first of them, or -errno. */
__attribute__((warn_unused_result)) int stop_begin(void);

/* The name of the signal that came ("SIGTERM"), or NULL. */
const char *stop_came(int descriptor);

void stop_end(int descriptor);

#endif
