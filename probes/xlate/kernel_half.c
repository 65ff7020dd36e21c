/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's half of the tables, read in a guest's physical memory: the same entries in two
 * processes, before and after the kernel has mapped something new, and closed to programs.
 *
 * It would miss what differs below the top level for an address that was not looked at.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/text.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/walk.h"
#include "trial/files.h"
#include "trial/oracle.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define HALF_ENTRIES ((size_t)256)

/* Each brings a kernel stack of its own, and the kernel maps those one by one. */
#define CHILDREN 24

/* "0x" and sixteen digits. */
#define ADDRESS_BYTES ((size_t)18)

/* --- what the model says --------------------------------------------------------------------- */

static const char *const after_places[] = {"child", "child, later", "parent, later"};

#define AFTER_PLACES (sizeof(after_places) / sizeof(after_places[0]))

static void predict_half(
	const char *at, const struct probe_readings *readings, struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"first-half"};
	const struct probe_reading *first = probe_reading_of(readings, "first-half", "");
	struct vm_prediction prediction = {
		.claim = "xlate.pgd-span",
		.quantity = "half",
		.at = at,
		.unit = VM_UNIT_FLAGS,
		.form = VM_FORM_EXACT,
		.because = "a new top table gets the kernel's entries as they are, and they stay: "
			   "what "
			   "the kernel maps later hangs below them",
		.cite = "linux:6.12:arch/x86/mm/pgtable.c:pgd_ctor",
	};

	if (first == NULL) {
		predict_rule(predictions, &prediction, inputs, 1);
		return;
	}
	prediction.values = first->values;
	prediction.values_count = first->values_count;
	vm_predict(predictions, &prediction);
}

static void predict_seen(const struct vm_host *host, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"translated"};
	const struct probe_reading *parent = probe_reading_of(readings, "translated", "parent");
	const int64_t mapped = !vm_host_has(host, VM_FEATURE_PAGE_TABLE_ISOLATION);
	struct vm_prediction prediction = {
		.claim = "xlate.kernel-propagation",
		.quantity = "seen",
		.at = "",
		.unit = VM_UNIT_BYTES,
		.form = VM_FORM_EXACT,
		.because = "the tables below the kernel's half of the top one are shared",
		.cite = "linux:6.12:arch/x86/mm/init_64.c:preallocate_vmalloc_pages",
	};

	if (parent == NULL) {
		predict_rule(predictions, &prediction, inputs, 1);
	} else {
		prediction.values = parent->values;
		prediction.values_count = 1;
		vm_predict(predictions, &prediction);
	}
	prediction.quantity = "mapped";
	prediction.unit = VM_UNIT_BOOL;
	prediction.because =
		"the kernel has just mapped it; the tables that are in use in user mode "
		"show it unless they are isolated";
	prediction.values = &mapped;
	prediction.values_count = 1;
	vm_predict(predictions, &prediction);
}

static void predict_process(struct vm_predictions *predictions)
{
	const int64_t distinct = 1;

	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "xlate.per-process",
			.quantity = "roots-distinct",
			.at = "",
			.unit = VM_UNIT_BOOL,
			.form = VM_FORM_EXACT,
			.values = &distinct,
			.values_count = 1,
			.because =
				"each process has a top table of its own, and CR3 holds its place "
				"while the process runs",
			.cite = "linux:6.12:arch/x86/mm/tlb.c:switch_mm_irqs_off",
		});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)arguments;
	for (size_t i = 0; i < AFTER_PLACES; i++)
		predict_half(after_places[i], readings, predictions);
	predict_seen(host, readings, predictions);
	predict_process(predictions);
	predict_walk(model, host, 0, "parent", readings, predictions);
	predict_walk(model, host, 0, "child", readings, predictions);
}

/* --- what the trial does ---------------------------------------------------------------------- */

