/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/layout.h"

#include "core/arithmetic.h"

/*
 *	0x7ffffffff000	end of user addresses
 *	   | up to 16 GiB drawn		stack: 22 bits of pages
 *	   | stack limit, 1 MiB, 16 GiB	kept free for the stack to grow
 *	   | up to 2^rnd_bits pages	mappings, downwards from here
 *	   :
 *	0x555555554000 + 2^rnd_bits	program, and its heap up to 1 GiB above it
 */
#define USER_END	   ((UINT64_C(1) << 47) - VM_PAGE_BYTES)
#define STACK_RANDOM_BITS  22
#define STACK_GUARD_BYTES  VM_MIB_BYTES
#define STACK_GAP_LOWEST   (128 * VM_MIB_BYTES)
#define STACK_SHIFT_BYTES  UINT64_C(8192) /* drawn below the stack's top, and once more for SP */
#define STACK_POINTER_STEP 16
#define HEAP_RANDOM_BYTES  VM_GIB_BYTES

const char *vm_layout_word(enum vm_layout_object object)
{
#define WORD_ROW(name, word) word,
	static const char *const words[] = {VM_LAYOUT_OBJECTS(WORD_ROW)};
#undef WORD_ROW

	VM_ASSERT(object < VM_LAYOUT_OBJECT_LIMIT);
	return words[object];
}

static struct vm_layout_range fixed_at(uint64_t place)
{
	return (struct vm_layout_range){.lowest = place, .step_bytes = VM_PAGE_BYTES, .count = 1};
}

/* linux:6.12:arch/x86/mm/mmap.c:mmap_base, stack_maxrandom_size */
static struct vm_layout_range mappings(const struct vm_layout_inputs *inputs)
{
	const bool random = inputs->mode != VM_LAYOUT_FIXED;
	const uint64_t stack_random_bytes =
		random ? vm_pages_to_bytes((UINT64_C(1) << STACK_RANDOM_BITS) - 1) : 0;
	const uint64_t pad_bytes = stack_random_bytes + STACK_GUARD_BYTES;
	uint64_t gap_bytes = inputs->stack_limit_bytes;

	/* An unlimited stack would overflow; it is cut to five sixths below. */
	if (gap_bytes + pad_bytes > gap_bytes)
		gap_bytes += pad_bytes;
	gap_bytes = clamped(gap_bytes, STACK_GAP_LOWEST, USER_END / 6 * 5);
	const uint64_t highest = vm_align_up(USER_END - gap_bytes, VM_PAGE_BYTES);
	if (!random)
		return fixed_at(highest);
	const uint64_t count = UINT64_C(1) << inputs->random_bits;
	return (struct vm_layout_range){
		.lowest = highest - vm_pages_to_bytes(count - 1),
		.step_bytes = VM_PAGE_BYTES,
		.count = count,
	};
}

/* linux:6.12:fs/binfmt_elf.c:load_elf_binary; arch/x86/include/asm/elf.h:ELF_ET_DYN_BASE */
static struct vm_layout_range program(const struct vm_layout_inputs *inputs)
{
	struct vm_layout_range range = fixed_at(vm_align_down(USER_END / 3 * 2, VM_PAGE_BYTES));

	if (inputs->mode != VM_LAYOUT_FIXED)
		range.count = UINT64_C(1) << inputs->random_bits;
	return range;
}

/* linux:6.12:mm/util.c:randomize_stack_top; fs/exec.c:setup_arg_pages */
static struct vm_layout_range stack(const struct vm_layout_inputs *inputs)
{
	if (inputs->mode == VM_LAYOUT_FIXED)
		return fixed_at(USER_END);
	/* The shift inside the page range moves the area's end by one page, rarely by two. */
	return (struct vm_layout_range){
		.lowest = USER_END - vm_pages_to_bytes((UINT64_C(1) << STACK_RANDOM_BITS) - 1) -
			  STACK_SHIFT_BYTES,
		.step_bytes = VM_PAGE_BYTES,
		.count = UINT64_C(1) << STACK_RANDOM_BITS,
		.slack_bytes = STACK_SHIFT_BYTES,
	};
}

/* linux:6.12:arch/x86/kernel/process.c:arch_align_stack */
static struct vm_layout_range stack_pointer(const struct vm_layout_inputs *inputs)
{
	if (inputs->mode == VM_LAYOUT_FIXED)
		return (struct vm_layout_range){.step_bytes = STACK_POINTER_STEP, .count = 1};
	return (struct vm_layout_range){
		.step_bytes = STACK_POINTER_STEP,
		.count = vm_pages_to_bytes(UINT64_C(1) << STACK_RANDOM_BITS) / STACK_POINTER_STEP,
	};
}

/* linux:6.12:arch/x86/kernel/process.c:arch_randomize_brk */
static struct vm_layout_range heap_offset(
	const struct vm_behaviours *behaviours, const struct vm_layout_inputs *inputs)
{
	struct vm_layout_range range = fixed_at(0);

	if (inputs->mode != VM_LAYOUT_RANDOM_HEAP)
		return range;
	range.count = vm_bytes_to_pages_floor(HEAP_RANDOM_BYTES);
	switch (behaviours->heap_gap) {
	case VM_HEAP_GAP_NONE:
		break;
	case VM_HEAP_GAP_PAGE:
		range.lowest = VM_PAGE_BYTES;
		break;
	}
	return range;
}

bool vm_layout_place(const struct vm_behaviours *behaviours, const struct vm_layout_inputs *inputs,
	enum vm_layout_object object, struct vm_layout_range *range)
{
	switch (object) {
	case VM_LAYOUT_MAPPINGS:
		*range = mappings(inputs);
		return true;
	case VM_LAYOUT_PROGRAM:
		*range = program(inputs);
		return true;
	case VM_LAYOUT_STACK:
		*range = stack(inputs);
		return true;
	case VM_LAYOUT_STACK_POINTER:
		*range = stack_pointer(inputs);
		return false;
	case VM_LAYOUT_HEAP_OFFSET:
		*range = heap_offset(behaviours, inputs);
		return true;
	case VM_LAYOUT_OBJECT_LIMIT:
		break;
	}
	VM_ASSERT(false);
}
