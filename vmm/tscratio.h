/* SPDX-License-Identifier: MIT */
/*
 * The rate of the TSC as CPUID's leaf 15h tells it: a crystal's rate, and a fraction of it. Linux
 * believes it on Intel's CPUs, and then calibrates neither the TSC, with the PIT and many thousand
 * exits, nor the APIC timer, which it takes to run at the crystal's rate. KVM's runs at 1 GHz: so
 * that is the crystal.
 *
 * Linux multiplies the crystal's kHz by the numerator in 32 bits. So the numerator is bounded, and
 * the fraction is the nearest one that there is with such a numerator: for rates from 0.5 to 6 GHz off
 * by 117 millionths at most, beside whole multiples of 1 GHz, and mostly by less than one. (The kernel's
 * measuring with the PIT is content with 500.)
 *
 * Authority: [SDM] "CPUID—CPU Identification", leaf 15h; [LINUX] arch/x86/kernel/tsc.c,
 * native_calibrate_tsc(); [KVM] "KVM_CAP_X86_APIC_BUS_CYCLES_NS" for the default of 1 GHz.
 */
#ifndef TVMM_TSCRATIO_H
#define TVMM_TSCRATIO_H

#include <stdint.h>

enum {
	TSCRATIO_CRYSTAL_HZ = 1000000000,
	TSCRATIO_NUMERATOR_MAX = 4294, /* times the crystal's kHz it stays below 2^32 */
};

struct tscratio {
	uint32_t numerator, denominator; /* TSC = crystal * numerator / denominator */
};

/* Of a TSC of so many kHz, 1 at least. The numerator is 0 if no fraction comes near: below 1 MHz. */
struct tscratio tscratio_of(uint32_t khz);

#endif
