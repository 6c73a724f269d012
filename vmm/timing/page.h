/* SPDX-License-Identifier: MIT */
/*
 * The files of vmm/timing/page/, which are in the program as they are: text that ends with a NUL.
 */
#ifndef TVMM_TIMING_PAGE_H
#define TVMM_TIMING_PAGE_H

extern const char page_html[];
extern const char page_css[];
extern const char page_js[];
extern const char page_flame_css[];
extern const char page_flame_js[];

#endif
