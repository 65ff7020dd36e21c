/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where exec puts program, heap, libraries and stack of a 64-bit process, and from how many places
 * each is drawn.
 */
#ifndef VM_LAYOUT_H
#define VM_LAYOUT_H

#include "vm/behaviours.h"

/* kernel.randomize_va_space */
enum vm_layout_mode { VM_LAYOUT_FIXED, VM_LAYOUT_RANDOM, VM_LAYOUT_RANDOM_HEAP };

struct vm_layout_inputs {
	enum vm_layout_mode mode; /* FIXED also for a process with ADDR_NO_RANDOMIZE */
	unsigned random_bits;	  /* vm.mmap_rnd_bits: pages */
	uint64_t stack_limit_bytes;
};

#define VM_LAYOUT_OBJECTS(X)                                                                    \
	X(MAPPINGS, "mappings")		  /* the end of the highest mapping that mmap places */ \
	X(PROGRAM, "program")		  /* a position-independent program's first byte */     \
	X(STACK, "stack")		  /* the end of the stack's area */                     \
	X(STACK_POINTER, "stack-pointer") /* as the program finds it */                         \
	X(HEAP_OFFSET, "heap-offset")	  /* from the end of the program to its heap */

enum vm_layout_object {
#define VM_LAYOUT_ENUMERATOR(name, word) VM_LAYOUT_##name,
	VM_LAYOUT_OBJECTS(VM_LAYOUT_ENUMERATOR)
#undef VM_LAYOUT_ENUMERATOR
		VM_LAYOUT_OBJECT_LIMIT,
};

const char *vm_layout_word(enum vm_layout_object object);

/*
 * lowest + i * step_bytes, i drawn evenly from count places; slack_bytes more where a second, small
 * draw is added. Modulo count * step_bytes the sum is even as well.
 */
struct vm_layout_range {
	uint64_t lowest, step_bytes, count, slack_bytes;
};

/* False where the place depends on what else lies on the stack: only step and count hold then. */
bool vm_layout_place(const struct vm_behaviours *behaviours, const struct vm_layout_inputs *inputs,
	enum vm_layout_object object, struct vm_layout_range *range);

#endif
