/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The third serial port of a PC, by its registers: in a guest of ours QEMU's side of it is a
 * program that answers (guest/oracle.h). Who asks never sleeps while it waits, and needs no driver.
 */
#ifndef BASE_GUEST_PORT_H
#define BASE_GUEST_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an answer has at most. */
#define GUEST_PORT_WORDS_LIMIT 512

/* False where the kernel lets no program at input and output ports. */
bool guest_port_begin(void);
void guest_port_end(void);

/*
 * Sends the line (with its newline) and waits for the line that answers it: hexadecimal words.
 * Returns how many words came; more than limit are not kept, and returned as limit + 1.
 */
size_t guest_port_ask(const char *line, uint64_t *words, size_t limit);

#endif
