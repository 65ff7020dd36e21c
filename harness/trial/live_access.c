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

/*
 * execute_one(address, scratch): every register but the stack pointer is set to scratch, so that
 * whatever instruction is found there has somewhere harmless to write; iretq switches the trap flag
 * on together with the jump, so exactly one instruction runs. There is no way back but the signal.
 */
_Noreturn void execute_one(uint64_t address, uint64_t scratch, uint64_t selectors);
__asm__(".text\n"
	".type execute_one, @function\n"
	"execute_one:\n"
	"	mov %rsp, %r8\n"
	"	mov %rdx, %r9\n"
	"	shr $16, %r9\n"
	"	and $0xffff, %r9\n"
	"	and $0xffff, %rdx\n"
	"	push %r9\n" /* ss */
	"	push %r8\n" /* rsp */
	"	pushfq\n"
	"	orq $0x100, (%rsp)\n"
	"	push %rdx\n" /* cs */
	"	push %rdi\n" /* rip */
	"	mov %rsi, %rax\n"
	"	mov %rsi, %rbx\n"
	"	mov %rsi, %rcx\n"
	"	mov %rsi, %rdx\n"
	"	mov %rsi, %rdi\n"
	"	mov %rsi, %rbp\n"
	"	mov %rsi, %r8\n"
	"	mov %rsi, %r9\n"
	"	mov %rsi, %r10\n"
	"	mov %rsi, %r11\n"
	"	mov %rsi, %r12\n"
	"	mov %rsi, %r13\n"
	"	mov %rsi, %r14\n"
	"	mov %rsi, %r15\n"
	"	iretq\n"
	".size execute_one, . - execute_one\n");

static void handle(int number, siginfo_t *information, void *context)
{
	const greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint64_t bits = (uint64_t)registers[REG_ERR];
	const uint64_t trap = (uint64_t)registers[REG_TRAPNO];

	/*
	 * An instruction that was fetched did what it does, harmless or not: the question was the
	 * fetch. Only a page fault with the fetch bit, or a jump to an address that is none, is an
	 * answer of no.
	 */
	const bool fetched = executing != 0 &&
			     !(trap == TRAP_PAGE_FAULT && (bits & FAULT_FETCH) != 0) &&
			     !(trap != TRAP_PAGE_FAULT && number == SIGSEGV &&
				     (uint64_t)registers[REG_RIP] != executing);
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
	uint64_t code_selector, stack_selector;

	__asm__ volatile("mov %%cs, %0" : "=r"(code_selector));
	__asm__ volatile("mov %%ss, %0" : "=r"(stack_selector));
	live_trap.caught = false;
	executing = address;
	if (sigsetjmp(landing, 0) == 0)
		execute_one(address, (uint64_t)(uintptr_t)&live->scratch[sizeof(live->scratch) / 2],
			(stack_selector & 0xffff) << 16 | (code_selector & 0xffff));
	executing = 0;
}
