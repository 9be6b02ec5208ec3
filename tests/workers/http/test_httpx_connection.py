"""What httpx's connection refuses: h11 sends no byte above 0x7e in a target."""

import pytest
from darklaunch_workers.http import UnsendableRequest

from tests.support.hostile_shadow import OK, calling, request

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("target", [b"/\xff\xfe", "/é?ü=ö".encode(), b"/\xe9"])
async def test_a_target_beyond_ascii_is_refused_unsent_and_the_connection_stays(target: bytes) -> None:
    async with calling("httpx", OK) as (client, shadow):
        await client.send(request(b"/before"), deadline_s=5)
        with pytest.raises(UnsendableRequest, match="httpx cannot send"):
            await client.send(request(target), deadline_s=5)
        await client.send(request(b"/after"), deadline_s=5)
        assert [head.split(b" ")[1] for head in shadow.heads] == [b"/before", b"/after"]
