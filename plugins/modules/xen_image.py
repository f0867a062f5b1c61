#!/usr/bin/python
# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guest images, and the disks of guests made from them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_image
short_description: Build guest images and make disks from them
version_added: 0.1.0
author: xenfleet contributors (@xenfleet)
description:
  - Builds an image of a Debian made for Xen guests, brings it to hosts, and makes the disks of guests from it, each with
    the name, addresses and keys of its guest.
  - An image is the folder O(images)/O(name) with C(root.img) (a raw, sparse file with one ext4 file system and no partition
    table), C(vmlinuz) and C(initrd.img) for the direct boot of PV and PVH guests, and the manifest C(image.json), written
    last, with size and SHA-256 of each file.
  - Nothing is ever there by half. Images and disks are made under a hidden name and get their own when they are
    complete. What an interrupted run leaves is cleaned up by the next.
  - A disk that exists is never overwritten nor changed.
extends_documentation_fragment:
  - xenfleet.xen.attributes
  - xenfleet.xen.attributes.actiongroup_xen
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
requirements:
  - mmdebstrap and e2fsprogs, and uidmap when not root (O(state=built))
  - e2fsprogs and tar (O(state=present), O(state=cloned)), lvm2 for disks that are volumes
options:
  state:
    description:
      - V(built) builds the image on this machine, which can be the controller, when there is none or its recipe (O(suite),
        O(packages), O(init), O(size), O(mirror) and what the collection itself puts in) is another one. Needs no root rights.
      - V(present) verifies the image on a host, and installs it from O(src) when it is missing, damaged, or another one
        than O(identity) says.
      - V(cloned) makes the disks of O(clones) that do not exist.
      - V(absent) removes the image's folder. Disks made from it stay as they are.
    type: str
    choices: [built, present, cloned, absent]
    default: present
  name:
    description: The image's name, such as V(debian-13). For all states but V(cloned), where each disk names its image.
    type: str
  images:
    description: The folder of images on the machine.
    type: path
    default: /var/lib/xenfleet/images
  suite:
    description: The Debian release (O(state=built)).
    type: str
    default: trixie
  packages:
    description:
      - Packages besides those that each image has, which are a kernel, an SSH server and Python (O(state=built)).
      - Packages of the kind Recommends are not installed.
    type: list
    elements: str
    default: []
  init:
    description:
      - The first program of the guests (O(state=built)).
      - V(systemd) makes an ordinary Debian.
      - V(busybox) makes a small one that starts fast. Busybox's init mounts the file systems, sets up the network from the
        same files, and runs the SSH server and a console; the messages of the system are read with C(busybox logread).
        What else shall run is named in C(/etc/inittab), for the services that packages bring are systemd's.
    type: str
    choices: [systemd, busybox]
    default: systemd
  size:
    description:
      - Size of the image's file system (O(state=built)), such as V(1 GiB). By default as small as its content allows, for the
        disks made from it are larger anyhow.
    type: str
  mirror:
    description: Address of the Debian mirror (O(state=built)); mmdebstrap's own default otherwise.
    type: str
  pack:
    description: With O(state=built), also make the file by which the image travels, RV(image.pack).
    type: bool
    default: false
  src:
    description:
      - With O(state=present), the folder of an image or its pack, on the host, to install from.
      - In check mode it may be missing, for an earlier task of the play may be what brings it.
    type: path
  identity:
    description: With O(state=present), the image's RV(image.identity) as it has to be.
    type: str
  verify:
    description: Read all files of the image and compare them with their checksums, even if they have not been touched since
      that was done last.
    type: bool
    default: false
  clones:
    description: The disks that shall exist (O(state=cloned)).
    type: list
    elements: dict
    suboptions:
      path:
        description: Path of a disk that is a raw file. Missing folders are made with mode 0711. Either this or O(clones[].volume).
        type: path
      volume:
        description: A disk that is an LVM volume. It is zeroed before it is used.
        type: dict
        suboptions:
          group:
            description: The volume group. It has to exist.
            type: str
            required: true
          name:
            description: The volume.
            type: str
            required: true
      image:
        description: Name of the image that the disk begins as; none for an empty disk.
        type: str
      size:
        description: Size of the disk, at least the image's, which is the default. Its file system fills it. Needed for an empty
          disk.
        type: str
      filesystem:
        description: What an empty disk is formatted with.
        type: str
        choices: [ext4, swap]
      personality:
        description:
          - What makes the disk one guest's own. It is written into the disk's file system without mounting it, and read back.
        type: dict
        suboptions:
          hostname:
            description: The guest's name, with its domain or without.
            type: str
          authorized_keys:
            description: The SSH public keys that may come in as root.
            type: list
            elements: str
          interfaces:
            description: The guest's network, as files of systemd-networkd.
            type: list
            elements: dict
            suboptions:
              mac:
                description: MAC address of the interface.
                type: str
                required: true
              addresses:
                description: Its addresses with prefix length; by DHCP if none is given.
                type: list
                elements: str
              gateway:
                description: The router.
                type: str
              dns:
                description: The name servers.
                type: list
                elements: str
              mtu:
                description: The largest packet.
                type: int
          mounts:
            description: The guest's further file systems and swap spaces, added to its C(/etc/fstab).
            type: list
            elements: dict
            suboptions:
              device:
                description: Such as V(/dev/xvdb).
                type: str
                required: true
              path:
                description: Where it is mounted; V(none) for swap.
                type: str
                required: true
              filesystem:
                description: Such as V(ext4), V(swap), V(nfs4).
                type: str
                required: true
              options:
                description: Options of the mount.
                type: str
                default: defaults
          files:
            description: Further files, such as keys and certificates, owned by root.
            type: list
            elements: dict
            suboptions:
              path:
                description: Where in the guest. Missing folders are made.
                type: str
                required: true
              content:
                description: The text. It is shown nowhere, and kept in memory on the host where that is possible.
                type: str
                required: true
              mode:
                description: Permissions.
                type: str
                default: '0600'
  pending_images:
    description:
      - Images that earlier tasks of the same play bring. In check mode, where those tasks brought nothing, they may be missing.
        In a run the option is ignored, and what is missing is missing.
    type: list
    elements: str
    default: []
  pending_volume_groups:
    description: The same for volume groups.
    type: list
    elements: str
    default: []
