/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Caches of equal objects over slabs of pages (gios): a request is served from a slab that has
 * room; only a miss takes pages. What the size classes of kmalloc waste is told apart from what is
 * left over at the end of a slab.
 */
#ifndef VM_SLAB_H
#define VM_SLAB_H

#include <stdbool.h>

#include "vm/base.h"
#include "vm/behaviours.h"
#include "vm/host.h"

#define VM_SLAB_NONE UINT32_MAX

struct vm_slab_config {
	uint32_t object_bytes; /* as asked for */
	uint32_t cpus;	       /* the minimum of objects in a slab grows with them */
	uint32_t slabs_limit;
	bool keep_empty; /* an empty slab stays for the next request, instead of going back */
	enum vm_slab_rounding rounding;
};

struct vm_slab_counts {
	uint64_t allocations, frees;
	uint64_t misses; /* a slab had to be made */
	uint64_t slabs_returned;
	uint32_t slabs, objects_in_use;
};

/* How the cache cuts up its slabs. */
struct vm_slab_shape {
	uint32_t slot_bytes;		/* that an object takes */
	unsigned order;			/* pages of a slab, as a power of two */
	uint32_t objects;		/* in a slab */
	uint32_t left_over_bytes;	/* at the end of a slab */
	uint32_t waste_an_object_bytes; /* slot less object */
};

/* How many CPUs a slab is made for: those present, whether online or not; if one, those possible.
 */
uint32_t vm_slab_cpus(const struct vm_host *host);

/* Pages of a slab, as a power of two. */
unsigned vm_slab_pages_order(enum vm_slab_order how, uint64_t slot_bytes, uint32_t cpus);

/* linux:6.12:mm/slub.c:calculate_order; 0 objects where one does not fit in the largest slab. */
struct vm_slab_shape vm_slab_shape(const struct vm_slab_config *config);

/* linux:6.12:mm/slab_common.c:kmalloc_info: the class that serves a size; above 8 KiB whole pages.
 */
uint64_t vm_slab_class_bytes(uint64_t size_bytes);

struct vm_slab;

size_t vm_slab_bytes(const struct vm_slab_config *config);
struct vm_slab *vm_slab_create(const struct vm_slab_config *config, struct vm_arena *arena);
/* Number of the object (slab * objects + slot), or VM_SLAB_NONE when slabs_limit is reached. */
uint32_t vm_slab_allocate(struct vm_slab *slab);
bool vm_slab_free(struct vm_slab *slab, uint32_t object);
const struct vm_slab_counts *vm_slab_counts(const struct vm_slab *slab);
/* For drawing: whether the slab has pages, and whether the object is in use. */
bool vm_slab_exists(const struct vm_slab *slab, uint32_t number);
bool vm_slab_in_use(const struct vm_slab *slab, uint32_t object);

#endif
