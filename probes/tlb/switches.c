/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to change the address space, and to tell another processor that one changed. */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/probe.h"
#include "probe/shape.h"
#include "timed/cost.h"
#include "timed/cpus.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/trial.h"
#include "vm/model.h"

/* Pages that each side touches between two switches. */
static const char *const switch_places[] = {"16", "64"};
static const size_t switch_pages[] = {16, 64};
/* Pages that lose their right to be written at once. */
static const char *const protect_places[] = {"1", "16"};
static const size_t protect_pages[] = {1, 16};

#define PLACES_COUNT 2

/* ---- what the models say ---- */

static void predict_switch(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {
		predictions, "tlb.switch-flush", PLACES_COUNT, switch_places};

	(void)model, (void)host, (void)arguments, (void)readings;
	predict_shape(&claim, "threads", VM_SHAPE_BELOW, "processes",
		"threads share their tables; between processes the base register is loaded, and "
		"entries are lost or looked up under another identifier",
		"linux:6.12:arch/x86/mm/tlb.c:switch_mm_irqs_off");
}

static void predict_shootdown(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct shape_claim claim = {
		predictions, "tlb.shootdown", PLACES_COUNT, protect_places};

	(void)model, (void)host, (void)arguments, (void)readings;
	predict_shape(&claim, "alone", VM_SHAPE_BELOW, "beside",
		"a processor that runs another thread of the process has to be interrupted, and "
		"waited for",
		"linux:6.12:arch/x86/mm/tlb.c:flush_tlb_mm_range");
}

static bool has_another_cpu(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return host->cpus_online > 1;
}

/* ---- a switch ---- */

#define SWITCHES 100
#define ROUNDS	 16
#define BATCHES	 3

enum side { SIDE_OURS, SIDE_THEIRS, SIDES };

/* Two sides that wake each other, on one processor. In memory that both have, whoever they are. */
struct game {
	atomic_int turn; /* whose it is: enum side */
	int64_t elapsed_ns[SIDES];
	size_t pages;
	char *memory[SIDES];
};

/* The word is asked again: the kernel may wake a sleeper for no reason. */
static void wait_for_turn(struct game *game, enum side side)
{
	while (atomic_load(&game->turn) != (int)side)
		(void)syscall(
			SYS_futex, &game->turn, FUTEX_WAIT, SIDES - 1 - (int)side, NULL, NULL, 0);
}

