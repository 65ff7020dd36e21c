/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a record so that whatever happens leaves a valid one: a line is whole or not there, and
 * what has been sealed or ended is on the disk.
 */
#ifndef RECORD_WRITER_H
#define RECORD_WRITER_H

#include <stdbool.h>
#include <stdio.h>

#include "record/hash.h"
#include "record/line.h"

struct record_writer {
	int descriptor;
	const char *path; /* NULL: a file without a name, gone when it is closed */
	FILE *mirror;	  /* gets every line too, flushed; NULL: none */
	struct record_hash hash;
	size_t length_bytes; /* of whole lines */
	int64_t lines_count;
	bool failed; /* said so already */
};

/* 0, or -errno after one message. path NULL: a temporary file. An existing file is not replaced. */
__attribute__((warn_unused_result)) int record_create(
	struct record_writer *writer, const char *path, FILE *mirror);

/* Goes on behind the first length_bytes of an existing record, which have this hash. */
__attribute__((warn_unused_result)) int record_go_on(struct record_writer *writer, const char *path,
	const struct record_hash *hash, size_t length_bytes, int64_t lines_count, FILE *mirror);

/* All lines or none. False after one message; the record then ends with its last whole line. */
__attribute__((warn_unused_result)) bool record_write(
	struct record_writer *writer, const struct record_line *lines, size_t count);

/* As record_write, and on the disk when it returns. */
__attribute__((warn_unused_result)) bool record_write_through(
	struct record_writer *writer, const struct record_line *lines, size_t count);

void record_close(struct record_writer *writer);

#endif
