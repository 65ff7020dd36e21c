/* SPDX-License-Identifier: Apache-2.0 */
/* Operations back to the text of a scenario: what exploration finds can be read, kept and run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/language.h"
#include "scenario/wire.h"
#include "scenario/words.h"

struct writer {
	struct pool *pool;
	uint64_t start, end; /* of the one area that all places are given in */
	FILE *text;
};

static void add(struct writer *w, const char *text)
{
	(void)fputs(text, w->text);
}

static bool has_range(enum vm_operation_kind kind)
{
	return kind != VM_OP_BREAK && kind != VM_OP_LOCK_ALL && kind != VM_OP_UNLOCK_ALL &&
	       kind != VM_OP_FORK && kind != VM_OP_EXIT && kind != VM_OP_WAIT &&
	       kind != VM_OP_CLEAR_REFS && kind != VM_OP_KSM_RUN && kind != VM_OP_POOL &&
	       kind != VM_OP_DENY_WRITE_EXECUTE && kind != VM_OP_SPLICE_READ &&
	       kind != VM_OP_UNPIN && (kind < VM_OP_FILE_CREATE || kind > VM_OP_FILE_CLOSE);
}

static bool is_heap(uint64_t address)
{
	return address >= LIVE_BREAK_ADDRESS && address < LIVE_BREAK_ADDRESS + VM_GIB_BYTES;
}

static void stretch(struct writer *w, uint64_t address, uint64_t length)
{
	if (address < LIVE_ARENA_START || address >= LIVE_BREAK_ADDRESS ||
		length > LIVE_BREAK_ADDRESS - address)
		return;
	w->start = address < w->start ? address : w->start;
	w->end = address + length > w->end ? address + length : w->end;
}

static const char *place(struct writer *w, uint64_t address, uint64_t length)
{
	const bool heap = is_heap(address);
	const char *name = heap ? "heap" : "arena";
	const uint64_t offset = address - (heap ? LIVE_BREAK_ADDRESS : w->start);
	/* Below the area the page is negative: the language counts from the area's start. */
	const long long page = (long long)(int64_t)offset >> VM_PAGE_SHIFT;
	const unsigned long long byte = offset & (VM_PAGE_BYTES - 1);

	if (byte == 0 && vm_is_aligned(length, VM_PAGE_BYTES))
		return pool_format(w->pool, "%s[%lld, %llu]", name, page,
			(unsigned long long)vm_bytes_to_pages_floor(length));
	return pool_format(
		w->pool, "%s[%lld]:%llu,%llu", name, page, byte, (unsigned long long)length);
}

static const char *file_place(struct writer *w, const struct vm_operation *o)
{
	const unsigned long long page = vm_bytes_to_pages_floor(o->offset);
	const unsigned long long byte = o->offset & (VM_PAGE_BYTES - 1);

	return pool_format(
		w->pool, "f%u[%llu]:%llu,%llu", o->file, page, byte, (unsigned long long)o->length);
}

static const char *process_name(struct writer *w, uint32_t process)
{
	return process == 0 ? "main" : pool_format(w->pool, "p%u", process);
}

static const char *size_text(struct writer *w, uint64_t bytes)
{
	if (vm_is_aligned(bytes, VM_PAGE_BYTES))
		return pool_format(
			w->pool, "%llu", (unsigned long long)vm_bytes_to_pages_floor(bytes));
	return pool_format(w->pool, "%lluB", (unsigned long long)bytes);
}

static void add_flags(struct writer *w, const struct word *words, uint64_t flags)
{
	for (; words->word != NULL; words++)
		if (words->value != 0 && (flags & words->value) == words->value)
			add(w, pool_format(w->pool, " %s", words->word));
}

static void add_map(struct writer *w, const struct vm_operation *o)
{
	static const char *const accesses[] = {"rw", "r", "w"};

	add(w, pool_format(w->pool, " %s", word_for(protection_words, o->protection & 7)));
	add_flags(w, map_words, o->flags);
	if ((o->flags & VM_MAP_FIXED) != 0)
		add(w, " replace");
	else if ((o->flags & VM_MAP_FIXED_NOREPLACE) == 0)
		add(w, " hint");
	if (o->file == VM_NO_FILE)
		return;
	add(w, pool_format(w->pool, " of f%u at %llu opened %s", o->file,
		       (unsigned long long)vm_bytes_to_pages_floor(o->offset),
		       accesses[o->file_access]));
}

static void add_remap(struct writer *w, const struct vm_operation *o)
{
	add(w, pool_format(w->pool, " size %s", size_text(w, o->new_length)));
	if ((o->flags & VM_MREMAP_FIXED) != 0)
		add(w, pool_format(w->pool, " at %s", place(w, o->new_address, o->new_length)));
	else if ((o->flags & VM_MREMAP_MAYMOVE) != 0)
		add(w, " may-move");
	if ((o->flags & VM_MREMAP_DONTUNMAP) != 0)
		add(w, " keep");
}

static void add_value(struct writer *w, const struct vm_operation *o)
{
	add(w, pool_format(w->pool, " = %u", o->value));
}

