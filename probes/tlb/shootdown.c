/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread on another CPU writes to a page without pause while the page is taken away here: once
 * the call has returned no write may arrive any more, and the writer must fault.
 *
 * It would miss stale entries that only read, or only fetch instructions.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/probe.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define ROUNDS	     200
#define LISTEN_LOOPS 20000
#define WAIT_LOOPS   (UINT64_C(1) << 32)

enum way { WAY_PROTECT, WAY_REPLACE, WAY_MOVE };

static const char *const ways[] = {"protect", "replace", "move"};

static const struct probe_parameter parameters[] = {
	{
		.name = "way",
		.choices_count = 3,
		.choices = {WAY_PROTECT, WAY_REPLACE, WAY_MOVE},
		.labels = ways,
	},
};

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return host->cpus_online > 1;
}

static void predict_one(struct vm_predictions *predictions, const char *quantity, int64_t value,
	const char *because)
{
	vm_predict(predictions, &(struct vm_prediction){
					.claim = "tlb.shootdown",
					.quantity = quantity,
					.at = "",
					.unit = VM_UNIT_COUNT,
					.form = VM_FORM_EXACT,
					.values = &value,
					.values_count = 1,
					.because = because,
					.cite = "linux:6.12:arch/x86/mm/tlb.c:flush_tlb_mm_range",
				});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)model, (void)host, (void)arguments, (void)readings;
	predict_one(predictions, "writes-after-return", 0,
		"every CPU that may hold the entry has dropped it before the call returns");
	predict_one(predictions, "writers-stopped", ROUNDS,
		"the next write walks the tables again, and faults");
}

/* ---- the measurement ---- */

static _Atomic uint64_t *page;	   /* what the writer writes to */
static atomic_uint stopped, going; /* rounds in which the writer faulted, and was let go on */
static atomic_bool over;

/* The writer waits in here until the page is back; then its store is done again. */
static void stop(int number)
{
	const unsigned round = atomic_fetch_add(&stopped, 1) + 1;

	(void)number;
	while (atomic_load(&going) < round && !atomic_load(&over))
		;
}

static void *write_on(void *argument)
{
	(void)argument;
	while (!atomic_load_explicit(&over, memory_order_relaxed))
		atomic_fetch_add_explicit(page, 1, memory_order_relaxed);
	return NULL;
}

static int other_cpu(cpu_set_t *cpus)
{
	const int own = sched_getcpu();

	for (int i = 0; i < CPU_SETSIZE; i++) {
		CPU_ZERO(cpus);
		CPU_SET((size_t)i, cpus);
		if (i != own && sched_setaffinity(0, sizeof(*cpus), cpus) == 0) {
			cpu_set_t back;
			CPU_ZERO(&back);
			CPU_SET((size_t)own, &back);
			MUST(sched_setaffinity(0, sizeof(back), &back) == 0);
			return i;
		}
	}
	return -1;
}

static void take_away(enum way way, void *aside)
{
	void *address = (void *)(uintptr_t)page;

	switch (way) {
	case WAY_PROTECT:
		MUST(mprotect(address, VM_PAGE_BYTES, PROT_NONE) == 0);
		break;
	case WAY_REPLACE:
		MUST(mmap(address, VM_PAGE_BYTES, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == address);
		break;
	case WAY_MOVE:
		MUST(mremap(address, VM_PAGE_BYTES, VM_PAGE_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED,
			     aside) == aside);
		break;
	}
}

/* All that is needed again is the file's page at its old place. */
static void put_back(int file)
{
	void *address = (void *)(uintptr_t)page;

	MUST(mmap(address, VM_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
		     0) == address);
}

static void wait_for(atomic_uint *counter, unsigned value)
{
	for (uint64_t i = 0; atomic_load(counter) < value; i++)
		MUST(i < WAIT_LOOPS);
}

static void measure(const struct probe_arguments *arguments)
{
	const enum way way = (enum way)probe_argument(arguments, "way");
	const struct sigaction action = {.sa_handler = stop};
	const int file = memfd_create("shootdown", 0);
	cpu_set_t cpus;
	pthread_attr_t attributes;
	pthread_t writer;
	unsigned late = 0;

	MUST(file >= 0 && ftruncate(file, (off_t)VM_PAGE_BYTES) == 0);
	void *aside = mmap(NULL, VM_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	_Atomic uint64_t *seen = mmap(NULL, VM_PAGE_BYTES, PROT_READ, MAP_SHARED, file, 0);
	page = mmap(NULL, VM_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	MUST(aside != MAP_FAILED && (void *)seen != MAP_FAILED && (void *)page != MAP_FAILED);
	if (other_cpu(&cpus) < 0)
		unmet("no other CPU may be used", "allow two CPUs");
	MUST(sigaction(SIGSEGV, &action, NULL) == 0 && pthread_attr_init(&attributes) == 0);
	MUST(pthread_attr_setaffinity_np(&attributes, sizeof(cpus), &cpus) == 0);
	MUST(pthread_create(&writer, &attributes, write_on, NULL) == 0);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		const uint64_t before = atomic_load(seen);
		for (uint64_t i = 0; atomic_load(seen) == before; i++)
			MUST(i < WAIT_LOOPS);
		take_away(way, aside);
		const uint64_t at_return = atomic_load(seen);
		for (unsigned i = 0; i < LISTEN_LOOPS; i++)
			if (atomic_load(seen) != at_return) {
				late++;
				break;
			}
		wait_for(&stopped, round);
		put_back(file);
		atomic_store(&going, round);
	}
	atomic_store(&over, true);
	MUST(pthread_join(writer, NULL) == 0);
	observe("writes-after-return", late, VM_UNIT_COUNT, "load");
	observe("writers-stopped", (int64_t)atomic_load(&stopped), VM_UNIT_COUNT, "siginfo");
}

static const char *const claims[] = {"tlb.shootdown", NULL};

PROBE(shootdown_writer) = {
	.name = "tlb.shootdown-writer",
	.claims = claims,
	.question = "Does a page that was taken away on one CPU stay writable on another?",
	.method = "While a thread on another CPU writes on and on, take the page away; look "
		  "through a "
		  "second mapping for writes that arrive after the call has returned.",
	.threats = "A writer that the hypervisor has paused writes nothing: it is waited for.",
	.by_hand = "grep TLB /proc/interrupts",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 60,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
