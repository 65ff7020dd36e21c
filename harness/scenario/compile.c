/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a scenario's body to operations, with values in place of parameters. */
#include <string.h>

#include "scenario/cursor.h"
#include "scenario/wire.h"

#define AREAS_LIMIT	  64
#define OPERATIONS_LIMIT  20000
#define LOOP_DEPTH_LIMIT  CURSOR_VARIABLES_LIMIT
#define KERNEL_HALF	  UINT64_C(0xffff800000000000)
#define NON_CANONICAL	  UINT64_C(0x0000800000000000)
#define NULL_END	  UINT64_C(65536) /* below vm.mmap_min_addr nobody has anything */
#define USER_END	  (NON_CANONICAL - VM_PAGE_BYTES)
#define KERNEL_AREA_BYTES (UINT64_C(1) << 39)

struct compiler {
	struct pool *pool;
	struct cursor cursor;
	struct script *script;
	uint64_t next_address; /* where the next area without a wish goes */
	bool alive[LIVE_PROCESSES_LIMIT], file_open[LIVE_FILES_LIMIT];
	enum vm_file_kind file_kind[LIVE_FILES_LIMIT];
};

/* ---- names ---- */

static const struct script_area *area_named(const struct script *script, const char *name)
{
	for (size_t i = 0; i < script->areas_count; i++)
		if (strcmp(script->areas[i].name, name) == 0)
			return &script->areas[i];
	return NULL;
}

static size_t index_of(const char *const *names, size_t count, const char *name)
{
	size_t i = 0;

	while (i < count && strcmp(names[i], name) != 0)
		i++;
	return i;
}

static void add_area(struct compiler *c, const char *name, uint64_t address, uint64_t length)
{
	struct script *script = c->script;

	script->areas =
		pool_grow(c->pool, script->areas, script->areas_count, sizeof(*script->areas));
	script->areas[script->areas_count++] = (struct script_area){name, address, length};
}

/* ---- operands: each reads its tokens into the operation ---- */

/* An address at the edge of what there is wraps on purpose: a[-1] is below a. */
static bool read_subscript(struct cursor *cursor, uint64_t *address, uint64_t *length)
{
	int64_t first = 0, count = 1;

	if (cursor_accept_sign(cursor, "[")) {
		if (!cursor_expect_expression(cursor, &first) ||
			(cursor_accept_sign(cursor, ",") &&
				!cursor_expect_expression(cursor, &count)) ||
			!cursor_expect_sign(cursor, "]"))
			return false;
		if (count < 0)
			return cursor_fail(cursor, "the number of pages is below zero");
		*address += vm_pages_to_bytes((uint64_t)first);
		*length = vm_pages_to_bytes((uint64_t)count);
	}
	if (cursor_accept_sign(cursor, ":")) {
		int64_t offset = 0, bytes = 1;
		if (!cursor_expect_expression(cursor, &offset) ||
			(cursor_accept_sign(cursor, ",") &&
				!cursor_expect_expression(cursor, &bytes)))
			return false;
		if (bytes < 0)
			return cursor_fail(cursor, "the number of bytes is below zero");
		*address += (uint64_t)offset;
		*length = (uint64_t)bytes;
	}
	return true;
}

/* User memory outside of the arena holds the executor itself: no scenario may touch it. */
static bool is_executors(uint64_t address, uint64_t length)
{
	const bool in_arena = address >= LIVE_ARENA_START && length <= LIVE_ARENA_BYTES &&
			      address - LIVE_ARENA_START <= LIVE_ARENA_BYTES - length;
	const bool is_null = address < NULL_END && length <= NULL_END - address;

	return !in_arena && !is_null && address < USER_END;
}

static bool read_place(struct compiler *c, uint64_t *address, uint64_t *length)
{
	const size_t at = c->cursor.at;
	const char *name;

	if (!cursor_expect_word(&c->cursor, "the name of an area", &name))
		return false;
	const struct script_area *area = area_named(c->script, name);
	if (area == NULL) {
		c->cursor.at = at;
		return cursor_expected(&c->cursor, "the name of an area declared above");
	}
	*address = area->address;
	*length = area->length;
	if (!read_subscript(&c->cursor, address, length))
		return false;
	return !is_executors(*address, *length) ||
	       cursor_fail(&c->cursor, "this memory is the executor's own");
}

static bool read_range(struct compiler *c, struct vm_operation *o)
{
	return read_place(c, &o->address, &o->length);
}

