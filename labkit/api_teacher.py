"""A teacher behind an API: replies that are paid for once, kept at once, and estimated before.

Example:
    teacher = ApiTeacher(ApiSettings.from_env(".env"), Path("cache"))
    print(teacher.estimate(requests))                          # what it would cost, before it does
    texts = teacher.ask(requests)                              # from the cache, or from the server

Every reply is in the cache as soon as it comes, so whatever ends a run (no key, an empty account, too many
requests, broken replies) loses nothing: the same command again asks only for what is missing. Source: the
chat-completions protocol, as OpenAI documents it and many servers speak it. Left out: parallel requests.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from .data import write_json
from .errors import LabError
from .teachers import Request

TOKEN = 4  # characters of English a token, roughly; what a call really used stands in the cache


@dataclass(frozen=True)
class ApiSettings:
    """Where and how an API is asked; the names in `.env` are the published guide's, and two of ours.

    Prices are dollars for a million tokens, as the provider lists them; without them no dollars are shown.
    """

    key: str | None = field(default=None, repr=False)  # OPENAI_API_KEY
    base_url: str = "https://api.openai.com/v1"  # OPENAI_BASE_URL
    model: str = "gpt-4.1-nano-2025-04-14"  # GPT4_MODEL
    max_tokens: int = 150  # GPT4_MAX_TOKENS
    temperature: float = 0.3  # GPT4_TEMPERATURE
    dry_run: bool = False  # DRY_RUN: show what it would cost, send nothing
    price_input: float | None = None  # TEACHER_PRICE_INPUT
    price_output: float | None = None  # TEACHER_PRICE_OUTPUT
    tries: int = 5  # of one request, before it is given up
    in_a_row: int = 3  # requests given up one after the other, before the rest is left for another time
    pause: float = 2.0  # seconds before the second try; doubled each time, unless the server says how long
    timeout: float = 60.0  # seconds a reply may take

    @classmethod
    def from_env(cls, path: Path | str | None = ".env", **settings: Any) -> ApiSettings:
        """From a `.env` file (`NAME=value` lines) and the environment, which wins; `settings` win over both.

        Raises LabError: a number or a yes/no that can't be read.
        """
        found = {**read_env(path), **os.environ}
        read = {}
        for name, (variable, kind) in _VARIABLES.items():
            text = found.get(variable, "").strip()
            if text:
                read[name] = _value(variable, text, kind, path)
        return cls(**{**read, **settings})


_VARIABLES: dict[str, tuple[str, type]] = {
    "key": ("OPENAI_API_KEY", str),
    "base_url": ("OPENAI_BASE_URL", str),
    "model": ("GPT4_MODEL", str),
    "max_tokens": ("GPT4_MAX_TOKENS", int),
    "temperature": ("GPT4_TEMPERATURE", float),
    "dry_run": ("DRY_RUN", bool),
    "price_input": ("TEACHER_PRICE_INPUT", float),
    "price_output": ("TEACHER_PRICE_OUTPUT", float),
}


def read_env(path: Path | str | None) -> dict[str, str]:
    """The `NAME=value` lines of a file, {} without one; blank lines, comments and quotes are dropped."""
    if path is None or not Path(path).is_file():
        return {}
    found = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = value.strip().strip("\"'")
    return found


def _value(variable: str, text: str, kind: type, path: Any) -> Any:
    if kind is bool:
        known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if text.lower() not in known:
            raise LabError(f"{variable} to be True or False", repr(text), path or "the environment")
        return known[text.lower()]
    try:
        return kind(text)
    except ValueError:
        raise LabError(f"{variable} to be a number", repr(text), path or "the environment") from None


@dataclass(frozen=True)
class Estimate:
    """What requests would cost at most. `cached`: replies that are there already and cost nothing."""

    calls: int
    cached: int
    input_tokens: int
    output_tokens: int
    dollars: float | None

    def __str__(self) -> str:
        price = "price unknown: set TEACHER_PRICE_INPUT and TEACHER_PRICE_OUTPUT"
        price = price if self.dollars is None else f"at most ${self.dollars:.4f}"
        tokens = f"about {self.input_tokens} tokens in, at most {self.output_tokens} out"
        return f"{self.calls} calls ({self.cached} more are cached): {tokens}; {price}"


class _Broken(Exception):
    """A reply that can't be used, with what was wrong; asking again may help. wait: seconds, if told."""

    def __init__(self, words: str, wait: float | None = None):
        super().__init__(words)
        self.wait = wait


