"""The routes. Each parses, asks one part of the service, and answers."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response

from clip_backend import __version__, metrics
from clip_backend.bodies import announced_bytes, json_body
from clip_backend.form import boundary_of
from clip_backend.jobs import Clip, ClipStatus, Job
from clip_backend.problems import Problem, add_problem_handlers, stopping
from clip_backend.sending import clip_response
from clip_backend.service import NAME, Service
from clip_backend.shapes import Health, JobView, UploadView, job_view, read_order
from clip_backend.uploads import unknown_upload

_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


def create_app(service: Service) -> FastAPI:
    app = FastAPI(
        title="clip backend",
        version=__version__,
        openapi_url=None,  # and with it no pages of documentation
        redirect_slashes=False,
    )
    app.state.service = service
    add_problem_handlers(app)
    app.add_api_route("/uploads", take_upload, methods=["POST"], status_code=201)
    app.add_api_route("/uploads/{upload_id}", delete_upload, methods=["DELETE"], status_code=204)
    app.add_api_route("/jobs", order_job, methods=["POST"], status_code=202)
    app.add_api_route("/jobs/{job_id}", tell_job, methods=["GET"])
    app.add_api_route("/jobs/{job_id}", delete_job, methods=["DELETE"], status_code=204)
    app.add_api_route("/jobs/{job_id}/clips/{number}", send_clip, methods=["GET", "HEAD"])
    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/metrics", tell_metrics, methods=["GET"])
    return app


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(_service)]


async def take_upload(request: Request, response: Response, service: TheService) -> UploadView:
    if service.stopping:
        raise stopping()
    boundary = boundary_of(request.headers.get("content-type"))
    upload = await service.uploads.take(request.stream(), boundary, announced_bytes(request))
    response.headers["Location"] = f"/uploads/{upload.id}"
    return UploadView(id=upload.id, bytes=upload.bytes)


async def delete_upload(upload_id: str, service: TheService) -> Response:
    await service.uploads.delete(upload_id)
    return Response(status_code=204)


async def order_job(request: Request, response: Response, service: TheService) -> JobView:
    if service.stopping:
        raise stopping()
    order = read_order(await json_body(request), service.settings.max_clips)
    upload = service.uploads.get(order.upload)
    if upload is None:
        raise unknown_upload()
    if service.stopping:  # it may have begun while the body came
        raise stopping()
    job = service.book.order(upload, [(clip.start_s, clip.duration_s) for clip in order.clips])
    response.headers["Location"] = f"/jobs/{job.id}"
    return job_view(job)


async def tell_job(job_id: str, service: TheService) -> JobView:
    return job_view(service.book.get(job_id))


async def delete_job(job_id: str, service: TheService) -> Response:
    await service.book.delete(job_id)
    return Response(status_code=204)


async def send_clip(request: Request, job_id: str, number: str, service: TheService) -> Response:
    job = service.book.get(job_id)
    clip = _clip(job, number)
    if clip.status is not ClipStatus.OK:
        raise Problem(409, f"the clip is {clip.status}")
    return await clip_response(request, job.file_of(clip), f"{job.id}-{clip.number}")


async def health(service: TheService) -> Health:
    return Health(status="ok", backend=NAME, version=__version__, ffmpeg=service.ffmpeg_version)


async def tell_metrics(service: TheService) -> Response:
    text = service.metrics.text(service.book.counts())
    return Response(text, media_type=metrics.MEDIA_TYPE)


def _clip(job: Job, number: str) -> Clip:
    """To the letter: 01 is no number of a clip."""
    if _NUMBER.fullmatch(number) and int(number) <= len(job.clips):
        return job.clips[int(number) - 1]
    raise Problem(404, "there is no such clip")
