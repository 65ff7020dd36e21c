/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/topology.h"

#include "vm/units.h"

static unsigned count_of(hwloc_topology_t topology, hwloc_obj_type_t type)
{
	const int count = hwloc_get_nbobjs_by_type(topology, type);

	return count < 0 ? 0 : (unsigned)count;
}

static const char *plural(unsigned count)
{
	return count == 1 ? "" : "s";
}

static const char *with_cache(struct pool *pool, const char *sentence, hwloc_topology_t topology,
	hwloc_obj_type_t type, const char *name)
{
	const struct hwloc_obj *cache = hwloc_get_obj_by_type(topology, type, 0);

	if (cache == NULL || cache->attr == NULL)
		return sentence;
	return pool_format(pool, "%s, %s %llu KiB", sentence, name,
		(unsigned long long)(cache->attr->cache.size / VM_KIB_BYTES));
}

const char *topology_sentence(struct pool *pool, hwloc_topology_t topology)
{
	const unsigned packages = count_of(topology, HWLOC_OBJ_PACKAGE);
	const unsigned cores = count_of(topology, HWLOC_OBJ_CORE);
	const unsigned threads = count_of(topology, HWLOC_OBJ_PU);
	const unsigned nodes = count_of(topology, HWLOC_OBJ_NUMANODE);
	const char *sentence = pool_format(pool, "%u package%s, %u core%s, %u thread%s, %u node%s",
		packages, plural(packages), cores, plural(cores), threads, plural(threads), nodes,
		plural(nodes));

	sentence = with_cache(pool, sentence, topology, HWLOC_OBJ_L1CACHE, "L1d");
	sentence = with_cache(pool, sentence, topology, HWLOC_OBJ_L2CACHE, "L2");
	return with_cache(pool, sentence, topology, HWLOC_OBJ_L3CACHE, "L3");
}