class ApiTeacher:
    """Any server that speaks the chat-completions protocol, asked one request after the other.

    Args:
        cache: folder with a file for each reply; two runs may share it.
        budget: dollars, for all that this teacher is asked; a list of requests that could go beyond isn't
            begun. None: no limit.
    """

    def __init__(self, settings: ApiSettings, cache: Path, *, budget: float | None = None):
        self.settings, self.cache, self.budget = settings, Path(cache), budget
        self.name = settings.model
        self._begun = 0.0  # dollars that the lists begun so far may have cost, at most

    def estimate(self, requests: Sequence[Request]) -> Estimate:
        """What asking these would cost at most; nothing is sent."""
        missing = list({self._file(request): request for request in self._missing(requests)}.values())
        tokens_in = sum(len(request.prompt) // TOKEN + 8 for request in missing)  # 8: roles and marks
        tokens_out = len(missing) * self.settings.max_tokens
        prices = (self.settings.price_input, self.settings.price_output)
        dollars = None
        if None not in prices:
            dollars = (tokens_in * prices[0] + tokens_out * prices[1]) / 1e6
        return Estimate(len(missing), len(requests) - len(missing), tokens_in, tokens_out, dollars)

    def ask(self, requests: Sequence[Request]) -> list[str]:
        """A reply for each request, from the cache or the server.

        Raises LabError, with every reply so far in the cache: DRY_RUN is on; no key, or one that the server
        refuses; more than the budget; the account is empty; or requests that failed `tries` times, after
        `in_a_row` of which the rest isn't tried.
        """
        estimate = self.estimate(requests)
        if estimate.calls:
            print(f"{self.name}: {estimate}")
            self._may_begin(estimate)
            self._fetch(self._missing(requests))
        return [json.loads(self._file(request).read_text("utf-8"))["reply"] for request in requests]

    def _may_begin(self, estimate: Estimate) -> None:
        if self.settings.dry_run:
            raise LabError(
                "a teacher's replies", f"DRY_RUN: nothing was sent ({estimate})", self.cache, "DRY_RUN=False"
            )
        if not self.settings.key:
            raise LabError("OPENAI_API_KEY in the environment or in .env", "no key", command="edit .env")
        if self.budget is None:
            return
        if estimate.dollars is None:
            words = "no prices, so nobody knows the cost"
            raise LabError(f"at most ${self.budget:.2f}", words, "", "TEACHER_PRICE_INPUT=… in .env")
        if self._begun + estimate.dollars > self.budget:
            before = f", after at most ${self._begun:.4f} before" if self._begun else ""
            again = "fewer questions, or a larger budget; what is cached costs nothing again"
            raise LabError(f"at most ${self.budget:.2f}", f"{estimate}{before}", "", again)
        self._begun += estimate.dollars

    def _fetch(self, requests: Sequence[Request]) -> None:
        import httpx

        failed: list[tuple[Request, str]] = []
        in_a_row = untried = 0
        headers = {"Authorization": f"Bearer {self.settings.key}"}
        with httpx.Client(headers=headers, timeout=self.settings.timeout) as client:
            for number, request in enumerate(tqdm(requests, desc=self.name, unit="reply", leave=False)):
                if self._file(request).is_file():  # the same request twice in one list
                    continue
                if in_a_row == self.settings.in_a_row:
                    untried = len(requests) - number
                    break
                try:
                    reply = self._one(client, request)
                except _Broken as error:
                    failed.append((request, str(error)))
                    in_a_row += 1
                except LabError as error:
                    left = f"{number - len(failed)} of {len(requests)} replies came and are cached"
                    raise LabError(
                        error.expected, f"{error.found}; {left}", self.cache, error.command
                    ) from None
                else:
                    write_json(self._file(request), reply)
                    in_a_row = 0
        if failed:
            request, words = failed[0]
            found = f"{len(failed)} of {len(requests)} failed {self.settings.tries} times"
            found += f", {in_a_row} in a row, and {untried} were left" if untried else ""
            came = len(requests) - len(failed) - untried
            found += f"; {request.qid}: {words}; {came} replies came and are cached"
            again = "the same command again, perhaps later: it asks only for what is missing"
            raise LabError("a usable reply to each request", found, self.cache, again)

    def _one(self, client, request: Request) -> dict[str, Any]:
        """The reply to one request, tried again where that can help. Raises _Broken or LabError."""
        pause = self.settings.pause
        for tried in range(1, self.settings.tries + 1):
            try:
                return self._send(client, request)
            except _Broken as error:
                if tried == self.settings.tries:
                    raise
                time.sleep(pause if error.wait is None else min(error.wait, 60.0))
                pause *= 2
        raise AssertionError("unreachable: tries is at least 1")

    def _send(self, client, request: Request) -> dict[str, Any]:
        import httpx

        body = {
            "model": self.settings.model,
            "messages": [{"role": "user", "content": request.prompt}],
            "max_tokens": self.settings.max_tokens,
            "temperature": self.settings.temperature,
        }
        try:
            answer = client.post(f"{self.settings.base_url.rstrip('/')}/chat/completions", json=body)
        except httpx.TransportError as error:
            raise _Broken(f"no connection ({type(error).__name__})") from None
        _refuse(answer, self.settings.base_url)
        try:
            found = answer.json()
            text = found["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError):
            raise _Broken("a malformed reply: no choices[0].message.content in it") from None
        if not isinstance(text, str) or not text.strip():
            raise _Broken("an empty reply")
        usage = found.get("usage") if isinstance(found.get("usage"), dict) else {}
        return {
            "qid": request.qid,
            "attempt": request.attempt,
            "model": self.settings.model,
            "usage": usage,
            "reply": text,
        }

    def _missing(self, requests: Sequence[Request]) -> list[Request]:
        return [request for request in requests if not self._file(request).is_file()]

    def _file(self, request: Request) -> Path:
        """The cache file of a request: another prompt, model, setting or attempt is another file."""
        asked = [self.settings.base_url, self.settings.model, self.settings.max_tokens]
        asked += [self.settings.temperature, request.prompt, request.attempt]
        digest = hashlib.sha256(json.dumps(asked).encode("utf-8")).hexdigest()
        return self.cache / f"{digest[:32]}.json"


def _refuse(answer, where: str) -> None:
    """Raises LabError for what asking again can't mend, _Broken for what it may."""
    status = answer.status_code
    if status == 200:
        return
    try:
        error = answer.json()["error"]
        code, words = str(error.get("code") or error.get("type")), str(error.get("message", ""))[:200]
    except (ValueError, KeyError, TypeError, AttributeError):
        code, words = "", answer.text[:200]
    if status in (401, 403):
        raise LabError(
            "a key that the server accepts", f"{status}: {words}", where, "edit OPENAI_API_KEY in .env"
        )
    if status == 402 or "insufficient_quota" in code:
        again = "top up the account, then the same command again: it goes on where it stopped"
        raise LabError("credit on the account", f"{status}: {words}", where, again)
    if status == 429 or status >= 500:
        told = answer.headers.get("retry-after", "")
        wait = float(told) if told.replace(".", "", 1).isdigit() else None
        raise _Broken(f"{status}: {words or 'too many requests'}", wait)
    raise LabError(
        "a request that the server takes", f"{status}: {words}", where, "GPT4_MODEL, OPENAI_BASE_URL in .env"
    )
