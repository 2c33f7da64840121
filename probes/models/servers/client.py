"""The client of a server: many requests at a time on a background event loop, within a cap, with retries.

The loop runs on a thread, so that the caller may itself be inside one (a notebook). A generator hands replies on as
they come; when its consumer stops, by Ctrl-C or an error, what is in flight is cancelled.

Retries are made here and not by the ``openai`` client, because each of them has to count against the cap, and because
a server that asks one request to wait means all of them. Redirects are not followed, because each would be a call more
that no cap counts, and may lead to another host's model.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import random
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from probes.errors import ModelError, SpendCapError, UnavailableError, require
from probes.models.servers.api_key import key_of
from probes.models.servers.messages import Arrival, Request, Verdict, read_answer, read_refusal, without_secrets
from probes.models.servers.retry import LONGEST, backoff
from probes.models.servers.settings import Limits
from probes.models.servers.spent import Spent
from probes.models.servers.transport import Unreadable, transport

__all__ = ["Client"]

#: attempts to reach a server that never answered anything
_FIRST_ATTEMPTS = 3
#: questions given up in succession, or as many as are in flight if these are more, after which a server counts as gone
_GIVEN_UP = 16
#: route -> how the openai client is asked
_ROUTES = {
    "chat": lambda client: client.chat.completions,
    "completions": lambda client: client.completions,
    "embeddings": lambda client: client.embeddings,
}


@dataclass
class _Stream:
    """Requests that are being made for one consumer."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    error: ModelError | None = None

    def end(self, error: ModelError) -> None:
        """Start no further request; the first error is the one that the consumer sees."""
        self.error = self.error or error
        self.stop.set()


