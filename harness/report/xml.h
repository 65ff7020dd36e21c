/* SPDX-License-Identifier: Apache-2.0 */
/* XML and HTML by libxml2's writer, which knows what to escape where. */
#ifndef REPORT_XML_H
#define REPORT_XML_H

#include <libxml/xmlwriter.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/pool.h"

struct xml {
	xmlTextWriterPtr writer;
	xmlBufferPtr buffer;
	struct pool pool; /* of texts on their way */
	bool failed;
};

void xml_open(struct xml *xml);

/* Attributes are pairs of name and value, NULL-ended; a NULL value leaves its attribute out. */
void xml_start(struct xml *xml, const char *name, ...) __attribute__((sentinel));
void xml_end(struct xml *xml);
/* As text_clean() has it. */
void xml_text(struct xml *xml, const char *text);
/* An element with a text and nothing else. */
void xml_element(struct xml *xml, const char *name, const char *text, ...)
	__attribute__((sentinel));
/* As it is: our own styles, scripts, and figures that gnuplot drew. */
void xml_raw(struct xml *xml, const char *text);

/* Onto the stream; frees everything. False after one message. */
bool xml_close(struct xml *xml, FILE *stream);

#endif
