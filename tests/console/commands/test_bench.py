"""`darklaunch bench` calls a user's app, bare and behind the hook."""

import pytest

from tests.support.cli import Cli

QUICK = ("--rounds", "1", "--requests", "20")


@pytest.fixture
def cli(tmp_path):
    return Cli(None, None, str(tmp_path / "home"))


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop.py").write_text(
        """
import contextlib, json
print("loading the shop")

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            scope["state"]["ready"] = True
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    assert scope["state"]["ready"]
    body = (await receive())["body"]
    said = json.dumps([scope["method"], scope["path"], scope["query_string"].decode(), body.decode()]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": said})

def wsgi(environ, start_response):
    start_response("404 Not Found", [("content-type", "text/plain")])
    return [environ["PATH_INFO"].encode("latin-1")]

async def broken(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})

async def raising(scope, receive, send):
    if scope["type"] == "http":
        raise ValueError("boom")

def raising_wsgi(environ, start_response):
    raise KeyError("order")

nothing = 7
"""
    )
    return str(tmp_path)


def test_an_asgi_app_is_measured_with_its_lifespan_and_its_body(cli, shop):
    told = cli.json(
        "bench",
        "shop:asgi",
        "--app-dir",
        shop,
        "--url",
        "/orders/7?lines=all",
        "--method",
        "post",
        "--data",
        "hi",
        *QUICK,
    )
    assert (told["interface"], told["status"]) == ("asgi", 200)
    assert told["body_bytes"] == len('["POST", "/orders/7", "lines=all", "hi"]')
    assert [one["name"] for one in told["figures"]] == [
        "bare app",
        "hook, not sampled",
        "hook, every request sampled",
    ]
    assert all(one["p50_us"] > 0 and one["cpu_us"] > 0 for one in told["figures"])


def test_a_wsgi_app_that_refuses_is_measured_and_said_so(cli, shop):
    result = cli.run("bench", "shop:wsgi", "--app-dir", shop, "--url", "/%C3%A9", *QUICK)
    assert result.exit_code == 0, result.output
    first, second, *table, cpu, last = result.stdout.splitlines()
    assert first.startswith("The hook adds ")
    assert second.startswith("Without it your app takes ")
    assert len(table) == 4
    assert "background thread" in cpu
    assert last == "1 round of 20 requests each; WSGI, HTTP 404, 3 bytes."
    assert "HTTP 404: is that the request you meant?" in result.stderr


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("shap:asgi", "there is no module 'shap'"),
        ("shop:asgl", "'shop' has no 'asgl'; write MODULE:APP"),
        ("shop:nothing", "is 7, not a web app"),
        ("shop:broken", "the app's start-up failed: no database"),
        ("shop:raising", "GET / raised ValueError: boom (shop.py:"),
        ("shop:raising_wsgi", "GET / raised KeyError: 'order' (shop.py:"),
    ],
)
def test_an_app_that_cannot_be_called_is_a_line(cli, shop, app, said):
    result = cli.run("bench", app, "--app-dir", shop, *QUICK)
    assert result.exit_code == 1
    assert said in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("option", "value"), [("--url", "orders"), ("--url", "/a b"), ("--header", "x-none")])
def test_a_request_that_cannot_be_meant_is_refused(cli, option, value):
    assert repr(value) in cli.error("bench", "shop:asgi", option, value, code=2)
