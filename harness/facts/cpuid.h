/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID: the raw leaves as text, and what they say of addresses and translation buffers.
 *
 * The text is one leaf a line in the form that cpuid(1) prints with -r, so that dumps of machines
 * elsewhere can be read as well:
 *    0x00000002 0x00: eax=0x00feff01 ebx=0x000000f0 ecx=0x00000000 edx=0x00000000
 */
#ifndef FACTS_CPUID_H
#define FACTS_CPUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "kernel/text.h"
#include "vm/host.h"

struct cpuid_leaf {
	uint32_t leaf, subleaf;
	uint32_t eax, ebx, ecx, edx;
};

#define CPUID_LEAVES_LIMIT 256

struct cpuid_leaves {
	size_t count;
	struct cpuid_leaf items[CPUID_LEAVES_LIMIT];
};

/* The leaves of the processor that this runs on. Never leaf 3, the serial number. */
void cpuid_ask(struct cpuid_leaves *leaves);
void cpuid_print(FILE *stream, const struct cpuid_leaves *leaves);
/* Lines that name a processor ("CPU 0:") are skipped; a leaf of a second processor is not read. */
int cpuid_parse(struct kernel_text text, struct cpuid_leaves *leaves, struct kernel_error *error);

void cpuid_decode(const struct cpuid_leaves *leaves, struct vm_cpu_facts *cpu);

#define CPUID_NAME_BYTES 49

/* The brand string, and the hypervisor's signature; "" where there is none. */
void cpuid_name(const struct cpuid_leaves *leaves, char name[CPUID_NAME_BYTES]);
void cpuid_hypervisor(const struct cpuid_leaves *leaves, char name[CPUID_NAME_BYTES]);

#endif
