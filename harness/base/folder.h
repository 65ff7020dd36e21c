/* SPDX-License-Identifier: Apache-2.0 */
/* Where trials work: their files lie there, and its file system decides what becomes of them. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include <stddef.h>

/* Parents of the private folders of trials, in the order in which they are tried; NULL: no more. */
const char *folder_parent(size_t index);

/* The first of them that can be written. */
const char *folder_for_trials(void);

#endif
