/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments of the local table, used by compatibility code and by 64-bit code.
 *
 * It would miss a base or limit that is wrong for stack or code segments.
 */
#include <asm/ldt.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/probe.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"
#include "vm/segment.h"

#define FUNCTION_WRITE 0x11
#define LOW_BYTES      ((size_t)1 << 17) /* code, then a stack, then what the segments show */
#define STACK_END      ((size_t)1 << 16)
#define SHOWN	       STACK_END
#define LIMIT	       99
#define WRITTEN	       200

enum entry { ENTRY_CODE, ENTRY_DATA, ENTRY_READ_ONLY, ENTRY_ABSENT, ENTRIES };

/* The last that a local table can have: another segment like the data segment. */
#define LAST (VM_DESCRIPTORS_LIMIT - 1)

/* The local table, as the model takes it and as it is written. */
static const struct vm_descriptor table[ENTRIES] = {
	[ENTRY_CODE] = {.limit = 0xfffff,
		.limit_in_pages = true,
		.present = true,
		.readable = true,
		.privilege = 3,
		.type = VM_SEGMENT_CODE},
	[ENTRY_DATA] = {.limit = LIMIT, .present = true, .writable = true, .privilege = 3},
	[ENTRY_READ_ONLY] = {.limit = LIMIT, .present = true, .privilege = 3},
	[ENTRY_ABSENT] = {.limit = LIMIT, .writable = true, .privilege = 3},
};

/* Accesses of compatibility code: through which segment, where, and how. */
static const struct {
	const char *at;
	enum entry entry;
	uint32_t offset;
	enum vm_access_kind kind;
} accesses[] = {
	{"read first", ENTRY_DATA, 0, VM_ACCESS_READ},
	{"read last", ENTRY_DATA, LIMIT, VM_ACCESS_READ},
	{"read beyond", ENTRY_DATA, LIMIT + 1, VM_ACCESS_READ},
	{"write inside", ENTRY_DATA, 7, VM_ACCESS_WRITE},
	{"write beyond", ENTRY_DATA, LIMIT + 1, VM_ACCESS_WRITE},
	{"read read-only", ENTRY_READ_ONLY, 9, VM_ACCESS_READ},
	{"write read-only", ENTRY_READ_ONLY, 9, VM_ACCESS_WRITE},
	{"not present", ENTRY_ABSENT, 0, VM_ACCESS_READ},
};

#define ACCESSES_COUNT (sizeof(accesses) / sizeof(accesses[0]))

/* What lies so far from the segments' base. */
static int64_t shown_byte(uint64_t distance)
{
	return (int64_t)((distance * 7 + 3) & UINT8_MAX);
}

/* ---- predictions ---- */

static void predict_one(struct vm_predictions *predictions, const char *claim, const char *quantity,
	const char *at, int64_t value, const char *because)
{
	const bool is_signal = strcmp(quantity, "signal") == 0;

	vm_predict(predictions, &(struct vm_prediction){
					.claim = claim,
					.quantity = quantity,
					.at = at,
					.unit = is_signal ? VM_UNIT_SIGNAL : VM_UNIT_COUNT,
					.form = VM_FORM_EXACT,
					.values = &value,
					.values_count = 1,
					.because = because,
					.cite = "intel-sdm:3A:5.3",
				});
}

static int64_t signal_of(enum vm_segment_outcome outcome)
{
	switch (outcome) {
	case VM_SEGMENT_ALLOWED:
		return 0;
	case VM_SEGMENT_NOT_PRESENT:
		return SIGBUS;
	case VM_SEGMENT_NULL:
	case VM_SEGMENT_NO_DESCRIPTOR:
	case VM_SEGMENT_PRIVILEGE:
	case VM_SEGMENT_TYPE:
	case VM_SEGMENT_LIMIT:
		break;
	}
	return SIGSEGV;
}

