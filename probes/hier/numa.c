/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory on several nodes: where pages are placed by which policy, and where they are after a move.
 *
 * It would miss a placement that depends on how much is free: there is always enough here.
 */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/numa.h"
#include "vm/prediction.h"

/* A slot of the top table of its own. */
#define BASE UINT64_C(0x100000000000)
/* No multiple of any number of nodes, so that a turn that starts anew shows. */
#define PAGES	    23
#define NODES_LIMIT 8

enum policy {
	POLICY_NONE,
	POLICY_LOCAL,
	POLICY_BIND,
	POLICY_BIND_ALL,
	POLICY_PREFERRED,
	POLICY_INTERLEAVE
};
enum scope { SCOPE_AREA, SCOPE_TASK };
enum from { FROM_FIRST, FROM_LAST };

static const char *const policy_labels[] = {
	"none", "local", "bind", "bind-all", "preferred", "interleave"};
static const char *const scope_labels[] = {"area", "task"};
static const char *const from_labels[] = {"first", "last"};

static const struct probe_parameter parameters[] = {
	{
		.name = "policy",
		.unit = VM_UNIT_COUNT,
		.choices_count = 6,
		.choices = {0, 1, 2, 3, 4, 5},
		.labels = policy_labels,
	},
	{
		.name = "scope",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, 1},
		.labels = scope_labels,
	},
	{
		.name = "from",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, 1},
		.labels = from_labels,
	},
};

/* Both halves need it: the node that is not the CPU's, and the policy in the kernel's words. */
static struct vm_numa_policy policy_of(enum policy policy, uint32_t nodes, enum from from)
{
	const uint64_t all = (UINT64_C(1) << nodes) - 1;
	const uint64_t other = from == FROM_FIRST ? UINT64_C(1) << (nodes - 1) : 1;

	switch (policy) {
	case POLICY_NONE:
		return (struct vm_numa_policy){VM_NUMA_DEFAULT, 0};
	case POLICY_LOCAL:
		return (struct vm_numa_policy){VM_NUMA_LOCAL, 0};
	case POLICY_BIND:
		return (struct vm_numa_policy){VM_NUMA_BIND, other};
	case POLICY_BIND_ALL:
		return (struct vm_numa_policy){VM_NUMA_BIND, all};
	case POLICY_PREFERRED:
		return (struct vm_numa_policy){VM_NUMA_PREFERRED, other};
	case POLICY_INTERLEAVE:
		break;
	}
	return (struct vm_numa_policy){VM_NUMA_INTERLEAVE, all};
}

/* --- what the model says --------------------------------------------------------------------- */

static void predict_nodes(const struct vm_numa_policy *policy, uint32_t nodes, unsigned local,
	const char *at, const char *because, struct vm_predictions *predictions)
{
	int64_t places[PAGES], counts[NODES_LIMIT] = {0};
	struct vm_prediction prediction = {
		.claim = "hier.numa",
		.quantity = "nodes",
		.at = at,
		.unit = VM_UNIT_COUNT,
		.form = VM_FORM_EXACT,
		.values = places,
		.values_count = PAGES,
		.because = because,
		.cite = "linux:6.12:mm/mempolicy.c:policy_nodemask",
	};

	for (uint64_t i = 0; i < PAGES; i++) {
		const unsigned node =
			vm_numa_node_of_page(policy, BASE + vm_pages_to_bytes(i), local);
		places[i] = node;
		counts[node]++;
	}
	vm_predict(predictions, &prediction);
	prediction.quantity = "pages-of-node";
	prediction.unit = VM_UNIT_PAGES;
	prediction.values = counts;
	prediction.values_count = nodes;
	prediction.cite = "linux:6.12:fs/proc/task_mmu.c:show_numa_map";
	vm_predict(predictions, &prediction);
}

static void predict_node_count(uint32_t nodes, struct vm_predictions *predictions)
{
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "hier.numa",
			.quantity = "nodes-allowed",
			.at = "",
			.unit = VM_UNIT_COUNT,
			.form = VM_FORM_EXACT,
			.values = (int64_t[]){nodes},
			.values_count = 1,
			.because = "a process may use every node that the topology shows",
			.cite = "linux:6.12:mm/mempolicy.c:do_get_mempolicy",
		});
}

