# The guests' kernels. A row is a fragment kernels/ROW.config; its kernel is built into
# $(B)/kernels/ROW/ (bzImage, vmlinux, System.map, config).
#
#   make kernel                      from Debian's linux-source package
#   make kernel KSRC=~/linux         from any tree (made again whenever the tree has changed)
#   make kernel ROW=allnoconfig

ROW  ?= allnoconfig
KSRC ?=

KERNEL_ROWS := $(patsubst kernels/%.config,%,$(wildcard kernels/*.config))

.PHONY: kernel
kernel: ## build a guest kernel (ROW=allnoconfig, KSRC=a kernel tree)
	@kernels/build.sh '$(ROW)' '$(B)' '$(KSRC)'

# A kernel that tests itself as it boots: build/tvmm -tap -kernel build/kernels/kunit/bzImage ...
KUNIT_KERNEL := $(B)/kernels/kunit/bzImage

.PHONY: kunit
kunit: ## build a guest kernel with its own unit tests in it
	@kernels/build.sh kunit '$(B)' '$(KSRC)'

# For what needs a kernel to be there. build.sh itself knows whether there is anything to do.
$(KERNEL_ROWS:%=$(B)/kernels/%/bzImage): $(B)/kernels/%/bzImage: kernels/%.config kernels/build.sh
	@kernels/build.sh '$*' '$(B)' '$(KSRC)'
