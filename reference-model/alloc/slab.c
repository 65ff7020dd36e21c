/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/slab.h"

#include "vm/units.h"

/* An object that fills no slab of the usual orders gets one of its own: MAX_PAGE_ORDER. */
#define LARGEST_PAGE_ORDER	10
#define LARGEST_ORDER		3 /* slub_max_order, PAGE_ALLOC_COSTLY_ORDER */
#define OBJECTS_PER_CPU_STEP	4
#define SMALLEST_FRACTION	16
#define MOST_OBJECTS		32767
#define LARGEST_CLASS_BYTES	UINT32_C(8192)
#define MINIMUM_ALIGNMENT_BYTES 8

struct vm_slab {
	struct vm_slab_config config;
	struct vm_slab_shape shape;
	struct vm_slab_counts counts;
	uint32_t *used_objects; /* by slab */
	bool *exists;		/* by slab */
	bool *in_use;		/* by object */
};

uint64_t vm_slab_class_bytes(uint64_t size_bytes)
{
	static const uint32_t classes[] = {
		8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4 * 1024, LARGEST_CLASS_BYTES};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (size_bytes <= classes[i])
			return classes[i];
	uint64_t bytes = LARGEST_CLASS_BYTES;
	while (bytes < size_bytes)
		bytes *= 2;
	return bytes;
}

/* linux's fls(): position of the highest bit, from 1. */
static unsigned highest_bit(uint32_t value)
{
	unsigned bit = 0;

	for (; value != 0; value >>= 1)
		bit++;
	return bit;
}

static uint64_t slab_bytes(unsigned order)
{
	VM_ASSERT(order <= LARGEST_PAGE_ORDER);
	return vm_pages_to_bytes(UINT64_C(1) << order);
}

static unsigned order_for(uint64_t size_bytes)
{
	unsigned order = 0;

	while (slab_bytes(order) < size_bytes)
		order++;
	return order;
}

/* The smallest order from the first on that leaves at most a fraction unused; or one too large. */
static unsigned order_with_left_over(uint64_t slot_bytes, unsigned first, uint64_t fraction)
{
	unsigned order = first;

	while (order <= LARGEST_ORDER &&
		slab_bytes(order) % slot_bytes > slab_bytes(order) / fraction)
		order++;
	return order;
}

/* linux:6.12:mm/slub.c:calculate_order: rather more left over than fewer objects */
static unsigned order_by_waste(uint64_t slot_bytes, uint64_t wanted)
{
	const unsigned first = order_for(wanted * slot_bytes);

	for (uint64_t fraction = SMALLEST_FRACTION; fraction > 1; fraction /= 2) {
		const unsigned order = order_with_left_over(slot_bytes, first, fraction);
		if (order <= LARGEST_ORDER)
			return order;
	}
	return order_for(slot_bytes);
}

/* linux:6.1:mm/slub.c:calculate_order: rather fewer objects than more than a quarter left over */
static unsigned order_by_count(uint64_t slot_bytes, uint64_t wanted)
{
	for (; wanted > 1; wanted--)
		for (uint64_t fraction = SMALLEST_FRACTION; fraction >= 4; fraction /= 2) {
			const unsigned order = order_with_left_over(
				slot_bytes, order_for(wanted * slot_bytes), fraction);
			if (order <= LARGEST_ORDER)
				return order;
		}
	return order_for(slot_bytes);
}

/* linux:6.12:mm/slub.c:calculate_order */
uint32_t vm_slab_cpus(const struct vm_host *host)
{
	const uint32_t present = host->cpus_present != 0 ? host->cpus_present : host->cpus_online;

	return present > 1 ? present : host->cpus_possible;
}

unsigned vm_slab_pages_order(enum vm_slab_order how, uint64_t slot_bytes, uint32_t cpus)
{
	const uint64_t most = slab_bytes(LARGEST_ORDER) / slot_bytes;
	uint64_t wanted = OBJECTS_PER_CPU_STEP * (uint64_t)(highest_bit(cpus) + 1);
	unsigned order = 0;

	if (wanted > most)
		wanted = most > 1 ? most : 1;
	switch (how) {
	case VM_SLAB_ORDER_BY_COUNT:
		order = order_by_count(slot_bytes, wanted);
		break;
	case VM_SLAB_ORDER_BY_WASTE:
		order = order_by_waste(slot_bytes, wanted);
		break;
	}
	/* Objects are counted in 15 bits. */
	if (slab_bytes(order) / slot_bytes > MOST_OBJECTS)
		order = order_for(slot_bytes * MOST_OBJECTS) - 1;
	return order;
}

struct vm_slab_shape vm_slab_shape(const struct vm_slab_config *config)
{
	struct vm_slab_shape shape = {0};