static void predict_placement(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const enum from from = (enum from)probe_argument(arguments, "from");
	const struct vm_numa_policy policy = policy_of(
		(enum policy)probe_argument(arguments, "policy"), host->nodes_online, from);

	(void)model, (void)readings;
	if (host->nodes_online < 2 || host->nodes_online > NODES_LIMIT)
		return;
	predict_nodes(&policy, host->nodes_online, from == FROM_FIRST ? 0 : host->nodes_online - 1,
		"",
		"the policy of the area, or else of the task, or else the node of the CPU that "
		"touches first",
		predictions);
	predict_node_count(host->nodes_online, predictions);
}

/* --- what the trial does ---------------------------------------------------------------------- */

/* Nodes are numbered without gaps in the guests that this is for; others have more to say. */
static uint32_t nodes_allowed(void)
{
	unsigned long allowed = 0;

	MUST(syscall(SYS_get_mempolicy, NULL, &allowed, 8 * sizeof(allowed), NULL,
		     MPOL_F_MEMS_ALLOWED) == 0);
	const uint32_t count = (uint32_t)__builtin_popcountl(allowed);
	if (count < 2 || count > NODES_LIMIT || allowed != (1UL << count) - 1)
		unmet("the nodes of this machine are not 0 to N-1, N from 2 to 8",
			"mmconform run --guest KERNEL --guest-cpus 2 --guest-nodes 2");
	return count;
}

