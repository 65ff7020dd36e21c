/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID's translation buffers against machines whose sizes are public.
 *
 * Where a dump comes from is said beside it. "Published register values" are those that vendors'
 * documents and public collections of dumps agree on; "composed" ones were put together by hand
 * from documented sizes, by the vendor's encoding. Only the leaves that are read are given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "facts/cpuid.h"

#define K4 (UINT64_C(1) << 12)
#define M2 (UINT64_C(1) << 21)
#define M4 (UINT64_C(1) << 22)
#define G1 (UINT64_C(1) << 30)

struct machine {
	const char *name;
	const char *dump;
	enum vm_cpu_vendor vendor;
	unsigned family, model;
	unsigned listed_pages; /* what cpuinfo calls the TLB size */
	size_t count;
	struct vm_tlb_fact tlb[VM_TLB_FACTS_LIMIT];
};

#define INTEL "0x0 0x0: eax=0x20 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n"
#define AMD   "0x0 0x0: eax=0x10 ebx=0x68747541 ecx=0x444d4163 edx=0x69746e65\n"

static const struct machine machines[] = {
	{
		/* Published register values of leaf 2. The course's Core i7: 64 data entries, 128
		 * instruction entries with two threads' share of 64, 512 in the second level. */
		.name = "Core i7-920 (Nehalem)",
		.dump = INTEL "0x1 0x0: eax=0x000106a5 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x55035a01 ebx=0x00f0b2e4 ecx=0x0 edx=0x09ca212c\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0x1a,
		.count = 5,
		.tlb = {{VM_TLB_DATA, 1, M2 | M4, 32, 4}, {VM_TLB_DATA, 1, K4, 64, 4},
			{VM_TLB_CODE, 1, M2 | M4, 7, 0}, {VM_TLB_CODE, 1, K4, 64, 4},
			{VM_TLB_UNIFIED, 2, K4, 512, 4}},
	},
	{
		/* Published register values of leaf 2. */
		.name = "Pentium II (Deschutes)",
		.dump = INTEL "0x1 0x0: eax=0x00000652 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x03020101 ebx=0x0 ecx=0x0 edx=0x0c040843\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 5,
		.count = 4,
		.tlb = {{VM_TLB_CODE, 1, K4, 32, 4}, {VM_TLB_CODE, 1, M4, 2, 0},
			{VM_TLB_DATA, 1, K4, 64, 4}, {VM_TLB_DATA, 1, M4, 8, 4}},
	},
	{
		/* Published register values of leaf 2. */
		.name = "Core 2 Duo (Conroe)",
		.dump = INTEL "0x1 0x0: eax=0x000006f6 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x05b0b101 ebx=0x005657f0 ecx=0x0 edx=0x2cb43049\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0xf,
		.count = 6,
		.tlb = {{VM_TLB_CODE, 1, M2, 8, 4}, {VM_TLB_CODE, 1, K4, 128, 4},
			{VM_TLB_DATA, 2, M4, 32, 4}, {VM_TLB_DATA, 1, K4, 16, 4},
			{VM_TLB_DATA, 1, M4, 16, 4}, {VM_TLB_DATA, 2, K4, 256, 4}},
	},
	{
		/* Published register values of leaf 2. */
		.name = "Core i7-2600 (Sandy Bridge)",
		.dump = INTEL "0x1 0x0: eax=0x000206a7 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x76035a01 ebx=0x00f0b2ff ecx=0x0 edx=0x00ca0000\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0x2a,
		.count = 5,
		.tlb = {{VM_TLB_DATA, 1, M2 | M4, 32, 4}, {VM_TLB_DATA, 1, K4, 64, 4},
			{VM_TLB_CODE, 1, M2 | M4, 8, 0}, {VM_TLB_CODE, 1, K4, 64, 4},
			{VM_TLB_UNIFIED, 2, K4, 512, 4}},
	},
	{
		/* Published register values of leaf 2. */
		.name = "Core i7-4770 (Haswell)",
		.dump = INTEL "0x1 0x0: eax=0x000306c3 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x76036301 ebx=0x00f0b5ff ecx=0x0 edx=0x00c10000\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0x3c,
		.count = 6,
		.tlb = {{VM_TLB_DATA, 1, M2 | M4, 32, 4}, {VM_TLB_DATA, 1, G1, 4, 4},
			{VM_TLB_DATA, 1, K4, 64, 4}, {VM_TLB_CODE, 1, M2 | M4, 8, 0},
			{VM_TLB_CODE, 1, K4, 64, 8}, {VM_TLB_UNIFIED, 2, K4 | M2, 1024, 8}},
	},
	{
		/* Published register values of leaf 2. */
		.name = "Core i7-6700 (Skylake)",
		.dump = INTEL "0x1 0x0: eax=0x000506e3 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x76036301 ebx=0x00f0b5ff ecx=0x0 edx=0x00c30000\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0x5e,
		.count = 7,
		.tlb = {{VM_TLB_DATA, 1, M2 | M4, 32, 4}, {VM_TLB_DATA, 1, G1, 4, 4},
			{VM_TLB_DATA, 1, K4, 64, 4}, {VM_TLB_CODE, 1, M2 | M4, 8, 0},
			{VM_TLB_CODE, 1, K4, 64, 8}, {VM_TLB_UNIFIED, 2, K4 | M2, 1536, 6},
			{VM_TLB_UNIFIED, 2, G1, 16, 4}},
	},
	{
		/* Composed: leaf 2 sends to leaf 0x18, which holds Golden Cove's documented sizes:
		 * 256 and 32 for code, 96, 32 and 8 for loads, 16 for stores, twice 1024 behind. */
		.name = "Core i9-12900K (Golden Cove)",
		.dump = INTEL "0x1 0x0: eax=0x00090672 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x00feff01 ebx=0x000000f0 ecx=0x0 edx=0x0\n"
			      "0x18 0x0: eax=0x8 ebx=0x0 ecx=0x0 edx=0x0\n"
			      "0x18 0x1: eax=0x0 ebx=0x00080001 ecx=0x20 edx=0x4022\n"
			      "0x18 0x2: eax=0x0 ebx=0x00080006 ecx=0x4 edx=0x4022\n"
			      "0x18 0x3: eax=0x0 ebx=0x0010000f ecx=0x1 edx=0x4125\n"
			      "0x18 0x4: eax=0x0 ebx=0x00060001 ecx=0x10 edx=0x4024\n"
			      "0x18 0x5: eax=0x0 ebx=0x00040006 ecx=0x8 edx=0x4024\n"
			      "0x18 0x6: eax=0x0 ebx=0x00080008 ecx=0x1 edx=0x4124\n"
			      "0x18 0x7: eax=0x0 ebx=0x00080007 ecx=0x80 edx=0x4043\n"
			      "0x18 0x8: eax=0x0 ebx=0x00080009 ecx=0x80 edx=0x4043\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0x97,
		.count = 8,
		.tlb = {{VM_TLB_CODE, 1, K4, 256, 8}, {VM_TLB_CODE, 1, M2 | M4, 32, 8},
			{VM_TLB_DATA, 1, K4 | M2 | M4 | G1, 16, 0}, {VM_TLB_DATA, 1, K4, 96, 6},
			{VM_TLB_DATA, 1, M2 | M4, 32, 4}, {VM_TLB_DATA, 1, G1, 8, 0},
			{VM_TLB_UNIFIED, 2, K4 | M2 | M4, 1024, 8},
			{VM_TLB_UNIFIED, 2, K4 | G1, 1024, 8}},
	},
	{
		/* Composed: 32 small and 8 large entries, fully associative, 512 4-way behind. */
		.name = "Opteron (K8)",
		.dump = AMD "0x1 0x0: eax=0x00000f5a ebx=0 ecx=0 edx=0\n"
			    "0x80000005 0x0: eax=0xff08ff08 ebx=0xff20ff20 ecx=0x0 edx=0x0\n"
			    "0x80000006 0x0: eax=0x0 ebx=0x42004200 ecx=0x0 edx=0x0\n",
		.vendor = VM_CPU_AMD,
		.family = 15,
		.model = 5,
		.listed_pages = 1024,
		.count = 6,
		.tlb = {{VM_TLB_CODE, 1, K4, 32, 0}, {VM_TLB_DATA, 1, K4, 32, 0},
			{VM_TLB_CODE, 1, M2, 8, 0}, {VM_TLB_DATA, 1, M2, 8, 0},
			{VM_TLB_CODE, 2, K4, 512, 4}, {VM_TLB_DATA, 2, K4, 512, 4}},
	},
	{
		/* Composed from the documented sizes, by the vendor's encoding. */
		.name = "Phenom (K10)",
		.dump = AMD "0x1 0x0: eax=0x00100f42 ebx=0 ecx=0 edx=0\n"
			    "0x80000005 0x0: eax=0xff30ff10 ebx=0xff30ff20 ecx=0x0 edx=0x0\n"
			    "0x80000006 0x0: eax=0x20800000 ebx=0x42004200 ecx=0x0 edx=0x0\n"
			    "0x80000019 0x0: eax=0xf0300000 ebx=0x60100000 ecx=0x0 edx=0x0\n",
		.vendor = VM_CPU_AMD,
		.family = 16,
		.model = 4,
		.listed_pages = 1024,
		.count = 9,
		.tlb = {{VM_TLB_CODE, 1, K4, 32, 0}, {VM_TLB_DATA, 1, K4, 48, 0},
			{VM_TLB_CODE, 1, M2, 16, 0}, {VM_TLB_DATA, 1, M2, 48, 0},
			{VM_TLB_DATA, 1, G1, 48, 0}, {VM_TLB_CODE, 2, K4, 512, 4},
			{VM_TLB_DATA, 2, K4, 512, 4}, {VM_TLB_DATA, 2, M2, 128, 2},
			{VM_TLB_DATA, 2, G1, 16, 8}},
	},
	{
		/* Composed from the documented sizes, by the vendor's encoding. */
		.name = "Ryzen 7 3700X (Zen 2)",
		.dump = AMD "0x1 0x0: eax=0x00870f10 ebx=0 ecx=0 edx=0\n"
			    "0x80000005 0x0: eax=0xff40ff40 ebx=0xff40ff40 ecx=0x0 edx=0x0\n"
			    "0x80000006 0x0: eax=0x48006400 ebx=0x68006400 ecx=0x0 edx=0x0\n",
		.vendor = VM_CPU_AMD,
		.family = 23,
		.model = 0x71,
		.listed_pages = 3072,
		.count = 8,
		.tlb = {{VM_TLB_CODE, 1, K4, 64, 0}, {VM_TLB_DATA, 1, K4, 64, 0},
			{VM_TLB_CODE, 1, M2, 64, 0}, {VM_TLB_DATA, 1, M2, 64, 0},
			{VM_TLB_CODE, 2, K4, 1024, 8}, {VM_TLB_DATA, 2, K4, 2048, 8},
			{VM_TLB_CODE, 2, M2, 1024, 8}, {VM_TLB_DATA, 2, M2, 2048, 4}},
	},
	{
		/* As a hypervisor shows it that hides the unit: the numbers as they are. */
		.name = "Zen 5, its unit hidden",
		.dump = AMD "0x1 0x0: eax=0x00b00f21 ebx=0 ecx=0x80000000 edx=0\n"
			    "0x80000005 0x0: eax=0xff60ff40 ebx=0xff60ff40 ecx=0x0 edx=0x0\n"
			    "0x80000006 0x0: eax=0x0 ebx=0x60804040 ecx=0x0 edx=0x0\n"
			    "0x80000021 0x0: eax=0x00000204 ebx=0x0 ecx=0x0 edx=0x0\n",
		.vendor = VM_CPU_AMD,
		.family = 26,
		.model = 2,
		.listed_pages = 192,
		.count = 6,
		.tlb = {{VM_TLB_CODE, 1, K4, 64, 0}, {VM_TLB_DATA, 1, K4, 96, 0},
			{VM_TLB_CODE, 1, M2, 64, 0}, {VM_TLB_DATA, 1, M2, 96, 0},
			{VM_TLB_CODE, 2, K4, 64, 4}, {VM_TLB_DATA, 2, K4, 128, 8}},
	},
	{
		/* Composed from the documented sizes of Zen 4 as a processor of this kind showed
		 * them under a hypervisor: 72 and 3072 data entries, 64 and 512 for code, and the
		 * leaf for 1 GiB pages put to zero. */
		.name = "EPYC 9004 (Zen 4)",
		.dump = AMD "0x1 0x0: eax=0x00a10f11 ebx=0 ecx=0x80000000 edx=0\n"
			    "0x80000005 0x0: eax=0xff48ff40 ebx=0xff48ff40 ecx=0x0 edx=0x0\n"
			    "0x80000006 0x0: eax=0x5c002200 ebx=0x6c004200 ecx=0x0 edx=0x0\n"
			    "0x80000019 0x0: eax=0x0 ebx=0x0 ecx=0x0 edx=0x0\n",
		.vendor = VM_CPU_AMD,
		.family = 25,
		.model = 17,
		.listed_pages = 3584,
		.count = 8,
		.tlb = {{VM_TLB_CODE, 1, K4, 64, 0}, {VM_TLB_DATA, 1, K4, 72, 0},
			{VM_TLB_CODE, 1, M2, 64, 0}, {VM_TLB_DATA, 1, M2, 72, 0},
			{VM_TLB_CODE, 2, K4, 512, 4}, {VM_TLB_DATA, 2, K4, 3072, 8},
			{VM_TLB_CODE, 2, M2, 512, 2}, {VM_TLB_DATA, 2, M2, 3072, 6}},
	},
	{
		/* Composed: 1 GiB entries of both levels, and a second level counted by 32. */
		.name = "Zen 5, nothing hidden",
		.dump = AMD "0x1 0x0: eax=0x00b00f21 ebx=0 ecx=0x0 edx=0\n"
			    "0x80000005 0x0: eax=0xff60ff40 ebx=0xff60ff40 ecx=0x0 edx=0x0\n"
			    "0x80000006 0x0: eax=0x0 ebx=0x60804040 ecx=0x0 edx=0x0\n"
			    "0x80000019 0x0: eax=0xf060f040 ebx=0xf0020000 ecx=0x0 edx=0x0\n"
			    "0x80000021 0x0: eax=0x00004000 ebx=0x0 ecx=0x0 edx=0x0\n",
		.vendor = VM_CPU_AMD,
		.family = 26,
		.model = 2,
		.listed_pages = 192,
		.count = 9,
		.tlb = {{VM_TLB_CODE, 1, K4, 64, 0}, {VM_TLB_DATA, 1, K4, 96, 0},
			{VM_TLB_CODE, 1, M2, 64, 0}, {VM_TLB_DATA, 1, M2, 96, 0},
			{VM_TLB_CODE, 1, G1, 64, 0}, {VM_TLB_DATA, 1, G1, 96, 0},
			{VM_TLB_CODE, 2, K4, 2048, 4}, {VM_TLB_DATA, 2, K4, 4096, 8},
			{VM_TLB_DATA, 2, G1, 64, 0}},
	},
};

