/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of requests for memory that the overcommit probes make. The trial's half, which makes
 * them: trial/requests.h.
 */
#ifndef PROBE_REQUESTS_H
#define PROBE_REQUESTS_H

#include <stdbool.h>

#include "vm/commit.h"

struct vm_model;

/* User addresses end below this with four levels of tables: nothing so long is ever granted. */
#define REQUEST_HIGHEST_BYTES (UINT64_C(1) << 47)

/* How the request is made; what it is a request for is in the other columns. */
enum request_way {
	REQUEST_MMAP,
	REQUEST_MPROTECT, /* mapped without rights, then made writable */
	REQUEST_MREMAP,	  /* grown from one page */
	REQUEST_BRK,
	REQUEST_GROWSDOWN, /* an area that grows downwards, used far below its only page */
	REQUEST_SHMGET,
	REQUEST_FORK, /* mapped in two requests that become one area, which a fork asks for again */
};

/* name, label, way, backing, shared, writable, no reserve */
#define REQUEST_KINDS(X)                                                                         \
	X(PRIVATE_WRITABLE, "private-writable", MMAP, ANONYMOUS, false, true, false)             \
	X(PRIVATE_READ_ONLY, "private-read-only", MMAP, ANONYMOUS, false, false, false)          \
	X(PRIVATE_NO_RESERVE, "private-no-reserve", MMAP, ANONYMOUS, false, true, true)          \
	X(SHARED_WRITABLE, "shared-writable", MMAP, ANONYMOUS, true, true, false)                \
	X(SHARED_READ_ONLY, "shared-read-only", MMAP, ANONYMOUS, true, false, false)             \
	X(SHARED_NO_RESERVE, "shared-no-reserve", MMAP, ANONYMOUS, true, true, true)             \
	X(FILE_PRIVATE_WRITABLE, "file-private-writable", MMAP, MEMORY_FILE, false, true, false) \
	X(FILE_PRIVATE_READ_ONLY, "file-private-read-only", MMAP, MEMORY_FILE, false, false,     \
		false)                                                                           \
	X(FILE_SHARED, "file-shared", MMAP, MEMORY_FILE, true, true, false)                      \
	X(MADE_WRITABLE, "made-writable", MPROTECT, ANONYMOUS, false, true, false)               \
	X(GROWN, "grown", MREMAP, ANONYMOUS, false, true, false)                                 \
	X(HEAP, "heap", BRK, ANONYMOUS, false, true, false)                                      \
	X(STACK, "stack", GROWSDOWN, ANONYMOUS, false, true, false)                              \
	X(SYSTEM_V, "system-v", SHMGET, ANONYMOUS, true, true, false)                            \
	X(FORKED, "forked", FORK, ANONYMOUS, false, true, false)                                 \
	X(FORKED_NO_RESERVE, "forked-no-reserve", FORK, ANONYMOUS, false, true, true)

enum request_kind {
#define REQUEST_ENUMERATOR(name, ...) REQUEST_##name,
	REQUEST_KINDS(REQUEST_ENUMERATOR)
#undef REQUEST_ENUMERATOR
		REQUEST_KIND_LIMIT,
};

/* Initialisers of a parameter's choices and of its labels: all kinds, in their order. */
#define REQUEST_CHOICE(name, ...)	REQUEST_##name,
#define REQUEST_LABEL(name, label, ...) label,

struct request_kind_info {
	const char *label;
	enum request_way way;
	struct vm_commit_request asks; /* without a length */
};

static const struct request_kind_info request_kinds[] = {
#define REQUEST_ROW(name, word, how, what, is_shared, is_writable, opts_out) \
	[REQUEST_##name] = {                                                 \
		.label = word,                                               \
		.way = REQUEST_##how,                                        \
		.asks = {.backing = VM_COMMIT_##what,                        \
			.shared = is_shared,                                 \
			.writable = is_writable,                             \
			.no_reserve = opts_out},                             \
	},
	REQUEST_KINDS(REQUEST_ROW)
#undef REQUEST_ROW
};

/* Whether the request promises the pages that it asks for. */
bool request_is_charged(const struct vm_model *model, enum vm_commit_mode mode,
	const struct request_kind_info *kind);

#endif
