/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page walker of x86: what the processor does with the tables on a TLB miss.
 *
 * One implementation for all shapes of tables, used by `mmconform model walk`, by the abstract
 * machine and, laid over itself, for nested paging. It reads and writes physical memory through two
 * functions of the caller, so the tables may lie in simulated frames or in a guest's memory.
 *
 * Not modelled: shadow stacks, supervisor keys (PKS), encrypted memory bits, linear-address
 * masking.
 */
#ifndef VM_WALK_H
#define VM_WALK_H

#include <stddef.h>

#include "vm/behaviours.h"
#include "vm/pte.h"

/* The tables' memory. load returns false where there is none: the walk then ends as NO_MEMORY. */
typedef bool vm_load_function(
	void *context, uint64_t address, unsigned entry_bytes, uint64_t *value);
typedef void vm_store_function(
	void *context, uint64_t address, unsigned entry_bytes, uint64_t value);

struct vm_physical {
	void *context;
	vm_load_function *load;
	vm_store_function *store;
};

/* When the accessed bits of upper entries are set; the manuals leave the choice. */
enum vm_accessed_update {
	VM_ACCESSED_AS_WALKED,	/* each upper entry as it is used, even if the access then faults */
	VM_ACCESSED_IF_ALLOWED, /* all of them, once the access is allowed */
};

/* The control registers as far as paging looks at them. */
struct vm_mmu {
	enum vm_paging paging;
	uint64_t root;	       /* CR3 without its low bits */
	uint8_t physical_bits; /* MAXPHYADDR, at most 52 */
	bool write_protect;    /* CR0.WP: the supervisor obeys read-only entries too */
	bool large_pages;      /* CR4.PSE: IA-32 only, the others always have 2 MiB */
	bool page_1g;	       /* CPUID: 1 GiB leaves exist */
	bool no_execute;       /* EFER.NXE: bit 63 means something; else it is reserved */
	bool smep, smap;       /* CR4 */
	bool alignment_check;  /* RFLAGS.AC: lifts SMAP for explicit accesses */
	bool protection_keys;  /* CR4.PKE */
	uint32_t pkru;	       /* two bits a key: access disable, write disable */
	enum vm_user_bit user_bit;
	enum vm_large_leaf large_leaf;
	enum vm_accessed_update accessed_update;
};

enum vm_access_kind { VM_ACCESS_READ, VM_ACCESS_WRITE, VM_ACCESS_FETCH };

struct vm_access {
	uint64_t address;
	enum vm_access_kind kind;
	bool user;
	bool implicit; /* the processor's own (descriptor tables...): SMAP holds whatever AC says */
};

enum vm_walk_outcome {
	VM_WALK_TRANSLATED,
	VM_WALK_PAGE_FAULT,
	VM_WALK_GENERAL_PROTECTION, /* not canonical; or a reserved bit in a PAE pointer */
	VM_WALK_NO_MEMORY,	    /* a table lies where the caller has no memory */
};

#define VM_FAULT_PROTECTION (UINT32_C(1) << 0) /* present, but not so; 0: not present */
#define VM_FAULT_WRITE	    (UINT32_C(1) << 1)
#define VM_FAULT_USER	    (UINT32_C(1) << 2)
#define VM_FAULT_RESERVED   (UINT32_C(1) << 3)
#define VM_FAULT_FETCH	    (UINT32_C(1) << 4)
#define VM_FAULT_KEY	    (UINT32_C(1) << 5)
#define VM_FAULT_KEY	    (UINT32_C(1) << 5)

struct vm_walk_step {
	uint8_t level;
	uint16_t index;
	uint64_t entry_address;
	uint64_t before, after; /* the entry, and what A/D updates made of it */
	bool leaf;
};

/* The rights that the entries leave together. */
struct vm_rights {
	bool user, writable, executable;
	uint8_t key;
};

struct vm_walk {
	enum vm_walk_outcome outcome;
	uint32_t error_code; /* of a page fault */
	uint8_t fault_level; /* the level whose entry ended the walk; 0: none did */
	uint64_t physical;   /* where translated */
	uint8_t page_shift;  /* of the page that was found, allowed or not; 0: none was */
	struct vm_rights rights;
	uint8_t steps_count; /* memory references of the walk */
	struct vm_walk_step steps[VM_PAGING_LEVELS_LIMIT];
};

struct vm_walk vm_walk(const struct vm_mmu *mmu, const struct vm_physical *physical,
	const struct vm_access *access);

/* The two readings of the teaching that the walker itself must know. */
void vm_mmu_set_behaviours(struct vm_mmu *mmu, const struct vm_behaviours *behaviours);

/* Whether the rights allow the access; if not, the error code without the reserved bit. */
bool vm_rights_allow(const struct vm_mmu *mmu, const struct vm_rights *rights,
	const struct vm_access *access, uint32_t *error_code);

/* A zeroed frame for a table, by physical address; returns false when there is none left. */
typedef bool vm_frame_function(void *context, unsigned level, uint64_t *address);

enum vm_map_outcome {
	VM_MAP_DONE,
	VM_MAP_NO_FRAME,
	VM_MAP_NO_MEMORY,   /* load failed */
	VM_MAP_IS_LARGE,    /* a leaf above the wanted level is in the way */
	VM_MAP_IS_TABLE,    /* a table is where the large leaf should go */
	VM_MAP_MISALIGNED,  /* address or frame is not aligned to the page */
	VM_MAP_NOT_POSSIBLE /* the shape has no leaf at this level, or the address is not canonical
			     */
};

/*
 * Puts a leaf into the tables, making those that are missing; tables made get present, writable
 * and user, so that the leaf alone decides. flags are bits of the leaf beside address and LARGE.
 */
enum vm_map_outcome vm_map_page(const struct vm_mmu *mmu, const struct vm_physical *physical,
	vm_frame_function *frame, void *frame_context, uint64_t address, uint64_t target,
	unsigned level, uint64_t flags);

/*
 * Nested paging: guest tables whose every reference is itself translated by the host's tables,
 * as a user access (amd-apm:2:15.25). A vm_walk over this memory makes up to n*m + n + m
 * references together with the translation of its result: 24 for four levels in four.
 */
struct vm_nested {
	struct vm_mmu host;
	struct vm_physical memory;
	uint64_t references;	/* all memory references, of guest and host entries */
	struct vm_walk failure; /* the host's walk that failed, if failed */
	bool failed;
};

struct vm_physical vm_nested_physical(struct vm_nested *nested);
struct vm_walk vm_walk_nested(
	const struct vm_mmu *guest, struct vm_nested *nested, const struct vm_access *access);

#endif
