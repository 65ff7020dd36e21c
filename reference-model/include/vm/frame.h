/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors of frames. */
#ifndef VM_FRAME_H
#define VM_FRAME_H

#include "vm/units.h"

/* The first frame that has no descriptor, where the last memory ends at the frame. */
uint64_t vm_frame_descriptors_end(uint64_t end_frame);

#endif
