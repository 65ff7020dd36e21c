/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run in a guest: the same suite, by the same program, on another kernel. The record comes out
 * line by line and is kept here; a guest that does not end by itself leaves what it had written,
 * a message that says how it ended, and never a pass.
 */
#ifndef COMMAND_GUEST_H
#define COMMAND_GUEST_H

#include <argp.h>

#include "guest/boot.h"
#include "run/run.h"

struct guest_request {
	const char *kernel; /* a path, a Debian package, a release in /boot; NULL: no guest */
	struct guest guest; /* its size; arguments are filled in by run_in_guest() */
};

/* The options --guest... of a verb: a child parser whose input is a struct guest_request. */
extern const struct argp guest_argp;

/*
 * As run_suite(), inside a guest that is allowed everything. Options that only make sense on a host
 * (resume, dry_run) are not for guests.
 */
enum exit_status run_in_guest(const struct guest_request *request,
	const struct run_options *options, struct run_result *result);

/*
 * Any command of this program in a guest (arguments as guest.h wants them), and all that it prints,
 * in the pool. After one message, EXIT_MISUSED or EXIT_DEFECTIVE where it did not end well.
 */
enum exit_status ask_guest(const struct guest_request *request, char *const *arguments,
	struct pool *pool, const char **output, size_t *output_bytes);

#endif
