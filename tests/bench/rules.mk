# Benchmarks: one table of figures and ratios, and the bounds that were set; no failure. See tests/bench/all.sh.

BENCH_TOOLS := $(B)/bench/stopwatch $(B)/bench/first_run $(B)/bench/timeouts $(B)/bench/many $(B)/bench/bare

# Static, because they also run in the lab.
$(BENCH_TOOLS): $(B)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(TVMM_CPPFLAGS) $(CPPFLAGS) -std=gnu11 $(WARNINGS) $(CFLAGS) -static -o $@ $<

.PHONY: bench bench-boot bench-startup bench-timeouts
bench: $(B)/tvmm $(BENCH_TOOLS) guests kernel initramfs ## measure tvmm against QEMU, in the lab and on /dev/kvm (RUNS=, CPU=)
	@B='$(B)' RUNS='$(RUNS)' CPU='$(CPU)' tests/bench/all.sh

bench-boot: $(B)/tvmm $(BENCH_TOOLS) guests kernel initramfs ## only what the lab tells
	@B='$(B)' RUNS='$(RUNS)' CPU='$(CPU)' tests/bench/all.sh lab

bench-startup: $(B)/tvmm $(BENCH_TOOLS) guests kernel initramfs ## only what /dev/kvm tells
	@B='$(B)' RUNS='$(RUNS)' tests/bench/all.sh kvm

.PHONY: bench-program
bench-program: $(B)/tvmm $(BENCH_TOOLS) $(PROGRAMS) kernel initramfs ## running a program in the guest, against a plain boot and QEMU
	@B='$(B)' tests/bench/program.sh $(RUNS)

bench-timeouts: $(B)/tvmm $(BENCH_TOOLS) guests ## only how late time limits and signals are, on /dev/kvm
	@$(B)/bench/timeouts $(or $(RUNS),1000) $(B)/tvmm $(B)/guests

.PHONY: bench-many
bench-many: $(B)/tvmm $(BENCH_TOOLS) guests ## only the end: exec to exit, VMs a second, memory of each; on /dev/kvm or in the lab
	@B='$(B)' tests/bench/many.sh $(RUNS)
