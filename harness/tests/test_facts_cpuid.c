/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID's translation buffers of real processors: the registers as public collections of dumps have
 * them, and beside them the sizes that the vendors' manuals give for these processors. Only the
 * leaves that are read are given.
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
	unsigned data_ways;    /* of the first data cache, where the dump says it */
	size_t count;
	struct vm_tlb_fact tlb[VM_TLB_FACTS_LIMIT];
};

#define INTEL "0x0 0x0: eax=0x20 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n"
#define AMD   "0x0 0x0: eax=0x10 ebx=0x68747541 ecx=0x444d4163 edx=0x69746e65\n"

static const struct machine machines[] = {
	{
		/* The course's Core i7: 64 data entries, 128 instruction entries with two threads'
		   share of 64, 512 in the second level. */
		.name = "Core i7-920 (Nehalem)",
		.dump = INTEL "0x1 0x0: eax=0x000106a4 ebx=0 ecx=0 edx=0\n"
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
		.name = "Pentium II (Deschutes)",
		.dump = INTEL "0x1 0x0: eax=0x00000653 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x03020101 ebx=0x00000000 ecx=0x0 edx=0x0c040844\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0x5,
		.count = 4,
		.tlb = {{VM_TLB_CODE, 1, K4, 32, 4}, {VM_TLB_CODE, 1, M4, 2, 0},
			{VM_TLB_DATA, 1, K4, 64, 4}, {VM_TLB_DATA, 1, M4, 8, 4}},
	},
	{
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
		.name = "Atom 330 (Bonnell)",
		.dump = INTEL "0x1 0x0: eax=0x000106c2 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x4fba5901 ebx=0x0e3080c0 ecx=0x0 edx=0x00000000\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0x1c,
		.count = 4,
		.tlb = {{VM_TLB_DATA, 1, K4, 16, 0}, {VM_TLB_DATA, 2, K4, 64, 4},
			{VM_TLB_CODE, 1, K4, 32, 0}, {VM_TLB_DATA, 1, K4 | M4, 8, 4}},
	},
	{
		.name = "Core i7 (Sandy Bridge)",
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
		.name = "Core i7 (Haswell)",
		.dump = INTEL "0x1 0x0: eax=0x000306c3 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x76036301 ebx=0x00f0b5ff ecx=0x0 edx=0x00c10000\n"
			      "0x4 0x0: eax=0x1c004121 ebx=0x01c0003f ecx=0x0000003f edx=0x0\n"
			      "0x4 0x1: eax=0x1c004122 ebx=0x01c0003f ecx=0x0000003f edx=0x0\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0x3c,
		.data_ways = 8,
		.count = 6,
		.tlb = {{VM_TLB_DATA, 1, M2 | M4, 32, 4}, {VM_TLB_DATA, 1, G1, 4, 4},
			{VM_TLB_DATA, 1, K4, 64, 4}, {VM_TLB_CODE, 1, M2 | M4, 8, 0},
			{VM_TLB_CODE, 1, K4, 64, 8}, {VM_TLB_UNIFIED, 2, K4 | M2, 1024, 8}},
	},
	{
		.name = "Core i7 (Skylake)",
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
		/* Leaf 2 sends to leaf 0x18. */
		.name = "Pentium Silver (Goldmont Plus)",
		.dump = INTEL "0x1 0x0: eax=0x000706a8 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x00feff01 ebx=0x00000000 ecx=0x0 edx=0x00000000\n"
			      "0x18 0x0: eax=0x00000004 ebx=0x00000000 ecx=0x0 edx=0x00000000\n"
			      "0x18 0x1: eax=0x00000000 ebx=0x00200001 ecx=0x1 edx=0x00000121\n"
			      "0x18 0x2: eax=0x00000000 ebx=0x00040001 ecx=0x80 edx=0x00000043\n"
			      "0x18 0x3: eax=0x00000000 ebx=0x00040006 ecx=0x8 edx=0x00000043\n"
			      "0x18 0x4: eax=0x00000000 ebx=0x00300001 ecx=0x1 edx=0x00000122\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0x7a,
		.count = 4,
		.tlb = {{VM_TLB_DATA, 1, K4, 32, 0}, {VM_TLB_UNIFIED, 2, K4, 512, 4},
			{VM_TLB_UNIFIED, 2, M2 | M4, 32, 4}, {VM_TLB_CODE, 1, K4, 48, 0}},
	},
	{
		/* Sixteen entries that only stores use are left out; two buffers of the second
		   level take small pages. */
		.name = "Core i7 (Ice Lake)",
		.dump = INTEL "0x1 0x0: eax=0x000706e5 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x00feff01 ebx=0x000000f0 ecx=0x0 edx=0x00000000\n"
			      "0x4 0x0: eax=0x1c004121 ebx=0x02c0003f ecx=0x0000003f edx=0x0\n"
			      "0x4 0x1: eax=0x1c004122 ebx=0x01c0003f ecx=0x0000003f edx=0x0\n"
			      "0x18 0x0: eax=0x00000007 ebx=0x00000000 ecx=0x0 edx=0x00000000\n"
			      "0x18 0x1: eax=0x00000000 ebx=0x00080007 ecx=0x1 edx=0x00004122\n"
			      "0x18 0x2: eax=0x00000000 ebx=0x0010000f ecx=0x1 edx=0x00004125\n"
			      "0x18 0x3: eax=0x00000000 ebx=0x00040001 ecx=0x10 edx=0x00004024\n"
			      "0x18 0x4: eax=0x00000000 ebx=0x00040006 ecx=0x8 edx=0x00004024\n"
			      "0x18 0x5: eax=0x00000000 ebx=0x00080008 ecx=0x1 edx=0x00004124\n"
			      "0x18 0x6: eax=0x00000000 ebx=0x00080007 ecx=0x80 edx=0x00004043\n"
			      "0x18 0x7: eax=0x00000000 ebx=0x00080009 ecx=0x80 edx=0x00004043\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0x7e,
		.data_ways = 12,
		.count = 6,
		.tlb = {{VM_TLB_CODE, 1, K4 | M2 | M4, 8, 0}, {VM_TLB_DATA, 1, K4, 64, 4},
			{VM_TLB_DATA, 1, M2 | M4, 32, 4}, {VM_TLB_DATA, 1, G1, 8, 0},
			{VM_TLB_UNIFIED, 2, K4 | M2 | M4, 1024, 8},
			{VM_TLB_UNIFIED, 2, K4 | G1, 1024, 8}},
	},
	{
		/* 64 entries for loads are listed, and 96 are there: left out. */
		.name = "Core i9-12900K (Golden Cove)",
		.dump = INTEL "0x1 0x0: eax=0x00090672 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x00feff01 ebx=0x000000f0 ecx=0x0 edx=0x00000000\n"
			      "0x18 0x0: eax=0x00000008 ebx=0x00000000 ecx=0x0 edx=0x00000000\n"
			      "0x18 0x1: eax=0x00000000 ebx=0x00080001 ecx=0x20 edx=0x00004022\n"
			      "0x18 0x2: eax=0x00000000 ebx=0x00080006 ecx=0x4 edx=0x00004022\n"
			      "0x18 0x3: eax=0x00000000 ebx=0x0010000f ecx=0x1 edx=0x00004125\n"
			      "0x18 0x4: eax=0x00000000 ebx=0x00040001 ecx=0x10 edx=0x00004024\n"
			      "0x18 0x5: eax=0x00000000 ebx=0x00040006 ecx=0x8 edx=0x00004024\n"
			      "0x18 0x6: eax=0x00000000 ebx=0x00080008 ecx=0x1 edx=0x00004124\n"
			      "0x18 0x7: eax=0x00000000 ebx=0x00080007 ecx=0x80 edx=0x00004043\n"
			      "0x18 0x8: eax=0x00000000 ebx=0x00080009 ecx=0x80 edx=0x00004043\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0x97,
		.count = 6,
		.tlb = {{VM_TLB_CODE, 1, K4, 256, 8}, {VM_TLB_CODE, 1, M2 | M4, 32, 8},
			{VM_TLB_DATA, 1, M2 | M4, 32, 4}, {VM_TLB_DATA, 1, G1, 8, 0},
			{VM_TLB_UNIFIED, 2, K4 | M2 | M4, 1024, 8},
			{VM_TLB_UNIFIED, 2, K4 | G1, 1024, 8}},
	},
	{
		/* The next of kin that lists all 96. */
		.name = "Core Ultra (Redwood Cove)",
		.dump = INTEL "0x1 0x0: eax=0x000a06a4 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x00feff01 ebx=0x000000f0 ecx=0x0 edx=0x00000000\n"
			      "0x18 0x0: eax=0x00000008 ebx=0x00000000 ecx=0x0 edx=0x00000000\n"
			      "0x18 0x1: eax=0x00000000 ebx=0x00080001 ecx=0x20 edx=0x00004022\n"
			      "0x18 0x2: eax=0x00000000 ebx=0x00080006 ecx=0x4 edx=0x00004022\n"
			      "0x18 0x3: eax=0x00000000 ebx=0x0010000f ecx=0x1 edx=0x00004125\n"
			      "0x18 0x4: eax=0x00000000 ebx=0x00060001 ecx=0x10 edx=0x00004024\n"
			      "0x18 0x5: eax=0x00000000 ebx=0x00040006 ecx=0x8 edx=0x00004024\n"
			      "0x18 0x6: eax=0x00000000 ebx=0x00080008 ecx=0x1 edx=0x00004124\n"
			      "0x18 0x7: eax=0x00000000 ebx=0x00080007 ecx=0x80 edx=0x00004043\n"
			      "0x18 0x8: eax=0x00000000 ebx=0x00080009 ecx=0x80 edx=0x00004043\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0xaa,
		.count = 7,
		.tlb = {{VM_TLB_CODE, 1, K4, 256, 8}, {VM_TLB_CODE, 1, M2 | M4, 32, 8},
			{VM_TLB_DATA, 1, K4, 96, 6}, {VM_TLB_DATA, 1, M2 | M4, 32, 4},
			{VM_TLB_DATA, 1, G1, 8, 0}, {VM_TLB_UNIFIED, 2, K4 | M2 | M4, 1024, 8},
			{VM_TLB_UNIFIED, 2, K4 | G1, 1024, 8}},
	},
	{
		.name = "Core Ultra 200 (Lion Cove)",
		.dump = INTEL "0x1 0x0: eax=0x000c0662 ebx=0 ecx=0 edx=0\n"
			      "0x2 0x0: eax=0x00feff01 ebx=0x000000f0 ecx=0x0 edx=0x00000000\n"
			      "0x18 0x0: eax=0x00000008 ebx=0x00000000 ecx=0x0 edx=0x00000000\n"
			      "0x18 0x1: eax=0x00000000 ebx=0x00080001 ecx=0x20 edx=0x00004022\n"
			      "0x18 0x2: eax=0x00000000 ebx=0x00080006 ecx=0x4 edx=0x00004022\n"
			      "0x18 0x3: eax=0x00000000 ebx=0x0010000f ecx=0x1 edx=0x00004125\n"
			      "0x18 0x4: eax=0x00000000 ebx=0x00080001 ecx=0x10 edx=0x00004024\n"
			      "0x18 0x5: eax=0x00000000 ebx=0x00040006 ecx=0x8 edx=0x00004024\n"
			      "0x18 0x6: eax=0x00000000 ebx=0x00080008 ecx=0x1 edx=0x00004124\n"
			      "0x18 0x7: eax=0x00000000 ebx=0x00080007 ecx=0x80 edx=0x00004043\n"
			      "0x18 0x8: eax=0x00000000 ebx=0x00080009 ecx=0x80 edx=0x00004043\n",
		.vendor = VM_CPU_INTEL,
		.family = 6,
		.model = 0xc6,
		.count = 7,
		.tlb = {{VM_TLB_CODE, 1, K4, 256, 8}, {VM_TLB_CODE, 1, M2 | M4, 32, 8},
			{VM_TLB_DATA, 1, K4, 128, 8}, {VM_TLB_DATA, 1, M2 | M4, 32, 4},
			{VM_TLB_DATA, 1, G1, 8, 0}, {VM_TLB_UNIFIED, 2, K4 | M2 | M4, 1024, 8},
			{VM_TLB_UNIFIED, 2, K4 | G1, 1024, 8}},
	},
	{
		.name = "Opteron (K8)",
		.dump = AMD
		"0x1 0x0: eax=0x00000f5a ebx=0 ecx=0 edx=0\n"
		"0x80000005 0x0: eax=0xff08ff08 ebx=0xff20ff20 ecx=0x40020140 edx=0x40020140\n"
		"0x80000006 0x0: eax=0x00000000 ebx=0x42004200 ecx=0x4008140 edx=0x00000000\n",
		.vendor = VM_CPU_AMD,
		.family = 15,
		.model = 0x5,
		.listed_pages = 1024,
		.count = 6,
		.tlb = {{VM_TLB_CODE, 1, K4, 32, 0}, {VM_TLB_DATA, 1, K4, 32, 0},
			{VM_TLB_CODE, 1, M2, 8, 0}, {VM_TLB_DATA, 1, M2, 8, 0},
			{VM_TLB_CODE, 2, K4, 512, 4}, {VM_TLB_DATA, 2, K4, 512, 4}},
	},
	{
		.name = "Phenom II (K10)",
		.dump = AMD
		"0x1 0x0: eax=0x00100f42 ebx=0 ecx=0 edx=0\n"
		"0x80000005 0x0: eax=0xff30ff10 ebx=0xff30ff20 ecx=0x40020140 edx=0x40020140\n"
		"0x80000006 0x0: eax=0x20800000 ebx=0x42004200 ecx=0x2008140 edx=0x0030b140\n"
		"0x80000019 0x0: eax=0xf0300000 ebx=0x60100000 ecx=0x0 edx=0x00000000\n",
		.vendor = VM_CPU_AMD,
		.family = 16,
		.model = 0x4,
		.listed_pages = 1024,
		.count = 9,
		.tlb = {{VM_TLB_CODE, 1, K4, 32, 0}, {VM_TLB_DATA, 1, K4, 48, 0},
			{VM_TLB_CODE, 1, M2, 16, 0}, {VM_TLB_DATA, 1, M2, 48, 0},
			{VM_TLB_DATA, 1, G1, 48, 0}, {VM_TLB_CODE, 2, K4, 512, 4},
			{VM_TLB_DATA, 2, K4, 512, 4}, {VM_TLB_DATA, 2, M2, 128, 2},
			{VM_TLB_DATA, 2, G1, 16, 8}},
	},
	{
		.name = "FX (Bulldozer)",
		.dump = AMD
		"0x1 0x0: eax=0x00600f01 ebx=0 ecx=0 edx=0\n"
		"0x80000005 0x0: eax=0xff20ff18 ebx=0xff20ff30 ecx=0x10040140 edx=0x40020140\n"
		"0x80000006 0x0: eax=0x64000000 ebx=0x64004200 ecx=0x8008140 edx=0x0040c140\n"
		"0x80000019 0x0: eax=0xf020f018 ebx=0x64000000 ecx=0x0 edx=0x00000000\n",
		.vendor = VM_CPU_AMD,
		.family = 21,
		.model = 0x0,
		.listed_pages = 1536,
		.count = 10,
		.tlb = {{VM_TLB_CODE, 1, K4, 48, 0}, {VM_TLB_DATA, 1, K4, 32, 0},
			{VM_TLB_CODE, 1, M2, 24, 0}, {VM_TLB_DATA, 1, M2, 32, 0},
			{VM_TLB_CODE, 1, G1, 24, 0}, {VM_TLB_DATA, 1, G1, 32, 0},
			{VM_TLB_CODE, 2, K4, 512, 4}, {VM_TLB_DATA, 2, K4, 1024, 8},
			{VM_TLB_DATA, 2, M2, 1024, 8}, {VM_TLB_DATA, 2, G1, 1024, 8}},
	},
	{
		.name = "Ryzen 7 3700X (Zen 2)",
		.dump = AMD
		"0x1 0x0: eax=0x00870f10 ebx=0 ecx=0 edx=0\n"
		"0x80000005 0x0: eax=0xff40ff40 ebx=0xff40ff40 ecx=0x20080140 edx=0x20080140\n"
		"0x80000006 0x0: eax=0x48006400 ebx=0x68006400 ecx=0x2006140 edx=0x01009140\n"
		"0x80000019 0x0: eax=0xf040f040 ebx=0x00000000 ecx=0x0 edx=0x00000000\n",
		.vendor = VM_CPU_AMD,
		.family = 23,
		.model = 0x71,
		.listed_pages = 3072,
		.count = 10,
		.tlb = {{VM_TLB_CODE, 1, K4, 64, 0}, {VM_TLB_DATA, 1, K4, 64, 0},
			{VM_TLB_CODE, 1, M2, 64, 0}, {VM_TLB_DATA, 1, M2, 64, 0},
			{VM_TLB_CODE, 1, G1, 64, 0}, {VM_TLB_DATA, 1, G1, 64, 0},
			{VM_TLB_CODE, 2, K4, 1024, 8}, {VM_TLB_DATA, 2, K4, 2048, 8},
			{VM_TLB_CODE, 2, M2, 1024, 8}, {VM_TLB_DATA, 2, M2, 2048, 4}},
	},
	{
		.name = "EPYC 7003 (Zen 3)",
		.dump = AMD
		"0x1 0x0: eax=0x00a00f11 ebx=0 ecx=0 edx=0\n"
		"0x80000005 0x0: eax=0xff40ff40 ebx=0xff40ff40 ecx=0x20080140 edx=0x20080140\n"
		"0x80000006 0x0: eax=0x48002200 ebx=0x68004200 ecx=0x2006140 edx=0x08009140\n"
		"0x80000019 0x0: eax=0xf040f040 ebx=0xf0400000 ecx=0x0 edx=0x00000000\n"
		"0x80000021 0x0: eax=0x0000204d ebx=0x00000000 ecx=0x0 edx=0x00000000\n",
		.vendor = VM_CPU_AMD,
		.family = 25,
		.model = 0x1,
		.listed_pages = 2560,
		.count = 11,
		.tlb = {{VM_TLB_CODE, 1, K4, 64, 0}, {VM_TLB_DATA, 1, K4, 64, 0},
			{VM_TLB_CODE, 1, M2, 64, 0}, {VM_TLB_DATA, 1, M2, 64, 0},
			{VM_TLB_CODE, 1, G1, 64, 0}, {VM_TLB_DATA, 1, G1, 64, 0},
			{VM_TLB_CODE, 2, K4, 512, 4}, {VM_TLB_DATA, 2, K4, 2048, 8},
			{VM_TLB_CODE, 2, M2, 512, 2}, {VM_TLB_DATA, 2, M2, 2048, 4},
			{VM_TLB_DATA, 2, G1, 64, 0}},
	},
	{
		.name = "EPYC 9004 (Zen 4)",
		.dump = AMD
		"0x1 0x0: eax=0x00a10f11 ebx=0 ecx=0 edx=0\n"
		"0x80000005 0x0: eax=0xff48ff40 ebx=0xff48ff40 ecx=0x20080140 edx=0x20080140\n"
		"0x80000006 0x0: eax=0x5c002200 ebx=0x6c004200 ecx=0x4006140 edx=0x0c009140\n"
		"0x80000019 0x0: eax=0xf048f040 ebx=0xf0400000 ecx=0x0 edx=0x00000000\n"
		"0x80000021 0x0: eax=0x00062fcf ebx=0x0000015c ecx=0x0 edx=0x00000000\n",
		.vendor = VM_CPU_AMD,
		.family = 25,
		.model = 0x11,
		.listed_pages = 3584,
		.count = 11,
		.tlb = {{VM_TLB_CODE, 1, K4, 64, 0}, {VM_TLB_DATA, 1, K4, 72, 0},
			{VM_TLB_CODE, 1, M2, 64, 0}, {VM_TLB_DATA, 1, M2, 72, 0},
			{VM_TLB_CODE, 1, G1, 64, 0}, {VM_TLB_DATA, 1, G1, 72, 0},
			{VM_TLB_CODE, 2, K4, 512, 4}, {VM_TLB_DATA, 2, K4, 3072, 8},
			{VM_TLB_CODE, 2, M2, 512, 2}, {VM_TLB_DATA, 2, M2, 3072, 6},
			{VM_TLB_DATA, 2, G1, 64, 0}},
	},
	{
		/* The second level is counted by 32. */
		.name = "Ryzen 9000 (Zen 5)",
		.dump = AMD
		"0x1 0x0: eax=0x00b40f40 ebx=0 ecx=0 edx=0\n"
		"0x80000005 0x0: eax=0xff60ff40 ebx=0xff60ff40 ecx=0x300c0140 edx=0x20080140\n"
		"0x80000006 0x0: eax=0x40802040 ebx=0x60804040 ecx=0x4008140 edx=0x02009140\n"
		"0x80000019 0x0: eax=0xf060f040 ebx=0x40200000 ecx=0x0 edx=0x00000000\n"
		"0x8000001d 0x0: eax=0x00004121 ebx=0x02c0003f ecx=0x0000003f edx=0x00000000\n"
		"0x8000001d 0x1: eax=0x00004122 ebx=0x01c0003f ecx=0x0000003f edx=0x00000000\n"
		"0x80000021 0x0: eax=0x593fffcf ebx=0x00080382 ecx=0x0 edx=0x00000000\n",
		.vendor = VM_CPU_AMD,
		.family = 26,
		.model = 0x44,
		.data_ways = 12,
		.listed_pages = 192,
		.count = 11,
		.tlb = {{VM_TLB_CODE, 1, K4, 64, 0}, {VM_TLB_DATA, 1, K4, 96, 0},
			{VM_TLB_CODE, 1, M2, 64, 0}, {VM_TLB_DATA, 1, M2, 96, 0},
			{VM_TLB_CODE, 1, G1, 64, 0}, {VM_TLB_DATA, 1, G1, 96, 0},
			{VM_TLB_CODE, 2, K4, 2048, 4}, {VM_TLB_DATA, 2, K4, 4096, 8},
			{VM_TLB_CODE, 2, M2, 2048, 2}, {VM_TLB_DATA, 2, M2, 4096, 4},
			{VM_TLB_DATA, 2, G1, 1024, 4}},
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
	assert_int_equal(cpu.level1_data_ways, machine->data_ways);
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
