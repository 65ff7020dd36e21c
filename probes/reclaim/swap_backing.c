/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is behind swap does not matter to whoever is swapped: the same pages go out to a file, to a
 * block device and to compressed memory, and the same counts and contents come back.
 *
 * It would miss a device that loses what is on it when it is full.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/swap.h>
#include <unistd.h>

#include "kernel/mounts.h"
#include "kernel/values.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/memory_group.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

enum backing { BACKING_FILE, BACKING_DEVICE, BACKING_COMPRESSED };

static const char *const backing_labels[] = {"file", "device", "compressed"};

static const struct probe_parameter parameters[] = {
	{
		.name = "backing",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {BACKING_FILE, BACKING_DEVICE, BACKING_COMPRESSED},
		.labels = backing_labels,
	},
	{
		.name = "pages",
		.unit = VM_UNIT_PAGES,
		.lowest = 200,
		.highest = 600,
		.step = 1,
		.drawn = 1,
	},
	/* One page at a time: no neighbours come with it. */
	{
		.name = "cluster",
		.unit = VM_UNIT_COUNT,
		.choices_count = 1,
		.choices = {0},
		.knob = "vm.page-cluster",
	},
};

#define SWAP_BYTES (16 * VM_MIB_BYTES)

/* What is still in the swap cache is dropped by asking version 2 for it. */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return host->cgroup_version == 2 && group_limit_swaps(host);
}

/* --- predicting ------------------------------------------------------------------------------- */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const int64_t pages = probe_argument(arguments, "pages");
	const struct {
		const char *quantity, *because, *cite;
		int64_t value;
		enum vm_unit unit;
	} rows[] = {
		{"swapped", "each page has an entry with its place in swap",
			"linux:6.12:mm/rmap.c:try_to_unmap_one", pages, VM_UNIT_PAGES},
		{"written", "each page is written once, for no two are alike or empty",
			"linux:6.12:mm/page_io.c:swap_writepage", pages, VM_UNIT_PAGES},
		{"major-faults", "each comes back by a fault of its own that waits for it",
			"linux:6.12:mm/memory.c:do_swap_page", pages, VM_UNIT_COUNT},
		{"read", "and is read once", "linux:6.12:mm/page_io.c:swap_read_folio", pages,
			VM_UNIT_PAGES},
		{"contents-lost", "what went out comes back", "epita", 0, VM_UNIT_PAGES},
		{"is-file", "the kernel tells files from devices; compressed memory is a device",
			"linux:6.12:mm/swapfile.c:swap_show",
			probe_argument(arguments, "backing") == BACKING_FILE, VM_UNIT_BOOL},
	};

	(void)model, (void)host, (void)readings;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		vm_predict(predictions, &(struct vm_prediction){
						.claim = "reclaim.swap-backing",
						.quantity = rows[i].quantity,
						.at = "",
						.unit = rows[i].unit,
						.form = VM_FORM_EXACT,
						.values = &rows[i].value,
						.values_count = 1,
						.because = rows[i].because,
						.cite = rows[i].cite,
					});
}

/* --- the three kinds -------------------------------------------------------------------------- */

#define PATH_BYTES 64

struct swap {
	enum backing backing;
	char path[PATH_BYTES]; /* what is swapped on */
	int file;	       /* of FILE and DEVICE: where the pages are in the end */
	int device;	       /* of DEVICE */
	int number;	       /* of COMPRESSED */
};

/* linux:6.12:include/linux/swap.h:union swap_header: the first page says what it is. */
static void write_header(int file)
{
	static uint32_t header[VM_PAGE_BYTES / sizeof(uint32_t)];
	static const char magic[] = "SWAPSPACE2";
	enum { VERSION_WORD = 256, LAST_PAGE_WORD = 257 };

	header[VERSION_WORD] = 1;
	header[LAST_PAGE_WORD] = (uint32_t)vm_bytes_to_pages_floor(SWAP_BYTES) - 1;
	memcpy((char *)header + sizeof(header) - (sizeof(magic) - 1), magic, sizeof(magic) - 1);
	MUST(pwrite(file, header, sizeof(header), 0) == (ssize_t)sizeof(header));
	MUST(fsync(file) == 0);
}

