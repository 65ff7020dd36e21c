/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an access to each part of the machine was measured to take, for pictures of it. Which check
 * shows it says suites/report/machine.yaml: the harness knows none by name.
 */
#ifndef REPORT_MACHINE_FIGURES_H
#define REPORT_MACHINE_FIGURES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"
#include "record/reader.h"

struct machine_figure {
	const char *part; /* "L1", "memory", "walk" */
	double ns;
	const char *text; /* "1.1 ns" */
};

struct machine_figures {
	size_t count;
	struct machine_figure *items;
};

/* Those that the record has. False after one message. */
__attribute__((warn_unused_result)) bool machine_figures_of(
	struct pool *pool, const struct record *record, struct machine_figures *figures);

/* "1.1 ns", or NULL where nobody measured it. */
const char *machine_figure_text(const struct machine_figures *figures, const char *part);

#define MACHINE_CACHES_LIMIT 4

/* "L1d 48 KiB" and the like, at the end of the topology's text. */
struct machine_cache {
	const char *name, *size; /* "L1d", "48 KiB" */
	const char *time;	 /* "1.1 ns", or NULL */
};

size_t machine_caches(struct pool *pool, const char *topology,
	const struct machine_figures *figures, struct machine_cache caches[MACHINE_CACHES_LIMIT]);

#endif
