/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The surfaces, read into buffers that are ours for good: nothing here allocates. Text is parsed by
 * kernel/, into structs on the stack.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kernel/areas.h"
#include "kernel/pagemap.h"
#include "kernel/process.h"
#include "trial/live.h"

/* linux:6.12:include/uapi/linux/fs.h: newer than the headers of the oldest build host. */
struct area_query {
	uint64_t size, query_flags, query_address;
	uint64_t start, end, flags, page_bytes, offset, inode;
	uint32_t device_major, device_minor, name_bytes, build_id_bytes;
	uint64_t name_address, build_id_address;
};

#define AREA_QUERY_REQUEST     _IOWR('f', 17, struct area_query)
#define QUERY_COVERING_OR_NEXT 0x10

struct cache_range {
	uint64_t offset, length;
};

struct cache_figures {
	uint64_t cached, dirty, write_back, evicted, recently_evicted;
};

#define SYS_CACHESTAT 451

#define TEXT_LIMIT_BYTES ((size_t)256 * 1024)
#define WORDS_LIMIT	 ((size_t)16384)
#define AREAS_LIMIT	 ((size_t)1024)
#define CHUNK_PAGES	 ((size_t)2048)
#define FRAMES_AT_ONCE	 (CHUNK_PAGES / 2)
/* In one call with what lies between: so many figures are as dear as another call. */
#define FRAMES_APART 16
/* Holes up to this long are read as well: zeros are cheaper than another call. */
#define GAP_PAGES   ((uint64_t)512)
#define SPANS_LIMIT 32
/* Shorter runs that rise are not worth a head of their own; a piece of a chunk is. */
#define RISING_LEAST 64

struct area {
	uint64_t start, end, access, offset, inode, device;
};

/* Descriptors of this process's own files; copied by fork and opened anew. */
static struct {
	int maps, smaps, status, statm, pagemap, page_flags, page_counts;
	bool queries; /* PROCMAP_QUERY answers */
	int pools[LIVE_POOLS_LIMIT];
	struct {
		int schedstat, stat;
	} monitors[LIVE_MONITORS_LIMIT];
	uint8_t smaps_fields[VM_SMAPS_LIMIT]; /* KERNEL_SMAPS_LIMIT: no figure of the parser */
} look;

/* Where this process has areas, by its last look at them: pages [first, end). */
static struct {
	bool known;
	uint64_t size_pages; /* of the address space then */
	size_t count;
	struct {
		uint64_t first, end;
	} span[SPANS_LIMIT];
} spans;

/* Lies in the shared mapping: one process looks at a time, and no fork has to copy it. */
struct live_buffers {
	char text[TEXT_LIMIT_BYTES];
	uint64_t words[WORDS_LIMIT];
	size_t words_count;
	struct area areas[AREAS_LIMIT];
	size_t areas_count;
	uint64_t chunk[CHUNK_PAGES];
	uint64_t frames[FRAMES_AT_ONCE];
	unsigned char vector[CHUNK_PAGES];
};

static struct live_buffers *buffers;

size_t live_look_bytes(void)
{
	return vm_align_up(sizeof(*buffers), VM_PAGE_BYTES);
}

void live_look_with(void *memory)
{
	buffers = memory;
}

static int open_own(const char *name)
{
	return open(name, O_RDONLY | O_CLOEXEC);
}

void live_open_surfaces(void)
{
	struct area_query query = {.size = sizeof(query), .query_flags = QUERY_COVERING_OR_NEXT};

	look.maps = open_own("/proc/self/maps");
	look.smaps = open_own("/proc/self/smaps");
	look.status = open_own("/proc/self/status");
	look.statm = open_own("/proc/self/statm");
	look.pagemap = open_own("/proc/self/pagemap");
	look.page_flags = open_own("/proc/kpageflags");
	look.page_counts = open_own("/proc/kpagecount");
	LIVE_MUST(look.maps >= 0 && look.smaps >= 0 && look.status >= 0 && look.statm >= 0 &&
		  look.pagemap >= 0);
	spans.known = false;
	look.queries = ioctl(look.maps, AREA_QUERY_REQUEST, &query) == 0;
}

void live_close_surfaces(void)
{
	const int descriptors[] = {look.maps, look.smaps, look.status, look.statm, look.pagemap,
		look.page_flags, look.page_counts};

	for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
		if (descriptors[i] >= 0)
			(void)close(descriptors[i]);
}

