/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/report.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/line.h"
#include "trial/files.h"
#include "trial/trial.h"

#define PROTOCOL	       1
#define DESCRIPTOR	       3
#define OBSERVATIONS_LIMIT     5000
#define VALUES_LIMIT	       ((size_t)1 << 17)
#define TEXT_LIMIT_BYTES       ((size_t)1 << 16)
#define REASON_LIMIT_BYTES     500
#define OBSERVATIONS_POPULATED 400
#define VALUES_POPULATED       ((size_t)1 << 14)
#define TEXT_POPULATED_BYTES   ((size_t)1 << 14)
#define STACK_POPULATED_BYTES  (256 * 1024)
/* A pipe holds as much. */
#define OUTPUT_BYTES ((size_t)64 * 1024)

struct entry {
	const char *quantity, *witness;
	uint32_t at, first_value, values_count;
	enum vm_unit unit;
};

enum outcome { OUTCOME_OBSERVED, OUTCOME_BROKEN, OUTCOME_UNMET };

/*
 * In one shared mapping: parent and children of a trial fill the same report. What most trials need
 * of each array is populated before they measure; few have more to say, and say it at their end.
 */
struct buffer {
	_Atomic(enum outcome) outcome;
	int line;
	char file[REASON_LIMIT_BYTES], reason[REASON_LIMIT_BYTES], remedy[REASON_LIMIT_BYTES];
	size_t entries_count, values_count, text_bytes;
	struct entry entries[OBSERVATIONS_LIMIT];
	int64_t values[VALUES_LIMIT];
	char text[TEXT_LIMIT_BYTES];
};

/* One a process: a trial is one question to the kernel. */
static struct {
	struct buffer *buffer;
	const char *subject;
	uint64_t seed;
	bool said_hello;
	size_t written_count; /* observations, by report_now */
	struct pool lines; /* their text: a pool of its own for each would be cleared each time */
	int descriptor;
	pid_t process; /* that writes the report: the one that opened it, not its children */
} trial;

static _Noreturn void end_early(
	enum outcome outcome, const char *file, int line, const char *reason, const char *remedy)
{
	struct buffer *buffer = trial.buffer;

	/* The first reason stands: what comes after it is its consequence. */
	if (buffer->outcome == OUTCOME_OBSERVED) {
		buffer->line = line;
		(void)snprintf(buffer->file, sizeof(buffer->file), "%s", file);
		(void)snprintf(buffer->reason, sizeof(buffer->reason), "%s", reason);
		(void)snprintf(buffer->remedy, sizeof(buffer->remedy), "%s", remedy);
		buffer->outcome = outcome;
	}
	if (getpid() != trial.process)
		_exit(EXIT_FAILURE);
	report_close();
}