static void make_file(struct swap *swap)
{
	(void)snprintf(swap->path, sizeof(swap->path), "swap-XXXXXX");
	swap->file = mkstemp(swap->path);
	MUST(swap->file >= 0);
	const int why = posix_fallocate(swap->file, 0, SWAP_BYTES);
	if (why != 0)
		broken("posix_fallocate: %s", strerror(why));
	write_header(swap->file);
}

/* A block device whose blocks are those of a file. */
static void make_device(struct swap *swap)
{
	const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		unmet("the kernel has no loop devices", "modprobe loop");
	make_file(swap);
	MUST(unlink(swap->path) == 0);
	const int number = ioctl(control, LOOP_CTL_GET_FREE);
	MUST(number >= 0 && close(control) == 0);
	(void)snprintf(swap->path, sizeof(swap->path), "/dev/loop%d", number);
	swap->device = open(swap->path, O_RDWR | O_CLOEXEC);
	MUST(swap->device >= 0);
	MUST(ioctl(swap->device, LOOP_SET_FD, swap->file) == 0);
}

static void make_compressed(struct swap *swap)
{
	char path[PATH_BYTES], text[PATH_BYTES];

	if (access("/sys/class/zram-control/hot_remove", W_OK) != 0)
		unmet("the kernel has no zram", "modprobe zram");
	swap->number = (int)kernel_number_at("/sys/class/zram-control/hot_add");
	(void)snprintf(path, sizeof(path), "/sys/block/zram%d/disksize", swap->number);
	(void)snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)SWAP_BYTES);
	const int error = kernel_write(path, text);
	if (error == EINVAL) {
		(void)snprintf(text, sizeof(text), "%d", swap->number);
		MUST(kernel_write("/sys/class/zram-control/hot_remove", text) == 0);
		unmet("the kernel's zram has no compressor", "modprobe lzo-rle");
	}
	MUST(error == 0);
	(void)snprintf(swap->path, sizeof(swap->path), "/dev/zram%d", swap->number);
	const int device = open(swap->path, O_RDWR | O_CLOEXEC);
	MUST(device >= 0);
	write_header(device);
	MUST(close(device) == 0);
}

static struct swap swap_begin(enum backing backing)
{
	struct swap swap = {.backing = backing};

	switch (backing) {
	case BACKING_FILE:
		make_file(&swap);
		break;
	case BACKING_DEVICE:
		make_device(&swap);
		break;
	case BACKING_COMPRESSED:
		make_compressed(&swap);
		break;
	}
	MUST(swapon(swap.path, 0) == 0);
	return swap;
}

static void swap_end(const struct swap *swap)
{
	char path[PATH_BYTES], text[PATH_BYTES];

	MUST(swapoff(swap->path) == 0);
	switch (swap->backing) {
	case BACKING_FILE:
		MUST(unlink(swap->path) == 0 && close(swap->file) == 0);
		return;
	case BACKING_DEVICE:
		MUST(ioctl(swap->device, LOOP_CLR_FD, 0) == 0);
		MUST(close(swap->device) == 0 && close(swap->file) == 0);
		return;
	case BACKING_COMPRESSED:
		(void)snprintf(path, sizeof(path), "/sys/block/zram%d/reset", swap->number);
		MUST(kernel_write(path, "1") == 0);
		(void)snprintf(text, sizeof(text), "%d", swap->number);
		MUST(kernel_write("/sys/class/zram-control/hot_remove", text) == 0);
		return;
	}
}

/* --- measuring -------------------------------------------------------------------------------- */

struct counts {
	int64_t written, read, major_faults;
};

static struct counts look(void)
{
	static char text[1 << 15];
	const struct kernel_text vmstat = kernel_small_text_at("/proc/vmstat", text, sizeof(text));
	struct rusage usage;