static void observe_half(const char *quantity, const char *at, const struct oracle_view *view)
{
	uint64_t words[HALF_ENTRIES];
	int64_t values[HALF_ENTRIES];
	const uint64_t root = (uint64_t)view->registers[ORACLE_CR3] & VM_PTE_ADDRESS_MASK;

	oracle_read(root + sizeof(words), words, HALF_ENTRIES);
	for (size_t i = 0; i < HALF_ENTRIES; i++)
		values[i] = (int64_t)words[i];
	observe_values(quantity, at, values, HALF_ENTRIES, VM_UNIT_FLAGS, "guest memory");
}

/* Ends of a pipe pair: the child waits for a word and answers with one. */
struct line {
	int down[2], up[2];
};

static void say(int descriptor, uint64_t word)
{
	MUST(write(descriptor, &word, sizeof(word)) == sizeof(word));
}

static uint64_t hear(int descriptor)
{
	uint64_t word = 0;

	MUST(read(descriptor, &word, sizeof(word)) == sizeof(word));
	return word;
}

/* The process that was there before the new mapping, and looks at it after. */
static _Noreturn void be_the_child(const struct line *line)
{
	oracle_begin();
	const struct oracle_view *view = oracle_look_at("here", (uint64_t)(uintptr_t)line);
	observe_half("half", "child", view);
	say(line->up[1], (uint64_t)view->registers[ORACLE_CR3]);
	view = oracle_look_at("child", hear(line->down[0]));
	observe_half("half", "child, later", view);
	observe("seen", view->physical, VM_UNIT_BYTES, "gva2gpa");
	say(line->up[1], 0);
	_exit(0);
}

static pid_t start_child(void)
{
	const pid_t child = fork();

	MUST(child >= 0);
	if (child == 0)
		for (;;)
			(void)pause();
	return child;
}

/* The start of a mapping of the kernel's, "0xSTART-0xEND SIZE WHO...", that is in now, not before.
 */
static uint64_t new_mapping(struct kernel_text before, struct kernel_text now)
{
	struct kernel_lines lines = kernel_lines_of(now);
	struct kernel_text line;
	struct kernel_error error;

	while (kernel_line_next(&lines, &line, &error) == 1) {
		char start[ADDRESS_BYTES + 1];
		if (line.length_bytes >= ADDRESS_BYTES &&
			memmem(before.bytes, before.length_bytes, line.bytes, ADDRESS_BYTES) ==
				NULL) {
			memcpy(start, line.bytes, ADDRESS_BYTES);
			start[ADDRESS_BYTES] = '\0';
			return strtoull(start, NULL, 16);
		}
	}
	broken("the kernel mapped nothing for %d processes", CHILDREN);
}

static uint64_t map_in_kernel(pid_t *children)
{
	static const char path[] = "/proc/vmallocinfo";
	struct kernel_file before = kernel_file_open(path, KERNEL_FILE_LARGE_BYTES);
	struct kernel_file after = kernel_file_open(path, KERNEL_FILE_LARGE_BYTES);
	const struct kernel_text old = kernel_file_read(&before);

	for (size_t i = 0; i < CHILDREN; i++)
		children[i] = start_child();
	return new_mapping(old, kernel_file_read(&after));
}

static void measure(const struct probe_arguments *arguments)
{
	pid_t children[CHILDREN];
	struct line line;

	(void)arguments;
	MUST(pipe(line.down) == 0 && pipe(line.up) == 0);
	oracle_begin();
	const struct oracle_view *view = oracle_look_at("there", (uint64_t)(uintptr_t)&line);
	const uint64_t root = (uint64_t)view->registers[ORACLE_CR3];
	observe_half("first-half", "", view);
	const pid_t child = fork();
	MUST(child >= 0);
	if (child == 0)
		be_the_child(&line);
	observe("roots-distinct", hear(line.up[0]) != root, VM_UNIT_BOOL, "info registers");
	const uint64_t address = map_in_kernel(children);
	view = oracle_look_at("parent", address);
	observe("mapped", view->physical != -1, VM_UNIT_BOOL, "gva2gpa");
	observe_half("half", "parent, later", view);
	say(line.down[1], address);
	(void)hear(line.up[0]);
	for (size_t i = 0; i < CHILDREN; i++)
		MUST(kill(children[i], SIGKILL) == 0 && waitpid(children[i], NULL, 0) > 0);
	MUST(waitpid(child, NULL, 0) == child);
}

