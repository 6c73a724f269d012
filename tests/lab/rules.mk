# The lab: the real kvm-amd inside an emulator. See the head of tests/lab/lab.

.PHONY: lab
lab: ## run a command there: make lab CMD='tvmm -kernel ...' [LAB_OPTIONS='--wall 60']
	@[ -n "$$CMD" ] || { echo "make lab needs CMD='command line'" >&2; exit 1; }
	@B='$(B)' tests/lab/lab $(LAB_OPTIONS) -- "$$CMD"

lab: override export CMD := $(value CMD)
