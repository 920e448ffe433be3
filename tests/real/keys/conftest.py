"""One mesh for all keys: a file that a test writes is replaced by that of the next."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support import mesh as meshes
from tests.support.mesh import Mesh


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    async with meshes.mesh(tmp_path_factory.mktemp("keys")) as running:
        yield running