/* The first byte of the last entry's segment, before that entry is written and after. */
static void predict_last(struct vm_predictions *predictions)
{
	static struct vm_descriptor whole[VM_DESCRIPTORS_LIMIT];
	static const char *const places[] = {"last entry, not written", "last entry"};
	const struct vm_selector selector = {.index = LAST, .local = true, .privilege = 3};

	memcpy(whole, table, sizeof(table));
	whole[LAST] = table[ENTRY_DATA];
	for (size_t i = 0; i < 2; i++) {
		const struct vm_descriptor_tables tables = {
			.local_count = i == 0 ? ENTRIES : VM_DESCRIPTORS_LIMIT, .local = whole};
		const struct vm_segment_result result =
			vm_segment_translate(&tables, selector, 0, 1, VM_ACCESS_READ, 3);
		const bool allowed = result.outcome == VM_SEGMENT_ALLOWED;
		predict_one(predictions, "xlate.ldt-size", "signal", places[i],
			signal_of(result.outcome),
			"a selector has 13 bits of index: 8192 segments, of those that are there");
		predict_one(predictions, "xlate.ldt-size", "byte", places[i],
			allowed ? shown_byte(result.linear) : -1,
			"the base is added to the offset");
	}
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char wide[] = "xlate.segmentation-64", narrow[] = "xlate.segmentation";
	const struct vm_descriptor_tables tables = {.local_count = ENTRIES, .local = table};

	(void)model, (void)host, (void)arguments, (void)readings;
	for (size_t i = 0; i < ACCESSES_COUNT; i++) {
		const struct vm_selector selector = {
			.index = (uint16_t)accesses[i].entry, .local = true, .privilege = 3};
		const struct vm_segment_result result = vm_segment_translate(
			&tables, selector, accesses[i].offset, 1, accesses[i].kind, 3);
		const bool allowed = result.outcome == VM_SEGMENT_ALLOWED;
		predict_one(predictions, narrow, "signal", accesses[i].at,
			signal_of(result.outcome),
			"presence, type and limit of the descriptor are checked at each access");
		if (accesses[i].kind == VM_ACCESS_READ)
			predict_one(predictions, narrow, "byte", accesses[i].at,
				allowed ? shown_byte(result.linear) : -1,
				"the base is added to the offset");
		else
			predict_one(predictions, narrow, "byte", accesses[i].at,
				allowed ? WRITTEN : shown_byte(accesses[i].offset),
				"a store goes to the base and the offset, or nowhere");
	}
	predict_one(predictions, wide, "signal", "es, beyond the limit", 0,
		"64-bit code ignores the limit of the extra segment");
	predict_one(predictions, wide, "byte", "es, beyond the limit", shown_byte(5),
		"64-bit code ignores its base: the offset is the address");
	predict_one(
		predictions, wide, "byte", "gs", shown_byte(5), "only fs and gs keep their base");
	predict_one(predictions, wide, "signal", "compatibility code, beyond the limit", SIGSEGV,
		"compatibility code obeys the limits of the local table");
	predict_last(predictions);
}

/* ---- the measurement ---- */

static sigjmp_buf back;
static volatile sig_atomic_t caught;

static void catch (int number)
{
	caught = number;
	siglongjmp(back, 1);
}

/*
 * Copied below 4 GiB, and called there: rdi the end of a low stack, esi a data selector, edx an
 * offset, ecx a 32-bit code selector, r8d nonzero to store. Enters compatibility code by a far
 * return, makes one access through ds, and comes back the same way; eax is the byte that was read.
 */
__attribute__((naked, noinline)) static void compatibility_code(void)
{
	__asm__ volatile("push %rbx\n"
			 "push %rbp\n"
			 "mov %rsp, 9f(%rip)\n"
			 "mov %rdi, %rsp\n"
			 "mov %r8d, %ebx\n"
			 "mov %cs, %eax\n"
			 "sub $8, %rsp\n"
			 "mov %eax, 4(%rsp)\n"
			 "lea 3f(%rip), %rax\n"
			 "mov %eax, (%rsp)\n"
			 "push %rcx\n"
			 "lea 2f(%rip), %rax\n"
			 "push %rax\n"
			 "lretq\n"
			 ".code32\n"
			 "2: mov %esi, %ds\n"
			 "test %ebx, %ebx\n"
			 "jnz 4f\n"
			 "movzbl (%edx), %eax\n"
			 "lret\n"
			 "4: movb $200, (%edx)\n"
			 "xor %eax, %eax\n"
			 "lret\n"
			 ".code64\n"
			 "3: mov 9f(%rip), %rsp\n"
			 "xor %ecx, %ecx\n"
			 "mov %ecx, %ds\n"
			 "pop %rbp\n"
			 "pop %rbx\n"
			 "ret\n"
			 "9: .quad 0\n");
}

typedef int access_function(
	uint64_t stack, unsigned data, unsigned offset, unsigned code, int store);

static unsigned selector_of(unsigned index)
{
	return index << 3 | 4 | 3; /* of the local table, for user code */
}

static void write_entry(unsigned index, const struct vm_descriptor *of, uint32_t base)
{
	struct user_desc segment = {
		.entry_number = index,
		.base_addr = of->type == VM_SEGMENT_CODE ? 0 : base,
		.limit = of->limit,
		.seg_32bit = 1,
		.contents = of->type == VM_SEGMENT_CODE ? 2 : 0,
		.read_exec_only = of->type == VM_SEGMENT_CODE ? 0 : !of->writable,
		.limit_in_pages = of->limit_in_pages,
		.seg_not_present = !of->present,
		.useable = 1,
	};

	/* This call alone returns 32 bits. */
	MUST((int)syscall(SYS_modify_ldt, FUNCTION_WRITE, &segment, sizeof(segment)) == 0);
}

