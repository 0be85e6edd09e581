/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the readers of domain XML share. Internal. */
#pragma once

#include <libxml/tree.h>

#include "hawd/guest/domxml.h"

void domxml_free_doc(xmlDoc **doc);
void domxml_free_text(xmlChar **s);
bool domxml_is(const xmlNode *n, const char *name);
xmlNode *domxml_child(const xmlNode *parent, const char *name);
/** domxml_parse() - @ret_line: where it is malformed; untouched otherwise, as when nothing is
 * wrong. */
int domxml_parse(const char *xml, size_t len, xmlDoc **ret, int *ret_line, char *err);
/** domxml_disks_number() - of the disks that it may write, whatever their order: guest_spec.disks
 */
uint64_t domxml_disks_number(const xmlNode *root);
struct blob *domxml_dump(xmlDoc *doc, xmlNode *root);
