/* SPDX-License-Identifier: Apache-2.0 */
#include "report/xml.h"

#include <stdarg.h>
#include <string.h>

#include "base/message.h"
#include "report/text.h"

void xml_open(struct xml *xml)
{
	*xml = (struct xml){.buffer = xmlBufferCreate()};
	xml->writer = xml->buffer != NULL ? xmlNewTextWriterMemory(xml->buffer, 0) : NULL;
	xml->failed = xml->writer == NULL;
}

static void note(struct xml *xml, int result)
{
	xml->failed = xml->failed || result < 0;
}

static const xmlChar *chars(const char *text)
{
	return (const xmlChar *)text;
}

static void put_attributes(struct xml *xml, va_list attributes)
{
	const char *name = NULL;

	while ((name = va_arg(attributes, const char *)) != NULL) {
		const char *value = va_arg(attributes, const char *);
		if (value != NULL && !xml->failed)
			note(xml, xmlTextWriterWriteAttribute(xml->writer, chars(name),
					  chars(text_clean(&xml->pool, value))));
	}
}

void xml_start(struct xml *xml, const char *name, ...)
{
	va_list attributes;

	if (!xml->failed)
		note(xml, xmlTextWriterStartElement(xml->writer, chars(name)));
	va_start(attributes, name);
	put_attributes(xml, attributes);
	va_end(attributes);
}

void xml_end(struct xml *xml)
{
	/* Never <div/>: HTML takes that for a start. */
	if (!xml->failed)
		note(xml, xmlTextWriterFullEndElement(xml->writer));
}

void xml_text(struct xml *xml, const char *text)
{
	if (!xml->failed)
		note(xml,
			xmlTextWriterWriteString(xml->writer, chars(text_clean(&xml->pool, text))));
}

void xml_element(struct xml *xml, const char *name, const char *text, ...)
{
	va_list attributes;

	if (!xml->failed)
		note(xml, xmlTextWriterStartElement(xml->writer, chars(name)));
	va_start(attributes, text);
	put_attributes(xml, attributes);
	va_end(attributes);
	xml_text(xml, text);
	xml_end(xml);
}

void xml_raw(struct xml *xml, const char *text)
{
	if (!xml->failed)
		note(xml, xmlTextWriterWriteRaw(xml->writer, chars(text)));
}

bool xml_close(struct xml *xml, FILE *stream)
{
	if (!xml->failed)
		note(xml, xmlTextWriterFlush(xml->writer));
	if (xml->writer != NULL)
		xmlFreeTextWriter(xml->writer);
	if (xml->failed)
		message("the document could not be built");
	else
		(void)fwrite(xmlBufferContent(xml->buffer), 1, (size_t)xmlBufferLength(xml->buffer),
			stream);
	if (xml->buffer != NULL)
		xmlBufferFree(xml->buffer);
	pool_drop(&xml->pool);
	return !xml->failed;
}
