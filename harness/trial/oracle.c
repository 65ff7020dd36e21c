/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/oracle.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/guest_port.h"
#include "kernel/pagemap.h"
#include "trial/trial.h"

/* The page behind PLACE; private and written before, so that it is this process's alone. */
static volatile uint64_t nonce;

void oracle_begin(void)
{
	if (!guest_port_begin())
		unmet("this kernel lets no program at input and output ports",
			"a kernel with CONFIG_X86_IOPL_IOPERM=y");
}

void oracle_translate(uint64_t address, struct oracle_view *view)
{
	uint64_t words[ORACLE_REGISTERS + 1 + 2 * VM_PAGING_LEVELS_LIMIT + 3];
	char line[128];

	/* Another process that has inherited the page has another number there. */
	nonce = trial_seed() ^ ((uint64_t)(uintptr_t)view << 16) ^ address ^ (nonce + 1);
	(void)snprintf(line, sizeof(line), "t %x %" PRIxPTR " %" PRIx64 " %" PRIx64 "\n",
		(unsigned)sched_getcpu(), (uintptr_t)&nonce, nonce, address);
	const size_t limit = sizeof(words) / sizeof(words[0]);
	const size_t count = guest_port_ask(line, words, limit);
	MUST(count <= limit && count >= ORACLE_REGISTERS + 4 &&
		words[ORACLE_REGISTERS] <= VM_PAGING_LEVELS_LIMIT &&
		count == ORACLE_REGISTERS + 1 + 2 * words[ORACLE_REGISTERS] + 3);
	view->entries_count = (size_t)words[ORACLE_REGISTERS];
	memcpy(view->registers, words, sizeof(view->registers));
	memcpy(view->entries, words + ORACLE_REGISTERS + 1,
		2 * view->entries_count * sizeof(view->entries[0]));
	view->physical = (int64_t)words[count - 3];
	memcpy(view->listed, words + count - 2, sizeof(view->listed));
}

void oracle_read(uint64_t physical, uint64_t *words, size_t count)
{
	char line[64];

	MUST(count <= GUEST_PORT_WORDS_LIMIT);
	(void)snprintf(line, sizeof(line), "r %" PRIx64 " %zx\n", physical, count);
	MUST(guest_port_ask(line, words, count) == count);
}

const struct oracle_view *oracle_look_at(const char *at, uint64_t address)
{
	static struct oracle_view view;

	oracle_translate(address, &view);
	observe_at("address", at, (int64_t)address, VM_UNIT_ADDRESS, "mmap");
	observe_values(
		"registers", at, view.registers, ORACLE_REGISTERS, VM_UNIT_FLAGS, "info registers");
	observe_values("entries", at, view.entries, 2 * view.entries_count, VM_UNIT_FLAGS, "xp");
	observe_at("translated", at, view.physical, VM_UNIT_BYTES, "gva2gpa");
	observe_values("listed", at, view.listed, 2, VM_UNIT_FLAGS, "info tlb");
	return &view;
}

const struct oracle_view *oracle_look_at_own(const char *at, const char *memory)
{
	const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	const struct oracle_view *view = oracle_look_at(at, (uint64_t)(uintptr_t)memory);
	const off_t place =
		(off_t)(vm_bytes_to_pages_floor((uint64_t)(uintptr_t)memory) * sizeof(uint64_t));
	uint64_t word = 0;

	MUST(file >= 0 && pread(file, &word, sizeof(word), place) == sizeof(word));
	MUST(close(file) == 0);
	observe_values("frame", at,
		(int64_t[]){(int64_t)(word & KERNEL_PAGEMAP_FRAME_MASK), (int64_t)(word >> 62)}, 2,
		VM_UNIT_FRAME, "/proc/self/pagemap");
	return view;
}
