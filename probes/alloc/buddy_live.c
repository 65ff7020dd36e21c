/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own buddy allocator: blocks of one order are taken one by one and given back in
 * reverse, with the table of free blocks read after each step.
 *
 * A packet socket's ring is memory of the kernel in blocks of the order that its owner names.
 * Orders above 3 do not go through the lists that each CPU has, so that every step shows in the
 * table.
 *
 * It would miss an allocator that returns the wrong one of two blocks of a size.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/blocks.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/buddy.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* linux:6.12:include/linux/mmzone.h:PAGE_ALLOC_COSTLY_ORDER */
#define CPU_ORDERS   4
#define BLOCKS	     12
#define ORDERS	     11
#define TRIES	     4
#define SHOWN_ORDERS (ORDERS - CPU_ORDERS)

static const struct probe_parameter parameters[] = {
	{
		.name = "order",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {4, 5, 6},
	},
};

/* Others of the machine take blocks as well: the fewer run, the fewer steps are theirs. */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return host->cpus_online == 1;
}

/* --- predicting ------------------------------------------------------------------------------- */

static const char *const places[BLOCKS] = {
	"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"};

/* A rival: the largest block is split, whatever else is there. */
static bool take_largest(uint64_t *free_blocks, unsigned order)
{
	unsigned from = ORDERS;

	while (from > order && free_blocks[from - 1] == 0)
		from--;
	if (from <= order)
		return false;
	free_blocks[--from]--;
	while (from > order)
		free_blocks[--from]++;
	return true;
}

/* What is free after a step that was ours alone, and whether the rival leaves the same. */
static bool take(const struct probe_readings *readings, size_t block, unsigned order,
	uint64_t after[ORDERS], bool *is_rival)
{
	const struct probe_reading *before = probe_reading_of(readings, "before", places[block]);
	const struct probe_reading *alone = probe_reading_of(readings, "alone", places[block]);
	uint64_t rival[ORDERS];

	if (before == NULL || before->values_count != ORDERS || alone == NULL ||
		alone->values[0] == 0)
		return false;
	for (size_t i = 0; i < ORDERS; i++)
		rival[i] = after[i] = (uint64_t)before->values[i];
	*is_rival = !vm_buddy_take_count(after, ORDERS, order) || !take_largest(rival, order) ||
		    memcmp(after, rival, sizeof(rival)) == 0;
	return true;
}

/* What was free before the step, if all that happened until its block came back was ours. */
static bool is_kept(const struct probe_readings *readings, size_t block, uint64_t again[ORDERS])
{
	const struct probe_reading *before = probe_reading_of(readings, "before", places[block]);
	const struct probe_reading *undisturbed =
		probe_reading_of(readings, "undisturbed", places[block]);
	const struct probe_reading *alone = probe_reading_of(readings, "alone", places[block]);

	if (before == NULL || before->values_count != ORDERS || undisturbed == NULL ||
		undisturbed->values[0] == 0 || alone == NULL || alone->values[0] == 0)
		return false;
	for (size_t i = 0; i < ORDERS; i++)
		again[i] = (uint64_t)before->values[i];
	return true;
}

/* Orders that the lists of the CPUs serve come and go with anybody's single pages. */
static void predict_row(struct vm_prediction about, const char *quantity, const char *place,
	const uint64_t *row, struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"before", "alone", "undisturbed"};
	int64_t spans[2 * SHOWN_ORDERS];

	about.quantity = quantity;
	about.at = place;
	about.unit = VM_UNIT_COUNT;
	if (row == NULL) {
		predict_rule(predictions, &about, inputs, sizeof(inputs) / sizeof(inputs[0]));
		return;
	}
	for (size_t i = 0; i < SHOWN_ORDERS; i++)
		spans[2 * i] = spans[2 * i + 1] = (int64_t)row[CPU_ORDERS + i];
	about.form = VM_FORM_WITHIN;
	about.values = spans;
	about.values_count = (size_t)2 * SHOWN_ORDERS;
	vm_predict(predictions, &about);
}

static void predict_nothing(struct vm_prediction about, const char *quantity, const char *place,
	const char *because, struct vm_predictions *predictions)
{
	about.quantity = quantity;
	about.at = place;
	about.unit = VM_UNIT_COUNT;
	about.form = VM_FORM_SILENT;
	about.because = because;
	vm_predict(predictions, &about);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const unsigned order = (unsigned)probe_argument(arguments, "order");
	struct vm_prediction split = {
		.claim = "alloc.buddy-split",
		.because = "the smallest block that is enough is halved until it fits, and each "
			   "other half stays free",
		.cite = "linux:6.12:mm/page_alloc.c:expand",
	};
	const struct vm_prediction joined = {
		.claim = "alloc.buddy-split",
		.because = "given back it joins its buddy as often as that is free: the same "
			   "blocks as before",
		.cite = "linux:6.12:mm/page_alloc.c:__free_one_page",
	};
	size_t excluded_count = 0;

	(void)model, (void)host;
	for (size_t i = 0; i < BLOCKS; i++) {
		uint64_t after[ORDERS];
		bool is_rival = true;
		excluded_count += take(readings, i, order, after, &is_rival) && !is_rival;
	}
	if (readings->count != 0)
		split.because = predict_sentence(predictions,
			"%s; excludes one that splits the largest (%zu steps)", split.because,
			excluded_count);
	for (size_t i = 0; i < BLOCKS; i++) {
		uint64_t after[ORDERS], again[ORDERS];
		bool is_rival = true;
		if (readings->count == 0) {
			predict_row(split, "taken", places[i], NULL, predictions);
			predict_row(joined, "given-back", places[i], NULL, predictions);
			continue;
		}
		if (excluded_count == 0 || !take(readings, i, order, after, &is_rival))
			predict_nothing(split, "taken", places[i],
				excluded_count == 0 ? "no step excludes the rival"
						    : "somebody else took pages",
				predictions);
		else
			predict_row(split, "taken", places[i], after, predictions);
		if (is_kept(readings, i, again))
			predict_row(joined, "given-back", places[i], again, predictions);
		else
			predict_nothing(joined, "given-back", places[i],
				"somebody else took pages meanwhile", predictions);
	}
}

