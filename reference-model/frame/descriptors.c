/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/frame.h"

#define SECTION_BYTES (128 * VM_MIB_BYTES) /* SECTION_SIZE_BITS of x86-64 */

/* linux:6.12:fs/proc/page.c:get_max_dump_pfn */
uint64_t vm_frame_descriptors_end(uint64_t end_frame)
{
	return vm_align_up(end_frame, vm_bytes_to_pages_floor(SECTION_BYTES));
}