static void put(uint64_t word)
{
	if (buffers->words_count == WORDS_LIMIT)
		live_broken("more than %zu words of one surface", WORDS_LIMIT);
	buffers->words[buffers->words_count++] = word;
}

static void send(enum live_kind kind)
{
	live_send_state(kind, buffers->words, buffers->words_count);
	buffers->words_count = 0;
}

/*
 * A file of /proc whose lines begin with addresses in ascending order, read until they are behind
 * the limit, or to its end. That takes several calls, each of which gives whole areas.
 * linux:6.12:fs/seq_file.c:seq_read_iter
 */
static struct kernel_text read_areas_below(int descriptor, uint64_t limit)
{
	size_t length_bytes = 0;

	LIVE_MUST(lseek(descriptor, 0, SEEK_SET) == 0);
	for (;;) {
		char *const next = buffers->text + length_bytes;
		const ssize_t read_bytes = read(descriptor, next, TEXT_LIMIT_BYTES - length_bytes);
		LIVE_MUST(read_bytes >= 0);
		if (read_bytes == 0)
			break;
		length_bytes += (size_t)read_bytes;
		LIVE_MUST(length_bytes < TEXT_LIMIT_BYTES);
		if (strtoull(next, NULL, 16) >= limit)
			break;
	}
	return (struct kernel_text){buffers->text, length_bytes};
}

static struct kernel_text read_text(int descriptor)
{
	return read_areas_below(descriptor, UINT64_MAX);
}

static void read_status(uint64_t counters[LIVE_COUNTER_LIMIT])
{
#define COUNTER_ROW(name) KERNEL_STATUS_##name,
	static const enum kernel_status_field fields[] = {LIVE_COUNTERS(COUNTER_ROW)};
#undef COUNTER_ROW
	struct kernel_status status;
	struct kernel_error error;

	const ssize_t length_bytes = pread(look.status, buffers->text, TEXT_LIMIT_BYTES, 0);
	LIVE_MUST(length_bytes > 0);
	if (kernel_status_parse((struct kernel_text){buffers->text, (size_t)length_bytes}, &status,
		    &error) != 0)
		live_broken("/proc/self/status:%u: %s", error.line, error.reason);
	for (size_t i = 0; i < LIVE_COUNTER_LIMIT; i++)
		counters[i] = status.value_kib[fields[i]];
}

/*
 * A page of ours that comes and goes. Kernels before 6.2 count resident pages in the task and add
 * them to the address space every 64 faults; dropping a page adds them at once. What that also
 * does (the lists' batches are flushed) is spared where the figures are never late.
 * linux:6.1:mm/memory.c:sync_mm_rss, zap_pte_range
 */
static struct {
	_Alignas(VM_PAGE_BYTES) volatile unsigned char page[VM_PAGE_BYTES];
	bool is_needed;
} settling;

static void settle_counters(void)
{
	LIVE_MUST(madvise((void *)(uintptr_t)settling.page, sizeof(settling.page), MADV_DONTNEED) ==
		  0);
}

void live_read_counters(uint64_t counters[LIVE_COUNTER_LIMIT])
{
	if (settling.is_needed)
		settle_counters();
	read_status(counters);
	/* All memory of ours is present between steps: mlockall would count it as the script's. */
	if (settling.is_needed)
		live_take_own_fault(settling.page);
}

static struct kernel_statm read_statm(void)
{
	struct kernel_statm statm;
	struct kernel_error error;

	const ssize_t length_bytes = pread(look.statm, buffers->text, TEXT_LIMIT_BYTES, 0);
	LIVE_MUST(length_bytes > 0);
	if (kernel_statm_parse(
		    (struct kernel_text){buffers->text, (size_t)length_bytes}, &statm, &error) != 0)
		live_broken("/proc/self/statm: %s", error.reason);
	return statm;
}

/* Two pages more are seen at once, or the figures are late: one of them may fall on the 64th. */
void live_find_lag(void)
{
	for (int i = 0; i < 2; i++) {
		settle_counters();
		const uint64_t before_pages = read_statm().resident_pages;
		settling.page[0] = 1;
		if (read_statm().resident_pages == before_pages)
			settling.is_needed = true;
	}
}

