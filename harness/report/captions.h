/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people read beside a figure: suites/report/figures.yaml says which curves belong together,
 * what the axes are and what there is to see. The harness knows no check by name; this file does.
 */
#ifndef REPORT_CAPTIONS_H
#define REPORT_CAPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"

struct caption_line {
	const char *probe, *quantity;
	const char *name; /* "pages of 4 KiB" */
};

struct caption {
	const char *title;
	const char *x, *y; /* what the axes are */
	const char *see;
	size_t lines_count;
	const struct caption_line *lines;
};

struct caption_list {
	size_t count;
	const struct caption *items; /* in the order of the page */
};

__attribute__((warn_unused_result)) bool captions_load(
	struct pool *pool, const char *path, struct caption_list *captions);

#endif
