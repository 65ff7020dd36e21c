/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights that are taken away from a page whose translation this CPU has just used: no call and no
 * other process comes between taking them away and the next access, so that a stale entry would
 * act.
 *
 * It would miss a flush that another CPU lacks.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "probe/machine.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/trial.h"
#include "vm/machine.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define BASE UINT64_C(0x100000000000)

enum taking { TAKE_WRITE, TAKE_ALL, TAKE_MAPPING };

static const char *const taking_labels[] = {"write", "all", "mapping"};

static const struct probe_parameter parameters[] = {
	{
		.name = "taken",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {TAKE_WRITE, TAKE_ALL, TAKE_MAPPING},
		.labels = taking_labels,
	},
};

/* --- what the model says --------------------------------------------------------------------- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const enum taking taken = (enum taking)probe_argument(arguments, "taken");
	struct vm_machine *machine = probe_machine(model, host, predictions->arena);
	const struct vm_operation page = {
		.address = BASE, .length = VM_PAGE_BYTES, .file = VM_NO_FILE, .value = 7};
	struct vm_operation operation = page;

	(void)readings;
	operation.kind = VM_OP_MAP;
	operation.protection = VM_PROT_READ | VM_PROT_WRITE;
	operation.flags = VM_MAP_PRIVATE | VM_MAP_ANONYMOUS | VM_MAP_FIXED;
	probe_perform(machine, operation);
	operation = page;
	operation.kind = VM_OP_TOUCH_WRITE;
	probe_perform(machine, operation);
	operation.kind = taken == TAKE_MAPPING ? VM_OP_UNMAP : VM_OP_PROTECT;
	operation.protection = taken == TAKE_WRITE ? VM_PROT_READ : 0;
	probe_perform(machine, operation);
	operation.kind = VM_OP_TOUCH_WRITE;
	const struct vm_outcome outcome = probe_perform(machine, operation);
	const int64_t number = outcome.signal.number, code = outcome.signal.code;
	struct vm_prediction prediction = {
		.claim = "tlb.protection",
		.quantity = "signal",
		.at = "",
		.unit = VM_UNIT_SIGNAL,
		.form = VM_FORM_EXACT,
		.values = &number,
		.values_count = 1,
		.because =
			"the kernel invalidates what the processor may remember before it returns",
		.cite = "linux:6.12:mm/mprotect.c:do_mprotect_pkey",
	};
	vm_predict(predictions, &prediction);
	prediction.quantity = "code";
	prediction.unit = VM_UNIT_COUNT;
	prediction.values = &code;
	vm_predict(predictions, &prediction);
}

/* --- what the trial does ---------------------------------------------------------------------- */

static sigjmp_buf refused;
static volatile int refused_code;

static void jump(int number, siginfo_t *info, void *context)
{
	(void)context;
	refused_code = info->si_code;
	siglongjmp(refused, number);
}

static void measure(const struct probe_arguments *arguments)
{
	const enum taking taken = (enum taking)probe_argument(arguments, "taken");
	const struct sigaction action = {.sa_sigaction = jump, .sa_flags = SA_SIGINFO};
	volatile char *memory = mmap((void *)BASE, VM_PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	volatile int signal_number = 0;

	MUST(memory != MAP_FAILED && sigaction(SIGSEGV, &action, NULL) == 0);
	*memory = 1;
	const int number = sigsetjmp(refused, 1);
	if (number == 0) {
		*memory = 2;
		const int failed = taken == TAKE_MAPPING
					   ? munmap((void *)BASE, VM_PAGE_BYTES)
					   : mprotect((void *)BASE, VM_PAGE_BYTES,
						     taken == TAKE_WRITE ? PROT_READ : PROT_NONE);
		*memory = 7;
		MUST(failed == 0);
	} else {
		signal_number = number;
	}
	observe("signal", signal_number, VM_UNIT_SIGNAL, "siginfo");
	observe("code", refused_code, VM_UNIT_COUNT, "siginfo");
}

static const char *const claims[] = {"tlb.protection", NULL};

PROBE(stale) = {
	.name = "tlb.stale-entries",
	.claims = claims,
	.question = "Does a right that was taken away still act on the CPU that took it?",
	.method = "Write to a page, take the right, or the page, away, and write again at once.",
	.threats = "A switch to another process in between may empty the TLB and hide a missing "
		   "flush: nothing is called in between.",
	.by_hand = "mprotect and a store, in a program",
	.parameters_count = 1,
	.parameters = parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