void live_read_sizes(uint64_t sizes[LIVE_SIZE_LIMIT])
{
	if (settling.is_needed)
		settle_counters();
	const struct kernel_statm statm = read_statm();
	sizes[LIVE_SIZE_VIRTUAL] = statm.size_pages;
	sizes[LIVE_SIZE_RESIDENT] = statm.resident_pages;
	sizes[LIVE_SIZE_SHARED] = statm.shared_pages;
	sizes[LIVE_SIZE_DATA] = statm.data_pages;
	if (settling.is_needed)
		live_take_own_fault(settling.page);
}

static void look_at_sizes(const uint64_t sizes[LIVE_SIZE_LIMIT])
{
	for (size_t i = 0; i < LIVE_SIZE_LIMIT; i++)
		put(sizes[i] - live->sizes_base[i]);
	send(LIVE_SIZES);
}

static void look_at_counters(void)
{
	uint64_t counters[LIVE_COUNTER_LIMIT];

	live_read_counters(counters);
	for (size_t i = 0; i < LIVE_COUNTER_LIMIT; i++)
		put(counters[i] - live->counters_base[i]);
	send(LIVE_COUNTERS);
}

/* Areas are cut to the arena: the heap's may begin before it. */
static void keep_area(const struct area *area)
{
	if (area->end <= LIVE_ARENA_START || area->start >= LIVE_ARENA_END)
		return;
	LIVE_MUST(buffers->areas_count < AREAS_LIMIT);
	buffers->areas[buffers->areas_count++] = *area;
}

static void query_areas(void)
{
	struct area_query query = {.end = LIVE_ARENA_START};

	while (query.end < LIVE_ARENA_END) {
		query = (struct area_query){
			.size = sizeof(query),
			.query_flags = QUERY_COVERING_OR_NEXT,
			.query_address = query.end,
		};
		if (ioctl(look.maps, AREA_QUERY_REQUEST, &query) != 0) {
			LIVE_MUST(errno == ENOENT);
			return;
		}
		keep_area(&(struct area){query.start, query.end, query.flags & 0xf, query.offset,
			query.inode, makedev(query.device_major, query.device_minor)});
	}
}

static struct area area_of(const struct kernel_area *area)
{
	return (struct area){area->start, area->end,
		(area->read ? VM_PROT_READ : UINT64_C(0)) |
			(area->write ? VM_PROT_WRITE : UINT64_C(0)) |
			(area->execute ? VM_PROT_EXEC : UINT64_C(0)) |
			(area->shared ? LIVE_ACCESS_SHARED : 0),
		area->offset_bytes, area->inode,
		makedev((unsigned)area->device_major, (unsigned)area->device_minor)};
}

static void parse_areas(void)
{
	struct kernel_lines lines = kernel_lines_of(read_areas_below(look.maps, LIVE_ARENA_END));
	struct kernel_area area;
	struct kernel_error error;
	int more;

	while ((more = kernel_maps_next(&lines, &area, &error)) > 0) {
		const struct area kept = area_of(&area);
		keep_area(&kept);
	}
	if (more < 0)
		live_broken("/proc/self/maps:%u: %s", error.line, error.reason);
}

size_t live_own_areas(struct live_range *ranges, size_t limit)
{
	struct kernel_lines lines = kernel_lines_of(read_text(look.maps));
	struct kernel_area area;
	struct kernel_error error;
	size_t count = 0;

	while (kernel_maps_next(&lines, &area, &error) > 0) {
		/* The page of vsyscalls is in the list, but in nobody's address space. */
		if (kernel_text_is(area.name, "[vsyscall]"))
			continue;
		if (count < limit)
			ranges[count] = (struct live_range){area.start, area.end, area.write};
		count++;
	}
	return count;
}

void live_read_stat(struct kernel_stat *stat)
{
	struct kernel_error error;
	const int descriptor = open_own("/proc/self/stat");

	LIVE_MUST(descriptor >= 0);
	const struct kernel_text text = read_text(descriptor);
	(void)close(descriptor);
	if (kernel_stat_parse(text, stat, &error) != 0)
		live_broken("/proc/self/stat:%u: %s", error.line, error.reason);
}

static uint64_t file_index(const struct area *area)
{
	if (area->inode == 0)
		return LIVE_NO_FILE;
	/* The latest first: the number of a file that is gone is given to the next one. */
	for (size_t i = LIVE_FILES_LIMIT; i-- > 0;)
		if (live->files[i].inode == area->inode && live->files[i].device == area->device)
			return i;
	return LIVE_UNKNOWN_FILE;
}

