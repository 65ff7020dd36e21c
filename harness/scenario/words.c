/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/words.h"

#include <stdio.h>
#include <string.h>

#include "vm/machine.h"

const struct word protection_words[] = {
	{"none", 0},
	{"r", VM_PROT_READ},
	{"w", VM_PROT_WRITE},
	{"x", VM_PROT_EXEC},
	{"rw", VM_PROT_READ | VM_PROT_WRITE},
	{"rx", VM_PROT_READ | VM_PROT_EXEC},
	{"wx", VM_PROT_WRITE | VM_PROT_EXEC},
	{"rwx", VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXEC},
	{NULL, 0},
};

const struct word map_words[] = {
	{"shared", VM_MAP_SHARED},
	{"private", VM_MAP_PRIVATE},
	{"droppable", VM_MAP_DROPPABLE},
	{"grows-down", VM_MAP_GROWSDOWN},
	{"locked", VM_MAP_LOCKED},
	{"noreserve", VM_MAP_NORESERVE},
	{"populate", VM_MAP_POPULATE},
	{"nonblock", VM_MAP_NONBLOCK},
	{"stack", VM_MAP_STACK},
	{"hugetlb-2m", VM_MAP_HUGETLB | VM_MAP_HUGE_2MB},
	{"hugetlb-1g", VM_MAP_HUGETLB | VM_MAP_HUGE_1GB},
	{NULL, 0},
};

const struct word advice_words[] = {
	{"normal", VM_MADV_NORMAL},
	{"random", VM_MADV_RANDOM},
	{"sequential", VM_MADV_SEQUENTIAL},
	{"willneed", VM_MADV_WILLNEED},
	{"dontneed", VM_MADV_DONTNEED},
	{"free", VM_MADV_FREE},
	{"remove", VM_MADV_REMOVE},
	{"dontfork", VM_MADV_DONTFORK},
	{"dofork", VM_MADV_DOFORK},
	{"mergeable", VM_MADV_MERGEABLE},
	{"unmergeable", VM_MADV_UNMERGEABLE},
	{"hugepage", VM_MADV_HUGEPAGE},
	{"nohugepage", VM_MADV_NOHUGEPAGE},
	{"dontdump", VM_MADV_DONTDUMP},
	{"dodump", VM_MADV_DODUMP},
	{"wipeonfork", VM_MADV_WIPEONFORK},
	{"keeponfork", VM_MADV_KEEPONFORK},
	{"cold", VM_MADV_COLD},
	{"pageout", VM_MADV_PAGEOUT},
	{"populate-read", VM_MADV_POPULATE_READ},
	{"populate-write", VM_MADV_POPULATE_WRITE},
	{"dontneed-locked", VM_MADV_DONTNEED_LOCKED},
	{"collapse", VM_MADV_COLLAPSE},
	{"guard-install", VM_MADV_GUARD_INSTALL},
	{"guard-remove", VM_MADV_GUARD_REMOVE},
	{NULL, 0},
};

const struct word file_kind_words[] = {
	{"disk", VM_FILE_DISK},
	{"memory", VM_FILE_SHMEM},
	{"secret", VM_FILE_SECRET},
	{"hugetlb-2m", VM_FILE_HUGETLB_2M},
	{"hugetlb-1g", VM_FILE_HUGETLB_1G},
	{NULL, 0},
};

const struct word file_io_words[] = {
	{"direct", VM_FILE_IO_DIRECT},
	{"sync", VM_FILE_IO_SYNC},
	{NULL, 0},
};

const struct word lock_all_words[] = {
	{"current", VM_MCL_CURRENT},
	{"future", VM_MCL_FUTURE},
	{"on-fault", VM_MCL_ONFAULT},
	{NULL, 0},
};

const struct word sync_words[] = {
	{"async", VM_MS_ASYNC},
	{"invalidate", VM_MS_INVALIDATE},
	{"now", VM_MS_SYNC},
	{NULL, 0},
};

const struct word scan_words[] = {
	{"written", VM_SCAN_WRITTEN},
	{"present", VM_SCAN_PRESENT},
	{"protect", VM_SCAN_PROTECT},
	{NULL, 0},
};

const struct word error_words[] = {
	{"EPERM", VM_EPERM},
	{"ENOENT", VM_ENOENT},
	{"ESRCH", VM_ESRCH},
	{"EIO", VM_EIO},
	{"EBADF", VM_EBADF},
	{"ECHILD", VM_ECHILD},
	{"EAGAIN", VM_EAGAIN},
	{"ENOMEM", VM_ENOMEM},
	{"EACCES", VM_EACCES},
	{"EFAULT", VM_EFAULT},
	{"EBUSY", VM_EBUSY},
	{"EEXIST", VM_EEXIST},
	{"ENODEV", VM_ENODEV},
	{"EINVAL", VM_EINVAL},
	{"EFBIG", VM_EFBIG},
	{"ENOSPC", VM_ENOSPC},
	{"EOPNOTSUPP", VM_EOPNOTSUPP},
	{NULL, 0},
};

#define OPERATION_ROW(name, text) {text, VM_OP_##name},
const struct word operation_words[] = {VM_OPERATIONS(OPERATION_ROW){NULL, 0}};
#undef OPERATION_ROW

const struct word *word_of(const struct word *list, const char *text)
{
	for (; list->word != NULL; list++)
		if (strcmp(list->word, text) == 0)
			return list;
	return NULL;
}

const char *word_for(const struct word *list, uint64_t value)
{
	for (; list->word != NULL; list++)
		if (list->value == value)
			return list->word;
	return NULL;
}

const char *words_listed(const struct word *list, char *buffer, size_t buffer_bytes)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; list[i].word != NULL && used < buffer_bytes; i++) {
		const char *joint = i == 0 ? "" : list[i + 1].word == NULL ? " or " : ", ";
		const int length =
			snprintf(buffer + used, buffer_bytes - used, "%s%s", joint, list[i].word);
		used += length < 0 ? 0 : (size_t)length;
	}
	return buffer;
}
