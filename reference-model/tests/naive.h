/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second implementation of each policy, deliberately naive: arrays that are shifted, definitions
 * that are evaluated by scanning the whole string. Shares nothing with the simulators but the
 * configuration and the random numbers.
 */
#ifndef TESTS_NAIVE_H
#define TESTS_NAIVE_H

#include "vm/replace.h"

#define STRING_LIMIT 96
#define NAIVE_PAGES  16

struct naive_outcome {
	bool fault[STRING_LIMIT];
	uint64_t write_backs, taken_back;
	uint32_t resident; /* at the end */
};

typedef void naive_function(const struct vm_replace_config *config, const uint32_t *references,
	size_t count, struct naive_outcome *outcome);

/* By policy; one for each. */
extern naive_function *const naive_policies[VM_POLICY_LIMIT];

#endif
