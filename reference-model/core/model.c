/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/model.h"

#include "vm/base.h"

struct vm_model vm_model_for(enum vm_model_id id, const struct vm_host *host)
{
	struct vm_model model = {.id = id};

	switch (id) {
	case VM_MODEL_LINUX:
		model.name = "linux";
		vm_behaviours_linux(&model.behaviours, host);
		break;
	case VM_MODEL_TEXTBOOK:
		model.name = "textbook";
		vm_behaviours_textbook(&model.behaviours);
		break;
	case VM_MODEL_LIMIT:
		VM_ASSERT(id != VM_MODEL_LIMIT);
	}
	return model;
}
