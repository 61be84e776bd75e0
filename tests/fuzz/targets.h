/* SPDX-License-Identifier: Apache-2.0
 *
 * targets: every target once. Adding one is its definition and a line here.
 */
#ifndef TANDEM_TESTS_FUZZ_TARGETS_H
#define TANDEM_TESTS_FUZZ_TARGETS_H

#include "tests/fuzz/fuzz.h"

#define FUZZ_TARGET_MAP(X)                                                                                             \
	X(dot)                  /* graph text: scanner, libcgraph, resolving, plan, program */                         \
	X(safetensors)                                                                                                 \
	X(npy)                                                                                                         \
	X(options)              /* command lines, and the small languages in option values */                          \
	X(collect)              /* packets between driver and collector */                                             \
	X(task)                 /* packets from the driver to an interpreting worker */                                \
	X(program)              /* the tables of a compiled graph */                                                   \
	X(segments)             /* control, rings and object store when they are mapped */                             \
	X(objects)              /* an object store that somebody else writes over */                                   \
	X(records)              /* records from a ring to rows */                                                      \
	X(collector)            /* a whole run of the collector on rings that somebody else writes over */             \
	X(hostile_compiled)     /* the driver, with workers that write over shared memory */                           \
	X(hostile_interpreted)  /* the same with sockets, bells and objects */                                         \
	X(debug_commands)       /* lines typed to the debugger */                                                      \
	X(debug_images)         /* the debugger on the memory of a run that somebody wrote over */                     \
	X(debug_expression)     /* what is typed after print, if and set */                                            \
	X(import_json)          /* traces of other tools: JSON */                                                      \
	X(import_nsys)          /* the same: exports of Nsight Systems */                                              \
	X(trace)                /* a damaged trace file: open, check, report, compare */

#define X(name) extern const struct fuzz_target fuzz_target_##name;
FUZZ_TARGET_MAP(X)
#undef X

#endif