class Client:
    """Connections to one server.

    Parameters
    ----------
    base_url : str
    key_variable : str
        Environment variable that holds the key; it is read here and kept nowhere else.
    limits : Limits
    spent : Spent
        Updated with every attempt.
    """

    def __init__(self, base_url: str, key_variable: str, limits: Limits, spent: Spent):
        openai = require("openai", "Endpoint")
        self._openai = openai
        self._key = key_of(key_variable)
        self._key_variable = key_variable
        self.limits, self.spent = limits, spent
        # the openai client insists on a key; servers without keys ignore it
        key = self._key or "none"
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=key,
            max_retries=0,
            timeout=limits.timeout,
            http_client=transport(openai, limits.timeout),
        )
        self._slots = asyncio.Semaphore(limits.in_flight)
        self._turn = asyncio.Condition()
        self._in_flight = 0
        self._reached = self._answered = False
        self._last_reached, self._given_up = 0.0, 0
        self._not_before = 0.0
        self._rng = random.Random()
        self.pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._loop.run_forever, name="iomap-endpoint", daemon=True)
        thread.start()
        self.close = weakref.finalize(self, _close, self._client, self._loop, thread, self.pid)

    def send(self, requests: Sequence[Request]) -> Iterator[tuple[int, Arrival]]:
        """Make requests; yield pairs of a request's number and what arrived, as they arrive.

        Raises
        ------
        SpendCapError
            At the cap, after everything in flight has been handed on.
        UnavailableError
            If the server turns every request away (a wrong key, an unknown model) or is gone, likewise.
        ModelError
            If a request cannot be made.
        """
        arrived: queue.SimpleQueue[tuple[int, Arrival] | None] = queue.SimpleQueue()
        future = asyncio.run_coroutine_threadsafe(self._send_all(requests, arrived), self._loop)
        future.add_done_callback(lambda _: arrived.put(None))
        try:
            while (pair := arrived.get()) is not None:
                yield pair
            if (error := future.result()) is not None:
                raise error
        finally:
            future.cancel()

    async def _send_all(self, requests: Sequence[Request], arrived: Any) -> ModelError | None:
        stream, pending = _Stream(), iter(enumerate(requests))

        async def work() -> None:
            for i, request in pending:
                if stream.stop.is_set():
                    return
                try:
                    async with self._slots:
                        arrived.put((i, await self._settle(request, stream)))
                except ModelError as error:
                    stream.end(error)
                except Exception as error:  # noqa: BLE001 - shown without the key and not wrapped in a group
                    what = f"The request could not be made: {type(error).__name__}"
                    stream.end(ModelError(f"{without_secrets(what, str(error), self._key).rstrip('.')}."))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.limits.in_flight, len(requests))):
                group.create_task(work())
        return stream.error

    async def _settle(self, request: Request, stream: _Stream) -> Arrival:
        """Make one request, with as many attempts as it takes and is allowed."""
        attempt, began = 0, self._loop.time()
        while True:
            await self._pause(self._not_before - self._loop.time(), stream)
            verdict = await self._attempt(request, stream)
            arrival = verdict.arrival
            if not verdict.again:
                self._answered, self._given_up = True, 0
                return arrival
            retries = self.limits.retries
            if attempt >= (retries if self._reached else min(retries, _FIRST_ATTEMPTS - 1)):
                if not self._reached:
                    raise UnavailableError(f"The server cannot be reached: {arrival.reason}.")
                arrival = replace(arrival, reason=f"{arrival.reason} ({attempt + 1} attempts)")
                self._give_up(arrival, began)
                return arrival
            await self._pause(self._wait(attempt, verdict), stream)
            attempt += 1
            self.spent.retries += 1

    def _wait(self, attempt: int, verdict: Verdict) -> float:
        """Return the seconds until the next attempt; what the server asks one request to wait holds for all.

        Raises
        ------
        UnavailableError
            If the server asks for more patience than there is.
        """
        asked = verdict.wait
        wait = backoff(attempt, asked, self._rng)
        if asked is not None:
            if asked > LONGEST:
                reason = verdict.arrival.reason
                raise UnavailableError(f"The server asks to wait {asked:.0f} s; run again later. {reason}")
            self._not_before = max(self._not_before, self._loop.time() + wait)
        return wait

    def _give_up(self, arrival: Arrival, began: float) -> None:
        """Count a question that was not answered.

        Raises
        ------
        UnavailableError
            If no other would be answered either: no connection can be made and no request was answered since this one
            was made first, questions in succession are given up for no fault of theirs, or a server fails from the
            first one on.
        """
        self._given_up += bool(arrival.fault) or not self._answered
        most = max(_GIVEN_UP, self.limits.in_flight) if self._answered else _FIRST_ATTEMPTS
        if self._given_up >= most or (arrival.fault == "nobody" and self._last_reached < began):
            self._given_up = 0
            what = "does not answer any more" if self._answered else "answers nothing"
            raise UnavailableError(
                f"The server {what}: {arrival.reason}. Earlier answers are kept: run again to go on."
            )

    async def _pause(self, seconds: float, stream: _Stream) -> None:
        """Wait, unless the run ends meanwhile."""
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await stream.stop.wait()
        except TimeoutError:
            return
        raise stream.error or SpendCapError("stopped")

    async def _admit(self, stream: _Stream) -> None:
        """Wait until the caps have room for one request more, and count it."""
        async with self._turn:
            self.spent.check_calls()
            while not self.spent.fits(self._in_flight):
                if not self._in_flight:
                    raise self.spent.over_tokens()
                await self._turn.wait()
                self.spent.check_calls()
            if stream.error is not None:
                raise stream.error
            self._in_flight += 1
            self.spent.calls += 1

    async def _attempt(self, request: Request, stream: _Stream) -> Verdict:
        """Make one attempt."""
        openai, timeout = self._openai, self.limits.timeout
        await self._admit(stream)
        arrival = None
        try:
            async with asyncio.timeout(timeout):
                raw = await _ROUTES[request.route](self._client).with_raw_response.create(**request.body)
            self._reached, self._last_reached = True, self._loop.time()
            arrival = read_answer(raw.text, request, self._key)
            return Verdict(arrival, arrival.body is None)
        except (TimeoutError, openai.APITimeoutError):
            return Verdict(Arrival(None, 0, f"no answer within {timeout:g} s", "server"), True)
        except (Unreadable, openai.APIConnectionError) as error:
            cause = error if isinstance(error, Unreadable) else error.__cause__
            if isinstance(cause, Unreadable):
                self._reached, self._last_reached = True, self._loop.time()
                return Verdict(Arrival(None, 0, str(cause)), False)
            fault = "nobody" if type(cause).__name__ == "ConnectError" else "server"
            return Verdict(
                Arrival(None, 0, without_secrets("no connection", str(cause or error), self._key), fault), True
            )
        except openai.APIStatusError as error:
            self._reached, self._last_reached = True, self._loop.time()
            return read_refusal(error, self._key, self._key_variable)
        finally:
            async with self._turn:
                self._in_flight -= 1
                if arrival is not None:
                    self.spent.count(arrival.tokens)
                self._turn.notify_all()


def _close(client: Any, loop: asyncio.AbstractEventLoop, thread: threading.Thread, pid: int) -> None:
    """Cancel what is in flight, close the connections and end the thread."""
    if os.getpid() != pid or loop.is_closed() or not thread.is_alive():
        return

    async def finish() -> None:
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()

    if threading.current_thread() is thread:
        loop.call_soon(loop.stop)
        return
    with contextlib.suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(finish(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    if not thread.is_alive():
        loop.close()