static void machine_is_decoded(const struct machine *machine)
{
	struct cpuid_leaves leaves;
	struct kernel_error error;
	struct vm_cpu_facts cpu;

	if (cpuid_parse(kernel_text_of(machine->dump), &leaves, &error) < 0)
		fail_msg("%s: line %u: %s", machine->name, error.line, error.reason);
	cpuid_decode(&leaves, &cpu);
	assert_int_equal(cpu.vendor, machine->vendor);
	assert_int_equal(cpu.family, machine->family);
	assert_int_equal(cpu.model, machine->model);
	assert_int_equal(cpu.tlb_listed_pages, machine->listed_pages);
	if (cpu.tlb_count != machine->count)
		fail_msg("%s: %u buffers", machine->name, cpu.tlb_count);
	for (size_t i = 0; i < machine->count; i++) {
		const struct vm_tlb_fact *got = &cpu.tlb[i], *want = &machine->tlb[i];

		if (got->type != want->type || got->level != want->level ||
			got->pages_mask != want->pages_mask || got->entries != want->entries ||
			got->ways != want->ways)
			fail_msg("%s: buffer %zu: type %d level %u pages %#llx entries %u ways %u",
				machine->name, i, got->type, got->level,
				(unsigned long long)got->pages_mask, got->entries, got->ways);
	}
}

