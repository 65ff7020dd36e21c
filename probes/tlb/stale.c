/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights that are taken away from a page whose translation this CPU has just used: no call and no
 * other process comes between taking them away and the next access, so that a stale entry would
 * act.
 *
 * Contents that are taken away likewise: by fork, which leaves the child what it was, and by
 * MADV_DONTNEED.
 *
 * It would miss a flush that another CPU lacks.
 */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/machine.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/trial.h"
#include "vm/machine.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define BASE  UINT64_C(0x100000000000)
#define MOVED (BASE + VM_HUGE_2M_BYTES)

enum taking { TAKE_WRITE, TAKE_ALL, TAKE_MAPPING, TAKE_BY_MOVE };

static const char *const taking_labels[] = {"write", "all", "mapping", "moved"};

static const struct probe_parameter parameters[] = {
	{
		.name = "taken",
		.unit = VM_UNIT_COUNT,
		.choices_count = 4,
		.choices = {TAKE_WRITE, TAKE_ALL, TAKE_MAPPING, TAKE_BY_MOVE},
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
	/* Of a page that has moved nothing is left where it was. */
	operation.kind =
		taken == TAKE_MAPPING || taken == TAKE_BY_MOVE ? VM_OP_UNMAP : VM_OP_PROTECT;
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

static bool take_away(enum taking taken)
{
	switch (taken) {
	case TAKE_WRITE:
		return mprotect((void *)BASE, VM_PAGE_BYTES, PROT_READ) == 0;
	case TAKE_ALL:
		return mprotect((void *)BASE, VM_PAGE_BYTES, PROT_NONE) == 0;
	case TAKE_MAPPING:
		return munmap((void *)BASE, VM_PAGE_BYTES) == 0;
	case TAKE_BY_MOVE:
		return mremap((void *)BASE, VM_PAGE_BYTES, VM_PAGE_BYTES,
			       MREMAP_MAYMOVE | MREMAP_FIXED, (void *)MOVED) == (void *)MOVED;
	}
	return false;
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
		const bool is_taken = take_away(taken);
		*memory = 7;
		MUST(is_taken);
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

/* --- contents --------------------------------------------------------------------------------- */

enum change { CHANGE_FORK, CHANGE_DONTNEED };

static const char *const change_labels[] = {"fork", "dontneed"};

static const struct probe_parameter contents_parameters[] = {
	{
		.name = "change",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {CHANGE_FORK, CHANGE_DONTNEED},
		.labels = change_labels,
	},
};

#define FIRST  1
#define SECOND 2

static void predict_contents(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const bool forked = probe_argument(arguments, "change") == CHANGE_FORK;
	struct vm_machine *machine = probe_machine(model, host, predictions->arena);
	unsigned char byte = 0;
	struct vm_operation operation = {.kind = VM_OP_MAP,
		.address = BASE,
		.length = VM_PAGE_BYTES,
		.file = VM_NO_FILE,
		.protection = VM_PROT_READ | VM_PROT_WRITE,
		.flags = VM_MAP_PRIVATE | VM_MAP_ANONYMOUS | VM_MAP_FIXED};

	(void)readings;
	probe_perform(machine, operation);
	operation.kind = VM_OP_TOUCH_WRITE;
	operation.value = FIRST;
	probe_perform(machine, operation);
	if (forked) {
		probe_perform(machine, (struct vm_operation){.kind = VM_OP_FORK, .other = 1});
		operation.value = SECOND;
	} else {
		operation.kind = VM_OP_ADVISE;
		operation.advice = VM_MADV_DONTNEED;
	}
	probe_perform(machine, operation);
	operation = (struct vm_operation){.kind = VM_OP_READ,
		.process = forked ? 1 : 0,
		.address = BASE,
		.length = 1,
		.file = VM_NO_FILE,
		.out = &byte,
		.out_size = 1};
	probe_perform(machine, operation);
	vm_predict(predictions, &(struct vm_prediction){
					.claim = "tlb.protection",
					.quantity = "byte",
					.at = "",
					.unit = VM_UNIT_COUNT,
					.form = VM_FORM_EXACT,
					.values = (int64_t[]){byte},
					.values_count = 1,
					.because = "no entry from before the change acts after it",
					.cite = "linux:6.12:kernel/fork.c:dup_mmap",
				});
}

static char child_stack[16 * VM_PAGE_BYTES] __attribute__((aligned(16)));

static int say_byte(void *ends)
{
	/* The byte is the parent's word that it has written. */
	const int end = *(const int *)ends;
	char byte;

	return read(end, &byte, 1) < 0 ? 0 : *(volatile unsigned char *)BASE;
}

/*
 * The child has a stack of its own: where the flush is missing the parent's next store goes to the
 * frame that both have, and so does what it does with its stack.
 */
static int64_t byte_in_child(void)
{
	volatile unsigned char *memory = (volatile unsigned char *)BASE;
	int ends[2], status = 0;

	/* The child waits for its turn, where this may be asked for. */
	(void)sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
	MUST(pipe(ends) == 0);
	*memory = FIRST;
	const pid_t child = clone(say_byte, child_stack + sizeof(child_stack), SIGCHLD, &ends[0]);
	*memory = SECOND;
	MUST(child > 0 && write(ends[1], "", 1) == 1);
	MUST(waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int64_t byte_after_dontneed(void)
{
	volatile unsigned char *memory = (volatile unsigned char *)BASE;

	*memory = FIRST;
	const int failed = madvise((void *)BASE, VM_PAGE_BYTES, MADV_DONTNEED);
	const int64_t byte = *memory;
	MUST(failed == 0);
	return byte;
}

static void measure_contents(const struct probe_arguments *arguments)
{
	MUST(mmap((void *)BASE, VM_PAGE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != MAP_FAILED);
	observe("byte",
		probe_argument(arguments, "change") == CHANGE_FORK ? byte_in_child()
								   : byte_after_dontneed(),
		VM_UNIT_COUNT, "a load");
}

PROBE(stale_contents) = {
	.name = "tlb.stale-contents",
	.claims = claims,
	.question = "Does an entry from before fork or MADV_DONTNEED still reach the page?",
	.method =
		"Write to a page, fork and write again at once, and read it in the child; or give "
		"it up and read it at once.",
	.threats =
		"A switch in between may empty the TLB and hide a missing flush: the parent goes "
		"on first.",
	.by_hand = "madvise and a load, in a program",
	.parameters_count = 1,
	.parameters = contents_parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict_contents),
	.measure = MEASURES(measure_contents),
};
