/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/cpuid.h"

#include <cpuid.h>
#include <string.h>

#include "vm/units.h"

/* The page sizes that an entry holds, as bits of vm_tlb_fact.pages_mask. */
#define PAGES_4K VM_PAGE_BYTES
#define PAGES_2M VM_HUGE_2M_BYTES
#define PAGES_4M (UINT64_C(1) << 22)
#define PAGES_1G VM_HUGE_1G_BYTES

#define LEAF_SERIAL_NUMBER 3

static bool bit(uint32_t value, unsigned position)
{
	return (value >> position & 1) != 0;
}

static const struct cpuid_leaf *find(
	const struct cpuid_leaves *leaves, uint32_t leaf, uint32_t subleaf)
{
	for (size_t i = 0; i < leaves->count; i++) {
		if (leaves->items[i].leaf == leaf && leaves->items[i].subleaf == subleaf)
			return &leaves->items[i];
	}
	return NULL;
}

/* All zeros where the leaf is not there: then it says nothing. */
static struct cpuid_leaf get(const struct cpuid_leaves *leaves, uint32_t leaf, uint32_t subleaf)
{
	const struct cpuid_leaf *found = find(leaves, leaf, subleaf);

	return found == NULL ? (struct cpuid_leaf){0} : *found;
}

static struct cpuid_leaf *add(struct cpuid_leaves *leaves, uint32_t leaf, uint32_t subleaf)
{
	if (leaves->count == CPUID_LEAVES_LIMIT)
		return NULL;
	struct cpuid_leaf *item = &leaves->items[leaves->count++];
	*item = (struct cpuid_leaf){.leaf = leaf, .subleaf = subleaf};
	return item;
}

static struct cpuid_leaf ask(struct cpuid_leaves *leaves, uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_leaf got = {.leaf = leaf, .subleaf = subleaf};

	__cpuid_count(leaf, subleaf, got.eax, got.ebx, got.ecx, got.edx);
	struct cpuid_leaf *item = add(leaves, leaf, subleaf);
	if (item != NULL)
		*item = got;
	return got;
}

/* Whether the leaf has another part behind this one; part 0 has just been asked for. */
static bool has_more(const struct cpuid_leaf *first, const struct cpuid_leaf *last)
{
	switch (last->leaf) {
	case 0x4: /* caches, until type 0 */
	case 0x8000001d:
		return (last->eax & 0x1f) != 0;
	case 0xb: /* topology, until level type 0 */
	case 0x1f:
		return (last->ecx >> 8 & 0xff) != 0;
	case 0x7: /* EAX of part 0 is the highest part */
	case 0x18:
		return last->subleaf < first->eax;
	default:
		return false;
	}
}

static void ask_range(struct cpuid_leaves *leaves, uint32_t begin, uint32_t end)
{
	for (uint32_t leaf = begin; leaf <= end; leaf++) {
		if (leaf == LEAF_SERIAL_NUMBER)
			continue;
		const struct cpuid_leaf first = ask(leaves, leaf, 0);
		struct cpuid_leaf last = first;

		while (has_more(&first, &last) && last.subleaf < 63)
			last = ask(leaves, leaf, last.subleaf + 1);
	}
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
	return value < limit ? value : limit;
}

void cpuid_ask(struct cpuid_leaves *leaves)
{
	leaves->count = 0;
	const uint32_t basic = (uint32_t)__get_cpuid_max(0, NULL);
	const uint32_t extended = (uint32_t)__get_cpuid_max(0x80000000, NULL);
	ask_range(leaves, 0, at_most(basic, 0x24));
	if ((get(leaves, 1, 0).ecx >> 31 & 1) != 0)
		ask_range(leaves, 0x40000000, 0x40000001);
	if (extended >= 0x80000000)
		ask_range(leaves, 0x80000000, at_most(extended, 0x80000026));
}

