/* SPDX-License-Identifier: Apache-2.0 */
#include "model/draw.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "base/pool.h"
#include "model/model.h"

/* What fits a lecture; a longer string is a table of counts, not a picture. */
#define DRAWN_REFERENCES_LIMIT 400
#define DRAWN_FRAMES_LIMIT     64
#define LINE_COLUMNS	       100
#define LABEL_COLUMNS	       8

/* All cells of the drawing: column by column, frames from top to bottom. */
struct picture {
	size_t columns, rows;
	const char **cells; /* column * rows + row */
	const bool *faults;
	const char **heads;
	int cell_columns;
};

static const char *cell_of(struct pool *pool, const struct vm_replace *replace,
	const struct trace *trace, uint32_t frame)
{
	const uint32_t page = vm_replace_page_in(replace, frame);
	const uint8_t flags = vm_replace_frame_flags(replace, frame);

	if (page == VM_NO_PAGE)
		return vm_replace_hand(replace) == frame ? ">" : "";
	if ((flags & VM_FRAME_IN_POOL) != 0)
		return pool_format(pool, "(%" PRIu64 ")", trace->intern.keys[page]);
	return pool_format(pool, "%s%" PRIu64 "%s%s%s",
		vm_replace_hand(replace) == frame ? ">" : "", trace->intern.keys[page],
		(flags & VM_FRAME_REFERENCED) != 0 ? "+" : "",
		(flags & VM_FRAME_ACTIVE) != 0 ? "a" : "",
		(flags & VM_FRAME_DIRTY) != 0 ? "!" : "");
}

static int widest(const struct picture *picture)
{
	size_t widest = 1;

	for (size_t i = 0; i < picture->columns * picture->rows; i++)
		if (strlen(picture->cells[i]) > widest)
			widest = strlen(picture->cells[i]);
	for (size_t i = 0; i < picture->columns; i++)
		if (strlen(picture->heads[i]) > widest)
			widest = strlen(picture->heads[i]);
	return (int)widest;
}

/* Columns from first to end on one line each. */
static void print_part(const struct picture *picture, size_t first, size_t end)
{
	(void)printf("%-*s", LABEL_COLUMNS, "page");
	for (size_t i = first; i < end; i++)
		(void)printf(" %*s", picture->cell_columns, picture->heads[i]);
	(void)putchar('\n');
	for (size_t row = 0; row < picture->rows; row++) {
		(void)printf("frame %-*zu", LABEL_COLUMNS - 6, row);
		for (size_t i = first; i < end; i++)
			(void)printf(" %*s", picture->cell_columns,
				picture->cells[i * picture->rows + row]);
		(void)putchar('\n');
	}
	(void)printf("%-*s", LABEL_COLUMNS, "fault");
	for (size_t i = first; i < end; i++)
		(void)printf(" %*s", picture->cell_columns, picture->faults[i] ? "*" : "");
	(void)puts("\n");
}

bool draw_replacement(const struct vm_replace_config *config, const struct trace *trace)
{
	struct pool POOL_DROPS pool = {0};
	struct vm_replace_event event;

	if (trace->count > DRAWN_REFERENCES_LIMIT || config->frames > DRAWN_FRAMES_LIMIT) {
		message("at most %d references and %d frames can be drawn", DRAWN_REFERENCES_LIMIT,
			DRAWN_FRAMES_LIMIT);
		return false;
	}
	struct vm_arena ARENA_DROPS arena = model_arena(vm_replace_bytes(config));
	struct vm_replace *replace = vm_replace_create(config, &arena);
	bool *faults = pool_take(&pool, trace->count * sizeof(*faults));
	struct picture picture = {
		.columns = trace->count,
		.rows = config->frames,
		.cells = pool_take(&pool, trace->count * config->frames * sizeof(char *)),
		.heads = pool_take(&pool, trace->count * sizeof(char *)),
		.faults = faults,
	};
	for (size_t i = 0; i < trace->count; i++) {
		const uint32_t reference = trace->references[i];
		vm_replace_reference(replace, reference, &event);
		faults[i] = event.fault;
		picture.heads[i] = pool_format(&pool, "%" PRIu64 "%s",
			trace->intern.keys[vm_reference_page(reference)],
			vm_reference_writes(reference) ? "w" : "");
		for (uint32_t frame = 0; frame < config->frames; frame++)
			picture.cells[i * picture.rows + frame] =
				cell_of(&pool, replace, trace, frame);
	}
	picture.cell_columns = widest(&picture);
	const size_t a_line = (size_t)((LINE_COLUMNS - LABEL_COLUMNS) / (picture.cell_columns + 1));
	const struct vm_replace_counts *counts = vm_replace_counts(replace);
	(void)printf("%s, %" PRIu32 " frames: %" PRIu64 " faults of %" PRIu64 "\n",
		vm_policy_word(config->policy), config->frames, counts->faults, counts->references);
	for (size_t first = 0; first < trace->count; first += a_line)
		print_part(&picture, first,
			first + a_line < trace->count ? first + a_line : trace->count);
	return true;
}
