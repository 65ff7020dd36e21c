/* SPDX-License-Identifier: Apache-2.0 */
/* Under sudo, no file of root is left in a user's home. */
#ifndef BASE_OWNER_H
#define BASE_OWNER_H

/* As root: gives a new file to the owner of the folder it was made in, unless that is root too. */
void owner_as_folder(int descriptor, const char *path);

#endif
