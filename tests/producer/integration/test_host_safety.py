"""Every internal of the hook replaced in turn by one that fails, stalls or hangs: no byte of any response changes."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time

import pytest
from darklaunch import CaptureMiddleware, WSGICaptureMiddleware, asgi, is_promoted, promotion, wsgi
from darklaunch.capture import recorder, recording
from darklaunch.capture.buffer import RecordingBuffer
from darklaunch.capture.recorder import CaptureRecorder
from darklaunch.capture.recording import Recording
from darklaunch.capture.serialize import RecordingSerializer
from darklaunch.delivery import known_promotions, thread
from darklaunch.delivery.launch_poller import SnapshotPoller
from darklaunch.delivery.launch_queue import LaunchQueue
from darklaunch.delivery.packing import PreparedRecording, RecordingPacker
from darklaunch.delivery.redis_connection import RedisConnection
from darklaunch.delivery.telemetry import HookTelemetry
from darklaunch.settings import HookOptions
from greenlet import GreenletExit

from tests.support.asgi import answering, body, get, start
from tests.support.hook import Launch, eventually
from tests.support.wsgi import PLAIN, call
from tests.support.wsgi import answering as wsgi_answering

IN_REQUEST = [
    (Recording, "__init__"),
    (Recording, "add_request_chunk"),
    (Recording, "begin_response"),
    (Recording, "add_response_chunk"),
    (Recording, "finish"),
    (Recording, "_keep_chunk"),
    (Recording, "_reserve_bytes"),
    (RecordingSerializer, "serialize"),
    (CaptureRecorder, "begin_recording"),
    (CaptureRecorder, "_is_refused"),
    (RecordingBuffer, "reserve_bytes"),
    (RecordingBuffer, "add_recording"),
    (RecordingBuffer, "add_note"),
    (recorder, "find_request_skip"),
    (recorder, "strip_query"),
    (recording, "find_response_skip"),
    (asgi, "read_asgi_target"),
    (asgi, "_read_head"),
    (asgi, "determine_body_bytes"),
    (asgi, "_find_content_type"),
    (asgi, "find_route"),
    (asgi, "find_asgi_route"),
    (asgi, "_AsgiTee"),
    (wsgi, "read_wsgi_target"),
    (wsgi, "_read_head"),
    (wsgi, "determine_body_bytes"),
    (wsgi, "_find_content_type"),
    (wsgi, "find_route"),
    (wsgi, "find_wsgi_route"),
    (wsgi, "_WsgiTee"),
    (wsgi, "ResponseBody"),
]
AT_AN_EARLY_END = [
    (Recording, "skip"),
    (Recording, "is_response_complete"),
    (Recording, "_discard_chunks"),
    (RecordingBuffer, "release_bytes"),
    (RecordingBuffer, "add_note"),
]
IN_BACKGROUND = [
    (thread.DeliveryThread, "_pause_s"),
    (SnapshotPoller, "poll_if_due"),
    (SnapshotPoller, "refresh_snapshot"),
    (RecordingBuffer, "take_recordings"),
    (RecordingBuffer, "take_notes"),
    (RecordingPacker, "prepare"),
    (RecordingPacker, "_name_endpoint"),
    (PreparedRecording, "pack"),
    (PreparedRecording, "release"),
    (LaunchQueue, "apply_state"),
    (LaunchQueue, "add"),
    (LaunchQueue, "next_batch"),
    (LaunchQueue, "build_admission"),
    (LaunchQueue, "record_admitted"),
    (LaunchQueue, "build_counters"),
    (HookTelemetry, "write_due"),
    (RedisConnection, "send_commands"),
    (thread, "call_script"),
]
WHOLE = [start(200, (b"content-type", b"text/plain")), body(b"ok")]
STREAMED = [start(200, (b"content-type", b"text/csv")), body(b"a", more=True), body(b"b", more=True), body(b"")]


class Odd(BaseException):
    """A BaseException that nobody expects, such as a panic of an extension module."""


HANG_S = 120


class Broken:
    """Stands in for an internal of the hook: fails, sleeps or hangs. `called` is set once it was called."""

    def __init__(self, mode: str | type[BaseException], really) -> None:
        self.mode, self.really = mode, really
        self.called, self.over = threading.Event(), threading.Event()

    def __get__(self, owner, kind=None):
        return lambda *args, **named: self(owner, *args, **named)

    def __call__(self, *args, **named):
        self.called.set()
        if isinstance(self.mode, type):
            raise self.mode
        if self.mode == "raise":
            raise ZeroDivisionError("in the hook")
        if self.mode == "BaseException":
            raise Odd("in the hook")
        self.over.wait({"short sleep": 0.004, "sleep": 0.3}.get(self.mode, HANG_S))
        return self.really(*args, **named)


class HookedApps:
    """Four apps with the hook over one Redis: ASGI and WSGI, whole and streamed."""

    def __init__(self, url: str) -> None:
        options: HookOptions = {"redis_url": url, "app_name": secrets.token_hex(4)}
        self.asgi = [(CaptureMiddleware(answering(*sent), **options), sent) for sent in (WHOLE, STREAMED)]
        self.wsgi = [WSGICaptureMiddleware(wsgi_answering(b"a", b"b", wrap=wrap), **options) for wrap in (list, iter)]
        self.recorders = {app._recorder for app, _ in self.asgi} | {app._recorder for app in self.wsgi}

    def send_requests(self) -> None:
        for app, sent in self.asgi:
            assert get(app, "/orders/1") == sent
            assert get(app, "/never") == sent
        for wsgi_app in self.wsgi:
            assert call(wsgi_app) == (["200 OK", PLAIN], [b"a", b"b"], None)

    def is_sampling(self) -> bool:
        return all(recorder.snapshot.sampling_launches for recorder in self.recorders)


@pytest.fixture
def hooked_apps(valkey):
    launch = Launch(valkey.url, "safety").publish(skip=("/never",))
    apps = HookedApps(valkey.url)
    apps.send_requests()
    assert eventually(apps.is_sampling)
    yield apps, launch
    for app_recorder in apps.recorders:
        app_recorder.stop(for_good=True)


@pytest.mark.parametrize("mode", ["raise", "BaseException", "short sleep"])
def test_an_internal_that_fails_or_stalls_in_the_request_changes_nothing(hooked_apps, mode, monkeypatch) -> None:
    apps, launch = hooked_apps
    for owner, name in IN_REQUEST:
        with monkeypatch.context() as patched:
            broken = Broken(mode, getattr(owner, name))
            patched.setattr(owner, name, broken)
            apps.send_requests()
            assert broken.called.is_set(), name
    apps.send_requests()
    before = launch.ledger("sampled")
    apps.send_requests()
    assert eventually(lambda: launch.ledger("sampled") > before)


class Stopped(asyncio.CancelledError):
    """A cancellation with a name of its own."""


class Unplugged(Exception):
    """The app's own error."""


