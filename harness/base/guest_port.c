/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guest_port.h"

#include <stdlib.h>
#include <string.h>
#include <sys/io.h>

/* The registers of a 16550. */
#define PORT	     0x3e8
#define PORT_COUNT   8
#define LINE_STATUS  (PORT + 5)
#define STATUS_READY 0x01
#define STATUS_EMPTY 0x20
/* A word has at most 16 digits, and a blank or the newline behind it. */
#define WORD_BYTES 17

bool guest_port_begin(void)
{
	return ioperm(PORT, PORT_COUNT, 1) == 0;
}

void guest_port_end(void)
{
	(void)ioperm(PORT, PORT_COUNT, 0);
}

static void put(const char *text)
{
	for (; *text != '\0'; text++) {
		while ((inb(LINE_STATUS) & STATUS_EMPTY) == 0) {
		}
		outb((unsigned char)*text, PORT);
	}
}

static char get(void)
{
	while ((inb(LINE_STATUS) & STATUS_READY) == 0) {
	}
	return (char)inb(PORT);
}

size_t guest_port_ask(const char *line, uint64_t *words, size_t limit)
{
	char word[WORD_BYTES];
	size_t length = 0, count = 0;

	put(line);
	for (;;) {
		const char byte = get();
		if (byte != ' ' && byte != '\n') {
			if (length < sizeof(word) - 1)
				word[length++] = byte;
			continue;
		}
		word[length] = '\0';
		if (length != 0 && count < limit)
			words[count] = strtoull(word, NULL, 16);
		if (length != 0 && count <= limit)
			count++;
		length = 0;
		if (byte == '\n')
			return count;
	}
}