static void buffers_of_known_machines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		machine_is_decoded(&machines[i]);
}

static void widths_flags_and_names(void **state)
{
	static const char dump[] =
		INTEL "0x1 0x0: eax=0x000806f8 ebx=0x0 ecx=0x80020000 edx=0x0\n"
		      "0x7 0x0: eax=0x0 ebx=0x00100080 ecx=0x00010008 edx=0x0\n"
		      "0x40000000 0x0: eax=0x0 ebx=0x4b4d564b ecx=0x564b4d56 edx=0x4d\n"
		      "0x80000001 0x0: eax=0x0 ebx=0x0 ecx=0x0 edx=0x04100000\n"
		      "0x80000002 0x0: eax=0x6c612020 ebx=0x00006870 ecx=0x0 edx=0x0\n"
		      "0x80000007 0x0: eax=0x0 ebx=0x0 ecx=0x0 edx=0x00000100\n"
		      "0x80000008 0x0: eax=0x00003934 ebx=0x0 ecx=0x0 edx=0x0\n";
	struct cpuid_leaves leaves;
	struct kernel_error error;
	struct vm_cpu_facts cpu;
	char name[CPUID_NAME_BYTES];

	(void)state;
	assert_int_equal(cpuid_parse(kernel_text_of(dump), &leaves, &error), 0);
	cpuid_decode(&leaves, &cpu);
	assert_int_equal(cpu.physical_bits, 52);
	assert_int_equal(cpu.virtual_bits, 57);
	assert_true(cpu.nx && cpu.page_1g && cpu.pcid && cpu.smep && cpu.smap && cpu.pku);
	assert_true(cpu.la57 && cpu.invariant_tsc && cpu.hypervisor);
	assert_int_equal(cpu.model, 0x8f);
	cpuid_name(&leaves, name);
	assert_string_equal(name, "alph");
	cpuid_hypervisor(&leaves, name);
	assert_string_equal(name, "KVMKVMKVM");
}

