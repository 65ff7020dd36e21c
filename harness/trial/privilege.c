/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/privilege.h"

#include <linux/capability.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trial/trial.h"

static const unsigned bits[] = {
	[PRIVILEGE_SYS_ADMIN] = CAP_SYS_ADMIN,
	[PRIVILEGE_SYS_RESOURCE] = CAP_SYS_RESOURCE,
	[PRIVILEGE_IPC_LOCK] = CAP_IPC_LOCK,
};

static void read_sets(struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};

	MUST(syscall(SYS_capget, &header, sets) == 0);
}

bool privilege_held(enum privilege privilege)
{
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	const unsigned bit = bits[privilege];

	read_sets(sets);
	return sets[bit / 32].effective >> bit % 32 & 1;
}

void privilege_drop(enum privilege privilege)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	const unsigned bit = bits[privilege];

	read_sets(sets);
	sets[bit / 32].effective &= ~(UINT32_C(1) << bit % 32);
	sets[bit / 32].permitted &= ~(UINT32_C(1) << bit % 32);
	MUST(syscall(SYS_capset, &header, sets) == 0);
}
