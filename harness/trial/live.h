/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live side of a scenario: its operations in real processes, its surfaces read with as little
 * disturbance of our own as can be had.
 *
 * A supervisor (the trial's first process) only waits. Process 0 is its child, and the processes
 * that a script forks are its children, too. They share one mapping, made present in each of them,
 * which holds the script, what was read last, and the turn: one process runs at a time. Whoever
 * has the turn acts; then each living process looks at itself; then the owner of the next step
 * acts. All other memory of ours (code, data, stack) is made present by live_warm() before it is
 * first measured and again on both sides of every fork, so that faults, resident pages and tables
 * move only because of what the script does. live_tree.c checks that at every step.
 */
#ifndef TRIAL_LIVE_H
#define TRIAL_LIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "scenario/wire.h"

#define LIVE_SHARED_ADDRESS	UINT64_C(0x200000000000)
#define LIVE_OUTPUT_WORDS	((size_t)16384)
#define LIVE_PAIRS_LIMIT	((size_t)8192)
#define LIVE_INSTRUMENT_LIMIT	64
#define LIVE_REASON_LIMIT_BYTES 240
#define LIVE_SCHEDSTAT_BYTES	64

struct kernel_stat;
struct io_uring_sqe;
struct io_uring_cqe;

struct live_file {
	bool exists;
	int read_write, read_only, write_only;
	uint64_t inode, device;
	enum vm_file_kind kind;
};

/* Mapped before the first fork, so at one place in all processes. */
struct live_ring {
	int descriptor, pipe[2];
	unsigned *submission_tail, *submission_slots, *completion_head;
	unsigned submission_mask, completion_mask;
	struct io_uring_sqe *submissions;
	struct io_uring_cqe *completions;
};

/* What a process saw of each kind of state when it looked last. */
struct live_last {
	size_t count;
	bool known;
	uint64_t digest; /* of the words: they themselves would be a hundred pages a process */
};

struct live_process {
	atomic_uint go; /* futex: this process has the turn */
	_Atomic pid_t pid;
	atomic_bool alive;
	struct rusage fork_usage[2]; /* before and after, read with no stack in between */
	struct live_last last[LIVE_KIND_LIMIT];
};

enum live_phase { LIVE_ACT, LIVE_LOOK };

struct live_shared {
	struct live_head head;
	const struct vm_operation *operations; /* in the same mapping, behind this */
	uint64_t counters_base[LIVE_COUNTER_LIMIT], sizes_base[LIVE_SIZE_LIMIT];
	uint64_t start[LIVE_START_LIMIT];
	uint64_t ksm_base[LIVE_POOLS_LIMIT - LIVE_POOLS_KSM];
	char monitors_ran[LIVE_MONITORS_LIMIT]
			 [LIVE_SCHEDSTAT_BYTES]; /* as the kernel told it last */
	enum live_phase phase;
	uint32_t step;	 /* from 1 */
	uint32_t actor;	 /* of this step */
	uint32_t looked; /* bit of each process that has looked after this step */
	/* What the cache was like when the first of them did; other since then: they look again. */
	uint64_t moment;
	bool has_moment, moved;
	uint64_t faults[LIVE_FAULTS_LIMIT]; /* that the actor took in this step */
	atomic_uint
		leaving;   /* index + 1 of the process that is going away: the supervisor goes on */
	atomic_uint ready; /* a forked child has made its memory present */
	atomic_bool finished;
	atomic_bool is_broken;
	bool is_unmet; /* broken, but by what this host lacks */
	char reason[LIVE_REASON_LIMIT_BYTES];
	struct live_file files[LIVE_FILES_LIMIT];
	bool has_pipe;
	int pipe[2]; /* all processes have one table of descriptors */
	struct live_ring ring;
	struct live_process processes[LIVE_PROCESSES_LIMIT];
	size_t output_count;
	uint64_t output[LIVE_OUTPUT_WORDS];
	int output_descriptor;
	/* Registers of an executed instruction may point here, in the middle. */
	unsigned char scratch[2 * 65536];
};

extern struct live_shared *live;
/* Which process this is: one a process, set by fork. */
extern uint32_t live_self;

/* ---- live_tree.c: processes and turns ---- */

/* Ends everything: the instrument is in doubt. */
_Noreturn void live_broken(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends everything: what is wanted cannot be had here. */
_Noreturn void live_unmet(const char *reason);

#define LIVE_MUST(expression)                                                                    \
	do {                                                                                     \
		if (!(expression))                                                               \
			live_broken("%s:%d: %s does not hold", __FILE__, __LINE__, #expression); \
	} while (0)

/* Runs the script in process 0 and its descendants. Returns in the supervisor when all is over. */
void live_run(void);

/* The operation FORK of this process; the child does not return. */
int64_t live_fork(uint32_t child, uint64_t faults[LIVE_FAULTS_LIMIT]);
_Noreturn void live_exit(void);

/* Makes all memory of ours present in this process. */
void live_warm(void);
/* The same after operations that act on the whole process: undoes them for our own memory. */
void live_unlock_own(void);
/* So many there were when the step was over: what follows may take none. */
void live_note_faults(const uint64_t faults[LIVE_FAULTS_LIMIT]);
void live_faults_between(const struct rusage usage[2], uint64_t faults[LIVE_FAULTS_LIMIT]);
long live_count_call(struct rusage usage[2], long number, long first, long second, long third);
/* A fault of ours that is meant to be: a write to the byte. */
void live_take_own_fault(volatile unsigned char *at);

/* ---- live_access.c: loads, stores, fetches, and the signals they end in ---- */

void live_catch_signals(void);

/* How the last access ended: the signal that ended it, and how many loads or stores were done. */
struct live_trap {
	bool caught;
	uint64_t done;
	uint64_t values[LIVE_SIGNAL_LIMIT];
};

extern volatile struct live_trap live_trap;

void live_read(uint64_t address, uint64_t length, uint64_t stride, unsigned char *bytes);
void live_write(uint64_t address, uint64_t length, uint64_t stride, unsigned char value);
void live_execute(uint64_t address);

/* ---- live_act.c: operations ---- */

/* Where bytes to write and bytes read lie: in the shared mapping. As many as the script needs. */
size_t live_buffers_bytes(const struct vm_operation *operations, size_t count);
void live_share_buffers(unsigned char *memory);
/* In a forked child: the userfaultfd is the parent's. */
void live_forget_tracker(void);
void live_count_faults(uint64_t faults[LIVE_FAULTS_LIMIT]);

/* Does the step's operation and sends RESULT, SIGNAL, BYTES. faults: what the step took. */
void live_act(const struct vm_operation *operation, const uint64_t before[LIVE_FAULTS_LIMIT],
	uint64_t faults[LIVE_FAULTS_LIMIT]);

/* ---- live_ring.c: the one ring of io_uring that all processes have ---- */

/* If the script pins anything, and before anything of ours is measured. */
void live_ring_open(void);
int64_t live_pin(uint64_t address, uint64_t length);
int64_t live_unpin(void);
/* Through the ring's own pipe: from the fixed buffer to bytes, or the other way round. */
int64_t live_pinned_read(uint64_t address, uint64_t length, unsigned char *bytes);
int64_t live_pinned_write(uint64_t address, uint64_t length, const unsigned char *bytes);

/* ---- live_look.c: surfaces ---- */

/* What surfaces are read into, in the shared mapping as well. */
size_t live_look_bytes(void);
void live_look_with(void *memory);

/* What all processes have in common: the machine's own files, the names of lines. Before a fork. */
void live_prepare_looks(void);

/* Other when pages of files came, went, or were written back. */
uint64_t live_cache_digest(void);

/* Whether a monitor may have run since this was asked last. */
bool live_monitors_ran(void);
/* Opens the files of /proc of this process; again after a fork. */
void live_open_surfaces(void);
void live_close_surfaces(void);
/* Surfaces that can be read here, as LIVE_SURFACE bits. */
uint32_t live_surfaces_available(void);
void live_read_counters(uint64_t counters[LIVE_COUNTER_LIMIT]);
void live_read_sizes(uint64_t sizes[LIVE_SIZE_LIMIT]);
/* One of LIVE_POOLS, by its place there. */
uint64_t live_read_pool(size_t figure, uint64_t otherwise);
/* Once, before them: whether this kernel's resident figures are late. */
void live_find_lag(void);
/*
 * Reads the surfaces and sends what changed; returns which it read. With no reason to think that
 * areas have changed they are not read, unless with the surfaces that need their list.
 */
uint32_t live_look(uint32_t surfaces, bool areas_may_differ);
/* Areas of this process outside of the arena; returns how many there are in all. */
struct live_range {
	uint64_t start, end;
	bool private_writable;
};

/* Where the kernel thinks that code, data, stack and arguments of this process lie. */
void live_read_stat(struct kernel_stat *stat);

size_t live_own_areas(struct live_range *ranges, size_t limit);

/* ---- live_out.c ---- */

void live_send(enum live_kind kind, const uint64_t *words, size_t count);
/* The same, unless the process saw just that when it looked last. */
void live_send_state(enum live_kind kind, const uint64_t *words, size_t count);
void live_flush(void);

/* "/proc/sys/..." as a number, or otherwise. */
uint64_t live_number_in(const char *path, uint64_t otherwise);
uint64_t live_number_from(int descriptor, uint64_t otherwise);

#endif
