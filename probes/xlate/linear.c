/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's linear mapping, looked at from outside: at a frame's distance from its base lies
 * that frame, behind a large page.
 *
 * It would miss memory that is mapped twice, or not at all: xlate.direct-map adds it up.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/values.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/walk.h"
#include "trial/files.h"
#include "trial/frames.h"
#include "trial/oracle.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* One page of each 2 MiB of a mapping: most of them lie in blocks of their own. */
#define PLACES 12

/* Where the kernel's own text begins: it is mapped once more there. */
#define TEXT_MAPPING UINT64_C(0xffffffff80000000)

static const char *const places[PLACES] = {
	"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const frames[] = {"own-frames"}, *const splits[] = {"large-split"};
	const struct probe_reading *own = probe_reading_of(readings, "own-frames", "");
	struct vm_prediction prediction = {
		.claim = "xlate.direct-map",
		.quantity = "frames",
		.at = "",
		.unit = VM_UNIT_FRAME,
		.form = VM_FORM_EXACT,
		.because = "a frame lies as far from the base of the mapping as from the start of "
			   "memory",
		.cite = "linux:6.12:arch/x86/include/asm/page.h:__va",
	};
	struct moving split;

	(void)arguments;
	for (size_t i = 0; i < PLACES; i++)
		predict_walk(model, host, 0, places[i], readings, predictions);
	if (own == NULL) {
		predict_rule(predictions, &prediction, frames, 1);
	} else {
		prediction.values = own->values;
		prediction.values_count = own->values_count;
		vm_predict(predictions, &prediction);
	}
	prediction.quantity = "behind-small-pages";
	prediction.unit = VM_UNIT_COUNT;
	prediction.because =
		"memory that fills 2 MiB is mapped with large pages, until one is split";
	prediction.cite = "linux:6.12:arch/x86/mm/init.c:split_mem_range";
	if (!moving_of(readings, "large-split", "", &split))
		predict_rule(predictions, &prediction, splits, 1);
	else
		predict_moving(predictions, &prediction, (struct moving){0, split.highest}, 1);
}

/* The distance of the mapping from the memory, as the headers of the memory's image have it. */
static uint64_t base_of_mapping(void)
{
	const int image = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	if (image < 0)
		unmet("this kernel shows no image of its memory",
			"a kernel with CONFIG_PROC_KCORE=y");
	MUST(pread(image, &header, sizeof(header), 0) == (ssize_t)sizeof(header));
	for (size_t i = 0; i < header.e_phnum; i++) {
		const off_t place = (off_t)(header.e_phoff + i * sizeof(segment));
		MUST(pread(image, &segment, sizeof(segment), place) == (ssize_t)sizeof(segment));
		if (segment.p_type == PT_LOAD && segment.p_paddr != UINT64_MAX &&
			segment.p_vaddr < TEXT_MAPPING) {
			MUST(close(image) == 0);
			return segment.p_vaddr - segment.p_paddr;
		}
	}
	broken("the image of memory has no segment of the linear mapping");
}

static int64_t splits_of(const struct kernel_file *vmstat)
{
	uint64_t splits = 0;

	(void)kernel_vmstat_find(kernel_file_read(vmstat), "direct_map_level2_splits", &splits);
	return (int64_t)splits;
}

static void measure(const struct probe_arguments *arguments)
{
	const struct kernel_file vmstat = kernel_file_open("/proc/vmstat", KERNEL_FILE_USUAL_BYTES);
	const size_t length_bytes = PLACES * (size_t)VM_HUGE_2M_BYTES;
	char *memory = mmap(
		NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int64_t own[PLACES], found[PLACES], small = 0;
	struct oracle_view of_small;

	(void)arguments;
	MUST(memory != MAP_FAILED);
	small_pages(memory, length_bytes);
	const uint64_t base = base_of_mapping();
	const int pagemap = frames_open();
	oracle_begin();
	/* All of them, so that the frames of the twelve lie 2 MiB apart, too, or nearly. */
	for (size_t i = 0; i < length_bytes; i += VM_PAGE_BYTES)
		*(volatile char *)(memory + i) = 1;
	oracle_translate((uint64_t)(uintptr_t)memory, &of_small);
	for (size_t i = 0; i < PLACES; i++) {
		const uint64_t frame = frame_of(pagemap, memory + i * (size_t)VM_HUGE_2M_BYTES);
		const struct oracle_view *view =
			oracle_look_at(places[i], base + vm_pages_to_bytes(frame));
		own[i] = (int64_t)frame;
		found[i] = view->physical >> VM_PAGE_SHIFT;
		/* All levels of tables, as a small page needs. */
		small += view->entries_count == of_small.entries_count;
	}
	observe_values("own-frames", "", own, PLACES, VM_UNIT_FRAME, "/proc/self/pagemap");
	observe_values("frames", "", found, PLACES, VM_UNIT_FRAME, "gva2gpa");
	observe("behind-small-pages", small, VM_UNIT_COUNT, "xp");
	observe("large-split", splits_of(&vmstat), VM_UNIT_COUNT, "/proc/vmstat");
}

static const char *const claims[] = {"xlate.direct-map", "xlate.software-walk", NULL};

PROBE(linear) = {
	.name = "xlate.linear-mapping",
	.claims = claims,
	.letters = "V",
	.question = "Where in the kernel's linear mapping does a frame lie, and behind which page?",
	.method =
		"Take twelve pages; ask the machine that emulates this one for the translation of "
		"the base of the mapping and the frame's distance, and for the entries on the "
		"way.",
	.threats = "Pages of the mapping are split for code and for what is kept from writing: so "
		   "many may be small.",
	.by_hand = "readelf -l /proc/kcore; gva2gpa in QEMU's monitor",
	.needs = {.root = true, .features_count = 1, .features = {VM_FEATURE_TRANSLATION_ORACLE}},
	.deadline_s = 60,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
