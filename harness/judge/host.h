/* SPDX-License-Identifier: Apache-2.0 */
/* The host of a record: its facts as the models take them. */
#ifndef JUDGE_HOST_H
#define JUDGE_HOST_H

#include <stdbool.h>

#include "record/line.h"
#include "vm/host.h"

/* facts is the text of the facts line's object. False after one message that names the path. */
__attribute__((warn_unused_result)) bool host_of_facts(
	const char *facts, const char *path, struct vm_host *host);

/*
 * Puts in the knobs as they read while a trial ran: what the guard held, and what moved with it
 * (huge pages off lowers min_free_kbytes).
 */
void host_as_measured(struct vm_host *host, const struct record_trial *trial);

#endif
