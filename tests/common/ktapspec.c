/* SPDX-License-Identifier: MIT */
#include "tests/common/ktapspec.h"

#include <stdlib.h>
#include <string.h>

#include "tests/common/reportspec.h"

const char KTAPSPEC_FULL[] =
	"KTAP version 1\n"
	"1..6\n"
	"ok 1 first\n"
	"    KTAP version 1\n"
	"    # Subtest: list\n"
	"    1..4\n"
	"    ok 1 add\n"
	"    # del: EXPECTATION FAILED at lib/list-test.c:60\n"
	"    Expected list_empty(&list), but is <not> & \"]]>\"\n"
	"    not ok 2 del\n"
	"    ok 3 move # SKIP no memory\n"
	"    not ok 4 swap # TODO later\n"
	"not ok 2 list\n"
	"    # Subtest: " REPORTSPEC_HOSTILE "\n"
	"    1..2\n"
	"    not ok 1 `|[a](http://b.example)<img>``` # ERROR " REPORTSPEC_HOSTILE "\n"
	"        # Subtest: deep\n"
	"        1..1\n"
	"        ok 1 deepest\n"
	"    not ok 2 deep\n"
	"not ok 3 " REPORTSPEC_HOSTILE "\n"
	"not ok 4 last # took too long\n"
	"    # Subtest: broken\n"
	"    1..3\n"
	"    ok 1 fine\n"
	"    BUG: </details> ```` " REPORTSPEC_HOSTILE "\n";

static struct ktap tap;

const struct ktap *ktapspec_read(const char *lines, uint64_t from_ns)
{
	struct err e;

	ktapspec_finish();
	if (ktap_init(&tap, &e) < 0)
		abort();
	while (*lines) {
		size_t length = strcspn(lines, "\n");

		ktap_line(&tap, lines, length, from_ns);
		from_ns += KTAPSPEC_LINE_NS;
		lines += length + (lines[length] == '\n');
	}
	ktap_end(&tap);
	return &tap;
}

void ktapspec_finish(void)
{
	ktap_finish(&tap);
}
