/* SPDX-License-Identifier: Apache-2.0
 *
 * golden: screens as text against files in tests/viewers/golden; with $TANDEM_UPDATE set they are written anew.
 */
#ifndef TANDEM_TESTS_VIEWERS_GOLDEN_H
#define TANDEM_TESTS_VIEWERS_GOLDEN_H

/* Fails, with both texts, when `text` is not what golden/NAME.txt holds. */
void golden_compare(const char *name, const char *text);

#endif
