/* SPDX-License-Identifier: Apache-2.0 */
/* Where the guard keeps what it has to remember, and which boot this is. */
#ifndef GUARD_PLACES_H
#define GUARD_PLACES_H

#include <stdbool.h>

#include "guard/guard.h"
#include "guard/journal.h"

#define PLACE_BYTES 128

struct places {
	const char *root;
	/* /run/mmconform: the journal, mount points. Another user's: below XDG_RUNTIME_DIR or /tmp.
	 */
	char run[PLACE_BYTES];
	char journal[PLACE_BYTES];
	/* /var/lib/mmconform, or where there is a disk: what a power failure would leave behind,
	 * and only that. */
	char state[PLACE_BYTES];
	char boot[JOURNAL_BOOT_BYTES];
	void (*say)(void *context, const char *line);
	void *context;
};

/* Finds names and the boot; makes nothing. */
int places_find(const struct guard_options *options, struct places *places);
/*
 * Makes a folder of these (0755), or checks that it is ours alone to write: a folder that others
 * may write to could be exchanged under our hands.
 */
int places_make(const struct places *places, const char *folder);

void places_say(const struct places *places, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
