/* SPDX-License-Identifier: Apache-2.0 */
#include "timed/caches.h"

#include <hwloc.h>

#include "trial/trial.h"

struct caches caches_find(void)
{
	static const hwloc_obj_type_t types[CACHES_LEVELS] = {
		HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L3CACHE};
	struct caches caches = {{0}};
	hwloc_topology_t topology;

	MUST(hwloc_topology_init(&topology) == 0 && hwloc_topology_load(topology) == 0);
	for (size_t level = 0; level < CACHES_LEVELS; level++) {
		const struct hwloc_obj *cache = hwloc_get_obj_by_type(topology, types[level], 0);
		if (cache != NULL && cache->attr != NULL)
			caches.bytes[level] = cache->attr->cache.size;
	}
	hwloc_topology_destroy(topology);
	return caches;
}
