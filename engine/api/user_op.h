/* SPDX-License-Identifier: Apache-2.0
 *
 * user_op: an operation of a program or a module, checked, in the form that the engine calls.
 */
#ifndef TANDEM_ENGINE_API_USER_OP_H
#define TANDEM_ENGINE_API_USER_OP_H

#include "engine/api/tandem.h"
#include "engine/graph/op.h"

struct user_op {
	struct op op;                   /* what the engine sees; first, for the way back */
	const struct tandem_op *user;   /* not owned */
	struct op_param_spec *specs;    /* a copy of user->params without holes */
	char *origin;                   /* for messages: "the program", or the module's file */
};

/* Checks `user` (its abi, name, functions, counts, parameters) and wraps it. STATUS_USAGE with what is wrong. */
int user_op_create(const struct tandem_op *user, const char *origin, struct error *error, struct user_op **ret_op);
void user_op_destroy(struct user_op *op); /* accepts NULL */

#endif