	VM_ASSERT(config->object_bytes > 0 && config->cpus > 0);
	switch (config->rounding) {
	case VM_SLAB_NO_INTERNAL_WASTE:
		shape.slot_bytes = config->object_bytes;
		break;
	case VM_SLAB_SIZE_CLASSES: {
		const uint64_t class_bytes = vm_slab_class_bytes(config->object_bytes);
		if (class_bytes > slab_bytes(LARGEST_ORDER))
			return shape;
		shape.slot_bytes = (uint32_t)class_bytes;
		break;
	}
	}
	if (shape.slot_bytes > slab_bytes(LARGEST_ORDER))
		return shape;
	shape.order = vm_slab_pages_order(VM_SLAB_ORDER_BY_WASTE, shape.slot_bytes, config->cpus);
	shape.objects = (uint32_t)(slab_bytes(shape.order) / shape.slot_bytes);
	shape.left_over_bytes = (uint32_t)(slab_bytes(shape.order) % shape.slot_bytes);
	shape.waste_an_object_bytes = shape.slot_bytes - config->object_bytes;
	return shape;
}

size_t vm_slab_bytes(const struct vm_slab_config *config)
{
	const size_t slabs = config->slabs_limit;

	return sizeof(struct vm_slab) + slabs * (sizeof(uint32_t) + sizeof(bool)) +
	       slabs * vm_slab_shape(config).objects * sizeof(bool) + 4 * _Alignof(max_align_t);
}

struct vm_slab *vm_slab_create(const struct vm_slab_config *config, struct vm_arena *arena)
{
	struct vm_slab *slab = vm_arena_take(arena, sizeof(*slab), _Alignof(struct vm_slab));
	const struct vm_slab_shape shape = vm_slab_shape(config);

	VM_ASSERT(shape.objects > 0);
	VM_ASSERT((uint64_t)shape.objects * config->slabs_limit < VM_SLAB_NONE);
	if (slab == NULL)
		return NULL;
	slab->config = *config;
	slab->shape = shape;
	slab->used_objects =
		vm_arena_take(arena, config->slabs_limit * sizeof(uint32_t), _Alignof(uint32_t));
	slab->exists = vm_arena_take(arena, config->slabs_limit * sizeof(bool), 1);
	slab->in_use =
		vm_arena_take(arena, (size_t)config->slabs_limit * shape.objects * sizeof(bool), 1);
	if (slab->used_objects == NULL || slab->exists == NULL || slab->in_use == NULL)
		return NULL;
	return slab;
}

/* A slab with room, partly used before empty; else a place for a new one; else slabs_limit. */
static uint32_t slab_with_room(const struct vm_slab *slab)
{
	uint32_t empty = slab->config.slabs_limit, missing = slab->config.slabs_limit;

	for (uint32_t i = 0; i < slab->config.slabs_limit; i++) {
		const uint32_t used = slab->used_objects[i];
		if (used > 0 && used < slab->shape.objects)
			return i;
		if (slab->exists[i] && used == 0 && empty == slab->config.slabs_limit)
			empty = i;
		if (!slab->exists[i] && missing == slab->config.slabs_limit)
			missing = i;
	}
	return empty != slab->config.slabs_limit ? empty : missing;
}

uint32_t vm_slab_allocate(struct vm_slab *slab)
{
	const uint32_t number = slab_with_room(slab);
	uint32_t slot = 0;

	if (number == slab->config.slabs_limit)
		return VM_SLAB_NONE;
	if (!slab->exists[number]) {
		slab->exists[number] = true;
		slab->counts.slabs++;
		slab->counts.misses++;
	}
	const uint32_t first = number * slab->shape.objects;
	while (slab->in_use[first + slot])
		slot++;
	slab->in_use[first + slot] = true;
	slab->used_objects[number]++;
	slab->counts.allocations++;
	slab->counts.objects_in_use++;
	return first + slot;
}

bool vm_slab_free(struct vm_slab *slab, uint32_t object)
{
	const uint32_t number = object / slab->shape.objects;

	if (number >= slab->config.slabs_limit || !slab->in_use[object])
		return false;
	slab->in_use[object] = false;
	slab->counts.frees++;
	slab->counts.objects_in_use--;
	if (--slab->used_objects[number] == 0 && !slab->config.keep_empty) {
		slab->exists[number] = false;
		slab->counts.slabs--;
		slab->counts.slabs_returned++;
	}
	return true;
}

const struct vm_slab_counts *vm_slab_counts(const struct vm_slab *slab)
{
	return &slab->counts;
}

bool vm_slab_exists(const struct vm_slab *slab, uint32_t number)
{
	return number < slab->config.slabs_limit && slab->exists[number];
}

bool vm_slab_in_use(const struct vm_slab *slab, uint32_t object)
{
	return object / slab->shape.objects < slab->config.slabs_limit && slab->in_use[object];
}
