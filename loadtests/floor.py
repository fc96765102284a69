"""The floor that every figure is compared with: a bare Starlette route doing one SQLAlchemy Core primary-key select.

Same driver, same pool, same PostgreSQL, same server program as the product; nothing else.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

ROWS = 1_000
URL_VARIABLE = "FLOOR_DATABASE_URL"

metadata = MetaData()
people = Table("floor_people", metadata, Column("id", Integer, primary_key=True), Column("name", String(50)))


def create_app() -> Starlette:
    """Return the application; it fills its table when it starts."""
    engine = create_async_engine(os.environ[URL_VARIABLE], pool_size=10, max_overflow=10)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.drop_all)
            await connection.run_sync(metadata.create_all)
            await connection.execute(
                insert(people), [{"id": number, "name": f"person {number}"} for number in range(ROWS)]
            )
        yield
        await engine.dispose()

    async def find_person(request: Request) -> JSONResponse:
        async with engine.connect() as connection:
            row = (await connection.execute(select(people).where(people.c.id == request.path_params["id"]))).one()
        return JSONResponse({"id": row.id, "name": row.name})

    return Starlette(routes=[Route("/people/{id:int}", find_person)], lifespan=lifespan)
