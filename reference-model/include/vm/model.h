/* SPDX-License-Identifier: Apache-2.0 */
/* A model: a name and a filling of the behaviours. Two of them judge each claim. */
#ifndef VM_MODEL_H
#define VM_MODEL_H

#include "vm/behaviours.h"
#include "vm/host.h"

enum vm_model_id { VM_MODEL_LINUX, VM_MODEL_TEXTBOOK, VM_MODEL_LIMIT };

struct vm_model {
	enum vm_model_id id; /* for the record; rules look at the behaviours only */
	const char *name;    /* "linux", "textbook" */
	struct vm_behaviours behaviours;
};

struct vm_model vm_model_for(enum vm_model_id id, const struct vm_host *host);

#endif
