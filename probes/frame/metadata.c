/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One descriptor for each frame: how many of them /proc shows, and what memory they take.
 *
 * It would miss descriptors that are there and wrong: scenarios compare them one by one.
 */
#include <fcntl.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/trial.h"
#include "trial/zones.h"
#include "vm/frame.h"
#include "vm/model.h"
#include "vm/prediction.h"

static const char *const inputs[] = {"end-frame"};

static void predict_end(const char *quantity, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	struct vm_prediction prediction = {
		.claim = "frame.metadata",
		.quantity = quantity,
		.at = "",
		.unit = VM_UNIT_FRAME,
		.because = "descriptors come by sections of 128 MiB: up to the end of the last",
		.cite = "linux:6.12:fs/proc/page.c:get_max_dump_pfn",
	};
	struct moving end;

	if (!moving_of(readings, "end-frame", "", &end)) {
		predict_rule(predictions, &prediction, inputs, 1);
		return;
	}
	predict_moving(predictions, &prediction,
		(struct moving){(int64_t)vm_frame_descriptors_end((uint64_t)end.lowest),
			(int64_t)vm_frame_descriptors_end((uint64_t)end.highest)},
		1);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)model, (void)host, (void)arguments;
	predict_end("flags-end", readings, predictions);
	predict_end("counts-end", readings, predictions);
}

/* The first entry of the file that cannot be read: one word of 64 bits a frame. */
static int64_t entries_of(const char *path)
{
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t entry, good = 0, bad = UINT64_C(1) << 40;

	if (file < 0)
		unmet("descriptors of frames are for root", "run as root");
	while (bad - good > 1) {
		const uint64_t middle = good + (bad - good) / 2;
		if (pread(file, &entry, sizeof(entry), (off_t)(middle * sizeof(entry))) ==
			(ssize_t)sizeof(entry))
			good = middle;
		else
			bad = middle;
	}
	MUST(close(file) == 0);
	return (int64_t)bad;
}

static void measure(const struct probe_arguments *arguments)
{
	struct zone_passes *passes = zone_passes_open();
	uint64_t end_frame = 0;

	(void)arguments;
	zone_passes_read(passes, 0);
	for (size_t i = 0; i < passes->zoneinfo[0].count; i++) {
		const struct kernel_zone *zone = &passes->zoneinfo[0].zone[i];
		if (zone->populated && zone->start_frame + zone->spanned_pages > end_frame)
			end_frame = zone->start_frame + zone->spanned_pages;
	}
	observe("end-frame", (int64_t)end_frame, VM_UNIT_FRAME, "/proc/zoneinfo");
	observe("flags-end", entries_of("/proc/kpageflags"), VM_UNIT_FRAME, "/proc/kpageflags");
	observe("counts-end", entries_of("/proc/kpagecount"), VM_UNIT_FRAME, "/proc/kpagecount");
}

static const char *const claims[] = {"frame.metadata", NULL};

PROBE(metadata) = {
	.name = "frame.descriptors",
	.claims = claims,
	.question = "How many frames have a descriptor that can be seen?",
	.method = "Find by halving the first entry of kpageflags and kpagecount that is not there.",
	.threats = "Memory that is added meanwhile moves the end: zones are read before.",
	.by_hand = "grep -E 'spanned|start_pfn' /proc/zoneinfo",
	.needs = {.root = true, .capabilities = VM_CAPABILITY_SYS_ADMIN},
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
