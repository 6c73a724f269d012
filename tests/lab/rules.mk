# The lab: the real kvm-amd inside an emulator. See the head of tests/lab/lab.

.PHONY: lab
lab: ## run a command there: make lab CMD='tvmm -kernel ...' [LAB='--wall 60 --with PROGRAM']
	@[ -n "$$CMD" ] || { echo "make lab needs CMD='command line'" >&2; exit 1; }
	@B='$(B)' tests/lab/lab $(LAB) -- "$$CMD"

lab: override export CMD := $(value CMD)