static void keep_spans(uint64_t size_pages)
{
	spans.known = true;
	spans.size_pages = size_pages;
	spans.count = 0;
	for (size_t i = 0; i < buffers->areas_count; i++) {
		const uint64_t first = vm_bytes_to_pages_floor(buffers->areas[i].start);
		const uint64_t end = vm_bytes_to_pages_floor(buffers->areas[i].end);
		if (spans.count != 0 && first - spans.span[spans.count - 1].end <= GAP_PAGES) {
			spans.span[spans.count - 1].end = end;
		} else if (spans.count == SPANS_LIMIT) {
			spans.known = false;
			return;
		} else {
			spans.span[spans.count].first = first;
			spans.span[spans.count++].end = end;
		}
	}
}

static void read_areas(void)
{
	buffers->areas_count = 0;
	if (look.queries)
		query_areas();
	else
		parse_areas();
}

static void look_at_areas(void)
{
	for (size_t i = 0; i < buffers->areas_count; i++) {
		const struct area *area = &buffers->areas[i];
		put(area->start);
		put(area->end);
		put(area->access);
		put(area->offset);
		put(file_index(area));
	}
	send(LIVE_AREAS);
}

/* words[at] becomes its first page, words[at + 1] its head: see wire.h. */
struct run {
	size_t at;
	uint64_t next_page;
};

static void begin_run(struct run *run, uint64_t page, uint64_t head, uint64_t value)
{
	run->at = buffers->words_count;
	put(page);
	put(head);
	put(value);
}

static void put_in_run(struct run *run, uint64_t page, uint64_t value)
{
	uint64_t *const head = &buffers->words[run->at + 1];
	const bool goes_on = buffers->words_count != 0 && run->next_page == page;
	const bool is_same = goes_on && buffers->words[buffers->words_count - 1] == value;

	run->next_page = page + 1;
	if (is_same && ((*head & LIVE_RUN_REPEATS) != 0 || *head == 1)) {
		*head = (*head | LIVE_RUN_REPEATS) + 1;
	} else if (is_same) {
		/* The value before is the first of the repetition instead. */
		--*head;
		buffers->words_count--;
		begin_run(run, page - 1, LIVE_RUN_REPEATS | 2, value);
	} else if (goes_on && live_run_pages(*head) == *head) {
		++*head;
		put(value);
	} else {
		begin_run(run, page, 1, value);
	}
}

/* Pages whose words rise by one: of the run before, if that goes on so. */
static void put_rising(struct run *run, uint64_t page, uint64_t value, uint64_t count)
{
	uint64_t *const head = &buffers->words[run->at + 1];

	if (buffers->words_count != 0 && run->next_page == page && (*head & LIVE_RUN_RISES) != 0 &&
		head[1] + live_run_pages(*head) == value)
		*head += count;
	else
		begin_run(run, page, LIVE_RUN_RISES | count, value);
	run->next_page = page + count;
}

/* How many words from the first on rise by one. */
static size_t rising(const uint64_t *words, size_t limit)
{
	size_t count = 1;

	while (count < limit && words[count] == words[0] + count)
		count++;
	return count;
}

static void read_pages(struct run *run, uint64_t page, uint64_t end)
{
	while (page < end) {
		const size_t pages = end - page < CHUNK_PAGES ? (size_t)(end - page) : CHUNK_PAGES;
		const ssize_t read_bytes =
			pread(look.pagemap, buffers->chunk, pages * sizeof(buffers->chunk[0]),
				(off_t)(page * sizeof(buffers->chunk[0])));
		LIVE_MUST(read_bytes == (ssize_t)(pages * sizeof(buffers->chunk[0])));
		for (size_t k = 0; k < pages;) {
			const uint64_t word = buffers->chunk[k];
			const size_t count = word == 0 ? 1 : rising(buffers->chunk + k, pages - k);
			if (count >= RISING_LEAST)
				put_rising(run, page + k, word, count);
			else if (word != 0)
				put_in_run(run, page + k, word);
			k += count >= RISING_LEAST ? count : 1;
		}
		page += pages;
	}
}

/* Areas that lie near each other are read in one go: pagemap knows no areas. */
static void look_at_pages(void)
{
	struct run run = {0};

	if (spans.known) {
		for (size_t i = 0; i < spans.count; i++)
			read_pages(&run, spans.span[i].first, spans.span[i].end);
		return;
	}
	for (size_t i = 0; i < buffers->areas_count; i++)
		read_pages(&run, vm_bytes_to_pages_floor(buffers->areas[i].start),
			vm_bytes_to_pages_floor(buffers->areas[i].end));
}

