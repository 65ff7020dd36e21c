/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How it is established whether a kernel has a feature: a table of detectors, asked in order until
 * one can answer. Configuration first, then surfaces (a file, a name, a call), the processor's
 * flags as the kernel lists them, and the release last, where nothing else tells.
 */
#ifndef FACTS_FEATURES_H
#define FACTS_FEATURES_H

#include "facts/source.h"
#include "kernel/system.h"

/* What detectors look at besides files. */
struct features_view {
	struct facts_source *source;
	struct kernel_release release;
	struct kernel_cpuinfo cpuinfo;
	const struct vm_host *host; /* nodes, capabilities, version of the memory groups: filled */
	const char *work_filesystem;
};

/* Fills host->feature and where each was seen; what nothing could tell is absent, evidence none. */
void features_detect(
	const struct features_view *view, struct vm_feature_fact *features, const char **surfaces);

#endif
