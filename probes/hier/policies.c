/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a memory policy is: the pages' that it was given to, wherever they are moved, in a child,
 * and when their area is split. One node is enough to see that.
 *
 * It would miss a policy that is kept and not followed: hier.numa-placement.
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/probe.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/numa.h"
#include "vm/prediction.h"

/* A slot of the top table of its own, and room to move to in it. */
#define BASE  UINT64_C(0x100000000000)
#define MOVED (BASE + VM_HUGE_2M_BYTES)
#define PAGES 24
#define FIRST 8
#define COUNT 9

static const char *const mode_labels[] = {"preferred", "bind", "interleave"};

static const struct probe_parameter parameters[] = {
	{
		.name = "mode",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {VM_NUMA_PREFERRED, VM_NUMA_BIND, VM_NUMA_INTERLEAVE},
		.labels = mode_labels,
	},
};

enum look { LOOK_GIVEN, LOOK_CHILD, LOOK_SPLIT, LOOK_MOVED, LOOK_TAKEN_BACK, LOOKS };

static const struct {
	const char *at, *because;
} looks[LOOKS] = {
	[LOOK_GIVEN] = {"given", "mbind splits the area: the pages that it names have the policy"},
	[LOOK_CHILD] = {"child", "an area's policy is the child's as well"},
	[LOOK_SPLIT] = {"split", "both parts of an area have its policy"},
	[LOOK_MOVED] = {"moved", "a policy goes with the pages that are moved"},
	[LOOK_TAKEN_BACK] = {"taken-back", "the default takes the place of any other"},
};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const enum vm_numa_mode asked = (enum vm_numa_mode)probe_argument(arguments, "mode");

	(void)model, (void)host, (void)readings;
	for (size_t look = 0; look < LOOKS; look++) {
		const bool moved = look == LOOK_MOVED;
		const enum vm_numa_mode mode = look == LOOK_TAKEN_BACK ? VM_NUMA_DEFAULT : asked;
		int64_t modes[PAGES];
		const size_t count = moved ? COUNT : PAGES;
		for (size_t page = 0; page < count; page++)
			modes[page] = vm_numa_mode_at(mode, moved ? 0 : FIRST, COUNT, page);
		vm_predict(predictions, &(struct vm_prediction){
						.claim = "hier.numa",
						.quantity = "mode",
						.at = looks[look].at,
						.unit = VM_UNIT_COUNT,
						.form = VM_FORM_EXACT,
						.values = modes,
						.values_count = count,
						.because = looks[look].because,
						.cite = "linux:6.12:mm/mempolicy.c:mbind_range",
					});
	}
}

static void ask_modes(uint64_t start, size_t count, int64_t *modes)
{
	for (size_t page = 0; page < count; page++) {
		int mode = -1;
		MUST(syscall(SYS_get_mempolicy, &mode, NULL, 0, start + vm_pages_to_bytes(page),
			     MPOL_F_ADDR) == 0);
		modes[page] = mode;
	}
}

static void look_at(enum look look, uint64_t start, size_t count)
{
	int64_t modes[PAGES];

	ask_modes(start, count, modes);
	observe_values("mode", looks[look].at, modes, count, VM_UNIT_COUNT, "get_mempolicy");
}

/* To node 0, which is always there; the default names none. */
static int bind_pages(uint64_t start, size_t count, enum vm_numa_mode mode)
{
	const unsigned long nodes = 1;

	return syscall(SYS_mbind, start, vm_pages_to_bytes(count), mode,
		       mode == VM_NUMA_DEFAULT ? NULL : &nodes, 8 * sizeof(nodes), 0) == 0
		       ? 0
		       : errno;
}

/* One by one: a wrong kernel may have made several areas of them. */
static void move_pages_to(uint64_t from, uint64_t to)
{
	for (uint64_t offset = 0; offset < vm_pages_to_bytes(COUNT); offset += VM_PAGE_BYTES)
		MUST(mremap((void *)(from + offset), VM_PAGE_BYTES, VM_PAGE_BYTES,
			     MREMAP_MAYMOVE | MREMAP_FIXED,
			     (void *)(to + offset)) == (void *)(to + offset));
}

static void measure(const struct probe_arguments *arguments)
{
	const enum vm_numa_mode mode = (enum vm_numa_mode)probe_argument(arguments, "mode");
	const uint64_t first = BASE + vm_pages_to_bytes(FIRST);
	void *const middle = (void *)(first + vm_pages_to_bytes(3));
	int status = 0;

	MUST(mmap((void *)BASE, vm_pages_to_bytes(PAGES), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != MAP_FAILED);
	const int failed = bind_pages(first, COUNT, mode);
	if (failed == ENOSYS)
		unmet("this kernel has no memory policies", "CONFIG_NUMA=y");
	MUST(failed == 0);
	look_at(LOOK_GIVEN, BASE, PAGES);
	const pid_t child = fork();
	MUST(child >= 0);
	if (child == 0) {
		look_at(LOOK_CHILD, BASE, PAGES);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0) == child && status == 0);
	MUST(mprotect(middle, (size_t)vm_pages_to_bytes(2), PROT_READ) == 0);
	look_at(LOOK_SPLIT, BASE, PAGES);
	MUST(mprotect(middle, (size_t)vm_pages_to_bytes(2), PROT_READ | PROT_WRITE) == 0);
	move_pages_to(first, MOVED);
	look_at(LOOK_MOVED, MOVED, COUNT);
	move_pages_to(MOVED, first);
	MUST(bind_pages(first, COUNT, VM_NUMA_DEFAULT) == 0);
	look_at(LOOK_TAKEN_BACK, BASE, PAGES);
}

static const char *const claims[] = {"hier.numa", NULL};

PROBE(numa_policies) = {
	.name = "hier.numa-policies",
	.claims = claims,
	.letters = "V",
	.question = "Which pages have a policy that was given to some of an area?",
	.method =
		"Give a policy to some pages by mbind; ask for each page's after that, in a child, "
		"after a split, after a move and when it is taken back.",
	.threats = "A trial has a policy of its own, which is not the area's: that is not asked.",
	.by_hand = "cat /proc/PID/numa_maps",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
