"""The wire to a server: many requests at a time on an event loop of its own, within a cap, with patience.

The loop runs on a background thread, so that the caller may itself be inside one (a notebook). A generator hands
replies on as they come; when its consumer stops, by Ctrl-C or an error, what is in flight is cancelled.

Retries are made here and not by the ``openai`` client, because each of them has to count against the cap, and because
a server that asks one request to wait means all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import random
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from probes.errors import ModelError, SpendCapError, UnavailableError, describe, require
from probes.models.servers.api_key import hidden, key_of, without_key
from probes.models.servers.retry import LONGEST, backoff, retry_after, worth_another

__all__ = ["Arrival", "Request", "Spent", "Wire"]

#: attempts to reach a server that never answered anything
_KNOCKS = 3
#: questions given up in succession, or as many as are in flight if these are more, after which a server counts as gone
_GIVEN_UP = 16
#: statuses that are no question's fault
_BUSY = (429, 502, 503, 504)
#: route -> how the client is asked
_ROUTES = {
    "chat": lambda client: client.chat.completions,
    "completions": lambda client: client.completions,
    "embeddings": lambda client: client.embeddings,
}


@dataclass(frozen=True)
class Request:
    """One request: a route of the table (chat, completions, embeddings) and its parameters."""

    route: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Arrival:
    """What came back.

    Attributes
    ----------
    body : dict or None
        The server's JSON; None if there was no usable answer.
    tokens : int
        Tokens it took, as the server says; else a fourth of the characters.
    reason : str
        Why there is none, in words, without the key.
    fault : {"", "server", "nobody"}
        Whose fault it is: "server" if it kept silent or was busy, "nobody" if no connection could be made.
    """

    body: dict[str, Any] | None
    tokens: int = 0
    reason: str = ""
    fault: str = ""


@dataclass
class Spent:
    """What was spent in this process, and the most that may be.

    Attributes
    ----------
    calls, tokens : int
        Requests sent, every attempt counted; tokens of prompts and replies.
    retries : int
        Attempts after the first.
    max_calls, max_tokens : int or None
    largest : int
        Most tokens of one request so far: what is set aside for each in flight.
    """

    calls: int = 0
    tokens: int = 0
    retries: int = 0
    max_calls: int | None = None
    max_tokens: int | None = None
    largest: int = 0

    def fits(self, flying: int) -> bool:
        """Whether the token cap has room for one request more than those in flight."""
        if self.max_tokens is None:
            return True
        return self.tokens < self.max_tokens and self.tokens + (flying + 1) * self.largest <= self.max_tokens

    def check_calls(self) -> None:
        if self.max_calls is not None and self.calls >= self.max_calls:
            raise SpendCapError(_capped(self.max_calls, "calls", "max_calls"))


def _capped(cap: int, what: str, parameter: str) -> str:
    return (
        f"The cap of {cap} {what} is reached; the answers so far are kept. Run again with a higher {parameter}: only "
        "unanswered questions are asked."
    )


@dataclass
class _Stream:
    """Requests that are being made for one consumer."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    error: ModelError | None = None