static bool frame_of(uint64_t word, uint64_t *frame)
{
	*frame = word & KERNEL_PAGEMAP_FRAME_MASK;
	return (word >> VM_PAGEMAP_PRESENT & 1) != 0 && *frame != 0;
}

/*
 * Frames whose numbers are near each other, in any order (pages are given out upwards and
 * downwards): asked for at once, for a call is dearer than some figures.
 */
struct frame_row {
	uint64_t low, high;
	size_t count; /* of buffers->frames */
};

static void put_frames(struct frame_row *row)
{
	const size_t size_bytes = (row->high - row->low + 1) * sizeof(buffers->chunk[0]);
	const off_t offset = (off_t)(row->low * sizeof(buffers->chunk[0]));
	uint64_t *const flags = buffers->chunk, *const counts = buffers->chunk + FRAMES_AT_ONCE;

	if (row->count == 0)
		return;
	LIVE_MUST(pread(look.page_flags, flags, size_bytes, offset) == (ssize_t)size_bytes);
	LIVE_MUST(pread(look.page_counts, counts, size_bytes, offset) == (ssize_t)size_bytes);
	for (size_t i = 0; i < row->count; i++) {
		put(flags[buffers->frames[i] - row->low]);
		put(counts[buffers->frames[i] - row->low]);
	}
	row->count = 0;
}

static void take_frame(struct frame_row *row, uint64_t frame)
{
	const uint64_t low = frame < row->low ? frame : row->low;
	const uint64_t high = frame > row->high ? frame : row->high;
	const bool is_near = frame + FRAMES_APART >= row->low && frame <= row->high + FRAMES_APART;

	if (!is_near || high - low >= FRAMES_AT_ONCE || row->count == FRAMES_AT_ONCE)
		put_frames(row);
	row->low = row->count == 0 ? frame : low;
	row->high = row->count == 0 ? frame : high;
	buffers->frames[row->count++] = frame;
}

/* Of frames side by side: what is the same of several is put once. */
static void put_rising_frames(uint64_t first, uint64_t count)
{
	uint64_t *const flags = buffers->chunk, *const counts = buffers->chunk + FRAMES_AT_ONCE;
	uint64_t *last = NULL;

	for (uint64_t done = 0; done < count;) {
		const uint64_t left = count - done;
		const size_t frames = left < FRAMES_AT_ONCE ? (size_t)left : FRAMES_AT_ONCE;
		const size_t size_bytes = frames * sizeof(flags[0]);
		const off_t offset = (off_t)((first + done) * sizeof(flags[0]));
		LIVE_MUST(pread(look.page_flags, flags, size_bytes, offset) == (ssize_t)size_bytes);
		LIVE_MUST(
			pread(look.page_counts, counts, size_bytes, offset) == (ssize_t)size_bytes);
		for (size_t i = 0; i < frames; i++) {
			const uint64_t marked = flags[i] | LIVE_FRAMES_REPEAT;
			if (last == NULL || last[0] != marked || last[1] != counts[i]) {
				last = &buffers->words[buffers->words_count];
				put(marked);
				put(counts[i]);
				put(0);
			}
			last[2]++;
		}
		done += frames;
	}
}

/* The words of PAGES are still in place: what they name is looked up, and put behind them. */
static void look_at_frames(size_t pages_words)
{
	struct frame_row row = {0};

	for (size_t at = 0; at < pages_words;) {
		const uint64_t head = buffers->words[at + 1];
		const uint64_t count = live_run_values(head);
		uint64_t frame;
		const bool rises =
			(head & LIVE_RUN_RISES) != 0 && frame_of(buffers->words[at + 2], &frame);
		if (rises) {
			put_frames(&row);
			put_rising_frames(frame, live_run_pages(head));
		}
		for (uint64_t i = 0; !rises && i < count; i++)
			if (frame_of(buffers->words[at + 2 + i], &frame))
				take_frame(&row, frame);
		at += 2 + count;
	}
	put_frames(&row);
	live_send_state(
		LIVE_FRAMES, buffers->words + pages_words, buffers->words_count - pages_words);
}

