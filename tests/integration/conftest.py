"""A private libvirtd with libvirt's own test driver, for tests that run modules by the real Ansible."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from .private_libvirtd import private_libvirtd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def libvirt_daemons() -> Iterator[Callable[[str], str]]:
    """Give each name ('xen01', 'xen02', ...) a daemon of its own, as if it were a host, and return its URI."""
    uris: dict[str, str] = {}
    with contextlib.ExitStack() as stack:

        def uri_of(name: str) -> str:
            if name not in uris:
                uris[name] = stack.enter_context(private_libvirtd())
            return uris[name]

        yield uri_of


@pytest.fixture(scope="session")
def libvirt_uri(libvirt_daemons: Callable[[str], str]) -> str:
    """One private libvirtd for the whole run. Its default guest 'test' is there, running."""
    return libvirt_daemons("default")


@pytest.fixture
def fresh_libvirt_uri() -> Iterator[str]:
    """A private libvirtd for one test, for what must see nothing of other tests."""
    with private_libvirtd() as uri:
        yield uri