/* What comes behind the range. */
static void add_rest(struct writer *w, const struct vm_operation *o)
{
	switch (o->kind) {
	case VM_OP_MAP:
		add_map(w, o);
		break;
	case VM_OP_REMAP:
		add_remap(w, o);
		break;
	case VM_OP_PROTECT:
		add(w, pool_format(w->pool, " %s", word_for(protection_words, o->protection & 7)));
		if ((o->protection & VM_PROT_GROWSDOWN) != 0)
			add(w, " grows-down");
		break;
	case VM_OP_ADVISE:
	case VM_OP_PROCESS_ADVISE:
		add(w, pool_format(w->pool, " %s", word_for(advice_words, (uint64_t)o->advice)));
		break;
	case VM_OP_LOCK:
		if (o->flags != 0)
			add(w, " on-fault");
		break;
	case VM_OP_SYNC:
		add_flags(w, sync_words, o->flags);
		break;
	case VM_OP_PAGEMAP_SCAN:
		add_flags(w, scan_words, o->flags);
		break;
	case VM_OP_WRITE:
	case VM_OP_TOUCH_WRITE:
	case VM_OP_REMOTE_WRITE:
	case VM_OP_MEM_WRITE:
	case VM_OP_POKE:
	case VM_OP_PINNED_WRITE:
		add_value(w, o);
		break;
	default:
		break;
	}
}

static void add_file_operation(struct writer *w, const struct vm_operation *o)
{
	if (o->kind == VM_OP_FILE_CREATE)
		add(w, pool_format(w->pool, " f%u %s %s%s", o->file,
			       word_for(file_kind_words, o->file_kind), size_text(w, o->length),
			       (o->flags & VM_CREATE_RANDOM) != 0 ? " random" : ""));
	else if (o->kind == VM_OP_FILE_TRUNCATE)
		add(w, pool_format(w->pool, " f%u %s", o->file, size_text(w, o->length)));
	else if (o->kind == VM_OP_FILE_SYNC || o->kind == VM_OP_FILE_CLOSE)
		add(w, pool_format(w->pool, " f%u", o->file));
	else
		add(w, pool_format(w->pool, " %s", file_place(w, o)));
	if (o->kind == VM_OP_FILE_WRITE)
		add_value(w, o);
	if (o->kind == VM_OP_FILE_READ || o->kind == VM_OP_FILE_WRITE)
		add_flags(w, file_io_words, o->flags);
}

static void add_other_operation(struct writer *w, const struct vm_operation *o)
{
	if (o->kind == VM_OP_BREAK)
		add(w, pool_format(w->pool, " %s", size_text(w, o->address - LIVE_BREAK_ADDRESS)));
	else if (o->kind == VM_OP_LOCK_ALL)
		add_flags(w, lock_all_words, o->flags);
	else if (o->kind == VM_OP_FORK)
		add(w, pool_format(w->pool, " %s", process_name(w, o->other)));
	else if (o->kind == VM_OP_CLEAR_REFS)
		add(w, pool_format(w->pool, " %s %u", process_name(w, o->other), o->flags));
	else if (o->kind == VM_OP_KSM_RUN)
		add(w, pool_format(w->pool, " %u", o->flags));
	else if (o->kind == VM_OP_POOL)
		add(w, pool_format(w->pool, " %s %llu", word_for(file_kind_words, o->file_kind),
			       (unsigned long long)o->length));
}

static void add_operation(struct writer *w, const struct vm_operation *o, const char *comment)
{
	const bool remote = o->kind == VM_OP_REMOTE_READ || o->kind == VM_OP_REMOTE_WRITE ||
			    o->kind == VM_OP_MEM_READ || o->kind == VM_OP_MEM_WRITE ||
			    o->kind == VM_OP_POKE || o->kind == VM_OP_PROCESS_ADVISE ||
			    o->kind == VM_OP_PAGEMAP_SCAN;

	add(w, pool_format(w->pool, "%s: %s", process_name(w, o->process),
		       operation_words[o->kind].word));
	if (remote)
		add(w, pool_format(w->pool, " %s", process_name(w, o->other)));
	if (has_range(o->kind)) {
		add(w, pool_format(w->pool, " %s", place(w, o->address, o->length)));
		add_rest(w, o);
	} else if (o->kind >= VM_OP_FILE_CREATE && o->kind <= VM_OP_FILE_CLOSE) {
		add_file_operation(w, o);
	} else {
		add_other_operation(w, o);
	}
	add(w, comment == NULL ? "\n" : pool_format(w->pool, "  # %s\n", comment));
}

const char *scenario_write(struct pool *pool, const struct vm_operation *operations,
	size_t operations_count, const char *const *comments)
{
	struct writer w = {.pool = pool, .start = UINT64_MAX};
	char *text = NULL;
	size_t length_bytes = 0;

	for (size_t i = 0; i < operations_count; i++) {
		const struct vm_operation *o = &operations[i];
		if (has_range(o->kind) && !is_heap(o->address))
			stretch(&w, o->address, o->length);
		if (o->kind == VM_OP_REMAP && (o->flags & VM_MREMAP_FIXED) != 0)
			stretch(&w, o->new_address, o->new_length);
	}
	if (w.start > w.end) {
		w.start = LIVE_ARENA_START;
		w.end = w.start + VM_PAGE_BYTES;
	}
	w.start = vm_align_down(w.start, VM_PAGE_BYTES);
	w.text = open_memstream(&text, &length_bytes);
	if (w.text == NULL)
		abort();
	(void)fprintf(w.text, "area arena %llu at %llu\n",
		(unsigned long long)vm_bytes_to_pages_ceil(w.end - w.start),
		(unsigned long long)vm_bytes_to_pages_floor(w.start - LIVE_ARENA_START));
	for (size_t i = 0; i < operations_count; i++)
		add_operation(&w, &operations[i], comments == NULL ? NULL : comments[i]);
	if (fclose(w.text) != 0)
		abort();
	const char *kept = pool_text_of(pool, text, length_bytes);
	free(text);
	return kept;
}