static void look_at_core(void)
{
	struct run run = {0};

	for (size_t i = 0; i < buffers->areas_count; i++) {
		const struct area *area = &buffers->areas[i];
		for (uint64_t at = area->start; at < area->end;) {
			const uint64_t left = vm_bytes_to_pages_floor(area->end - at);
			const uint64_t pages = left < CHUNK_PAGES ? left : CHUNK_PAGES;
			/* Where maps and mincore disagree about an area, the areas tell. */
			const bool is_there = syscall(SYS_mincore, at, vm_pages_to_bytes(pages),
						      buffers->vector) == 0;
			LIVE_MUST(is_there || errno == ENOMEM);
			for (uint64_t k = 0; is_there && k < pages; k++)
				if ((buffers->vector[k] & 1) != 0)
					put_in_run(&run, vm_bytes_to_pages_floor(at) + k, 1);
			at += vm_pages_to_bytes(pages);
		}
	}
	send(LIVE_CORE);
}

static uint64_t area_flags(const struct kernel_smaps_area *area)
{
	uint64_t flags = 0;
	struct kernel_text rest = area->flags_text, word;

#define FLAG_ROW(name, letters) letters,
	static const char *const letters_of[] = {VM_AREA_FLAGS(FLAG_ROW)};
#undef FLAG_ROW
	while (kernel_word_next(&rest, &word))
		for (size_t i = 0; word.length_bytes == 2 && i < VM_AREA_FLAG_LIMIT; i++)
			if (word.bytes[0] == letters_of[i][0] &&
				word.bytes[1] == letters_of[i][1]) {
				flags |= UINT64_C(1) << i;
				break;
			}
	return flags;
}

/* The parser's name of each line that is sent: its own words, in another order. */
static void find_smaps_fields(void)
{
#define LINE_ROW(name, word) word,
	static const char *const words[] = {VM_SMAPS_LINES(LINE_ROW)};
#undef LINE_ROW

	for (size_t i = 0; i < VM_SMAPS_LIMIT; i++) {
		size_t field = 0;
		while (field < KERNEL_SMAPS_LIMIT &&
			strcmp(words[i], kernel_smaps_word((enum kernel_smaps_field)field)) != 0)
			field++;
		look.smaps_fields[i] = (uint8_t)field;
	}
}

static void put_smaps(const struct kernel_smaps_area *area)
{
	put(area->area.start);
	put(area_flags(area));
	for (size_t i = 0; i < VM_SMAPS_LIMIT; i++) {
		const uint8_t field = look.smaps_fields[i];
		uint64_t value = LIVE_ABSENT;
		if (i == VM_SMAPS_THP_ELIGIBLE && area->has_thp_eligible)
			value = area->thp_eligible;
		else if (field < KERNEL_SMAPS_LIMIT && (area->has_value >> field & 1) != 0)
			value = area->value_kib[field];
		put(value);
	}
}

static void look_at_smaps(void)
{
	struct kernel_lines lines = kernel_lines_of(read_areas_below(look.smaps, LIVE_ARENA_END));
	struct kernel_smaps_area area;
	struct kernel_error error;
	int more;

	kernel_smaps_skip(&lines, LIVE_ARENA_START);
	while ((more = kernel_smaps_next(&lines, &area, &error)) > 0 &&
		area.area.start < LIVE_ARENA_END)
		put_smaps(&area);
	if (more < 0)
		live_broken("/proc/self/smaps:%u: %s", error.line, error.reason);
	send(LIVE_SMAPS);
}

/* False where the kernel does not tell: hugetlb has no page cache, EOPNOTSUPP. */
static bool ask_cache(
	const struct live_file *file, struct cache_range range, struct cache_figures *figures)
{
	return syscall(SYS_CACHESTAT, (long)file->read_write, &range, figures, 0L) == 0;
}

static void look_at_files(void)
{
	for (size_t i = 0; i < LIVE_FILES_LIMIT; i++) {
		const struct live_file *file = &live->files[i];
		struct cache_figures figures;
		struct stat status;
		if (!file->exists)
			continue;
		LIVE_MUST(fstat(file->read_write, &status) == 0);
		if (!ask_cache(file, (struct cache_range){0}, &figures))
			figures = (struct cache_figures){.cached = LIVE_ABSENT,
				.dirty = LIVE_ABSENT,
				.write_back = LIVE_ABSENT,
				.evicted = LIVE_ABSENT};
		put(i);
		put((uint64_t)status.st_size);
		put(figures.cached);
		put(figures.dirty);
		put(figures.write_back);
		put(figures.evicted);
	}
	send(LIVE_FILES);
}