notes:
  - The image has no root password, no keys, no host name and an empty C(/etc/machine-id). A guest makes its SSH host key
    (ed25519) at its first boot.
  - The kernel and the initramfs stay on the host. The initramfs has all that a guest needs to reach its disk and its network.
seealso:
  - module: xenfleet.xen.xen_domain
"""

EXAMPLES = r"""
- name: Build the image on the controller
  xenfleet.xen.xen_image:
    name: debian-13
    state: built
    suite: trixie
    packages: [rsync]
    images: "{{ lookup('env', 'HOME') }}/.cache/xenfleet/images"
  delegate_to: localhost
  run_once: true

- name: Make the disks of two guests
  xenfleet.xen.xen_image:
    state: cloned
    images: /srv/guests/images
    clones:
      - path: /srv/guests/ldap1/root.img
        image: debian-13
        size: 12 GiB
        personality:
          hostname: ldap1.example.org
          authorized_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyU admin"]
          interfaces:
            - {mac: "00:16:3e:11:22:33", addresses: [10.10.0.11/24], gateway: 10.10.0.1, dns: [10.10.0.1]}
          mounts:
            - {device: /dev/xvdb, path: none, filesystem: swap}
      - {path: /srv/guests/ldap1/swap.img, size: 1 GiB, filesystem: swap}
      - volume: {group: vg0, name: smtp1-root}
        image: debian-13
        size: 8 GiB
        personality: {hostname: smtp1.example.org}

- name: Check all of the image's content again
  xenfleet.xen.xen_image:
    name: debian-13
    verify: true

- name: Remove an image
  xenfleet.xen.xen_image:
    name: debian-12
    state: absent
"""

RETURN = r"""
changes:
  description: What was changed, or would be.
  returned: success
  type: list
  elements: dict
  contains:
    field: {description: 'What, such as V(image) or V(clones[/srv/guests/ldap1/root.img]).', type: str}
    before: {description: What was there., type: str}
    after: {description: What is there now., type: str}
    effect: {description: When it has its effect., type: str, sample: live}