static void fill(unsigned char *low)
{
	for (size_t i = 0; i < LOW_BYTES - SHOWN; i++)
		low[SHOWN + i] = (unsigned char)shown_byte(i);
}

/* The byte that was read, or -1 with caught set. */
static int64_t enter(unsigned char *low, unsigned index, unsigned offset, bool store)
{
	access_function *access = NULL;

	memcpy(&access, &low, sizeof(access));
	caught = 0;
	if (sigsetjmp(back, 1) != 0)
		return -1;
	return access((uint64_t)(uintptr_t)low + STACK_END, selector_of(index), offset,
		selector_of(ENTRY_CODE), store);
}

static void measure_compatibility(unsigned char *low)
{
	for (size_t i = 0; i < ACCESSES_COUNT; i++) {
		const bool store = accesses[i].kind == VM_ACCESS_WRITE;
		fill(low);
		const int64_t byte = enter(low, accesses[i].entry, accesses[i].offset, store);
		observe_at("signal", accesses[i].at, caught, VM_UNIT_SIGNAL, "siginfo");
		observe_at("byte", accesses[i].at, store ? low[SHOWN + accesses[i].offset] : byte,
			VM_UNIT_COUNT, "load");
	}
	(void)enter(low, ENTRY_DATA, LIMIT + 1, false);
	observe_at("signal", "compatibility code, beyond the limit", caught, VM_UNIT_SIGNAL,
		"siginfo");
}

static void measure_last(unsigned char *low, const char *place)
{
	const int64_t byte = enter(low, LAST, 0, false);

	observe_at("signal", place, caught, VM_UNIT_SIGNAL, "siginfo");
	observe_at("byte", place, byte, VM_UNIT_COUNT, "load");
}

static void measure_64_bit(const unsigned char *low)
{
	const unsigned selector = selector_of(ENTRY_DATA);
	volatile int64_t byte = -1;

	caught = 0;
	if (sigsetjmp(back, 1) == 0) {
		unsigned value = 0;
		__asm__ volatile("mov %1, %%es\n"
				 "movzbl %%es:(%2), %0\n"
				 : "=r"(value)
				 : "r"(selector), "r"(low + SHOWN + 5)
				 : "memory");
		byte = value;
	}
	observe_at("signal", "es, beyond the limit", caught, VM_UNIT_SIGNAL, "siginfo");
	observe_at("byte", "es, beyond the limit", byte, VM_UNIT_COUNT, "load");
	byte = -1;
	if (sigsetjmp(back, 1) == 0) {
		unsigned value = 0;
		__asm__ volatile("mov %1, %%gs\n"
				 "movzbl %%gs:5, %0\n"
				 : "=r"(value)
				 : "r"(selector)
				 : "memory");
		byte = value;
	}
	__asm__ volatile("mov %0, %%es\nmov %0, %%gs" ::"r"(0));
	observe_at("byte", "gs", byte, VM_UNIT_COUNT, "load");
}

static void measure(const struct probe_arguments *arguments)
{
	const struct sigaction action = {.sa_handler = catch, .sa_flags = SA_NODEFER};
	unsigned char *low = mmap(NULL, LOW_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	(void)arguments;
	MUST(low != MAP_FAILED);
	memcpy(low, (const void *)(uintptr_t)compatibility_code, 256);
	MUST(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0);
	const uint32_t base = (uint32_t)(uintptr_t)(low + SHOWN);
	for (unsigned entry = 0; entry < ENTRIES; entry++)
		write_entry(entry, &table[entry], base);
	measure_compatibility(low);
	fill(low);
	measure_64_bit(low);
	measure_last(low, "last entry, not written");
	write_entry(LAST, &table[ENTRY_DATA], base);
	measure_last(low, "last entry");
}

static const char *const claims[] = {
	"xlate.segmentation", "xlate.segmentation-64", "xlate.ldt-size", NULL};

PROBE(segmentation) = {
	.name = "xlate.segmentation-live",
	.claims = claims,
	.letters = "S",
	.question = "Do base, limit and type of a segment hold, in compatibility code and in "
		    "64-bit code, up to the last segment of the local table?",
	.method = "Write local descriptors over memory below 4 GiB; access it through them from "
		  "32-bit "
		  "code and from 64-bit code.",
	.threats = "None is known.",
	.by_hand = "man 2 modify_ldt",
	.needs = {.processor = true, .features_count = 1, .features = {VM_FEATURE_MODIFY_LDT}},
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