static bool read_optional_value(struct compiler *c, struct vm_operation *o)
{
	int64_t value = 1;

	if (cursor_accept_sign(&c->cursor, "=") && !cursor_expect_expression(&c->cursor, &value))
		return false;
	if (value < 0 || value > UINT8_MAX)
		return cursor_fail(&c->cursor, "a byte is 0 to 255");
	o->value = (uint8_t)value;
	return true;
}

static bool read_range_and_value(struct compiler *c, struct vm_operation *o)
{
	return read_range(c, o) && read_optional_value(c, o);
}

static bool read_process(struct compiler *c, uint32_t *process)
{
	struct script *script = c->script;
	const size_t at = c->cursor.at;
	const char *name;

	if (!cursor_expect_word(&c->cursor, "the name of a process", &name))
		return false;
	const size_t index = index_of(script->processes, script->processes_count, name);
	if (index == script->processes_count || !c->alive[index]) {
		c->cursor.at = at;
		return cursor_expected(&c->cursor, "the name of a process that is running here");
	}
	*process = (uint32_t)index;
	return true;
}

static bool read_other(struct compiler *c, struct vm_operation *o)
{
	return read_process(c, &o->other);
}

static bool read_other_and_range(struct compiler *c, struct vm_operation *o)
{
	return read_other(c, o) && read_range(c, o);
}

static bool read_other_range_value(struct compiler *c, struct vm_operation *o)
{
	return read_other(c, o) && read_range_and_value(c, o);
}

static bool read_file(struct compiler *c, struct vm_operation *o)
{
	struct script *script = c->script;
	const size_t at = c->cursor.at;
	const char *name;

	if (!cursor_expect_word(&c->cursor, "the name of a file", &name))
		return false;
	const size_t index = index_of(script->files, script->files_count, name);
	if (index == script->files_count || !c->file_open[index]) {
		c->cursor.at = at;
		return cursor_expected(&c->cursor, "the name of a file that is open here");
	}
	o->file = (uint32_t)index;
	return true;
}

static bool read_file_range(struct compiler *c, struct vm_operation *o)
{
	/* Without a subscript: from the start to beyond any end. */
	o->length = UINT64_C(1) << 40;
	return read_file(c, o) && read_subscript(&c->cursor, &o->offset, &o->length);
}

/* Reading and writing need to know how much. */
static bool read_file_bytes(struct compiler *c, struct vm_operation *o)
{
	if (!read_file(c, o))
		return false;
	if (cursor_at_end(&c->cursor))
		return cursor_expected(&c->cursor, "'[' and the pages of the file");
	return read_subscript(&c->cursor, &o->offset, &o->length);
}

/* The device is asked for whole blocks: pages are. */
static bool read_direct(struct compiler *c, struct vm_operation *o)
{
	if (!cursor_accept_word(&c->cursor, "direct"))
		return true;
	if (!vm_is_aligned(o->offset, VM_PAGE_BYTES) || !vm_is_aligned(o->length, VM_PAGE_BYTES) ||
		c->file_kind[o->file] != VM_FILE_DISK)
		return cursor_fail(&c->cursor, "direct is for whole pages of a disk file");
	o->flags |= VM_FILE_IO_DIRECT;
	return true;
}

static bool read_file_read(struct compiler *c, struct vm_operation *o)
{
	return read_file_bytes(c, o) && read_direct(c, o);
}

/* linux:6.12:fs/inode.c:no_open_fops: there is no other descriptor than the one it came with */
static bool opens_again(struct compiler *c, const struct vm_operation *o)
{
	return c->file_kind[o->file] != VM_FILE_SECRET ||
	       cursor_fail(&c->cursor, "a file of secret memory cannot be opened once more");
}

static bool read_file_write(struct compiler *c, struct vm_operation *o)
{
	if (!read_file_bytes(c, o) || !read_optional_value(c, o) || !read_direct(c, o))
		return false;
	if (!cursor_accept_word(&c->cursor, "sync"))
		return true;
	o->flags |= VM_FILE_IO_SYNC;
	return opens_again(c, o);
}

static bool read_file_size(struct compiler *c, struct vm_operation *o)
{
	return read_file(c, o) && cursor_expect_size(&c->cursor, &o->length);
}

static bool read_file_close(struct compiler *c, struct vm_operation *o)
{
	if (!read_file(c, o))
		return false;
	c->file_open[o->file] = false;
	return true;
}