uint64_t live_cache_digest(void)
{
	uint64_t digest = 0;

	for (size_t i = 0; i < LIVE_FILES_LIMIT; i++) {
		const struct live_file *file = &live->files[i];
		struct cache_figures figures = {0};
		if (file->exists)
			(void)ask_cache(file, (struct cache_range){0}, &figures);
		digest = digest * 31 + figures.cached;
		digest = digest * 31 + figures.dirty;
	}
	return digest;
}

static bool is_all_or_none(uint64_t figure, uint64_t pages)
{
	return figure == 0 || figure == pages;
}

/*
 * Which pages of the file are cached and dirty, as bits; false where the kernel does not tell.
 * cachestat only counts: pages that it does not count alike are asked for in halves.
 */
static bool ask_for_pages(const struct live_file *file, uint64_t first, uint64_t count,
	uint64_t *cached, uint64_t *dirty)
{
	const struct cache_range range = {vm_pages_to_bytes(first), vm_pages_to_bytes(count)};
	const uint64_t bits = (UINT64_MAX >> (LIVE_CACHE_PAGES - count)) << first;
	struct cache_figures figures;

	if (!ask_cache(file, range, &figures))
		return false;
	if (!is_all_or_none(figures.cached, count) || !is_all_or_none(figures.dirty, count))
		return ask_for_pages(file, first, count / 2, cached, dirty) &&
		       ask_for_pages(file, first + count / 2, count - count / 2, cached, dirty);
	*cached |= figures.cached == 0 ? 0 : bits;
	*dirty |= figures.dirty == 0 ? 0 : bits;
	return true;
}

/* How many pages of the file are told one by one: files of scripts are small. */
static uint64_t told_pages(const struct live_file *file)
{
	struct stat status;

	LIVE_MUST(fstat(file->read_write, &status) == 0);
	const uint64_t pages = vm_bytes_to_pages_ceil((uint64_t)status.st_size);
	return pages < LIVE_CACHE_PAGES ? pages : LIVE_CACHE_PAGES;
}

static void look_at_cache(void)
{
	for (size_t i = 0; i < LIVE_FILES_LIMIT; i++) {
		const struct live_file *file = &live->files[i];
		uint64_t cached = 0, dirty = 0;
		const uint64_t pages = file->exists ? told_pages(file) : 0;
		if (!file->exists ||
			(pages != 0 && !ask_for_pages(file, 0, pages, &cached, &dirty)))
			continue;
		put(i);
		put(cached);
		put(dirty);
	}
	send(LIVE_CACHE);
}

/*
 * What schedstat tells of a thread changes when it gets a CPU and when it leaves it; in between,
 * only its state says that it runs.
 */
static bool monitor_ran(size_t i)
{
	char *const last = live->monitors_ran[i];
	char now[LIVE_SCHEDSTAT_BYTES] = "";
	struct kernel_stat stat;
	struct kernel_error error;

	if (look.monitors[i].schedstat < 0 || look.monitors[i].stat < 0 ||
		pread(look.monitors[i].schedstat, now, sizeof(now) - 1, 0) <= 0)
		return true;
	const bool changed = strcmp(now, last) != 0;
	memcpy(last, now, sizeof(now));
	return changed || kernel_stat_parse(read_text(look.monitors[i].stat), &stat, &error) != 0 ||
	       stat.state == 'R';
}

bool live_monitors_ran(void)
{
	bool ran = false;

	if (live->head.monitors_count == LIVE_MONITORS_UNKNOWN)
		return true;
	for (size_t i = 0; i < live->head.monitors_count; i++)
		ran |= monitor_ran(i);
	return ran;
}

static void open_monitors(void)
{
	char path[64];

	if (live->head.monitors_count == LIVE_MONITORS_UNKNOWN)
		return;
	for (size_t i = 0; i < live->head.monitors_count; i++) {
		const int thread = live->head.monitors[i];
		(void)snprintf(path, sizeof(path), "/proc/%d/schedstat", thread);
		look.monitors[i].schedstat = open_own(path);
		(void)snprintf(path, sizeof(path), "/proc/%d/stat", thread);
		look.monitors[i].stat = open_own(path);
	}
	(void)live_monitors_ran();
}