void cpuid_print(FILE *stream, const struct cpuid_leaves *leaves)
{
	for (size_t i = 0; i < leaves->count; i++) {
		const struct cpuid_leaf *leaf = &leaves->items[i];

		(void)fprintf(stream,
			"   0x%08x 0x%02x: eax=0x%08x ebx=0x%08x ecx=0x%08x edx=0x%08x\n",
			leaf->leaf, leaf->subleaf, leaf->eax, leaf->ebx, leaf->ecx, leaf->edx);
	}
}

/* "eax=0x00000010" */
static bool register_next(struct kernel_text *rest, const char *name, uint32_t *value)
{
	struct kernel_text word;
	uint64_t number = 0;

	if (!kernel_word_next(rest, &word) || !kernel_text_starts(word, name) ||
		word.length_bytes <= 4 || word.bytes[3] != '=' ||
		!kernel_text_hexadecimal(kernel_text_after(word, 4), &number) ||
		number > UINT32_MAX)
		return false;
	*value = (uint32_t)number;
	return true;
}

static bool leaf_of_line(struct kernel_text line, struct cpuid_leaf *leaf)
{
	struct kernel_text word;
	uint64_t number = 0, part = 0;

	if (!kernel_word_next(&line, &word) || !kernel_text_hexadecimal(word, &number) ||
		number > UINT32_MAX)
		return false;
	if (!kernel_word_next(&line, &word) || word.bytes[word.length_bytes - 1] != ':')
		return false;
	word.length_bytes--;
	if (!kernel_text_hexadecimal(word, &part) || part > UINT32_MAX)
		return false;
	leaf->leaf = (uint32_t)number;
	leaf->subleaf = (uint32_t)part;
	return register_next(&line, "eax", &leaf->eax) && register_next(&line, "ebx", &leaf->ebx) &&
	       register_next(&line, "ecx", &leaf->ecx) && register_next(&line, "edx", &leaf->edx);
}

int cpuid_parse(struct kernel_text text, struct cpuid_leaves *leaves, struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;
	int got;

	leaves->count = 0;
	while ((got = kernel_line_next(&lines, &line, error)) > 0) {
		struct cpuid_leaf leaf = {0};
		const struct kernel_text trimmed = kernel_text_trimmed(line);

		if (trimmed.length_bytes == 0 || kernel_text_starts(trimmed, "CPU"))
			continue;
		if (!leaf_of_line(line, &leaf))
			return kernel_fail(error, lines.line, "not a leaf of CPUID");
		if (find(leaves, leaf.leaf, leaf.subleaf) != NULL)
			continue; /* the next processor */
		struct cpuid_leaf *item = add(leaves, leaf.leaf, leaf.subleaf);
		if (item == NULL)
			return kernel_fail(
				error, lines.line, "more leaves than this program holds");
		*item = leaf;
	}
	if (got == 0 && find(leaves, 0, 0) == NULL)
		return kernel_fail(error, 0, "no leaf 0");
	return got;
}

static void append(struct vm_cpu_facts *cpu, struct vm_tlb_fact fact)
{
	if (fact.entries == 0 || fact.pages_mask == 0 || cpu->tlb_count == VM_TLB_FACTS_LIMIT)
		return;
	cpu->tlb[cpu->tlb_count++] = fact;
}

/* A descriptor of leaf 2. Ways 0 is fully associative, as in vm_tlb_fact. */
struct descriptor {
	uint8_t byte;
	struct vm_tlb_fact fact;
};

#define TLB(type_, level_, pages, entries_, ways_)                                \
	{                                                                         \
		.type = VM_TLB_##type_, .level = (level_), .pages_mask = (pages), \
		.entries = (entries_), .ways = (ways_),                           \
	}

/*
 * intel-sdm:2A:CPUID, table "Encoding of CPUID Leaf 2 Descriptors". "TLB0" is the first level and
 * "TLB1" the second. Where the table gives no ways, the array is given as fully associative.
 */
