"""The plain page for signing in, `/sign-in`: it takes one-time links, needs no console and reaches nothing but this gateway."""

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Response

from shared.web import NotFound

router = APIRouter(include_in_schema=False)
_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    "sign-in.html": "text/html; charset=utf-8",
    "sign-in.css": "text/css; charset=utf-8",
    "sign-in.js": "text/javascript; charset=utf-8",
}
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@router.get("/sign-in")
async def show_page() -> Response:
    """The page itself."""
    return _file("sign-in.html")


@router.get("/sign-in/static/{file}")
async def show_file(file: str) -> Response:
    """What belongs to it."""
    if file not in _TYPES:
        raise NotFound("not_found", "There is no such file.")
    return _file(file)


def _file(name: str) -> Response:
    return Response(_read(name), media_type=_TYPES[name], headers=_HEADERS)


@cache
def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
