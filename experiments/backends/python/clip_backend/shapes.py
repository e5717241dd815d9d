"""The JSON that comes in and goes out. Numbers are numbers, no key is unknown, nothing is guessed."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from clip_backend.jobs import Clip, ClipStatus, Job, JobStatus
from clip_backend.problems import Problem

_MOST_S = 1e7
_MOST_CHARACTERS = 300

Start = Annotated[float, Field(ge=0, le=_MOST_S, allow_inf_nan=False)]
Duration = Annotated[float, Field(gt=0, le=_MOST_S, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _few_keys(cls, given: Any) -> Any:
        """pydantic would tell each of 100,000 unknown keys."""
        if isinstance(given, dict) and len(given) > len(cls.model_fields):
            raise ValueError("unknown keys")
        return given


class OrderedClip(_Strict):
    start_s: Start
    duration_s: Duration


class Order(_Strict):
    upload: str
    # One fault is enough: 1 MiB has room for half a million, which cost 700 MB and seven seconds.
    clips: Annotated[list[OrderedClip], Field(min_length=1, fail_fast=True)]


def read_order(body: bytes, max_clips: int) -> Order:
    """Raises Problem: 400 what is no JSON, 422 what is of another shape."""
    try:
        document = from_json(body)
    except ValueError:
        raise Problem(400, "the body is no JSON") from None
    clips = document.get("clips") if isinstance(document, dict) else None
    if isinstance(clips, list) and len(clips) > max_clips:
        raise Problem(422, f"clips: more than {max_clips}")
    try:
        return Order.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise Problem(422, f"{where}: {first['msg']}"[:_MOST_CHARACTERS]) from None


class ClipView(BaseModel):
    number: int
    start_s: float
    duration_s: float
    status: ClipStatus
    error: str | None
    bytes: int | None
    url: str | None
    started_s: float | None
    ended_s: float | None


class JobView(BaseModel):
    id: str
    upload: str
    status: JobStatus
    created_s: float
    clips: list[ClipView]


class UploadView(BaseModel):
    id: str
    bytes: int


class Health(BaseModel):
    status: str
    backend: str
    version: str
    ffmpeg: str


def job_view(job: Job) -> JobView:
    return JobView(
        id=job.id,
        upload=job.upload.id,
        status=job.status,
        created_s=job.created_s,
        clips=[_clip_view(job, clip) for clip in job.clips],
    )


def _clip_view(job: Job, clip: Clip) -> ClipView:
    return ClipView(
        number=clip.number,
        start_s=clip.start_s,
        duration_s=clip.duration_s,
        status=clip.status,
        error=clip.error,
        bytes=clip.bytes,
        url=f"/jobs/{job.id}/clips/{clip.number}" if clip.status is ClipStatus.OK else None,
        started_s=clip.started_s,
        ended_s=clip.ended_s,
    )
