/* SPDX-License-Identifier: Apache-2.0
 *
 * kernel_name: names of kernels, operators and functions, short enough to stand in a block: what tells one from another is kept, the rest is in the
 * details.
 */
#ifndef TANDEM_VIEWERS_KERNEL_NAME_H
#define TANDEM_VIEWERS_KERNEL_NAME_H

#include <stddef.h>

#define KERNEL_NAME_BYTES 160

/* Leaves out the return type, namespaces, parameters, clones and template arguments. Of a template that many kernels are
 * made from the argument that says what it does stands behind it: "vectorized_elementwise_kernel<FillFunctor>"; a template
 * that is only a shell is replaced by it. Any text is a name; what cannot be shortened stays as it is, cut to `size`. */
void kernel_name_short(const char *name, char *text, size_t size);

/* The same of what is no kernel: sentences and calls stay as they are, of "dir/file.py(12): name" the function's name is left. */
void kernel_name_function(const char *name, char *text, size_t size);

#endif
