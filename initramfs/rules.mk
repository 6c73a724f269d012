# The userland of the recipe, packed by tvmm itself:
#
#   make initramfs                   from Debian's busybox-static package
#   make initramfs BUSYBOX=/path     with another static busybox
#
# The folder that is packed stays in $(B)/initramfs, to look at and to change copies of.

INITRAMFS := $(B)/initramfs-busybox-x86.cpio.gz

.PHONY: initramfs
initramfs: $(INITRAMFS) ## pack busybox and the first process into a cpio.gz

$(INITRAMFS): initramfs/build.sh initramfs/init initramfs/nodes $(wildcard initramfs/*.[ch]) | $(B)/tvmm
	@BUSYBOX='$(BUSYBOX)' initramfs/build.sh $(B)/tvmm $(B)/initramfs $@
