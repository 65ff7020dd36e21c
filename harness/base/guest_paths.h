/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are inside a guest: who packs them, who starts them and who looks reads the same. */
#ifndef BASE_GUEST_PATHS_H
#define BASE_GUEST_PATHS_H

#define GUEST_INIT_PATH	     "/init"
#define GUEST_PROGRAM_PATH   "/mmconform/bin/mmconform"
#define GUEST_DATA_PATH	     "/mmconform/share"
#define GUEST_ARGUMENTS_PATH "/mmconform/arguments"
#define GUEST_MODULES_PATH   "/mmconform/modules"
#define GUEST_OWN_SUITE_PATH "/mmconform/own"
/* That it is there says that the third serial port has an oracle behind it (guest/oracle.h). */
#define GUEST_ORACLE_PATH "/mmconform/oracle"

#endif