static const struct descriptor descriptors[] = {
	{0x01, TLB(CODE, 1, PAGES_4K, 32, 4)},
	{0x02, TLB(CODE, 1, PAGES_4M, 2, 0)},
	{0x03, TLB(DATA, 1, PAGES_4K, 64, 4)},
	{0x04, TLB(DATA, 1, PAGES_4M, 8, 4)},
	{0x05, TLB(DATA, 2, PAGES_4M, 32, 4)},
	{0x0b, TLB(CODE, 1, PAGES_4M, 4, 4)},
	{0x4f, TLB(CODE, 1, PAGES_4K, 32, 0)},
	{0x50, TLB(CODE, 1, PAGES_4K | PAGES_2M | PAGES_4M, 64, 0)},
	{0x51, TLB(CODE, 1, PAGES_4K | PAGES_2M | PAGES_4M, 128, 0)},
	{0x52, TLB(CODE, 1, PAGES_4K | PAGES_2M | PAGES_4M, 256, 0)},
	{0x55, TLB(CODE, 1, PAGES_2M | PAGES_4M, 7, 0)},
	{0x56, TLB(DATA, 1, PAGES_4M, 16, 4)},
	{0x57, TLB(DATA, 1, PAGES_4K, 16, 4)},
	{0x59, TLB(DATA, 1, PAGES_4K, 16, 0)},
	{0x5a, TLB(DATA, 1, PAGES_2M | PAGES_4M, 32, 4)},
	{0x5b, TLB(DATA, 1, PAGES_4K | PAGES_4M, 64, 0)},
	{0x5c, TLB(DATA, 1, PAGES_4K | PAGES_4M, 128, 0)},
	{0x5d, TLB(DATA, 1, PAGES_4K | PAGES_4M, 256, 0)},
	{0x61, TLB(CODE, 1, PAGES_4K, 48, 0)},
	{0x63, TLB(DATA, 1, PAGES_2M | PAGES_4M, 32, 4)},
	{0x63, TLB(DATA, 1, PAGES_1G, 4, 4)},
	{0x64, TLB(DATA, 1, PAGES_4K, 512, 4)},
	{0x6a, TLB(DATA, 1, PAGES_4K, 64, 8)},
	{0x6b, TLB(DATA, 1, PAGES_4K, 256, 8)},
	{0x6c, TLB(DATA, 1, PAGES_2M | PAGES_4M, 128, 8)},
	{0x6d, TLB(DATA, 1, PAGES_1G, 16, 0)},
	{0x76, TLB(CODE, 1, PAGES_2M | PAGES_4M, 8, 0)},
	{0xa0, TLB(DATA, 1, PAGES_4K, 32, 0)},
	{0xb0, TLB(CODE, 1, PAGES_4K, 128, 4)},
	{0xb1, TLB(CODE, 1, PAGES_2M, 8, 4)},
	{0xb2, TLB(CODE, 1, PAGES_4K, 64, 4)},
	{0xb3, TLB(DATA, 1, PAGES_4K, 128, 4)},
	{0xb4, TLB(DATA, 2, PAGES_4K, 256, 4)},
	{0xb5, TLB(CODE, 1, PAGES_4K, 64, 8)},
	{0xb6, TLB(CODE, 1, PAGES_4K, 128, 8)},
	{0xba, TLB(DATA, 2, PAGES_4K, 64, 4)},
	{0xc0, TLB(DATA, 1, PAGES_4K | PAGES_4M, 8, 4)},
	{0xc1, TLB(UNIFIED, 2, PAGES_4K | PAGES_2M, 1024, 8)},
	{0xc2, TLB(DATA, 1, PAGES_4K | PAGES_2M, 16, 4)},
	{0xc3, TLB(UNIFIED, 2, PAGES_4K | PAGES_2M, 1536, 6)},
	{0xc3, TLB(UNIFIED, 2, PAGES_1G, 16, 4)},
	{0xc4, TLB(DATA, 1, PAGES_2M | PAGES_4M, 32, 4)},
	{0xca, TLB(UNIFIED, 2, PAGES_4K, 512, 4)},
};

#undef TLB

#define DESCRIPTOR_LOOK_IN_LEAF_18 0xfe