async def leaves(scope, receive, send) -> None:
    await send(start(200, (b"content-type", b"text/plain")))
    raise Unplugged


def leaves_too(environ, start_response):
    start_response("200 OK", list(PLAIN))
    yield b"a"
    raise Unplugged


@pytest.mark.parametrize("mode", ["raise", "BaseException"])
def test_an_internal_that_fails_when_the_app_fails_does_not_hide_the_apps_error(hooked_apps, mode, monkeypatch) -> None:
    apps, launch = hooked_apps
    asgi_app, wsgi_app = apps.asgi[0][0], apps.wsgi[0]
    monkeypatch.setattr(asgi_app, "app", leaves)
    monkeypatch.setattr(wsgi_app, "app", leaves_too)
    for owner, name in AT_AN_EARLY_END:
        with monkeypatch.context() as patched:
            broken = Broken(mode, getattr(owner, name))
            patched.setattr(owner, name, broken)
            with pytest.raises(Unplugged):
                get(asgi_app, "/orders/1")
            with pytest.raises(Unplugged):
                call(wsgi_app)
            assert broken.called.is_set(), name
    before = launch.ledger("skipped:aborted")
    with pytest.raises(Unplugged):
        get(asgi_app, "/orders/1")
    assert eventually(lambda: launch.ledger("skipped:aborted") > before)


@pytest.mark.parametrize("mode", ["raise", "BaseException"])
def test_is_promoted_returns_false_whatever_fails(hooked_apps, mode, monkeypatch) -> None:
    for owner, name in [
        (promotion, "_start_following"),
        (known_promotions.KnownPromotions, "wait_for_first_read"),
        (promotion, "_is_in_event_loop"),
    ]:
        monkeypatch.setattr(known_promotions.PROMOTIONS, "followed", False)
        with monkeypatch.context() as patched:
            broken = Broken(mode, getattr(owner, name))
            patched.setattr(owner, name, broken)
            assert is_promoted("nobodys") is False
            assert broken.called.is_set(), name


@pytest.mark.parametrize("interrupt", [Stopped, GreenletExit, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_raised_from_outside_while_the_hook_works_reaches_the_server(
    hooked_apps, interrupt, monkeypatch
) -> None:
    """A cancellation, a time limit, a signal: the hook raises none of these itself, and must not swallow one."""
    apps, launch = hooked_apps
    for owner, name in [(CaptureRecorder, "begin_recording"), (Recording, "add_response_chunk"), (Recording, "finish")]:
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, Broken(interrupt, getattr(owner, name)))
            for app, _ in apps.asgi:
                with pytest.raises(interrupt):
                    get(app, "/orders/1")
            with pytest.raises(interrupt):
                call(apps.wsgi[0])
    apps.send_requests()
    before = launch.ledger("sampled")
    apps.send_requests()
    assert eventually(lambda: launch.ledger("sampled") > before)


@pytest.mark.parametrize("mode", ["raise", "BaseException", "sleep", "hang"])
def test_an_internal_that_breaks_in_the_background_changes_nothing(hooked_apps, mode, monkeypatch) -> None:
    apps, launch = hooked_apps
    monkeypatch.setattr(thread, "PAUSE_AFTER_ERROR_S", 0.01)
    for owner, name in IN_BACKGROUND:
        with monkeypatch.context() as patched:
            broken = Broken(mode, getattr(owner, name))
            patched.setattr(owner, name, broken)
            launch.publish(skip=("/never",))  # some internals are called only when launches change
            began = time.monotonic()
            apps.send_requests()
            assert eventually(broken.called.is_set), name
            apps.send_requests()
            assert time.monotonic() - began < HANG_S / 2, name
            broken.over.set()
    before = len(launch.exchanges())
    assert eventually(apps.is_sampling)
    apps.send_requests()
    assert eventually(lambda: len(launch.exchanges()) >= before + 4)
