import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.runtime.processors import processors, usable_processors

VERSION_2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
VERSION_1 = (
    "31 30 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)
GROUPS_1 = "9:memory:/elsewhere\n4:cpu,cpuacct:/outer/inner\n0::/\n"


@pytest.fixture(autouse=True)
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with sixteen processors."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)


def system(root: Path, mounts: str, groups: str, **limits: str) -> Path:
    """Writes the files of a system below a folder, and returns the folder."""
    contents = {"proc/self/mountinfo": mounts, "proc/self/cgroup": groups} | limits
    for name, content in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def of_version_2(root: Path, quota: str) -> int:
    return processors(system(root, VERSION_2, "0::/job\n", **{"sys/fs/cgroup/job/cpu.max": quota}))


def test_without_a_quota_all_processors_are_used_that_the_process_may_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert of_version_2(tmp_path, "max 100000\n") == 16
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 9})
    assert processors(tmp_path) == usable_processors() == 3


def test_a_system_without_affinity_or_control_groups_has_the_processors_of_its_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert processors(tmp_path) == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors(tmp_path) == 1


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("100000 100000\n", 1),
        ("50000 100000\n", 1),
        ("1000 100000\n", 1),
        ("140000 100000\n", 1),
        ("150000 100000\n", 2),
        ("320000 100000\n", 3),
        ("75000 50000\n", 2),
        ("9900000 100000\n", 16),
    ],
)
def test_a_quota_is_rounded_to_the_nearest_number_but_never_to_none(tmp_path: Path, quota: str, expected: int) -> None:
    assert of_version_2(tmp_path, quota) == expected


def test_the_smallest_quota_of_the_group_and_those_above_it_counts(tmp_path: Path) -> None:
    limits = {
        "sys/fs/cgroup/a/cpu.max": "400000 100000\n",
        "sys/fs/cgroup/a/b/cpu.max": "800000 100000\n",
        "sys/fs/cgroup/a/b/c/cpu.max": "max 100000\n",
    }
    assert processors(system(tmp_path, VERSION_2, "0::/a/b/c\n", **limits)) == 4


def test_the_group_of_another_process_does_not_count(tmp_path: Path) -> None:
    limits = {"sys/fs/cgroup/other/cpu.max": "100000 100000\n"}
    assert processors(system(tmp_path, VERSION_2, "0::/own\n", **limits)) == 16


def test_a_container_that_is_shown_its_own_group_as_the_root_has_the_quota_in_it(tmp_path: Path) -> None:
    limits = {"sys/fs/cgroup/cpu.max": "100000 100000\n"}
    assert processors(system(tmp_path, VERSION_2, "0::/\n", **limits)) == 1


@pytest.mark.parametrize("group", ["/docker/abc", "/docker/abc/inner", "/../elsewhere", "/"])
def test_a_mount_of_a_group_below_the_root_counts_wherever_the_process_is(tmp_path: Path, group: str) -> None:
    mounts = VERSION_1.replace("0:29 / ", "0:29 /docker/abc ")
    limits = {
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    }
    assert processors(system(tmp_path, mounts, f"4:cpu,cpuacct:{group}\n", **limits)) == 2


@pytest.mark.parametrize(("place", "expected"), [("outer/inner", 3), ("outer", 3), ("", 3), ("other", 16)])
def test_version_1_of_control_groups_has_the_quota_in_two_files(tmp_path: Path, place: str, expected: int) -> None:
    folder = f"sys/fs/cgroup/cpu,cpuacct/{place}"
    limits = {f"{folder}/cpu.cfs_quota_us": "300000\n", f"{folder}/cpu.cfs_period_us": "100000\n"}
    assert processors(system(tmp_path, VERSION_1, GROUPS_1, **limits)) == expected


def test_a_quota_of_minus_one_is_none(tmp_path: Path) -> None:
    folder = "sys/fs/cgroup/cpu,cpuacct/outer"
    limits = {f"{folder}/cpu.cfs_quota_us": "-1\n", f"{folder}/cpu.cfs_period_us": "100000\n"}
    assert processors(system(tmp_path, VERSION_1, GROUPS_1, **limits)) == 16


@pytest.mark.parametrize(
    "quota",
    [
        "",
        "\n",
        "max",
        "100000",
        "0 100000",
        "100000 0",
        "-1 100000",
        "1e5 100000",
        "nan 1",
        "1 2 3",
        "9" * 5_000 + " 1",
    ],
)
def test_a_quota_that_cannot_be_read_is_none(tmp_path: Path, quota: str) -> None:
    assert of_version_2(tmp_path, quota) == 16


@given(mounts=st.binary(max_size=200), groups=st.binary(max_size=99), quota=st.binary(max_size=30))
def test_whatever_the_system_says_the_program_starts(
    tmp_path_factory: pytest.TempPathFactory, mounts: bytes, groups: bytes, quota: bytes
) -> None:
    root = tmp_path_factory.mktemp("system")
    system(root, "", "", **{"sys/fs/cgroup/cpu.max": ""})
    (root / "sys/fs/cgroup/cpu.max").write_bytes(quota)
    (root / "proc/self/mountinfo").write_bytes(VERSION_2.encode() + mounts)
    (root / "proc/self/cgroup").write_bytes(b"0::/\n" + groups)
    assert 1 <= processors(root) <= 16


def test_files_that_are_folders_are_no_quota(tmp_path: Path) -> None:
    for name in ("proc/self/mountinfo", "proc/self/cgroup"):
        (tmp_path / name).mkdir(parents=True)
    assert processors(tmp_path) == 16