/* Returns whether the byte sends the reader to leaf 0x18. */
static bool intel_descriptor(uint8_t byte, struct vm_cpu_facts *cpu)
{
	for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++) {
		if (descriptors[i].byte == byte)
			append(cpu, descriptors[i].fact);
	}
	return byte == DESCRIPTOR_LOOK_IN_LEAF_18;
}

/*
 * Golden Cove and its next of kin have 96 entries for loads, as Intel's optimization manual says
 * and the leaf of Meteor Lake and Granite Rapids; the leaf of the earlier ones says 64.
 */
static bool says_too_little(const struct vm_cpu_facts *cpu, const struct vm_tlb_fact *fact)
{
	static const uint32_t models[] = {0x8f, 0x97, 0x9a, 0xb7, 0xba, 0xbf, 0xcf, 0xd7};

	if (fact->type != VM_TLB_DATA || fact->pages_mask != PAGES_4K || fact->entries != 64)
		return false;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (cpu->family == 6 && cpu->model == models[i])
			return true;
	return false;
}

/*
 * intel-sdm:2A:CPUID, leaf 0x18: deterministic address translation parameters. What only stores use
 * is left out: loads, which everything here is about, never look there.
 */
static void intel_leaf_18(const struct cpuid_leaves *leaves, struct vm_cpu_facts *cpu)
{
	static const enum vm_tlb_type types[] = {
		[1] = VM_TLB_DATA,
		[2] = VM_TLB_CODE,
		[3] = VM_TLB_UNIFIED,
		/* For loads alone. */
		[4] = VM_TLB_DATA,
	};
	const uint32_t highest = at_most(get(leaves, 0x18, 0).eax, CPUID_LEAVES_LIMIT);

	for (uint32_t part = 0; part <= highest; part++) {
		const struct cpuid_leaf leaf = get(leaves, 0x18, part);
		const uint32_t type = leaf.edx & 0x1f;
		const uint32_t ways = leaf.ebx >> 16;
		const bool full = (leaf.edx >> 8 & 1) != 0;

		if (type == 0 || type >= sizeof(types) / sizeof(types[0]))
			continue;
		const struct vm_tlb_fact fact = {
			.type = types[type],
			.level = (uint8_t)(leaf.edx >> 5 & 7),
			.pages_mask =
				((leaf.ebx & 1) ? PAGES_4K : 0) | ((leaf.ebx & 2) ? PAGES_2M : 0) |
				((leaf.ebx & 4) ? PAGES_4M : 0) | ((leaf.ebx & 8) ? PAGES_1G : 0),
			.entries = ways * leaf.ecx,
			.ways = full ? 0 : ways,
		};
		if (!says_too_little(cpu, &fact))
			append(cpu, fact);
	}
}

static void intel_buffers(const struct cpuid_leaves *leaves, struct vm_cpu_facts *cpu)
{
	const struct cpuid_leaf leaf = get(leaves, 2, 0);
	const uint32_t registers[] = {leaf.eax & ~UINT32_C(0xff), leaf.ebx, leaf.ecx, leaf.edx};
	bool elsewhere = false;

	for (size_t i = 0; i < 4; i++) {
		/* Bit 31 set: the register holds no descriptors. */
		if ((registers[i] >> 31 & 1) != 0)
			continue;
		for (unsigned shift = 0; shift < 32; shift += 8) {
			if (intel_descriptor((uint8_t)(registers[i] >> shift & 0xff), cpu))
				elsewhere = true;
		}
	}
	/* Newer processors fill leaf 0x18 and send nobody there. */
	if (elsewhere || cpu->tlb_count == 0)
		intel_leaf_18(leaves, cpu);
}

/* amd-apm:3:E.4.3: the first level's ways are literal, 0xff is fully associative. */
static void amd_first_level(struct vm_cpu_facts *cpu, uint32_t value, uint64_t pages)
{
	for (unsigned shift = 0; shift < 32; shift += 16) {
		const uint32_t ways = value >> (shift + 8) & 0xff;

		if (ways == 0)
			continue;
		append(cpu, (struct vm_tlb_fact){
				    .type = shift == 0 ? VM_TLB_CODE : VM_TLB_DATA,
				    .level = 1,
				    .pages_mask = pages,
				    .entries = value >> shift & 0xff,
				    .ways = ways == 0xff ? 0 : ways,
			    });
	}
}

