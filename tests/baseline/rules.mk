# Figures that repeat by themselves, and what they were. See tests/baseline/README.md.

BASELINE_NEEDS := $(B)/tvmm $(B)/bench/stopwatch $(B)/bench/first_run guests $(KERNEL) $(TVMM_KERNEL) \
	$(INITRAMFS)

.PHONY: baseline check-baseline
baseline: $(BASELINE_NEEDS) ## set the figures that CI guards to what they are now: REASON='why'
	@B='$(B)' tests/baseline/write

baseline: override export REASON := $(value REASON)

check-baseline: $(BASELINE_NEEDS) ## only the figures that CI guards, in the lab
	@B='$(B)' tests/baseline/check