	MUST(getrusage(RUSAGE_SELF, &usage) == 0);
	return (struct counts){
		.written = kernel_vmstat_value(vmstat, "pswpout"),
		.read = kernel_vmstat_value(vmstat, "pswpin"),
		.major_faults = usage.ru_majflt,
	};
}

static int64_t swapped_pages(void)
{
	static char text[1 << 13];

	return (int64_t)vm_kib_to_pages_floor((uint64_t)kernel_meminfo_value(
		kernel_small_text_at("/proc/self/status", text, sizeof(text)), "VmSwap"));
}

static bool is_file(void)
{
	static char text[1 << 13];
	struct kernel_lines lines =
		kernel_lines_of(kernel_small_text_at("/proc/swaps", text, sizeof(text)));
	struct kernel_swap swap;
	struct kernel_error error;

	MUST(kernel_swaps_next(&lines, &swap, &error) == 1);
	const bool is_file = !swap.is_partition;
	MUST(kernel_swaps_next(&lines, &swap, &error) == 0);
	return is_file;
}

/*
 * A page on its way out stays in the swap cache until somebody looks for free memory again. The
 * kernel may say that it did not get all that it was asked for.
 */
static void drop_swap_cache(const struct memory_group *own)
{
	if (!memory_group_has(own, "memory.reclaim"))
		unmet("the kernel reclaims from no group on demand", "Linux 5.19");
	while (memory_group_stat(own, "swapcached", "swapcached") != 0)
		(void)memory_group_write(own, "memory.reclaim", "2M");
}

static void measure(const struct probe_arguments *arguments)
{
	const size_t pages = (size_t)probe_argument(arguments, "pages");
	const struct memory_group own = memory_group_own();
	const struct swap swap = swap_begin((enum backing)probe_argument(arguments, "backing"));
	int64_t lost = 0;

	/* Nothing else of ours may go, or come back. */
	MUST(mlockall(MCL_CURRENT) == 0);
	char *memory = mmap(NULL, pages * VM_PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(memory != MAP_FAILED);
	small_pages(memory, pages * VM_PAGE_BYTES);
	for (size_t i = 0; i < pages; i++)
		*(volatile uint64_t *)(void *)(memory + i * VM_PAGE_BYTES) = i + 1;
	const struct counts before = look();
	MUST(madvise(memory, pages * VM_PAGE_BYTES, MADV_PAGEOUT) == 0);
	observe("swapped", swapped_pages(), VM_UNIT_PAGES, "status");
	observe("is-file", is_file(), VM_UNIT_BOOL, "swaps");
	drop_swap_cache(&own);
	const struct counts out = look();
	for (size_t i = 0; i < pages; i++)
		lost += *(volatile uint64_t *)(void *)(memory + i * VM_PAGE_BYTES) != i + 1;
	const struct counts back = look();
	observe("written", out.written - before.written, VM_UNIT_PAGES, "vmstat");
	observe("major-faults", back.major_faults - out.major_faults, VM_UNIT_COUNT, "getrusage");
	observe("read", back.read - out.read, VM_UNIT_PAGES, "vmstat");
	observe("contents-lost", lost, VM_UNIT_PAGES, "the memory itself");
	swap_end(&swap);
}

static const char *const claims[] = {"reclaim.swap-backing", NULL};

PROBE(swap_backing) = {
	.name = "reclaim.swap-backing",
	.claims = claims,
	.letters = "V",
	.question = "Does it matter to a process what is behind swap?",
	.method = "Swap of one kind alone; pages of known contents are sent out and read back one "
		  "by one.",
	.threats = "What is still in the swap cache comes back without a read: it is dropped "
		   "before. Pages of one repeated byte are not written: each has its own number.",
	.by_hand = "swapon --show; grep -E 'pswp(in|out)' /proc/vmstat",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.root = true,
		.allow_pressure = true,
		.own_machine = true,
		.group_limit_bytes = 256 << 20},
	.deadline_s = 60,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