static void dumps_as_cpuid_prints_them(void **state)
{
	struct cpuid_leaves leaves;
	struct kernel_error error;

	(void)state;
	/* cpuid -r: headings, and every processor after the other: the first one counts. */
	assert_int_equal(
		cpuid_parse(kernel_text_of("CPU 0:\n   0x00000000 0x00: eax=0x00000001 "
					   "ebx=0x00000002 ecx=0x00000003 edx=0x00000004\n"
					   "CPU 1:\n   0x00000000 0x00: eax=0x00000009 "
					   "ebx=0x00000009 ecx=0x00000009 edx=0x00000009\n"),
			&leaves, &error),
		0);
	assert_int_equal(leaves.count, 1);
	assert_int_equal(leaves.items[0].eax, 1);
	static const char *const wrong[] = {"", "0x0 0x0: eax=1 ebx=2 ecx=3\n",
		"0x0 0x0 eax=1 ebx=2 ecx=3 edx=4\n", "0x0 0x0: eax=1 ebx=2 ecx=3 edx=100000000\n",
		"0x0 0x0: ebx=1 eax=2 ecx=3 edx=4\n", "0x1 0x0: eax=1 ebx=2 ecx=3 edx=4\n",
		"0x0 0x0: eax=1 ebx=2 ecx=3 edx=4"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_true(cpuid_parse(kernel_text_of(wrong[i]), &leaves, &error) < 0);
}

/* Asked, printed and read back: the same. And the serial number was not asked for. */
static void the_live_processor_survives_the_text(void **state)
{
	static struct cpuid_leaves asked, read;
	struct kernel_error error;
	char *text = NULL;
	size_t length_bytes = 0;

	(void)state;
	cpuid_ask(&asked);
	FILE *stream = open_memstream(&text, &length_bytes);
	assert_non_null(stream);
	cpuid_print(stream, &asked);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(cpuid_parse((struct kernel_text){text, length_bytes}, &read, &error), 0);
	free(text);
	assert_int_equal(read.count, asked.count);
	assert_memory_equal(read.items, asked.items, asked.count * sizeof(asked.items[0]));
	for (size_t i = 0; i < asked.count; i++)
		assert_int_not_equal(asked.items[i].leaf, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_of_known_machines),
		cmocka_unit_test(widths_flags_and_names),
		cmocka_unit_test(dumps_as_cpuid_prints_them),
		cmocka_unit_test(the_live_processor_survives_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
