/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's linear mapping, looked at from outside: at a frame's distance from its base lies
 * that frame.
 *
 * It would miss other memory that is mapped wrongly, or not at all: xlate.linear-tables has all.
 */
#include <sys/mman.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/walk.h"
#include "trial/files.h"
#include "trial/frames.h"
#include "trial/image.h"
#include "trial/oracle.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* One page of each 2 MiB of a mapping: most of them lie in blocks of their own. */
#define PLACES 12

static const char *const places[PLACES] = {
	"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const frames[] = {"own-frames"};
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

	(void)arguments;
	for (size_t i = 0; i < PLACES; i++)
		predict_walk(model, host, 0, places[i], readings, predictions);
	if (vm_host_has(host, VM_FEATURE_PAGE_TABLE_ISOLATION)) {
		prediction.because = "the tables that a program runs with do not have the linear "
				     "mapping where they are isolated";
		prediction.cite = "linux:6.12:arch/x86/mm/pti.c:__pti_set_user_pgtbl";
		predict_moving(predictions, &prediction, (struct moving){-1, -1}, PLACES);
	} else if (own == NULL) {
		predict_rule(predictions, &prediction, frames, 1);
	} else {
		prediction.values = own->values;
		prediction.values_count = own->values_count;
		vm_predict(predictions, &prediction);
	}
}

static void measure(const struct probe_arguments *arguments)
{
	const size_t length_bytes = PLACES * (size_t)VM_HUGE_2M_BYTES;
	char *memory = mmap(
		NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int64_t own[PLACES], found[PLACES];

	(void)arguments;
	MUST(memory != MAP_FAILED);
	small_pages(memory, length_bytes);
	const uint64_t base = image_distance(image_open());
	const int pagemap = frames_open();
	oracle_begin();
	/* All of them, so that the frames of the twelve lie 2 MiB apart, too, or nearly. */
	for (size_t i = 0; i < length_bytes; i += VM_PAGE_BYTES)
		*(volatile char *)(memory + i) = 1;
	for (size_t i = 0; i < PLACES; i++) {
		const uint64_t frame = frame_of(pagemap, memory + i * (size_t)VM_HUGE_2M_BYTES);
		own[i] = (int64_t)frame;
		found[i] = oracle_look_at(places[i], base + vm_pages_to_bytes(frame))->physical >>
			   VM_PAGE_SHIFT;
	}
	observe_values("own-frames", "", own, PLACES, VM_UNIT_FRAME, "/proc/self/pagemap");
	observe_values("frames", "", found, PLACES, VM_UNIT_FRAME, "gva2gpa");
}

static const char *const claims[] = {"xlate.direct-map", "xlate.software-walk", NULL};

PROBE(linear) = {
	.name = "xlate.linear-mapping",
	.claims = claims,
	.letters = "V",
	.question = "Where in the kernel's linear mapping does a frame lie?",
	.method =
		"Take twelve pages; ask the machine that emulates this one for the translation of "
		"the base of the mapping and the frame's distance, and for the entries on the "
		"way.",
	.threats = "Memory that is taken out of the mapping on purpose: none of a program's is.",
	.by_hand = "readelf -l /proc/kcore; gva2gpa in QEMU's monitor",
	.needs = {.root = true, .features_count = 1, .features = {VM_FEATURE_TRANSLATION_ORACLE}},
	.deadline_s = 60,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
