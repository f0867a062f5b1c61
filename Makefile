# `make` lists the targets. Each one that needs tools sets them up first; tools/setup is done at once when all is there.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The environment's own path, not the link's: ansible-lint complains when PATH and its interpreter disagree. Expanded
# in each recipe, for the first set-up makes the link.
IN_VENV = export PATH="$$(realpath .venv)/bin:$$PATH";
STAGES := lint sanity unit integration scenarios

.PHONY: help setup test changes faults hardware examples dom0 network wires bench demo clean $(STAGES)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what development and tests need (Debian packages, virtual environment)
	@tools/setup

lint: setup ## formatting, types, YAML, Ansible's rules, documentation, changelog
	@$(IN_VENV) tools/lint

sanity: setup ## ansible-test sanity
	@tools/sanity

unit: setup ## the pure parts and the lab's own code
	@$(IN_VENV) tools/pytest tests/unit tests/lab

integration: setup ## modules and inventory by the real Ansible against a private libvirtd
	@$(IN_VENV) tools/pytest tests/integration

scenarios: setup ## the Molecule scenario of a whole park on emulated Xen hosts (11 GiB of memory)
	@$(IN_VENV) tools/scenarios park

test: setup ## all of the above; prints the time of each and a summary
	@tools/stages $(STAGES)

changes: setup ## eighty changes of a guest on emulated Xen, each held against check mode; long, not part of test
	@$(IN_VENV) tools/changes

faults: setup ## libvirtd killed, and a host without power, in the middle of a run on emulated Xen; long, not part of test
	@$(IN_VENV) tools/faults

hardware: setup ## devices of an emulated Xen host handed to guests and taken back, and a guest that boots by UEFI; long, not part of test
	@$(IN_VENV) tools/hardware

examples: setup ## the worked examples on an emulated Xen host; long, not part of test
	@$(IN_VENV) XENLAB_HOSTS=1 XENLAB_CPUS=2 tools/scenarios examples

bench: setup ## fifty guests of one host, by this collection and by community.libvirt, timed
	@tools/bench

dom0: setup ## two plain Debians made Xen hosts by the roles alone, on emulated machines; long, not part of test
	@$(IN_VENV) XENLAB_HOSTS=0 XENLAB_PLAIN=2 tools/scenarios dom0

network: setup ## the network under a connection changed, confirmed and taken back, on an emulated Debian, by systemd-networkd and by ifupdown; long, not part of test
	@$(IN_VENV) export XENLAB_HOSTS=0 XENLAB_PLAIN=1; tools/scenarios network; \
		XENFLEET_LOGS="$$PWD/.logs/scenarios-ifupdown" tools/scenarios network_ifupdown

wires: setup ## bonds, VLANs, trunks and routed networks of an emulated Xen host, and cables that are cut; long, not part of test
	@$(IN_VENV) XENLAB_HOSTS=1 tools/scenarios wires

demo: setup ## a park of emulated Xen hosts, built and shown
	@$(IN_VENV) tools/demo

clean: ## stop the labs demo and test, discard their disks, remove what set-up and tests made in this checkout
	@tools/clean