static void take_turns(struct game *game, enum side side, size_t turns)
{
	for (size_t i = 0; i < turns; i++) {
		wait_for_turn(game, side);
		memory_write(game->memory[side], vm_pages_to_bytes(game->pages));
		atomic_store(&game->turn, SIDES - 1 - (int)side);
		(void)syscall(SYS_futex, &game->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

/*
 * Each side times itself. Its first turn is not timed: in it a process that was just made copies
 * what it shares with its parent.
 */
static void play(struct game *game, enum side side)
{
	take_turns(game, side, 1);
	const int64_t started_ns = cost_thread_ns();
	take_turns(game, side, SWITCHES);
	game->elapsed_ns[side] = cost_thread_ns() - started_ns;
}

static void *play_their_side(void *context)
{
	play(context, SIDE_THEIRS);
	return NULL;
}

static int64_t time_threads(void *context)
{
	struct game *game = context;
	pthread_t other;

	MUST(pthread_create(&other, NULL, play_their_side, game) == 0);
	play(game, SIDE_OURS);
	MUST(pthread_join(other, NULL) == 0);
	return game->elapsed_ns[SIDE_OURS] + game->elapsed_ns[SIDE_THEIRS];
}

static int64_t time_processes(void *context)
{
	struct game *game = context;
	const pid_t other = fork();
	int status = 0;

	if (other == 0) {
		play(game, SIDE_THEIRS);
		_exit(0);
	}
	play(game, SIDE_OURS);
	MUST(other > 0 && waitpid(other, &status, 0) == other && status == 0);
	return game->elapsed_ns[SIDE_OURS] + game->elapsed_ns[SIDE_THEIRS];
}

static int64_t time_game(const char *name, cost_body *body, struct game *game)
{
	const struct cost_plan plan = {.name = name, .body = body, .context = game, .batches = 1};
	struct cost_samples samples;

	cost_measure(&plan, &samples);
	return samples.elapsed_ns[0];
}

/* One game of each in turn: what slows the machine for a while slows both. */
static void time_games(struct game *game, const char *at)
{
	int64_t threads_ns[ROUNDS], processes_ns[ROUNDS];

	for (size_t round = 0; round < ROUNDS; round++) {
		threads_ns[round] = time_game("threads", time_threads, game);
		processes_ns[round] = time_game("processes", time_processes, game);
	}
	observe_values("threads", at, threads_ns, ROUNDS, VM_UNIT_NS, "CPU time");
	observe_values("processes", at, processes_ns, ROUNDS, VM_UNIT_NS, "CPU time");
}

static void measure_switch(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[PLACES_COUNT];
	struct game *game = mmap(
		NULL, VM_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)arguments;
	MUST(game != MAP_FAILED);
	for (size_t side = 0; side < SIDES; side++)
		game->memory[side] =
			memory_small(vm_pages_to_bytes(switch_pages[PLACES_COUNT - 1]));
	order_shuffle(order, PLACES_COUNT, &state);
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		game->pages = switch_pages[order[i]];
		time_games(game, switch_places[order[i]]);
	}
}

/* ---- a shootdown ---- */

#define WAITS	    5
#define PROTECTIONS 10

struct neighbour {
	atomic_int wanted;
	atomic_ulong turns; /* it goes up only while the neighbour runs */
	char *memory;
};

/* Runs in user mode on another processor until it is told not to. */
static void *run_elsewhere(void *context)
{
	struct neighbour *neighbour = context;

	cpus_part(false);
	while (atomic_load(&neighbour->wanted) != 0) {
		(void)*(volatile char *)neighbour->memory;
		(void)atomic_fetch_add(&neighbour->turns, 1);
	}
	return NULL;
}

struct protection {
	char *memory;
	size_t length_bytes;
	struct neighbour *neighbour; /* NULL: alone */
};

static void wait_until_it_runs(struct neighbour *neighbour)
{
	const unsigned long before = atomic_load(&neighbour->turns);

	while (atomic_load(&neighbour->turns) == before)
		(void)sched_yield();
}

/* Written again each time, so that there is an entry to be taken away. */
static int64_t time_protections(void *context)
{
	const struct protection *protection = context;
	int64_t elapsed_ns = 0;

	for (size_t wait = 0; wait < WAITS; wait++) {
		if (protection->neighbour != NULL)
			wait_until_it_runs(protection->neighbour);
		const int64_t started_ns = cost_thread_ns();
		for (size_t i = 0; i < PROTECTIONS; i++) {
			memory_write(protection->memory, protection->length_bytes);
			MUST(mprotect(protection->memory, protection->length_bytes, PROT_READ) ==
				0);
			MUST(mprotect(protection->memory, protection->length_bytes,
				     PROT_READ | PROT_WRITE) == 0);
		}
		elapsed_ns += cost_thread_ns() - started_ns;
	}
	return elapsed_ns;
}

static void time_places(const char *quantity, const char *faults_quantity, char *memory,
	struct neighbour *neighbour)
{
	for (size_t i = 0; i < PLACES_COUNT; i++) {
		struct protection protection = {
			memory, (size_t)vm_pages_to_bytes(protect_pages[i]), neighbour};
		const struct cost_plan plan = {
			.name = quantity,
			.body = time_protections,
			.context = &protection,
			.witness = "CPU time",
			.warm_ups = 1,
			.batches = BATCHES,
		};
		cost_observe(&plan, quantity, faults_quantity, protect_places[i]);
	}
}

static void measure_shootdown(const struct probe_arguments *arguments)
{
	struct neighbour neighbour = {
		.memory = memory_small(VM_PAGE_BYTES),
	};
	char *memory = memory_small(vm_pages_to_bytes(protect_pages[PLACES_COUNT - 1]));
	pthread_t other;

	(void)arguments;
	memory_write(neighbour.memory, VM_PAGE_BYTES);
	if (cpus_allow_all() < 2)
		unmet("only one processor may be used", "allow a second one (taskset, cpuset)");
	atomic_store(&neighbour.wanted, 1);
	MUST(pthread_create(&other, NULL, run_elsewhere, &neighbour) == 0);
	cpus_part(true);
	time_places("beside", "beside-faults", memory, &neighbour);
	atomic_store(&neighbour.wanted, 0);
	MUST(pthread_join(other, NULL) == 0);
	time_places("alone", "alone-faults", memory, NULL);
}

static const char *const switch_claims[] = {"tlb.switch-flush", NULL};
static const char *const shootdown_claims[] = {"tlb.shootdown", NULL};

PROBE(switch_flush) = {
	.name = "tlb.switch-flush",
	.kind = PROBE_TIMED,
	.claims = switch_claims,
	.question = "What does it cost to switch to another address space?",
	.method = "CPU time of 100 turns of a game of two sides that wake each other on "
		  "one processor and touch 16 or 64 pages each: threads, and processes.",
	.threats = "A busy neighbour: CPU time, not the clock's. Making a process costs more than "
		   "making a thread: both sides time themselves, from their second turn on.",
	.by_hand = "perf bench sched pipe; perf bench sched pipe -T",
	.deadline_s = 20,
	.predict = PREDICTS(predict_switch),
	.measure = MEASURES_TIMED(measure_switch),
};

PROBE(shootdown) = {
	.name = "tlb.shootdown",
	.kind = PROBE_TIMED,
	.claims = shootdown_claims,
	.question = "What does it cost to take a right away while another processor may use it?",
	.method = "Take the right to write 1 or 16 pages away and give it back 50 times, with and "
		  "without a thread of the process that runs on another processor: CPU time, "
		  "in which waiting for the other is included.",
	.threats = "A neighbour on the other processor may keep the thread from running, and then "
		   "nobody has to be told: before every ten it is seen to run.",
	.by_hand = "grep TLB /proc/interrupts",
	.deadline_s = 20,
	.suits = has_another_cpu,
	.predict = PREDICTS(predict_shootdown),
	.measure = MEASURES_TIMED(measure_shootdown),
};
