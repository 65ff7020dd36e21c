/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/requests.h"

#include "vm/model.h"

bool request_is_charged(const struct vm_model *model, enum vm_commit_mode mode,
	const struct request_kind_info *kind)
{
	struct vm_commit_request asked = kind->asks;

	asked.length_pages = 1;
	if (kind->way == REQUEST_FORK)
		return vm_commit_area_accounts(&model->behaviours, mode, &asked);
	if (kind->way == REQUEST_MPROTECT) {
		asked.writable = false;
		return vm_commit_map_pages(&model->behaviours, mode, &asked) +
			       vm_commit_make_writable_pages(
				       &model->behaviours, mode, &asked, false) !=
		       0;
	}
	return vm_commit_map_pages(&model->behaviours, mode, &asked) != 0;
}