/* amd-apm:3:E.4.4: codes of associativity; 0 is off, 9 points to a leaf that has caches only. */
static void amd_coded(
	struct vm_cpu_facts *cpu, uint32_t value, uint8_t level, uint64_t pages, uint32_t scale)
{
	static const uint8_t ways_of_code[16] = {
		[1] = 1,
		[2] = 2,
		[3] = 3,
		[4] = 4,
		[5] = 6,
		[6] = 8,
		[8] = 16,
		[0xa] = 32,
		[0xb] = 48,
		[0xc] = 64,
		[0xd] = 96,
		[0xe] = 128,
	};
	static const uint32_t code_full = 0xf;

	for (unsigned shift = 0; shift < 32; shift += 16) {
		const uint32_t code = value >> (shift + 12) & 0xf;

		if (ways_of_code[code] == 0 && code != code_full)
			continue;
		append(cpu, (struct vm_tlb_fact){
				    .type = shift == 0 ? VM_TLB_CODE : VM_TLB_DATA,
				    .level = level,
				    .pages_mask = pages,
				    .entries = (value >> shift & 0xfff) * scale,
				    .ways = ways_of_code[code],
			    });
	}
}

/* Counts for 2 MiB pages; a 4 MiB page, which 64-bit paging has not, takes two entries. */
static void amd_buffers(const struct cpuid_leaves *leaves, struct vm_cpu_facts *cpu)
{
	/* amd-apm:3:E.4.17: L2TlbSizeX32, since twelve bits do not hold 4096 entries. */
	const uint32_t scale = bit(get(leaves, 0x80000021, 0).eax, 14) ? 32 : 1;

	amd_first_level(cpu, get(leaves, 0x80000005, 0).ebx, PAGES_4K);
	amd_first_level(cpu, get(leaves, 0x80000005, 0).eax, PAGES_2M);
	amd_coded(cpu, get(leaves, 0x80000019, 0).eax, 1, PAGES_1G, 1);
	amd_coded(cpu, get(leaves, 0x80000006, 0).ebx, 2, PAGES_4K, scale);
	amd_coded(cpu, get(leaves, 0x80000006, 0).eax, 2, PAGES_2M, scale);
	amd_coded(cpu, get(leaves, 0x80000019, 0).ebx, 2, PAGES_1G, scale);
}

static void signature(const struct cpuid_leaves *leaves, struct vm_cpu_facts *cpu)
{
	const uint32_t value = get(leaves, 1, 0).eax;
	const uint32_t family = value >> 8 & 0xf, model = value >> 4 & 0xf;

	cpu->stepping = (uint16_t)(value & 0xf);
	cpu->family = (uint16_t)(family == 0xf ? family + (value >> 20 & 0xff) : family);
	cpu->model =
		(uint16_t)(family == 0xf || family == 6 ? model | (value >> 16 & 0xf) << 4 : model);
}

static enum vm_cpu_vendor vendor_of(const struct cpuid_leaves *leaves)
{
	const struct cpuid_leaf leaf = get(leaves, 0, 0);
	const uint32_t words[3] = {leaf.ebx, leaf.edx, leaf.ecx};

	if (memcmp(words, "GenuineIntel", sizeof(words)) == 0)
		return VM_CPU_INTEL;
	if (memcmp(words, "AuthenticAMD", sizeof(words)) == 0)
		return VM_CPU_AMD;
	return VM_CPU_OTHER;
}

