/* SPDX-License-Identifier: Apache-2.0
 *
 * manual: makes the manual pages. A page is written by hand as a template in doc/man, in the man(7) language; what the tables of commands
 * and options know stands in it as one of these lines, so that pages and help cannot drift apart:
 *
 *   @TITLE@        the title line, from the file's name (tandem-run.1.in)
 *   @NAME@         section NAME, of a command's page
 *   @SYNOPSIS@     section SYNOPSIS, of a command's page
 *   @DESCRIPTION@  the paragraphs of the command's help (without a heading)
 *   @OPTIONS@      section OPTIONS, of a command's page
 *   @COMMANDS@     a list of all commands (without a heading)
 */
#ifndef TANDEM_TOOL_MANUAL_H
#define TANDEM_TOOL_MANUAL_H

#include "engine/base/error.h"
#include "engine/base/strbuf.h"

/* Appends the page made from `text`, the template in `file` (its last component tells which page it is). STATUS_USAGE for a line between
 * @ that is not known, for a page of no command, for a name without a section. */
int manual_fill(const char *file, const char *text, struct strbuf *out, struct error *error);

/* `tandem manual FILE`, used while tandem is built: prints the page. */
int manual_main(int argc, char **argv);

#endif
