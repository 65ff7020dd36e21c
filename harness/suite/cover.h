/* SPDX-License-Identifier: Apache-2.0 */
/* Few checks that show every claim between them: for a profile that has little time. */
#ifndef SUITE_COVER_H
#define SUITE_COVER_H

#include "base/pattern.h"
#include "suite/check.h"

struct cover {
	const struct check_list *checks;
	const struct pattern *claims; /* only these count */
	const bool *candidates;	      /* one a check, in their order: may be taken */
	const bool *able; /* those that this host gives all they need: the others come last */
	unsigned most;	  /* checks of a claim: more are taken only for another claim */
};

/* Greedily: the check that shows most of what is still wanted, the first of equals. */
void cover_claims(struct pool *pool, const struct cover *cover, bool *taken);

#endif
