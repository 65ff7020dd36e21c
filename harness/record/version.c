/* SPDX-License-Identifier: Apache-2.0 */
#include "record/version.h"

#include "model_digest.h"

const char *const record_program_version = MMCONFORM_VERSION;
const char *const record_model_digest = MODEL_DIGEST;