_Noreturn void broken(const char *format, ...)
{
	char reason[REASON_LIMIT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 does not see va_start. */
	(void)vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	end_early(OUTCOME_BROKEN, "", 0, reason, "");
}

_Noreturn void broken_at(const char *file, int line, const char *expression)
{
	char reason[REASON_LIMIT_BYTES];

	/* Where only what there is may be promised, the machine is too small for the set-up. */
	if (errno == ENOMEM && kernel_number_at("/proc/sys/vm/overcommit_memory") == 2)
		unmet("vm.overcommit_memory is 2, and so much memory may not be promised",
			"sysctl vm.overcommit_memory=0");
	(void)snprintf(
		reason, sizeof(reason), "%s does not hold (%s)", expression, strerror(errno));
	end_early(OUTCOME_BROKEN, file, line, reason, "");
}

_Noreturn void unmet(const char *reason, const char *remedy)
{
	end_early(OUTCOME_UNMET, "", 0, reason, remedy);
}

uint64_t trial_seed(void)
{
	return trial.seed;
}

size_t report_observations_count(void)
{
	return trial.buffer->entries_count;
}

void report_leave(void)
{
	(void)munmap(trial.buffer, sizeof(*trial.buffer));
}

static uint32_t keep_text(struct buffer *buffer, const char *text)
{
	const size_t size_bytes = strlen(text) + 1, start = buffer->text_bytes;

	if (size_bytes > TEXT_LIMIT_BYTES - start)
		broken("the places of the observations take more than %zu bytes", TEXT_LIMIT_BYTES);
	memcpy(buffer->text + start, text, size_bytes);
	buffer->text_bytes += size_bytes;
	return (uint32_t)start;
}

void observe_values(const char *quantity, const char *at, const int64_t *values,
	size_t values_count, enum vm_unit unit, const char *witness)
{
	struct buffer *buffer = trial.buffer;

	if (buffer->entries_count == OBSERVATIONS_LIMIT)
		broken("more than %d observations", OBSERVATIONS_LIMIT);
	if (values_count > VALUES_LIMIT - buffer->values_count)
		broken("more than %zu observed values", VALUES_LIMIT);
	buffer->entries[buffer->entries_count] = (struct entry){
		.quantity = quantity,
		.witness = witness,
		.at = keep_text(buffer, at),
		.first_value = (uint32_t)buffer->values_count,
		.values_count = (uint32_t)values_count,
		.unit = unit,
	};
	memcpy(buffer->values + buffer->values_count, values, values_count * sizeof(*values));
	buffer->values_count += values_count;
	buffer->entries_count++;
}

void observe_at(
	const char *quantity, const char *at, int64_t value, enum vm_unit unit, const char *witness)
{
	observe_values(quantity, at, &value, 1, unit, witness);
}

void observe(const char *quantity, int64_t value, enum vm_unit unit, const char *witness)
{
	observe_at(quantity, "", value, unit, witness);
}

/*
 * Code and constants likewise: fault-around brings most of them along, but leaves out a page that
 * somebody else has locked at that moment, as another process that faults on the same library does
 * (linux:6.12:mm/filemap.c:next_uptodate_folio). Before 5.14 there is no such advice.
 */
static int populate_object(struct dl_phdr_info *object, size_t size_bytes, void *context)
{
	(void)size_bytes, (void)context;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		const uint64_t start = object->dlpi_addr + segment->p_vaddr;
		const uint64_t first = vm_align_down(start, VM_PAGE_BYTES);

		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) == 0)
			(void)madvise((void *)(uintptr_t)first, start + segment->p_memsz - first,
				MADV_POPULATE_READ);
	}
	return 0;
}

/* The advice, which is since 5.14, spares the faults; each page is written all the same. */
static void populate(void *memory, size_t length_bytes)
{
	const uintptr_t start = vm_align_down((uintptr_t)memory, VM_PAGE_BYTES);
	const uintptr_t end = (uintptr_t)memory + length_bytes;

	(void)madvise((void *)start, end - start, MADV_POPULATE_WRITE);
	for (uintptr_t page = start; page < end; page += (uintptr_t)VM_PAGE_BYTES)
		*(volatile char *)page += 0;
}

/*
 * The stack that measure() will need is touched now, so that its first use is no fault then. The
 * byte at its far end makes the area grow; what lies between is populated in one call.
 */
static __attribute__((noinline)) void populate_stack(void)
{
	volatile char stack[STACK_POPULATED_BYTES];

	stack[0] = 0;
	populate((void *)(uintptr_t)stack, sizeof(stack));
}

