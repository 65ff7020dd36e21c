/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "trial/live.h"

#define SIGNAL_STACK_BYTES 65536
#define TRAP_FLAG	   0x100
#define FAULT_FETCH	   0x10
#define TRAP_PAGE_FAULT	   14

/* All of this is one a process, as the signal handler needs it; it is copied by fork. */
volatile struct live_trap live_trap;
static sigjmp_buf landing;
static unsigned char signal_stack[SIGNAL_STACK_BYTES];
static volatile uint64_t executing; /* address of the fetch, 0: none */
static volatile bool departing;	    /* the next trap is our own, and leads there */

/*
 * Leaves for the fetch: every register but the stack pointer is set to scratch, so that whatever
 * instruction is found there has somewhere harmless to write, and the trap flag is set, so that
 * exactly one runs. The kernel does the jump as it returns from this signal: an iretq of our own
 * would do as well, but QEMU's emulation before 9.1 reads its operands as the supervisor does, and
 * takes the kernel down under SMAP.
 */
static void leave_for(greg_t *registers, uint64_t address)
{
	static const int general[] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP,
		REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

	for (size_t i = 0; i < sizeof(general) / sizeof(general[0]); i++)
		registers[general[i]] =
			(greg_t)(uintptr_t)&live->scratch[sizeof(live->scratch) / 2];
	registers[REG_RIP] = (greg_t)address;
	registers[REG_EFL] |= TRAP_FLAG;
}

/* With four levels: the upper bits repeat bit 47. */
static bool is_canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static void handle(int number, siginfo_t *information, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint64_t bits = (uint64_t)registers[REG_ERR];
	const uint64_t trap = (uint64_t)registers[REG_TRAPNO];

	if (departing) {
		departing = false;
		leave_for(registers, executing);
		return;
	}
	/*
	 * An instruction that was fetched did what it does, harmless or not: the question was the
	 * fetch. Only a page fault with the fetch bit, or a jump to an address that is none, is an
	 * answer of no. (What lies above 2^47 with five levels holds returns, no instruction that
	 * ends like such a jump.)
	 */
	const bool fetched =
		executing != 0 && !(trap == TRAP_PAGE_FAULT && (bits & FAULT_FETCH) != 0) &&
		!(trap != TRAP_PAGE_FAULT && number == SIGSEGV && !is_canonical(executing));
	live_trap.caught = !fetched;
	live_trap.values[LIVE_SIGNAL_NUMBER] = (uint64_t)number;
	live_trap.values[LIVE_SIGNAL_CODE] = (uint64_t)(int64_t)information->si_code;
	live_trap.values[LIVE_SIGNAL_ADDRESS] = (uint64_t)(uintptr_t)information->si_addr;
	live_trap.values[LIVE_SIGNAL_ERROR_BITS] = bits;
	live_trap.values[LIVE_SIGNAL_TRAP] = trap;
	live_trap.values[LIVE_SIGNAL_CR2] = (uint64_t)registers[REG_CR2];
	siglongjmp(landing, 1);
}

void live_catch_signals(void)
{
	static const int numbers[] = {SIGSEGV, SIGBUS, SIGTRAP, SIGILL, SIGFPE};
	const stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
	struct sigaction action = {.sa_sigaction = handle};

	/* NODEFER: the handler leaves by a jump that restores no mask. */
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	LIVE_MUST(sigaltstack(&stack, NULL) == 0);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		LIVE_MUST(sigaction(numbers[i], &action, NULL) == 0);
}

/* An integer, so that the compiler draws no conclusion about an object at that address. */
static volatile unsigned char *at_address(uint64_t address)
{
	return (volatile unsigned char *)(uintptr_t)address;
}

void live_read(uint64_t address, uint64_t length, uint64_t stride, unsigned char *bytes)
{
	live_trap.caught = false;
	live_trap.done = 0;
	if (sigsetjmp(landing, 0) != 0)
		return;
	for (uint64_t at = 0, i = 0; at < length; at += stride, i++) {
		const unsigned char byte = *at_address(address + at);
		if (bytes != NULL)
			bytes[i] = byte;
		live_trap.done = i + 1;
	}
}

void live_write(uint64_t address, uint64_t length, uint64_t stride, unsigned char value)
{
	live_trap.caught = false;
	live_trap.done = 0;
	if (sigsetjmp(landing, 0) != 0)
		return;
	for (uint64_t at = 0; at < length; at += stride) {
		*at_address(address + at) = value;
		live_trap.done++;
	}
}

void live_execute(uint64_t address)
{
	live_trap.caught = false;
	executing = address;
	departing = true;
	/* There is no way back from the fetch but another signal. */
	if (sigsetjmp(landing, 0) == 0)
		__asm__ volatile("int3" ::: "memory");
	executing = 0;
}
