"""What somebody else puts into a queue of Redis is not carried out, whatever function it names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis
from rq.exceptions import DeserializationError
from rq.serializers import JSONSerializer

from clinic_web.config import Settings
from clinic_web.kernel.jobs import ForeignJob, OwnJob, drain, run


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    with Redis.from_url(settings.redis_url) as connection:
        yield connection


def put(redis: Redis, data: bytes, **more: str) -> OwnJob:
    """Write a job as RQ keeps it, past RQ; return it as a worker fetches it."""
    key = uuid4().hex
    redis.hset(f"rq:job:{key}", mapping={"data": data, "status": "queued", "origin": "asked",
                                         "created_at": "2026-11-21T10:00:00.000000Z", **more})  # fmt: skip
    return OwnJob.fetch(key, connection=redis, serializer=JSONSerializer)


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "clinic_web.kernel.jobs.enqueue", ""])
def test_only_our_own_entry_points_run(redis: Redis, tmp_path: Path, name: str) -> None:
    file = tmp_path / "carried-out"
    job = put(redis, json.dumps([name, None, [f"touch {file}"], {}]).encode())
    with pytest.raises(ForeignJob):
        job.perform()
    assert not file.exists()


def test_a_job_of_ours_brings_no_callback_and_no_address_to_call(redis: Redis) -> None:
    ours = json.dumps([f"{run.__module__}.run", None, ["no.job"], {}]).encode()
    job = put(redis, ours, success_callback_name="os.getcwd", failure_callback_name="os.getcwd")
    assert job.func is run and job.success_callback is None and job.failure_callback is None
    assert job.webhooks == []
    assert put(redis, json.dumps([f"{run.__module__}.drain", None, ["x"], {}]).encode()).func is drain


def test_a_pickle_is_not_opened(redis: Redis) -> None:
    job = put(redis, b"\x80\x04\x95\x1b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x8c\x06getcwd\x93)R.")
    with pytest.raises(DeserializationError):
        job.perform()
