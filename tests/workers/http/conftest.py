"""Every test here runs over both implementations, and over both event loops that workers run on."""

import pytest


@pytest.fixture(params=["fast", "httpx"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict]:
    return "asyncio", {"use_uvloop": request.param}
