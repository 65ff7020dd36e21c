/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a page is zeroed: pages are written and given back, and a second later their frames are
 * looked at through the kernel's own image of memory. Then fresh memory is touched.
 *
 * It would miss a kernel that zeroes in advance, but later than a second after the page was freed.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/frames.h"
#include "trial/image.h"
#include "trial/kernel_log.h"
#include "trial/rest.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* More than a CPU keeps in its own lists, which serve the next request first; one of each so many
 * is looked at. */
#define LOOKED	64
#define APART	64
#define PAGES	((size_t)LOOKED * APART)
#define IDLE_MS 1000

/* --- predicting ------------------------------------------------------------------------------- */

static void predict_all(
	struct vm_predictions *predictions, struct vm_prediction about, int64_t value)
{
	int64_t spans[2 * LOOKED];

	for (size_t i = 0; i < (size_t)2 * LOOKED; i++)
		spans[i] = value;
	about.values = spans;
	about.values_count = (size_t)2 * LOOKED;
	vm_predict(predictions, &about);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"told-to-zero"};
	const bool in_advance = model->behaviours.zeroing == VM_ZEROING_IN_ADVANCE;
	struct moving told;
	struct vm_prediction kept = {
		.claim = "demand.prezeroed",
		.quantity = "kept",
		.at = "",
		.unit = VM_UNIT_BOOL,
		.form = VM_FORM_MOSTLY,
		.because = in_advance ? "unused pages are zeroed in advance"
				      : "a free page keeps what its last owner wrote, unless the "
					"kernel was told to zero what it frees; some have new "
					"owners already, so most count",
		.cite = in_advance ? "osn" : "linux:6.12:mm/page_alloc.c:free_pages_prepare",
	};
	const struct vm_prediction fresh = {
		.claim = "demand.prezeroed",
		.quantity = "not-zero",
		.at = "",
		.unit = VM_UNIT_PAGES,
		.form = VM_FORM_EXACT,
		.values = &(const int64_t){0},
		.values_count = 1,
		.because = "whenever it was done, who gets a page finds zeros",
		.cite = "linux:6.12:mm/memory.c:do_anonymous_page",
	};

	(void)host, (void)arguments;
	if (!moving_of(readings, "told-to-zero", "", &told))
		predict_rule(predictions, &kept, inputs, sizeof(inputs) / sizeof(inputs[0]));
	else
		predict_all(predictions, kept, !in_advance && told.highest == 0);
	vm_predict(predictions, &fresh);
}

/* --- measuring -------------------------------------------------------------------------------- */

/* The kernel's log says at the start what it does: "mem auto-init: ..., heap free:off". */
static bool told_to_zero(void)
{
	static const char first[] = "mem auto-init: stack", off[] = "heap free:off";
	const int log = kernel_log_open();
	struct kernel_log_record record;

	MUST(lseek(log, 0, SEEK_SET) == 0);
	while (kernel_log_next(log, &record)) {
		if (!kernel_text_starts(record.text, first))
			continue;
		struct kernel_text rest = record.text;
		while (rest.length_bytes != 0 && !kernel_text_starts(rest, off))
			rest = kernel_text_after(rest, 1);
		MUST(close(log) == 0);
		return rest.length_bytes == 0;
	}
	unmet("the kernel's log does not go back to its start", "a fresh guest");
}

static char *map(void)
{
	char *memory = mmap(NULL, PAGES * VM_PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	small_pages(memory, PAGES * VM_PAGE_BYTES);
	return memory;
}

/* What a page of ours has in it: its own number, and something that nobody else writes. */
static uint64_t mark_of(size_t page)
{
	return UINT64_C(0x7a65726f00000000) + page;
}

static void measure(const struct probe_arguments *arguments)
{
	const int image = image_open();
	const int pagemap = frames_open();
	int64_t kept[LOOKED], not_zero = 0;
	off_t places[LOOKED];

	(void)arguments;
	/* linux:6.12:mm/page_poison.c:__kernel_poison_pages; linux:6.12:mm/page_alloc.c:
	 * debug_pagealloc_unmap_pages */
	if (started_with("page_poison") || started_with("debug_pagealloc"))
		unmet("the kernel was told to spoil free pages, to find who uses them",
			"start it without page_poison, debug_pagealloc");
	observe("told-to-zero", told_to_zero(), VM_UNIT_BOOL, "kernel log");
	char *memory = map();
	for (size_t i = 0; i < PAGES; i++)
		*(volatile uint64_t *)(void *)(memory + i * VM_PAGE_BYTES) = mark_of(i);
	for (size_t i = 0; i < LOOKED; i++) {
		const size_t page = i * APART;
		uint64_t mark = 0, frame;
		/* Compaction may move a page while we look where it is. */
		do {
			frame = frame_of(pagemap, memory + page * VM_PAGE_BYTES);
			places[i] = image_place_of(image, frame);
			MUST(pread(image, &mark, sizeof(mark), places[i]) == (ssize_t)sizeof(mark));
		} while (frame != frame_of(pagemap, memory + page * VM_PAGE_BYTES));
		/* The instrument: what is there now is what we wrote. */
		MUST(mark == mark_of(page));
	}
	MUST(munmap(memory, PAGES * VM_PAGE_BYTES) == 0);
	rest_ms(IDLE_MS);
	for (size_t i = 0; i < LOOKED; i++) {
		uint64_t mark = 0;
		MUST(pread(image, &mark, sizeof(mark), places[i]) == (ssize_t)sizeof(mark));
		kept[i] = mark == mark_of(i * APART);
	}
	observe_values("kept", "", kept, LOOKED, VM_UNIT_BOOL, "kcore");
	memory = map();
	for (size_t i = 0; i < PAGES; i++)
		not_zero += *(volatile uint64_t *)(void *)(memory + i * VM_PAGE_BYTES) != 0;
	for (size_t i = 0; i < PAGES; i++) {
		*(volatile char *)(memory + i * VM_PAGE_BYTES + sizeof(uint64_t)) = 1;
		not_zero += *(volatile uint64_t *)(void *)(memory + i * VM_PAGE_BYTES) != 0;
	}
	observe("not-zero", not_zero, VM_UNIT_PAGES, "the memory itself");
}

static const char *const claims[] = {"demand.prezeroed", NULL};

PROBE(prezeroed) = {
	.name = "demand.prezeroed",
	.claims = claims,
	.letters = "T",
	.question = "Is a page zeroed when it is freed, or when it is needed?",
	.method = "Pages are written and freed; a second later their frames are read through "
		  "/proc/kcore, and fresh memory is touched.",
	.threats = "Frames that somebody else has meanwhile: most of 64 decide. What others "
		   "wrote is not looked at: only whether our own mark is there.",
	.by_hand = "dmesg | grep 'mem auto-init'",
	.needs = {.root = true,
		.own_machine = true,
		.capabilities = VM_CAPABILITY_SYS_RAWIO,
		.features_count = 1,
		.features = {VM_FEATURE_FRAME_NUMBERS}},
	.deadline_s = 60,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
