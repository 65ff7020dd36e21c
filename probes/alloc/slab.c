/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every slab cache of the kernel: how many objects it puts into how many pages, and what is left
 * over; and which sizes there are general caches for.
 *
 * It would miss a kernel that fills its slabs otherwise than it says.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/blocks.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"
#include "vm/slab.h"

#define CACHES_LIMIT  1024
#define CLASSES_LIMIT 64

static const char *const inputs[] = {"size"};

static const struct vm_prediction about[] = {
	{
		.claim = "alloc.slab",
		.quantity = "objects",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.because = "as many as fit into the slab's pages",
		.cite = "linux:6.12:mm/slub.c:calculate_order",
	},
	{
		.claim = "alloc.slab",
		.quantity = "pages",
		.at = "",
		.unit = VM_UNIT_PAGES,
		.because = "the smallest power of two that holds 4 * (fls(CPUs) + 1) objects and "
			   "leaves at most 1/16 over; then 1/8, 1/4, 1/2; at most 8 pages",
		.cite = "linux:6.12:mm/slub.c:calculate_order",
	},
	{
		.claim = "alloc.slab",
		.quantity = "leftover",
		.at = "",
		.unit = VM_UNIT_BYTES,
		.because = "what the last object does not reach is lost",
		.cite = "linux:6.12:mm/slub.c:calc_slab_order",
	},
};

enum { OBJECTS, PAGES, LEFTOVER, FIGURES };

/* The general caches' sizes: what any request up to the largest of them is rounded up to. */
static size_t classes_of(int64_t classes[CLASSES_LIMIT])
{
	size_t count = 0;

	for (uint64_t bytes = 1; bytes <= 2 * VM_PAGE_BYTES; bytes = vm_slab_class_bytes(bytes) + 1)
		classes[count++] = (int64_t)vm_slab_class_bytes(bytes);
	return count;
}

/* The sizes of the general caches are the same on every machine. */
static void predict_classes(struct vm_predictions *predictions)
{
	int64_t classes[CLASSES_LIMIT];
	const size_t count = classes_of(classes);

	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "alloc.slab",
			.quantity = "classes",
			.at = "",
			.unit = VM_UNIT_BYTES,
			.form = VM_FORM_SET,
			.values = classes,
			.values_count = count,
			.because = "requests are rounded up to a power of two, or to 96 or 192",
			.cite = "linux:6.12:mm/slab_common.c:kmalloc_info",
		});
}

static int64_t leftover_of(const struct vm_model *model, int64_t slab_bytes, int64_t object_bytes)
{
	switch (model->behaviours.slab_rounding) {
	case VM_SLAB_NO_INTERNAL_WASTE:
		return 0;
	case VM_SLAB_SIZE_CLASSES:
		break;
	}
	return slab_bytes % object_bytes;
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct probe_reading *sizes = probe_reading_of(readings, "size", "");
	static int64_t values[FIGURES][CACHES_LIMIT];

	(void)arguments;
	predict_classes(predictions);
	for (size_t i = 0; sizes != NULL && i < sizes->values_count && i < CACHES_LIMIT; i++) {
		const uint64_t pages = UINT64_C(1)
				       << vm_slab_pages_order(model->behaviours.slab_order,
						  (uint64_t)sizes->values[i], vm_slab_cpus(host));
		const int64_t bytes = (int64_t)vm_pages_to_bytes(pages);
		values[OBJECTS][i] = bytes / sizes->values[i];
		values[PAGES][i] = (int64_t)pages;
		values[LEFTOVER][i] = leftover_of(model, bytes, sizes->values[i]);
	}
	for (size_t figure = 0; figure < FIGURES; figure++) {
		struct vm_prediction prediction = about[figure];
		if (sizes == NULL) {
			predict_rule(predictions, &prediction, inputs, 1);
			continue;
		}
		prediction.form = VM_FORM_EXACT;
		prediction.values = values[figure];
		prediction.values_count = sizes->values_count;
		vm_predict(predictions, &prediction);
	}
}

/* "kmalloc-96", "kmalloc-2k", but no relative like "kmalloc-cg-96". */
static bool is_class(struct kernel_text name, uint64_t *size_bytes)
{
	static const char prefix[] = "kmalloc-";
	struct kernel_text rest;
	bool kibibytes = false;

	if (!kernel_text_starts(name, prefix))
		return false;
	rest = kernel_text_after(name, sizeof(prefix) - 1);
	if (rest.length_bytes > 1 && rest.bytes[rest.length_bytes - 1] == 'k') {
		kibibytes = true;
		rest.length_bytes--;
	}
	if (!kernel_text_decimal(rest, size_bytes))
		return false;
	*size_bytes *= kibibytes ? VM_KIB_BYTES : 1;
	return true;
}

static void measure(const struct probe_arguments *arguments)
{
	static int64_t size[CACHES_LIMIT], objects[CACHES_LIMIT], pages[CACHES_LIMIT],
		leftover[CACHES_LIMIT], classes[CACHES_LIMIT];
	struct kernel_file file;

	if (!kernel_file_try_open("/proc/slabinfo", KERNEL_FILE_LARGE_BYTES, &file))
		unmet("/proc/slabinfo", "a kernel that has it, and the right to read it");
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(&file));
	struct kernel_slab_row cache;
	struct kernel_error error;
	size_t count = 0, classes_count = 0;
	uint64_t class_bytes = 0;
	int more = 0;

	(void)arguments;
	while ((more = kernel_slabinfo_next(&lines, &cache, &error)) == 1) {
		MUST(count < CACHES_LIMIT);
		size[count] = (int64_t)cache.object_bytes;
		objects[count] = (int64_t)cache.objects_per_slab;
		pages[count] = (int64_t)cache.pages_per_slab;
		leftover[count] = (int64_t)vm_pages_to_bytes(cache.pages_per_slab) -
				  objects[count] * size[count];
		count++;
		if (is_class(cache.name, &class_bytes))
			classes[classes_count++] = (int64_t)class_bytes;
	}
	MUST(more == 0);
	observe_values("size", "", size, count, VM_UNIT_BYTES, "/proc/slabinfo");
	observe_values("objects", "", objects, count, VM_UNIT_COUNT, "/proc/slabinfo");
	observe_values("pages", "", pages, count, VM_UNIT_PAGES, "/proc/slabinfo");
	observe_values("leftover", "", leftover, count, VM_UNIT_BYTES, "/proc/slabinfo");
	observe_values("classes", "", classes, classes_count, VM_UNIT_BYTES, "/proc/slabinfo");
}

static const char *const claims[] = {"alloc.slab", NULL};

PROBE(slab) = {
	.name = "alloc.slab",
	.claims = claims,
	.question = "How are objects put into slabs, and what is lost?",
	.method = "Read every cache of /proc/slabinfo.",
	.threats = "Debugging of slabs makes objects larger: the size is read with the rest.",
	.by_hand = "cat /proc/slabinfo",
	.needs = {.root = true},
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
