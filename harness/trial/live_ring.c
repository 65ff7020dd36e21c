/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_uring's fixed buffers, by its bare calls. The ring is made before the first process is
 * measured and shared by all: who has the turn uses it. linux:6.12:include/uapi/linux/io_uring.h
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "trial/live.h"

#define RING_ENTRIES 1U

static bool is_wanted(void)
{
	for (uint32_t i = 0; i < live->head.operations_count; i++) {
		const enum vm_operation_kind kind = live->operations[i].kind;
		if (kind == VM_OP_PIN || kind == VM_OP_UNPIN || kind == VM_OP_PINNED_READ ||
			kind == VM_OP_PINNED_WRITE)
			return true;
	}
	return false;
}

static unsigned char *map_ring(int descriptor, size_t length_bytes, uint64_t what)
{
	void *memory = mmap(NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		descriptor, (off_t)what);

	LIVE_MUST(memory != MAP_FAILED);
	return memory;
}

static unsigned *word_at(unsigned char *ring, uint32_t offset)
{
	return (unsigned *)(void *)(ring + offset);
}

void live_ring_open(void)
{
	struct io_uring_params with = {0};
	struct live_ring *ring = &live->ring;

	if (!is_wanted())
		return;
	ring->descriptor = (int)syscall(SYS_io_uring_setup, RING_ENTRIES, &with);
	if (ring->descriptor < 0)
		live_unmet("no ring of io_uring can be had");
	LIVE_MUST((with.features & IORING_FEAT_SINGLE_MMAP) != 0 &&
		  pipe2(ring->pipe, O_NONBLOCK | O_CLOEXEC) == 0);
	const size_t submissions_end =
		with.sq_off.array + with.sq_entries * sizeof(ring->submission_slots[0]);
	const size_t completions_end =
		with.cq_off.cqes + with.cq_entries * sizeof(struct io_uring_cqe);
	unsigned char *memory = map_ring(ring->descriptor,
		submissions_end > completions_end ? submissions_end : completions_end,
		IORING_OFF_SQ_RING);
	ring->submissions = (struct io_uring_sqe *)(void *)map_ring(
		ring->descriptor, with.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	ring->submission_tail = word_at(memory, with.sq_off.tail);
	ring->submission_slots = word_at(memory, with.sq_off.array);
	ring->submission_mask = *word_at(memory, with.sq_off.ring_mask);
	ring->completion_head = word_at(memory, with.cq_off.head);
	ring->completion_mask = *word_at(memory, with.cq_off.ring_mask);
	ring->completions = (struct io_uring_cqe *)(void *)(memory + with.cq_off.cqes);
}

int64_t live_pin(uint64_t address, uint64_t length)
{
	const struct iovec range = {.iov_base = (void *)(uintptr_t)address, .iov_len = length};
	const long result = syscall(
		SYS_io_uring_register, live->ring.descriptor, IORING_REGISTER_BUFFERS, &range, 1L);

	return result < 0 ? -errno : result;
}

int64_t live_unpin(void)
{
	const long result = syscall(
		SYS_io_uring_register, live->ring.descriptor, IORING_UNREGISTER_BUFFERS, NULL, 0L);

	return result < 0 ? -errno : result;
}

/* One request, and what became of it. A pipe that does not block is done within the call. */
static int64_t ask(uint8_t operation, int descriptor, uint64_t address, uint64_t length)
{
	struct live_ring *ring = &live->ring;
	const unsigned tail = *ring->submission_tail, slot = tail & ring->submission_mask;
	const unsigned head = *ring->completion_head;

	ring->submissions[slot] = (struct io_uring_sqe){
		.opcode = operation, .fd = descriptor, .addr = address, .len = (uint32_t)length};
	ring->submission_slots[slot] = slot;
	__atomic_store_n(ring->submission_tail, tail + 1, __ATOMIC_RELEASE);
	LIVE_MUST(syscall(SYS_io_uring_enter, ring->descriptor, 1L, 1L, IORING_ENTER_GETEVENTS,
			  NULL, 0L) == 1);
	const int64_t result = ring->completions[head & ring->completion_mask].res;
	__atomic_store_n(ring->completion_head, head + 1, __ATOMIC_RELEASE);
	return result;
}

int64_t live_pinned_read(uint64_t address, uint64_t length, unsigned char *bytes)
{
	const int64_t result = ask(IORING_OP_WRITE_FIXED, live->ring.pipe[1], address, length);

	LIVE_MUST(result <= 0 || read(live->ring.pipe[0], bytes, (size_t)result) == result);
	return result;
}

int64_t live_pinned_write(uint64_t address, uint64_t length, const unsigned char *bytes)
{
	unsigned char left;

	LIVE_MUST(write(live->ring.pipe[1], bytes, length) == (ssize_t)length);
	const int64_t result = ask(IORING_OP_READ_FIXED, live->ring.pipe[0], address, length);
	/* What was refused is still in the pipe. */
	while (result < 0 && read(live->ring.pipe[0], &left, 1) == 1)
		continue;
	return result;
}
