/* SPDX-License-Identifier: MIT */
/*
 * The pages of our own program file. Starting needs many of them once, and the host maps 16 around
 * each that is touched: 1.9 MiB, of which a guest that runs needs little. They count as resident
 * memory of each tvmm, although all share them.
 */
#ifndef TVMM_OWNPAGES_H
#define TVMM_OWNPAGES_H

/*
 * Unmaps the pages of the program that it may not write to, madvise(2) MADV_DONTNEED. Those that are
 * needed again are mapped again when they are touched, from the host's page cache: as the file has
 * them, without the breakpoints of a debugger.
 */
void ownpages_give_back(void);

#endif
