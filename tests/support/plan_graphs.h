/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_graphs: resolved graphs for tests of plans, from one short text, without the DOT front end. Statements end with a
 * semicolon:
 *
 *   node NAME WORKER OP [order=N] [depth=N] [size=N] [collective=NAME]    OP: one of tests/support/test_ops.h
 *   edge SRC[:OUTPUT] DST [shm|local]       data; argument positions count up in the order of the text
 *   control SRC DST
 *   depth N                                  of input's channels
 *
 * `input` and `output` exist; `input` has as many outputs as are used. Everything is f32[size], 4 unless given. Workers are
 * made as they come. The edges by which ranks of a collective read each other's inputs are added at the end. Lines count
 * statements from 1.
 */
#ifndef TANDEM_TESTS_SUPPORT_PLAN_GRAPHS_H
#define TANDEM_TESTS_SUPPORT_PLAN_GRAPHS_H

#include "engine/graph/graph.h"
#include "engine/graph/plan.h"

/* The graph of `text`; the caller destroys it. Ends the process with a message on text that it does not understand. */
struct graph *plan_graph(const char *text);

/* A random graph of up to `n_nodes` nodes on up to `n_workers` workers, the same for the same seed: every kind of edge, op
 * and attribute, and crossings of collectives and `order` that can deadlock. */
struct graph *plan_graph_random(unsigned seed, int n_nodes, int n_workers);

/* Its plan with `in_flight` executions asked for (0: the default); ends the process when there is none. */
struct plan *plan_of(const struct graph *graph, int in_flight);

/* Program order of a worker as "a b c", into `text`, which is returned. */
char *plan_order_text(const struct plan *plan, const char *worker, char *text, size_t size);

/* The steps of a worker as "read a, reserve b, compute b, release a, write b"; channels by their writer's name, with ".N"
 * for an output other than 0 and "!" behind it for control. */
char *plan_steps_text(const struct plan *plan, const char *worker, char *text, size_t size);

/* The channel of output `output` (-1: control) of node `name`; ends the process when there is none. */
int plan_channel_of(const struct plan *plan, const char *name, int output);

#endif