static bool read_new_name(struct compiler *c, const char *what, const char *const *names,
	size_t count, size_t limit, const char **name)
{
	const size_t at = c->cursor.at;

	if (!cursor_expect_word(&c->cursor, what, name))
		return false;
	if (index_of(names, count, *name) == count && count < limit)
		return true;
	c->cursor.at = at;
	return cursor_fail(
		&c->cursor, count == limit ? "there are too many of these" : "this name is taken");
}

static bool read_file_create(struct compiler *c, struct vm_operation *o)
{
	struct script *script = c->script;
	const char *name;
	uint64_t kind;

	if (!read_new_name(c, "a name for the file", script->files, script->files_count,
		    LIVE_FILES_LIMIT, &name) ||
		!cursor_expect_word_of(&c->cursor, "a kind of file", file_kind_words, &kind) ||
		!cursor_expect_size(&c->cursor, &o->length))
		return false;
	o->file = (uint32_t)script->files_count;
	o->file_kind = (enum vm_file_kind)kind;
	if (cursor_accept_word(&c->cursor, "random"))
		o->flags = VM_CREATE_RANDOM;
	c->file_open[script->files_count] = true;
	c->file_kind[script->files_count] = o->file_kind;
	script->files[script->files_count++] = name;
	return true;
}

static bool read_fork(struct compiler *c, struct vm_operation *o)
{
	struct script *script = c->script;
	const char *name;

	if (!read_new_name(c, "a name for the child", script->processes, script->processes_count,
		    LIVE_PROCESSES_LIMIT, &name))
		return false;
	o->other = (uint32_t)script->processes_count;
	c->alive[script->processes_count] = true;
	script->processes[script->processes_count++] = name;
	return true;
}

static bool read_exit(struct compiler *c, struct vm_operation *o)
{
	c->alive[o->process] = false;
	return true;
}

static bool read_nothing(struct compiler *c, struct vm_operation *o)
{
	(void)c, (void)o;
	return true;
}

static bool read_protect(struct compiler *c, struct vm_operation *o)
{
	uint64_t protection;

	if (!read_range(c, o) ||
		!cursor_expect_word_of(&c->cursor, "a protection", protection_words, &protection))
		return false;
	o->protection = (uint32_t)protection;
	if (cursor_accept_word(&c->cursor, "grows-down"))
		o->protection |= VM_PROT_GROWSDOWN;
	return true;
}

/* "of FILE [at PAGE] [opened r|w|rw]" */
static bool read_mapped_file(struct compiler *c, struct vm_operation *o)
{
	static const struct word accesses[] = {
		{"rw", VM_FILE_READ_WRITE},
		{"r", VM_FILE_READ_ONLY},
		{"w", VM_FILE_WRITE_ONLY},
		{NULL, 0},
	};
	uint64_t access = VM_FILE_READ_WRITE;
	int64_t page = 0;

	if (!read_file(c, o))
		return false;
	if (cursor_accept_word(&c->cursor, "at") && !cursor_expect_expression(&c->cursor, &page))
		return false;
	if (cursor_accept_word(&c->cursor, "opened") &&
		!cursor_expect_word_of(&c->cursor, "how it is opened", accesses, &access))
		return false;
	o->offset = vm_pages_to_bytes((uint64_t)page);
	o->file_access = (enum vm_file_access)access;
	return access == VM_FILE_READ_WRITE || opens_again(c, o);
}

static bool read_map(struct compiler *c, struct vm_operation *o)
{
	uint64_t protection, flag;
	uint32_t placement = VM_MAP_FIXED_NOREPLACE;

	if (!read_range(c, o) ||
		!cursor_expect_word_of(&c->cursor, "a protection", protection_words, &protection))
		return false;
	o->protection = (uint32_t)protection;
	while (!cursor_at_end(&c->cursor)) {
		if (cursor_accept_word(&c->cursor, "of")) {
			if (!read_mapped_file(c, o))
				return false;
		} else if (cursor_accept_word(&c->cursor, "replace")) {
			placement = VM_MAP_FIXED;
		} else if (cursor_accept_word(&c->cursor, "hint")) {
			placement = 0;
		} else if (cursor_expect_word_of(&c->cursor, "'of', 'replace', 'hint' or a flag",
				   map_words, &flag)) {
			o->flags |= (uint32_t)flag;
		} else {
			return false;
		}
	}
	o->flags |= placement | (o->file == VM_NO_FILE ? VM_MAP_ANONYMOUS : 0);
	return true;
}

