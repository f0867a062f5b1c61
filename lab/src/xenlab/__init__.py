"""Real Xen hosts under QEMU's software emulation, for development and tests."""
