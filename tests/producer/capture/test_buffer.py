"""What request threads hand to the delivery thread stays within its bounds."""

from __future__ import annotations

from darklaunch.capture.buffer import RecordingBuffer
from darklaunch.capture.recording import FinishedRecording


def finished(target: str) -> FinishedRecording:
    return FinishedRecording(
        launches=("one",),
        captured_at_ms=0,
        method="GET",
        target=target,
        status=200,
        route=None,
        text=b"{}",
        request=b"",
        response=b"",
        unredacted_headers=None,
        reserved_bytes=0,
    )


def test_bytes_are_reserved_up_to_the_limit_and_free_again_after_release() -> None:
    buffer = RecordingBuffer(max_bytes=100, max_entries=10)
    assert buffer.reserve_bytes(60)
    assert not buffer.reserve_bytes(41)
    assert buffer.reserve_bytes(40)
    buffer.release_bytes(60)
    assert buffer.used_bytes == 40
    assert buffer.reserve_bytes(60)


def test_recordings_that_wait_for_redis_count_against_the_limit_too() -> None:
    buffer = RecordingBuffer(max_bytes=100, max_entries=3)
    buffer.waiting = 2
    assert buffer.add_recording(finished("/1"))
    assert not buffer.add_recording(finished("/2"))
    assert [recording.target for recording in buffer.take_recordings(10)] == ["/1"]


def test_the_oldest_recordings_are_taken_first() -> None:
    buffer = RecordingBuffer(max_bytes=100, max_entries=10)
    for number in range(3):
        assert buffer.add_recording(finished(f"/{number}"))
    assert [recording.target for recording in buffer.take_recordings(2)] == ["/0", "/1"]
    assert len(buffer) == 1


def test_notes_say_whether_a_request_was_lost_or_skipped() -> None:
    buffer = RecordingBuffer(max_bytes=100, max_entries=10)
    buffer.add_note(("one", "two"), "path")
    buffer.add_note(("one",), "too_large", sampled=True)
    assert buffer.take_notes() == [(("one", "two"), False, "path"), (("one",), True, "too_large")]
    assert buffer.take_notes() == []
