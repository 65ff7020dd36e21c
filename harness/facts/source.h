/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where facts come from: the live machine, or a folder captured from one. Both answer the same
 * questions with the same texts, so that what is derived from them cannot differ.
 *
 * Paths are relative to the root ("proc/meminfo"). What is no file of the kernel but was found out
 * by asking (CPUID, calls that exist, the topology) is text below "mmconform/", written when the
 * live source is opened. A text is read once and stays: all facts come from one pass.
 *
 * A captured folder has a manifest of every path that was looked at, with its size, or why it could
 * not be read. So a capture tells "was not there" from "was lost since", and a file that was cut
 * off is noticed even where a line ends.
 */
#ifndef FACTS_SOURCE_H
#define FACTS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"
#include "facts/facts.h"
#include "kernel/text.h"

#define SOURCE_MANIFEST	       "manifest"
#define SOURCE_MANIFEST_HEAD   "mmconform-capture 1"
#define SOURCE_FILE_BYTES_MOST ((size_t)16 << 20)

struct source_entry {
	const char *path;
	int error; /* 0, or the negative errno for which it could not be read */
	bool is_read;
	size_t size_bytes; /* as the manifest says */
	struct kernel_text text;
};

struct facts_source {
	struct pool *pool;
	bool live;
	const char *root; /* "" for this machine, a folder for a capture or a test */
	size_t entries_count;
	struct source_entry *entries; /* live: what was read; captured: the manifest */
	int failed;		      /* the first thing that cannot be believed */
	struct facts_error *error;
};

/* A live source knows its synthetic texts only after facts_ask() (facts/ask.h). */
void source_open_live(struct facts_source *source, struct pool *pool, const char *root,
	struct facts_error *error);
int source_open_captured(struct facts_source *source, struct pool *pool, const char *folder,
	struct facts_error *error);

/*
 * The text, or an empty one with the negative errno: -ENOENT where there is no such file, others
 * where it could not be read. A capture that lost the file, or a part, sets source->failed.
 */
struct source_text {
	int error;
	struct kernel_text text;
};

struct source_text source_read(struct facts_source *source, const char *path);
bool source_exists(struct facts_source *source, const char *path);
/* The sorted names in a folder; none where there is no such folder. */
size_t source_list(struct facts_source *source, const char *folder, const char ***names);

/* Makes a text known under the path. */
void source_put(struct facts_source *source, const char *path, int error, struct kernel_text text);

/*
 * A line of a manifest: "1432 proc/meminfo", or "-13 proc/kpageflags" for the errno. False where it
 * is none, or the path could lead out of the folder.
 */
bool source_manifest_entry(struct pool *pool, struct kernel_text line, struct source_entry *entry);

/* Notes the first failure: "PATH:LINE: reason". Always returns the failure. */
int source_fail(struct facts_source *source, const char *path, const struct kernel_error *error);
int source_fail_plainly(struct facts_source *source, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A whole file, not followed through a link at its end; also used for captures' own files. */
int source_slurp(struct pool *pool, const char *path, struct kernel_text *text);

#endif
