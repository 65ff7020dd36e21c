/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came before paging, and beside it: base and limit registers, segments with descriptors, and
 * how a 32-bit kernel reaches memory that it cannot map all at once.
 */
#ifndef VM_SEGMENT_H
#define VM_SEGMENT_H

#include <stddef.h>

#include "vm/base.h"
#include "vm/fit.h"
#include "vm/units.h"
#include "vm/walk.h"

/* Selectors have 13 bits of index, whichever table they name (intel-sdm:3A:3.4.2). */
#define VM_DESCRIPTORS_LIMIT 8192

enum vm_segment_type { VM_SEGMENT_DATA, VM_SEGMENT_STACK, VM_SEGMENT_CODE };

/* VM_SEGMENT_STACK is an expand-down data segment: offsets above the limit are valid. */
struct vm_descriptor {
	uint32_t base;
	uint32_t limit; /* last valid offset, in bytes or in pages */
	bool limit_in_pages, present;
	bool writable; /* of data and stack */
	bool readable; /* of code */
	uint8_t privilege;
	enum vm_segment_type type;
};

struct vm_descriptor_tables {
	uint32_t global_count, local_count;
	const struct vm_descriptor *global, *local;
};

struct vm_selector {
	uint16_t index;
	bool local;
	uint8_t privilege; /* requested */
};

enum vm_segment_outcome {
	VM_SEGMENT_ALLOWED,
	VM_SEGMENT_NULL,	  /* selector 0 of the global table */
	VM_SEGMENT_NO_DESCRIPTOR, /* beyond the table's limit */
	VM_SEGMENT_NOT_PRESENT,
	VM_SEGMENT_PRIVILEGE,
	VM_SEGMENT_TYPE,  /* write to code or read-only data; fetch from data; read of mere code */
	VM_SEGMENT_LIMIT, /* offset beyond the limit, or a stack below it */
};

struct vm_segment_result {
	enum vm_segment_outcome outcome;
	uint32_t linear;
};

/* privilege: of the running code. width_bytes: of the access, at least 1. */
struct vm_segment_result vm_segment_translate(const struct vm_descriptor_tables *tables,
	struct vm_selector selector, uint32_t offset, uint32_t width_bytes,
	enum vm_access_kind kind, uint8_t privilege);

/* Base and limit: programs in contiguous memory, moved when they must grow. */
struct vm_relocation;

size_t vm_relocation_bytes(uint32_t programs_limit);
struct vm_relocation *vm_relocation_create(enum vm_fit_policy policy, uint64_t memory,
	uint32_t programs_limit, struct vm_arena *arena);
/* program is a number below the limit. False when there is no hole large enough. */
bool vm_relocation_load(struct vm_relocation *memory, uint32_t program, uint64_t size);
void vm_relocation_end(struct vm_relocation *memory, uint32_t program);
/* In place where there is room behind, else by a move; *moved: the units copied for it. */
bool vm_relocation_grow(
	struct vm_relocation *memory, uint32_t program, uint64_t size, uint64_t *moved);
/* Everybody moves down; returns the units copied. Base registers change, programs do not notice. */
uint64_t vm_relocation_compact(struct vm_relocation *memory);
/* The base and limit registers that a switch to the program loads. False where it is not loaded. */
bool vm_relocation_registers(
	const struct vm_relocation *memory, uint32_t program, uint64_t *base, uint64_t *limit);
/* base + offset, or false for an offset at or beyond the limit: a trap. */
bool vm_relocation_translate(
	const struct vm_relocation *memory, uint32_t program, uint64_t offset, uint64_t *physical);
const struct vm_fit *vm_relocation_holes(const struct vm_relocation *memory);

/* IA-32 with 3 GiB for programs: what of physical memory is always mapped (osn). */
#define VM_LOWMEM_BYTES	       (896 * VM_MIB_BYTES)
#define VM_LOWMEM_OFFSET_BYTES (3 * VM_GIB_BYTES)
#define VM_KMAP_PAGES	       1024 /* linux:2.6:LAST_PKMAP; 512 under PAE */

struct vm_lowmem {
	uint64_t low_bytes, high_bytes;
};

struct vm_lowmem vm_lowmem_split(uint64_t memory_bytes);
/* Where the kernel sees a physical address for good; false above low memory. */
bool vm_lowmem_address(uint64_t memory_bytes, uint64_t physical, uint64_t *address);

/* The window: slots are taken in turn, and freed ones come back only at a flush of all. */
struct vm_kmap {
	uint32_t slots, next;
	uint32_t flushes;
	uint64_t frames[VM_KMAP_PAGES];
	uint32_t users[VM_KMAP_PAGES]; /* 0: free; 1: mapped, unused until the flush; n: n - 1 users
					*/
};

void vm_kmap_start(struct vm_kmap *window, uint32_t slots);
/* The slot through which the frame is seen, or UINT32_MAX when all are in use. */
uint32_t vm_kmap_map(struct vm_kmap *window, uint64_t frame);
void vm_kmap_unmap(struct vm_kmap *window, uint32_t slot);

#endif