/* "remap RANGE size SIZE [at PLACE] [may-move] [keep]" */
static bool read_remap(struct compiler *c, struct vm_operation *o)
{
	uint64_t length;

	if (!read_range(c, o))
		return false;
	o->new_length = o->length;
	if (cursor_accept_word(&c->cursor, "size") &&
		!cursor_expect_size(&c->cursor, &o->new_length))
		return false;
	if (cursor_accept_word(&c->cursor, "at")) {
		if (!read_place(c, &o->new_address, &length))
			return false;
		o->flags |= VM_MREMAP_MAYMOVE | VM_MREMAP_FIXED;
	}
	if (cursor_accept_word(&c->cursor, "may-move"))
		o->flags |= VM_MREMAP_MAYMOVE;
	if (cursor_accept_word(&c->cursor, "keep"))
		o->flags |= VM_MREMAP_DONTUNMAP;
	return true;
}

static bool read_advise(struct compiler *c, struct vm_operation *o)
{
	uint64_t advice;

	if (!read_range(c, o) ||
		!cursor_expect_word_of(&c->cursor, "an advice", advice_words, &advice))
		return false;
	o->advice = (int32_t)advice;
	return true;
}

static bool read_process_advise(struct compiler *c, struct vm_operation *o)
{
	return read_other(c, o) && read_advise(c, o);
}

static bool read_poke(struct compiler *c, struct vm_operation *o)
{
	if (!read_other_range_value(c, o))
		return false;
	return o->length == VM_POKE_BYTES || cursor_fail(&c->cursor, "a word has eight bytes");
}

static bool read_splice(struct compiler *c, struct vm_operation *o)
{
	if (!read_range(c, o))
		return false;
	return o->length <= VM_PIPE_BYTES || cursor_fail(&c->cursor, "a pipe has 16 pages");
}

static bool read_pinned_write(struct compiler *c, struct vm_operation *o)
{
	return read_splice(c, o) && read_optional_value(c, o);
}

static bool read_pin(struct compiler *c, struct vm_operation *o)
{
	if (!read_range(c, o))
		return false;
	return vm_bytes_to_pages_ceil(o->address % VM_PAGE_BYTES + o->length) <= VM_PIN_PAGES ||
	       cursor_fail(&c->cursor, "a fixed buffer has 16 pages");
}

static bool read_lock(struct compiler *c, struct vm_operation *o)
{
	if (!read_range(c, o))
		return false;
	if (cursor_accept_word(&c->cursor, "on-fault"))
		o->flags = VM_MLOCK_ONFAULT;
	return true;
}

static bool read_flags_of(
	struct compiler *c, struct vm_operation *o, const char *what, const struct word *words)
{
	while (!cursor_at_end(&c->cursor)) {
		uint64_t flag;
		if (!cursor_expect_word_of(&c->cursor, what, words, &flag))
			return false;
		o->flags |= (uint32_t)flag;
	}
	return true;
}

static bool read_lock_all(struct compiler *c, struct vm_operation *o)
{
	return read_flags_of(c, o, "what is locked", lock_all_words);
}

static bool read_sync(struct compiler *c, struct vm_operation *o)
{
	return read_range(c, o) && read_flags_of(c, o, "how to sync", sync_words);
}

static bool read_scan(struct compiler *c, struct vm_operation *o)
{
	return read_other_and_range(c, o) && read_flags_of(c, o, "what to scan for", scan_words);
}

/* "break SIZE": so much of the heap from its start. */
static bool read_break(struct compiler *c, struct vm_operation *o)
{
	uint64_t length;

	if (!cursor_expect_size(&c->cursor, &length))
		return false;
	o->address = LIVE_BREAK_ADDRESS + length;
	return true;
}

static bool read_digit(struct compiler *c, struct vm_operation *o)
{
	int64_t digit;

	if (!cursor_expect_expression(&c->cursor, &digit))
		return false;
	if (digit < 0 || digit > 9)
		return cursor_fail(&c->cursor, "expected a digit");
	o->flags = (uint32_t)digit;
	return true;
}

static bool read_other_and_digit(struct compiler *c, struct vm_operation *o)
{
	return read_other(c, o) && read_digit(c, o);
}

