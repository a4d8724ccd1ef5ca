"""Which run a process belongs to: ranks of one launch agree, launches do not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from streamgauge._identity import Identity, Launcher, Place, agree, chosen_id, identify, place_of, random_id

NOW = 1_800_000_000
AGENT = Launcher("host", 100, 5_000, NOW - 60)
TORCHRUN = {"WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "4", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500",
            "TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "0"}  # fmt: skip
SLURM = {"SLURM_JOB_ID": "42", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_START_TIME": "1799999000"}


def who(
    env: Mapping[str, str], *, launcher: Launcher | None = AGENT, ordinal: int = 1, chosen: str | None = None
) -> Identity:
    return identify(env, "project", chosen, ordinal, launcher, NOW)


def torchrun(rank: int, **more: str) -> dict[str, str]:
    return {**TORCHRUN, "RANK": str(rank), "LOCAL_RANK": str(rank), **more}


@pytest.mark.parametrize(
    ("env", "place"),
    [
        ({}, (0, 1, 0)),
        ({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}, (3, 8, 1)),
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_RANK": "2"}, (2, 4, 2)),
        (
            {"HOROVOD_RANK": "1", "HOROVOD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "9"},
            (1, 2, 0),
        ),
        ({"PMI_RANK": "5", "PMI_SIZE": "6"}, (5, 6, 0)),
        ({**SLURM, "SLURM_PROCID": "7", "SLURM_LOCALID": "3", "SLURM_NTASKS_PER_NODE": "4(x2)"}, (7, 8, 3)),
        ({"SLURM_JOB_ID": "42", "SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, (0, 1, 0)),
        ({**SLURM, "SLURM_PROCID": "1", "RANK": "9", "WORLD_SIZE": "16"}, (9, 16, 0)),
        ({"STREAMGAUGE_RANK": "2", "STREAMGAUGE_WORLD_SIZE": "3", "RANK": "0", "WORLD_SIZE": "1"}, (2, 3, 0)),
    ],
    ids=[
        "alone",
        "torchrun",
        "mpirun",
        "horovod",
        "pmi",
        "srun",
        "a batch script is one process",
        "torchrun in a step",
        "ours",
    ],
)
def test_launchers_say_the_rank(env: dict[str, str], place: tuple[int, int, int]) -> None:
    assert place_of(env)[:3] == place


def test_an_impossible_rank_is_named() -> None:
    with pytest.raises(ValueError, match="RANK is 8, WORLD_SIZE is 8"):
        place_of({"RANK": "8", "WORLD_SIZE": "8"})


def test_a_single_process_has_a_run_of_its_own() -> None:
    one, other = who({}), who({})
    assert one.run_id != other.run_id
    assert (one.attempt, one.again, one.doubt) == (NOW, False, "")
    assert all(len(random_id()) == 32 for _ in range(100))


def test_ranks_of_a_launch_agree() -> None:
    ranks = [who(torchrun(r)) for r in range(4)]
    assert len({(i.run_id, i.attempt) for i in ranks}) == 1
    assert [i.place.rank for i in ranks] == [0, 1, 2, 3]
    assert {i.doubt for i in ranks} == {""}


def test_another_launch_is_another_run_though_torchruns_id_is_the_same() -> None:
    first = who(torchrun(0, TORCHELASTIC_RUN_ID="my-training"))
    again = who(torchrun(0, TORCHELASTIC_RUN_ID="my-training"), launcher=AGENT._replace(start_ticks=9_999))
    elsewhere = who(torchrun(0, TORCHELASTIC_RUN_ID="my-training"), launcher=AGENT._replace(host="other"))
    assert len({first.run_id, again.run_id, elsewhere.run_id}) == 3


def test_a_restart_is_another_attempt_of_the_run() -> None:
    first, again = who(torchrun(1)), who(torchrun(1, TORCHELASTIC_RESTART_COUNT="2", MASTER_PORT="31000"))
    assert first.run_id == again.run_id
    assert again.attempt == first.attempt + 2
    assert again.again
    assert not first.again


def test_the_second_run_of_a_process_is_another_one() -> None:
    assert who(torchrun(0)).run_id != who(torchrun(0), ordinal=2).run_id
    assert who(torchrun(0), ordinal=2).run_id == who(torchrun(3), ordinal=2).run_id


def test_slurm_names_the_run_by_job_and_step() -> None:
    ranks = [who({**SLURM, "SLURM_PROCID": str(r)}, launcher=AGENT._replace(pid=r)) for r in range(8)]
    assert len({(i.run_id, i.attempt) for i in ranks}) == 1
    assert ranks[0].attempt == 1_799_999_000
    requeued = who({**SLURM, "SLURM_PROCID": "0", "SLURM_RESTART_COUNT": "1"})
    assert (requeued.run_id, requeued.attempt) == (ranks[0].run_id, ranks[0].attempt + 1)
    assert who({**SLURM, "SLURM_PROCID": "0", "SLURM_STEP_ID": "1"}).run_id != ranks[0].run_id
    alone = {**SLURM, "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}
    assert who(alone, launcher=None).run_id != who(alone, launcher=None).run_id, "a notebook in a step starts many runs"


def test_ranks_on_several_machines_need_a_launch_time_or_say_so() -> None:
    far = {"WORLD_SIZE": "16", "LOCAL_WORLD_SIZE": "8", "MASTER_ADDR": "head", "MASTER_PORT": "29500"}
    here, there = AGENT, Launcher("other", 7, 1, NOW)
    assert "STREAMGAUGE_RUN_ID" in who({**far, "RANK": "0"}, launcher=here).doubt
    timed = {**far, "STREAMGAUGE_LAUNCH_TIME": str(NOW)}
    zero, nine = who({**timed, "RANK": "0"}, launcher=here), who({**timed, "RANK": "9"}, launcher=there)
    assert (zero.run_id, zero.attempt, zero.doubt) == (nine.run_id, nine.attempt, "")
    job = {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_SIZE": "1", "PMIX_NAMESPACE": "prterun-head-77@1"}
    one = who({**job, "OMPI_COMM_WORLD_RANK": "0"}, launcher=here)
    other = who({**job, "OMPI_COMM_WORLD_RANK": "1"}, launcher=there)
    assert (one.run_id, one.attempt, one.doubt) == (other.run_id, other.attempt, "")


def test_a_chosen_run_id_wins() -> None:
    env = torchrun(2, STREAMGAUGE_RUN_ID="nightly 7")
    assert who(env).run_id == chosen_id("project", "nightly 7") == who({"STREAMGAUGE_RUN_ID": "nightly 7"}).run_id
    assert who(env).again
    assert who(env, chosen="mine").run_id == chosen_id("project", "mine")
    assert chosen_id("a", "x") != chosen_id("b", "x")
    assert chosen_id("a", "0123456789ABCDEF0123456789abcdef") == "0123456789abcdef0123456789abcdef"
    assert chosen_id("a", "0" * 32) != "0" * 32, "the first 16 digits must not all be zero"


class Shared:
    """As a torch store: a text is set once by whoever is first."""

    def __init__(self) -> None:
        self.said: dict[str, bytes] = {}

    def wait(self, keys: list[str], timeout: timedelta, /) -> None:
        if keys[0] not in self.said:
            raise RuntimeError("timed out")

    def get(self, key: str, /) -> bytes:
        return self.said[key]

    def compare_set(self, key: str, expected: str, desired: str, /) -> bytes:
        return self.said.setdefault(key, desired.encode())


def test_rank_0_tells_the_others_through_the_store() -> None:
    store = Shared()
    mine = [Identity(f"{r:032x}", Place(r, 3, r, 3, "RANK"), 100 + r, False, "unsure") for r in range(3)]
    agreed = [agree(mine[r], store, 1) for r in (0, 2, 1)]
    assert {(i.run_id, i.attempt, i.doubt) for i in agreed} == {(f"{0:032x}", 100, "")}
    assert [i.place.rank for i in agreed] == [0, 2, 1]
    assert agree(mine[2], store, 2).run_id == mine[2].run_id, "rank 0 stays silent: somebody must say it"
    assert agree(mine[1], store, 2).run_id == mine[2].run_id
