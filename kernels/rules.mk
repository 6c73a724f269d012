# The guests' kernels. A row is a file kernels/ROW.config (kernels/build.sh tells its form); its
# kernel is built into $(B)/kernels/ROW/ (bzImage, vmlinux, System.map, config).
#
#   make kernel                      the smallest, from Debian's linux-source package
#   make kernel KSRC=~/linux         from any tree (made again whenever the tree has changed)
#   make kernel ROW=tvmm             another row
#   make kernels                     all rows of the table; basic takes longer than all others
#   make kernels ROWS='basic tvmm'   some of them
#
# An interrupted build goes on where it was when the same is asked for again.

ROW  ?= allnoconfig
KSRC ?=

KERNEL_ROWS := $(patsubst kernels/%.config,%,$(wildcard kernels/*.config))
# kunit is no row of the table. The one that takes by far the longest comes last.
ROWS ?= $(filter-out kunit basic,$(KERNEL_ROWS)) basic

.PHONY: kernel kernels
kernel: ## build a guest kernel (ROW=allnoconfig, KSRC=a kernel tree)
	@kernels/build.sh '$(ROW)' '$(B)' '$(KSRC)'

kernels: ## build all kernels of the table (ROWS='basic alldefconfig ...' picks)
	@kernels/build.sh '$(ROWS)' '$(B)' '$(KSRC)'

# A kernel that tests itself as it boots: build/tvmm -tap -kernel build/kernels/kunit/bzImage ...
KUNIT_KERNEL := $(B)/kernels/kunit/bzImage

.PHONY: kunit
kunit: ## build a guest kernel with its own unit tests in it
	@kernels/build.sh kunit '$(B)' '$(KSRC)'

# The row that boots fastest under tvmm: docs/tvmm-kernel.md.
TVMM_KERNEL := $(B)/kernels/tvmm/bzImage

# For what needs a kernel to be there. build.sh itself knows whether there is anything to do.
$(KERNEL_ROWS:%=$(B)/kernels/%/bzImage): $(B)/kernels/%/bzImage: $(wildcard kernels/*.config) \
		kernels/build.sh kernels/check-config kernels/cc kernels/common.h
	@kernels/build.sh '$*' '$(B)' '$(KSRC)'