static bool read_pool(struct compiler *c, struct vm_operation *o)
{
	uint64_t kind;
	int64_t count;

	if (!cursor_expect_word_of(&c->cursor, "a pool", file_kind_words, &kind) ||
		!cursor_expect_expression(&c->cursor, &count))
		return false;
	if (kind != VM_FILE_HUGETLB_2M && kind != VM_FILE_HUGETLB_1G)
		return cursor_fail(&c->cursor, "expected a pool: hugetlb-2m or hugetlb-1g");
	if (count < 0 || count > LIVE_POOL_PAGES_LIMIT)
		return cursor_fail(&c->cursor, "expected 0 to 64 huge pages");
	o->file_kind = (enum vm_file_kind)kind;
	o->length = (uint64_t)count;
	return true;
}

/* NULL: the kernel does these by itself; or, for vfork, there would be nobody left to look. */
static bool (*const operands[VM_OP_LIMIT])(struct compiler *, struct vm_operation *) = {
	[VM_OP_MAP] = read_map,
	[VM_OP_UNMAP] = read_range,
	[VM_OP_PROTECT] = read_protect,
	[VM_OP_REMAP] = read_remap,
	[VM_OP_ADVISE] = read_advise,
	[VM_OP_LOCK] = read_lock,
	[VM_OP_UNLOCK] = read_range,
	[VM_OP_LOCK_ALL] = read_lock_all,
	[VM_OP_UNLOCK_ALL] = read_nothing,
	[VM_OP_MINCORE] = read_range,
	[VM_OP_SEAL] = read_range,
	[VM_OP_SYNC] = read_sync,
	[VM_OP_BREAK] = read_break,
	[VM_OP_READ] = read_range,
	[VM_OP_WRITE] = read_range_and_value,
	[VM_OP_TOUCH_READ] = read_range,
	[VM_OP_TOUCH_WRITE] = read_range_and_value,
	[VM_OP_EXECUTE] = read_range,
	[VM_OP_FORK] = read_fork,
	[VM_OP_EXIT] = read_exit,
	[VM_OP_FILE_CREATE] = read_file_create,
	[VM_OP_FILE_WRITE] = read_file_write,
	[VM_OP_FILE_READ] = read_file_read,
	[VM_OP_FILE_TRUNCATE] = read_file_size,
	[VM_OP_FILE_SYNC] = read_file,
	[VM_OP_FILE_DROP] = read_file_range,
	[VM_OP_FILE_PUNCH] = read_file_range,
	[VM_OP_FILE_CLOSE] = read_file_close,
	[VM_OP_REMOTE_READ] = read_other_and_range,
	[VM_OP_REMOTE_WRITE] = read_other_range_value,
	[VM_OP_MEM_READ] = read_other_and_range,
	[VM_OP_MEM_WRITE] = read_other_range_value,
	[VM_OP_POKE] = read_poke,
	[VM_OP_SPLICE] = read_splice,
	[VM_OP_SPLICE_READ] = read_nothing,
	[VM_OP_PIN] = read_pin,
	[VM_OP_UNPIN] = read_nothing,
	[VM_OP_PINNED_READ] = read_splice,
	[VM_OP_PINNED_WRITE] = read_pinned_write,
	[VM_OP_PROCESS_ADVISE] = read_process_advise,
	[VM_OP_DENY_WRITE_EXECUTE] = read_nothing,
	[VM_OP_CLEAR_REFS] = read_other_and_digit,
	[VM_OP_UFFD_REGISTER_WP] = read_range,
	[VM_OP_UFFD_UNREGISTER] = read_range,
	[VM_OP_PAGEMAP_SCAN] = read_scan,
	[VM_OP_KSM_RUN] = read_digit,
	[VM_OP_POOL] = read_pool,
};

static bool kind_of(const char *text, enum vm_operation_kind *kind)
{
	const struct word *word = word_of(operation_words, text);

	if (word == NULL || operands[word->value] == NULL)
		return false;
	*kind = (enum vm_operation_kind)word->value;
	return true;
}

/* ---- lines ---- */

