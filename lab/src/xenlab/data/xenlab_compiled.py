"""For the lab's machines: keeps what Python compiled of modules that it found in zip files.

Ansible sends each module as a zip file of sources, which a host compiles anew in every run. On a real host that takes a
tenth of a second, under emulation some two seconds. A file's code is found again by the checksum of its source.
"""

from __future__ import annotations

import marshal
import os
import sys
import zipimport

TYPE_CHECKING = False
if TYPE_CHECKING:  # what only annotations name would cost every Python of the machine a tenth of a second
    from types import CodeType

_FOLDER = os.environ.get("XENLAB_COMPILED", "/var/cache/xenlab/python")

_compile = zipimport._compile_source  # type: ignore[attr-defined]


def _compiled(path: str, source: bytes) -> CodeType:
    from _blake2 import blake2b  # hashlib would load OpenSSL first

    kept = f"{_FOLDER}/{sys.implementation.cache_tag}-{blake2b(source, digest_size=20).hexdigest()}"
    try:
        with open(kept, "rb") as file:
            found: CodeType = marshal.load(file)
        return found.replace(co_filename=path)
    except (OSError, EOFError, ValueError, TypeError):
        pass
    code: CodeType = _compile(path, source)
    partial = f"{kept}.{os.getpid()}"
    try:
        os.makedirs(_FOLDER, mode=0o700, exist_ok=True)
        with open(partial, "wb") as file:
            marshal.dump(code, file)
        os.replace(partial, kept)
    except OSError:
        pass
    return code


zipimport._compile_source = _compiled  # type: ignore[attr-defined]
