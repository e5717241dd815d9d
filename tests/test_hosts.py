"""The catalogue of hosts, and sizes as people write them."""

from __future__ import annotations

import datetime

import pytest

from clipkit import hosts
from clipkit.errors import HostError
from clipkit.format import GIB, MIB
from clipkit.hosts import Host


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("512M", 512 * MIB),
        ("512m", 512 * MIB),
        ("1.5G", 1536 * MIB),
        ("120 MB", 120 * MIB),
        ("120MiB", 120 * MIB),
        (" 2G ", 2 * GIB),
        ("64K", 65536),
        ("65536", 65536),
        ("65536B", 65536),
        ("0", 0),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size_bytes: int) -> None:
    assert hosts.parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "M", "-512M", "512X", "512M B", "half a GB", "1e9", "1,5G"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(HostError, match="write 512M"):
        hosts.parse_size(text)


def test_an_unknown_host_is_told_with_the_known_ones() -> None:
    with pytest.raises(HostError, match=r"'rendr-starter'.*render-starter.*--memory and --cpus"):
        hosts.find_host("rendr-starter")


def test_the_default_for_tune_and_the_unlimited_host_are_in_the_catalogue() -> None:
    starter = hosts.find_host(hosts.DEFAULT_FOR_TUNE)
    assert (starter.memory_bytes, starter.cpus, starter.usd_per_month) == (512 * MIB, 0.5, 7)
    assert hosts.find_host(hosts.UNLIMITED).unlimited
    assert not starter.unlimited


@pytest.mark.parametrize("host", hosts.catalogue().values(), ids=lambda host: host.name)
def test_every_plan_says_where_it_was_read_and_when(host: Host) -> None:
    if host.name == hosts.UNLIMITED:
        return
    assert host.memory_bytes and host.cpus and host.usd_per_month is not None
    assert host.source and host.source.startswith("https://")
    assert host.checked and datetime.date.fromisoformat(host.checked)
    assert host.swap_bytes == 0


def test_a_custom_host_takes_what_is_left_from_its_base_but_not_the_price() -> None:
    custom = hosts.custom(hosts.find_host("render-starter"), memory_bytes=384 * MIB, cpus=None)
    assert (custom.name, custom.memory_bytes, custom.cpus) == ("384M-0.5cpu", 384 * MIB, 0.5)
    assert custom.usd_per_month is custom.source is custom.checked is None


def test_a_custom_host_may_limit_one_thing_only() -> None:
    custom = hosts.custom(hosts.find_host("unlimited"), memory_bytes=None, cpus=2)
    assert (custom.name, custom.memory_bytes, custom.cpus) == ("any-2cpu", None, 2)


def test_without_changes_the_host_keeps_its_name() -> None:
    base = hosts.find_host("render-pro")
    assert hosts.custom(base, None, None) is base


@pytest.mark.parametrize(("memory_bytes", "cpus"), [(0, 1.0), (-1, 1.0), (MIB, 0.0), (MIB, 2000.0)])
def test_a_host_that_cannot_be_is_refused(memory_bytes: int, cpus: float) -> None:
    with pytest.raises(HostError, match="host impossible"):
        Host("impossible", memory_bytes, cpus)
