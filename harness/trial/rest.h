/* SPDX-License-Identifier: Apache-2.0 */
/* Lets time go by, where the kernel does something after a time of its own. */
#ifndef TRIAL_REST_H
#define TRIAL_REST_H

void rest_ms(unsigned milliseconds);

#endif