image:
  description: The image. In check mode, what is there already.
  returned: when there is one and O(state) is V(built) or V(present)
  type: dict
  contains:
    name: {description: Its name., type: str, sample: debian-13}
    path: {description: Its folder., type: str, sample: /var/lib/xenfleet/images/debian-13}
    root: {description: The file that disks are copied from., type: str}
    kernel: {description: The kernel for direct boot., type: str}
    ramdisk: {description: The initramfs for direct boot., type: str}
    kernel_release: {description: The kernel's version., type: str}
    suite: {description: The Debian release., type: str}
    built_at: {description: When it was built., type: str}
    size_bytes: {description: Size of its file system., type: int}
    recipe: {description: Hash of the recipe., type: str}
    identity: {description: One checksum for all its files., type: str}
    sha256: {description: Checksum of each file., type: dict}
    manifest_sha256: {description: Checksum of the manifest., type: str}
    pack: {description: The file by which it travels., type: str, returned: with O(pack)}
shared:
  description: The network file system that O(images) lies on.
  returned: when O(state=present) and it lies on one
  type: dict
  contains:
    path: {description: Where it is mounted., type: str, sample: /srv/guests}
    source: {description: What is mounted., type: str, sample: '10.20.0.1:/srv/guests'}
    fstype: {description: Its type., type: str, sample: nfs4}
images:
  description: The images that disks of this run were made from or could be, each as RV(image).
  returned: when O(state=cloned)
  type: dict
clones:
  description: The disks of O(clones), in the same order.
  returned: when O(state=cloned)
  type: list
  elements: dict
  contains:
    path: {description: The file or device., type: str}
    image: {description: The image it was declared to begin as., type: str}
    size: {description: Its size for people., type: str, sample: 12 GiB}
    size_bytes: {description: Its size., type: int}
    changed: {description: 'Whether it was made now, or would be.', type: bool}
    size_differs: {description: Whether it was there with another size than declared. It is left as it is., type: bool}
log:
  description: The file in which the last build told what it did.
  returned: when O(state=built)
  type: str
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.edge import run
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, NotFound, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.host.local import LocalHost
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import mount_above
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import (
    INITS,
    KERNEL,
    MANIFEST,
    RAMDISK,
    ROOT,
    clone,
    image_recipe,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import absolute_path
from ansible_collections.xenfleet.xen.plugins.module_utils.ops import image_build, image_clone
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.image_store import ImageStore, Stored, pack, sha256
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, diff_of
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.image import of_disks, of_image
from ansible_collections.xenfleet.xen.plugins.module_utils.storage.ext4 import Ext4
from ansible_collections.xenfleet.xen.plugins.module_utils.storage.file import FileDisks
from ansible_collections.xenfleet.xen.plugins.module_utils.storage.lvm import VolumeDisks

_INTERFACE = {
    "mac": {"type": "str", "required": True},
    "addresses": {"type": "list", "elements": "str"},
    "gateway": {"type": "str"},
    "dns": {"type": "list", "elements": "str"},
    "mtu": {"type": "int"},
}
_MOUNT = {
    "device": {"type": "str", "required": True},
    "path": {"type": "str", "required": True},
    "filesystem": {"type": "str", "required": True},
    "options": {"type": "str", "default": "defaults"},
}
_FILE = {
    "path": {"type": "str", "required": True},
    "content": {"type": "str", "required": True, "no_log": True},
    "mode": {"type": "str", "default": "0600"},
}
_PERSONALITY = {
    "hostname": {"type": "str"},
    "authorized_keys": {"type": "list", "elements": "str", "no_log": False},
    "interfaces": {"type": "list", "elements": "dict", "options": _INTERFACE},
    "mounts": {"type": "list", "elements": "dict", "options": _MOUNT},
    "files": {"type": "list", "elements": "dict", "options": _FILE},
}
_VOLUME = {"group": {"type": "str", "required": True}, "name": {"type": "str", "required": True}}
_CLONE = {
    "path": {"type": "path"},
    "volume": {"type": "dict", "options": _VOLUME},
    "image": {"type": "str"},
    "size": {"type": "str"},
    "filesystem": {"type": "str", "choices": ["ext4", "swap"]},
    "personality": {"type": "dict", "options": _PERSONALITY},
}
ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["built", "present", "cloned", "absent"], "default": "present"},
    "name": {"type": "str"},
    "images": {"type": "path", "default": "/var/lib/xenfleet/images"},
    "suite": {"type": "str", "default": "trixie"},
    "packages": {"type": "list", "elements": "str", "default": []},
    "size": {"type": "str"},
    "mirror": {"type": "str"},
    "init": {"type": "str", "choices": list(INITS), "default": INITS[0]},
    "pack": {"type": "bool", "default": False},
    "src": {"type": "path"},
    "identity": {"type": "str"},
    "verify": {"type": "bool", "default": False},
    "pending_images": {"type": "list", "elements": "str", "default": []},
    "pending_volume_groups": {"type": "list", "elements": "str", "default": []},
    "clones": {
        "type": "list",
        "elements": "dict",
        "options": _CLONE,
    },
}


def built(module: AnsibleModule, store: ImageStore) -> dict[str, Any]:
    """Build the image, if it is not what its recipe makes."""
    name, recipe = module.params["name"], image_recipe(module.params)
    commands = HostCommands()
    found, reason = _usable(store, name, full=module.params["verify"], remember=not module.check_mode)
    reason = reason or image_build.why(found, recipe)
    changes = of_image(found.image if found else None, wanted=f"{name} of {recipe.suite}", reason=reason)
    packing = False
    if module.check_mode:
        if reason is not None:
            image_build.check(commands, store)
    else:
        if reason is not None:
            found = image_build.build(commands, store, name, recipe)
        if module.params["pack"] and found is not None:
            packing = True
    result = _result(name, changes) | {"log": str(image_build.log_path(store, name))}
    if found is not None:
        result["image"] = _image(found)
        if packing:
            result["image"]["pack"] = str(pack(found.folder, commands))
    return result


