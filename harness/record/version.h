/* SPDX-License-Identifier: Apache-2.0 */
/* Which model this program judges with: two programs with one digest predict the same. */
#ifndef RECORD_VERSION_H
#define RECORD_VERSION_H

extern const char *const record_program_version; /* "0.1.0" */
extern const char *const record_model_digest;	 /* of the sources of the model and the probes */

#endif
