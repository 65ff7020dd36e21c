/* SPDX-License-Identifier: Apache-2.0 */
/* What the program's exit status means; the man page has the same table. */
#ifndef BASE_EXIT_H
#define BASE_EXIT_H

enum exit_status {
	EXIT_CONFORMS = 0,  /* no deviation */
	EXIT_DEVIATES = 1,  /* a deviation, or a verdict worse than asked for */
	EXIT_MISUSED = 2,   /* the command line, or a file named on it, is wrong */
	EXIT_DEFECTIVE = 3, /* the suite or a probe failed; wins over EXIT_DEVIATES */
	EXIT_NOTHING = 4,   /* nothing could run */
};

#endif
