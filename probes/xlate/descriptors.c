/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many segments the local table takes, and which of the global table a process can use.
 *
 * It would miss entries that only the kernel may use: user code cannot see them.
 */
#include <asm/ldt.h>
#include <errno.h>
#include <linux/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/probe.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define LOCAL_ENTRIES  8192 /* the architecture's: an index has 13 bits */
#define FUNCTION_WRITE 0x11
#define USER_PRIVILEGE 3
#define SELECTOR_BITS  3 /* below the index: table and privilege */

static void predict_global(const struct vm_model *model, struct vm_predictions *predictions)
{
	/* 32-bit user code, user data, user code, and the segment that holds the CPU's number. */
	static const int64_t few[] = {4, 5, 6, 15};
	static int64_t whole[LOCAL_ENTRIES - 1];
	struct vm_prediction prediction = {
		.claim = "xlate.ldt-size",
		.quantity = "global-usable",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.form = VM_FORM_SET,
	};

	switch (model->behaviours.global_table) {
	case VM_GLOBAL_TABLE_WHOLE:
		for (int64_t i = 0; i < LOCAL_ENTRIES - 1; i++)
			whole[i] = i + 1;
		prediction.values = whole;
		prediction.values_count = LOCAL_ENTRIES - 1;
		prediction.because = "8192 global segments, and the first of them is null";
		prediction.cite = "gios";
		break;
	case VM_GLOBAL_TABLE_FIXED_FEW:
		prediction.values = few;
		prediction.values_count = sizeof(few) / sizeof(few[0]);
		prediction.because = "the table has sixteen entries, four of them for user code";
		prediction.cite = "linux:6.12:arch/x86/include/asm/segment.h:GDT_ENTRIES";
		break;
	}
	vm_predict(predictions, &prediction);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)host, (void)arguments, (void)readings;
	vm_predict(predictions, &(struct vm_prediction){
					.claim = "xlate.ldt-size",
					.quantity = "last-local",
					.at = "",
					.unit = VM_UNIT_COUNT,
					.form = VM_FORM_EXACT,
					.values = (int64_t[]){LOCAL_ENTRIES - 1},
					.values_count = 1,
					.because = "an index has 13 bits: 8192 local segments",
					.cite = "linux:6.12:arch/x86/kernel/ldt.c:write_ldt",
				});
	vm_predict(predictions, &(struct vm_prediction){
					.claim = "xlate.ldt-size",
					.quantity = "refusal",
					.at = "",
					.unit = VM_UNIT_ERRNO,
					.form = VM_FORM_EXACT,
					.values = (int64_t[]){EINVAL},
					.values_count = 1,
					.because = "there is no such entry",
					.cite = "linux:6.12:arch/x86/kernel/ldt.c:write_ldt",
				});
	predict_global(model, predictions);
}

static int write_local(unsigned index)
{
	struct user_desc segment = {
		.entry_number = index,
		.limit = 1,
		.seg_32bit = 1,
		.useable = 1,
	};

	/* This call alone returns 32 bits, so that the C library takes a refusal for success. */
	const int result = (int)syscall(SYS_modify_ldt, FUNCTION_WRITE, &segment, sizeof(segment));
	if (result >= 0)
		return 0;
	return result == -1 ? errno : -result;
}

/* Whether the processor lets this privilege look at the segment. */
static bool is_visible(unsigned index)
{
	const unsigned selector = index << SELECTOR_BITS | USER_PRIVILEGE;
	unsigned rights = 0;
	bool visible = false;

	__asm__ volatile("lar %2, %1" : "=@ccz"(visible), "=r"(rights) : "r"(selector) : "memory");
	return visible;
}

static void measure(const struct probe_arguments *arguments)
{
	int64_t usable[LOCAL_ENTRIES];
	size_t usable_count = 0;
	unsigned good = 0, bad = 1U << 20;

	(void)arguments;
	const int first = write_local(good);
	if (first == ENOSYS)
		unmet("this kernel has no modify_ldt", "CONFIG_MODIFY_LDT_SYSCALL=y");
	MUST(first == 0);
	int refusal = write_local(bad);
	MUST(refusal != 0);
	while (bad - good > 1) {
		const unsigned middle = good + (bad - good) / 2;
		const int why = write_local(middle);
		if (why == 0) {
			good = middle;
		} else {
			bad = middle;
			refusal = why;
		}
	}
	observe("last-local", good, VM_UNIT_COUNT, "modify_ldt");
	observe("refusal", refusal, VM_UNIT_ERRNO, "modify_ldt");
	for (unsigned index = 1; index < LOCAL_ENTRIES; index++)
		if (is_visible(index))
			usable[usable_count++] = index;
	observe_values("global-usable", "", usable, usable_count, VM_UNIT_COUNT, "lar");
}

static const char *const claims[] = {"xlate.ldt-size", NULL};

PROBE(descriptors) = {
	.name = "xlate.descriptors",
	.claims = claims,
	.question = "How many segments have the local and the global table?",
	.method = "Write local entries up to the first that is refused; ask the processor (lar) "
		  "for the rights of every global one.",
	.threats = "None is known.",
	.by_hand = "man 2 modify_ldt",
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
