/* SPDX-License-Identifier: Apache-2.0
 *
 * test_ops: a small registry for tests of graphs, plans and the engine, independent of the built-in ops. All work on f32 of
 * any shape.
 *
 *   copy        x → x                        own bytes
 *   forward     x → x                        OP_FORWARD
 *   scale       x → by · x                   OP_INPLACE; parameter `by` (float, 2)
 *   add         a, b → a + b                 types must be equal
 *   split       x → first, rest              cuts the last dimension at `at` (int, required); the rest must not be empty
 *   join        0, 1, … → concatenation      along the last dimension; 1 to 8 inputs, positions only
 *   fill        → constant                   no input; `shape` (ints, "4"), `value` (float, 0)
 *   all_reduce  x per rank → sum             OP_COLLECTIVE, in rank order; `reduce` (text, "sum": the only one)
 */
#ifndef TANDEM_TESTS_SUPPORT_TEST_OPS_H
#define TANDEM_TESTS_SUPPORT_TEST_OPS_H

#include "engine/graph/op.h"

extern const struct op_registry test_ops;

#endif
