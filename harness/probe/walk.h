/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the model makes of the entries that the oracle found on the way to an address: how QEMU's
 * MMU must translate it, how its list shows the page, and what pagemap must say. The trial's half,
 * which asks: trial/oracle.h.
 */
#ifndef PROBE_WALK_H
#define PROBE_WALK_H

#include "probe/probe.h"
#include "vm/prediction.h"
#include "vm/walk.h"

/* The model's walk over the readings "registers" and "entries" of a place; false: not there yet. */
bool walk_of_readings(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, const char *at, const struct vm_access *access,
	struct vm_walk *walk);

/*
 * "translated", "listed" and, of a user's address, "frame", at the place. Where address is 0 it is
 * the reading "address" of the place.
 */
void predict_walk(const struct vm_model *model, const struct vm_host *host, uint64_t address,
	const char *at, const struct probe_readings *readings, struct vm_predictions *predictions);

/* Whether a program may read there: "readable" at the place. */
void predict_readable(const struct vm_model *model, const struct vm_host *host, const char *at,
	const struct probe_readings *readings, struct vm_predictions *predictions);

#endif