/* intel-sdm:2A:3.3:cpuid leaf 4, and amd-apm:3:E.4.15:Fn8000_001D, which is laid out alike. */
static uint8_t level1_data_ways(const struct cpuid_leaves *leaves, enum vm_cpu_vendor vendor)
{
	enum { TYPE_DATA = 1, LEVEL_1 = 1, SUBLEAVES = 8 };
	const uint32_t described_at = vendor == VM_CPU_AMD ? 0x8000001d : 4;

	for (uint32_t i = 0; i < SUBLEAVES; i++) {
		const struct cpuid_leaf cache = get(leaves, described_at, i);
		if ((cache.eax & 0x1f) == TYPE_DATA && (cache.eax >> 5 & 7) == LEVEL_1)
			return (uint8_t)((cache.ebx >> 22) + 1);
	}
	return 0;
}

void cpuid_decode(const struct cpuid_leaves *leaves, struct vm_cpu_facts *cpu)
{
	const struct cpuid_leaf leaf1 = get(leaves, 1, 0), leaf7 = get(leaves, 7, 0);
	const struct cpuid_leaf extended = get(leaves, 0x80000001, 0);
	const struct cpuid_leaf sizes = get(leaves, 0x80000008, 0);
	const uint32_t listed = get(leaves, 0x80000006, 0).ebx;

	*cpu = (struct vm_cpu_facts){
		.vendor = vendor_of(leaves),
		/* Without the leaf: the least that long mode has. */
		.physical_bits = (uint8_t)((sizes.eax & 0xff) == 0 ? 36 : sizes.eax & 0xff),
		.virtual_bits = (uint8_t)((sizes.eax & 0xff) == 0 ? 48 : sizes.eax >> 8 & 0xff),
		.nx = bit(extended.edx, 20),
		.page_1g = bit(extended.edx, 26),
		.pcid = bit(leaf1.ecx, 17),
		.smep = bit(leaf7.ebx, 7),
		.smap = bit(leaf7.ebx, 20),
		.pku = bit(leaf7.ecx, 3),
		.la57 = bit(leaf7.ecx, 16),
		.invariant_tsc = bit(get(leaves, 0x80000007, 0).edx, 8),
		.hypervisor = bit(leaf1.ecx, 31),
		.tlb_listed_pages = (uint16_t)((listed >> 16 & 0xfff) + (listed & 0xfff)),
	};
	cpu->level1_data_ways = level1_data_ways(leaves, cpu->vendor);
	signature(leaves, cpu);
	switch (cpu->vendor) {
	case VM_CPU_INTEL:
		intel_buffers(leaves, cpu);
		break;
	case VM_CPU_AMD:
		amd_buffers(leaves, cpu);
		break;
	case VM_CPU_OTHER:
		break;
	}
}

/* Registers as text: printable bytes up to the first NUL, without blanks around. */
static void text_of_words(const uint32_t *words, size_t count, char name[CPUID_NAME_BYTES])
{
	char raw[CPUID_NAME_BYTES] = {0};

	memcpy(raw, words, count * sizeof(*words));
	for (size_t i = 0; raw[i] != '\0'; i++) {
		if (raw[i] < ' ' || raw[i] > '~')
			raw[i] = '?';
	}
	const struct kernel_text trimmed = kernel_text_trimmed(kernel_text_of(raw));
	(void)kernel_text_copy(trimmed, name, CPUID_NAME_BYTES);
}

void cpuid_name(const struct cpuid_leaves *leaves, char name[CPUID_NAME_BYTES])
{
	uint32_t words[12];

	for (uint32_t i = 0; i < 3; i++) {
		const struct cpuid_leaf leaf = get(leaves, 0x80000002 + i, 0);
		memcpy(words + (size_t)i * 4,
			(const uint32_t[4]){leaf.eax, leaf.ebx, leaf.ecx, leaf.edx},
			4 * sizeof(uint32_t));
	}
	text_of_words(words, 12, name);
}

void cpuid_hypervisor(const struct cpuid_leaves *leaves, char name[CPUID_NAME_BYTES])
{
	const struct cpuid_leaf leaf = get(leaves, 0x40000000, 0);

	text_of_words((const uint32_t[3]){leaf.ebx, leaf.ecx, leaf.edx}, 3, name);
}
