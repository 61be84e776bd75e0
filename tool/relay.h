/* SPDX-License-Identifier: Apache-2.0
 *
 * relay: `tandem relay`: what reads the pipes of a run that its debugger has left, so that it goes on as if it had printed here all the time.
 */
#ifndef TANDEM_TOOL_RELAY_H
#define TANDEM_TOOL_RELAY_H

/* Copies what comes from SPAWN_FD_FIRST to stdout and from the next descriptor to stderr until both have ended. What cannot be written is dropped:
 * the pipes are read all the same. Returns 0. */
int relay_main(int argc, char **argv);

#endif
