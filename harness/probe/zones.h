/* SPDX-License-Identifier: Apache-2.0 */
/* The zones of a trial's readings, as the formulas want them. The trial's half: trial/zones.h. */
#ifndef PROBE_ZONES_H
#define PROBE_ZONES_H

#include "probe/moving.h"
#include "vm/model.h"
#include "vm/zones.h"

/* One zone and what moved of it between the first and the last pass. */
struct zone_reading {
	const char *place; /* "node 0 Normal" */
	uint64_t node;
	enum vm_zone_kind kind;
	struct moving managed_pages;
	struct moving given_min_pages; /* "min" less "boost", where both were observed */
};

#define ZONE_READINGS_LIMIT 160

struct zone_readings {
	size_t count;
	struct zone_reading zone[ZONE_READINGS_LIMIT];
	struct moving lowmem_pages; /* of all zones whose share the marks are */
};

/* From the observations of "managed"; the zones of a node follow each other in the kernel's order.
 */
void zone_readings_of(const struct vm_model *model, const struct probe_readings *readings,
	struct zone_readings *zones);

/* The marks without boost, between the ends of all their inputs. */
struct zone_marks {
	struct vm_marks lowest, highest;
};

struct zone_marks zone_marks_between(const struct vm_model *model,
	const struct zone_readings *zones, const struct zone_reading *zone,
	struct moving min_free_kib, struct moving scale_factor);

#endif
