/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units, and the only place where pages, kibibytes and bytes are converted into each other.
 *
 * Every conversion says which way it rounds: the page-size mistake is the mistake of this trade.
 * The page is the base page of x86-64, 4096 bytes; larger page sizes are lengths in bytes.
 */
#ifndef VM_UNITS_H
#define VM_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#define VM_PAGE_SHIFT	 12
#define VM_PAGE_BYTES	 (UINT64_C(1) << VM_PAGE_SHIFT)
#define VM_KIB_BYTES	 UINT64_C(1024)
#define VM_MIB_BYTES	 (UINT64_C(1) << 20)
#define VM_GIB_BYTES	 (UINT64_C(1) << 30)
#define VM_HUGE_2M_BYTES (UINT64_C(1) << 21)
#define VM_HUGE_1G_BYTES (UINT64_C(1) << 30)

/* The unit of a prediction or an observation. The second word is how records spell it. */
#define VM_UNITS(X)           \
	X(COUNT, "count")     \
	X(PAGES, "pages")     \
	X(KIB, "KiB")         \
	X(BYTES, "bytes")     \
	X(NS, "ns")           \
	X(BITS, "bits")       \
	X(ADDRESS, "address") \
	X(FRAME, "frame")     \
	X(FLAGS, "flags")     \
	X(ERRNO, "errno")     \
	X(SIGNAL, "signal")   \
	X(SCORE, "score")     \
	X(BOOL, "bool")       \
	X(TICKS, "tsc-ticks")

enum vm_unit {
#define VM_UNIT_ENUMERATOR(name, word) VM_UNIT_##name,
	VM_UNITS(VM_UNIT_ENUMERATOR)
#undef VM_UNIT_ENUMERATOR
		VM_UNIT_LIMIT,
};

static inline uint64_t vm_pages_to_bytes(uint64_t pages)
{
	return pages << VM_PAGE_SHIFT;
}

static inline uint64_t vm_pages_to_kib(uint64_t pages)
{
	return pages << (VM_PAGE_SHIFT - 10);
}

static inline uint64_t vm_bytes_to_pages_floor(uint64_t bytes)
{
	return bytes >> VM_PAGE_SHIFT;
}

static inline uint64_t vm_bytes_to_pages_ceil(uint64_t bytes)
{
	return (bytes >> VM_PAGE_SHIFT) + ((bytes & (VM_PAGE_BYTES - 1)) != 0);
}

static inline uint64_t vm_kib_to_pages_floor(uint64_t kib)
{
	return kib >> (VM_PAGE_SHIFT - 10);
}

static inline uint64_t vm_kib_to_bytes(uint64_t kib)
{
	return kib << 10;
}

static inline uint64_t vm_align_down(uint64_t value, uint64_t power_of_two)
{
	return value & ~(power_of_two - 1);
}

static inline uint64_t vm_align_up(uint64_t value, uint64_t power_of_two)
{
	return vm_align_down(value + power_of_two - 1, power_of_two);
}

static inline bool vm_is_aligned(uint64_t value, uint64_t power_of_two)
{
	return (value & (power_of_two - 1)) == 0;
}

#endif
