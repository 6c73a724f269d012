# Benchmarks: series and ratios, no verdict. See tests/bench/*.sh.

BENCH_TOOLS := $(B)/bench/stopwatch $(B)/bench/first_run $(B)/bench/timeouts $(B)/bench/many

# Static, because they also run in the lab.
$(BENCH_TOOLS): $(B)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(TVMM_CPPFLAGS) $(CPPFLAGS) -std=gnu11 $(WARNINGS) $(CFLAGS) -static -o $@ $<

.PHONY: bench bench-boot bench-startup bench-timeouts
bench: bench-startup bench-boot ## measure tvmm against QEMU, on /dev/kvm and in the lab

bench-startup: $(B)/tvmm $(BENCH_TOOLS) kernel initramfs ## only process start to first KVM_RUN, and memory
	@B='$(B)' tests/bench/startup.sh $(RUNS)

bench-boot: $(B)/tvmm $(BENCH_TOOLS) kernel initramfs ## only the boot to init, in the lab
	@B='$(B)' tests/bench/boot.sh $(RUNS)

.PHONY: bench-program
bench-program: $(B)/tvmm $(BENCH_TOOLS) $(PROGRAMS) kernel initramfs ## running a program in the guest, against a plain boot and QEMU
	@B='$(B)' tests/bench/program.sh $(RUNS)

bench-timeouts: $(B)/tvmm $(BENCH_TOOLS) guests ## only how late time limits and signals are, on /dev/kvm
	@$(B)/bench/timeouts $(or $(RUNS),1000) $(B)/tvmm $(B)/guests

.PHONY: bench-many
bench-many: $(B)/tvmm $(BENCH_TOOLS) guests ## only the end: exec to exit, VMs a second, memory of each; on /dev/kvm or in the lab
	@B='$(B)' tests/bench/many.sh $(RUNS)
