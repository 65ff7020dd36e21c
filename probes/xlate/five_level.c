/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses that need the fifth level: who gets them, where they end, and what tables they cost.
 *
 * It would miss a wrong translation up there: xlate.page-walk-high.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"
#include "vm/pte.h"
#include "vm/tables.h"

/* Where programs that know nothing of five levels end: linux:6.12:DEFAULT_MAP_WINDOW */
#define USUAL_END (UINT64_C(1) << 47)
#define HIGH	  (UINT64_C(1) << 52)
/* Apart by what one entry of the fourth level spans 512 of. */
#define FAR (UINT64_C(1) << 48)
/* Half of the 57 bits are the user's. */
#define USER_END (UINT64_C(1) << 56)

#define COUNTED_LEVELS 3 /* VmPTE has the tables of these, and none above */

/* --- what the model says --------------------------------------------------------------------- */

static void say(struct vm_predictions *predictions, const char *quantity, enum vm_unit unit,
	enum vm_form form, const int64_t *values, size_t values_count, const char *because,
	const char *cite)
{
	vm_predict(predictions, &(struct vm_prediction){.claim = "xlate.five-level",
					.quantity = quantity,
					.at = "",
					.unit = unit,
					.form = form,
					.values = values,
					.values_count = values_count,
					.because = because,
					.cite = cite});
}

static void predict_tables(struct vm_predictions *predictions)
{
	const struct vm_table_range ranges[] = {{HIGH, HIGH}, {HIGH + FAR, HIGH + FAR}};
	uint64_t tables[VM_PAGING_LEVELS_LIMIT + 1] = {0};
	int64_t kib = 0;

	(void)vm_hierarchical_tables(vm_paging_shape(VM_PAGING_LEVEL5), ranges, 2, 1, tables);
	for (unsigned level = 1; level <= COUNTED_LEVELS; level++)
		kib += (int64_t)vm_pages_to_kib(tables[level]);
	say(predictions, "tables", VM_UNIT_KIB, VM_FORM_EXACT, &kib, 1,
		"three tables for each of two pages that share none; those of the fourth level are "
		"made, and not counted",
		"linux:6.12:mm/memory.c:__p4d_alloc");
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const int64_t window[] = {0, (int64_t)(USUAL_END - VM_PAGE_BYTES)};
	const int64_t hinted = (int64_t)HIGH;
	/* The last page is nobody's: a system call at its end would return to the hole. */
	const int64_t errors[] = {0, ENOMEM, ENOMEM};
	const int64_t signals[] = {SEGV_MAPERR, SI_KERNEL};
	static const char hint_cite[] =
		"linux:6.12:arch/x86/kernel/sys_x86_64.c:arch_get_unmapped_area_topdown";

	(void)model, (void)host, (void)arguments, (void)readings;
	say(predictions, "without-hint", VM_UNIT_ADDRESS, VM_FORM_WITHIN, window, 2,
		"programs may keep things in the upper bits of pointers: nothing beyond 47 bits is "
		"given to one that does not ask",
		hint_cite);
	say(predictions, "crossing", VM_UNIT_ADDRESS, VM_FORM_WITHIN, window, 2,
		"a hint whose area would reach over the 47th bit is no hint",
		"linux:6.12:arch/x86/mm/mmap.c:mmap_address_hint_valid");
	say(predictions, "with-hint", VM_UNIT_ADDRESS, VM_FORM_EXACT, &hinted, 1,
		"a hint beyond 47 bits is the request", hint_cite);
	say(predictions, "at-the-end", VM_UNIT_ERRNO, VM_FORM_EXACT, errors, 3,
		"user addresses end one page below the half of 57 bits",
		"linux:6.12:arch/x86/include/asm/page_64.h:task_size_max");
	say(predictions, "beyond", VM_UNIT_COUNT, VM_FORM_EXACT, signals, 2,
		"the last page of the half is an address like any other, the first of the hole is "
		"none",
		"linux:6.12:arch/x86/kernel/traps.c:exc_general_protection");
	predict_tables(predictions);
}

/* --- what the trial does ---------------------------------------------------------------------- */

static int64_t map_near(uint64_t hint, size_t length_bytes)
{
	void *memory = mmap((void *)hint, length_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	return (int64_t)(uintptr_t)memory;
}

static int64_t error_at(uint64_t address)
{
	void *memory = mmap((void *)address, VM_PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return memory == MAP_FAILED ? errno : 0;
}

static sigjmp_buf refused;
static volatile int refused_code;

static void jump(int number, siginfo_t *info, void *context)
{
	(void)context;
	refused_code = info->si_code;
	siglongjmp(refused, number);
}

static int64_t code_at(uint64_t address)
{
	refused_code = 0;
	if (sigsetjmp(refused, 1) == 0)
		(void)*(const volatile char *)(uintptr_t)address;
	return refused_code;
}

static void observe_tables(void)
{
	const struct kernel_file status =
		kernel_file_open("/proc/self/status", KERNEL_FILE_USUAL_BYTES);
	volatile char *far = (volatile char *)map_near(HIGH + FAR, VM_PAGE_BYTES);
	const int64_t before = kernel_meminfo_value(kernel_file_read(&status), "VmPTE");

	*(volatile char *)HIGH = 1;
	*far = 1;
	observe("tables", kernel_meminfo_value(kernel_file_read(&status), "VmPTE") - before,
		VM_UNIT_KIB, "VmPTE");
}

static void measure(const struct probe_arguments *arguments)
{
	const struct sigaction action = {.sa_sigaction = jump, .sa_flags = SA_SIGINFO};
	int64_t values[3];

	(void)arguments;
	MUST(sigaction(SIGSEGV, &action, NULL) == 0);
	observe("without-hint", map_near(0, VM_PAGE_BYTES), VM_UNIT_ADDRESS, "mmap");
	observe("crossing", map_near(USUAL_END - VM_PAGE_BYTES, 2 * VM_PAGE_BYTES), VM_UNIT_ADDRESS,
		"mmap");
	observe("with-hint", map_near(HIGH, VM_PAGE_BYTES), VM_UNIT_ADDRESS, "mmap");
	for (uint64_t i = 0; i < 3; i++)
		values[i] = error_at(USER_END - (2 - i) * VM_PAGE_BYTES);
	observe_values("at-the-end", "", values, 3, VM_UNIT_ERRNO, "mmap");
	values[0] = code_at(USER_END - VM_PAGE_BYTES);
	values[1] = code_at(USER_END);
	observe_values("beyond", "", values, 2, VM_UNIT_COUNT, "siginfo");
	observe_tables();
}

static const char *const claims[] = {"xlate.five-level", NULL};

PROBE(five_level) = {
	.name = "xlate.five-level-addresses",
	.claims = claims,
	.question = "Who gets addresses beyond 47 bits, where do they end, and what do they cost?",
	.method =
		"Map without a hint, with one that crosses the 47th bit, with one beyond it, and "
		"at "
		"the last pages of the half; load from the last page and from the hole; read VmPTE "
		"around the first writes to two pages that are far apart.",
	.threats = "None is known.",
	.by_hand = "mmap with a hint in any language; grep VmPTE /proc/PID/status",
	.needs = {.features_count = 1, .features = {VM_FEATURE_FIVE_LEVEL}},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
