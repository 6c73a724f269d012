/* SPDX-License-Identifier: MIT */
/*
 * devices/uart16550.c and the model side by side: each access and each arrival happens to both,
 * and what can be seen of them must be the same. Used by a unit test and by a fuzz target, which
 * say what happens when it is not.
 */
#ifndef TVMM_TESTS_COMMON_UART_PAIR_H
#define TVMM_TESTS_COMMON_UART_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/uart16550.h"
#include "tests/common/uart_model.h"

struct uart_pair {
	struct uart16550 uart;
	struct uart_model model;

	bool line; /* what the UART told last */
	unsigned int rises;
	unsigned int sent; /* bytes since uart_pair_init() */
	uint8_t last_sent;
	unsigned int drained; /* how often it told of room */

	/*
	 * A host that answers within the call that tells it of room: with this many bytes, at
	 * most what there is room for.
	 */
	unsigned int answers;
};

/* Where the two differ, as text; NULL where they agree. It is what every function returns. */
typedef const char *uart_pair_verdict;

void uart_pair_init(struct uart_pair *pair);

/* Accesses of size bytes at reg, reg + size at most 8. */
uart_pair_verdict uart_pair_read(struct uart_pair *pair, unsigned int reg, unsigned int size);
uart_pair_verdict uart_pair_write(struct uart_pair *pair, unsigned int reg, const uint8_t *bytes,
				  unsigned int size);

uart_pair_verdict uart_pair_rx(struct uart_pair *pair, const uint8_t *bytes, size_t count);
uart_pair_verdict uart_pair_rx_break(struct uart_pair *pair);
uart_pair_verdict uart_pair_reset(struct uart_pair *pair);

/* What the guest can see later: copied from one pair into another, as a snapshot does it. */
void uart_pair_copy(struct uart_pair *to, const struct uart_pair *from);

#endif