void report_open(const char *subject, uint64_t seed)
{
	trial.descriptor = fcntl(DESCRIPTOR, F_GETFD) >= 0 ? DESCRIPTOR : STDOUT_FILENO;
	trial.subject = subject;
	trial.seed = seed;
	trial.process = getpid();
	trial.buffer = mmap(NULL, sizeof(*trial.buffer), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (trial.buffer == MAP_FAILED) {
		perror("mmconform-trial: no memory for the observations");
		exit(EXIT_FAILURE);
	}
}

void report_populate(void)
{
	/* Locked where the limit allows; without it only swapping could make a page absent. */
	(void)mlock2(trial.buffer, sizeof(*trial.buffer), MLOCK_ONFAULT);
	populate(trial.buffer, offsetof(struct buffer, entries[OBSERVATIONS_POPULATED]));
	populate(trial.buffer->values, VALUES_POPULATED * sizeof(trial.buffer->values[0]));
	populate(trial.buffer->text, TEXT_POPULATED_BYTES);
	populate_stack();
	(void)dl_iterate_phdr(populate_object, NULL);
}

/*
 * Lines go out together: each write wakes the launcher, and going to and fro between two address
 * spaces is dearer than the line, most of all where every change of them empties an emulated TLB.
 */
static struct {
	char bytes[OUTPUT_BYTES];
	size_t count_bytes;
} output;

static void write_out(const char *bytes, size_t left_bytes)
{
	while (left_bytes != 0) {
		const ssize_t written_bytes = write(trial.descriptor, bytes, left_bytes);
		if (written_bytes < 0 && errno == EINTR)
			continue;
		/* Nobody listening, no use: the launcher sees a trial that never said done. */
		if (written_bytes < 0)
			exit(EXIT_FAILURE);
		bytes += written_bytes;
		left_bytes -= (size_t)written_bytes;
	}
}

static void flush_output(void)
{
	write_out(output.bytes, output.count_bytes);
	output.count_bytes = 0;
}

static void write_line(struct pool *pool, const struct record_line *line)
{
	const char *text = record_encode(pool, line);

	/* A text that is no UTF-8 has no place in a record. */
	if (text == NULL)
		exit(EXIT_FAILURE);
	const size_t length_bytes = strlen(text);
	if (length_bytes > OUTPUT_BYTES - output.count_bytes)
		flush_output();
	if (length_bytes > OUTPUT_BYTES) {
		write_out(text, length_bytes);
		return;
	}
	memcpy(output.bytes + output.count_bytes, text, length_bytes);
	output.count_bytes += length_bytes;
}

static void write_hello(struct pool *pool)
{
	if (trial.said_hello)
		return;
	trial.said_hello = true;
	write_line(pool, &(struct record_line){
				 .type = RECORD_TYPE_HELLO,
				 .hello = {.protocol = PROTOCOL, .subject = trial.subject},
			 });
}

void report_now(const char *quantity, const char *at, const int64_t *values, size_t values_count,
	enum vm_unit unit, const char *witness)
{
	struct pool *pool = &trial.lines;

	write_hello(pool);
	trial.written_count++;
	write_line(pool, &(struct record_line){
				 .type = RECORD_TYPE_OBSERVATION,
				 .observation =
					 {
						 .quantity = quantity,
						 .at = at,
						 .values_count = values_count,
						 .values = values,
						 .unit = unit,
						 .witness = witness,
					 },
			 });
}

static void write_observations(struct pool *pool, const struct buffer *buffer)
{
	for (size_t i = 0; i < buffer->entries_count; i++) {
		const struct entry *entry = &buffer->entries[i];
		write_line(
			pool, &(struct record_line){
				      .type = RECORD_TYPE_OBSERVATION,
				      .observation =
					      {
						      .quantity = entry->quantity,
						      .at = buffer->text + entry->at,
						      .values_count = entry->values_count,
						      .values = buffer->values + entry->first_value,
						      .unit = entry->unit,
						      .witness = entry->witness,
					      },
			      });
	}
	write_line(pool, &(struct record_line){
				 .type = RECORD_TYPE_DONE,
				 .done = {.observations = (int64_t)(trial.written_count +
								    buffer->entries_count)},
			 });
}

_Noreturn void report_close(void)
{
	const struct buffer *buffer = trial.buffer;
	const enum outcome outcome = buffer->outcome;
	struct pool *pool = &trial.lines;

	write_hello(pool);
	switch (outcome) {
	case OUTCOME_BROKEN:
		write_line(pool,
			&(struct record_line){
				.type = RECORD_TYPE_BROKEN,
				.broken =
					{
						.file = *buffer->file == '\0' ? NULL : buffer->file,
						.line = buffer->line,
						.reason = buffer->reason,
					},
			});
		break;
	case OUTCOME_UNMET:
		write_line(
			pool, &(struct record_line){
				      .type = RECORD_TYPE_UNMET,
				      .unmet = {.reason = buffer->reason, .remedy = buffer->remedy},
			      });
		break;
	case OUTCOME_OBSERVED:
		write_observations(pool, buffer);
		break;
	}
	flush_output();
	exit(EXIT_SUCCESS);
}
