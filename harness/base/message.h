/* SPDX-License-Identifier: Apache-2.0 */
/* One line on stderr, once, where the cause is known. */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

/* "mmconform: " before the text and a newline after it. Control characters come out as '?'. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
