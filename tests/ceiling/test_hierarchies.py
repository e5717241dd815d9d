"""Finding control groups in what the kernel prints, on machines other than this one."""

from __future__ import annotations

from pathlib import Path

from clipkit.ceiling.hierarchies import parse_hierarchies


def _line(root: str, top: Path, kind: str, options: str, mount_options: str = "rw,relatime") -> str:
    return f"40 23 0:37 {root} {top} {mount_options} shared:9 - {kind} cgroup {options}\n"


def test_cpu_and_cpuacct_in_one_mount_are_one_hierarchy(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (found,) = parse_hierarchies(
        _line("/", tmp_path, "cgroup", "rw,cpu,cpuacct"), "4:cpu,cpuacct:/user\n3:memory:/\n"
    )
    assert found.version == 1
    assert found.controllers == {"cpu", "cpuacct"}
    assert found.own == tmp_path / "user"


def test_a_container_sees_its_own_group_as_the_top(tmp_path: Path) -> None:
    (found,) = parse_hierarchies(
        _line("/docker/abc", tmp_path, "cgroup", "rw,memory"), "3:memory:/docker/abc\n"
    )
    assert found.own == found.top == tmp_path


def test_a_group_below_a_containers_is_found(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    (found,) = parse_hierarchies(
        _line("/docker/abc", tmp_path, "cgroup", "rw,memory"), "3:memory:/docker/abc/job\n"
    )
    assert found.own == tmp_path / "job"


def test_a_group_outside_of_what_is_mounted_is_seen_as_the_top(tmp_path: Path) -> None:
    (found,) = parse_hierarchies(_line("/", tmp_path, "cgroup2", "rw"), "0::/../../elsewhere\n")
    assert found.version == 2
    assert found.own == tmp_path


def test_read_only_mounts_are_known_as_such(tmp_path: Path) -> None:
    (found,) = parse_hierarchies(_line("/", tmp_path, "cgroup2", "rw", "ro,nosuid"), "0::/\n")
    assert not found.writable


def test_named_hierarchies_and_other_file_systems_are_passed_over(tmp_path: Path) -> None:
    mounts = _line("/", tmp_path, "cgroup", "rw,name=systemd") + _line("/", tmp_path, "ext4", "rw")
    assert [
        found.controllers for found in parse_hierarchies(mounts, "1:name=systemd:/\n0::/\n")
    ] == [{"name=systemd"}]
    assert parse_hierarchies(_line("/", tmp_path, "ext4", "rw"), "0::/\n") == []


def test_spaces_in_a_mount_point_are_unescaped(tmp_path: Path) -> None:
    spaced = tmp_path / "a b"
    spaced.mkdir()
    line = _line("/", tmp_path, "cgroup2", "rw").replace(str(tmp_path), f"{tmp_path}/a\\040b")
    (found,) = parse_hierarchies(line, "0::/\n")
    assert found.top == spaced