/* --- measuring -------------------------------------------------------------------------------- */

struct blocks {
	struct kernel_file pagetypeinfo;
	unsigned order;
	int sockets[BLOCKS];
	int64_t row[ORDERS]; /* free blocks of the kernel's own type, by order */
	/* How often somebody's single pages came from the lists, or went back to them. */
	int64_t disturbances;
	int64_t disturbances_at[BLOCKS]; /* when the block was taken */
};

/* The kernel's pages come from the highest zone that is not for movable ones alone. */
static void look(struct blocks *blocks)
{
	struct kernel_pagetypes types;
	struct kernel_pagetype_row row;
	struct kernel_error error;
	int64_t last[ORDERS];
	bool seen = false;

	memcpy(last, blocks->row, sizeof(last));
	if (kernel_pagetypeinfo_begin(kernel_file_read(&blocks->pagetypeinfo), &types, &error) != 0)
		broken("pagetypeinfo: line %u: %s", error.line, error.reason);
	while (kernel_pagetypeinfo_next(&types, &row, &error) == 1) {
		if (row.counts_blocks || !kernel_text_is(row.type, "Unmovable") ||
			kernel_text_is(row.zone, "Movable"))
			continue;
		MUST(row.count == ORDERS);
		for (size_t i = 0; i < ORDERS; i++)
			blocks->row[i] = (int64_t)row.values[i];
		seen = true;
	}
	MUST(seen);
	blocks->disturbances += memcmp(last, blocks->row, CPU_ORDERS * sizeof(last[0])) != 0;
}

/* One block of the order, or none any more. */
static void set_ring(int socket, unsigned order, unsigned count)
{
	const unsigned block_bytes = (unsigned)(VM_PAGE_BYTES << order);
	const struct tpacket_req ring = {
		.tp_block_size = count == 0 ? 0 : block_bytes,
		.tp_block_nr = count,
		.tp_frame_size = count == 0 ? 0 : block_bytes,
		.tp_frame_nr = count,
	};

	MUST(setsockopt(socket, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) == 0);
}

/* A step beside somebody else's is undone, and done again. */
static void take_block(struct blocks *blocks, size_t block)
{
	int64_t before[ORDERS];
	bool is_alone = false;

	for (size_t try = 0; !is_alone; try++) {
		look(blocks);
		const int64_t disturbances = blocks->disturbances;
		memcpy(before, blocks->row, sizeof(before));
		set_ring(blocks->sockets[block], blocks->order, 1);
		look(blocks);
		is_alone = blocks->disturbances == disturbances;
		if (try == TRIES)
			break;
		if (!is_alone)
			set_ring(blocks->sockets[block], blocks->order, 0);
	}
	blocks->disturbances_at[block] = blocks->disturbances;
	observe_values("before", places[block], before, ORDERS, VM_UNIT_COUNT, "pagetypeinfo");
	observe_values("taken", places[block], &blocks->row[CPU_ORDERS], SHOWN_ORDERS,
		VM_UNIT_COUNT, "pagetypeinfo");
	observe_at("alone", places[block], is_alone, VM_UNIT_BOOL, "pagetypeinfo");
}

static void give_back(struct blocks *blocks, size_t block)
{
	set_ring(blocks->sockets[block], blocks->order, 0);
	look(blocks);
	observe_values("given-back", places[block], &blocks->row[CPU_ORDERS], SHOWN_ORDERS,
		VM_UNIT_COUNT, "pagetypeinfo");
	observe_at("undisturbed", places[block],
		blocks->disturbances == blocks->disturbances_at[block], VM_UNIT_BOOL,
		"pagetypeinfo");
	MUST(close(blocks->sockets[block]) == 0);
}

static void measure(const struct probe_arguments *arguments)
{
	struct blocks blocks = {
		.pagetypeinfo = kernel_file_open("/proc/pagetypeinfo", KERNEL_FILE_USUAL_BYTES),
		.order = (unsigned)probe_argument(arguments, "order"),
	};

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks.sockets[i] = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
		if (blocks.sockets[i] < 0 && errno == EAFNOSUPPORT)
			unmet("this kernel has no packet sockets, whose rings are the blocks",
				"CONFIG_PACKET=y");
		MUST(blocks.sockets[i] >= 0);
	}
	/* The largest block there is becomes one for the kernel's pages, if none was. */
	set_ring(blocks.sockets[0], ORDERS - 1, 1);
	set_ring(blocks.sockets[0], ORDERS - 1, 0);
	for (size_t i = 0; i < BLOCKS; i++)
		take_block(&blocks, i);
	for (size_t i = BLOCKS; i-- > 0;)
		give_back(&blocks, i);
	kernel_file_close(&blocks.pagetypeinfo);
}

static const char *const claims[] = {"alloc.buddy-split", NULL};

PROBE(buddy_live) = {
	.name = "alloc.buddy-live",
	.claims = claims,
	.letters = "V",
	.question = "Which blocks does a request split, and what does giving back join?",
	.method = "Rings of packet sockets take blocks of one order one by one and give them back "
		  "in reverse; the free blocks by order are read after each step.",
	.threats = "Others take pages too: then blocks of the small orders move, and the step is "
		   "done again.",
	.by_hand = "cat /proc/pagetypeinfo",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.root = true, .own_machine = true},
	.deadline_s = 60,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
