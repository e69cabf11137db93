"""Answers that hurt a client: pages, emptiness, half a body, far too much of it, or byte by byte."""

from __future__ import annotations

import asyncio

from aiohttp import web

from simulator.behaviour import Behaviour

_PAGE = """\
<!DOCTYPE html>
<html><head><title>{status} Gateway</title></head>
<body><h1>{status}</h1><p>The upstream server did not answer in time.</p></body></html>
"""
_PIECE = b" " * 65_536


class HangUp(Exception):
    """The connection is cut where an answer was due."""


def cut(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def spoiled(
    request: web.Request, response: web.Response, answer_as: str, behaviour: Behaviour
) -> web.StreamResponse:
    """The answer in a bad shape. `html` and `empty` only keep its status."""
    body = response.body if isinstance(response.body, bytes) else b""
    match answer_as:
        case "html":
            page = _PAGE.format(status=response.status)
            return web.Response(status=response.status, text=page, content_type="text/html")
        case "empty":
            return web.Response(status=response.status)
        case "truncated":
            return await _truncated(request, response, body)
        case "gigantic":
            size = int(behaviour.settings["gigantic_bytes"])
            return await _gigantic(request, response, body, size)
        case "drip":
            return await _dripping(request, response, body, behaviour.seconds("drip_seconds"))
        case _:
            return response


async def _truncated(
    request: web.Request, response: web.Response, body: bytes
) -> web.StreamResponse:
    """The headers promise the whole body; the connection ends in its middle."""
    begun = await _begun(request, response, len(body))
    await begun.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return begun


async def _gigantic(
    request: web.Request, response: web.Response, body: bytes, size: int
) -> web.StreamResponse:
    """Blanks before the body: it would be right, if somebody read that far."""
    pieces = size // len(_PIECE)
    begun = await _begun(request, response, pieces * len(_PIECE) + len(body))
    for _ in range(pieces):
        await begun.write(_PIECE)
    await begun.write(body)
    return begun


async def _dripping(
    request: web.Request, response: web.Response, body: bytes, seconds: float
) -> web.StreamResponse:
    begun = await _begun(request, response, len(body))
    for position in range(len(body)):
        await begun.write(body[position : position + 1])
        await asyncio.sleep(seconds)
    return begun


async def _begun(request: web.Request, response: web.Response, length: int) -> web.StreamResponse:
    headers = {"Content-Type": response.headers.get("Content-Type", "application/json")}
    begun = web.StreamResponse(status=response.status, headers=headers)
    begun.content_length = length
    await begun.prepare(request)
    return begun
