/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of a trial executable. argv starts after the verb; they return only on wrong usage. */
#ifndef TRIAL_VERBS_H
#define TRIAL_VERBS_H

void verb_probe(int argc, char **argv);
void verb_scenario(int argc, char **argv);

#endif
