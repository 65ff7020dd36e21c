/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of itself and of the machine: configuration, cpuinfo, iomem, lru_gen. */
#ifndef KERNEL_SYSTEM_H
#define KERNEL_SYSTEM_H

#include "kernel/text.h"

/* "6.12.107+deb12-cloud-amd64" */
struct kernel_release {
	uint64_t major, minor, patch;
};

int kernel_release_parse(
	struct kernel_text text, struct kernel_release *release, struct kernel_error *error);

/*
 * Distributions put a number of their own where the patch level stands: "6.1.0-56-amd64" is built
 * from 6.1.192. Takes the highest patch level of the same series among the words of the text.
 */
void kernel_release_refine(struct kernel_text text, struct kernel_release *release);
/* What /proc/version says behind "Debian": "6.1.192-2 (2026-11-08)"; empty for other kernels. */
struct kernel_text kernel_version_of_debian(struct kernel_text version);

/* Whether every line is a comment, empty, or NAME=value: the text of /proc/config.gz, inflated. */
int kernel_config_check(struct kernel_text text, struct kernel_error *error);
/* "y", "m", a number or a quoted string; false for what is not set. */
bool kernel_config_find(struct kernel_text text, const char *name, struct kernel_text *value);
bool kernel_config_is_yes(struct kernel_text text, const char *name);

/* The first processor, and how many there are. */
struct kernel_cpuinfo {
	uint64_t processors_count;
	struct kernel_text vendor, name, microcode;
	uint64_t family, model, stepping;
	uint64_t physical_bits, virtual_bits; /* of addresses; 0 if not printed */
	uint64_t tlb_pages;		      /* of 4 KiB; 0 if not printed */
	struct kernel_text flags;
};

int kernel_cpuinfo_parse(
	struct kernel_text text, struct kernel_cpuinfo *cpuinfo, struct kernel_error *error);
bool kernel_cpuinfo_has(const struct kernel_cpuinfo *cpuinfo, const char *flag);

/* /proc/iomem: "00100000-bfffffff : System RAM", children indented below their parent. */
struct kernel_resource {
	uint64_t first, last; /* addresses of bytes; all 0 for those who may not see them */
	bool is_child;
	struct kernel_text name;
};

/* 1, 0 at the end, or -EINVAL. */
int kernel_iomem_next(
	struct kernel_lines *lines, struct kernel_resource *resource, struct kernel_error *error);

/* debugfs lru_gen, one generation of one node of one memory group at a time. */
struct kernel_generation {
	uint64_t group;
	struct kernel_text group_path;
	uint64_t node;
	uint64_t generation;
	uint64_t age_ms;
	uint64_t anonymous_pages, file_pages;
};

struct kernel_generations {
	struct kernel_lines lines;
	bool has_group, has_node;
	uint64_t group, node;
	struct kernel_text group_path;
};

/* linux:6.12:mm/vmscan.c:lru_gen_seq_show */
struct kernel_generations kernel_lru_gen_of(struct kernel_text text);
int kernel_lru_gen_next(struct kernel_generations *generations,
	struct kernel_generation *generation, struct kernel_error *error);

#endif