/* "area NAME SIZE [after NAME | at PAGE | align SIZE]" */
static bool declare_area(struct compiler *c)
{
	const char *name;
	const size_t at = c->cursor.at;
	uint64_t length = 0, address = c->next_address, alignment = VM_HUGE_2M_BYTES;

	if (!cursor_expect_word(&c->cursor, "a name for the area", &name))
		return false;
	if (area_named(c->script, name) != NULL || c->script->areas_count == AREAS_LIMIT) {
		c->cursor.at = at;
		return cursor_fail(&c->cursor, "this name is taken, or there are too many areas");
	}
	if (!cursor_expect_size(&c->cursor, &length))
		return false;
	if (cursor_accept_word(&c->cursor, "after")) {
		if (!read_place(c, &address, &alignment))
			return false;
		address += alignment;
	} else if (cursor_accept_word(&c->cursor, "at")) {
		int64_t page;
		if (!cursor_expect_expression(&c->cursor, &page))
			return false;
		address = LIVE_ARENA_START + vm_pages_to_bytes((uint64_t)page);
	} else {
		if (cursor_accept_word(&c->cursor, "align") &&
			!cursor_expect_size(&c->cursor, &alignment))
			return false;
		if (alignment == 0 || (alignment & (alignment - 1)) != 0)
			return cursor_fail(&c->cursor, "expected a power of two");
		address = vm_align_up(address, alignment);
	}
	if (address < LIVE_ARENA_START || length > LIVE_ARENA_BYTES / 2 ||
		address > LIVE_BREAK_ADDRESS - length)
		return cursor_fail(&c->cursor, "the area does not fit into the arena");
	add_area(c, name, address, length);
	/* A page at least stays free between areas, so that none merges with its neighbour. */
	if (address + length + VM_PAGE_BYTES > c->next_address)
		c->next_address = address + length + VM_PAGE_BYTES;
	return true;
}

static bool read_operation(struct compiler *c)
{
	struct script *script = c->script;
	struct vm_operation o = {.file = VM_NO_FILE, .other = VM_NO_PROCESS};
	const size_t start = c->cursor.at;
	const char *word;

	/* "PROCESS: ..." */
	(void)cursor_accept_any_word(&c->cursor);
	const bool named = cursor_accept_sign(&c->cursor, ":");
	c->cursor.at = start;
	if (named && (!read_process(c, &o.process) || !cursor_expect_sign(&c->cursor, ":")))
		return false;
	if (!c->alive[o.process])
		return cursor_expected(&c->cursor, "the name of a process that is running here");
	const size_t at = c->cursor.at;
	if (!cursor_expect_word(&c->cursor, "an operation", &word))
		return false;
	if (!kind_of(word, &o.kind)) {
		c->cursor.at = at;
		return cursor_expected(&c->cursor, "an operation");
	}
	if (!operands[o.kind](c, &o) || !cursor_expect_end(&c->cursor))
		return false;
	if (script->operations_count == OPERATIONS_LIMIT)
		return cursor_fail(&c->cursor, "the script has more than 20000 steps");
	const size_t count = script->operations_count;
	script->operations = pool_grow(c->pool, script->operations, count, sizeof(o));
	script->steps = pool_grow(c->pool, script->steps, count, sizeof(*script->steps));
	script->operations[count] = o;
	script->steps[count] = (struct script_step){c->cursor.line->number, c->cursor.line->text};
	script->operations_count++;
	return true;
}

static bool is_word(const struct scenario_line *line, const char *word)
{
	return line->tokens[0].kind == TOKEN_WORD && strcmp(line->tokens[0].text, word) == 0;
}

/* The line of the "end" that closes the loop or condition opened at the line before first. */
static size_t end_of_block(const struct scenario *scenario, size_t first)
{
	unsigned depth = 1;
	size_t i = first;

	for (; i < scenario->lines_count; i++) {
		if (is_word(&scenario->lines[i], "for") || is_word(&scenario->lines[i], "when"))
			depth++;
		else if (is_word(&scenario->lines[i], "end") && --depth == 0)
			break;
	}
	return i;
}

static bool compile_lines(struct compiler *c, size_t from, size_t to, unsigned depth);

