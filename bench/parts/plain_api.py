"""The same two handlers in FastAPI: the same sign-in check, the same queries, the same models; uvicorn as it comes.

    python -m bench.parts.plain_api DATABASE_URL SECRET

Says its port in a line of JSON and serves until its input ends. One line a request, into a file, as uvicorn writes it
unless told otherwise; no request ids, no metrics, no security headers, no ETag: what a FastAPI program has before
somebody adds them.
"""

import asyncio
import json
import socket
import sys
import tempfile
from copy import deepcopy
from typing import Annotated, Any, Generic, TextIO, TypeVar

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

from bench.parts.stdin import until_input_ends
from server.access.access import Access
from server.access.principal import Principal
from server.clock import SystemClock
from server.routes.auth import UserPublic
from server.store import paging
from server.store.engine import Store

T = TypeVar("T")


class Meta(BaseModel):
    page: int
    pageSize: int
    total: int


class One(BaseModel, Generic[T]):
    success: bool = True
    data: T


class Many(BaseModel, Generic[T]):
    success: bool = True
    data: list[T]
    meta: Meta


def make(access: Access) -> FastAPI:
    app = FastAPI()

    async def principal(authorization: Annotated[str, Header()]) -> Principal:
        return await access.by_token(authorization.removeprefix("Bearer "))

    async def me(who: Annotated[Principal, Depends(principal)]) -> One[UserPublic]:
        return One(data=UserPublic.model_validate(await access.accounts.get(who.user_id)))

    async def users(
        who: Annotated[Principal, Depends(principal)],
        page: int = 1,
        pageSize: int = 20,
        search: str | None = None,
        sort: str | None = None,
    ) -> Many[UserPublic]:
        if not who.may("users:read"):
            raise HTTPException(403)
        found = await access.accounts.page(paging.Page(page, pageSize, search, sort))
        shown = [UserPublic.model_validate(row) for row in found.rows]
        return Many(data=shown, meta=Meta(page=page, pageSize=pageSize, total=found.total))

    app.add_api_route("/api/v1/auth/me", me)
    app.add_api_route("/api/v1/users", users)
    return app


def _logging(lines: TextIO) -> dict[str, Any]:
    """uvicorn's own, but for where its lines go: standard output is for the port."""
    chosen = deepcopy(uvicorn.config.LOGGING_CONFIG)
    for handler in chosen["handlers"].values():
        handler["stream"] = lines
    return chosen


async def main(url: str, secret: str) -> None:
    with tempfile.TemporaryFile("w") as lines:
        await serve(url, secret, lines)


async def serve(url: str, secret: str, lines: TextIO) -> None:
    async with Store(url) as store:
        app = make(Access(store, secret, SystemClock()))
        server = uvicorn.Server(uvicorn.Config(app, log_config=_logging(lines)))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(server.serve(sockets=[listener]))
                await until_input_ends()
                server.should_exit = True


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