void live_prepare_looks(void)
{
#define POOL(size, name) "/sys/kernel/mm/hugepages/hugepages-" size "kB/" name "_hugepages"
	static const char *const paths[LIVE_POOLS_LIMIT] = {
		POOL("2048", "nr"),
		POOL("2048", "free"),
		POOL("2048", "resv"),
		POOL("2048", "surplus"),
		POOL("1048576", "nr"),
		POOL("1048576", "free"),
		POOL("1048576", "resv"),
		POOL("1048576", "surplus"),
		"/sys/kernel/mm/ksm/pages_shared",
		"/sys/kernel/mm/ksm/pages_sharing",
		"/sys/kernel/mm/ksm/pages_unshared",
	};
#undef POOL

	for (size_t i = 0; i < LIVE_POOLS_LIMIT; i++)
		look.pools[i] = open_own(paths[i]);
	find_smaps_fields();
	open_monitors();
}

uint64_t live_read_pool(size_t figure, uint64_t otherwise)
{
	return live_number_from(look.pools[figure], otherwise);
}

static void look_at_pools(void)
{
	for (size_t i = 0; i < LIVE_POOLS_LIMIT; i++) {
		const uint64_t figure = live_read_pool(i, LIVE_ABSENT);
		uint64_t *base = &live->ksm_base[i < LIVE_POOLS_KSM ? 0 : i - LIVE_POOLS_KSM];
		/* Until the first step: what others have merged. */
		if (i >= LIVE_POOLS_KSM && live->step == 0)
			*base = figure;
		put(i < LIVE_POOLS_KSM || figure == LIVE_ABSENT ? figure : figure - *base);
	}
	send(LIVE_POOLS);
}

uint32_t live_surfaces_available(void)
{
	uint32_t surfaces = LIVE_SURFACES_ALL | LIVE_SURFACE(SIZES);
	uint64_t figure;

	/* The file may be there and still refuse: without the privilege reads end at once. */
	if (look.page_flags < 0 || look.page_counts < 0 ||
		pread(look.page_flags, &figure, sizeof(figure), 0) != sizeof(figure))
		surfaces &= ~LIVE_SURFACE(FRAMES);
	return surfaces;
}

/* Pages, frames, core and lines of smaps need the list of areas, or what was kept of it. */
static uint32_t look_at_layout(uint32_t surfaces, bool areas_may_differ)
{
	const uint32_t lists = LIVE_SURFACE(FRAMES) | LIVE_SURFACE(SMAPS) | LIVE_SURFACE(CORE);
	uint64_t sizes[LIVE_SIZE_LIMIT] = {0};

	if ((surfaces & LIVE_SURFACE(SIZES)) != 0) {
		live_read_sizes(sizes);
		look_at_sizes(sizes);
	} else {
		areas_may_differ = true;
	}
	if (spans.known && !areas_may_differ && (surfaces & lists) == 0 &&
		sizes[LIVE_SIZE_VIRTUAL] == spans.size_pages)
		return surfaces & ~LIVE_SURFACE(AREAS);
	read_areas();
	keep_spans(sizes[LIVE_SIZE_VIRTUAL]);
	if ((surfaces & LIVE_SURFACE(AREAS)) != 0)
		look_at_areas();
	return surfaces;
}

uint32_t live_look(uint32_t surfaces, bool areas_may_differ)
{
	const uint32_t done = look_at_layout(surfaces, areas_may_differ);

	if ((surfaces & (LIVE_SURFACE(PAGES) | LIVE_SURFACE(FRAMES))) != 0) {
		look_at_pages();
		const size_t pages_words = buffers->words_count;
		live_send_state(LIVE_PAGES, buffers->words, pages_words);
		if ((surfaces & LIVE_SURFACE(FRAMES)) != 0)
			look_at_frames(pages_words);
		buffers->words_count = 0;
	}
	if ((surfaces & LIVE_SURFACE(COUNTERS)) != 0)
		look_at_counters();
	if ((surfaces & LIVE_SURFACE(SMAPS)) != 0)
		look_at_smaps();
	if ((surfaces & LIVE_SURFACE(CORE)) != 0)
		look_at_core();
	if ((surfaces & LIVE_SURFACE(FILES)) != 0)
		look_at_files();
	if ((surfaces & LIVE_SURFACE(CACHE)) != 0)
		look_at_cache();
	if ((surfaces & LIVE_SURFACE(POOLS)) != 0)
		look_at_pools();
	return done;
}