/* "for NAME FIRST..LAST [step N]" */
static bool compile_loop(struct compiler *c, size_t first, size_t end, unsigned depth)
{
	const char *name;
	int64_t from, to, step = 1;
	struct cursor *cursor = &c->cursor;

	if (!cursor_expect_word(cursor, "a name for the loop's variable", &name) ||
		!cursor_expect_expression(cursor, &from) || !cursor_expect_sign(cursor, "..") ||
		!cursor_expect_expression(cursor, &to) ||
		(cursor_accept_word(cursor, "step") && !cursor_expect_expression(cursor, &step)) ||
		!cursor_expect_end(cursor))
		return false;
	if (step < 1)
		return cursor_fail(cursor, "expected a step of 1 or more");
	if (cursor->variables_count == CURSOR_VARIABLES_LIMIT || to - from > OPERATIONS_LIMIT)
		return cursor_fail(cursor, "loops nest too deep or run too long");
	const size_t slot = cursor->variables_count++;
	for (int64_t i = from; i <= to; i += step) {
		cursor->variables[slot] = (struct cursor_variable){name, i};
		if (!compile_lines(c, first, end, depth + 1))
			return false;
	}
	cursor->variables_count--;
	return true;
}

/* "when WORD = WORD|WORD..." : the block is there only for these values of a parameter. */
static bool compile_condition(struct compiler *c, size_t first, size_t end, unsigned depth)
{
	struct cursor *cursor = &c->cursor;
	const char *left, *right;
	bool holds = false;

	/* A word that stands for itself is never what was meant: nothing would ever be done. */
	if (!cursor_at_parameter(cursor))
		return cursor_expected(cursor, "a parameter that is a word");
	if (!cursor_expect_word(cursor, "a parameter that is a word", &left) ||
		!cursor_expect_sign(cursor, "="))
		return false;
	do {
		if (!cursor_expect_word(cursor, "a word", &right))
			return false;
		holds = holds || strcmp(left, right) == 0;
	} while (cursor_accept_sign(cursor, "|"));
	if (!cursor_expect_end(cursor))
		return false;
	return !holds || compile_lines(c, first, end, depth + 1);
}

static bool compile_lines(struct compiler *c, size_t from, size_t to, unsigned depth)
{
	const struct scenario *scenario = c->cursor.scenario;

	for (size_t i = from; i < to; i++) {
		const struct scenario_line *line = &scenario->lines[i];
		c->cursor.line = line;
		c->cursor.at = 0;
		const bool loop = is_word(line, "for"), condition = is_word(line, "when");
		if (loop || condition) {
			const size_t end = end_of_block(scenario, i + 1);
			if (end >= to || depth == 2 * LOOP_DEPTH_LIMIT)
				return cursor_fail(&c->cursor,
					"this block has no 'end', or blocks nest too deep");
			c->cursor.at = 1;
			if (!(loop ? compile_loop : compile_condition)(c, i + 1, end, depth))
				return false;
			i = end;
		} else if (cursor_accept_word(&c->cursor, "area")) {
			if (!declare_area(c) || !cursor_expect_end(&c->cursor))
				return false;
		} else if (!read_operation(c)) {
			return false;
		}
	}
	return true;
}

bool scenario_compile(struct pool *pool, const struct scenario *scenario, const int64_t *values,
	struct script *script, struct scenario_error *error)
{
	struct compiler c = {
		.pool = pool,
		.cursor = {.scenario = scenario, .values = values, .error = error},
		.script = script,
		.next_address = LIVE_ARENA_START,
		.alive = {true},
	};

	*script = (struct script){.processes = {"main"}, .processes_count = 1};
	/* Places that no scenario maps: below everything, the kernel's half, and between the two.
	 */
	add_area(&c, "heap", LIVE_BREAK_ADDRESS, VM_GIB_BYTES);
	add_area(&c, "null", 0, VM_PAGE_BYTES);
	add_area(&c, "kernel", KERNEL_HALF, KERNEL_AREA_BYTES);
	add_area(&c, "hole", NON_CANONICAL, KERNEL_AREA_BYTES);
	if (!compile_lines(&c, 0, scenario->lines_count, 0))
		return false;
	if (script->operations_count == 0)
		return scenario_fail(error, 1, 1, "the scenario has no operation");
	return true;
}

const char *script_place(struct pool *pool, const struct script *script, uint64_t address)
{
	for (size_t i = 0; i < script->areas_count; i++) {
		const struct script_area *area = &script->areas[i];
		if (address < area->address || address >= area->address + area->length)
			continue;
		const uint64_t offset = address - area->address;
		const unsigned long long page = vm_bytes_to_pages_floor(offset);
		const unsigned long long byte = offset & (VM_PAGE_BYTES - 1);
		if (byte == 0)
			return pool_format(pool, "%s[%llu]", area->name, page);
		return pool_format(pool, "%s[%llu]:%llu", area->name, page, byte);
	}
	return pool_format(pool, "%#llx", (unsigned long long)address);
}