class Wire:
    """Connections to one server.

    Parameters
    ----------
    base_url : str
    key_variable : str
        Environment variable that holds the key; it is read here and kept nowhere else.
    in_flight : int
        The most requests at a time.
    retries : int
        Attempts after the first.
    timeout : float
        Seconds for one attempt.
    spent : Spent
    """

    def __init__(self, base_url: str, key_variable: str, in_flight: int, retries: int, timeout: float, spent: Spent):
        openai = require("openai", "Endpoint")
        self._openai = openai
        self._key = key_of(key_variable)
        self._key_variable = key_variable
        self.in_flight, self.retries, self.timeout, self.spent = in_flight, retries, timeout, spent
        # the client insists on a key; servers without keys ignore it
        client = openai.AsyncOpenAI(base_url=base_url, api_key=self._key or "none", max_retries=0, timeout=timeout)
        self._client = client
        self._slots = asyncio.Semaphore(in_flight)
        self._turn = asyncio.Condition()
        self._flying = 0
        self._met = self._answered = False
        self._heard, self._given_up = 0.0, 0
        self._not_before = 0.0
        self._rng = random.Random()
        self.pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._loop.run_forever, name="iomap-endpoint", daemon=True)
        thread.start()
        self.close = weakref.finalize(self, _close, client, self._loop, thread, self.pid)

    def hidden(self, text: str) -> str:
        """A text without the key."""
        return hidden(text, self._key)

    def send(self, requests: Sequence[Request]) -> Iterator[tuple[int, Arrival]]:
        """Make requests; pairs of a request's number and what arrived, as they arrive.

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
        future = asyncio.run_coroutine_threadsafe(self._all(requests, arrived), self._loop)
        future.add_done_callback(lambda _: arrived.put(None))
        try:
            while (pair := arrived.get()) is not None:
                yield pair
            if (error := future.result()) is not None:
                raise error
        finally:
            future.cancel()

    async def _all(self, requests: Sequence[Request], arrived: Any) -> ModelError | None:
        stream, pending = _Stream(), iter(enumerate(requests))

        async def work() -> None:
            for i, request in pending:
                if stream.stop.is_set():
                    return
                try:
                    async with self._slots:
                        arrived.put((i, await self._settled(request, stream)))
                except ModelError as error:
                    stream.error = stream.error or error
                    stream.stop.set()
                except Exception as error:  # noqa: BLE001 - told without the key and not wrapped in a group
                    told = self._told(f"The request could not be made: {type(error).__name__}", str(error))
                    stream.error = stream.error or ModelError(f"{told.rstrip('.')}.")
                    stream.stop.set()

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.in_flight, len(requests))):
                group.create_task(work())
        return stream.error

    async def _settled(self, request: Request, stream: _Stream) -> Arrival:
        """One request, with as many attempts as it takes and is allowed."""
        attempt, began = 0, self._loop.time()
        while True:
            await self._pause(self._not_before - self._loop.time(), stream)
            arrival, again, asked = await self._attempt(request, stream)
            patience = self.retries if self._met else min(self.retries, _KNOCKS - 1)
            if again and attempt >= patience and not self._met:
                raise UnavailableError(f"The server cannot be reached: {arrival.reason}.")
            if not again:
                self._answered, self._given_up = True, 0
                return arrival
            if attempt >= patience:
                arrival = replace(arrival, reason=f"{arrival.reason} ({attempt + 1} attempts)")
                self._give_up(arrival, began)
                return arrival
            wait = backoff(attempt, asked, self._rng)
            if asked is not None:
                if asked > LONGEST:
                    raise UnavailableError(f"The server asks to wait {asked:.0f} s; run again later. {arrival.reason}")
                self._not_before = max(self._not_before, self._loop.time() + wait)
            await self._pause(wait, stream)
            attempt += 1
            self.spent.retries += 1

    def _give_up(self, arrival: Arrival, began: float) -> None:
        """Take note of a question that was not answered; raises UnavailableError if no other would be either.

        So it is when nobody listens any more and no request was answered since this one was made first, when questions
        in succession are given up for no fault of theirs, and when a server fails from the first one on.
        """
        self._given_up += bool(arrival.fault) or not self._answered
        most = max(_GIVEN_UP, self.in_flight) if self._answered else _KNOCKS
        if self._given_up >= most or (arrival.fault == "nobody" and self._heard < began):
            self._given_up = 0
            told = "does not answer any more" if self._answered else "answers nothing"
            raise UnavailableError(
                f"The server {told}: {arrival.reason}. Earlier answers are kept: run again to go on."
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

    async def _attempt(self, request: Request, stream: _Stream) -> tuple[Arrival, bool, float | None]:
        """One attempt: what arrived, whether another one may help, and how long the server asks to wait first."""
        spent, openai = self.spent, self._openai
        async with self._turn:
            spent.check_calls()
            while not spent.fits(self._flying):
                if not self._flying:
                    raise SpendCapError(_capped(spent.max_tokens or 0, "tokens", "max_tokens"))
                await self._turn.wait()
                spent.check_calls()
            if stream.error is not None:
                raise stream.error
            self._flying += 1
            spent.calls += 1
        arrival = None
        try:
            async with asyncio.timeout(self.timeout):
                raw = await _ROUTES[request.route](self._client).with_raw_response.create(**request.body)
            self._met, self._heard = True, self._loop.time()
            arrival = self._read(raw.text, request)
            return arrival, arrival.body is None, None
        except (TimeoutError, openai.APITimeoutError):
            return Arrival(None, 0, f"no answer within {self.timeout:g} s", "server"), True, None
        except openai.APIConnectionError as error:
            cause = error.__cause__
            fault = "nobody" if type(cause).__name__ == "ConnectError" else "server"
            return Arrival(None, 0, self._told("no connection", str(cause or error)), fault), True, None
        except openai.APIStatusError as error:
            self._met, self._heard = True, self._loop.time()
            return self._refused(error)
        finally:
            async with self._turn:
                self._flying -= 1
                if arrival is not None:
                    spent.tokens += arrival.tokens
                    spent.largest = max(spent.largest, arrival.tokens)
                self._turn.notify_all()

    def _read(self, text: str, request: Request) -> Arrival:
        try:
            body = without_key(json.loads(text), self._key)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            return Arrival(None, 0, f"the answer is no JSON object: {describe(self.hidden(text), 60)}")
        usage = body.get("usage")
        told = usage.get("total_tokens") if isinstance(usage, dict) else None
        guess = (len(text) + len(json.dumps(request.body, default=str))) // 4
        return Arrival(body, told if isinstance(told, int) and told > 0 else guess)

    def _refused(self, error: Any) -> tuple[Arrival, bool, float | None]:
        status = int(error.status_code)
        reason = self._told(f"HTTP {status}", error.response.text)
        if status in (401, 403, 404) or error.code == "model_not_found":
            # a variable's name in small letters may be a key that was taken for one
            name = self._key_variable if self._key_variable.isupper() else "the variable that key_variable names"
            known = f" No key was sent: {name} is not set." if status in (401, 403) and not self._key else ""
            raise UnavailableError(f"The server turns requests away: {reason}.{known}") from None
        if error.code is not None and not worth_another(status, error.code) and worth_another(status):
            raise UnavailableError(f"The server turns requests away: {reason}.") from None
        fault = "server" if status in _BUSY else ""
        return Arrival(None, 0, reason, fault), worth_another(status), retry_after(error.response.headers)

    def _told(self, what: str, words: str) -> str:
        text = " ".join(self.hidden(words).split())
        return f"{what}: {text if len(text) <= 200 else text[:199] + '…'}" if text else what


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