/* On the first CPU of the node from now on. */
static void run_on(uint32_t node)
{
	char path[64], text[64];
	cpu_set_t set;

	(void)snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist", node);
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t length = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
	if (length < 1 || text[0] < '0' || text[0] > '9')
		unmet("a node has no CPU", "mmconform run --guest KERNEL with a CPU for each node");
	text[length] = '\0';
	MUST(close(file) == 0);
	CPU_ZERO(&set);
	CPU_SET((size_t)strtoul(text, NULL, 10), &set);
	MUST(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static char *map_small(void)
{
	const size_t length_bytes = (size_t)vm_pages_to_bytes(PAGES);
	char *memory = mmap((void *)BASE, length_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	MUST(memory != MAP_FAILED);
	/* A kernel without huge pages knows no such advice, and needs none. */
	(void)madvise(memory, length_bytes, MADV_NOHUGEPAGE);
	return memory;
}

static void touch(volatile char *memory)
{
	for (size_t i = 0; i < PAGES; i++)
		memory[i * VM_PAGE_BYTES] = (char)(i + 1);
}

/* By move_pages(2), which moves nothing when it is given no nodes, and by get_mempolicy(2). */
static void observe_nodes(const char *at, char *memory)
{
	void *pages[PAGES];
	int status[PAGES];
	int64_t moved[PAGES], asked[PAGES];

	for (size_t i = 0; i < PAGES; i++)
		pages[i] = memory + i * VM_PAGE_BYTES;
	MUST(syscall(SYS_move_pages, 0, (unsigned long)PAGES, pages, NULL, status, 0) == 0);
	for (size_t i = 0; i < PAGES; i++) {
		int node = -1;
		MUST(syscall(SYS_get_mempolicy, &node, NULL, 0, pages[i],
			     MPOL_F_NODE | MPOL_F_ADDR) == 0);
		moved[i] = status[i];
		asked[i] = node;
	}
	observe_values("nodes", at, moved, PAGES, VM_UNIT_COUNT, "move_pages");
	observe_values("nodes", at, asked, PAGES, VM_UNIT_COUNT, "get_mempolicy");
}

/* "100000000000 bind:1 anon=23 dirty=23 N1=23 kernelpagesize_kB=4" */
static void observe_numa_maps(const char *at, uint32_t nodes)
{
	struct kernel_file file = kernel_file_open("/proc/self/numa_maps", KERNEL_FILE_LARGE_BYTES);
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(&file));
	struct kernel_text line, word;
	struct kernel_error error;
	int64_t counts[NODES_LIMIT] = {0};
	bool found = false;

	while (kernel_line_next(&lines, &line, &error) == 1) {
		if (!kernel_text_starts(line, "100000000000 "))
			continue;
		found = true;
		while (kernel_word_next(&line, &word)) {
			uint64_t count = 0;
			if (word.length_bytes > 3 && word.bytes[0] == 'N' && word.bytes[2] == '=' &&
				word.bytes[1] >= '0' && word.bytes[1] < '0' + NODES_LIMIT &&
				kernel_text_decimal(kernel_text_after(word, 3), &count))
				counts[word.bytes[1] - '0'] = (int64_t)count;
		}
	}
	MUST(found);
	observe_values("pages-of-node", at, counts, nodes, VM_UNIT_PAGES, "/proc/self/numa_maps");
	kernel_file_close(&file);
}

static void measure_placement(const struct probe_arguments *arguments)
{
	const enum from from = (enum from)probe_argument(arguments, "from");
	const uint32_t nodes = nodes_allowed();
	const struct vm_numa_policy policy =
		policy_of((enum policy)probe_argument(arguments, "policy"), nodes, from);
	const unsigned long mask = policy.nodes;
	char *memory = map_small();

	observe("nodes-allowed", nodes, VM_UNIT_COUNT, "get_mempolicy");
	run_on(from == FROM_FIRST ? 0 : nodes - 1);
	if (probe_argument(arguments, "scope") == SCOPE_AREA)
		MUST(syscall(SYS_mbind, memory, vm_pages_to_bytes(PAGES), policy.mode,
			     mask != 0 ? &mask : NULL, 8 * sizeof(mask), 0) == 0);
	else
		MUST(syscall(SYS_set_mempolicy, policy.mode, mask != 0 ? &mask : NULL,
			     8 * sizeof(mask)) == 0);
	touch(memory);
	observe_nodes("", memory);
	observe_numa_maps("", nodes);
}

static const char *const claims[] = {"hier.numa", NULL};

PROBE(numa_placement) = {
	.name = "hier.numa-placement",
	.claims = claims,
	.question = "On which node is a page placed, by which policy?",
	.method =
		"Set a policy for an area or for the task, touch its pages from a CPU of the first "
		"or of the last node, and ask move_pages, get_mempolicy and numa_maps.",
	.threats =
		"Automatic balancing moves pages of a process that has run for a second: this one "
		"runs for milliseconds. A full node would be passed over.",
	.by_hand = "numactl --interleave=all sh -c 'cat /proc/self/numa_maps'",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.features_count = 1, .features = {VM_FEATURE_NUMA}},
	.deadline_s = 20,
	.predict = PREDICTS(predict_placement),
	.measure = MEASURES(measure_placement),
};

/* --- moves ------------------------------------------------------------------------------------ */

enum way { WAY_BIND, WAY_PAGES, WAY_PROCESS, WAY_HALF };

static const char *const way_labels[] = {"mbind", "move-pages", "migrate-pages", "every-other"};

static const struct probe_parameter move_parameters[] = {
	{
		.name = "way",
		.unit = VM_UNIT_COUNT,
		.choices_count = 4,
		.choices = {0, 1, 2, 3},
		.labels = way_labels,
	},
};

static void predict_moved(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const bool half = probe_argument(arguments, "way") == WAY_HALF;
	const unsigned last = host->nodes_online - 1;
	int64_t nodes[PAGES], changed[PAGES];
	struct vm_prediction prediction = {
		.claim = "hier.numa",
		.quantity = "nodes",
		.at = "moved",
		.unit = VM_UNIT_COUNT,
		.form = VM_FORM_EXACT,
		.values = nodes,
		.values_count = PAGES,
		.because =
			"a page that is told to move is copied to a frame of the other node, and "
			"its entry with it",
		.cite = "linux:6.12:mm/migrate.c:migrate_pages",
	};

	(void)model, (void)readings;
	if (host->nodes_online < 2 || host->nodes_online > NODES_LIMIT)
		return;
	predict_nodes(&(struct vm_numa_policy){VM_NUMA_DEFAULT, 0}, host->nodes_online, 0, "before",
		"the node of the CPU that touches first", predictions);
	for (size_t i = 0; i < PAGES; i++) {
		changed[i] = !half || i % 2 == 1;
		nodes[i] = changed[i] ? last : 0;
	}
	vm_predict(predictions, &prediction);
	prediction.quantity = "frame-changed";
	prediction.unit = VM_UNIT_BOOL;
	prediction.values = changed;
	vm_predict(predictions, &prediction);
	prediction.quantity = "contents";
	prediction.values = (int64_t[]){1};
	prediction.values_count = 1;
	prediction.because = "what was in the page is in its copy";
	vm_predict(predictions, &prediction);
}

static void read_frames(const char *memory, uint64_t frames[PAGES])
{
	const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	const size_t length_bytes = PAGES * sizeof(frames[0]);
	const off_t place =
		(off_t)(vm_bytes_to_pages_floor((uint64_t)(uintptr_t)memory) * sizeof(frames[0]));

	MUST(file >= 0 && pread(file, frames, length_bytes, place) == (ssize_t)length_bytes);
	MUST(close(file) == 0);
}

static void move_one_by_one(char *memory, uint32_t node, size_t step)
{
	void *pages[PAGES];
	int nodes[PAGES], status[PAGES];
	size_t count = 0;

	for (size_t i = step - 1; i < PAGES; i += step) {
		pages[count] = memory + i * VM_PAGE_BYTES;
		nodes[count++] = (int)node;
	}
	MUST(syscall(SYS_move_pages, 0, count, pages, nodes, status, MPOL_MF_MOVE) == 0);
}

static void move(enum way way, char *memory, uint32_t node)
{
	const unsigned long from = 1, to = 1UL << node;

	switch (way) {
	case WAY_BIND:
		MUST(syscall(SYS_mbind, memory, vm_pages_to_bytes(PAGES), MPOL_BIND, &to,
			     8 * sizeof(to), MPOL_MF_MOVE) == 0);
		break;
	case WAY_PAGES:
		move_one_by_one(memory, node, 1);
		break;
	case WAY_HALF:
		move_one_by_one(memory, node, 2);
		break;
	case WAY_PROCESS:
		/* Returns how many could not be moved: pages of libraries that others map too. */
		MUST(syscall(SYS_migrate_pages, 0, 8 * sizeof(from), &from, &to) >= 0);
		break;
	}
}

static void measure_moved(const struct probe_arguments *arguments)
{
	const uint32_t nodes = nodes_allowed();
	uint64_t before[PAGES], after[PAGES];
	int64_t changed[PAGES], kept = 1;

	run_on(0);
	char *memory = map_small();
	touch(memory);
	observe_nodes("before", memory);
	observe_numa_maps("before", nodes);
	read_frames(memory, before);
	move((enum way)probe_argument(arguments, "way"), memory, nodes - 1);
	read_frames(memory, after);
	observe_nodes("moved", memory);
	for (size_t i = 0; i < PAGES; i++) {
		changed[i] = ((before[i] ^ after[i]) << 9) != 0; /* the 55 bits of the frame */
		kept = kept && memory[i * VM_PAGE_BYTES] == (char)(i + 1);
	}
	observe_values("frame-changed", "moved", changed, PAGES, VM_UNIT_BOOL, "pagemap");
	observe_at("contents", "moved", kept, VM_UNIT_BOOL, "a load");
}

PROBE(numa_moved) = {
	.name = "hier.numa-moved",
	.claims = claims,
	.question = "Where are pages after they were told to move to another node?",
	.method = "Touch pages on the first node, move them to the last by mbind, move_pages or "
		  "migrate_pages, all or every other one; read nodes, frames and contents.",
	.threats = "A page that somebody else holds does not move: these are nobody else's.",
	.by_hand = "migratepages PID 0 1; grep 'N[01]=' /proc/PID/numa_maps",
	.parameters_count = 1,
	.parameters = move_parameters,
	.needs = {.root = true,
		.capabilities = VM_CAPABILITY_SYS_ADMIN,
		.features_count = 1,
		.features = {VM_FEATURE_NUMA}},
	.deadline_s = 20,
	.predict = PREDICTS(predict_moved),
	.measure = MEASURES(measure_moved),
};