def present(module: AnsibleModule, store: ImageStore) -> dict[str, Any]:
    """Verify the image, and install it where it is not as it should be."""
    name, identity, src = module.params["name"], module.params["identity"], module.params["src"]
    if src is None:
        there = store.verified(name, full=module.params["verify"], remember=not module.check_mode)
        if identity is not None and there.image.identity != identity:
            raise InvalidInput(
                f"the image {name} in {store.folder} is another one",
                found=there.image.identity,
                expected=identity,
                remedy="Install it, for example by the role 'image'.",
            )
        return _result(name, ()) | {"image": _image(there)} | _shared(store)
    source = Path(absolute_path(src, field="src"))
    found, reason = _usable(store, name, full=module.params["verify"], remember=not module.check_mode)
    if reason is None and found is not None and identity is not None and found.image.identity != identity:
        reason = "it is another image"
    changes = of_image(found.image if found else None, wanted=f"{name} from {source}", reason=reason)
    if reason is not None and not module.check_mode:
        found = store.install(name, source, identity)
    return _result(name, changes) | ({"image": _image(found)} if found else {}) | _shared(store)


def cloned(module: AnsibleModule, store: ImageStore) -> dict[str, Any]:
    """Make the disks that are missing."""
    commands = HostCommands()
    stores = image_clone.Stores(store, FileDisks(commands), VolumeDisks(commands), Ext4(commands))
    clones = [clone(entry) for entry in module.params["clones"]]
    pending = image_clone.Pending()
    if module.check_mode:
        images, groups = module.params["pending_images"], module.params["pending_volume_groups"]
        pending = image_clone.Pending(frozenset(images), frozenset(groups))
    work = image_clone.look(
        clones, stores, full=module.params["verify"], remember=not module.check_mode, pending=pending
    )
    made: list[str] = []
    if not module.check_mode:
        for disk in work.disks:
            if disk.found is None:
                try:
                    image_clone.make(disk, work, stores)
                except XenfleetError as error:
                    error.message = f"the disk {disk.clone.target} could not be made: {error.message}"
                    if made:
                        error.message += f" (made before: {', '.join(made)})"
                    raise
                made.append(str(disk.clone.target))
    return _result("clones", of_disks(work.disks)) | {
        "clones": [image_clone.as_result(disk, made=disk.found is None) for disk in work.disks],
        "images": {name: _image(stored) for name, stored in work.images.items()},
    }


def absent(module: AnsibleModule, store: ImageStore) -> dict[str, Any]:
    """Remove the image's folder."""
    name = module.params["name"]
    path = store.path(name)
    if not path.exists() and not path.is_symlink():
        return _result(name, ())
    store.check_removable(name)
    if not module.check_mode:
        store.remove(name)
    return _result(name, (Change("image", str(path), None),))


STATES = {"built": built, "present": present, "cloned": cloned, "absent": absent}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what the state says."""
    state = module.params["state"]
    if state == "cloned" and module.params["name"] is not None:
        raise InvalidInput("name has no meaning with state=cloned", expected="the image's name in each of the clones")
    store = ImageStore(absolute_path(module.params["images"], field="images"), HostCommands())
    return STATES[state](module, store)


def _usable(store: ImageStore, name: str, *, full: bool, remember: bool) -> tuple[Stored | None, str | None]:
    """The image that is there, and why it cannot be used as it is (it is missing or damaged)."""
    try:
        return store.verified(name, full=full, remember=remember), None
    except NotFound:
        return None, "there is none"
    except InvalidInput as error:
        return None, str(error)


def _image(stored: Stored) -> dict[str, Any]:
    image, folder = stored.image, stored.folder
    return {
        "name": image.name,
        "path": str(folder),
        "root": str(folder / ROOT),
        "kernel": str(folder / KERNEL),
        "ramdisk": str(folder / RAMDISK),
        "kernel_release": image.kernel_release,
        "suite": image.suite,
        "built_at": image.built_at,
        "size_bytes": image.size.bytes,
        "recipe": image.recipe,
        "identity": image.identity,
        "manifest_sha256": sha256(folder / MANIFEST),
        "sha256": {name: record.sha256 for name, record in image.files.items()},
    }


def _shared(store: ImageStore) -> dict[str, Any]:
    mount = mount_above(f"{store.folder.resolve()}/", LocalHost().shared_mounts())
    return {"shared": asdict(mount)} if mount else {}


def _result(name: str, changes: tuple[Change, ...]) -> dict[str, Any]:
    return {
        "changed": bool(changes),
        "changes": [change.as_result() for change in changes],
        "diff": diff_of(name, changes),
    }


def main() -> None:
    """Start here."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        required_if=[
            ("state", "built", ["name"]),
            ("state", "present", ["name"]),
            ("state", "absent", ["name"]),
            ("state", "cloned", ["clones"]),
        ],
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
