/* SPDX-License-Identifier: MIT */
#include "vmm/timing/report.h"

#include <string.h>

const struct report_metric *report_metric_find(const struct report *report, const char *name)
{
	for (size_t i = 0; i < report->metrics; i++) {
		if (strcmp(report->metric[i].name, name) == 0)
			return &report->metric[i];
	}
	return NULL;
}
