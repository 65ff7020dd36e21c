/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:kernel/sys.c:prctl_set_mdwe: a process that never executes what it could write */
#include "area/area.h"
#include "machine/outcome.h"

bool deny_refuses(struct vm_machine *m, uint32_t mm, uint32_t old_flags, uint32_t new_flags)
{
	const bool gains = (old_flags & VM_AREA(EXEC)) == 0;
	const bool writes = (new_flags & VM_AREA(WRITE)) != 0;

	if (!mm_of(m, mm)->denies_write_execute || (new_flags & VM_AREA(EXEC)) == 0 ||
		(!gains && !writes))
		return false;
	rule_obey(m, RULE_AREA_DENY_WRITE_EXECUTE);
	return true;
}

void operation_deny_write_execute(struct vm_machine *m)
{
	if (!has(m, VM_FEATURE_MDWE)) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	/* A second time changes nothing, and is no mistake. */
	rule_obey(m, RULE_AREA_DENY_WRITE_EXECUTE);
	mm_of(m, processes_of(m)[m->operation->process].mm)->denies_write_execute = true;
}