/* The kernel hides its addresses even from root, unless it is told who may see them. */
static const struct probe_parameter parameters[] = {
	{
		.name = "addresses-shown",
		.unit = VM_UNIT_COUNT,
		.choices_count = 1,
		.choices = {1},
		.knob = "kernel.kptr_restrict",
	},
};

static const char *const claims[] = {"xlate.pgd-span", "xlate.kernel-propagation",
	"xlate.per-process", "xlate.software-walk", NULL};

PROBE(kernel_half) = {
	.name = "xlate.kernel-half",
	.claims = claims,
	.question = "Is the kernel's half the same in two processes, and does a new mapping of the "
		    "kernel reach both?",
	.method =
		"Read the upper half of the top table of two processes in the guest's memory, let "
		"the kernel map stacks for new processes, and read again; ask for the translation "
		"of such a stack in both.",
	.threats =
		"Stacks of processes that ended may be used again: more are wanted than are kept.",
	.by_hand = "grep dup_task_struct /proc/vmallocinfo; xp and gva2gpa in QEMU's monitor",
	.parameters_count = 1,
	.parameters = parameters,
	.needs = {.root = true, .features_count = 1, .features = {VM_FEATURE_TRANSLATION_ORACLE}},
	.deadline_s = 60,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};

/* --- who may look ----------------------------------------------------------------------------- */

static void predict_open(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)arguments;
	predict_walk(model, host, 0, "kernel", readings, predictions);
	predict_readable(model, host, "kernel", readings, predictions);
	predict_readable(model, host, "own", readings, predictions);
}

static sigjmp_buf refused;

static void jump(int signal)
{
	siglongjmp(refused, signal);
}

static void try_to_read(const char *at, uint64_t address)
{
	const volatile char *memory = (const volatile char *)(uintptr_t)address;

	MUST(signal(SIGSEGV, jump) != SIG_ERR);
	if (sigsetjmp(refused, 1) == 0) {
		(void)*memory;
		observe_at("readable", at, 1, VM_UNIT_BOOL, "a load");
	} else {
		observe_at("readable", at, 0, VM_UNIT_BOOL, "a load");
	}
	MUST(signal(SIGSEGV, SIG_DFL) != SIG_ERR);
}

static void measure_open(const struct probe_arguments *arguments)
{
	static const char own[] = "a byte of this program";
	char line[256];
	uint64_t address = 0;
	FILE *symbols = fopen("/proc/kallsyms", "re");

	(void)arguments;
	if (symbols == NULL)
		unmet("this kernel has no /proc/kallsyms", "a kernel with CONFIG_KALLSYMS=y");
	while (address == 0 && fgets(line, sizeof(line), symbols) != NULL)
		if (strstr(line, " _stext\n") != NULL)
			address = strtoull(line, NULL, 16);
	MUST(fclose(symbols) == 0 && address != 0);
	oracle_begin();
	(void)oracle_look_at("kernel", address);
	try_to_read("kernel", address);
	(void)oracle_look_at("own", (uint64_t)(uintptr_t)own);
	try_to_read("own", (uint64_t)(uintptr_t)own);
}

static const char *const open_claims[] = {"xlate.user-bit", "xlate.software-walk", NULL};

PROBE(kernel_closed) = {
	.name = "xlate.kernel-closed",
	.claims = open_claims,
	.question = "Does the user bit decide what a program may read?",
	.method =
		"Look at the entries that lead to the kernel's first instruction and to a byte of "
		"this program, then load from both.",
	.threats = "With isolated tables the kernel is not even there.",
	.by_hand = "grep _stext /proc/kallsyms; info tlb in QEMU's monitor",
	.parameters_count = 1,
	.parameters = parameters,
	.needs = {.root = true, .features_count = 1, .features = {VM_FEATURE_TRANSLATION_ORACLE}},
	.deadline_s = 60,
	.predict = PREDICTS(predict_open),
	.measure = MEASURES(measure_open),
};
